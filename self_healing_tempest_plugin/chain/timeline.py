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

All times are seconds on the runner's monotonic clock, but for stamps, which
are on the clock of a service.
"""

import dataclasses
import math
import threading
import types
import typing

from self_healing_tempest_plugin.chain import clocks as offsets
from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin import waiting

# The error of a probe that was taken, and not answered in time: the name of
# the exception that requests raises.
TAKEN = 'ReadTimeout'

# What makes two sightings of one mark two things: an update of a stack that
# begins after another, or brings another server; an answer from another boot;
# an alarm that came back.
_IDENTITY = ('host', 'server_id', 'stack_id', 'updated_time',
             'start_timestamp', 'boot', 'server')

# Different things that are kept of one mark. A stranger may answer with a new
# name each time; what is beyond that is counted in a remark.
MOST_SIGHTINGS = 100


@dataclasses.dataclass(frozen=True)
class Stamp:
    """Between which moments something happened, as a service says.

    :ivar service: whose clock it is, a key of ``Timeline.clocks``
    :ivar low: seconds since the epoch; minus infinity where the service says
        only when it was over
    :ivar high: seconds since the epoch
    """

    service: str
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One record that a link started or finished.

    :ivar object_id: the alarm, execution, stack, ... that shows it
    :ivar not_before: start of the last poll that did not see it
    :ivar seen_at: end of the first poll that saw it
    :ivar payload: what ties it to the fault, as plain values
    :ivar lag: seconds that the event may be older than ``not_before``,
        because the service shows it late
    :ivar stamps: what the services themselves say of its time
    """

    link: links.Link
    mark: links.Mark
    object_id: str
    not_before: float
    seen_at: float
    payload: typing.Mapping = dataclasses.field(default_factory=dict)
    lag: float = 0.0
    stamps: tuple[Stamp, ...] = ()

    @property
    def earliest(self):
        """Return when the event may have happened at the earliest."""
        return self.not_before - self.lag


@dataclasses.dataclass(frozen=True)
class Detail:
    """Something that happened within a link, as a service tells it.

    :ivar link: the link that it belongs to
    :ivar source: who tells it, e.g. ``Heat event``
    :ivar object_id: the event, task, ... itself
    :ivar text: what happened, for people
    :ivar stamp: :class:`Stamp`
    """

    link: links.Link
    source: str
    object_id: str
    text: str
    stamp: Stamp


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
    :ivar answered: whether something answered, be it wrong
    """

    begin: float
    end: float
    ok: bool
    nonce: str
    boot: str = ''
    server: str = ''
    error: str = ''
    answered: bool = False

    @property
    def taken(self):
        """Return whether somebody took the request, answered or not."""
        return self.answered or self.error == TAKEN


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
class Interval:
    """Two moments between which something happened."""

    begin: float
    end: float

    @property
    def width(self):
        """Return the uncertainty in seconds."""
        return self.end - self.begin

    def meet(self, other):
        """Return what two intervals have in common, None when nothing."""
        begin, end = max(self.begin, other.begin), min(self.end, other.end)
        return Interval(begin, end) if begin <= end else None


@dataclasses.dataclass(frozen=True)
class Timeline:
    """One run.

    :ivar origin: when the watch began
    :ivar unmet: preconditions that did not hold
    :ivar concluded: when the verdict was sure; later there are only probes,
        transitions and objects
    :ivar ended: why the watch ended before that, empty where it did not
    :ivar objects: ids of all that was seen of a link, in order
    :ivar clocks: :class:`.clocks.Offset` of each service that tells its time
    :ivar details: what the services told afterwards, in order of time
    :ivar began: when the watch began, as seconds since the epoch
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
    ended: str = ''
    objects: typing.Mapping[links.Link, tuple[str, ...]] = dataclasses.field(
        default_factory=dict)
    clocks: typing.Mapping[str, offsets.Offset] = dataclasses.field(
        default_factory=dict)
    details: tuple[Detail, ...] = ()
    began: float = 0.0

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
        """Return the last probe that was over at the conclusion, or None.

        The last is the one that began last: they may end in another order.
        """
        return max(filter(self.counts, self.probes),
                   key=lambda one: one.begin, default=None)

    def counts(self, probe):
        """Return whether a probe was over at the conclusion.

        :param probe: :class:`Probe`
        """
        return self.concluded is None or probe.end <= self.concluded

    def when(self, evidence):
        """Return when the event of an evidence happened.

        The polls say between which moments; what a service says of its time
        narrows that. A clock that contradicts the polls is not believed: it
        could make an order of events that never was.

        :param evidence: :class:`Evidence`
        :returns: :class:`Interval`
        """
        found = Interval(evidence.earliest, evidence.seen_at)
        for stamp in evidence.stamps:
            told = self.told(stamp)
            found = (told and found.meet(told)) or found
        return found

    def told(self, stamp):
        """Return a stamp on the runner's clock, None for an unknown clock.

        :param stamp: :class:`Stamp`
        :returns: :class:`Interval`, with the uncertainty of the clock in it
        """
        offset = self.clocks.get(stamp.service)
        return offset and Interval(stamp.low - offset.high,
                                   stamp.high - offset.low)

    def disbelieved(self):
        """Return the services whose stamps contradict the polls, sorted."""
        return sorted({
            stamp.service for one in self.evidence for stamp in one.stamps
            if stamp.service in self.clocks and not Interval(
                one.earliest, one.seen_at).meet(self.told(stamp))})


