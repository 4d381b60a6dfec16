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

"""Recorder, stopping and verdict on thousands of runs of any chain."""

import collections
import dataclasses
import functools
import os
import random
import sys
import time

import fixtures
import testtools

from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stopping
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import any_stories
from self_healing_tempest_plugin.tests.unit import any_troubles
from self_healing_tempest_plugin.tests.unit import chain_samples
from self_healing_tempest_plugin.tests.unit import simulated_any
from self_healing_tempest_plugin.watching import recorders

Kind, Mark = verdicts.Kind, links.Mark
Expectation = expectations.Expectation

# Of each chain; of those that heal a tenant's stack several times as many, in
# parts that the processes share. With those that the real watchers see, in
# test_simulated_tenant, these are ten thousand of each.
RUNS, PARTS = 1000, 8

# Other cases each time; the line that tells of them says how to get the same.
SEED = int(os.environ.get('OS_TEST_SEED') or random.SystemRandom().getrandbits(
    32))

# So many runs without a complaint mean that a defect goes unnoticed. The
# rarest shows in one of 30, so that none of them ever needs so many.
DEFECT_RUNS = 2000

ANYWHERE = tuple(any_stories.CHAINS)
CARRIED = ('vitrage', 'moving', 'tenant', 'autohealing')


class SimulatedCase(testtools.TestCase):
    """Runs of a chain are simulated."""

    def check(self, chain, part=0):
        """Check runs; each part of them has others."""
        seen = collections.Counter()
        rng = random.Random('%s %d %d' % (chain.name, SEED, part))
        busy = time.process_time()
        for given in simulated_any.several(rng, chain.name,
                                           any_troubles.TROUBLES, RUNS):
            seen[self.judged(given).kind] += 1
        sys.__stderr__.write(
            'Simulated chain %s, part %d: %d runs in %.1f s of CPU, no '
            'wrong verdict, no wrong link (OS_TEST_SEED=%d): %s\n' % (
                chain.name, part, seen.total(), time.process_time() - busy,
                SEED, ', '.join('%d %s' % (number, kind.value)
                                for kind, number in seen.most_common())))
        self.assertEqual(set(Kind), set(seen))

    def judged(self, given):
        """Return the verdict on a case, or fail with a plain one."""
        try:
            return simulated_any.check(given)
        except AssertionError as error:
            plain = simulated_any.simplest(given)
            try:
                simulated_any.check(plain)
            except AssertionError as plainer:
                error = plainer
            self.fail('OS_TEST_SEED=%d, seen with %s\n%s' % (
                SEED, given, error))


class SimulatedAnyTest(SimulatedCase):
    """No wrong verdict, and no wrong link, whatever the chain."""

    def test_vitrage(self):
        """fault → alarm → deduction → workflow → stack → application."""
        self.check(chain_samples.VITRAGE)

    def test_moving(self):
        """The same server on another host is the healed one."""
        self.check(chain_samples.MOVING)

    def test_toy(self):
        """Three links, and nobody works on those behind."""
        self.check(chain_samples.TOY)


class SimulatedTenantTest(SimulatedCase):
    """Seven links, of which a message names its alarm, and the last five."""


for _chain in (chain_samples.TENANT, chain_samples.AUTOHEALING):
    for _part in range(PARTS):
        setattr(SimulatedTenantTest, 'test_%s_%d' % (_chain.name, _part),
                functools.partialmethod(SimulatedTenantTest.check, _chain,
                                        _part))


