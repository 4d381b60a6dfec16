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

import contextlib
import dataclasses
import json
import threading
import typing

from oslo_utils import uuidutils

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import stamps
from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting

# Vitrage's history is a database that its persistor fills from a queue: an
# alarm may be older than its first showing by that many seconds. On a loaded
# 2-core machine 3 s were measured.
VITRAGE_DATABASE_LAG = 10.0

# Seconds between two looks into the history for an alarm that came and went
# between two looks at the graph; and, of what is seen already, for what
# caused it, or for the host of a server.
HISTORY_INTERVAL = 5.0

_NOT_YET = 'not there'

# The datasource of what Vitrage deduces.
_VITRAGE = 'vitrage'


@dataclasses.dataclass(frozen=True)
class Sighting:
    """That a link started or finished, see :class:`.timeline.Evidence`."""

    mark: links.Mark
    object_id: str
    payload: typing.Mapping
    lag: float = 0.0
    stamps: tuple[timeline.Stamp, ...] = ()


@dataclasses.dataclass(frozen=True)
class Look:
    """One answer.

    :ivar state: what was seen, for people
    :ivar failure: why it cannot become right any more, if so
    :ivar object_id: what has failed
    :ivar objects: ids of all that belongs to the fault, oldest first
    :ivar unreached: whether nobody was there to take the question
    :ivar seen_at: when the answer was there that shows the sightings, where
        more was asked after it; None: when the last one was
    """

    state: str
    sightings: tuple[Sighting, ...] = ()
    failure: str = ''
    object_id: str = ''
    objects: tuple[str, ...] = ()
    unreached: bool = False
    seen_at: float | None = None


class _Alarms:
    """The alarms of one name on one entity of the graph, but older ones.

    The graph shows an alarm at once, and forgets it with its entity; the
    history comes later, and keeps it.
    """

    def __init__(self, vitrage, entity, datasource, name):
        self._vitrage, self._entity = vitrage, entity
        self._datasource, self._name = datasource, name
        self._before = frozenset(map(_alarm_key, self._past()))
        around = vitrage.around(entity['vitrage_id'])
        self._active_before = frozenset(
            alarm['vitrage_id'] for alarm in self._here(around))
        self._past_empty = self._past_asked = -float('inf')

    def look(self, now):
        """Ask the graph, and the history where it is time for that.

        :param now: returns seconds on the runner's clock
        :returns: the entity or None, and the new alarms, a tuple
        """
        begin = now()
        entity, alarms = self._present()
        if entity is not None and (
                begin < self._past_asked + HISTORY_INTERVAL):
            return entity, alarms
        past = [alarm for alarm in self._past()
                if _alarm_key(alarm) not in self._before]
        self._past_asked = max(self._past_asked, begin)
        if not past:
            self._past_empty = max(self._past_empty, begin)
            return entity, alarms
        gone = _without(past, alarms)
        if entity is not None and any(map(_is_active, gone)):
            # It may have come to the graph between the two questions.
            entity, alarms = self._present()
            gone = _without(past, alarms)
        lag = self._lag(now())
        # One that came and went before the others may be what caused all.
        return entity, alarms + tuple(
            _past_sighting(alarm, lag, self._clock)
            for alarm in reversed(gone))

    @property
    def _clock(self):
        """Return whose clock the times of these alarms are of.

        Of an alarm that Vitrage deduces it is its own, of another one the
        monitor's.
        """
        return 'Vitrage' if self._datasource == _VITRAGE else (
            self._datasource.capitalize())

    def _lag(self, now):
        # What counts is when the history did not have it; that the graph did
        # not have it later says nothing, and is not asked for longer.
        return VITRAGE_DATABASE_LAG + min(now - self._past_empty,
                                          HISTORY_INTERVAL)

    def _present(self):
        around = self._vitrage.around(self._entity['vitrage_id'])
        return around and around.entity, tuple(
            _graph_sighting(alarm) for alarm in self._here(around)
            if alarm['vitrage_id'] not in self._active_before)

    def _here(self, around):
        return [] if around is None else [
            alarm for alarm in around.alarms
            if (alarm['vitrage_type'], alarm['name'])
            == (self._datasource, self._name)]

    def _past(self):
        return self._vitrage.alarms(self._entity['vitrage_id'],
                                    self._datasource, self._name)


