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

"""What a watcher says of one look at its link.

A watcher has a ``link``, a ``pace``, and a method ``look`` that asks once and
returns a :class:`Look`; it takes the recorder, which has the time. The watcher
knows the state before the fault, so that nothing old is taken for an effect of
it, and ties what it sees by ids: this host, server, stack and address.
"""

import dataclasses
import typing

from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.redaction import runtime

# Polls of one link that may be under way at the same time: two of a second
# each make two a second. A service that takes longer answers one poll after
# the other: more polls would only wait for each other, and tell less.
AT_ONCE = 2

# Seconds between two polls of a link that has come, or that waits for another
# one: when the first came is known, and what it does to other links, such as a
# storm of executions, is not sudden; the second is not yet to come.
REST = 2.0


@dataclasses.dataclass(frozen=True)
class Pace:
    """How often a link may be asked for.

    :ivar interval: seconds between the starts of two polls, None for what
        [self_healing] poll_interval says
    :ivar at_once: polls that may be under way at the same time
    :ivar rest: seconds between two polls once the link has come, and as long
        as what it waits for has not
    """

    interval: float | None = None
    at_once: int = AT_ONCE
    rest: float = REST


USUAL = Pace()

# Characters of what a service says of itself; Mistral gives whole tracebacks.
LINE = 400


@dataclasses.dataclass(frozen=True)
class Sighting:
    """That a link started or finished, see :class:`.timeline.Evidence`."""

    mark: links.Mark
    object_id: str
    payload: typing.Mapping
    lag: float = 0.0
    stamps: tuple[timelines.Stamp, ...] = ()


@dataclasses.dataclass(frozen=True)
class Look:
    """One answer.

    What a service says at length is cut to one line.

    :ivar state: what was seen, for people
    :ivar failure: why the link cannot become right any more, if so
    :ivar object_id: of the object that has failed
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

    def __post_init__(self):
        for name in ('state', 'failure'):
            said = getattr(self, name)
            if len(said) > LINE or len(said.splitlines()) > 1:
                object.__setattr__(self, name, runtime.line(said, LINE))
