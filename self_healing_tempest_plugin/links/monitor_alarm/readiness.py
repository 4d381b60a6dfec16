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

"""Whether the host's alarms in Vitrage are as they must be for a fault."""

from self_healing_tempest_plugin.links import vitrage_alarms


def prepare(around):
    """Wait until Vitrage knows the host, and its history answers.

    :param around: :class:`..surroundings.Surroundings`
    :returns: ``host``, its vertex in Vitrage's graph, and ``alarms_before``
    :raises ..waiting.WaitTimeout: when it does not
    """
    host = vitrage_alarms.wait(
        around, lambda: around.clients.vitrage.entity(
            'nova.host', around.application.host),
        what="host %s in Vitrage's graph" % around.application.host,
        look_at="Vitrage's datasource nova.host")
    before = vitrage_alarms.wait(
        around, lambda: (frozenset(map(
            vitrage_alarms.key, _past(around, host))),),
        what="the alarms of host %s in Vitrage's history"
             % around.application.host, look_at='vitrage-persistor')
    return {'host': host, 'alarms_before': before[0]}


def unmet(around):
    """Return that an alarm is on the host, or was since it was prepared.

    The healing that it has set off may be under way.

    :param around: :class:`..surroundings.Surroundings`
    """
    return active(around) or _passed(around)


def active(around):
    """Return that an alarm is on the host, in the graph or the history.

    Either may have it alone: the history comes late, and the graph forgets an
    alarm whose end the history has not got.

    :param around: :class:`..surroundings.Surroundings`
    """
    host, name = around.learned['host'], around.application.host
    present = around.clients.vitrage.around(host['vitrage_id'])
    if present is None:
        return "host %s is not in Vitrage's graph" % name
    names = _names(around)
    active_alarms = [alarm['name'] for alarm in present.alarms
                     if alarm['vitrage_type'] == around.monitor.datasource
                     and alarm['name'] in names]
    active_alarms += [alarm['name'] for alarm in _past(around, host)
                      if not alarm.get('end_timestamp')]
    return '' if not active_alarms else 'alarm %s is active on host %s' % (
        active_alarms[0], name)


def _passed(around):
    before = around.learned['alarms_before']
    new = [alarm for alarm in _past(around, around.learned['host'])
           if vitrage_alarms.key(alarm) not in before]
    return '' if not new else (
        'alarm %s was on host %s since the application is there, from %s to '
        '%s' % (new[0]['name'], around.application.host,
                new[0].get('start_timestamp'), new[0].get('end_timestamp')))


def _names(around):
    return around.settings.host_alarm.name, around.settings.nic_alarm.name


def _past(around, host):
    return [alarm for name in _names(around)
            for alarm in around.clients.vitrage.alarms(
                host['vitrage_id'], around.monitor.datasource, name)]
