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

"""Whether it is worth while to go on watching: a pure function of time."""

import dataclasses

from self_healing_tempest_plugin.model import chains

# Trouble may pass: seconds that a failed execution or stack is given before
# the failure counts as the end, because a second one may repair it, and that
# a service without an answer is given after a deadline or the quiet time.
GRACE = 15.0


@dataclasses.dataclass(frozen=True)
class Pending:
    """A step that has not come yet.

    :ivar step: :class:`.chains.Step`
    :ivar since: when the last of the steps before it came, on the runner's
        monotonic clock; without any, the end of the injection
    :ivar deadline: when it is late, on the same clock
    """

    step: chains.Step
    since: float
    deadline: float


def pending(timeline, expectation):
    """Return what is still missing, in order, each with its deadline.

    The time of a step runs from the arrival of the step before it, and where
    that step is missing too, from the deadline of that step.

    :param timeline: :class:`.timelines.Timeline` of an injected fault
    :param expectation: :class:`.expectations.Expectation`
    :returns: tuple of :class:`Pending`
    """
    return tuple(_missing(timeline, expectation))


def _missing(timeline, expectation):
    """Yield what :func:`pending` returns, and look no farther than asked."""
    since = at = timeline.transition('injected').end
    for step in expectation.steps:
        arrival = expectation.arrival(timeline, step.link, step.mark)
        if arrival is not None:
            since = max(since, arrival.seen_at)
            at = max(at, arrival.seen_at)
            continue
        at = _deadline(timeline, expectation, step.link, at)
        yield Pending(step, since, at)


def _deadline(timeline, expectation, link, begin):
    index = expectation.chain.index
    failures = [failure.seen_at + GRACE for failure in timeline.failures
                if index(failure.link) <= index(link)]
    return min([begin + expectation.timeouts[link.name], *failures])


def over(timeline, expectation):
    """Return whether nothing more can change the verdict.

    There is no fault; or something came that must not; or the first missing
    step is late and nothing behind it has come; or all missing steps are
    late; or all is there, and the quiet time is over. A step is late only
    after an answer to a poll that *began* at its deadline or later, and the
    quiet time is over only after such an answer for each forbidden link,
    and, where the server has to live, after one of its own; but none of
    these is waited for longer than :data:`GRACE`.

    :param timeline: :class:`.timelines.Timeline`
    :param expectation: :class:`.expectations.Expectation`
    """
    if timeline.transition('injected') is None or timeline.unmet:
        return True
    if timeline.transition('unwitnessed') is not None:
        return True
    if expectation.unexpected(timeline) is not None:
        return True
    missing = _missing(timeline, expectation)
    first = next(missing, None)
    if first is None:
        return _quiet_over(timeline, expectation)
    # As long as it is not late, whatever is behind it makes no difference.
    return _late(timeline, first) and (
        not _later(timeline, expectation, first)
        or all(_late(timeline, awaited) for awaited in missing))


def _late(timeline, missing):
    return _watched_until(timeline, missing.step.link, missing.deadline)


def _later(timeline, expectation, missing):
    index = expectation.steps.index(missing.step)
    return any(
        expectation.arrival(timeline, step.link, step.mark) is not None
        for step in expectation.steps[index + 1:])


def _quiet_over(timeline, expectation):
    end = expectation.quiet_end(timeline)
    return _lived_until(timeline, expectation, end) and all(
        _watched_until(timeline, link, end)
        for link in expectation.forbidden)


def _lived_until(timeline, expectation, end):
    # One request that is lost does not prove that the server is dead; and
    # where none can be made, that does not change for ever.
    probe = timeline.last_probe()
    watched = timeline.watched.get(expectation.chain.goal)
    begins = (probe and probe.begin, watched and watched.last_begin)
    return (not expectation.alive or expectation.lived(timeline) is not None
            or any(begin is not None and begin >= end + GRACE
                   for begin in begins))


def _watched_until(timeline, link, end):
    watched = timeline.watched.get(link)
    if watched is None or watched.last_begin is None:
        return False
    answered = watched.answered is not None and watched.answered >= end
    return answered or watched.last_begin >= end + GRACE
