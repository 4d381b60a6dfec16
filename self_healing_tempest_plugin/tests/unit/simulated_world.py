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

"""What there is in a simulated cloud, at any moment.

A :class:`World` is what is there and when; :mod:`.simulated_services` answers
from it. All times are seconds on the runner's monotonic clock, but for what is
written in texts: those bear the times of the services' own clocks.
"""

import dataclasses
import datetime

from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin import stacks

INF = float('inf')

# What the wall clock of the runner says at zero.
EPOCH = 1_800_000_000.0

HOST, SPARE = 'compute-1', 'compute-2'
HOST_VID, SERVER_VID = 'vertex-of-host', 'vertex-of-server'
HOST_ENTITY = {'id': HOST, 'vitrage_id': HOST_VID}
OLD_ID, NEW_ID, MIDDLE_ID, STRANGE_ID = (
    '%s0dd0f2e-0000-4000-8000-000000000000' % digit for digit in '1234')
SERVER_ENTITY = {'id': OLD_ID, 'vitrage_id': SERVER_VID}
MONITOR = 'prometheus'
HOST_ALARM, DEDUCED_ALARM = 'HostDown', 'Instance down'
WORKFLOW = 'heal'
STACK = stacks.Stack('app', 'stack-1')
OTHER_STACK = 'stack-2'
URL = 'http://192.0.2.1:80/'

SERVICES = ('Vitrage', 'Mistral', 'Heat', 'Nova')

# Whose clocks are in what they write: the monitor's is in its alarms.
TIMED = ('Vitrage', 'Mistral', 'Heat', MONITOR.capitalize())

# How clocks of services can be.
CLOCKS = ('true', 'drifting', 'lying', 'unknown')


@dataclasses.dataclass(frozen=True)
class Answer:
    """Who answers at the address of the application.

    :ivar right: whether with the nonce of the request
    :ivar deed: what it does instead, see :mod:`.simulated_wire`
    """

    boot: str
    server: str
    right: bool = True
    deed: str = ''


OLD, NEW = Answer('boot-1', OLD_ID), Answer('boot-2', NEW_ID)
REBOOTED = Answer('boot-3', OLD_ID)
STRANGER = Answer('boot-4', STRANGE_ID, right=False)
# Who repeats the nonce, and is nobody that the stack ever had.
IMPOSTORS = (Answer('boot-5', STRANGE_ID), Answer('boot-5', 'unknown'),
             Answer('boot-5', ''))
SILENCE = None

# A server that the stack has had in between.
MIDDLE = Answer('boot-6', MIDDLE_ID)


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
        return timelines.Offset(
            self._true(at) - below,
            self._true(at) - below + self._width) if self._known else None

    def _true(self, at):
        return self._offset + self._drift * at


@dataclasses.dataclass(frozen=True)
class Alarm:
    """An alarm of Vitrage.

    :ivar end: when it is cleared
    :ivar lag: seconds after which the history has it; infinity: never
    :ivar causes: ids of the alarms that caused it, as Vitrage writes down
    """

    id: str
    entity: str
    datasource: str
    name: str
    begin: float
    end: float
    lag: float
    causes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Execution:
    """A workflow execution of Mistral; ``state`` is that of its end."""

    id: str
    server_id: str
    begin: float
    end: float
    state: str = 'SUCCESS'
    output: str | None = '{}'
    stack_id: str | None = STACK.id


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
    """A time in which a service has no good answer.

    :ivar hang: seconds that a request to it takes to fail
    :ivar problem: how it fails, see :mod:`.simulated_services`
    :ivar request: the only request that fails, empty for all
    """

    service: str
    begin: float
    end: float
    hang: float = 0.0
    problem: str = 'down'
    request: str = ''


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a server is, from a moment on.

    :ivar host: None when it is deleted
    """

    begin: float
    host: str | None
    status: str = 'ACTIVE'


@dataclasses.dataclass
class World:
    """All that can be asked for; :mod:`.simulated_stories` makes it.

    :ivar clocks: :class:`Clock` of each service
    :ivar deduced_state: times at which the server's state becomes ERROR and
        stops being that
    :ivar gone: when the old server leaves the graph
    :ivar servers: of the stack, as pairs of time and id, the newest last
    :ivar places: :class:`Place` of each server by its id, the newest last
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
    places: dict = dataclasses.field(default_factory=dict)
    deleted: float = INF
    answers: list = dataclasses.field(default_factory=list)
    spells: list = dataclasses.field(default_factory=list)
    _texts: dict = dataclasses.field(default_factory=dict)

    def text(self, service, at):
        """Return what a service writes of a moment."""
        text = self._texts.get((service, at))
        if text is None:
            text = self._texts[service, at] = self.clocks[service].text(at)
        return text