class AlarmWatcher:
    """The monitor's alarm on the broken host, in Vitrage."""

    link = links.Link.ALARM

    def __init__(self, vitrage, host, datasource, name):
        """Take the alarms of before.

        :param host: the host's vertex in Vitrage's graph, a dict
        :param datasource: ``vitrage_type`` of the alarm
        :param name: name of the alarm
        """
        self._host = host['id']
        self._alarms = _Alarms(vitrage, host, datasource, name)

    def look(self, recorder):
        """Ask once; see :class:`Look`."""
        _, alarms = self._alarms.look(recorder.now)
        if not alarms:
            return Look(_NOT_YET)
        return Look(alarms[-1].state, tuple(
            alarm.sighting(host=self._host) for alarm in alarms),
            objects=tuple(alarm.id for alarm in alarms))


class DeductionWatcher:
    """The deduced alarm on the server, and its deduced state."""

    link = links.Link.DEDUCTION

    def __init__(self, vitrage, server, name):
        """Take the alarms of before.

        :param server: the server's vertex in Vitrage's graph, a dict
        :param name: name of the deduced alarm
        """
        self._vitrage, self._server = vitrage, server['id']
        self._alarms = _Alarms(vitrage, server, _VITRAGE, name)
        self._lock = threading.Lock()
        self._causes, self._asked = {}, {}

    def look(self, recorder):
        """Ask once; see :class:`Look`.

        The server and its state go when Heat deletes the server, and the
        state goes with an alarm that is cleared; then the alarm in the
        history is enough.
        """
        entity, alarms = self._alarms.look(recorder.now)
        seen_at = recorder.now()
        state = _deduced_state(entity)
        text = 'alarm %s, server %s' % (
            alarms[-1].state if alarms else _NOT_YET, state)
        sure = [alarm for alarm in alarms
                if not alarm.present or state == 'ERROR']
        return Look(text, tuple(alarm.sighting(
            server_id=self._server, state_error=state == 'ERROR',
            causes=self._causes_of(alarm.id, recorder.now()))
            for alarm in sure),
            objects=tuple(alarm.id for alarm in alarms),
            seen_at=seen_at if sure else None)

    def _causes_of(self, alarm_id, now):
        """Return the ids of the alarms that caused an alarm, as far as known.

        Others may join the first one, so that they are asked for again.
        """
        with self._lock:
            if now < self._asked.get(alarm_id, -float('inf')) + (
                    HISTORY_INTERVAL):
                return self._causes.get(alarm_id, ())
            self._asked[alarm_id] = now
        try:
            found = self._vitrage.causes(alarm_id)
        except errors.ServiceError:
            # Nobody knows then, and the alarm is there all the same.
            found = ()
        with self._lock:
            self._causes[alarm_id] = tuple(sorted(
                {*self._causes.get(alarm_id, ()), *found}))
            return self._causes[alarm_id]


@dataclasses.dataclass(frozen=True)
class _Alarm:
    """An alarm of the graph or of the history.

    :ivar present: whether it is in the graph
    """

    id: str
    present: bool
    state: str
    payload: typing.Mapping
    lag: float
    stamps: tuple[timeline.Stamp, ...]

    def sighting(self, **ties):
        return Sighting(links.Mark.FINISHED, self.id,
                        dict(self.payload, **ties), self.lag, self.stamps)


def _graph_sighting(alarm):
    # The sample is of the newest of perhaps several updates. An alarm that
    # Vitrage deduces is updated by itself only: then that is its beginning.
    told = stamps.not_after('Vitrage', alarm.get('vitrage_sample_timestamp'))
    if alarm['vitrage_type'] == _VITRAGE:
        told += stamps.at('Vitrage', alarm.get('update_timestamp'))
    return _Alarm(alarm['vitrage_id'], True, 'active', _alarm_payload(alarm),
                  0.0, told)


