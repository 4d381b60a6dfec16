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

"""Link alarm: the monitor as its sender, Vitrage as its receiver."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import vitrage_inquiries

Clue, Inquiry = context.Clue, context.Inquiry


def in_graph(case):
    """Does Vitrage's graph have the host that the alarm would be on?"""
    host = case.ids['host']
    if case.clients.vitrage.entity('nova.host', host):
        return (Clue(True, 'host %s is in the graph' % host),)
    return (Clue(
        False, 'host %s is not in the graph' % host,
        "Vitrage's datasource nova.host: host %s is not in its graph"
        % host),)


def active(case):
    """Which alarms of that name does Vitrage have, and on whom?"""
    name, datasource = (case.ids['host_alarm'],
                        case.around.monitor.datasource)
    alarms = [alarm for alarm in case.clients.vitrage.active_alarms(datasource)
              if alarm['name'] == name]
    if not alarms:
        return (Clue(False, 'there is no active alarm %s of %s' % (
            name, datasource)),)
    hosts = {host['vitrage_id']: host['id']
             for host in case.clients.vitrage.hosts().values()}
    return [_place(case, alarm, hosts.get(alarm.get('vitrage_resource_id')))
            for alarm in alarms[:5]]


def _place(case, alarm, host):
    name, expected = case.ids['host_alarm'], case.ids['host']
    since = alarm.get('update_timestamp')
    if host == expected:
        return Clue(None, 'alarm %s is on host %s since %s' % (
            name, host, since))
    place = 'host %s' % host if host else 'no host of the graph'
    return Clue(
        False, 'alarm %s is on %s, not on host %s, since %s' % (
            name, place, expected, since),
        '%s: alarm %s is on %s instead of host %s' % (
            case.around.monitor.host_look_at, name, place, expected))


def datasource(case):
    """Has Vitrage ever had an alarm of the monitor?"""
    name = case.around.monitor.datasource
    newest = case.clients.vitrage.newest_alarm(name)
    if newest:
        return (Clue(True, 'its newest alarm of %s: %s at %s' % (
            name, newest['name'], newest.get('start_timestamp'))),)
    return (Clue(
        None, 'it has never had an alarm of %s' % name,
        "Vitrage's [datasources] types: is %s there? It has never had an "
        'alarm of it' % name),)


_INQUIRIES = (
    Inquiry('Vitrage', 'its status', vitrage_inquiries.status),
    Inquiry('Vitrage', 'the host in the graph', in_graph),
    Inquiry('Vitrage', 'alarms of that name', active),
    Inquiry('Vitrage', 'alarms of the monitor', datasource),
)


def inquiries(case):
    """Return what to ask when the alarm is missing.

    :param case: :class:`..context.Case`
    """
    return *case.around.monitor.inquiries(case), *_INQUIRIES
