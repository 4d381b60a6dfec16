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
from self_healing_tempest_plugin.chain import outlook

Link, Mark = links.Link, links.Mark

CHAIN = links.CHAIN

# Seconds without an answer after which a service counts as silent.
SILENCE = 5.0


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

    :ivar link: the first link that is not as it should be, or None
    :ivar why: one sentence
    :ivar look_at: the next place to look, empty when all is good
    :ivar seconds: from the fault to the answer of the healed application
    """

    kind: Kind
    why: str
    link: Link | None = None
    look_at: str = ''
    seconds: float | None = None

    @property
    def good(self):
        """Return whether the run has shown what it should."""
        return self.kind in (Kind.HEALED, Kind.REPAIRED, Kind.UNTOUCHED)

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
    fault = links.DESCRIPTIONS[Link.FAULT]
    return Verdict(
        Kind.INVALID, link=Link.FAULT,
        why='no %s' % expectation.describe(fault.expected),
        look_at=expectation.describe(fault.look_at))


def _before(timeline, expectation):
    """Return the verdict on evidence that is no effect of the fault.

    What began before it is none, and what may have is not known to be one.
    """
    begin = timeline.transition('injected').begin
    for one in timeline.evidence:
        when = timeline.when(one)
        if one.seen_at < begin or (_counts(expectation, one)
                                   and when.end < begin):
            return Verdict(
                Kind.INVALID, link=one.link,
                why='%s %s was there before the fault'
                    % (one.link.label, one.object_id))
        if _counts(expectation, one) and when.begin < begin:
            return Verdict(
                Kind.INVALID, link=one.link,
                why='it cannot be told whether %s %s began after the fault: '
                    'it came between %+.1f s and %+.1f s' % (
                        one.link.label, one.object_id,
                        elapsed(timeline, when.begin),
                        elapsed(timeline, when.end)))
    return None


def _counts(expectation, evidence):
    return _began(evidence) and expectation.ties(evidence)


def _split_brain(timeline, expectation):
    found = expectation.split_brain(timeline)
    if found is None:
        return None
    new, old = found
    return Verdict(
        Kind.SPLIT_BRAIN, link=Link.APPLICATION,
        why='the old server %s answered at %+.1f s from boot %s, after '
            'server %s had answered at %+.1f s'
            % (expectation.server_id, elapsed(timeline, old.end), old.boot,
               new.server or new.boot, elapsed(timeline, new.end)),
        look_at=expectation.describe(links.ONE_SERVER.look_at))


def _unexpected(timeline, expectation):
    came = expectation.unexpected(timeline)
    if came is None:
        return _unexpectedly_moved(timeline, expectation)
    return Verdict(
        Kind.UNEXPECTED_HEALING, link=came.link,
        why='%s %s came at %+.1f s, which should not happen after: %s'
            % (came.link.label, came.object_id,
               elapsed(timeline, came.seen_at), expectation.fault),
        look_at=expectation.describe(
            links.DESCRIPTIONS[came.link].unexpected))


def _unexpectedly_moved(timeline, expectation):
    answer = expectation.moved(timeline) if (
        Link.APPLICATION in expectation.forbidden) else None
    if answer is None:
        return None
    return Verdict(
        Kind.UNEXPECTED_HEALING, link=Link.APPLICATION,
        why='the application answered at %+.1f s %s, which should not happen '
            'after: %s' % (elapsed(timeline, answer.seen_at),
                           _moved_words(expectation, answer),
                           expectation.fault),
        look_at=expectation.describe(
            links.DESCRIPTIONS[Link.APPLICATION].unexpected))


def missing(timeline, expectation):
    """Return the verdict on the first link without evidence.

    :param timeline: :class:`.timeline.Timeline`
    :param expectation: :class:`.expectation.Expectation`
    :returns: :class:`Verdict`, None when no link is missing
    """
    # A start that nobody saw is no matter where the end was seen.
    step = next((step for step in expectation.steps if not any(
        expectation.arrival(timeline, step[0], mark)
        for mark in (step[1], expectation.required[step[0]]))), None)
    if step is None:
        return None
    link = step[0]
    if link is Link.STACK and _stuck(timeline, expectation):
        link = Link.WORKFLOW
    return _broken(timeline, expectation, link, step)


def _stuck(timeline, expectation):
    """Return whether the execution, not Heat, keeps the stack as it is.

    An execution that has not ended well may be the reason, or wait for the
    reason: Heat is it when it has begun, or does not answer.
    """
    ended = expectation.arrival(timeline, Link.WORKFLOW, Mark.FINISHED)
    begun = expectation.arrival(timeline, Link.STACK, Mark.STARTED)
    return (ended is None and begun is None
            and timeline.failure(Link.STACK) is None
            and not _silent(timeline.watched.get(Link.STACK)))


def _silent(watched):
    """Return whether a service has not answered any more."""
    if watched is None or watched.last_begin is None:
        return False
    return (watched.answered is None
            or watched.last_begin - watched.answered > SILENCE)


def _broken(timeline, expectation, link, step):
    """Return the verdict on a link without evidence.

    :param step: what was waited for, pair of link and mark; the link that
        keeps it from coming may be another
    """
    failure = timeline.failure(link)
    words = links.DESCRIPTIONS[link]
    started = expectation.arrival(timeline, link, Mark.STARTED)
    if link is Link.WORKFLOW and started is not None:
        words = links.WORKFLOW_UNFINISHED
    facts = [_last_good(timeline, expectation, link),
             _absence(timeline, expectation, link, step, words, failure)]
    execution = timeline.failure(Link.WORKFLOW)
    if execution is not None and link is not Link.WORKFLOW:
        facts.append(execution.why)
    kind = Kind.BROKEN
    answer = expectation.returned(timeline)
    if answer is not None:
        facts.append('yet the application answers since %+.1f s, %s' % (
            elapsed(timeline, answer.seen_at),
            _who(timeline, expectation, answer)))
        if failure is None or answer is expectation.moved(timeline):
            kind = Kind.NOT_HEALED_BY_THIS_CHAIN
            facts.append('someone else has repaired it, or the evidence is '
                         'lost')
    if kind is Kind.BROKEN:
        facts.append('the link %s is broken' % words.arrow)
    return Verdict(kind, link=link, why=', '.join(facts),
                   look_at=expectation.describe(words.look_at))


def _who(timeline, expectation, answer):
    """Return who answers, in words."""
    server = answer.payload.get('server')
    if server == expectation.server_id:
        return _moved_words(expectation, answer)
    if not server or server == 'unknown':
        return 'from a server that does not say which it is'
    if server not in expectation.had(timeline):
        return 'from server %s, which the stack is not known to have had' % (
            server)
    return 'from server %s' % server


def _moved_words(expectation, answer):
    host, action = (answer.payload.get(key) for key in ('host', 'moved_by'))
    where = 'its host is unknown' if not host else (
        'still on host %s' % host if host == expectation.host
        else 'now on host %s' % host)
    return 'from server %s itself, boot %s, %s%s' % (
        expectation.server_id, answer.payload['boot'], where,
        '; last done to it: %s' % action if action else '')


def _others(timeline, expectation):
    """Return the verdict on an application that another one has brought back.

    The chain may have done its work as well, for nothing.
    """
    answer = expectation.strange(timeline) or expectation.moved(timeline)
    if answer is None:
        return None
    return Verdict(
        Kind.NOT_HEALED_BY_THIS_CHAIN, link=Link.APPLICATION,
        why='all links came, yet the application answered at %+.1f s %s: '
            'someone else has brought it back' % (
                elapsed(timeline, answer.seen_at),
                _who(timeline, expectation, answer)),
        look_at=expectation.describe(
            links.DESCRIPTIONS[Link.APPLICATION].unexpected))


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
    return next(one.deadline - one.since
                for one in outlook.pending(timeline, expectation)
                if (one.link, one.mark) == step)


def executions(timeline):
    """Return the ids of all executions that were started for the server."""
    return timeline.objects.get(Link.WORKFLOW, ())


def _storm(timeline, expectation):
    found, most = executions(timeline), expectation.max_executions
    if not most or len(found) <= most:
        return None
    return Verdict(
        Kind.EXECUTION_STORM, link=Link.WORKFLOW,
        why='%d executions of %s were started for server %s, at most %d '
            'may be: %s' % (len(found), expectation.workflow,
                            expectation.server_id, most, _some(found)),
        look_at=expectation.describe(links.ONE_EXECUTION.look_at))


def remarks(timeline, expectation):
    """Return what is worth knowing beside the verdict, as a tuple of text.

    :param timeline: :class:`.timeline.Timeline`
    :param expectation: :class:`.expectation.Expectation`
    """
    found = list(timeline.remarks)
    repeated = executions(timeline)
    if len(repeated) > 1:
        found.append('%d executions were started for server %s: %s' % (
            len(repeated), expectation.server_id, _some(repeated)))
    deduced = expectation.arrival(timeline, Link.DEDUCTION, Mark.FINISHED)
    if deduced is not None and not deduced.payload.get('state_error', True):
        found.append('the deduced state ERROR was not seen: the server had '
                     'left the graph')
    if _ended(timeline) and timeline.transition('injected') is not None:
        found.extend('seen by then: %s' % seen for seen in filter(None, (
            rule(timeline, expectation)
            for rule in (_split_brain, _unexpected, _storm))))
    found.extend('the clock of %s contradicts the polls; its times are not '
                 'used' % service for service in timeline.disbelieved())
    return tuple(found)


def _some(ids, most=5):
    more = len(ids) - most
    return ', '.join(ids[:most]) + (' and %d more' % more
                                    if more > 0 else '')


def _reversed(timeline, expectation):
    pair = _out_of_order(timeline, expectation)
    if pair is None:
        return None
    earlier, later = pair
    return Verdict(
        Kind.NOT_HEALED_BY_THIS_CHAIN, link=later,
        why='%s was there before %s began, so it is no effect of it'
            % (later.label, earlier.label))


def _out_of_order(timeline, expectation):
    begins = [(link, _begins(timeline, expectation, link))
              for link in expectation.chain]
    for index, (later, ends) in enumerate(begins):
        for earlier, several in begins[:index]:
            begun = [one.earliest for one in several if _began(one)]
            # Where several may be the right one, each has to be wrong.
            if begun and max(one.seen_at for one in ends) < min(begun):
                return earlier, later
    return None


def _began(evidence):
    """Return whether evidence says when its link began.

    That something lasting had ended says nothing about when it had begun.
    """
    return (evidence.mark is Mark.STARTED
            or evidence.link not in links.LASTING)


def _begins(timeline, expectation, link):
    """Return the evidence of what may be the beginning of a link.

    Of several updates of the stack, it is not known which has brought the
    server: one of those that had begun by then.
    """
    end = expectation.arrival(timeline, link, Mark.FINISHED)
    if link is Link.STACK and end is not None:
        begun = [one for one in timeline.evidence
                 if one.link is link and one.mark is Mark.STARTED
                 and expectation.ties(one) and one.seen_at <= end.seen_at]
        return begun or [end]
    return [expectation.arrival(timeline, link, Mark.STARTED) or end]


def _healed(timeline, expectation):
    answer = expectation.arrival(timeline, Link.APPLICATION, Mark.FINISHED)
    seconds = elapsed(timeline, answer.seen_at)
    return Verdict(
        Kind.HEALED, seconds=seconds, why='by this chain in %.1f s; %s' % (
            seconds, _taken_over(timeline, expectation)))


def _repaired(timeline, expectation):
    stack = expectation.arrival(timeline, Link.STACK, Mark.FINISHED)
    return Verdict(
        Kind.REPAIRED,
        why='the stack, by this chain in %.1f s; %s; whether the application '
            'answers was not asked' % (
                elapsed(timeline, stack.seen_at),
                _taken_over(timeline, expectation)))


def _taken_over(timeline, expectation):
    stack = expectation.arrival(timeline, Link.STACK, Mark.FINISHED)
    return 'server %s took over from %s' % (
        stack.payload['server_id'], expectation.server_id)


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
            link.label, span, state,
            elapsed(timeline, expectation.quiet_end(timeline))))


def _dead(timeline, expectation):
    if not expectation.alive:
        return None
    probe = timeline.last_probe()
    begin = None if probe is None else probe.begin
    if begin is None or begin < expectation.quiet_end(timeline):
        return _unseen(timeline, expectation, Link.APPLICATION, begin)
    if expectation.lived(timeline) is not None:
        return None
    words = links.SERVER_LIVES
    return Verdict(
        Kind.BROKEN, link=Link.APPLICATION,
        why='the server should live through this fault, but no %s at %+.1f '
            's: %s' % (expectation.describe(words.expected),
                       elapsed(timeline, probe.end),
                       'boot %s answered' % probe.boot if probe.ok
                       else probe.error),
        look_at=expectation.describe(words.look_at))


def _untouched(timeline, expectation):
    came = ', '.join(link.label for link in expectation.required)
    absent = ', '.join(link.label for link in expectation.forbidden)
    facts = ['no %s until %+.1f s' % (
        absent, elapsed(timeline, expectation.quiet_end(timeline)))]
    if came:
        facts.insert(0, '%s came' % came)
    if expectation.alive:
        facts.append('server %s lived on' % expectation.server_id)
    return Verdict(Kind.UNTOUCHED, why='; '.join(facts))


# The first rule that has something to say makes the verdict.
_ALWAYS = (_invalid, _split_brain, _unexpected, missing)
_HEALING = (*_ALWAYS, _others, _reversed, _storm, _healed)
_REPAIRING = (*_ALWAYS, _reversed, _storm, _repaired)
_QUIET = (*_ALWAYS, _unwatched, _dead, _untouched)
