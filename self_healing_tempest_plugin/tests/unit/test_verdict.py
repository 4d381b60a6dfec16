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

import fixtures
from hypothesis import example
from hypothesis import given
from hypothesis import strategies
import testtools

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin import matchers
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import samples

Kind = verdicts.Kind
Link, Mark = vitrage, links.Mark
LINKS = vitrage.CHAIN.links
EXPECTED = samples.expected()
QUIET = samples.untouched()


def judged(seen, expected=EXPECTED):
    return verdicts.verdict(seen, expected)


def changed(link, mark, **changes):
    """Return a healthy timeline with one record changed."""
    seen = samples.healthy()
    return dataclasses.replace(seen, evidence=tuple(
        dataclasses.replace(evidence, **changes)
        if (evidence.link, evidence.mark) == (link, mark) else evidence
        for evidence in seen.evidence))


def with_payload(link, **payload):
    return changed(link, Mark.FINISHED,
                   payload=dict(samples.PAYLOADS[link], **payload))


class HealedTest(testtools.TestCase):
    """What is HEALED."""

    def test_healthy(self):
        """All links, in order, tied: the time is the application's."""
        verdict = judged(samples.healthy())
        self.assertEqual((Kind.HEALED, 19.0), (verdict.kind, verdict.seconds))
        self.assertIsNone(verdict.link)
        self.assertTrue(verdict.good)
        self.assertIn('server new took over from old', str(verdict))

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
        matcher = matchers.as_expected(EXPECTED)
        self.assertEqual('as_expected(host compute-1 without power)',
                         str(matcher))
        self.assertIsNone(matcher.match(samples.healthy()))
        text = matcher.match(samples.healthy(without=[Link.STACK])).describe()
        self.assertIn('NOT_HEALED_BY_THIS_CHAIN at link stack', text)
        self.assertIn('missing', text)

    def test_table_that_cannot_be_made(self):
        """The verdict is told all the same."""
        seen = samples.healthy(without=[Link.STACK], origin='when?')
        self.useFixture(fixtures.FakeLogger())
        text = matchers.as_expected(EXPECTED).match(seen).describe()
        self.assertIn('NOT_HEALED_BY_THIS_CHAIN at link stack', text)

    def test_matcher_untouched(self):
        """The matcher wants the expected verdict, not healing."""
        matcher = matchers.as_expected(QUIET)
        self.assertIsNone(matcher.match(samples.deduced()))
        text = matcher.match(samples.healthy()).describe()
        self.assertIn('UNEXPECTED_HEALING at link workflow', text)


class RepairedTest(testtools.TestCase):
    """What is REPAIRED: nobody asks the application, whatever it does."""

    expected = samples.expected(steps=samples.REPAIRED, boot='')
    seen = samples.healthy(without=[Link.APPLICATION])

    def test_all_links_but_the_last(self):
        verdict = judged(self.seen, self.expected)
        self.assertEqual((Kind.REPAIRED, None, True),
                         (verdict.kind, verdict.link, verdict.good))
        self.assertIn('server new took over from old', str(verdict))
        self.assertIn('was not asked', str(verdict))

    def test_not_enough_where_it_is_asked(self):
        self.assertEqual((Kind.BROKEN, Link.APPLICATION),
                         (judged(self.seen).kind, judged(self.seen).link))

    def test_any_link_missing(self):
        for link in (Link.ALARM, Link.DEDUCTION, Link.WORKFLOW, Link.STACK):
            verdict = judged(samples.healthy(without=[
                link, Link.APPLICATION]), self.expected)
            self.assertEqual((Kind.BROKEN, link), (verdict.kind, verdict.link))

    def test_workflow_without_an_end(self):
        """Until the workflow ends it may undo what it has done."""
        verdict = judged(dataclasses.replace(self.seen, evidence=tuple(
            evidence for evidence in self.seen.evidence
            if (evidence.link, evidence.mark) != (
                Link.WORKFLOW, Mark.FINISHED))),
            self.expected)
        self.assertEqual((Kind.BROKEN, Link.WORKFLOW),
                         (verdict.kind, verdict.link))

    def test_effect_before_its_cause(self):
        late = dataclasses.replace(self.seen, evidence=tuple(
            dataclasses.replace(evidence, not_before=150.0, seen_at=151.0)
            if evidence.link is Link.ALARM else evidence
            for evidence in self.seen.evidence))
        self.assertEqual(Kind.NOT_HEALED_BY_THIS_CHAIN,
                         judged(late, self.expected).kind)


