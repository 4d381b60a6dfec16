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

"""When watching may end."""

import dataclasses

from hypothesis import given
from hypothesis import strategies
import testtools

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stopping
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import samples

Link, Mark = vitrage, links.Mark
EXPECTED = samples.expected()
QUIET = samples.untouched()


def over(seen, expected=EXPECTED, **begins):
    return stopping.over(dataclasses.replace(
        seen, watched=samples.polled(seen, **begins)), expected)


class OverTest(testtools.TestCase):
    """stopping.over()."""

    def test_all_there(self):
        self.assertTrue(over(samples.healthy()))

    def test_not_witnessed_yet(self):
        """A chain that is faster than the witness waits for it."""
        self.assertFalse(over(samples.healthy(
            without=[Link.APPLICATION], witnessed=False)))

    def test_unwitnessed(self):
        seen = samples.healthy(without=vitrage.CHAIN.links, witnessed=False)
        seen = dataclasses.replace(seen, transitions=(
            *seen.transitions,
            timelines.Transition('unwitnessed', 101.0, 131.0)))
        self.assertTrue(over(seen))

    def test_nothing_injected(self):
        self.assertTrue(over(samples.healthy(transitions=())))

    def test_deadline_needs_a_poll_after_it(self):
        """The workflow is due 10 s after the deduction at 107 s."""
        seen = samples.healthy(without=[Link.WORKFLOW, Link.STACK,
                                        Link.APPLICATION])
        self.assertFalse(over(seen, workflow=116.9))
        self.assertTrue(over(seen, workflow=117.0))

    def test_later_evidence_keeps_it_open(self):
        """No alarm, but an execution: the chain may go on without it."""
        seen = samples.healthy(without=[Link.ALARM, Link.STACK,
                                        Link.APPLICATION])
        self.assertFalse(over(seen, alarm=131.0, stack=120.0))
        self.assertTrue(over(seen, alarm=131.0, stack=191.0,
                             application=231.0))

    def test_healed_without_alarm(self):
        """Only the alarm is missing: its deadline decides."""
        seen = samples.healthy(without=[Link.ALARM])
        self.assertFalse(over(seen, alarm=130.0))
        self.assertTrue(over(seen, alarm=131.0))

    def test_failure_shortens_the_wait(self):
        """A failed execution is given a grace, not the stack's timeout."""
        started = samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0)
        seen = samples.healthy(without=[Link.WORKFLOW, Link.STACK,
                                        Link.APPLICATION])
        seen = dataclasses.replace(
            seen, evidence=(*seen.evidence, started),
            failures=(timelines.Failure(Link.WORKFLOW, 'e', 110.0, 'boom'),))
        at = 110.0 + stopping.GRACE
        self.assertFalse(over(seen, stack=at - 0.1, workflow=at))
        self.assertTrue(over(seen, stack=at, workflow=at))

    def test_failure_behind_shortens_nothing(self):
        """What fails in the stack says nothing of the alarm before it."""
        seen = samples.healthy(without=vitrage.CHAIN.links)
        failed = dataclasses.replace(seen, failures=(
            timelines.Failure(Link.STACK, 's', 102.0, 'UPDATE_FAILED'),))
        before, after = (
            {missing.step.link: missing.deadline
             for missing in stopping.pending(known, EXPECTED)}
            for known in (seen, failed))
        self.assertEqual(before[Link.ALARM], after[Link.ALARM])
        self.assertEqual(before[Link.DEDUCTION], after[Link.DEDUCTION])
        self.assertLess(after[Link.STACK], before[Link.STACK])

    def test_failure_does_not_lengthen_the_wait(self):
        """A failure long after the deadline changes nothing."""
        seen = samples.healthy(without=[Link.STACK, Link.APPLICATION])
        seen = dataclasses.replace(seen, failures=(
            timelines.Failure(Link.STACK, 's', 170.0, 'UPDATE_FAILED'),))
        self.assertTrue(over(seen, stack=181.0, application=200.0))


