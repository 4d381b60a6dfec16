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

"""Runs that look healed or broken and are not: the right verdict of each."""

import dataclasses

import testtools

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import samples

Kind = verdicts.Kind
Link, Mark = vitrage, links.Mark
EXPECTED = samples.expected()
DEDUCED = samples.untouched()
NOTHING = samples.untouched(steps=())

# The fault is injected between 100 s and 101 s.
BEGIN = 100.0


def judged(seen, expected=EXPECTED):
    return verdicts.verdict(seen, expected)


def replaced(link, mark=Mark.FINISHED, **changes):
    """Return a healthy run with one record changed."""
    seen = samples.healthy()
    return dataclasses.replace(seen, evidence=tuple(
        dataclasses.replace(evidence, **changes)
        if (evidence.link, evidence.mark) == (link, mark) else evidence
        for evidence in seen.evidence))


def payload(link, mark=Mark.FINISHED, **changes):
    """Return a healthy run with the payload of one record changed."""
    return replaced(link, mark, payload=dict(samples.PAYLOADS[link],
                                             **changes))


def added(*evidence, **changes):
    """Return a healthy run with more evidence."""
    seen = samples.healthy(**changes)
    return dataclasses.replace(seen, evidence=(*seen.evidence, *evidence))


class EndedEarlyTest(testtools.TestCase):
    """A run that ended early has no verdict but INVALID."""

    def ended(self, why, **changes):
        return samples.healthy(**dict(
            dict(concluded=None, ended=why), **changes))

    def test_whatever_is_missing(self):
        """Nothing, one link, all of them; healing wanted or not."""
        for expected in (EXPECTED, DEDUCED, NOTHING, dataclasses.replace(
                EXPECTED, steps=samples.REPAIRED)):
            for without in ((), [Link.WORKFLOW], [Link.APPLICATION],
                            [Link.ALARM, Link.DEDUCTION], vitrage.CHAIN.links):
                for why in ('it was interrupted', 'the time of the test was '
                            'over (OS_TEST_TIMEOUT)', 'Vitrage: show the '
                            'alarms: HTTP 404'):
                    verdict = judged(self.ended(why, without=without),
                                     expected)
                    self.assertEqual(
                        (Kind.INVALID, 'the watch ended early: %s' % why,
                         False), (verdict.kind, verdict.why, verdict.good))

    def test_nobody_knows_why(self):
        """Neither a conclusion nor a reason: the runner was killed."""
        self.assertEqual(
            (Kind.INVALID, 'the watch ended early: nobody knows why'),
            (judged(self.ended('')).kind, judged(self.ended('')).why))

    def test_failure_is_no_verdict_either(self):
        failed = timelines.Failure(Link.STACK, 's', 115.0, 'UPDATE_FAILED')
        self.assertEqual(Kind.INVALID, judged(self.ended(
            'x', without=[Link.STACK], failures=(failed,))).kind)

    def test_before_the_witness(self):
        """Interrupted between injection and witness: the same reason."""
        self.assertEqual('the watch ended early: x', judged(
            self.ended('x', witnessed=False)).why)

    def test_before_the_fault(self):
        """Refused, or interrupted while it was armed."""
        self.assertEqual(
            (Kind.INVALID, 'no fault was injected: Fault refused: no'),
            (judged(self.ended('Fault refused: no', transitions=())).kind,
             judged(self.ended('Fault refused: no', transitions=())).why))

    def test_split_brain_stays_as_a_remark(self):
        """A split brain that was seen by then is not lost."""
        seen = self.ended('x', probes=(samples.probe(119.0, 'new'),
                                       samples.probe(150.0, 'old')))
        self.assertEqual(Kind.INVALID, judged(seen).kind)
        remark, = verdicts.remarks(seen, EXPECTED)
        self.assertIn('seen by then: SPLIT_BRAIN at link application: the '
                      'old server old answered at +50.5 s', remark)

    def test_unexpected_healing_stays_as_a_remark(self):
        seen = samples.deduced(
            samples.evidence(Link.WORKFLOW, Mark.STARTED, 120.0),
            concluded=None, ended='x')
        self.assertEqual(Kind.INVALID, judged(seen, DEDUCED).kind)
        remark, = verdicts.remarks(seen, DEDUCED)
        self.assertIn('seen by then: UNEXPECTED_HEALING at link workflow',
                      remark)

    def test_storm_stays_as_a_remark(self):
        seen = self.ended('x', objects={Link.WORKFLOW: ('e1', 'e2')})
        self.assertIn('seen by then: EXECUTION_STORM', ' '.join(
            verdicts.remarks(seen, samples.expected(max_executions=1))))

    def test_concluded_runs_have_no_such_remark(self):
        self.assertEqual((), verdicts.remarks(samples.healthy(), EXPECTED))