class Recorder:
    """Collects what several threads see into one timeline."""

    def __init__(self, clock=waiting.CLOCK):
        self._clock = clock
        self._lock = threading.Lock()
        self._origin, self._began = clock.now(), clock.wall()
        self._lists = {name: [] for name in (
            'transitions', 'evidence', 'probes', 'unmet', 'details')}
        self._failures = {}
        self._remarks = {}
        self._watched = {}
        self._looked = {}
        self._objects = {}
        self._clocks = {}
        self._concluded = None
        self._ended = ''

    def now(self):
        """Return the time that the records are stamped with."""
        return self._clock.now()

    def has(self, link, mark):
        """Return whether there is evidence of a link and mark."""
        with self._lock:
            return any((one.link, one.mark) == (link, mark)
                       for one in self._lists['evidence'])

    def unstamped(self, link):
        """Return whether no service has told the time of what was seen."""
        with self._lock:
            return any(one.link is link and not one.stamps
                       for one in self._lists['evidence'])

    def timeline(self):
        """Return all that was recorded so far, frozen."""
        with self._lock:
            lists = {name: tuple(values)
                     for name, values in self._lists.items()}
            return Timeline(
                origin=self._origin, began=self._began,
                concluded=self._concluded, ended=self._ended,
                remarks=tuple(self._remarks.values()),
                failures=tuple(self._failures.values()),
                watched=types.MappingProxyType(dict(self._watched)),
                objects=types.MappingProxyType(dict(self._objects)),
                clocks=types.MappingProxyType(dict(self._clocks)), **lists)

    def conclude(self):
        """Freeze what the verdict is made of; the first call counts.

        Probes and transitions are recorded further on: a fault has to be
        taken back, and the old guest may come back with its host. So are the
        ids of what comes late, the clocks and the details; and a poll may
        still narrow the time of what another one saw.
        """
        with self._lock:
            if not self._over():
                self._concluded = self.now()

    def end(self, why):
        """Note that the watch ends before the verdict is sure.

        What was seen by then stays, and nothing is added but what
        :meth:`conclude` lets through. Of several reasons the first counts,
        and after the conclusion none does.

        :param why: what ended it, for people
        """
        with self._lock:
            if not self._over():
                self._ended = why or 'nobody knows why'

    def _over(self):
        return self._concluded is not None or bool(self._ended)

    def unmet(self, precondition):
        """Record a precondition that does not hold."""
        with self._lock:
            if not self._over():
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
            self._remarks[key] = text

    def clock(self, service, offset):
        """Record what was measured of the clock of a service.

        A second measurement widens the first: in between the clock may have
        been anywhere from the one to the other.

        :param offset: :class:`.clocks.Offset`
        """
        with self._lock:
            known = self._clocks.get(service)
            self._clocks[service] = offset if known is None else known.hull(
                offset)

    def detail(self, detail):
        """Record what a service told afterwards.

        :param detail: :class:`Detail`
        """
        with self._lock:
            self._lists['details'].append(detail)

    def silence(self, link, begin, error):
        """Record a poll of a link that got no answer."""
        with self._lock:
            if not self._over():
                self._count(link, begin, 'no answer: %s' % error, errors=1)

    def look(self, link, begin, end, look):
        """Record an answered poll of a link.

        Polls come in the order in which they end, and may have begun in
        another. What is seen may be gone in the next moment, so that a poll
        without it says that it was not before that only where the poll was
        over when the one that sees it began.

        :param begin: when the poll began
        :param end: when it had its answer
        :param look: a :class:`.watchers.Look`
        """
        with self._lock:
            if look.objects:
                self._objects[link] = tuple(dict.fromkeys(
                    (*self._objects.get(link, ()), *look.objects)))
            for sighting in look.sightings:
                self._complete(link, sighting)
            if not self._over():
                seen_at = end if look.seen_at is None else look.seen_at
                for sighting in look.sightings:
                    self._sight(link, sighting, begin, seen_at)
                if begin >= self._answered(link):
                    self._fail(link, look, end)
                self._count(link, begin, look.state, answered=begin)
            self._looked.setdefault(link, []).append((begin, end))

    def _answered(self, link):
        watched = self._watched.get(link)
        return -math.inf if watched is None or watched.answered is None else (
            watched.answered)

    def _count(self, link, begin, state, errors=0, answered=None):
        before = self._watched.get(link, Watched())
        newest = before.last_begin is None or begin >= before.last_begin
        answers = [one for one in (before.answered, answered)
                   if one is not None]
        self._watched[link] = Watched(
            polls=before.polls + 1, errors=before.errors + errors,
            last_begin=begin if newest else before.last_begin,
            state=state if newest else before.state,
            answered=max(answers, default=None))

    def _sight(self, link, sighting, begin, end):
        known = [one for one in self._lists['evidence']
                 if (one.link, one.mark) == (link, sighting.mark)]
        if any(_same(sighting, one) for one in known):
            return
        if len(known) >= MOST_SIGHTINGS:
            self._remarks['too many', link] = (
                'more than %d different sightings of %s %s; the first of '
                'them are kept' % (MOST_SIGHTINGS, link.label,
                                   sighting.mark.value))
            return
        self._lists['evidence'].append(Evidence(
            link, sighting.mark, sighting.object_id,
            self._last_without(link, begin), end, _frozen(sighting.payload),
            sighting.lag, sighting.stamps))

    def _last_without(self, link, before):
        """Return when the last poll began that was over at a moment."""
        return max((begin for begin, end in self._looked.get(link, ())
                    if end <= before), default=self._origin)

    def _complete(self, link, sighting):
        # What a service says of something may be there only after the thing
        # itself.
        self._lists['evidence'] = [
            _completed(one, sighting)
            if one.link is link and _same(sighting, one) else one
            for one in self._lists['evidence']]

    def _fail(self, link, look, end):
        # A failure that has gone is none: another execution may be at work.
        known = self._failures.pop(link, None)
        if look.failure:
            same = known is not None and known.why == look.failure
            self._failures[link] = known if same else Failure(
                link, look.object_id, end, look.failure)


def _frozen(payload):
    return types.MappingProxyType(dict(payload))


def _same(sighting, evidence):
    """Return whether a sighting is of the thing that is known already.

    What only one of the two tells makes no difference between them.
    """
    if (sighting.mark, sighting.object_id) != (evidence.mark,
                                               evidence.object_id):
        return False
    pairs = ((sighting.payload.get(name), evidence.payload.get(name))
             for name in _IDENTITY)
    return all(None in pair or pair[0] == pair[1] for pair in pairs)


def _completed(evidence, sighting):
    """Return evidence with what a later sighting of the same thing adds.

    A time belongs to it only where all else is as it was: it may be of an
    update. What caused it never changes.
    """
    payload = dict(evidence.payload)
    if not payload.get('causes') and sighting.payload.get('causes'):
        payload['causes'] = sighting.payload['causes']
    stamps = evidence.stamps
    if sighting.stamps and not stamps and all(
            sighting.payload.get(key) == value
            for key, value in payload.items() if value is not None):
        stamps, payload = sighting.stamps, dict(sighting.payload)
    if (stamps, payload) == (evidence.stamps, evidence.payload):
        return evidence
    return dataclasses.replace(evidence, stamps=stamps,
                               payload=_frozen(payload))
