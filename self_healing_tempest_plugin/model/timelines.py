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

"""All that was seen during one run, as frozen records.

All times are seconds on the runner's monotonic clock, but for stamps, which
are on the clock of a service.
"""

import dataclasses
import typing

from self_healing_tempest_plugin.model import links

# The error of a probe that was taken, and not answered in time: the name of
# the exception that requests raises.
TAKEN = 'ReadTimeout'


@dataclasses.dataclass(frozen=True)
class Stamp:
    """Between which moments something happened, as a service says.

    :ivar service: whose clock it is, a key of ``Timeline.clocks``
    :ivar low: seconds since the epoch; minus infinity where the service says
        only when it was over
    :ivar high: seconds since the epoch; infinity where the service says only
        what it came after
    """

    service: str
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Offset:
    """Clock of a service less the runner's monotonic one, in seconds.

    :ivar low: at least
    :ivar high: at most
    """

    low: float
    high: float

    @property
    def width(self):
        """Return the uncertainty in seconds."""
        return self.high - self.low

    def hull(self, other):
        """Return the offset that covers both."""
        return Offset(min(self.low, other.low), max(self.high, other.high))


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
    :ivar source: the record that tells it, e.g. ``Heat event``
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
    :ivar state: what that poll saw
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
    :ivar clocks: :class:`Offset` of each service that tells its time
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
    clocks: typing.Mapping[str, Offset] = dataclasses.field(
        default_factory=dict)
    details: tuple[Detail, ...] = ()
    began: float = 0.0

    def transition(self, name):
        """Return the first transition of a name, or None."""
        for transition in self.transitions:
            if transition.name == name:
                return transition
        return None

    def find(self, link, mark):
        """Return the first evidence of a link and mark, or None."""
        return next((evidence for evidence in self.evidence
                     if evidence.link is link and evidence.mark is mark), None)

    def failure(self, link):
        """Return the failure of a link that still holds, or None."""
        return next((failure for failure in self.failures
                     if failure.link is link), None)

    def last_probe(self):
        """Return the last probe that was over at the conclusion, or None.

        The last probe is the one that began last: probes may end in another
        order.
        """
        return max(filter(self.counts, self.probes),
                   key=lambda probe: probe.begin, default=None)

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
        interval = Interval(evidence.earliest, evidence.seen_at)
        for stamp in evidence.stamps:
            told = self.told(stamp)
            interval = (told and interval.meet(told)) or interval
        return interval

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
            stamp.service for evidence in self.evidence
            for stamp in evidence.stamps
            if stamp.service in self.clocks and not Interval(
                evidence.earliest, evidence.seen_at).meet(self.told(stamp))})