class DeadlineTest(testtools.TestCase):
    """A text that names a deadline names the one that ran."""

    def within(self, seconds, **changes):
        verdict = judged(samples.healthy(**changes))
        self.assertIn(' within %s s (' % seconds, verdict.why)
        return verdict

    def test_each_link(self):
        """After the link before it, as the option says."""
        for link, seconds in ((Link.ALARM, 30), (Link.DEDUCTION, 20),
                              (Link.WORKFLOW, 10), (Link.STACK, 60)):
            verdict = self.within(seconds, without=[
                later for later in vitrage.CHAIN.links if vitrage.CHAIN.index(
                    later) >= vitrage.CHAIN.index(link)])
            self.assertEqual((Kind.BROKEN, link), (verdict.kind, verdict.link))

    def test_execution_that_keeps_the_stack_waiting(self):
        """Sixty seconds of the stack ran, not ten of the workflow."""
        seen = samples.healthy(without=[Link.WORKFLOW, Link.STACK,
                                        Link.APPLICATION])
        started = samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0)
        verdict = judged(dataclasses.replace(
            seen, evidence=(*seen.evidence, started)))
        self.assertEqual(Link.WORKFLOW, verdict.link)
        self.assertIn(' within 60 s (', verdict.why)

    def test_cut_short_by_a_failure(self):
        """A failure of Mistral ends the wait for the stack."""
        seen = samples.healthy(
            without=[Link.WORKFLOW, Link.STACK, Link.APPLICATION],
            failures=(timelines.Failure(Link.WORKFLOW, 'e1', 110.0, 'boom'),))
        evidence = (*seen.evidence, *(
            samples.evidence(link, Mark.STARTED, 108.0)
            for link in (Link.WORKFLOW, Link.STACK)))
        verdict = judged(dataclasses.replace(seen, evidence=evidence))
        self.assertEqual(Link.STACK, verdict.link)
        self.assertIn(' within 17 s (', verdict.why)

    def test_after_late_steps(self):
        """The time of a step runs from the one before it, when that came."""
        verdict = judged(samples.healthy(without=[Link.APPLICATION]))
        # 40 s after the execution's end at 121 s.
        self.assertIn(' within 40 s (', verdict.why)


