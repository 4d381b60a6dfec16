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

The input of the next link is handed over by us, while the fault is still
there, and the later links are watched by the same watchers as in the run
itself. Where one of them is missing too, it is passed over in the same way,
until nothing is left that could be handed over.
"""

import contextlib
import dataclasses

from oslo_log import log

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import timeline as timelines
from self_healing_tempest_plugin.chain import verdict as judge
from self_healing_tempest_plugin.chain import watch
from self_healing_tempest_plugin.chain import watchers
from self_healing_tempest_plugin.diagnosis import case as cases
from self_healing_tempest_plugin.diagnosis import inputs
from self_healing_tempest_plugin.diagnosis import records
from self_healing_tempest_plugin.faults import journal
from self_healing_tempest_plugin.faults import life
from self_healing_tempest_plugin.services import errors

LOG = log.getLogger(__name__)

Link, Mark = links.Link, links.Mark
Works = records.Works

# Seconds between two requests to the application.
PROBE_INTERVAL = 0.2

# Characters of a problem, and of what was left behind.
_PROBLEM, _LEFT = 250, 1500


@dataclasses.dataclass(frozen=True)
class _Trial:
    """What one input has led to.

    :ivar given: :class:`.inputs.Input`
    :ivar seen: :class:`..chain.timeline.Timeline` from its handing over on
    :ivar expected: :class:`..chain.expectation.Expectation` of it
    :ivar problem: why it was not handed over, or ''
    :ivar refused: whether who should have taken it refused it
    :ivar left: what could not be taken back, or ''
    """

    given: inputs.Input
    seen: timelines.Timeline
    expected: object
    problem: str = ''
    refused: bool = False
    left: str = ''

    def missing(self):
        """Return the first link that did not come, or None."""
        return next((link for link in links.CHAIN
                     if link in self.expected.required
                     and self.arrival(link) is None), None)

    def arrival(self, link, mark=None):
        """Return the evidence of a link, by default of its last mark."""
        return self.expected.arrival(
            self.seen, link, mark or self.expected.required.get(link))


def bisect(case):
    """Try the links after a broken one, each on its own.

    :param case: :class:`.case.Case`
    :returns: tuple of :class:`.records.Works`, in the order of the links,
        and tuple of :class:`.records.Fact` on what was left behind; both are
        empty where no bisect is wanted, or possible
    """
    if not _wanted(case):
        return (), ()
    broken, found, left = case.verdict.link, {}, []
    given = _first(case)
    while given is not None:
        trial = _try(given, case)
        for one in _works(trial):
            if one.link > broken:
                found.setdefault(one.link, one)
        if trial.left:
            left.append(records.Fact('Bisect', False, trial.left))
        given = _next(trial)
    return tuple(
        found.get(link, Works(link, None, 'it got no input, and there is '
                              'none that could be handed over'))
        for link in links.CHAIN if link > broken), tuple(left)


def _wanted(case):
    around = case.around
    return (around.settings.bisect and around.journal is not None
            and around.transports is not None
            and case.verdict.kind is judge.Kind.BROKEN
            and case.expectation.heals and case.verdict.link is not Link.FAULT)


def _first(case):
    link = case.verdict.link
    if link is Link.WORKFLOW and case.arrival(link, Mark.STARTED):
        # It was started; to start it again would show nothing new.
        return inputs.UPDATE
    return _INPUTS.get(link)


# What a missing link would have handed over. After the stack comes the
# application, whose input is a server that nobody but Heat can make.
_INPUTS = {Link.ALARM: inputs.ALARM, Link.DEDUCTION: inputs.EXECUTION,
           Link.WORKFLOW: inputs.EXECUTION}


def _next(trial):
    """Return the input after a trial, None where all is known."""
    missing = trial.missing()
    if missing is None or _later_came(trial, missing):
        return None
    started = missing is Link.WORKFLOW and (
        trial.given is inputs.EXECUTION
        or trial.arrival(missing, Mark.STARTED) is not None)
    return inputs.UPDATE if started else _INPUTS.get(missing)


def _later_came(trial, missing):
    # Where the stack has another server, nothing is left to be tried.
    return any(trial.arrival(link) is not None for link
               in (Link.STACK, Link.APPLICATION) if link > missing)


def _try(given, case):
    """Hand an input over, watch what comes of it, and take it back."""
    recorder = timelines.Recorder()
    expected = dataclasses.replace(case.expectation, steps=given.steps,
                                   max_executions=0)
    outcome = {}
    try:
        with contextlib.ExitStack() as held:
            chain = held.enter_context(_watch(case, given, recorder))
            held.enter_context(given.hand_over(case, recorder))
            chain.until_over(expected)
    except life.RevertFailed as error:
        outcome = {'left': cases.safe(
            '%s may still be there; when Vitrage is well, run: %s (%s)' % (
                given.what, journal.REVERT, error), _LEFT)}
    except Exception as error:
        # A diagnosis must not hide the verdict, whatever it breaks over.
        LOG.exception('Bisect by %s failed', given.what)
        outcome = {'problem': _end(error), 'refused': _refused(error)}
    seen = recorder.timeline()
    unseen = seen.transition('unwitnessed')
    if seen.transition('injected') is None:
        outcome.setdefault('problem', 'nobody took it')
    elif unseen is not None:
        outcome.setdefault('problem', cases.safe(unseen.detail, _PROBLEM))
    return _Trial(given, seen, expected, **outcome)


def _end(error):
    """Return an error as text; after a long command comes the reason."""
    text = cases.safe(error, _LEFT)
    return text if len(text) <= _PROBLEM else '...%s' % text[-_PROBLEM:]


def _refused(error):
    # A conflict is with somebody else who is at work just then.
    return isinstance(error, errors.ServiceRefused) and error.code != 409


def _watch(case, given, recorder):
    cloud, around = case.clients, case.around
    app, times = around.application, around.settings.timeouts
    server_id = case.expectation.server_id
    chain = [
        watchers.WorkflowWatcher(cloud.mistral, app.workflow, server_id,
                                 app.stack.id),
        watchers.StackWatcher(cloud.heat, cloud.nova, app.stack, server_id),
        watchers.ApplicationWatcher(app, app.boot)]
    if given.tries is Link.DEDUCTION:
        # Our own alarm says what was deduced from it.
        chain[:0] = (
            watchers.AlarmWatcher(
                cloud.vitrage, around.host, around.monitor.datasource,
                case.expectation.host_alarm),
            watchers.DeductionWatcher(
                cloud.vitrage, around.server, case.expectation.deduced_alarm))
    return watch.Watch(chain, recorder, times.poll_interval, PROBE_INTERVAL)


def _works(trial):
    """Yield what is known after a trial, of the links that it tells of."""
    if trial.problem:
        yield Works(
            trial.given.tries, False if trial.refused else None,
            cases.safe('%s could not be handed over: %s' % (
                trial.given.what, trial.problem)))
        return
    missing = trial.missing()
    for link in trial.expected.required:
        arrival = trial.arrival(link)
        if arrival is not None:
            yield _came(trial, link, arrival)
        elif link is missing:
            # What has come from it was only not seen, or is of others.
            later = any(map(trial.arrival, (
                one for one in trial.expected.required if one > link)))
            yield Works(link, None if later else False,
                        cases.safe(_why(trial, link)))


def _came(trial, link, arrival):
    why = '%s came %.1f s after %s' % (
        arrival.object_id,
        judge.elapsed(trial.seen, arrival.seen_at), trial.given.what)
    if link is trial.given.tries is Link.WORKFLOW:
        return Works(link, None, 'the workflow works when we start it (%s); '
                     'whether Vitrage would start it was not tried' % why)
    return Works(link, True, why)


def _why(trial, link):
    # What came is an effect of what we handed over, however soon.
    verdict = judge.missing(trial.seen, trial.expected)
    why = verdict.why if verdict and verdict.link is link else (
        '%s did not come' % link.label)
    return 'after %s: %s' % (trial.given.what, why)