class TiesTest(testtools.TestCase):
    """Evidence about something else is no evidence."""

    def check(self, link, **payload):
        verdict = judged(with_payload(link, **payload))
        self.assertEqual(link, verdict.link)
        self.assertIn(verdict.kind, (Kind.BROKEN,
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
        elsewhere = {'url': 'http://192.0.2.2:80/'}
        self.check(Link.APPLICATION, **elsewhere)
        # It does not even say that somebody has repaired the application.
        self.assertEqual(Kind.BROKEN, judged(with_payload(
            Link.APPLICATION, **elsewhere)).kind)


class BrokenTest(testtools.TestCase):
    """The first missing link is named, with both of its neighbours."""

    def broken(self, first):
        without = vitrage.CHAIN.links[vitrage.CHAIN.index(first):]
        return judged(samples.healthy(without=without))

    def test_first_missing(self):
        for link in LINKS:
            verdict = self.broken(link)
            self.assertEqual((Kind.BROKEN, link), (verdict.kind, verdict.link))
            self.assertNotEqual('', verdict.look_at)

    def test_monitor_silent(self):
        verdict = self.broken(Link.ALARM)
        self.assertIn('host compute-1 without power, seen by a witness at '
                      '+3.0 s, no new alarm HostDown on host compute-1 '
                      'within 30 s', verdict.why)
        self.assertEqual('the monitor', verdict.look_at)

    def test_notifier_stopped(self):
        verdict = self.broken(Link.WORKFLOW)
        self.assertEqual(
            'alarm Instance down was deduced for server old (deduction-id) '
            'at +7.0 s, no Mistral execution whose input names server old '
            'within 10 s (9 polls, last state: not there), the link Vitrage '
            '→ Mistral is broken', verdict.why)
        self.assertIn("vitrage-notifier's log for 'Failed to execute Mistral "
                      "action'", verdict.look_at)

    def test_answer_between_two_updates(self):
        """The first may have brought it; before both it is no effect."""
        again = timelines.Evidence(
            Link.STACK, Mark.STARTED, 'stack-1', 119.2, 119.8,
            {'stack_id': 'stack-1', 'start_timestamp': 'later'})
        for seen_at, kind in ((119.0, Kind.HEALED),
                              (108.5, Kind.NOT_HEALED_BY_THIS_CHAIN)):
            seen = changed(Link.APPLICATION, Mark.FINISHED,
                           not_before=seen_at - 0.5, seen_at=seen_at)
            verdict = judged(dataclasses.replace(
                seen, evidence=(*seen.evidence, again)))
            self.assertEqual(kind, verdict.kind, verdict)

    def test_update_before_the_workflow_that_did_nothing(self):
        """The update that brought the server began after the workflow did."""
        seen = samples.healthy()
        rest = [evidence for evidence in seen.evidence
                if (evidence.link, evidence.mark) != (
                    Link.STACK, Mark.STARTED)]
        early, late = (
            samples.evidence(Link.STACK, Mark.STARTED, at, event_id=name)
            for at, name in ((102.0, 'e1'), (112.0, 'e2')))
        for updates, kind in (((early, late), Kind.HEALED),
                              ((early,), Kind.NOT_HEALED_BY_THIS_CHAIN)):
            verdict = judged(dataclasses.replace(
                seen, evidence=(*rest, *updates)))
            self.assertIs(kind, verdict.kind, verdict.why)

    def test_execution_that_does_not_end(self):
        """The one that ended began in order, whatever was there before it."""
        seen = samples.healthy()
        early, late = (
            dataclasses.replace(
                seen.find(Link.WORKFLOW, Mark.STARTED), object_id=name,
                not_before=at - 1, seen_at=at)
            for name, at in (('of-others', 101.0), ('of-ours', 111.0)))
        ended = seen.find(Link.WORKFLOW, Mark.FINISHED)
        rest = [evidence for evidence in seen.evidence
                if evidence.link is not Link.WORKFLOW]
        for name, kind in (('of-ours', Kind.HEALED),
                           ('of-others', Kind.NOT_HEALED_BY_THIS_CHAIN)):
            verdict = judged(dataclasses.replace(seen, evidence=(
                early, late, *rest,
                dataclasses.replace(ended, object_id=name))))
            self.assertIs(kind, verdict.kind, verdict.why)

    def test_deduction_before_its_alarm(self):
        """Another one that is in order may be what led to the rest."""
        seen = samples.healthy()
        late = seen.find(Link.DEDUCTION, Mark.FINISHED)
        early = dataclasses.replace(late, object_id='early', not_before=100.2,
                                    seen_at=100.4)
        rest = [evidence for evidence in seen.evidence
                if evidence is not late]
        for deduced, kind in (((early,), Kind.NOT_HEALED_BY_THIS_CHAIN),
                              ((early, late), Kind.HEALED)):
            verdict = judged(dataclasses.replace(
                seen, evidence=(*deduced, *rest)))
            self.assertIs(kind, verdict.kind, verdict.why)

    def test_update_of_the_chain_that_did_nothing(self):
        """The update that brought the server began before the workflow."""
        begun = {'early': 102.0, 'late': 112.0}
        for brought, kind in (('early', Kind.NOT_HEALED_BY_THIS_CHAIN),
                              ('late', Kind.HEALED), (None, Kind.HEALED),
                              ('unseen', Kind.HEALED)):
            seen = changed(Link.STACK, Mark.FINISHED, payload=dict(
                samples.healthy().find(Link.STACK, Mark.FINISHED).payload,
                updated_time=brought))
            rest = [evidence for evidence in seen.evidence
                    if (evidence.link, evidence.mark) != (
                        Link.STACK, Mark.STARTED)]
            updates = [samples.evidence(Link.STACK, Mark.STARTED, at,
                                        updated_time=name)
                       for name, at in begun.items()]
            verdict = judged(dataclasses.replace(
                seen, evidence=(*rest, *updates)))
            self.assertIs(kind, verdict.kind, verdict.why)

    def test_time_that_is_not_round(self):
        """A tenth of a second is as much as anybody wants to know."""
        for seconds, text in ((10.04, '10'), (9.96, '10'), (12.34, '12.3')):
            verdict = judged(
                samples.healthy(without=[Link.WORKFLOW, Link.STACK,
                                         Link.APPLICATION]),
                samples.expected(timeouts=dict(
                    EXPECTED.timeouts) | {'workflow': seconds}))
            self.assertIn(' within %s s ' % text, verdict.why)

    def test_execution_never_ends(self):
        started = samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0)
        seen = samples.healthy(without=[Link.WORKFLOW, Link.STACK,
                                        Link.APPLICATION])
        verdict = judged(dataclasses.replace(
            seen, evidence=(*seen.evidence, started)))
        self.assertEqual((Kind.BROKEN, Link.WORKFLOW),
                         (verdict.kind, verdict.link))
        self.assertIn('no execution of heal in SUCCESS', verdict.why)
        self.assertIn('the link Mistral is broken', verdict.why)

    def test_execution_error(self):
        """Mistral's own reason is in the message."""
        verdict = judged(samples.healthy(
            without=[Link.WORKFLOW, Link.STACK, Link.APPLICATION],
            failures=(timelines.Failure(Link.WORKFLOW, 'e1', 109.0,
                                        'execution e1 is in ERROR: boom'),)))
        self.assertEqual(Kind.BROKEN, verdict.kind)
        self.assertEqual(
            1, verdict.why.count('execution e1 is in ERROR: boom'),
            verdict.why)

    def failing(self, *evidence, **changes):
        """Return a run whose execution is in ERROR, judged."""
        failures = (timelines.Failure(Link.WORKFLOW, 'e1', 109.0,
                                      'execution e1 is in ERROR: boom'),
                    *changes.pop('failures', ()))
        seen = samples.healthy(
            without=[Link.WORKFLOW, Link.STACK, Link.APPLICATION],
            failures=failures, **changes)
        started = samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0)
        return judged(dataclasses.replace(
            seen, evidence=(*seen.evidence, started, *evidence)))

    def test_who_has_failed(self):
        """The execution fails by itself, or because Heat does."""
        self.assertEqual(Link.WORKFLOW, self.failing().link)
        verdict = self.failing(timelines.Evidence(
            Link.STACK, Mark.STARTED, 'stack-1', 109.0, 110.0,
            {'stack_id': 'stack-1'}))
        self.assertEqual(Link.STACK, verdict.link)
        self.assertIn('within 16 s (9 polls, last state: not there), '
                      'execution e1 is in ERROR: boom', verdict.why)
        self.assertEqual(Link.STACK, self.failing(
            failures=[timelines.Failure(Link.STACK, 's', 115.0, 'no')]).link)

    def test_heat_is_silent(self):
        """An execution cannot do anything then."""
        for answered, link in ((None, Link.STACK), (100.0, Link.STACK),
                               (124.9, Link.STACK), (125.0, Link.WORKFLOW),
                               (128.0, Link.WORKFLOW)):
            watched = dict(samples.healthy().watched)
            watched[Link.STACK] = timelines.Watched(
                9, 3, 130.0, 'no answer: HTTP 504', answered)
            self.assertEqual(link, self.failing(watched=watched).link)

    def test_heat_was_never_asked(self):
        """A Heat that was not asked is not silent: it is the execution."""
        watched = dict(samples.healthy().watched)
        for watched[Link.STACK] in (None, timelines.Watched()):
            self.assertEqual(Link.WORKFLOW,
                             self.failing(watched=watched).link)

    def test_workflow_that_does_nothing(self):
        verdict = judged(samples.healthy(without=[Link.STACK,
                                                  Link.APPLICATION]))
        self.assertEqual((Kind.BROKEN, Link.STACK),
                         (verdict.kind, verdict.link))

    def test_start_that_nobody_saw(self):
        """The time of the step before is part of what the stack had."""
        seen = samples.healthy(without=[Link.STACK, Link.APPLICATION])
        verdict = judged(dataclasses.replace(seen, evidence=tuple(
            evidence for evidence in seen.evidence
            if evidence.mark is Mark.FINISHED)))
        self.assertEqual((Kind.BROKEN, Link.STACK),
                         (verdict.kind, verdict.link))
        self.assertIn(' within 70 s ', verdict.why)

    def test_stack_failed_application_answers(self):
        """A link that says itself that it failed is broken."""
        verdict = judged(samples.healthy(
            without=[Link.STACK], failures=(timelines.Failure(
                Link.STACK, 's', 115.0, 'UPDATE_FAILED: no'),)))
        self.assertEqual((Kind.BROKEN, Link.STACK),
                         (verdict.kind, verdict.link))
        self.assertIn('yet the application answers since +19.0 s', verdict.why)