class BeforeTheFaultTest(testtools.TestCase):
    """Evidence begins after the fault, or the run says nothing."""

    # Two seconds behind ours, known to 0.2 s.
    CLOCKS = {'Vitrage': timelines.Offset(-2.1, -1.9)}

    def invalid(self, seen, link, words, expected=EXPECTED):
        verdict = judged(seen, expected)
        self.assertEqual((Kind.INVALID, link), (verdict.kind, verdict.link),
                         verdict.why)
        self.assertIn(words, verdict.why)

    def stamped(self, link, low, high, mark=Mark.FINISHED, **changes):
        """Return a run in which a service says when a link began."""
        return dataclasses.replace(replaced(link, mark, stamps=(
            timelines.Stamp('Vitrage', low, high),), **changes),
            clocks=self.CLOCKS)

    def test_seen_before(self):
        for link in vitrage.CHAIN.links:
            self.invalid(replaced(link, seen_at=99.9, not_before=99.0), link,
                         'was there before the fault')

    def test_one_poll_before(self):
        """The evidence came between the looks before and after the fault."""
        for link, mark in ((Link.ALARM, Mark.FINISHED),
                           (Link.DEDUCTION, Mark.FINISHED),
                           (Link.WORKFLOW, Mark.STARTED),
                           (Link.STACK, Mark.STARTED),
                           (Link.APPLICATION, Mark.FINISHED)):
            self.invalid(
                replaced(link, mark, not_before=99.8, seen_at=100.4), link,
                'it cannot be told whether %s %s-id began after the fault: '
                'it came between -0.2 s and +0.4 s' % (link.name,
                                                       link.name))

    def test_late_history(self):
        """An alarm that flapped before it is shown after it."""
        for link in (Link.ALARM, Link.DEDUCTION):
            self.invalid(replaced(link, not_before=103.0, seen_at=103.5,
                                  lag=10.0), link, 'cannot be told')

    def test_late_history_that_tells_the_start(self):
        """Its start_timestamp was 6 s before the fault: no effect of it."""
        self.invalid(self.stamped(
            Link.DEDUCTION, 92.0, 93.0, not_before=103.0, seen_at=103.5,
            lag=15.0), Link.DEDUCTION, 'was there before the fault')

    def test_start_that_clears_it(self):
        """The same lag, but a start after the fault: it is one."""
        seen = self.stamped(Link.DEDUCTION, 104.0, 105.0, not_before=106.0,
                            seen_at=107.0, lag=15.0)
        self.assertEqual(Kind.HEALED, judged(seen).kind)

    def test_start_around_the_fault(self):
        """A clock that is known to a second straddles the injection."""
        self.invalid(self.stamped(
            Link.DEDUCTION, 97.5, 98.5, not_before=103.0, seen_at=103.5,
            lag=15.0), Link.DEDUCTION, 'cannot be told')

    def test_clock_that_contradicts_the_polls(self):
        """The clock is not believed: the polls saw that nothing was there."""
        self.assertEqual(Kind.HEALED, judged(
            self.stamped(Link.DEDUCTION, 50.0, 51.0)).kind)

    def test_execution_of_before(self):
        """Mistral says that it was created 3 s before the fault."""
        seen = dataclasses.replace(replaced(
            Link.WORKFLOW, Mark.STARTED, not_before=95.0, seen_at=108.0,
            stamps=(timelines.Stamp('Vitrage', 95.0, 95.5),)),
            clocks=self.CLOCKS)
        self.invalid(seen, Link.WORKFLOW, 'was there before the fault')

    def test_second_one_of_before(self):
        """Somebody else's healing is under way; ours comes later."""
        for link, mark in ((Link.DEDUCTION, Mark.FINISHED),
                           (Link.WORKFLOW, Mark.STARTED)):
            early = dataclasses.replace(
                samples.evidence(link, mark, 100.5), not_before=99.5,
                object_id='other')
            self.invalid(added(early), link, 'other')

    def test_where_nothing_may_come(self):
        """A step that began before is no unexpected healing either."""
        for expected, link, mark in (
                (DEDUCED, Link.WORKFLOW, Mark.STARTED),
                (DEDUCED, Link.STACK, Mark.STARTED),
                (NOTHING, Link.ALARM, Mark.FINISHED)):
            self.invalid(samples.deduced(dataclasses.replace(
                samples.evidence(link, mark, 100.4), not_before=99.5)),
                link, 'cannot be told', expected)

    def test_about_something_else(self):
        """An alarm of another host may be as old as it likes."""
        for link, changes in ((Link.ALARM, {'host': 'compute-2'}),
                              (Link.DEDUCTION, {'server_id': 'other'}),
                              (Link.WORKFLOW, {'stack_id': 'other'})):
            unrelated = dataclasses.replace(samples.evidence(
                link, Mark.STARTED if link is Link.WORKFLOW
                else Mark.FINISHED, 100.4, **changes), not_before=99.0)
            self.assertEqual(Kind.HEALED, judged(added(unrelated)).kind)

    def test_during_the_injection(self):
        """A quick monitor notices before the command has ended."""
        self.assertEqual(Kind.HEALED, judged(replaced(
            Link.ALARM, not_before=100.0, seen_at=100.8)).kind)