class StoryTest(testtools.TestCase):
    """What the stories are made of, so that they can be believed."""

    def story(self, chain, **given):
        story = any_stories.Story(
            any_stories.Conditions(chain, 'fine', **given), 'heal')
        story.lay()
        story.finish()
        return story

    def test_same_conditions(self):
        """The same conditions make the same case; another seed does not."""
        for chain in ANYWHERE:
            self.assertEqual(self.story(chain, seed=1).things,
                             self.story(chain, seed=1).things)
            self.assertNotEqual(self.story(chain, seed=1).things,
                                self.story(chain, seed=2).things)

    def test_every_link_comes_after_what_it_waits_for(self):
        for seed in range(60):
            story = self.story(ANYWHERE[seed % len(ANYWHERE)], seed=seed,
                               pace=seed // len(ANYWHERE) % 5)
            for step in story.steps[:-1]:
                self.assertGreater(story.at(step), story.base(step))
            self.assertGreater(story.times[story.chain.goal, Mark.FINISHED],
                               story.first)

    def test_ties(self):
        """What is ours is tied to the fault, and nothing foreign is."""
        for chain in ANYWHERE:
            story = self.story(chain, noise=any_stories.Noise.ALL)
            expected = story.expectation()
            for thing in story.things:
                if thing.link is not story.chain.goal:
                    self.assertEqual(thing.ours, expected.ties(
                        timelines.Evidence(
                            thing.link, Mark.FINISHED, thing.name, 0.0, 1.0,
                            thing.ended)), thing)

    def test_each_trouble_in_each_chain(self):
        """No trouble is said of one chain only, but where it has none."""
        self.assertEqual(
            len(any_troubles.TROUBLES), len(any_troubles.HEALING) + len(
                any_troubles.REPAIRING) + len(any_troubles.QUIET))
        for chain in ANYWHERE:
            for trouble in any_troubles.TROUBLES:
                allowed = simulated_any.Run(any_stories.Conditions(
                    chain, trouble)).allowed
                self.assertNotEqual(set(), allowed)

    def test_simplest(self):
        """What makes no difference is taken away."""
        self.useFixture(fixtures.MockPatchObject(
            verdicts, '_HEALING', tuple(
                rule for rule in verdicts._HEALING
                if rule is not verdicts._split_brain)))
        plain = simulated_any.simplest(any_stories.Conditions(
            'toy', 'split', which=7, pace=4, interval=2.0, latency=1.0,
            clocks='lying', noise=any_stories.Noise.ALL, seed=3))
        self.assertEqual(('split', 0.1, 'none', 0, 3), (
            plain.trouble, plain.latency, plain.clocks, plain.noise,
            plain.seed))


class DefectCase(testtools.TestCase):
    """Something is broken on purpose, and there must be a complaint."""

    def complaint(self, names, chains=ANYWHERE, text='wrong verdict: '):
        """Return the first complaint about some cases.

        :param names: of troubles
        :param chains: names of the chains
        :param text: what it must have in it
        """
        rng = random.Random(SEED)
        runs = [simulated_any.several(rng, chain, names, DEFECT_RUNS)
                for chain in chains]
        for number, given in enumerate(
                given for batch in zip(*runs) for given in batch):
            if number >= DEFECT_RUNS:
                break
            try:
                simulated_any.check(given)
            except AssertionError as error:
                if text in str(error):
                    return str(error)
        self.fail('unnoticed in %d runs, OS_TEST_SEED=%d' % (
            DEFECT_RUNS, SEED))

    def replaced(self, target, name, new):
        self.useFixture(fixtures.MockPatchObject(target, name, new))

    def without(self, rules, rule):
        self.replaced(verdicts, rules, tuple(
            kept for kept in getattr(verdicts, rules)
            if kept is not getattr(verdicts, rule)))

    def test_none(self):
        """Without a defect there is no complaint."""
        self.replaced(sys.modules[__name__], 'DEFECT_RUNS', 60)
        self.assertRaises(self.failureException, self.complaint,
                          any_troubles.TROUBLES, text='')


class VerdictDefectTest(DefectCase):
    """Rules of verdicts.py, taken out one at a time."""

    def test_order(self):
        """An effect before its cause counts as healed."""
        self.without('_HEALING', '_reversed')
        self.complaint(['reversed'])

    def test_order_of_a_repair(self):
        self.without('_REPAIRING', '_reversed')
        self.complaint(['repair reversed'])

    def test_split_brain(self):
        self.without('_HEALING', '_split_brain')
        self.complaint(['split'])

    def test_split_brain_where_nothing_heals(self):
        self.without('_QUIET', '_split_brain')
        self.complaint(['quiet split'])

    def test_storm(self):
        self.without('_HEALING', '_storm')
        self.complaint(['storm'])

    def test_others(self):
        """Who answered before the right one is forgotten."""
        self.without('_HEALING', '_others')
        self.complaint(['stranger'])

    def test_unexpected(self):
        self.replaced(Expectation, 'unexpected', lambda *args: None)
        self.complaint(['unexpected'])

    def test_unexpected_answer(self):
        """An answer of whoever the chain does not heal is no answer."""
        self.replaced(verdicts, '_unexpectedly_answered', lambda *args: None)
        self.complaint(['unexpected answer'])

    def test_unwatched(self):
        self.without('_QUIET', '_unwatched')
        self.complaint(['blind'])

    def test_dead(self):
        self.without('_QUIET', '_dead')
        self.complaint(['dead'])

    def test_stuck(self):
        """What the execution has not begun is called the fault of others."""
        self.replaced(verdicts, '_stuck', lambda *args: False)
        self.complaint(['lost'], CARRIED)

    def test_silent(self):
        """Who does not answer is taken for idle, and another one blamed."""
        self.replaced(verdicts, '_silent', lambda watched: False)
        self.complaint(['dark'], CARRIED)

    def test_before(self):
        """What was there before the fault is an effect of it."""
        self.replaced(verdicts, '_before', lambda *args: None)
        self.complaint(['before'])

    def test_about_the_fault(self):
        """What may have been there before is surely an effect."""
        self.replaced(timelines.Timeline, 'when',
                      lambda seen, evidence: timelines.Interval(
                          evidence.seen_at, evidence.seen_at))
        self.complaint(['before'])

    def test_ended(self):
        """A run that ended early is judged as if it had not."""
        self.replaced(verdicts, '_ended', lambda *args: None)
        self.complaint(['interrupted'])

    def test_start_is_required(self):
        """A start that nobody saw is missing although the end was seen."""
        self.replaced(Expectation, 'required', property(
            lambda expected: {step.link: step.mark for step
                              in reversed(expected.steps)}))
        self.complaint(['unstarted'])

    def test_end_is_a_beginning(self):
        """The end of something lasting says when it began."""
        self.replaced(verdicts, '_began', lambda evidence: True)
        self.complaint(['unstarted'])

    def test_failure_is_no_end(self):
        """Whose failure is known is not taken for the reason."""
        self.replaced(timelines.Timeline, 'failure', lambda *args: None)
        self.complaint(['lost'])


class ExpectationDefectTest(DefectCase):
    """Rules of expectations.py and healing.py, taken out one at a time."""

    def test_ties(self):
        """Whatever comes is about this fault."""
        self.replaced(Expectation, 'ties', lambda expected, evidence: True)
        self.complaint(['lost'])

    def test_fits(self):
        """A server that is not repaired is taken for repaired."""
        ties = Expectation.ties

        def loose(expected, evidence):
            link = evidence.link
            return link.ties(expected.ids, evidence.payload) if (
                link is not expected.chain.goal) else ties(expected, evidence)

        self.replaced(Expectation, 'ties', loose)
        self.complaint(['lost', 'not repaired'])

    def test_left_alone(self):
        """What does not fit is no touch."""
        self.replaced(Expectation, 'ties', lambda expected, evidence: (
            evidence.link.ties(expected.ids, evidence.payload)
            and evidence.link.fits(expected.ids, evidence.payload)
            and (evidence.link is not expected.chain.goal
                 or expected.chain.healed.fits(expected.ids,
                                               evidence.payload))))
        self.complaint(['unexpected'])

    def test_belongs(self):
        """What came of something else is an effect all the same."""
        self.replaced(Expectation, '_belongs', lambda *args: True)
        self.complaint(['lost'])

    def test_strangers(self):
        self.replaced(Expectation, 'strange', lambda *args: None)
        self.complaint(['stranger'])

    def test_revived(self):
        self.replaced(Expectation, 'revived', lambda *args: None)
        self.complaint(['stranger'])

    def test_returned(self):
        """Who answers where a link is missing is not seen."""
        self.replaced(Expectation, 'returned', lambda *args: None)
        self.complaint(['unseen'])

    def test_touched(self):
        """Where it should be left alone, only who was revived counts."""
        self.replaced(Expectation, 'touched', Expectation.revived)
        self.complaint(['unexpected answer'], ['moving'])

    def test_quiet_time(self):
        """The quiet time is over at once."""
        self.replaced(Expectation, 'quiet_end', lambda expected, seen: max([
            seen.transition('injected').end,
            *(evidence.seen_at for evidence in seen.evidence)]))
        self.complaint(['unexpected'])

    def test_last_probe_only(self):
        """One lost request makes a server dead."""
        def lived(expected, seen):
            last = seen.last_probe()
            return last if last and last.ok and last.begin >= (
                expected.quiet_end(seen)) else None

        self.replaced(Expectation, 'lived', lived)
        self.replaced(stopping, '_lived_until', lambda *args: True)
        self.complaint(['quiet', 'nearly dead'])

    def test_any_guest_lives(self):
        self.replaced(Expectation, 'lived', lambda *args: True)
        self.complaint(['dead'])

    def test_split_by_server(self):
        """A moved server is taken for the one of before."""
        self.replaced(healing.Moved, 'of_before',
                      healing.Replaced.of_before)
        self.complaint(['split'], ['moving'])

    def test_host_does_not_matter(self):
        """A server that was booted again in place counts as moved."""
        self.replaced(healing.Moved, 'fits', lambda meaning, ids, payload: (
            payload.get('server') == ids['server_id']
            and payload.get('boot') != ids['boot']))
        self.complaint(['lost', 'stranger'], ['moving'])

    def test_unknown_is_accused(self):
        """Where Nova does not know the host, it is taken for the old one."""
        self.replaced(healing.Moved, 'revived', healing.Healing.revived)
        self.complaint(['unknown host'], ['moving'])


class StoppingDefectTest(DefectCase):
    """Rules of stopping.py, taken out one at a time."""

    def test_no_grace(self):
        """The first failure is the end."""
        self.replaced(stopping, 'GRACE', 0.0)
        self.complaint(['again', 'repair again'])

    def test_no_answer_is_an_answer(self):
        """A step is late although its service could not be asked."""
        def watched(seen, link, end):
            known = seen.watched.get(link)
            return known is not None and known.last_begin is not None and (
                known.last_begin >= end)

        self.replaced(stopping, '_watched_until', watched)
        self.complaint(['fine', 'quiet', 'blind'])

    def test_nobody_looks_after_the_deadline(self):
        """A step is late at its deadline, whoever has looked since."""
        self.replaced(stopping, '_watched_until',
                      lambda seen, link, end: max([0.0, *(
                          watched.last_begin for watched
                          in seen.watched.values())]) >= end)
        self.complaint(['fine', 'quiet', 'unexpected'])

    def test_nothing_keeps_it_open(self):
        """The first missing step ends it, whatever has come behind."""
        self.replaced(stopping, '_later', lambda *args: False)
        self.complaint(['unseen'])

    def test_one_deadline_for_all(self):
        """The time of each step runs from the injection."""
        def deadline(seen, expected, link, begin):
            return seen.transition('injected').end + (
                expected.timeouts[link.name])

        self.replaced(stopping, '_deadline', deadline)
        self.complaint(['fine'])

    def test_no_quiet_time(self):
        """What has to come has come, and nobody waits for what must not."""
        self.replaced(stopping, '_quiet_over', lambda *args: True)
        self.complaint(['quiet', 'unexpected'])

    def test_one_request_is_enough(self):
        """The watch ends before the server had a chance to show its life."""
        self.replaced(stopping, '_lived_until', lambda *args: True)
        self.complaint(['nearly dead'])

    def test_never_over(self):
        self.replaced(stopping, 'over', lambda *args: False)
        self.complaint(['fine'], text='the watch has not ended')

    def test_request_that_is_never_made(self):
        """A request that is never made is waited for, for ever."""
        lived = stopping._lived_until

        def until(seen, expected, end):
            return lived(dataclasses.replace(seen, watched={}), expected, end)

        self.replaced(stopping, '_lived_until', until)
        self.complaint(['blind'], text='the watch has not ended')


class RecorderDefectTest(DefectCase):
    """Rules of watching/recorders.py, taken out one at a time."""

    def test_blind_since_the_end(self):
        """That it was not there holds for the end of a poll."""
        look = recorders.Recorder.look
        self.replaced(recorders.Recorder, 'look',
                      lambda recorder, link, begin, end, seen: look(
                          recorder, link, end, end, seen))
        self.complaint(['fine'], text='')

    def test_blind_since_the_last_poll(self):
        """Any poll that began before says that it was not there then."""
        self.replaced(recorders.Recorder, '_last_without',
                      lambda recorder, link, before: before)
        self.complaint(['fine'], text='is within')

    def test_failures_for_ever(self):
        """A failure that has gone is one."""
        def fail(recorder, link, look, end):
            if look.failure:
                recorder._failures.setdefault(link, timelines.Failure(
                    link, look.object_id, end, look.failure))

        self.replaced(recorders.Recorder, '_fail', fail)
        self.complaint(['again', 'repair again'])

    def test_late_payload(self):
        """A payload that is known only later is never known."""
        self.replaced(recorders, '_completed',
                      lambda evidence, sighting: evidence)
        self.complaint(['unknown host'], ['moving'])

    def test_first_sighting(self):
        """The first sighting of a mark is the only one."""
        self.replaced(recorders, '_key', lambda link, sighting: (
            link, sighting.mark))
        self.replaced(recorders, '_same', lambda *args: True)
        self.complaint(['stranger', 'again', 'fine'])

    def test_believed_clock(self):
        """A clock that lies moves what has been seen."""
        self.replaced(timelines.Interval, 'meet', lambda self, other: other)
        self.complaint(['fine'], text='')

    def test_no_lag(self):
        """What a service shows late is taken for as late as it is shown."""
        self.replaced(timelines.Evidence, 'earliest', property(
            lambda evidence: evidence.not_before))
        self.complaint(['fine'], text='is within')

    def test_whatever_ends_it_concludes_it(self):
        self.replaced(recorders.Recorder, 'end',
                      lambda recorder, why: recorder.conclude())
        self.complaint(['interrupted'])

    def test_split_after_the_conclusion(self):
        """An answer after the verdict is sure is not recorded."""
        probe = recorders.Recorder.probe
        self.replaced(recorders.Recorder, 'probe', lambda recorder, seen: (
            None if recorder._over() else probe(recorder, seen)))
        self.complaint(['split'])
