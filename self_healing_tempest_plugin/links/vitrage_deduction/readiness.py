# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Whether Vitrage knows the server, and has deduced nothing for it yet."""

from self_healing_tempest_plugin.links import vitrage_alarms


def prepare(around):
    """Wait until Vitrage knows the server and that it is on the host.

    :param around: :class:`..surroundings.Surroundings`
    :returns: ``host`` and ``server``, their vertices in Vitrage's graph
    :raises ..waiting.WaitTimeout: when it does not
    """
    vitrage, app = around.clients.vitrage, around.application

    def observe():
        host = vitrage.entity('nova.host', app.host)
        server = vitrage.entity('nova.instance', app.server_id)
        edge = host and server and vitrage.contains(host, server)
        return host, server, edge

    host, server, _ = vitrage_alarms.wait(
        around, observe, all,
        what="server %s on host %s in Vitrage's graph" % (
            app.server_id, app.host),
        describe=lambda seen: 'host %s, server %s, contains edge %s' % tuple(
            'there' if part else 'missing' for part in seen),
        look_at="Vitrage's datasources nova.host and nova.instance, and "
                "Nova's notifications")
    return {'host': host, 'server': server}


def unmet(around):
    """Return that something was deduced for the server already.

    :param around: :class:`..surroundings.Surroundings`
    """
    name = around.settings.deduced_alarm_name
    vitrage_id = around.learned['server']['vitrage_id']
    vitrage = around.clients.vitrage
    present = vitrage.around(vitrage_id)
    there = present is not None and any(
        alarm['name'] == name for alarm in present.alarms)
    return '' if not (there or vitrage.alarms(
        vitrage_id, vitrage_alarms.DEDUCED, name)) else (
            'alarm %s was deduced for server %s before the fault' % (
                name, around.application.server_id))


def remains(around, server_id):
    """Return that the graph still has a server.

    :param around: :class:`..surroundings.Surroundings`
    :param server_id: the server
    """
    return "it is still in Vitrage's graph" if (
        around.clients.vitrage.entity('nova.instance', server_id)) else ''