class TogetherTest(testtools.TestCase):
    """Evidence belongs together, by ids."""

    def broken(self, seen, link, *words):
        verdict = judged(seen)
        self.assertEqual(link, verdict.link, verdict)
        self.assertIn(verdict.kind, (Kind.BROKEN,
                                     Kind.NOT_HEALED_BY_THIS_CHAIN))
        for word in words:
            self.assertIn(word, verdict.why)
        return verdict

    def test_stranger_answers(self):
        """A server that the stack never had."""
        verdict = self.broken(
            payload(Link.APPLICATION, server='stranger'), Link.APPLICATION,
            'from server stranger, which the stack is not known to have had',
            'someone else has repaired it')
        self.assertIs(Kind.NOT_HEALED_BY_THIS_CHAIN, verdict.kind)

    def test_server_without_a_name(self):
        """Nobody knows whether it is the one of the stack."""
        for name in ('', 'unknown', None):
            self.broken(payload(Link.APPLICATION, server=name),
                        Link.APPLICATION, 'does not say which it is')

    def test_server_of_a_failed_update(self):
        """The server was the stack's once; the stack has got another one."""
        self.broken(dataclasses.replace(payload(
            Link.STACK, servers=('old', 'first', 'new')), evidence=tuple(
                dataclasses.replace(evidence, payload=dict(
                    samples.PAYLOADS[evidence.link], server='first'))
                if evidence.link is Link.APPLICATION else evidence
                for evidence in payload(Link.STACK, servers=(
                    'old', 'first', 'new')).evidence)),
            Link.APPLICATION, 'from server first')

    def test_stranger_beside_the_right_one(self):
        """Both answer at the address: somebody else is at work there."""
        stranger = dataclasses.replace(samples.evidence(
            Link.APPLICATION, Mark.FINISHED, 112.0, server='stranger',
            boot='boot-9'), object_id='boot-9')
        verdict = judged(added(stranger))
        self.assertEqual((Kind.NOT_HEALED_BY_THIS_CHAIN, Link.APPLICATION),
                         (verdict.kind, verdict.link))
        self.assertIn('at +12.0 s from server stranger', verdict.why)

    def test_two_updates(self):
        """The first put the server on the broken host, the second moved it."""
        for first in ({'server_id': 'mid', 'host': 'compute-1'},
                      {'server_id': 'mid', 'status': 'ERROR'},
                      {'server_id': 'old', 'host': 'compute-1'}):
            seen = samples.healthy()
            early = samples.evidence(Link.STACK, Mark.FINISHED, 114.0,
                                     **first)
            self.assertEqual(Kind.HEALED, judged(dataclasses.replace(
                seen, evidence=(early, *seen.evidence))).kind, first)

    def test_deduced_from_another_alarm(self):
        """The host's own alarm has caused nothing."""
        self.broken(payload(Link.DEDUCTION, causes=('other-alarm',)),
                    Link.DEDUCTION)
        for causes in (('alarm-id',), ('other', 'alarm-id'), (), None):
            self.assertEqual(Kind.HEALED, judged(payload(
                Link.DEDUCTION, causes=causes)).kind)

    def test_no_alarm_has_to_come(self):
        """As in a bisect: one that came is the cause, or none is known."""
        expected = samples.expected(steps=vitrage.CHAIN.steps[1:])

        def came(causes, without=()):
            seen = payload(Link.DEDUCTION, causes=causes)
            return expected.arrival(dataclasses.replace(seen, evidence=tuple(
                evidence for evidence in seen.evidence
                if evidence.link not in without)),
                Link.DEDUCTION, Mark.FINISHED) is not None

        self.assertEqual((True, False, True), (
            came(('alarm-id',)), came(('other',)), came(())))
        self.assertTrue(came(('other',), [Link.ALARM]))
        self.assertFalse(EXPECTED.arrival(
            dataclasses.replace(samples.healthy([Link.ALARM]), evidence=(
                samples.evidence(Link.DEDUCTION, Mark.FINISHED, 110.0,
                                 causes=('other',)),)),
            Link.DEDUCTION, Mark.FINISHED))

    def test_servers_of_others(self):
        """Neither another stack nor another link says what it has had."""
        stranger = samples.evidence(
            Link.STACK, Mark.FINISHED, 112.0, stack_id='other',
            server_id='s1', servers=('s2',))
        workflow = samples.evidence(Link.WORKFLOW, Mark.STARTED, 112.0,
                                    server_id='s3', stack_id='stack-1')
        self.assertEqual({'old', 'new'}, EXPECTED.had(
            added(stranger, workflow)))

    def test_update_without_a_server(self):
        """Nobody has taken over."""
        seen = samples.healthy()
        none = dataclasses.replace(samples.evidence(
            Link.STACK, Mark.FINISHED, 112.0), payload={
                'stack_id': 'stack-1'})
        self.assertEqual(set(), EXPECTED.named(
            dataclasses.replace(seen, evidence=(none,)), Link.STACK,
            'server_id'))
        self.assertEqual({'new'}, EXPECTED.named(
            added(none), Link.STACK, 'server_id'))

    def test_deduced_from_the_second_alarm(self):
        """The alarm came back: what it caused is tied to that one."""
        again = dataclasses.replace(samples.evidence(
            Link.ALARM, Mark.FINISHED, 106.0), object_id='alarm-2')
        seen = payload(Link.DEDUCTION, causes=('alarm-2',))
        self.assertEqual(Kind.HEALED, judged(dataclasses.replace(
            seen, evidence=(*seen.evidence, again))).kind)

    def test_execution_for_another_stack(self):
        """The execution names the server, and works on another stack."""
        self.broken(payload(Link.WORKFLOW, stack_id='other'), Link.WORKFLOW)
        for stack in ('stack-1', None):
            self.assertEqual(Kind.HEALED, judged(payload(
                Link.WORKFLOW, stack_id=stack)).kind)

    def test_execution_that_does_not_tie_hides_none(self):
        execution = samples.evidence(Link.WORKFLOW, Mark.FINISHED, 108.5,
                                     stack_id='other')
        seen = samples.healthy()
        self.assertEqual(Kind.HEALED, judged(dataclasses.replace(
            seen, evidence=(execution, *seen.evidence))).kind)


