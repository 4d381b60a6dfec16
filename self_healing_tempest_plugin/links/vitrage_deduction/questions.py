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

"""Link deduction: Vitrage's templates between its alarms."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import vitrage_inquiries

Clue, Inquiry = context.Clue, context.Inquiry


def template(case):
    """Is the template that deduces there, and did Vitrage load it?"""
    around = case.around
    named, uuid = around.alarm.template, around.learned.get('template')
    kind = around.alarm.file.split('.')[0]
    return vitrage_inquiries.judged(
        _of(case.clients.vitrage.templates(), uuid, named,
            'self_healing_%s_' % kind),
        named or uuid or 'of the tests',
        'host template')


def _of(templates, uuid, name, prefix):
    if uuid:
        return [entry for entry in templates if entry['uuid'] == uuid]
    return [entry for entry in templates if entry['name'] == name or (
        not name and entry['name'].startswith(prefix))]


def cause(case):
    """Is the monitor's alarm on the host in the graph, and its state?"""
    host, name = case.ids['host'], case.ids['host_alarm']
    around = case.clients.vitrage.around(
        case.around.learned['host']['vitrage_id'])
    if around is None:
        return (Clue(
            False, 'host %s has left the graph' % host,
            "Vitrage's datasource nova.host: host %s has left the graph"
            % host),)
    here = [alarm for alarm in around.alarms if (
        alarm['vitrage_type'], alarm['name']) == (
            case.around.monitor.datasource, name)]
    state = around.entity.get('vitrage_aggregated_state') or 'without state'
    if here:
        return (Clue(True, 'alarm %s is on host %s, which is %s' % (
            name, host, state)),)
    return (Clue(
        False, 'alarm %s is no more on host %s, which is %s' % (
            name, host, state),
        "the monitor: alarm %s on host %s ended before anything was "
        'deduced from it' % (name, host)),)


def edge(case):
    """Does the graph know that the server is on the host?"""
    host, server = (case.around.learned[name] for name in (
        'host', 'server'))
    if case.clients.vitrage.contains(host, server):
        return (Clue(True, 'host %s contains server %s' % (
            host['id'], server['id'])),)
    return (Clue(
        False, 'no edge says that host %s contains server %s' % (
            host['id'], server['id']),
        "Vitrage's datasource nova.instance and Nova's notifications: the "
        'graph does not know that server %s is on host %s' % (
            server['id'], host['id'])),)


def deduced(case):
    """On which servers are deduced alarms of that name?"""
    name, server = (case.ids['deduced_alarm'],
                    case.ids['server_id'])
    alarms = case.clients.vitrage.active_alarms('vitrage')
    named = [alarm for alarm in alarms if alarm['name'] == name]
    if not named:
        other_names = sorted({alarm['name'] for alarm in alarms})
        return (Clue(False, 'no deduced alarm %s on any server%s' % (
            name,
            ', but: %s' % ', '.join(other_names) if other_names else '')),)
    return [_on(case, alarm, name, server) for alarm in named[:5]]


def _on(case, alarm, name, server):
    place = alarm.get('vitrage_resource_id')
    if place == case.around.learned['server']['vitrage_id']:
        state = (case.clients.vitrage.entity('nova.instance', server) or {})
        return Clue(
            True, 'alarm %s is on server %s, whose state is %s' % (
                name, server, state.get('vitrage_aggregated_state')))
    return Clue(
        False, 'alarm %s is on another entity: %s' % (
            name, _entity(alarm) or place),
        "the conditions of the host template: it deduces %s for %s, not for "
        'server %s' % (name, _entity(alarm) or place, server))


def _entity(alarm):
    return ' '.join(filter(None, (
        alarm.get('resource_type') or alarm.get('vitrage_resource_type'),
        alarm.get('resource_id'))))


_INQUIRIES = (
    Inquiry('Vitrage', 'the host template', template),
    Inquiry('Vitrage', "the host's alarms", cause),
    Inquiry('Vitrage', 'the server on the host', edge),
    Inquiry('Vitrage', 'deduced alarms', deduced),
    Inquiry('Vitrage', 'its status', vitrage_inquiries.status),
)


def inquiries(case):
    """Return what to ask when nothing is deduced.

    :param case: :class:`..context.Case`
    """
    del case
    return _INQUIRIES
