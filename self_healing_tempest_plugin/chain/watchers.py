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

"""One watcher per link: what to ask, and what counts as an answer.

A watcher knows the state before the fault, so that nothing old is taken for
an effect of it, and ties what it sees by ids: this host, this server, this
stack, this address.
"""

import dataclasses
import json
import typing

from self_healing_tempest_plugin.chain import links

# Vitrage lists alarms from a database that its persistor fills from a queue:
# an alarm may be older than its first showing by that many seconds. On a
# loaded 2-core machine 3 s were measured.
VITRAGE_DATABASE_LAG = 10.0

_NOT_YET = 'not there'


@dataclasses.dataclass(frozen=True)
class Sighting:
    """That a link started or finished, see :class:`.timeline.Evidence`."""

    mark: links.Mark
    object_id: str
    payload: typing.Mapping
    lag: float = 0.0


@dataclasses.dataclass(frozen=True)
class Look:
    """One answer.

    :ivar state: what was seen, for people
    :ivar failure: why it cannot become right any more, if so
    :ivar object_id: what has failed
    """

    state: str
    sightings: tuple[Sighting, ...] = ()
    failure: str = ''
    object_id: str = ''


class AlarmWatcher:
    """The monitor's alarm on the broken host, in Vitrage."""

    link = links.Link.ALARM

    def __init__(self, vitrage, host, datasource, name):
        """Take the alarms of before.

        :param host: the host's vertex in Vitrage's graph, a dict
        :param datasource: ``vitrage_type`` of the alarm
        :param name: name of the alarm
        """
        self._vitrage, self._host = vitrage, host
        self._datasource, self._name = datasource, name
        self._before = frozenset(map(_alarm_key, self._alarms()))

    def look(self, recorder):
        """Ask once; see :class:`Look`."""
        new = [alarm for alarm in self._alarms()
               if _alarm_key(alarm) not in self._before]
        if not new:
            return Look(_NOT_YET)
        alarm = new[-1]
        return Look(_alarm_state(alarm), (Sighting(
            links.Mark.FINISHED, alarm['vitrage_id'],
            dict(_alarm_payload(alarm), host=self._host['id']),
            VITRAGE_DATABASE_LAG),))

    def _alarms(self):
        return self._vitrage.alarms(self._host['vitrage_id'],
                                    self._datasource, self._name)


class DeductionWatcher:
    """The deduced alarm on the server, and its deduced state."""

    link = links.Link.DEDUCTION

    def __init__(self, vitrage, server, name):
        """Take the alarms of before.

        :param server: the server's vertex in Vitrage's graph, a dict
        :param name: name of the deduced alarm
        """
        self._vitrage, self._server, self._name = vitrage, server, name
        self._before = frozenset(map(_alarm_key, self._alarms()))
        self._state_error = False

    def look(self, recorder):
        """Ask once; see :class:`Look`.

        The server and its state go when Heat deletes the server; then the
        alarm in the history is enough.
        """
        new = [alarm for alarm in self._alarms()
               if _alarm_key(alarm) not in self._before]
        entity = self._vitrage.entity('nova.instance', self._server['id'])
        state = _deduced_state(entity)
        self._state_error = self._state_error or state == 'ERROR'
        text = 'alarm %s, server %s' % (
            _alarm_state(new[-1]) if new else _NOT_YET, state)
        if not new or not (self._state_error or entity is None):
            return Look(text)
        if not self._state_error:
            recorder.remark('state', 'the deduced state ERROR was not seen: '
                            'the server had left the graph')
        return Look(text, (Sighting(
            links.Mark.FINISHED, new[-1]['vitrage_id'],
            dict(_alarm_payload(new[-1]), server_id=self._server['id'],
                 state_error=self._state_error), VITRAGE_DATABASE_LAG),))

    def _alarms(self):
        return self._vitrage.alarms(self._server['vitrage_id'], 'vitrage',
                                    self._name)


def _alarm_key(alarm):
    # The same vertex may come back: the start makes it another alarm.
    return alarm['vitrage_id'], alarm.get('start_timestamp')


def _alarm_payload(alarm):
    return {key: alarm.get(key) for key in (
        'name', 'vitrage_type', 'vitrage_resource_id', 'start_timestamp',
        'end_timestamp', 'update_timestamp')}


def _alarm_state(alarm):
    return 'ended' if alarm.get('end_timestamp') else 'active'


def _deduced_state(entity):
    if entity is None:
        return 'gone'
    return entity.get('vitrage_aggregated_state') or 'without state'