class NotByThisChainTest(testtools.TestCase):
    """The application is well, but the chain has not shown why."""

    def test_any_link_missing(self):
        for link in LINKS[:-1]:
            verdict = judged(samples.healthy(without=[link]))
            self.assertEqual((Kind.NOT_HEALED_BY_THIS_CHAIN, link),
                             (verdict.kind, verdict.link))

    def test_effect_before_its_cause(self):
        """The stack was updated before any execution was started."""
        seen = changed(Link.WORKFLOW, Mark.STARTED, not_before=115.0,
                       seen_at=116.0)
        verdict = judged(seen)
        self.assertEqual((Kind.NOT_HEALED_BY_THIS_CHAIN, Link.STACK),
                         (verdict.kind, verdict.link))


class InvalidTest(testtools.TestCase):
    """Nothing can be said of these runs."""

    def check(self, seen, text, link=None):
        verdict = judged(seen)
        self.assertEqual((Kind.INVALID, link), (verdict.kind, verdict.link))
        self.assertIn(text, verdict.why)

    def test_unmet(self):
        self.check(samples.healthy(unmet=('alarm HostDown is active',)),
                   'not ready for a fault: alarm HostDown is active')

    def test_no_fault(self):
        seen = samples.healthy(transitions=())
        self.check(seen, 'no fault was injected')
        # Where nobody knows why, nothing is said of it.
        self.assertEqual('no fault was injected', judged(seen).why)

    def test_no_witness(self):
        """Not even a perfect chain proves anything without a witness."""
        self.check(samples.healthy(witnessed=False),
                   'no witness of: host compute-1 without power',
                   links.FAULT)

    def test_where_to_look_for_a_witness(self):
        self.assertEqual('the power commands', judged(
            samples.healthy(witnessed=False)).look_at)

    def test_stale_evidence(self):
        """Something was there before the fault."""
        self.check(changed(Link.ALARM, Mark.FINISHED, not_before=95.0,
                           seen_at=96.0),
                   'alarm alarm-id was there before the fault', Link.ALARM)