def _past_sighting(alarm, lag, clock):
    return _Alarm(alarm['vitrage_id'], False, _alarm_state(alarm),
                  _alarm_payload(alarm), lag,
                  stamps.stored(clock, alarm.get('start_timestamp')))


def _alarm_key(alarm):
    # The same vertex may come back: the start makes it another alarm.
    return alarm['vitrage_id'], alarm.get('start_timestamp')


def _alarm_payload(alarm):
    return {key: alarm.get(key) for key in (
        'name', 'vitrage_type', 'vitrage_resource_id', 'start_timestamp',
        'end_timestamp', 'update_timestamp', 'vitrage_sample_timestamp')}


def _without(past, present):
    """Return the alarms of the history that the graph does not show."""
    shown = {alarm.id for alarm in present}
    return [alarm for alarm in past if alarm['vitrage_id'] not in shown]


def _is_active(alarm):
    return not alarm.get('end_timestamp')


def _alarm_state(alarm):
    return 'active' if _is_active(alarm) else 'ended'


def _deduced_state(entity):
    if entity is None:
        return 'gone'
    return entity.get('vitrage_aggregated_state') or 'without state'


class WorkflowWatcher:
    """The Mistral executions that name the server."""

    link = links.Link.WORKFLOW

    def __init__(self, mistral, workflow, server_id, stack_id=None):
        """Take the executions of before.

        :param workflow: name of the workflow
        :param server_id: what the execution's input must name
        :param stack_id: what it must not name another one than; None: any
        """
        self._mistral, self._workflow = mistral, workflow
        self._server_id, self._stack_id = server_id, stack_id
        self._idle_ones = {}
        self._before = frozenset(
            one['id'] for one in mistral.executions(workflow, server_id))

    def look(self, recorder):
        """Ask once; see :class:`Look`."""
        found = [one for one in self._mistral.executions(
            self._workflow, self._server_id) if one['id'] not in self._before]
        seen_at = recorder.now()
        if not found:
            return Look(_NOT_YET)
        state = ', '.join('%s %s' % (one['id'], one['state'])
                          for one in found[:5])
        ids = tuple(one['id'] for one in found)
        sightings = [self._sighting(links.Mark.STARTED, one, 'created_at')
                     for one in found]
        sightings += [self._sighting(links.Mark.FINISHED, one, 'updated_at')
                      for one in found if self._healed(one)]
        ours = [one for one in found if self._is_ours(one)]
        if ours and all(one['state'] in ('ERROR', 'CANCELLED')
                        for one in ours):
            return Look(state, tuple(sightings), self._reason(ours[0]),
                        ours[0]['id'], ids, seen_at=seen_at)
        return Look(state, tuple(sightings), objects=ids, seen_at=seen_at)

    def _sighting(self, mark, execution, time):
        return Sighting(mark, execution['id'], {
            'server_id': self._server_id, 'state': execution['state'],
            'workflow': self._workflow, 'input': execution['input'],
            'stack_id': execution['input'].get('stack_id'),
            time: execution.get(time)},
            stamps=stamps.at('Mistral', execution.get(time)))

    def _is_ours(self, execution):
        return self._stack_id is None or execution['input'].get(
            'stack_id') in (None, self._stack_id)

    def _healed(self, execution):
        # Repeated executions that found nothing to do end well too, perhaps
        # earlier than the one that heals.
        return execution['state'] == 'SUCCESS' and not self._idle(
            execution['id'])

    def _idle(self, execution_id):
        if execution_id not in self._idle_ones:
            self._idle_ones[execution_id] = _output(self._detail(
                execution_id)).get('found') is False
        return self._idle_ones[execution_id]

    def _detail(self, execution_id):
        detail = self._mistral.execution(execution_id)
        if detail is None:
            # It was listed just now: somebody has deleted it since, or
            # Mistral calls "not found" what it failed to read.
            raise errors.ServiceUnavailable(
                'Mistral', 'show execution %s' % execution_id,
                'it lists it, but does not find it', 404)
        return detail

    def _reason(self, execution):
        detail = self._detail(execution['id'])
        return 'execution %s is in %s: %s' % (
            execution['id'], detail['state'],
            (detail.get('state_info') or 'no state_info').strip())


