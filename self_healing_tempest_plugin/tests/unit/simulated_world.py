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

"""What can be asked for in a simulated cloud, at any moment.

A :class:`World` is what is there and when; the services answer from it, as
the clients of :mod:`..clients` would, once a request has taken its time. All
times are seconds on the runner's monotonic clock, but for what is written in
texts: those bear the times of the services' own clocks.
"""

import dataclasses
import datetime
import functools
import itertools

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.chain import clocks
from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin import clients

INF = float('inf')

# What the wall clock of the runner says at zero.
EPOCH = 1_800_000_000.0

HOST, SPARE = 'compute-1', 'compute-2'
HOST_VID, SERVER_VID = 'vertex-of-host', 'vertex-of-server'
HOST_ENTITY = {'id': HOST, 'vitrage_id': HOST_VID}
SERVER_ENTITY = {'id': 'old', 'vitrage_id': SERVER_VID}
MONITOR = 'prometheus'
HOST_ALARM, DEDUCED_ALARM = 'HostDown', 'Instance down'
WORKFLOW = 'heal'
STACK = application.Stack('app', 'stack-1')
URL = 'http://192.0.2.1:80/'

SERVICES = ('Vitrage', 'Mistral', 'Heat', 'Nova')

# How clocks of services can be.
CLOCKS = ('true', 'drifting', 'lying', 'unknown')


@dataclasses.dataclass(frozen=True)
class Answer:
    """Who answers at the address of the application.

    :ivar right: whether with the nonce of the request
    """

    boot: str
    server: str
    right: bool = True


OLD, NEW = Answer('boot-1', 'old'), Answer('boot-2', 'new')
REBOOTED = Answer('boot-3', 'old')
STRANGER = Answer('boot-4', 'stranger', right=False)
SILENCE = None


class Clock:
    """The clock of a service: what it writes, and what is known of it."""

    _STYLES = (('T', 'seconds', 'Z'), (' ', 'seconds', ''),
               ('T', 'seconds', '.000000'), ('T', 'milliseconds', 'Z'))

    def __init__(self, rng, kind):
        self._offset = EPOCH + rng.uniform(-100, 100)
        self._drift = 0.0 if kind == 'true' else rng.uniform(-0.01, 0.01)
        self._lie = 0.0
        if kind == 'lying':
            self._lie = rng.choice((-1, 1)) * rng.choice((1.5, 10.0, 3600.0))
        self._style = rng.choice(self._STYLES)
        self._width = rng.choice((0.02, 0.5))
        self._known = kind != 'unknown'

    def text(self, at):
        """Return what the service writes of a moment."""
        separator, timespec, tail = self._style
        return datetime.datetime.fromtimestamp(
            at + self._true(at) + self._lie,
            datetime.timezone.utc).replace(tzinfo=None).isoformat(
                separator, timespec) + tail

    def measure(self, rng, at):
        """Return what the runner finds the offset to be, or None."""
        below = rng.uniform(0, self._width)
        return clocks.Offset(
            self._true(at) - below,
            self._true(at) - below + self._width) if self._known else None

    def _true(self, at):
        return self._offset + self._drift * at


@dataclasses.dataclass(frozen=True)
class Alarm:
    """An alarm of Vitrage.

    :ivar end: when it is cleared
    :ivar lag: seconds after which the history has it
    """

    id: str
    entity: str
    datasource: str
    name: str
    begin: float
    end: float
    lag: float


@dataclasses.dataclass(frozen=True)
class Execution:
    """A workflow execution of Mistral; ``state`` is that of its end."""

    id: str
    server_id: str
    begin: float
    end: float
    state: str = 'SUCCESS'
    output: str | None = '{}'


@dataclasses.dataclass(frozen=True)
class Update:
    """An update of the stack; ``status`` is that of its end.

    :ivar lag: seconds after which Heat has written down its beginning, and
        its end
    """

    id: str
    begin: float
    end: float
    status: str = 'COMPLETE'
    lag: float = 0.0


@dataclasses.dataclass(frozen=True)
class Spell:
    """A time in which a service has no answer.

    :ivar hang: seconds that a request to it takes to fail
    """

    service: str
    begin: float
    end: float
    hang: float = 0.0