class UntouchedTest(testtools.TestCase):
    """Faults after which nothing may be healed."""

    def check(self, kind, seen, link=None, **changes):
        verdict = judged(seen, samples.untouched(**changes))
        self.assertEqual((kind, link), (verdict.kind, verdict.link), verdict)
        return verdict

    def test_noticed(self):
        """Alarm and deduction came, and then nothing."""
        verdict = self.check(Kind.UNTOUCHED, samples.deduced())
        self.assertTrue(verdict.good)
        self.assertEqual('', verdict.look_at)
        self.assertEqual('alarm, deduction came; no workflow, stack, '
                         'application until +37.0 s', verdict.why)

    def test_not_noticed(self):
        verdict = self.check(
            Kind.UNTOUCHED, samples.deduced(evidence=(), until=131.0),
            steps=())
        self.assertEqual('no alarm, deduction, workflow, stack, application '
                         'until +31.0 s', verdict.why)

    def test_required_step_is_missing(self):
        """Healing nothing is no merit when no alarm came."""
        alarm = samples.evidence(*samples.HEALTHY[0])
        verdict = self.check(Kind.BROKEN, samples.deduced(evidence=(alarm,)),
                             Link.DEDUCTION)
        self.assertFalse(verdict.good)
        self.assertIn('the link Vitrage alarm → Vitrage deduction is broken',
                      verdict.why)

    def test_watched_too_short(self):
        """Each forbidden link is watched until the end, or nobody knows."""
        seen = samples.deduced()
        for link in QUIET.forbidden:
            verdict = self.check(
                Kind.INVALID, dataclasses.replace(
                    seen, watched=samples.polled(seen, **{
                        link.name: 136.9})), link)
            self.assertEqual(
                '%s was watched until +36.9 s only (last state: x), the '
                'quiet time ends at +37.0 s' % link.name, verdict.why)

    def test_last_poll_without_answer(self):
        """A service out of order has not shown that there is nothing."""
        seen = samples.deduced()
        watched = dict(seen.watched)
        watched[Link.STACK] = timelines.Watched(
            9, 1, 200.0, 'no answer: HTTP 503', 120.0)
        verdict = self.check(Kind.INVALID, dataclasses.replace(
            seen, watched=watched), Link.STACK)
        self.assertIn('stack was watched until +20.0 s only (last state: no '
                      'answer: HTTP 503)', verdict.why)

    def test_never_watched(self):
        seen = samples.deduced(watched={})
        verdict = self.check(Kind.INVALID, seen, Link.WORKFLOW)
        self.assertIn('workflow was never watched, ', verdict.why)

    def test_not_watched_but_step_missing(self):
        """A missing step is missing, however long the rest was watched."""
        self.check(Kind.BROKEN, samples.deduced(evidence=(), watched={}),
                   Link.ALARM)

    def test_invalid_as_ever(self):
        self.check(Kind.INVALID, samples.deduced(witnessed=False), links.FAULT)
        self.check(Kind.INVALID, samples.deduced(unmet=('x',)))
        self.check(Kind.INVALID, samples.deduced(transitions=()))
        early = samples.evidence(Link.WORKFLOW, Mark.STARTED, 99.0)
        self.check(Kind.INVALID, samples.deduced(early), Link.WORKFLOW)