def _output(execution):
    try:
        values = json.loads(execution.get('output') or '{}')
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


class StackWatcher:
    """The stack, updated with another server on another host."""

    link = links.Link.STACK

    def __init__(self, heat, nova, stack, server_id,
                 together=waiting.side_by_side):
        """Take the stack of before.

        :param stack: :class:`..application.Stack`
        :param server_id: the server that is to be replaced
        :param together: makes several calls at the same time
        """
        self._heat, self._nova, self._stack = heat, nova, stack
        self._server_id, self._together = server_id, together
        self._before = _stack_version(heat.stack(stack.identifier))
        self._events_before = frozenset(
            one['id'] for one in heat.updates(stack))

    def look(self, recorder):
        """Ask once; see :class:`Look`.

        Heat has enough to do while it updates the stack: until that is
        complete, it is asked for nothing but the status.
        """
        stack = self._show()
        seen_at = recorder.now()
        if stack is None:
            return Look('deleted', failure='the stack is deleted',
                        object_id=self._stack.id)
        status = stack['stack_status']
        if _stack_version(stack) == self._before:
            return Look(status)
        look = (self._completed if status == 'UPDATE_COMPLETE'
                else self._updating)(stack)
        # All else belongs to this version of the stack.
        return dataclasses.replace(look, seen_at=seen_at)

    def _updating(self, stack):
        status = stack['stack_status']
        failed = '%s: %s' % (status, stack.get('stack_status_reason'))
        return Look(status, (self._started(stack),),
                    failed if status.endswith('_FAILED') else '',
                    self._stack.id)

    def _completed(self, stack):
        status = stack['stack_status']
        events, resources, history = self._together(
            self._updates,
            lambda: self._heat.resources(self._stack.identifier),
            lambda: self._heat.events(self._stack))
        started, found = self._started(stack), server_of(resources)
        if found in (None, self._server_id):
            return Look('%s, no other server than %s' % (
                status, self._server_id), (started,))
        server = self._server_of_update(stack, found)
        if server is None:
            return Look('%s, and updated again' % status, (started,))
        text = '%s, server %s %s' % (status, server['id'], server['status'])
        if server['status'] != 'ACTIVE':
            return Look(text, (started,))
        return Look(text, (started, self._finished(
            status, events, server, _servers(resources, history))))

    def _server_of_update(self, stack, server_id):
        """Return the server, None unless it was there when that was shown.

        It may belong to an update that was asked for meanwhile.
        """
        again, server = self._together(
            self._show, lambda: self._nova.server(server_id))
        same = again is not None and (
            _stack_version(again) == _stack_version(stack))
        return server if same else None

    def _show(self):
        return self._heat.stack(self._stack.identifier)

    def _updates(self):
        return [one for one in self._heat.updates(self._stack)
                if one['id'] not in self._events_before]

    def _started(self, stack):
        """Return that an update has begun.

        Heat says when, in whole seconds; another time is another update.
        """
        begun = stack.get('updated_time')
        return Sighting(links.Mark.STARTED, self._stack.id, {
            'stack_id': self._stack.id, 'updated_time': begun,
            'stack_status': stack['stack_status']},
            stamps=stamps.at('Heat', begun))

    def _finished(self, status, events, server, servers):
        """Return that the stack is updated.

        Of several updates any may have brought the new server.

        :param servers: ids of all the servers that it ever had
        """
        ends = [one for one in events
                if one['resource_status'] == 'UPDATE_COMPLETE']
        if not ends or events[-1]['resource_status'] == 'UPDATE_IN_PROGRESS':
            # Not written down yet; or there is another update already.
            ends = [None]
        first, last = ends[0] or {}, ends[-1] or {}
        return Sighting(links.Mark.FINISHED, self._stack.id, {
            'server_id': server['id'], 'host': server['OS-EXT-SRV-ATTR:host'],
            'status': server['status'], 'servers': servers,
            'stack_id': self._stack.id, 'stack_status': status,
            'event_id': first.get('id')},
            stamps=stamps.between('Heat', first.get('event_time'),
                                  last.get('event_time')))