class WorkflowWatcher:
    """The Mistral executions that name the server."""

    link = links.Link.WORKFLOW

    def __init__(self, mistral, workflow, server_id):
        """Take the executions of before.

        :param workflow: name of the workflow
        :param server_id: what the execution's input must name
        """
        self._mistral, self._workflow = mistral, workflow
        self._server_id = server_id
        self._before = frozenset(
            one['id'] for one in mistral.executions(workflow, server_id))

    def look(self, recorder):
        """Ask once; see :class:`Look`."""
        found = [one for one in self._mistral.executions(
            self._workflow, self._server_id) if one['id'] not in self._before]
        if not found:
            return Look(_NOT_YET)
        self._remark(recorder, found)
        state = ', '.join('%s %s' % (one['id'], one['state'])
                          for one in found[:5])
        sightings = [self._sighting(links.Mark.STARTED, found[0])]
        healer = self._healer(found)
        if healer is not None:
            sightings.append(self._sighting(links.Mark.FINISHED, healer))
        elif all(one['state'] in ('ERROR', 'CANCELLED') for one in found):
            return Look(state, tuple(sightings), self._reason(found[0]),
                        found[0]['id'])
        return Look(state, tuple(sightings))

    def _sighting(self, mark, execution):
        return Sighting(mark, execution['id'], {
            'server_id': self._server_id, 'state': execution['state'],
            'workflow': self._workflow, 'input': execution['input'],
            'created_at': execution.get('created_at')})

    def _healer(self, found):
        # Repeated executions that found nothing to do end well too, perhaps
        # earlier than the one that heals.
        return next((one for one in found if one['state'] == 'SUCCESS'
                     and not self._idle(one['id'])), None)

    def _idle(self, execution_id):
        output = _output(self._mistral.execution(execution_id))
        return output.get('found') is False

    def _reason(self, execution):
        detail = self._mistral.execution(execution['id'])
        return 'execution %s is in %s: %s' % (
            execution['id'], detail['state'],
            (detail.get('state_info') or 'no state_info').strip())

    def _remark(self, recorder, found):
        if len(found) == 1:
            return
        states = sorted({one['state'] for one in found})
        recorder.remark('executions', '%d executions were started for server '
                        '%s: %s' % (len(found), self._server_id, ', '.join(
                            '%d %s' % (sum(one['state'] == state
                                           for one in found), state)
                            for state in states)))


def _output(execution):
    try:
        values = json.loads(execution.get('output') or '{}')
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


class StackWatcher:
    """The stack, updated with another server on another host."""

    link = links.Link.STACK

    def __init__(self, heat, nova, stack, server_id):
        """Take the stack of before.

        :param stack: :class:`..application.Stack`
        :param server_id: the server that is to be replaced
        """
        self._heat, self._nova, self._stack = heat, nova, stack
        self._server_id = server_id
        self._before = _stack_version(heat.stack(stack.identifier))

    def look(self, recorder):
        """Ask once; see :class:`Look`."""
        stack = self._heat.stack(self._stack.identifier)
        if stack is None:
            return Look('deleted', failure='the stack is deleted',
                        object_id=self._stack.id)
        status = stack['stack_status']
        if _stack_version(stack) == self._before:
            return Look(status)
        sightings = [self._sighting(links.Mark.STARTED, status)]
        if status != 'UPDATE_COMPLETE':
            failed = '%s: %s' % (status, stack.get('stack_status_reason'))
            return Look(status, tuple(sightings),
                        failed if status.endswith('_FAILED') else '',
                        self._stack.id)
        server = self._replacement()
        if server is None:
            return Look('%s, still with server %s' % (
                status, self._server_id), tuple(sightings))
        if server['status'] == 'ACTIVE':
            sightings.append(self._sighting(
                links.Mark.FINISHED, status, server_id=server['id'],
                host=server['OS-EXT-SRV-ATTR:host'],
                status=server['status']))
        return Look('%s, server %s %s' % (
            status, server['id'], server['status']), tuple(sightings))

    def _replacement(self):
        server_id = server_of(self._heat.resources(self._stack.identifier))
        if server_id in (None, self._server_id):
            return None
        return self._nova.server(server_id)

    def _sighting(self, mark, stack_status, **server):
        return Sighting(mark, self._stack.id, dict(
            server, stack_id=self._stack.id, stack_status=stack_status))


def _stack_version(stack):
    return stack['stack_status'], stack.get('updated_time')


def server_of(resources):
    """Return the id of the server among a stack's resources, or None.

    :param resources: list of dicts, as Heat lists them
    """
    return next((one['physical_resource_id'] for one in resources
                 if one['resource_type'] == 'OS::Nova::Server'), None)


class ApplicationWatcher:
    """The application at its address, answered by another boot."""

    link = links.Link.APPLICATION

    def __init__(self, application, boot):
        """Remember who answered before.

        :param application: probes the application and knows its server,
            see :class:`..application.Application`
        :param boot: boot id of the guest that answered before the fault
        """
        self._application, self._boot = application, boot

    def look(self, recorder):
        """Ask once; see :class:`Look`."""
        probe = self._application.probe(recorder.now)
        recorder.probe(probe)
        if not probe.ok:
            return Look('no good answer: %s' % probe.error)
        if (probe.boot == self._boot
                or probe.server == self._application.server_id):
            return Look('the old server answers')
        return Look('another server answers', (Sighting(
            links.Mark.FINISHED, probe.boot, {
                'url': self._application.url, 'boot': probe.boot,
                'nonce': probe.nonce, 'server': probe.server}),))