class AliveTest(testtools.TestCase):
    """The server has to live through the fault."""

    def check(self, kind, *probes, concluded=200.0):
        seen = samples.deduced(probes=probes, concluded=concluded)
        verdict = judged(seen, samples.untouched(alive=True))
        self.assertEqual(kind, verdict.kind, verdict)
        if kind is not Kind.UNTOUCHED:
            self.assertEqual(Link.APPLICATION, verdict.link)
        return verdict

    def test_alive(self):
        verdict = self.check(Kind.UNTOUCHED, samples.probe(137.0, 'old'))
        self.assertIn('server old lived on', verdict.why)

    def test_away_for_a_while(self):
        """What counts is the end."""
        self.check(Kind.UNTOUCHED, samples.probe(110.0),
                   samples.probe(137.0, 'old'))

    def test_no_answer(self):
        verdict = self.check(Kind.BROKEN, samples.probe(130.0, 'old'),
                             samples.probe(137.0))
        self.assertEqual(
            'the server should live through this fault, but no answer of '
            'the application at http://192.0.2.1:80/ from boot boot-1 at '
            '+37.5 s: ConnectionError', verdict.why)
        self.assertIn('the console of server old', verdict.look_at)

    def test_booted_again(self):
        """The same server with another boot has not lived through it."""
        verdict = self.check(Kind.BROKEN,
                             samples.probe(137.0, 'old', boot='boot-3'))
        self.assertIn('boot boot-3 answered', verdict.why)

    def test_bad_answer(self):
        """A guest that cannot repeat the nonce is not alive."""
        bad = dataclasses.replace(samples.probe(137.0, 'old'), ok=False,
                                  error='nonce x instead of n')
        self.assertIn('nonce x instead of n', self.check(
            Kind.BROKEN, bad).why)

    def test_asked_too_early(self):
        verdict = self.check(Kind.INVALID, samples.probe(136.9, 'old'))
        self.assertIn('application was watched until +36.9 s only',
                      verdict.why)

    def test_never_asked(self):
        self.check(Kind.INVALID)

    def test_nobody_wants_it_alive(self):
        """A fault that cuts the application off may do so."""
        self.assertTrue(judged(samples.deduced(
            probes=(samples.probe(137.0),)), QUIET).good)

    def test_only_until_the_conclusion(self):
        """What happens while the fault is taken back is another matter."""
        dead, alive = samples.probe(137.0), samples.probe(138.0, 'old')
        self.check(Kind.BROKEN, dead, alive, concluded=138.4)
        self.check(Kind.UNTOUCHED, dead, alive, concluded=138.5)


class UnexpectedTest(testtools.TestCase):
    """Something was healed that should be left alone."""

    def check(self, *evidence, link, at, **changes):
        verdict = judged(samples.deduced(*evidence),
                         samples.untouched(**changes))
        self.assertEqual((Kind.UNEXPECTED_HEALING, link),
                         (verdict.kind, verdict.link))
        self.assertFalse(verdict.good)
        self.assertEqual(
            '%s %s-id came at %s s, which should not happen after: data NIC '
            'eth1 of host compute-1 down' % (link.name, link.name, at),
            verdict.why)
        self.assertNotEqual('', verdict.look_at)

    def test_either_mark(self):
        for link in QUIET.forbidden:
            for mark in Mark:
                self.check(samples.evidence(link, mark, 120.0), link=link,
                           at='+20.0')

    def test_any_link(self):
        """Where not even an alarm should come."""
        for link in vitrage.CHAIN.links:
            verdict = judged(samples.deduced(evidence=(samples.evidence(
                link, Mark.FINISHED, 120.0),)),
                samples.untouched(steps=()))
            self.assertEqual((Kind.UNEXPECTED_HEALING, link),
                             (verdict.kind, verdict.link))
            self.assertNotEqual('', verdict.look_at)

    def test_first_of_several(self):
        self.check(samples.evidence(Link.STACK, Mark.STARTED, 121.0),
                   samples.evidence(Link.WORKFLOW, Mark.STARTED, 119.0),
                   link=Link.WORKFLOW, at='+19.0')

    def test_seen_in_another_order(self):
        """The link that was seen first is named, as in the table."""
        self.check(samples.evidence(Link.STACK, Mark.STARTED, 118.0),
                   samples.evidence(Link.WORKFLOW, Mark.STARTED, 119.0),
                   link=Link.STACK, at='+18.0')

    def test_two_at_once(self):
        """The earlier link is the cause."""
        self.check(samples.evidence(Link.STACK, Mark.STARTED, 119.0),
                   samples.evidence(Link.WORKFLOW, Mark.STARTED, 119.0),
                   link=Link.WORKFLOW, at='+19.0')

    def test_before_a_step_is_seen(self):
        """The alarm may be seen late; the execution is there."""
        started = samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0)
        verdict = judged(samples.deduced(evidence=(started,)), QUIET)
        self.assertEqual(Kind.UNEXPECTED_HEALING, verdict.kind)

    def test_any_version_of_the_stack(self):
        """Also one with the same server, or a new one on the same host."""
        for payload in ({'server_id': 'old'}, {'host': 'compute-1'},
                        {'status': 'ERROR'}):
            self.check(samples.evidence(
                Link.STACK, Mark.FINISHED, 120.0, **payload),
                link=Link.STACK, at='+20.0')

    def test_of_something_else(self):
        """Ties hold for what must not come, too."""
        for link, payload in (
                (Link.WORKFLOW, {'server_id': 'other'}),
                (Link.STACK, {'stack_id': 'other'}),
                (Link.APPLICATION, {'url': 'http://192.0.2.2:80/'}),
                (Link.WORKFLOW, {'stack_id': 'other'}),
                (Link.APPLICATION, {'boot': 'boot-1'})):
            unrelated = samples.evidence(link, Mark.FINISHED, 120.0, **payload)
            self.assertEqual(Kind.UNTOUCHED, judged(
                samples.deduced(unrelated), QUIET).kind)

    def test_not_watched_to_the_end(self):
        """A link that came has come, however short the watch."""
        started = samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0)
        verdict = judged(samples.deduced(started, until=108.0), QUIET)
        self.assertEqual(Kind.UNEXPECTED_HEALING, verdict.kind)