def _stack_version(stack):
    return stack['stack_status'], stack.get('updated_time')


def server_of(resources):
    """Return the id of the server among a stack's resources, or None.

    :param resources: list of dicts, as Heat lists them
    """
    return next((one['physical_resource_id'] for one in resources
                 if one['resource_type'] == 'OS::Nova::Server'), None)


def _servers(resources, events):
    """Return the ids of all servers that a stack has had, sorted.

    :param resources: list of dicts, as Heat lists them
    :param events: of the stack and its resources, list of dicts
    """
    names = {resource['resource_name'] for resource in resources
             if resource['resource_type'] == 'OS::Nova::Server'}
    # The event of a server that is not made yet has its name in place of it.
    return tuple(sorted({one['physical_resource_id']
                         for one in (*resources, *events)
                         if one['resource_name'] in names
                         and uuidutils.is_uuid_like(
                             one.get('physical_resource_id'))}))


class ApplicationWatcher:
    """The application at its address, answered by another boot."""

    link = links.Link.APPLICATION

    def __init__(self, application, boot, nova=None):
        """Remember who answered before.

        :param application: probes the application and knows its server,
            see :class:`..application.Application`
        :param boot: boot id of the guest that answered before the fault
        :param nova: :class:`..services.nova.Nova`, asked where the old
            server is
            when that answers again; None: nobody is
        """
        self._application, self._boot = application, boot
        self._nova, self._lock = nova, threading.Lock()
        self._away, self._asked, self._where = False, -float('inf'), {}

    def look(self, recorder):
        """Ask once; see :class:`Look`."""
        probe = self._application.probe(recorder.now)
        recorder.probe(probe)
        if not probe.ok:
            self._away = True
            return Look('no good answer: %s' % probe.error,
                        unreached=not probe.taken)
        if self._is_old(probe):
            return self._old(probe, recorder)
        return Look('another server answers', (self._answer(probe),))

    def _is_old(self, probe):
        return (probe.boot == self._boot
                or probe.server == self._application.server_id)

    def _old(self, probe, recorder):
        """Return that the old server answers, and whether it was moved.

        That is asked for when it was away, or has booted again: somebody may
        have evacuated or migrated it, which is no work of this chain.
        """
        again = probe.boot != self._boot
        if not again and not self._away:
            return Look('the old server answers')
        seen_at, where = recorder.now(), self._whereabouts(recorder.now)
        moved = where.get('host') not in (None, self._application.host)
        if not again and not moved:
            return Look('the old server answers again')
        return Look(
            'the old server answers from %s on host %s' % (
                'another boot' if again else 'the same boot',
                where.get('host') or 'unknown'),
            (self._answer(probe, **where),), seen_at=seen_at)

    def _answer(self, probe, **where):
        return Sighting(links.Mark.FINISHED, probe.boot, {
            'url': self._application.url, 'boot': probe.boot,
            'nonce': probe.nonce, 'server': probe.server, **where})

    def _whereabouts(self, now):
        """Return host of the old server, and what was done to it last.

        :returns: dict, empty where Nova does not say
        """
        with self._lock:
            if now() < self._asked + HISTORY_INTERVAL:
                return self._where
            self._asked = now()
            try:
                self._where = self._ask_nova()
            except errors.ServiceError:
                # It is unknown then; that it answers is seen all the same.
                self._where = {}
            return self._where

    def _ask_nova(self):
        server_id = self._application.server_id
        server = self._nova and self._nova.server(server_id)
        if server is None:
            return {}
        where = {'host': server['OS-EXT-SRV-ATTR:host']}
        with contextlib.suppress(errors.ServiceError):
            for action in self._nova.actions(server_id)[-1:]:
                where['moved_by'] = '%s by user %s at %s' % tuple(
                    action.get(key) for key in ('action', 'user_id',
                                                'start_time'))
        return where
