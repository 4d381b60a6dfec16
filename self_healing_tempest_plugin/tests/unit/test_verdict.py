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

"""The verdict: every row is a run and what may be said of it."""

import dataclasses

from hypothesis import example
from hypothesis import given
from hypothesis import strategies
import testtools
from testtools import matchers

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import matchers as own_matchers
from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin.chain import verdict
from self_healing_tempest_plugin.tests.unit import samples

Kind = verdict.Kind
Link, Mark = links.Link, links.Mark
EXPECTED = samples.expected()


def judged(seen):
    return verdict.verdict(seen, EXPECTED)


def changed(link, mark, **changes):
    """Return a healthy timeline with one record changed."""
    seen = samples.healthy()
    return dataclasses.replace(seen, evidence=tuple(
        dataclasses.replace(one, **changes)
        if (one.link, one.mark) == (link, mark) else one
        for one in seen.evidence))


def with_payload(link, **payload):
    return changed(link, Mark.FINISHED,
                   payload=dict(samples.PAYLOADS[link], **payload))


class HealedTest(testtools.TestCase):
    """What is HEALED."""

    def test_healthy(self):
        """All links, in order, tied: the time is the application's."""
        found = judged(samples.healthy())
        self.assertEqual((Kind.HEALED, 19.0), (found.kind, found.seconds))
        self.assertIsNone(found.link)
        self.assertIn('server new took over from old', str(found))

    def test_application_before_stack(self):
        """Heat deletes the old server after the new one answers: fine."""
        seen = samples.healthy()
        answer = seen.find(Link.APPLICATION, Mark.FINISHED)
        self.assertLess(answer.seen_at,
                        seen.find(Link.STACK, Mark.FINISHED).seen_at)
        self.assertEqual(Kind.HEALED, judged(seen).kind)

    def test_late_alarm_within_its_lag(self):
        """An alarm that the database showed late is no broken order."""
        late = changed(Link.ALARM, Mark.FINISHED, not_before=112.0,
                       seen_at=113.0, lag=10.0)
        self.assertEqual(Kind.HEALED, judged(late).kind)

    def test_matcher(self):
        """The matcher agrees and describes what does not match."""
        matcher = own_matchers.healed(EXPECTED)
        self.assertIsNone(matcher.match(samples.healthy()))
        text = matcher.match(samples.healthy(without=[Link.STACK])).describe()
        self.assertIn('NOT_HEALED_BY_THIS_CHAIN at link stack', text)
        self.assertIn('missing', text)


class TiesTest(testtools.TestCase):
    """Evidence about something else is no evidence."""

    def check(self, link, **payload):
        found = judged(with_payload(link, **payload))
        self.assertEqual(link, found.link)
        self.assertIn(found.kind, (Kind.BROKEN,
                                   Kind.NOT_HEALED_BY_THIS_CHAIN))

    def test_alarm_on_another_host(self):
        self.check(Link.ALARM, host='compute-2')

    def test_deduction_on_another_server(self):
        self.check(Link.DEDUCTION, server_id='other')

    def test_execution_for_another_server(self):
        self.check(Link.WORKFLOW, server_id='other')

    def test_another_stack(self):
        self.check(Link.STACK, stack_id='other')

    def test_same_server(self):
        self.check(Link.STACK, server_id='old')

    def test_same_host(self):
        self.check(Link.STACK, host='compute-1')

    def test_server_not_active(self):
        self.check(Link.STACK, status='ERROR')

    def test_answer_of_the_old_boot(self):
        self.check(Link.APPLICATION, boot='boot-1')

    def test_old_server_booted_again(self):
        self.check(Link.APPLICATION, server='old')

    def test_answer_at_another_address(self):
        self.check(Link.APPLICATION, url='http://192.0.2.2:80/')


class BrokenTest(testtools.TestCase):
    """The first missing link is named, with both of its neighbours."""

    def broken(self, first):
        without = [link for link in Link if link >= first]
        return judged(samples.healthy(without=without))

    def test_first_missing(self):
        for link in verdict.CHAIN:
            found = self.broken(link)
            self.assertEqual((Kind.BROKEN, link), (found.kind, found.link))
            self.assertThat(found.look_at, matchers.Not(matchers.Equals('')))

    def test_monitor_silent(self):
        found = self.broken(Link.ALARM)
        self.assertIn('host compute-1 was seen dead at +3.0 s, no new alarm '
                      'HostDown on host compute-1 within 30 s', found.why)
        self.assertEqual('the monitor', found.look_at)

    def test_notifier_stopped(self):
        found = self.broken(Link.WORKFLOW)
        self.assertEqual(
            'alarm Instance down was deduced for server old (deduction-id) '
            'at +7.0 s, no Mistral execution whose input names server old '
            'within 10 s (9 polls, last state: not there), the link Vitrage '
            '→ Mistral is broken', found.why)
        self.assertIn("vitrage-notifier's log for 'Failed to execute Mistral "
                      "action'", found.look_at)

    def test_execution_never_ends(self):
        started = samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0)
        seen = samples.healthy(without=[Link.WORKFLOW, Link.STACK,
                                        Link.APPLICATION])
        found = judged(dataclasses.replace(
            seen, evidence=(*seen.evidence, started)))
        self.assertEqual((Kind.BROKEN, Link.WORKFLOW),
                         (found.kind, found.link))
        self.assertIn('no execution of heal in SUCCESS', found.why)
        self.assertIn('the link Mistral is broken', found.why)

    def test_execution_error(self):
        """Mistral's own reason is in the message."""
        found = judged(samples.healthy(
            without=[Link.WORKFLOW, Link.STACK, Link.APPLICATION],
            failures=(timeline.Failure(Link.WORKFLOW, 'e1', 109.0,
                                       'execution e1 is in ERROR: boom'),)))
        self.assertEqual(Kind.BROKEN, found.kind)
        self.assertIn('execution e1 is in ERROR: boom', found.why)

    def test_stack_failed_application_answers(self):
        """A link that says itself that it failed is broken."""
        found = judged(samples.healthy(
            without=[Link.STACK], failures=(timeline.Failure(
                Link.STACK, 's', 115.0, 'UPDATE_FAILED: no'),)))
        self.assertEqual((Kind.BROKEN, Link.STACK), (found.kind, found.link))
        self.assertIn('yet the application answers since +19.0 s', found.why)


