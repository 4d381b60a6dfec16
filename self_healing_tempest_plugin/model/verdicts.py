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

from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import listing
from self_healing_tempest_plugin.model import stopping

Mark = links.Mark

# Seconds without an answer after which a service counts as silent.
SILENCE = 5.0

# How often a link comes that comes again and again. Twice it may come by
# itself, as when its service was restarted.
OFTEN = 3


class Kind(enum.Enum):
    """What can be said of a run."""

    HEALED = 'HEALED'
    REPAIRED = 'REPAIRED'
    UNTOUCHED = 'UNTOUCHED'
    BROKEN = 'BROKEN'
    NOT_HEALED_BY_THIS_CHAIN = 'NOT_HEALED_BY_THIS_CHAIN'
    UNEXPECTED_HEALING = 'UNEXPECTED_HEALING'
    SPLIT_BRAIN = 'SPLIT_BRAIN'
    EXECUTION_STORM = 'EXECUTION_STORM'
    INVALID = 'INVALID'


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a run has shown.

    :ivar link: the first :class:`.links.Link` that is not as it should be, or
        None
    :ivar why: one sentence
    :ivar look_at: the next place to look, empty when all is good
    :ivar seconds: from the fault to the answer of the healed application
    """

    kind: Kind
    why: str
    link: links.Link | None = None
    look_at: str = ''
    seconds: float | None = None

    @property
    def good(self):
        """Return whether the run has shown what it should."""
        return self.kind in (Kind.HEALED, Kind.REPAIRED, Kind.UNTOUCHED)

    def __str__(self):
        where = '' if self.link is None else ' at link %s' % self.link.name
        text = '%s%s: %s' % (self.kind.value, where, self.why)
        return '%s; look at: %s' % (text, self.look_at) if (
            self.look_at) else text


def verdict(timeline, expectation):
    """Judge one run.

    :param timeline: :class:`.timelines.Timeline`
    :param expectation: :class:`.expectations.Expectation`
    :returns: :class:`Verdict`
    """
    return next(filter(None, (rule(timeline, expectation)
                              for rule in _rules(expectation))))


def _rules(expectation):
    if expectation.heals:
        return _HEALING
    return _REPAIRING if expectation.repairs else _QUIET


def elapsed(timeline, at):
    """Return seconds from the beginning of the injection to ``at``."""
    return at - timeline.transition('injected').begin


def _invalid(timeline, expectation):
    if timeline.unmet:
        return Verdict(Kind.INVALID, why='not ready for a fault: %s'
                       % '; '.join(timeline.unmet))
    if timeline.transition('injected') is None:
        return Verdict(Kind.INVALID, why='no fault was injected%s' % (
            timeline.ended and ': %s' % timeline.ended))
    return (_ended(timeline) or _unwitnessed(timeline, expectation)
            or _before(timeline, expectation))


def _ended(timeline):
    if timeline.concluded is not None:
        return None
    return Verdict(Kind.INVALID, why='the watch ended early: %s' % (
        timeline.ended or 'nobody knows why'))


def _unwitnessed(timeline, expectation):
    if timeline.transition('witnessed') is not None:
        return None
    words = links.FAULT.words
    return Verdict(
        Kind.INVALID, link=links.FAULT,
        why='no %s' % expectation.describe(words.expected),
        look_at=expectation.describe(words.look_at))


def _before(timeline, expectation):
    """Return the verdict on evidence that is no effect of the fault.

    Evidence that began before it is no effect of it, and evidence that may
    have begun before it is not known to be one.
    """
    begin = timeline.transition('injected').begin
    for evidence in timeline.evidence:
        when = timeline.when(evidence)
        if evidence.seen_at < begin or (_counts(expectation, evidence)
                                        and when.end < begin):
            return Verdict(
                Kind.INVALID, link=evidence.link,
                why='%s %s was there before the fault'
                    % (evidence.link.name, evidence.object_id))
        if _counts(expectation, evidence) and when.begin < begin:
            return Verdict(
                Kind.INVALID, link=evidence.link,
                why='it cannot be told whether %s %s began after the fault: '
                    'it came between %+.1f s and %+.1f s' % (
                        evidence.link.name, evidence.object_id,
                        elapsed(timeline, when.begin),
                        elapsed(timeline, when.end)))
    return None


def _counts(expectation, evidence):
    return _began(evidence) and expectation.ties(evidence)


def _split_brain(timeline, expectation):
    pair = expectation.split_brain(timeline)
    if pair is None:
        return None
    new, old = pair
    return Verdict(
        Kind.SPLIT_BRAIN, link=expectation.chain.goal,
        why='the old server %s answered at %+.1f s from boot %s, after '
            'server %s had answered at %+.1f s'
            % (expectation.ids['server_id'], elapsed(timeline, old.end),
               old.boot, new.server or new.boot, elapsed(timeline, new.end)),
        look_at=expectation.describe(healing.SPLIT_BRAIN_LOOK_AT))


def _unexpected(timeline, expectation):
    came = expectation.unexpected(timeline)
    if came is None:
        return _unexpectedly_answered(timeline, expectation)
    return Verdict(
        Kind.UNEXPECTED_HEALING, link=came.link,
        why='%s %s came at %+.1f s, which should not happen after: %s'
            % (came.link.name, came.object_id,
               elapsed(timeline, came.seen_at), expectation.fault),
        look_at=expectation.describe(came.link.words.unexpected))


def _unexpectedly_answered(timeline, expectation):
    goal = expectation.chain.goal
    answer = expectation.touched(timeline) if (
        goal in expectation.forbidden) else None
    if answer is None:
        return None
    return Verdict(
        Kind.UNEXPECTED_HEALING, link=goal,
        why='the application answered at %+.1f s %s, which should not happen '
            'after: %s' % (elapsed(timeline, answer.seen_at),
                           _who(timeline, expectation, answer),
                           expectation.fault),
        look_at=expectation.describe(goal.words.unexpected))


def missing(timeline, expectation):
    """Return the verdict on the first link without evidence.

    :param timeline: :class:`.timelines.Timeline`
    :param expectation: :class:`.expectations.Expectation`
    :returns: :class:`Verdict`, None when no link is missing
    """
    # A start that nobody saw is no matter where the end was seen.
    step = next((step for step in expectation.steps if not any(
        expectation.arrival(timeline, step.link, mark)
        for mark in (step.mark, expectation.required[step.link]))), None)
    if step is None:
        return None
    carrier = expectation.chain.carrier(step.link)
    stuck = carrier is not None and _stuck(timeline, expectation, carrier,
                                           step.link)
    return _broken(timeline, expectation, carrier if stuck else step.link,
                   step)


def _stuck(timeline, expectation, carrier, link):
    """Return whether a carrier keeps the link that it works on from coming.

    An execution that has not ended well may be the reason, or wait for the
    reason: Heat is the reason when it has begun, or does not answer.
    """
    ended = expectation.arrival(timeline, carrier, Mark.FINISHED)
    begun = expectation.arrival(timeline, link, Mark.STARTED)
    return (ended is None and begun is None
            and timeline.failure(link) is None
            and not _silent(timeline.watched.get(link)))


def _silent(watched):
    """Return whether a service has not answered any more."""
    if watched is None or watched.last_begin is None:
        return False
    return (watched.answered is None
            or watched.last_begin - watched.answered > SILENCE)


def _broken(timeline, expectation, link, step):
    """Return the verdict on a link without evidence.

    :param step: what was waited for; the link that keeps it from coming may
        be another
    """
    failure = timeline.failure(link)
    words = link.words
    started = expectation.arrival(timeline, link, Mark.STARTED)
    if link.unfinished is not None and started is not None:
        words = link.unfinished
    facts = [_last_good(timeline, expectation, link),
             _absence(timeline, expectation, link, step, words, failure)]
    facts += _other_failures(timeline, expectation, link)
    kind = Kind.BROKEN
    answer = expectation.returned(timeline)
    if answer is not None:
        facts.append('yet the application answers since %+.1f s, %s' % (
            elapsed(timeline, answer.seen_at),
            _who(timeline, expectation, answer)))
        if failure is None or answer is expectation.revived(timeline):
            kind = Kind.NOT_HEALED_BY_THIS_CHAIN
            facts.append('someone else has repaired it, or the evidence is '
                         'lost')
    if kind is Kind.BROKEN:
        facts.append('the link %s is broken' % words.arrow)
    return Verdict(kind, link=link, why=', '.join(facts),
                   look_at=expectation.describe(words.look_at))


def _other_failures(timeline, expectation, link):
    """Yield why other carriers of the chain have failed."""
    for carrier in expectation.chain.carriers:
        failure = timeline.failure(carrier)
        if failure is not None and carrier is not link:
            yield failure.why


def _who(timeline, expectation, answer):
    """Return which server answers, in words."""
    server = answer.payload.get('server')
    if server == expectation.ids['server_id']:
        return _itself(expectation, answer)
    if not server or server == 'unknown':
        return 'from a server that does not say which it is'
    if server not in expectation.had(timeline):
        return 'from server %s, which the stack is not known to have had' % (
            server)
    return 'from server %s' % server


def _itself(expectation, answer):
    """Return that the old server answers, in words."""
    host, action = (answer.payload.get(key) for key in ('host', 'moved_by'))
    where = 'its host is unknown' if not host else (
        'still on host %s' % host if host == expectation.ids['host']
        else 'now on host %s' % host)
    return 'from server %s itself, boot %s, %s%s' % (
        expectation.ids['server_id'], answer.payload['boot'], where,
        '; last done to it: %s' % action if action else '')


def _others(timeline, expectation):
    """Return the verdict on an application that somebody else brought back.

    The chain may have done its work as well, for nothing.
    """
    answer = expectation.strange(timeline) or expectation.revived(timeline)
    if answer is None:
        return None
    goal = expectation.chain.goal
    return Verdict(
        Kind.NOT_HEALED_BY_THIS_CHAIN, link=goal,
        why='all links came, yet the application answered at %+.1f s %s: '
            'someone else has brought it back' % (
                elapsed(timeline, answer.seen_at),
                _who(timeline, expectation, answer)),
        look_at=expectation.describe(goal.words.unexpected))


def _last_good(timeline, expectation, link):
    for before in expectation.chain.before(link):
        arrival = expectation.arrival(timeline, before, Mark.FINISHED)
        if arrival is not None:
            return '%s (%s) at +%.1f s' % (
                expectation.describe(before.words.arrived),
                arrival.object_id, elapsed(timeline, arrival.seen_at))
    return '%s at +%.1f s' % (
        expectation.describe(links.FAULT.words.arrived),
        elapsed(timeline, timeline.transition('witnessed').end))


def _absence(timeline, expectation, link, step, words, failure):
    missed = expectation.describe(words.expected)
    if failure is not None:
        return 'no %s: %s' % (missed, failure.why)
    watched = timeline.watched.get(link)
    state = '' if watched is None else ' (%d polls, last state: %s)' % (
        watched.polls, watched.state)
    return 'no %s within %g s%s' % (
        missed, round(_allowed(timeline, expectation, step), 1), state)


def _allowed(timeline, expectation, step):
    """Return for how many seconds a step was waited for, as its deadline ran.

    Where steps before it are missing too, their time is part of it.
    """
    return next(missing.deadline - missing.since
                for missing in stopping.pending(timeline, expectation)
                if missing.step == step)


def limited(timeline, expectation):
    """Yield the links that may come only so often, and how often they came.

    :param timeline: :class:`.timelines.Timeline`
    :param expectation: :class:`.expectations.Expectation`
    :returns: pairs of :class:`.links.Link` and a tuple of ids of objects
    """
    for link in expectation.chain.links:
        if link.limit is not None:
            yield link, timeline.objects.get(link, ())


def _storm(timeline, expectation):
    for link, objects in limited(timeline, expectation):
        most = expectation.max_executions * link.limit.ways
        if most and len(objects) > most:
            return Verdict(
                Kind.EXECUTION_STORM, link=link,
                why='%d %s, at most %d may be: %s' % (
                    len(objects), expectation.describe(link.limit.started),
                    most, listing.some(objects, 5)),
                look_at=expectation.describe(link.limit.look_at))
    return None


def _replaced_again(timeline, expectation):
    """Return the verdict on a server that was replaced more than once."""
    chain = expectation.chain
    first = {}
    for evidence in timeline.evidence if chain.once else ():
        if (evidence.link is chain.repair and evidence.mark is Mark.FINISHED
                and expectation.ties(evidence)
                and evidence.link.fits(expectation.ids, evidence.payload)):
            first.setdefault(evidence.payload.get('server_id'), evidence)
    if len(first) < 2:
        return None
    executions = [object_id for _, objects in limited(timeline, expectation)
                  for object_id in objects]
    return Verdict(
        Kind.EXECUTION_STORM, link=chain.repair,
        why='server %s was replaced %d times: %s; executions: %s' % (
            expectation.ids['server_id'], len(first), ', '.join(
                'by server %s at %+.1f s' % (
                    server_id, elapsed(timeline, timeline.when(evidence).end))
                for server_id, evidence in first.items()),
            listing.some(executions, 5)),
        look_at=expectation.describe(chain.repair.words.look_at))


def remarks(timeline, expectation):
    """Return what is worth knowing beside the verdict, as a tuple of text.

    :param timeline: :class:`.timelines.Timeline`
    :param expectation: :class:`.expectations.Expectation`
    """
    remarked = [*timeline.remarks, *_repeated(timeline, expectation),
                *_again(timeline, expectation),
                *_link_remarks(timeline, expectation)]
    if _ended(timeline) and timeline.transition('injected') is not None:
        remarked.extend('seen by then: %s' % seen for seen in filter(None, (
            rule(timeline, expectation)
            for rule in (_split_brain, _unexpected, _storm))))
    remarked.extend('the clock of %s contradicts the polls; its times are '
                    'not used' % service
                    for service in timeline.disbelieved())
    return tuple(remarked)


def _repeated(timeline, expectation):
    for link, objects in limited(timeline, expectation):
        if len(objects) > 1:
            yield '%d %s: %s' % (
                len(objects), expectation.describe(link.limit.started),
                listing.some(objects, 5))


def _again(timeline, expectation):
    for link in expectation.chain.links:
        came = sum(evidence.link is link
                   and link.ties(expectation.ids, evidence.payload)
                   for evidence in timeline.evidence) if link.again else 0
        if came >= OFTEN:
            yield '%d times %s' % (came, expectation.describe(link.again))


def _link_remarks(timeline, expectation):
    for link in expectation.chain.links:
        arrival = expectation.arrival(timeline, link, Mark.FINISHED)
        remark = arrival and link.remark(arrival.payload)
        if remark:
            yield remark


def _reversed(timeline, expectation):
    pair = _out_of_order(timeline, expectation)
    if pair is None:
        return None
    earlier, later = pair
    return Verdict(
        Kind.NOT_HEALED_BY_THIS_CHAIN, link=later,
        why='%s was there before %s began, so it is no effect of it'
            % (later.name, earlier.name))


def _out_of_order(timeline, expectation):
    begins = [(link, _begins(timeline, expectation, link))
              for link in expectation.links]
    for index, (later, ends) in enumerate(begins):
        for earlier, starts in begins[:index]:
            begun = [start.earliest for start in starts if _began(start)]
            # Where several records may be the right one, each has to be
            # wrong.
            if begun and max(end.seen_at for end in ends) < min(begun):
                return earlier, later
    return None


def _began(evidence):
    """Return whether evidence says when its link began.

    That a lasting link had ended says nothing about when it had begun.
    """
    return evidence.mark is Mark.STARTED or not evidence.link.lasting


def _begins(timeline, expectation, link):
    """Return the evidence of what may be the beginning of a link.

    Of several updates of the stack, Heat's events say which has brought the
    server; where they do not, it was one of those that had begun by then. Of
    several executions it is the one that ended, and of several deductions it
    may be each. Of an object whose end alone was seen, nobody knows when it
    began.
    """
    end = expectation.arrival(timeline, link, Mark.FINISHED)
    begun = list(expectation.arrivals(timeline, link, Mark.STARTED))
    if end is None:
        return begun[:1] or [None]
    if not link.lasting and link is not expectation.chain.goal:
        return list(expectation.arrivals(timeline, link, Mark.FINISHED))
    own = [start for start in begun if start.object_id == end.object_id]
    if not own:
        # It may have begun before all others that were seen to.
        return [end]
    if not link.start_key:
        return own[:1]
    return _named(link, begun, end) or [
        start for start in begun if start.seen_at <= end.seen_at] or [end]


def _named(link, begun, end):
    """Return the starts that an end says it is of."""
    name = end.payload.get(link.start_key)
    return [start for start in begun
            if name and start.payload.get(link.start_key) == name]


def _healed(timeline, expectation):
    answer = expectation.arrival(timeline, expectation.chain.goal,
                                 Mark.FINISHED)
    seconds = elapsed(timeline, answer.seen_at)
    return Verdict(
        Kind.HEALED, seconds=seconds, why='by this chain in %.1f s; %s' % (
            seconds, _taken_over(timeline, expectation)))


def _repaired(timeline, expectation):
    link = expectation.chain.repair
    repair = expectation.arrival(timeline, link, Mark.FINISHED)
    return Verdict(
        Kind.REPAIRED,
        why='the %s, by this chain in %.1f s; %s; whether the application '
            'answers was not asked' % (
                link.name, elapsed(timeline, repair.seen_at),
                _taken_over(timeline, expectation)))


def _taken_over(timeline, expectation):
    chain = expectation.chain
    repair = expectation.arrival(timeline, chain.repair, Mark.FINISHED)
    return chain.healed.taken_over(expectation.ids, repair.payload)


def _unwatched(timeline, expectation):
    end = expectation.quiet_end(timeline)
    for link in expectation.forbidden:
        watched = timeline.watched.get(link)
        until = None if watched is None else watched.answered
        if until is None or until < end:
            return _unseen(timeline, expectation, link, until)
    return None


def _unseen(timeline, expectation, link, until):
    watched = timeline.watched.get(link)
    span = 'never watched' if until is None else (
        'watched until %+.1f s only' % elapsed(timeline, until))
    state = '' if watched is None else ' (last state: %s)' % watched.state
    return Verdict(
        Kind.INVALID, link=link,
        why='%s was %s%s, the quiet time ends at %+.1f s' % (
            link.name, span, state,
            elapsed(timeline, expectation.quiet_end(timeline))))


def _dead(timeline, expectation):
    if not expectation.alive:
        return None
    probe = timeline.last_probe()
    begin = None if probe is None else probe.begin
    if begin is None or begin < expectation.quiet_end(timeline):
        return _unseen(timeline, expectation, expectation.chain.goal, begin)
    if expectation.lived(timeline) is not None:
        return None
    return Verdict(
        Kind.BROKEN, link=expectation.chain.goal,
        why='the server should live through this fault, but no %s at %+.1f '
            's: %s' % (expectation.describe(healing.LIVES),
                       elapsed(timeline, probe.end),
                       'boot %s answered' % probe.boot if probe.ok
                       else probe.error),
        look_at=expectation.describe(healing.LIVES_LOOK_AT))


def _untouched(timeline, expectation):
    came = ', '.join(link.name for link in expectation.required)
    absent = ', '.join(link.name for link in expectation.forbidden)
    facts = ['no %s until %+.1f s' % (
        absent, elapsed(timeline, expectation.quiet_end(timeline)))]
    if came:
        facts.insert(0, '%s came' % came)
    if expectation.alive:
        facts.append('server %s lived on' % expectation.ids['server_id'])
    return Verdict(Kind.UNTOUCHED, why='; '.join(facts))


# The first rule that has something to say makes the verdict.
_ALWAYS = (_invalid, _split_brain, _unexpected, missing)
_HEALING = (*_ALWAYS, _others, _reversed, _storm, _replaced_again,
            _healed)
_REPAIRING = (*_ALWAYS, _reversed, _storm, _repaired)
_QUIET = (*_ALWAYS, _unwatched, _dead, _untouched)