class SplitBrainTest(testtools.TestCase):
    """The old guest and the new one answer at the same address."""

    NEW = samples.probe(119.0, 'new')

    def kind(self, *probes, **changes):
        return judged(samples.healthy(probes=probes, **changes)).kind

    def test_named(self):
        verdict = judged(samples.healthy(probes=(
            self.NEW, samples.probe(150.0, 'old'))))
        self.assertEqual((Kind.SPLIT_BRAIN, Link.APPLICATION),
                         (verdict.kind, verdict.link))
        self.assertFalse(verdict.good)
        self.assertEqual('the old server old answered at +50.5 s from boot '
                         'boot-1, after server new had answered at +19.5 s',
                         verdict.why)
        self.assertEqual('the fencing of host compute-1: the old server must '
                         'be dead before another one takes its address',
                         verdict.look_at)

    def test_old_before_new(self):
        """The data path may outlive the fault: the old one may answer."""
        self.assertEqual(Kind.HEALED, self.kind(
            samples.probe(104.0, 'old'), samples.probe(118.0, 'old'),
            self.NEW, samples.probe(120.0, 'new')))

    def test_overlapping(self):
        """A probe that began before the other had ended proves nothing."""
        self.assertEqual(Kind.HEALED, self.kind(
            self.NEW, samples.probe(119.4, 'old')))
        self.assertEqual(Kind.SPLIT_BRAIN, self.kind(
            self.NEW, samples.probe(119.5, 'old')))

    def test_boot_or_server(self):
        """Booted again, or with another name: it is the old guest."""
        for server, boot in (('old', 'boot-3'), ('x', 'boot-1')):
            self.assertEqual(Kind.SPLIT_BRAIN, self.kind(
                self.NEW, samples.probe(150.0, server, boot)))

    def test_bad_answers(self):
        """An answer without this request's nonce is from nobody."""
        bad = dict(ok=False, error='nonce')
        old = samples.probe(150.0, 'old')
        self.assertEqual(Kind.HEALED, self.kind(
            self.NEW, dataclasses.replace(old, **bad)))
        self.assertEqual(Kind.HEALED, self.kind(
            dataclasses.replace(self.NEW, **bad), old))

    def test_after_the_conclusion(self):
        """The old guest comes back with its host."""
        self.assertEqual(Kind.SPLIT_BRAIN, self.kind(
            self.NEW, samples.probe(150.0, 'old'), concluded=130.0))

    def test_whatever_is_missing(self):
        for link in vitrage.CHAIN.links:
            self.assertEqual(Kind.SPLIT_BRAIN, self.kind(
                self.NEW, samples.probe(150.0, 'old'), without=[link]))

    def test_where_nothing_should_heal(self):
        """Worse than healing what should be left alone."""
        answer = samples.evidence(Link.APPLICATION, Mark.FINISHED, 119.0)
        seen = samples.deduced(answer, probes=(
            self.NEW, samples.probe(137.0, 'old')))
        self.assertEqual(Kind.SPLIT_BRAIN, judged(seen, QUIET).kind)

    def test_not_when_invalid(self):
        self.assertEqual(Kind.INVALID, self.kind(
            self.NEW, samples.probe(150.0, 'old'), witnessed=False))