class NotByThisChainTest(testtools.TestCase):
    """The application is well, but the chain has not shown why."""

    def test_any_link_missing(self):
        for link in verdict.CHAIN[:-1]:
            found = judged(samples.healthy(without=[link]))
            self.assertEqual((Kind.NOT_HEALED_BY_THIS_CHAIN, link),
                             (found.kind, found.link))

    def test_effect_before_its_cause(self):
        """The stack was updated before any execution was started."""
        seen = changed(Link.WORKFLOW, Mark.STARTED, not_before=115.0,
                       seen_at=116.0)
        found = judged(seen)
        self.assertEqual((Kind.NOT_HEALED_BY_THIS_CHAIN, Link.STACK),
                         (found.kind, found.link))


class InvalidTest(testtools.TestCase):
    """Nothing can be said of these runs."""

    def check(self, seen, text, link=None):
        found = judged(seen)
        self.assertEqual((Kind.INVALID, link), (found.kind, found.link))
        self.assertIn(text, found.why)

    def test_unmet(self):
        self.check(samples.healthy(unmet=('alarm HostDown is active',)),
                   'not ready for a fault: alarm HostDown is active')

    def test_no_fault(self):
        self.check(samples.healthy(transitions=()), 'no fault was injected')

    def test_no_witness(self):
        """Not even a perfect chain proves anything without a witness."""
        self.check(samples.healthy(witnessed=False),
                   'no witness that host compute-1 is dead', Link.FAULT)

    def test_stale_evidence(self):
        """Something was there before the fault."""
        self.check(changed(Link.ALARM, Mark.FINISHED, not_before=95.0,
                           seen_at=96.0),
                   'alarm alarm-id was there before the fault', Link.ALARM)


class AnyTimelineTest(testtools.TestCase):
    """What must hold of every verdict."""

    # Ends whose starts were not seen: a workflow ends after its stack.
    @example(kept={one for one in samples.HEALTHY
                   if one[1] is Mark.FINISHED},
             witnessed=True, stale=False, unmet=False)
    @given(kept=strategies.sets(strategies.sampled_from(samples.HEALTHY)),
           witnessed=strategies.booleans(),
           stale=strategies.booleans(), unmet=strategies.booleans())
    def test_rules(self, kept, witnessed, stale, unmet):
        """HEALED only with all evidence; the first gap is the one named."""
        evidence = [samples.evidence(*step) for step in kept]
        if stale:
            evidence.append(samples.evidence(Link.ALARM, Mark.STARTED, 99.0))
        found = judged(samples.healthy(
            witnessed=witnessed, evidence=tuple(evidence),
            unmet=('x',) if unmet else ()))
        finished = {link for link, mark, _ in kept if mark is Mark.FINISHED}
        missing = [link for link in verdict.CHAIN if link not in finished]
        if stale or unmet or not witnessed:
            self.assertEqual(Kind.INVALID, found.kind)
        elif not missing:
            self.assertEqual(Kind.HEALED, found.kind)
        else:
            self.assertEqual(missing[0], found.link)
            self.assertEqual(
                Kind.NOT_HEALED_BY_THIS_CHAIN
                if Link.APPLICATION in finished else Kind.BROKEN, found.kind)

    @given(times=strategies.lists(strategies.floats(101, 500), min_size=5,
                                  max_size=5),
           width=strategies.floats(0, 60),
           delays=strategies.lists(strategies.floats(0, 1), min_size=5,
                                   max_size=5))
    def test_order_of_observation_does_not_matter(self, times, width, delays):
        """Events in order are HEALED, however late each poll sees them."""
        evidence = []
        for link, at, delay in zip(verdict.CHAIN, sorted(times), delays):
            seen_at = at + delay * width
            evidence.append(dataclasses.replace(
                samples.evidence(link, Mark.FINISHED, seen_at),
                not_before=seen_at - width - 1e-6))
        found = judged(samples.healthy(evidence=tuple(evidence)))
        self.assertEqual(Kind.HEALED, found.kind)

    @given(position=strategies.integers(1, 4),
           gap=strategies.floats(0.01, 100))
    def test_surely_reversed_is_never_healed(self, position, gap):
        """An effect that was over before its cause began is no effect."""
        later, earlier = (verdict.CHAIN[position],
                          verdict.CHAIN[position - 1])
        begins = tuple(
            dataclasses.replace(
                samples.evidence(link, Mark.STARTED if link in links.LASTING
                                 else Mark.FINISHED, 200.0 + gap),
                not_before=200.0 if link is earlier else 150.0,
                seen_at=200.0 - gap / 2 if link is later else 300.0)
            for link in verdict.CHAIN)
        ends = tuple(samples.evidence(link, Mark.FINISHED, 400.0)
                     for link in links.LASTING)
        seen = samples.healthy(evidence=begins + ends)
        if 200.0 - gap / 2 < 200.0:
            found = judged(seen)
            self.assertEqual((Kind.NOT_HEALED_BY_THIS_CHAIN, later),
                             (found.kind, found.link))