class QuietTest(testtools.TestCase):
    """stopping.over(), where nothing is to be healed."""

    def test_quiet_time(self):
        """Each forbidden link needs a poll after the end."""
        self.assertFalse(over(samples.deduced(until=136.9), QUIET))
        self.assertTrue(over(samples.deduced(), QUIET))
        for link in QUIET.forbidden:
            self.assertFalse(over(samples.deduced(), QUIET,
                                  **{link.name: 136.9}))

    def test_required_links_need_no_poll(self):
        """A link that is there need not be watched."""
        self.assertTrue(over(samples.deduced(), QUIET, alarm=105.0,
                             deduction=107.0))

    def test_alive_needs_the_application(self):
        expected = samples.untouched(alive=True)
        self.assertFalse(over(samples.deduced(), expected,
                              application=136.9))
        self.assertTrue(over(samples.deduced(), expected))

    def test_something_came(self):
        """An execution is one too many: no need to wait longer."""
        started = samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0)
        self.assertTrue(over(samples.deduced(started, until=108.0), QUIET))

    def test_something_came_before_a_step(self):
        """Nor until the alarm is late."""
        started = samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0)
        self.assertTrue(over(samples.deduced(
            evidence=(started,), until=108.0), QUIET))

    def test_something_else_came(self):
        started = samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0,
                                   server_id='other')
        self.assertFalse(over(samples.deduced(started, until=108.0), QUIET))

    def test_step_is_late(self):
        """The deduction is due 20 s after the alarm at 105 s."""
        alarm = samples.evidence(*samples.HEALTHY[0])
        seen = samples.deduced(evidence=(alarm,), until=124.9)
        self.assertFalse(over(seen, QUIET))
        self.assertTrue(over(seen, QUIET, deduction=125.0))

    def test_step_is_late_but_not_the_next(self):
        """No alarm, but a deduction: the alarm is waited for."""
        deduction = samples.evidence(*samples.HEALTHY[1])
        seen = samples.deduced(evidence=(deduction,), until=200.0)
        self.assertFalse(over(seen, QUIET, alarm=130.9))
        self.assertTrue(over(seen, QUIET, alarm=131.0))

    def test_nothing_at_all(self):
        """The quiet time runs from the end of the injection at 101 s."""
        expected = samples.untouched(steps=())
        self.assertEqual(vitrage.CHAIN.links, expected.forbidden)
        seen = samples.deduced(evidence=(), until=131.0)
        self.assertEqual((), stopping.pending(seen, expected))
        self.assertTrue(over(seen, expected))
        for link in vitrage.CHAIN.links:
            self.assertFalse(over(seen, expected, **{link.name: 130.9}))

    def test_service_out_of_order(self):
        """A poll without an answer shows nothing, but not for ever."""
        seen = samples.deduced()
        for begin, is_over in ((137.0 + stopping.GRACE - 0.1, False),
                               (137.0 + stopping.GRACE, True)):
            watched = dict(seen.watched)
            watched[Link.STACK] = timelines.Watched(
                9, 1, begin, 'no answer: HTTP 503', 136.9)
            self.assertEqual(is_over, stopping.over(
                dataclasses.replace(seen, watched=watched), QUIET))

    @given(noticed=strategies.booleans(), quiet=strategies.floats(0, 100),
           begins=strategies.lists(strategies.floats(101, 300), min_size=5,
                                   max_size=5))
    def test_over_means_untouched(self, noticed, quiet, begins):
        """With all that must come and nothing else, both say the same."""
        steps = samples.DEDUCED if noticed else ()
        expected = samples.untouched(steps=steps, quiet=quiet)
        came = tuple(samples.evidence(*step) for step
                     in samples.HEALTHY[:len(steps)])
        seen = samples.deduced(evidence=came)
        polled = samples.polled(seen, **{
            link.name: begin
            for link, begin in zip(vitrage.CHAIN.links, begins)})
        seen = dataclasses.replace(seen, watched=polled)
        self.assertEqual(verdicts.verdict(seen, expected).good,
                         stopping.over(seen, expected))