class StormTest(testtools.TestCase):
    """Executions that are started again and again."""

    def stormy(self, count, **changes):
        return samples.healthy(objects={Link.WORKFLOW: tuple(
            'e%d' % number for number in range(count))}, **changes)

    def test_remark(self):
        """Many executions are in the remarks, and heal as well as one."""
        seen = self.stormy(7)
        self.assertEqual(Kind.HEALED, judged(seen).kind)
        self.assertEqual(
            ('7 executions of heal were started for server old: e0, e1, e2, '
             'e3, e4 and 2 more',), verdicts.remarks(seen, EXPECTED))
        self.assertEqual((), verdicts.remarks(self.stormy(1), EXPECTED))

    def test_all_are_named(self):
        """Five have room, so that there are no more."""
        self.assertEqual(
            ('5 executions of heal were started for server old: e0, e1, e2, '
             'e3, e4',),
            verdicts.remarks(self.stormy(5), EXPECTED))

    def test_too_many(self):
        """More than the option allows: a failure of its own name."""
        expected = samples.expected(max_executions=2)
        self.assertEqual(Kind.HEALED, judged(self.stormy(2), expected).kind)
        verdict = judged(self.stormy(3), expected)
        self.assertEqual((Kind.EXECUTION_STORM, Link.WORKFLOW, False),
                         (verdict.kind, verdict.link, verdict.good))
        self.assertIn('3 executions of heal were started for server old, at '
                      'most 2 may be: e0, e1, e2', str(verdict))

    def test_broken_link_goes_before(self):
        """A broken link is worse than one that comes twice."""
        verdict = judged(self.stormy(9, evidence=()),
                         samples.expected(max_executions=1))
        self.assertEqual(Kind.BROKEN, verdict.kind)


class RemarksTest(testtools.TestCase):
    """verdicts.remarks()."""

    def test_nothing_deduced(self):
        """There is no state to miss."""
        self.assertEqual((), verdicts.remarks(
            samples.healthy(without=[Link.DEDUCTION]), EXPECTED))

    def test_healthy(self):
        self.assertEqual((), verdicts.remarks(samples.healthy(), EXPECTED))

    def test_state_not_seen(self):
        seen = with_payload(Link.DEDUCTION, state_error=False)
        self.assertIn('the deduced state ERROR was not seen',
                      verdicts.remarks(seen, EXPECTED)[0])
        seen = with_payload(Link.DEDUCTION, state_error=True)
        self.assertEqual((), verdicts.remarks(seen, EXPECTED))

    def deduced(self, times, **changes):
        """Return the remarks where the deduction came so often."""
        seen = samples.healthy()
        deduction = next(evidence for evidence in seen.evidence
                         if evidence.link is Link.DEDUCTION)
        return verdicts.remarks(dataclasses.replace(
            seen, evidence=(*seen.evidence, *(dataclasses.replace(
                deduction, object_id='d%d' % number, payload=dict(
                    deduction.payload, **changes))
                for number in range(times - 1)))), EXPECTED)

    def test_deduced_again_and_again(self):
        """A Vitrage that flaps is told, and how often it did."""
        self.assertEqual((), self.deduced(2))
        remark, = self.deduced(3)
        self.assertTrue(remark.startswith(
            '3 times alarm Instance down was deduced for server old: '),
            remark)
        # Those of others are none of this server's.
        self.assertEqual((), self.deduced(9, server_id='other'))

    def test_clock_that_lies(self):
        seen = dataclasses.replace(
            changed(Link.STACK, Mark.FINISHED, stamps=(
                timelines.Stamp('Heat', 5.0, 6.0),)),
            clocks={'Heat': timelines.Offset(0.0, 0.0)},
            remarks=('something else',))
        self.assertEqual(
            ('something else', 'the clock of Heat contradicts the polls; its '
             'times are not used'), verdicts.remarks(seen, EXPECTED))
        self.assertEqual(Kind.HEALED, judged(seen).kind)


