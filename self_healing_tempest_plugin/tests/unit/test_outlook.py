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

import testtools

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import outlook
from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin.tests.unit import samples

Link, Mark = links.Link, links.Mark
EXPECTED = samples.expected()


def over(seen, **begins):
    return outlook.over(dataclasses.replace(
        seen, watched=samples.polled(seen, **begins)), EXPECTED)


class OverTest(testtools.TestCase):
    """outlook.over()."""

    def test_all_there(self):
        self.assertTrue(over(samples.healthy()))

    def test_not_witnessed_yet(self):
        """A chain that is faster than the witness waits for it."""
        self.assertFalse(over(samples.healthy(
            without=[Link.APPLICATION], witnessed=False)))

    def test_unwitnessed(self):
        seen = samples.healthy(without=list(Link), witnessed=False)
        seen = dataclasses.replace(seen, transitions=(
            *seen.transitions,
            timeline.Transition('unwitnessed', 101.0, 131.0)))
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
            failures=(timeline.Failure(Link.WORKFLOW, 'e', 110.0, 'boom'),))
        at = 110.0 + outlook.GRACE
        self.assertFalse(over(seen, stack=at - 0.1, workflow=at))
        self.assertTrue(over(seen, stack=at, workflow=at))

    def test_failure_does_not_lengthen_the_wait(self):
        """A failure long after the deadline changes nothing."""
        seen = samples.healthy(without=[Link.STACK, Link.APPLICATION])
        seen = dataclasses.replace(seen, failures=(
            timeline.Failure(Link.STACK, 's', 170.0, 'UPDATE_FAILED'),))
        self.assertTrue(over(seen, stack=181.0, application=200.0))
