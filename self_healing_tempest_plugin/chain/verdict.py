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

"""The verdict on a run: a pure function of its timeline.

It opens no socket, reads no clock and imports no client.
"""

import dataclasses
import enum

from self_healing_tempest_plugin.chain import links

Link, Mark = links.Link, links.Mark

CHAIN = tuple(link for link in Link if link is not Link.FAULT)


class Kind(enum.Enum):
    """The four things that can be said of a run."""

    HEALED = 'HEALED'
    BROKEN = 'BROKEN'
    NOT_HEALED_BY_THIS_CHAIN = 'NOT_HEALED_BY_THIS_CHAIN'
    INVALID = 'INVALID'


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a run has shown.

    :ivar link: the first link without evidence, or None
    :ivar why: one sentence
    :ivar look_at: the next place to look, empty when healed
    :ivar seconds: from the fault to the answer of the healed application
    """

    kind: Kind
    why: str
    link: Link | None = None
    look_at: str = ''
    seconds: float | None = None

    def __str__(self):
        where = '' if self.link is None else ' at link %s' % self.link.label
        text = '%s%s: %s' % (self.kind.value, where, self.why)
        return '%s; look at: %s' % (text, self.look_at) if (
            self.look_at) else text


def verdict(timeline, expectation):
    """Judge one run.

    :param timeline: :class:`.timeline.Timeline`
    :param expectation: :class:`.expectation.Expectation`
    :returns: :class:`Verdict`
    """
    invalid = _invalid(timeline, expectation)
    if invalid is not None:
        return invalid
    missing = _first_missing(timeline, expectation)
    if missing is not None:
        return _unhealed(timeline, expectation, *missing)
    reversed_pair = _out_of_order(timeline, expectation)
    if reversed_pair is not None:
        return Verdict(
            Kind.NOT_HEALED_BY_THIS_CHAIN, link=reversed_pair[1],
            why='%s was there before %s began, so it is no effect of it'
                % (reversed_pair[1].label, reversed_pair[0].label))
    return _healed(timeline, expectation)


def elapsed(timeline, at):
    """Return seconds from the beginning of the injection to ``at``."""
    return at - timeline.transition('injected').begin


def _invalid(timeline, expectation):
    if timeline.unmet:
        return Verdict(Kind.INVALID, why='not ready for a fault: %s'
                       % '; '.join(timeline.unmet))
    injected = timeline.transition('injected')
    if injected is None:
        return Verdict(Kind.INVALID, why='no fault was injected')
    if timeline.transition('witnessed') is None:
        fault = links.DESCRIPTIONS[Link.FAULT]
        return Verdict(
            Kind.INVALID, link=Link.FAULT,
            why='no %s' % expectation.describe(fault.expected),
            look_at=expectation.describe(fault.look_at))
    early = next((one for one in timeline.evidence
                  if one.seen_at < injected.begin), None)
    if early is not None:
        return Verdict(
            Kind.INVALID, link=early.link,
            why='%s %s was there before the fault'
                % (early.link.label, early.object_id))
    return None


def _first_missing(timeline, expectation):
    for link in CHAIN:
        if expectation.arrival(timeline, link, Mark.FINISHED) is None:
            started = expectation.arrival(timeline, link, Mark.STARTED)
            return link, started
    return None


def _unhealed(timeline, expectation, link, started):
    failure = timeline.failure(link)
    words = links.DESCRIPTIONS[link]
    if link is Link.WORKFLOW and started is not None:
        words = links.WORKFLOW_UNFINISHED
    facts = [_last_good(timeline, expectation, link),
             _absence(timeline, expectation, link, words, failure)]
    kind = Kind.BROKEN
    answer = expectation.arrival(timeline, Link.APPLICATION, Mark.FINISHED)
    if answer is not None:
        facts.append('yet the application answers since +%.1f s'
                     % elapsed(timeline, answer.seen_at))
        if failure is None:
            kind = Kind.NOT_HEALED_BY_THIS_CHAIN
            facts.append('someone else has repaired it, or the evidence is '
                         'lost')
    if kind is Kind.BROKEN:
        facts.append('the link %s is broken' % words.arrow)
    return Verdict(kind, link=link, why=', '.join(facts),
                   look_at=expectation.describe(words.look_at))


def _last_good(timeline, expectation, link):
    for before in reversed(CHAIN[:CHAIN.index(link)]):
        arrival = expectation.arrival(timeline, before, Mark.FINISHED)
        if arrival is not None:
            return '%s (%s) at +%.1f s' % (
                expectation.describe(links.DESCRIPTIONS[before].arrived),
                arrival.object_id, elapsed(timeline, arrival.seen_at))
    return '%s at +%.1f s' % (
        expectation.describe(links.DESCRIPTIONS[Link.FAULT].arrived),
        elapsed(timeline, timeline.transition('witnessed').end))


def _absence(timeline, expectation, link, words, failure):
    missed = expectation.describe(words.expected)
    if failure is not None:
        return 'no %s: %s' % (missed, failure.why)
    watched = timeline.watched.get(link)
    state = '' if watched is None else ' (%d polls, last state: %s)' % (
        watched.polls, watched.state)
    return 'no %s within %g s%s' % (
        missed, expectation.timeouts[link], state)


def _out_of_order(timeline, expectation):
    begins = [(link, _begin(timeline, expectation, link)) for link in CHAIN]
    for index, (later, end) in enumerate(begins):
        for earlier, begin in begins[:index]:
            if _began(begin) and end.seen_at < begin.earliest:
                return earlier, later
    return None


def _began(evidence):
    """Return whether evidence says when its link began.

    That something lasting had ended says nothing about when it had begun.
    """
    return (evidence.mark is Mark.STARTED
            or evidence.link not in links.LASTING)


def _begin(timeline, expectation, link):
    return (expectation.arrival(timeline, link, Mark.STARTED)
            or expectation.arrival(timeline, link, Mark.FINISHED))


def _healed(timeline, expectation):
    answer = expectation.arrival(timeline, Link.APPLICATION, Mark.FINISHED)
    seconds = elapsed(timeline, answer.seen_at)
    server = expectation.arrival(timeline, Link.STACK,
                                 Mark.FINISHED).payload['server_id']
    return Verdict(
        Kind.HEALED, seconds=seconds,
        why='by this chain in %.1f s; server %s took over from %s'
            % (seconds, server, expectation.server_id))