@dataclasses.dataclass
class World:
    """All that can be asked for; :mod:`.simulated_stories` makes it.

    :ivar clocks: :class:`Clock` of each service
    :ivar deduced_state: times at which the server's state becomes ERROR and
        stops being that
    :ivar gone: when the old server leaves the graph
    :ivar servers: of the stack, as pairs of time and id, the newest last
    :ivar host: where the new server is
    :ivar status: of the new server
    :ivar deleted: when the stack is deleted
    :ivar answers: pairs of time and :class:`Answer`, the newest last
    """

    clocks: dict
    alarms: list = dataclasses.field(default_factory=list)
    deduced_state: tuple = (INF, INF)
    gone: float = INF
    executions: list = dataclasses.field(default_factory=list)
    updates: list = dataclasses.field(default_factory=list)
    servers: list = dataclasses.field(default_factory=list)
    host: str = SPARE
    status: str = 'ACTIVE'
    deleted: float = INF
    answers: list = dataclasses.field(default_factory=list)
    spells: list = dataclasses.field(default_factory=list)
    _texts: dict = dataclasses.field(default_factory=dict)

    def text(self, service, at):
        """Return what a service writes of a moment."""
        if (service, at) not in self._texts:
            self._texts[service, at] = self.clocks[service].text(at)
        return self._texts[service, at]


class Poll:
    """What one poll sees of the time; it stands in for the recorder too.

    :ivar time: where it is; each request takes some
    :ivar probes: what it has recorded, to be handed on at its end
    """

    def __init__(self, begin):
        self.time = begin
        self.probes = []

    def now(self):
        """Return the time as the watcher sees it."""
        return self.time

    def probe(self, probe):
        """Keep a request to the application for later."""
        self.probes.append(probe)


class Requests:
    """The way to the services: it takes time, and fails in an outage.

    :ivar poll: on whose behalf they are
    """

    def __init__(self, world, rng, slowest):
        self._random, self._slowest = rng.random, slowest
        self._spells = world.spells
        self.poll = None

    def serve(self, service):
        """Let a request take its time, and return when it is served.

        :raises clients.ServiceUnavailable: in an outage
        """
        poll, takes = self.poll, self._slowest * self._random()
        if service == 'application':
            takes *= 4
        served = poll.time + takes * self._random()
        poll.time += takes
        for spell in self._spells:
            if spell.service == service and spell.begin <= served < spell.end:
                poll.time += spell.hang
                raise clients.ServiceUnavailable(service, 'answer', 'HTTP 503')
        return served

    def together(self, *calls):
        """Do as :func:`..waiting.side_by_side` does: the slowest counts."""
        begin, ends = self.poll.time, []
        answers, problems = [], []
        for call in calls:
            self.poll.time = begin
            try:
                answers.append(call())
            except clients.ServiceUnavailable as error:
                problems.append(error)
            ends.append(self.poll.time)
        self.poll.time = max(ends)
        if problems:
            raise problems[0]
        return answers


class Vitrage:
    """The requests of :class:`..clients.Vitrage` that watchers make."""

    def __init__(self, world, requests):
        self._world, self._requests = world, requests

    def around(self, vitrage_id):
        at = self._requests.serve('Vitrage')
        world = self._world
        if vitrage_id == SERVER_VID and at >= world.gone:
            return None
        begin, end = world.deduced_state
        return clients.Around(
            {'vitrage_id': vitrage_id, 'vitrage_aggregated_state':
             'ERROR' if begin <= at < end else 'ACTIVE'},
            tuple(self._vertex(one, at) for one in world.alarms
                  if one.entity == vitrage_id and one.begin <= at < one.end))

    def alarms(self, resource_vitrage_id, vitrage_type, name):
        at = self._requests.serve('Vitrage')
        return [self._vertex(one, at) for one in sorted(
            self._world.alarms, key=lambda one: -one.begin)
            if (one.entity, one.datasource, one.name) == (
                resource_vitrage_id, vitrage_type, name)
            and one.begin + one.lag <= at]

    def _vertex(self, alarm, at):
        text = functools.partial(self._world.text, 'Vitrage')
        vertex = {'vitrage_id': alarm.id, 'vitrage_type': alarm.datasource,
                  'vitrage_resource_id': alarm.entity, 'name': alarm.name,
                  'start_timestamp': text(alarm.begin)}
        # It is sampled again every three seconds; of a deduced one that is
        # no update.
        again = alarm.begin + (at - alarm.begin) // 3 * 3
        vertex['vitrage_sample_timestamp'] = text(again)
        vertex['update_timestamp'] = text(
            alarm.begin if alarm.datasource == 'vitrage' else again)
        if alarm.end + alarm.lag <= at:
            vertex['end_timestamp'] = text(alarm.end)
        return vertex


