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

"""Which of the links after a broken one work on their own.

The next link is fed by us, while the fault is still there, and the later
links are watched by the same watchers as in the run itself. Where a later link
is missing too, it is passed over in the same way, until nothing is left that
could be handed over.
"""

import contextlib
import dataclasses

from oslo_log import log

from self_healing_tempest_plugin.diagnosis import records
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import handover
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.watching import recorders
from self_healing_tempest_plugin.watching import watch

LOG = log.getLogger(__name__)

Works = records.Works

# Characters of a problem, and of what was left behind.
_PROBLEM, _LEFT = 250, 1500


@dataclasses.dataclass(frozen=True)
class _Trial:
    """What one hand-over has led to.

    :ivar fed: the first :class:`..model.links.Link` that is tried by it
    :ivar given: :class:`..links.handover.Handover` of that link
    :ivar seen: :class:`..model.timelines.Timeline` from the handing over on
    :ivar expected: :class:`..model.expectations.Expectation` of it
    :ivar problem: why it was not handed over, or ''
    :ivar refused: whether the service that should have taken it refused it
    :ivar left: what could not be taken back, or ''
    """

    fed: links.Link
    given: handover.Handover
    seen: timelines.Timeline
    expected: expectations.Expectation
    problem: str = ''
    refused: bool = False
    left: str = ''

    @property
    def chain(self):
        """Return the chain that is tried."""
        return self.expected.chain

    def missing(self):
        """Return the first link that did not come, or None."""
        return next((link for link in self.expected.links
                     if self.arrival(link) is None), None)

    def arrival(self, link, mark=None):
        """Return the evidence of a link, by default of its last mark."""
        return self.expected.arrival(
            self.seen, link, mark or self.expected.required.get(link))

    def came_behind(self, link):
        """Return whether a link that has to come behind another has come."""
        return any(self.arrival(later) is not None
                   for later in self.expected.links
                   if self.chain.index(later) > self.chain.index(link))


def bisect(case):
    """Try the links after a broken one, each on its own.

    :param case: :class:`..links.context.Case`
    :returns: tuple of :class:`.records.Works`, in the order of the links,
        and tuple of :class:`.records.Fact` on what was left behind; both are
        empty where no bisect is wanted, or possible
    """
    if not _wanted(case):
        return (), ()
    chain, broken = case.expectation.chain, case.verdict.link
    behind = chain.links[chain.index(broken) + 1:]
    known, left = {}, []
    fed = _fed(chain, broken, case.arrival(broken, links.Mark.STARTED))
    while fed is not None:
        trial = _try(fed, case)
        for works in _works(trial):
            known.setdefault(works.link, works)
        if trial.left:
            left.append(records.Fact('Bisect', False, trial.left))
        fed = _next(trial)
    return tuple(
        known.get(link, Works(link, None, 'it got no input, and there is '
                              'none that could be handed over'))
        for link in behind), tuple(left)


def _wanted(case):
    around = case.around
    return (around.settings.bisect and around.journal is not None
            and around.transports is not None
            and case.verdict.kind is verdicts.Kind.BROKEN
            and case.expectation.heals
            and case.verdict.link is not links.FAULT)


def _fed(chain, missing, started):
    """Return the link that we feed in place of a missing one, or None.

    What a missing link would have handed over goes to the link behind it. A
    link that we can start ourselves, and that was not started, is started: to
    start it again would show nothing new.

    :param started: whether the missing link has started
    """
    given = kit.of(missing).handover
    if given is not None and given.ours and not started:
        return missing
    behind = chain.links[chain.index(missing) + 1:][:1]
    return next((link for link in behind if kit.of(link).handover), None)


def _next(trial):
    """Return the link that is fed after a trial, None where all is known."""
    missing = trial.missing()
    if missing is None or _repaired_behind(trial, missing):
        return None
    started = (missing is trial.fed and trial.given.ours) or (
        trial.arrival(missing, links.Mark.STARTED) is not None)
    return _fed(trial.chain, missing, started)


def _repaired_behind(trial, missing):
    # Where the server is repaired, nothing is left to be tried.
    index = trial.chain.index
    return any(
        trial.arrival(link) is not None for link in trial.expected.links
        if index(link) > index(missing)
        and index(link) >= index(trial.chain.repair))


def _try(fed, case):
    """Feed a link, watch what comes of it, and take back what was given."""
    recorder, given = recorders.Recorder(), kit.of(fed).handover
    expected = dataclasses.replace(
        case.expectation, steps=case.expectation.chain.since(fed),
        max_executions=0)
    outcome = {}
    try:
        with contextlib.ExitStack() as held:
            watched = held.enter_context(_watch(fed, given, case, recorder))
            held.enter_context(given.hand_over(case, recorder))
            watched.until_over(expected)
    except lifecycle.RevertFailed as error:
        outcome = {'left': context.safe(
            '%s may still be there; when Vitrage is well, run: %s (%s)' % (
                given.what, journals.REVERT, error), _LEFT)}
    except Exception as error:
        # A diagnosis must not hide the verdict, whatever error it meets.
        LOG.exception('Bisect by %s failed', given.what)
        outcome = {'problem': _end(error), 'refused': _refused(error)}
    seen = recorder.timeline()
    unseen = seen.transition('unwitnessed')
    if seen.transition('injected') is None:
        outcome.setdefault('problem', 'nobody took it')
    elif unseen is not None:
        outcome.setdefault('problem', context.safe(unseen.detail, _PROBLEM))
    return _Trial(fed, given, seen, expected, **outcome)


def _end(error):
    """Return an error as text; after a long command comes the reason."""
    text = context.safe(error, _LEFT)
    return text if len(text) <= _PROBLEM else '...%s' % text[-_PROBLEM:]


def _refused(error):
    # A conflict is with somebody else who is at work just then.
    return isinstance(error, errors.ServiceRefused) and error.code != 409


def _watch(fed, given, case, recorder):
    """Return a watch of the links that are tried, and of their carrier.

    That is the link whose object we make, or that could work on the fed link.
    """
    chain, around = case.expectation.chain, case.around
    first = chain.index(
        chain.link(given.makes) or chain.carrier(fed) or fed)
    watchers = [kit.of(link).watcher(around) for link in chain.links[first:]]
    return watch.Watch(filter(None, watchers), recorder,
                       around.settings.timeouts.poll_interval)


def _works(trial):
    """Yield what is known after a trial, of the links that it tells of."""
    if trial.problem:
        yield Works(
            trial.fed, False if trial.refused else None,
            context.safe('%s could not be handed over: %s' % (
                trial.given.what, trial.problem)))
        return
    missing = trial.missing()
    for link in trial.expected.links:
        arrival = trial.arrival(link)
        if arrival is not None:
            yield _came(trial, link, arrival)
        elif link is missing:
            # Where a link behind it has come, it was only not seen, or that
            # link is of others.
            yield Works(link, None if trial.came_behind(link) else False,
                        context.safe(_why(trial, link)))


def _came(trial, link, arrival):
    why = '%s came %.1f s after %s' % (
        arrival.object_id,
        verdicts.elapsed(trial.seen, arrival.seen_at), trial.given.what)
    if link is trial.fed and trial.given.ours:
        return Works(link, None, trial.given.ours % why)
    return Works(link, True, why)


def _why(trial, link):
    # What came is an effect of what we handed over, however soon.
    missed = verdicts.missing(trial.seen, trial.expected)
    why = missed.why if missed and missed.link is link else (
        '%s did not come' % link.name)
    return 'after %s: %s' % (trial.given.what, why)