class AnyTimelineTest(testtools.TestCase):
    """What must hold of every verdict."""

    # Ends whose starts were not seen: a workflow ends after its stack.
    @example(kept={step for step in samples.HEALTHY
                   if step[1] is Mark.FINISHED},
             witnessed=True, stale=False, unmet=False)
    # Heat has begun, and the execution waits for it.
    @example(kept={step for step in samples.HEALTHY
                   if step[0] in (Link.ALARM, Link.DEDUCTION)
                   or step[1] is Mark.STARTED},
             witnessed=True, stale=False, unmet=False)
    @given(kept=strategies.sets(strategies.sampled_from(samples.HEALTHY)),
           witnessed=strategies.booleans(),
           stale=strategies.booleans(), unmet=strategies.booleans())
    def test_rules(self, kept, witnessed, stale, unmet):
        """HEALED only with all evidence; the first gap is the one named.

        An execution that has not ended is the gap until Heat has begun.
        """
        evidence = [samples.evidence(*step) for step in kept]
        if stale:
            evidence.append(samples.evidence(Link.ALARM, Mark.STARTED, 99.0))
        verdict = judged(samples.healthy(
            witnessed=witnessed, evidence=tuple(evidence),
            unmet=('x',) if unmet else ()))
        marks = {(link, mark) for link, mark, _ in kept}
        finished = {link for link, mark in marks if mark is Mark.FINISHED}
        missing = [step.link for step in vitrage.CHAIN.steps
                   if (step.link, step.mark) not in marks
                   and step.link not in finished]
        if missing[:1] == [Link.STACK] and not marks & {
                (Link.WORKFLOW, Mark.FINISHED), (Link.STACK, Mark.STARTED)}:
            missing = [Link.WORKFLOW]
        if stale or unmet or not witnessed:
            self.assertEqual(Kind.INVALID, verdict.kind)
        elif not missing:
            self.assertEqual(Kind.HEALED, verdict.kind)
        else:
            self.assertEqual(missing[0], verdict.link)
            self.assertEqual(
                Kind.NOT_HEALED_BY_THIS_CHAIN
                if Link.APPLICATION in finished else Kind.BROKEN, verdict.kind)

    @given(times=strategies.lists(strategies.floats(161, 500), min_size=5,
                                  max_size=5),
           width=strategies.floats(0, 60),
           delays=strategies.lists(strategies.floats(0, 1), min_size=5,
                                   max_size=5))
    def test_order_of_observation_does_not_matter(self, times, width, delays):
        """Events in order are HEALED, however late each poll sees them."""
        evidence = []
        for link, at, delay in zip(LINKS, sorted(times), delays):
            seen_at = at + delay * width
            evidence.append(dataclasses.replace(
                samples.evidence(link, Mark.FINISHED, seen_at),
                not_before=seen_at - width - 1e-6))
        verdict = judged(samples.healthy(evidence=tuple(evidence)))
        self.assertEqual(Kind.HEALED, verdict.kind)

    @given(position=strategies.integers(1, 4),
           gap=strategies.floats(0.01, 100))
    def test_surely_reversed_is_never_healed(self, position, gap):
        """An effect that was over before its cause began is no effect."""
        later, earlier = (LINKS[position],
                          LINKS[position - 1])
        begins = tuple(
            dataclasses.replace(
                samples.evidence(link, Mark.STARTED if link.lasting
                                 else Mark.FINISHED, 200.0 + gap),
                not_before=200.0 if link is earlier else 150.0,
                seen_at=200.0 - gap / 2 if link is later else 300.0)
            for link in LINKS)
        ends = tuple(samples.evidence(link, Mark.FINISHED, 400.0)
                     for link in LINKS if link.lasting)
        seen = samples.healthy(evidence=begins + ends)
        if 200.0 - gap / 2 < 200.0:
            verdict = judged(seen)
            self.assertEqual((Kind.NOT_HEALED_BY_THIS_CHAIN, later),
                             (verdict.kind, verdict.link))

    @given(kept=strategies.sets(strategies.sampled_from(samples.HEALTHY)),
           steps=strategies.sampled_from(
               ((), samples.DEDUCED)),
           until=strategies.floats(101, 199),
           alive=strategies.booleans(), answers=strategies.booleans())
    def test_rules_where_nothing_heals(self, kept, steps, until, alive,
                                       answers):
        """UNTOUCHED only with all that must come, and surely no more."""
        expected = samples.untouched(steps=steps, alive=alive)
        seen = samples.deduced(
            evidence=tuple(samples.evidence(*step) for step in kept),
            until=until,
            probes=(samples.probe(until, 'old' if answers else ''),))
        came = {link for link, _, _ in kept}
        required = {step.link for step in steps}
        if came - required:
            kind = Kind.UNEXPECTED_HEALING
        elif required - came:
            kind = Kind.BROKEN
        elif until < (samples.QUIET_END if steps else 131.0):
            kind = Kind.INVALID
        elif alive and not answers:
            kind = Kind.BROKEN
        else:
            kind = Kind.UNTOUCHED
        self.assertEqual(kind, judged(seen, expected).kind)

    @given(kept=strategies.sets(strategies.sampled_from(samples.HEALTHY)),
           steps=strategies.sampled_from(
               ((), samples.DEDUCED,
                vitrage.CHAIN.steps)),
           alive=strategies.booleans(),
           later=strategies.lists(strategies.tuples(
               strategies.floats(0, 3),
               strategies.sampled_from(('', 'old', 'new')))))
    def test_after_the_conclusion(self, kept, steps, alive, later):
        """Later answers show two living servers, or nothing at all."""
        expected = samples.untouched(steps=steps, alive=alive)
        seen = samples.deduced(
            evidence=tuple(samples.evidence(*step) for step in kept),
            concluded=137.5)
        before = judged(seen, expected)
        at, probes = 137.5, []
        for pause, server in later:
            probes.append(samples.probe(at + pause, server))
            at = probes[-1].end
        verdict = judged(dataclasses.replace(
            seen, probes=(*seen.probes, *probes)), expected)
        servers = [server for _, server in later if server]
        if 'new' in servers and 'old' in servers[servers.index('new'):]:
            self.assertEqual(Kind.SPLIT_BRAIN, verdict.kind)
        else:
            self.assertEqual(before, verdict)