class WhoElseTest(testtools.TestCase):
    """Somebody else brought the application back."""

    WHO = 'evacuate by user u1 at 2026-01-01T00:00:09'

    def moved(self, at=118.0, **changes):
        return dataclasses.replace(samples.evidence(
            Link.APPLICATION, Mark.FINISHED, at, **dict(
                dict(server='old', boot='boot-3', host='compute-2',
                     moved_by=self.WHO), **changes)), object_id='boot-3')

    def not_healed(self, seen, *words, link=None):
        verdict = judged(seen)
        self.assertEqual((Kind.NOT_HEALED_BY_THIS_CHAIN, link),
                         (verdict.kind, verdict.link), verdict)
        for word in words:
            self.assertIn(word, verdict.why)
        self.assertNotEqual('', verdict.look_at)

    def without(self, *missing):
        return samples.healthy(without=[*missing, Link.APPLICATION])

    def test_evacuated(self):
        """Same id, other host, other boot: who did it stands there."""
        for missing in ([Link.WORKFLOW, Link.STACK], [Link.STACK],
                        [Link.DEDUCTION, Link.WORKFLOW, Link.STACK],
                        vitrage.CHAIN.links):
            seen = self.without(*missing)
            self.not_healed(
                dataclasses.replace(seen, evidence=(
                    *seen.evidence, self.moved())),
                'from server old itself, boot boot-3, now on host compute-2; '
                'last done to it: %s' % self.WHO,
                'someone else has repaired it', link=missing[0])

    def test_evacuated_although_the_stack_failed(self):
        """Heat's failure is seen, and so is who was quicker."""
        seen = dataclasses.replace(
            self.without(Link.STACK), failures=(timelines.Failure(
                Link.STACK, 's', 115.0, 'UPDATE_FAILED'),))
        self.not_healed(dataclasses.replace(seen, evidence=(
            *seen.evidence, self.moved())), self.WHO, link=Link.STACK)

    def test_evacuated_and_replaced(self):
        """The chain did its work too, for nothing."""
        self.not_healed(added(self.moved(at=112.0)), 'all links came',
                        'now on host compute-2', link=Link.APPLICATION)

    def test_migrated_alive(self):
        """The boot is the same, and Nova has it on another host."""
        seen = self.without(Link.WORKFLOW, Link.STACK)
        self.not_healed(dataclasses.replace(seen, evidence=(
            *seen.evidence, self.moved(boot='boot-1'))),
            'now on host compute-2', link=Link.WORKFLOW)

    def test_rebuilt_in_place(self):
        """Another boot on the same host."""
        seen = self.without(Link.WORKFLOW, Link.STACK)
        self.not_healed(dataclasses.replace(seen, evidence=(
            *seen.evidence, self.moved(host='compute-1'))),
            'still on host compute-1', link=Link.WORKFLOW)

    def test_nova_does_not_say(self):
        seen = self.without(Link.WORKFLOW, Link.STACK)
        self.not_healed(dataclasses.replace(seen, evidence=(
            *seen.evidence, self.moved(host=None, moved_by=''))),
            'its host is unknown', link=Link.WORKFLOW)

    def test_moved_where_it_should_be_left_alone(self):
        """That is healing nobody asked for, with who did it."""
        for expected in (DEDUCED, NOTHING, samples.untouched(alive=True)):
            seen = samples.deduced(self.moved()) if (
                expected is not NOTHING) else samples.deduced(
                    evidence=(self.moved(),))
            verdict = judged(seen, expected)
            self.assertEqual(
                (Kind.UNEXPECTED_HEALING, Link.APPLICATION),
                (verdict.kind, verdict.link))
            self.assertIn(self.WHO, verdict.why)

    def test_stack_healed_by_somebody_else(self):
        """No execution of ours, and yet the stack has another server."""
        self.not_healed(samples.healthy(without=[Link.WORKFLOW]),
                        'from server new', link=Link.WORKFLOW)

    def test_address_was_given_to_a_standby(self):
        seen = self.without(Link.STACK)
        self.not_healed(dataclasses.replace(seen, evidence=(
            *seen.evidence, self.moved(server='standby', host=None))),
            'from server standby, which the stack is not known to have had',
            link=Link.STACK)

    def test_evacuated_after_the_new_one_answered(self):
        """Two guests are at one address then."""
        seen = samples.healthy(probes=(
            samples.probe(119.0, 'new'),
            samples.probe(150.0, 'old', boot='boot-3')))
        self.assertEqual(Kind.SPLIT_BRAIN, judged(seen).kind)

    def test_nobody(self):
        """Nothing answers: broken, and nobody is accused."""
        verdict = judged(self.without(Link.WORKFLOW, Link.STACK))
        self.assertIs(Kind.BROKEN, verdict.kind)
        self.assertNotIn('someone else', verdict.why)