class Mistral:
    """The requests of :class:`..clients.Mistral` that watchers make."""

    def __init__(self, world, requests):
        self._world, self._requests = world, requests

    def executions(self, workflow_name, server_id):
        at = self._requests.serve('Mistral')
        # The order is that of what is written; who shares a second is in
        # any order.
        return sorted((self._show(one, at) for one in self._world.executions
                       if one.server_id == server_id and one.begin <= at),
                      key=lambda one: (one['created_at'], one['id']))

    def execution(self, execution_id):
        at = self._requests.serve('Mistral')
        return next(self._show(one, at) for one in self._world.executions
                    if one.id == execution_id)

    def _show(self, execution, at):
        ended = execution.end <= at
        return {'id': execution.id, 'workflow_name': WORKFLOW,
                'state': execution.state if ended else 'RUNNING',
                'state_info': None,
                'input': {'server_id': execution.server_id},
                'output': execution.output if ended else '{}',
                'created_at': self._world.text('Mistral', execution.begin),
                'updated_at': self._world.text(
                    'Mistral', execution.end if ended else execution.begin)}


class Heat:
    """The requests of :class:`..clients.Heat` that watchers make."""

    def __init__(self, world, requests):
        self._world, self._requests = world, requests

    def stack(self, stack_id, outputs=False):
        at = self._requests.serve('Heat')
        if at >= self._world.deleted:
            return None
        begun = [one for one in self._world.updates if one.begin <= at]
        if not begun:
            return {'stack_status': 'CREATE_COMPLETE', 'updated_time': None,
                    'stack_status_reason': ''}
        last = begun[-1]
        return {'stack_status': 'UPDATE_%s' % (
            last.status if last.end <= at else 'IN_PROGRESS'),
            'updated_time': self._world.text('Heat', last.begin),
            'stack_status_reason': 'no room'}

    def updates(self, stack):
        at = self._requests.serve('Heat')
        events = []
        for one in self._world.updates:
            events += [
                {'id': '%s-%s' % (one.id, status),
                 'resource_status': 'UPDATE_%s' % status,
                 'event_time': self._world.text('Heat', time)}
                for status, time, told in (
                    ('IN_PROGRESS', one.begin, min(one.begin + one.lag,
                                                   one.end)),
                    (one.status, one.end, one.end + one.lag))
                if told <= at]
        return events

    def resources(self, stack_id):
        at = self._requests.serve('Heat')
        server_id = [server_id for time, server_id in self._world.servers
                     if time <= at][-1]
        return [{'resource_type': 'OS::Nova::Server',
                 'physical_resource_id': server_id}]


class Nova:
    """The request of :class:`..clients.Nova` that watchers make."""

    def __init__(self, world, requests):
        self._world, self._requests = world, requests

    def server(self, server_id):
        self._requests.serve('Nova')
        return {'id': server_id, 'status': self._world.status,
                'OS-EXT-SRV-ATTR:host': self._world.host}


class Application:
    """What watchers know of :class:`..application.Application`."""

    server_id, url = OLD.server, URL

    def __init__(self, world, requests, rng, losses):
        self._world, self._requests = world, requests
        self._random, self._losses = rng.random, losses
        self._lost = False
        self._nonces = map(str, itertools.count())

    def probe(self, now):
        nonce, begin = next(self._nonces), now()
        served = self._requests.serve('application')
        answer = [answer for time, answer in self._world.answers
                  if time <= served][-1]
        # Never two in a row: that many would be an outage.
        self._lost = (self._losses and not self._lost
                      and self._random() < 0.2)
        if self._lost:
            answer = SILENCE if self._random() < 0.7 else STRANGER
        if answer is SILENCE:
            return timeline.Probe(begin, now(), False, nonce, error='Timeout')
        if not answer.right:
            return timeline.Probe(begin, now(), False, nonce, answer.boot,
                                  answer.server, 'nonce', True)
        return timeline.Probe(begin, now(), True, nonce, answer.boot,
                              answer.server, '', True)
