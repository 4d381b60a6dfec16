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

"""All that was seen during one run: frozen records and their recorder.

All times are seconds on the runner's monotonic clock.
"""

import dataclasses
import threading
import types
import typing

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin import waiting


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One record that a link started or finished.

    :ivar object_id: the alarm, execution, stack, ... that shows it
    :ivar not_before: start of the last poll that did not see it
    :ivar seen_at: end of the first poll that saw it
    :ivar payload: what ties it to the fault, as plain values
    :ivar lag: seconds that the event may be older than ``not_before``,
        because the service shows it late
    """

    link: links.Link
    mark: links.Mark
    object_id: str
    not_before: float
    seen_at: float
    payload: typing.Mapping = dataclasses.field(default_factory=dict)
    lag: float = 0.0

    @property
    def earliest(self):
        """Return when the event may have happened at the earliest."""
        return self.not_before - self.lag


@dataclasses.dataclass(frozen=True)
class Failure:
    """A link's object is in a state that will not become the right one."""

    link: links.Link
    object_id: str
    seen_at: float
    why: str


@dataclasses.dataclass(frozen=True)
class Transition:
    """A step in the life of the fault, from ``begin`` to ``end``."""

    name: str
    begin: float
    end: float
    detail: str = ''


@dataclasses.dataclass(frozen=True)
class Probe:
    """One request to the application.

    :ivar ok: whether it answered, with the nonce of this request
    :ivar boot: boot id of the guest that answered
    :ivar server: what the guest calls itself
    :ivar error: why it is not ok
    """

    begin: float
    end: float
    ok: bool
    nonce: str
    boot: str = ''
    server: str = ''
    error: str = ''


@dataclasses.dataclass(frozen=True)
class Watched:
    """How a link was watched.

    :ivar polls: how often it was asked for
    :ivar errors: how many of these got no answer
    :ivar last_begin: start of the last complete poll
    :ivar state: what that one saw
    :ivar answered: start of the last poll that got an answer
    """

    polls: int = 0
    errors: int = 0
    last_begin: float | None = None
    state: str = 'never asked'
    answered: float | None = None


@dataclasses.dataclass(frozen=True)
class Timeline:
    """One run.

    :ivar origin: when the watch began
    :ivar unmet: preconditions that did not hold
    :ivar concluded: when the verdict was sure; later there are only probes
        and transitions
    """

    origin: float
    transitions: tuple[Transition, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    failures: tuple[Failure, ...] = ()
    probes: tuple[Probe, ...] = ()
    remarks: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    watched: typing.Mapping[links.Link, Watched] = dataclasses.field(
        default_factory=dict)
    concluded: float | None = None

    def transition(self, name):
        """Return the first transition of a name, or None."""
        return next((one for one in self.transitions if one.name == name),
                    None)

    def find(self, link, mark):
        """Return the first evidence of a link and mark, or None."""
        return next((one for one in self.evidence
                     if one.link is link and one.mark is mark), None)

    def failure(self, link):
        """Return the failure of a link that still holds, or None."""
        return next((one for one in self.failures if one.link is link), None)

    def last_probe(self):
        """Return the last probe that was over at the conclusion, or None."""
        return next((one for one in reversed(self.probes)
                     if self.concluded is None or one.end <= self.concluded),
                    None)


class Recorder:
    """Collects what several threads see into one timeline."""

    def __init__(self, clock=waiting.CLOCK):
        self._clock = clock
        self._lock = threading.Lock()
        self._origin = clock.now()
        self._lists = {name: [] for name in (
            'transitions', 'evidence', 'probes', 'unmet')}
        self._failures = {}
        self._remarks = {}
        self._watched = {}
        self._concluded = None

    def now(self):
        """Return the time that the records are stamped with."""
        return self._clock.now()

    def timeline(self):
        """Return all that was recorded so far, frozen."""
        with self._lock:
            lists = {name: tuple(values)
                     for name, values in self._lists.items()}
            return Timeline(
                origin=self._origin, concluded=self._concluded,
                remarks=tuple(self._remarks.values()),
                failures=tuple(self._failures.values()),
                watched=types.MappingProxyType(dict(self._watched)), **lists)

    def conclude(self):
        """Freeze what the verdict is made of; the first call counts.

        Only probes and transitions are recorded afterwards: a fault has to
        be taken back, and the old guest may come back with its host.
        """
        with self._lock:
            if self._concluded is None:
                self._concluded = self.now()

    def unmet(self, precondition):
        """Record a precondition that does not hold."""
        with self._lock:
            if self._concluded is None:
                self._lists['unmet'].append(precondition)

    def transition(self, name, begin, detail=''):
        """Record a step of the fault that began at ``begin`` and is over."""
        with self._lock:
            self._lists['transitions'].append(
                Transition(name, begin, self.now(), detail))

    def probe(self, probe):
        """Record a request to the application."""
        with self._lock:
            self._lists['probes'].append(probe)

    def remark(self, key, text):
        """Record something worth knowing; a later one of a key replaces it."""
        with self._lock:
            if self._concluded is None:
                self._remarks[key] = text

    def silence(self, link, begin, error):
        """Record a poll of a link that got no answer."""
        with self._lock:
            if self._concluded is not None:
                return
            before = self._watched.get(link, Watched())
            self._watched[link] = dataclasses.replace(
                before, polls=before.polls + 1, errors=before.errors + 1,
                last_begin=begin, state='no answer: %s' % error)

    def look(self, link, begin, look):
        """Record an answered poll of a link.

        :param begin: when the poll began
        :param look: a :class:`.watchers.Look`
        """
        end = self.now()
        with self._lock:
            if self._concluded is not None:
                return
            before = self._watched.get(link, Watched())
            not_before = (self._origin if before.answered is None
                          else before.answered)
            for sighting in look.sightings:
                self._sight(link, sighting, not_before, end)
            self._fail(link, look, end)
            self._watched[link] = dataclasses.replace(
                before, polls=before.polls + 1, last_begin=begin,
                state=look.state, answered=begin)

    def _sight(self, link, sighting, not_before, end):
        known = any(one.link is link and one.mark is sighting.mark
                    for one in self._lists['evidence'])
        if not known:
            self._lists['evidence'].append(Evidence(
                link, sighting.mark, sighting.object_id, not_before, end,
                types.MappingProxyType(dict(sighting.payload)),
                sighting.lag))

    def _fail(self, link, look, end):
        # A failure that has gone is none: another execution may be at work.
        known = self._failures.pop(link, None)
        if look.failure:
            same = known is not None and known.why == look.failure
            self._failures[link] = known if same else Failure(
                link, look.object_id, end, look.failure)
