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

"""Chains: their order, what waits for what, and what ties their links."""

import dataclasses

import testtools

from self_healing_tempest_plugin import chains as known_chains
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import chains
from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.tests.unit import chain_samples

STARTED, FINISHED = links.Mark.STARTED, links.Mark.FINISHED
ALARM, DEDUCTION, WORKFLOW, STACK, APPLICATION = vitrage.CHAIN.links
Kind = verdicts.Kind


def link(name, **values):
    return links.Link(name=name, words=chain_samples.words(name), **values)


def named(steps):
    """Return links and marks of steps, for a reader."""
    return [(step.link.name, step.mark.value) for step in steps]


class OrderTest(testtools.TestCase):
    """index, link, before, goal: by what a chain says, and nothing else."""

    def test_index(self):
        for chain in chain_samples.EACH:
            self.assertEqual(
                list(range(len(chain.links))),
                [chain.index(chain_link) for chain_link in chain.links])

    def test_fault_is_before_all(self):
        self.assertEqual(-1, vitrage.CHAIN.index(links.FAULT))
        self.assertEqual((), vitrage.CHAIN.before(links.FAULT))
        self.assertIs(links.FAULT, vitrage.CHAIN.link('fault'))

    def test_link_of_another_chain(self):
        """A link of another chain has no place, whatever it is called."""
        self.assertRaises(ValueError, chain_samples.TOY.index, STACK)
        self.assertRaises(ValueError, vitrage.CHAIN.index, link('stack'))

    def test_same_link_elsewhere(self):
        """A link is in several chains, each time in another place."""
        self.assertEqual((4, 3), (vitrage.CHAIN.index(APPLICATION),
                                  chain_samples.MOVING.index(APPLICATION)))

    def test_by_name(self):
        self.assertIs(WORKFLOW, vitrage.CHAIN.link('workflow'))
        self.assertIsNone(vitrage.CHAIN.link('restart'))
        self.assertIsNone(vitrage.CHAIN.link(''))

    def test_before(self):
        """The nearest comes first."""
        self.assertEqual((WORKFLOW, DEDUCTION, ALARM),
                         vitrage.CHAIN.before(STACK))
        self.assertEqual((), vitrage.CHAIN.before(ALARM))

    def test_goal(self):
        self.assertIs(APPLICATION, vitrage.CHAIN.goal)
        self.assertIs(chain_samples.REPLY, chain_samples.TOY.goal)

    def test_names(self):
        self.assertEqual('<chain toy>', repr(chain_samples.TOY))
        self.assertEqual('<link page>', repr(chain_samples.PAGE))

    def test_never_equal(self):
        """Two links of the same words are two, and both can be keys."""
        self.assertNotEqual(link('page'), link('page'))
        self.assertEqual(2, len({link('page'), link('page')}))
        self.assertNotEqual(chain_samples.TOY,
                            dataclasses.replace(chain_samples.TOY))

    def test_known(self):
        """What the suite can drill, by name."""
        self.assertIn(vitrage.CHAIN, known_chains.known())


class StepsTest(testtools.TestCase):
    """since, until: parts of what is waited for."""

    ALL = [('alarm', 'finished'), ('deduction', 'finished'),
           ('workflow', 'started'), ('stack', 'finished'),
           ('workflow', 'finished'), ('application', 'finished')]

    def test_vitrage(self):
        self.assertEqual(self.ALL, named(vitrage.CHAIN.steps))

    def test_what_waits_for_what(self):
        """Nobody waits for the end of the execution."""
        waits = {(step.link, step.mark): step.after and (
            step.after.link, step.after.mark) for step in vitrage.CHAIN.steps}
        self.assertEqual({
            (ALARM, FINISHED): None,
            (DEDUCTION, FINISHED): (ALARM, FINISHED),
            (WORKFLOW, STARTED): (DEDUCTION, FINISHED),
            (STACK, FINISHED): (WORKFLOW, STARTED),
            (WORKFLOW, FINISHED): (STACK, FINISHED),
            (APPLICATION, FINISHED): (STACK, FINISHED)}, waits)

    def test_after_is_a_step_before(self):
        """In each chain a step waits for one that is listed before it."""
        for chain in (*chain_samples.EACH, *known_chains.known()):
            for number, step in enumerate(chain.steps):
                self.assertIn(step.after, (None, *chain.steps[:number]))
                self.assertIn(step.link, chain.links)
            self.assertIn(chain.repair, chain.links)
            self.assertEqual((chain.goal, FINISHED), (
                chain.steps[-1].link, chain.steps[-1].mark))

    def test_since(self):
        self.assertEqual(self.ALL, named(vitrage.CHAIN.since(ALARM)))
        self.assertEqual(self.ALL, named(vitrage.CHAIN.since(links.FAULT)))
        self.assertEqual(self.ALL[2:], named(vitrage.CHAIN.since(WORKFLOW)))
        # The end of an execution is a step of the workflow, not of Heat.
        self.assertEqual([self.ALL[3], self.ALL[5]],
                         named(vitrage.CHAIN.since(STACK)))
        self.assertEqual(self.ALL[5:],
                         named(vitrage.CHAIN.since(APPLICATION)))

    def test_until(self):
        self.assertEqual([], named(vitrage.CHAIN.until(None)))
        self.assertEqual([], named(vitrage.CHAIN.until(links.FAULT)))
        self.assertEqual(self.ALL[:1], named(vitrage.CHAIN.until(ALARM)))
        self.assertEqual(self.ALL[:2], named(vitrage.CHAIN.until(DEDUCTION)))
        # Until it ends, the execution may undo what it has done.
        self.assertEqual(self.ALL[:5], named(vitrage.CHAIN.until(STACK)))
        self.assertEqual(self.ALL, named(vitrage.CHAIN.until(APPLICATION)))


class CarrierTest(testtools.TestCase):
    """Whose object works on the links behind it."""

    def carriers(self, chain):
        return [chain.carrier(chain_link) and chain.carrier(chain_link).name
                for chain_link in chain.links]

    def test_vitrage(self):
        self.assertEqual((WORKFLOW,), vitrage.CHAIN.carriers)
        self.assertEqual([None, None, None, 'workflow', None],
                         self.carriers(vitrage.CHAIN))

    def test_moving(self):
        self.assertEqual((chain_samples.NOTIFICATION,),
                         chain_samples.MOVING.carriers)
        self.assertEqual([None, None, 'notification', None],
                         self.carriers(chain_samples.MOVING))

    def test_end_before_what_is_behind(self):
        """A link that started and ended before the next one carries none."""
        self.assertEqual((chain_samples.RESTART,), chain_samples.TOY.carriers)
        self.assertEqual([None] * 3, self.carriers(chain_samples.TOY))

    def test_one_within_the_other(self):
        """A playbook starts a job, which starts a server: the job works."""
        playbook, job, server, last = (
            link(name, lasting=True)
            for name in ('playbook', 'job', 'server', 'last'))
        chain = chains.Chain(
            name='nested', links=(playbook, job, server, last),
            repair=server, steps=(
                chains.Step(playbook, STARTED), chains.Step(job, STARTED),
                chains.Step(server), chains.Step(job), chains.Step(playbook),
                chains.Step(last)))
        self.assertEqual((playbook, job), chain.carriers)
        self.assertEqual([None, 'playbook', 'job', None],
                         self.carriers(chain))

    def test_start_without_an_end(self):
        """Whose end nobody waits for is not known to work on anything."""
        chain = dataclasses.replace(chain_samples.MOVING, steps=tuple(
            step for step in chain_samples.MOVING.steps
            if (step.link, step.mark) != (
                chain_samples.NOTIFICATION, FINISHED)))
        self.assertEqual((), chain.carriers)
        self.assertEqual([None] * 4, self.carriers(chain))

    def test_only_its_start_is_waited_for(self):
        """Nobody works on what never has to end."""
        steps = [step for step in chain_samples.MOVING.steps
                 if step.link is not chain_samples.SERVER]
        steps.insert(2, chains.Step(chain_samples.SERVER, STARTED))
        chain = dataclasses.replace(chain_samples.MOVING, steps=tuple(steps))
        self.assertEqual([None] * 4, self.carriers(chain))

    def test_blamed_as_long_as_nothing_behind_has_begun(self):
        """Whoever carries is at fault, in any chain that has one."""
        for chain, carrier, behind in (
                (vitrage.CHAIN, WORKFLOW, STACK),
                (chain_samples.MOVING, chain_samples.NOTIFICATION,
                 chain_samples.SERVER)):
            seen = chain_samples.healthy(chain, without=(
                (carrier, FINISHED), behind, chain.goal))
            self.assertIs(carrier, verdicts.verdict(
                seen, chain_samples.expected(chain)).link)
            begun = chain_samples.evidence(chain, behind, STARTED, 118.0)
            self.assertIs(behind, verdicts.verdict(dataclasses.replace(
                seen, evidence=(*seen.evidence, begun)),
                chain_samples.expected(chain)).link)


class OriginTest(testtools.TestCase):
    """What came of what, by ids."""

    def setUp(self):
        super().setUp()
        self.cause, self.goal = link('cause'), link('goal')

    def arrives(self, origin, payload, causes=('c1',), steps=None):
        """Return whether evidence with an origin belongs to the fault.

        :param origin: :class:`.links.Origin`, None for a link without
        :param payload: of it
        :param causes: ids of objects of the earlier link that have come,
            each of which tells of a server ``of-<id>``
        :param steps: links that have to come; None: both
        """
        effect = link('effect', origins=() if origin is None else (origin,))
        chain = chains.Chain(
            name='c', links=(self.cause, effect, self.goal), repair=effect,
            steps=tuple(map(chains.Step,
                            (self.cause, effect) if steps is None else [
                                {'cause': self.cause, 'effect': effect}[name]
                                for name in steps])))
        seen = chain_samples.healthy(chain_samples.TOY, evidence=(
            timelines.Evidence(effect, FINISHED, 'e', 110.0, 111.0, payload),
            # Seen later: that it came before is no matter of being seen.
            *(timelines.Evidence(self.cause, FINISHED, name, 120.0, 121.0,
                                 {'server': 'of-%s' % name})
              for name in causes)))
        return chain_samples.expected(chain).arrival(
            seen, effect, FINISHED) is not None

    def test_none(self):
        self.assertTrue(self.arrives(None, {'by': 'c9'}))

    def test_one_id(self):
        for needed in (True, False):
            origin = links.Origin('cause', key='by', needed=needed)
            self.assertTrue(self.arrives(origin, {'by': 'c1'}))
            self.assertFalse(self.arrives(origin, {'by': 'c2'}))
            # An id is an id, and not its letters.
            self.assertFalse(self.arrives(origin, {'by': 'c1'},
                                          causes=('c', '1')))

    def test_several_ids(self):
        """One of several ids is enough."""
        for kind in (tuple, list, set, frozenset):
            for needed in (True, False):
                origin = links.Origin('cause', key='by', needed=needed)
                self.assertTrue(self.arrives(
                    origin, {'by': kind(('c9', 'c2'))}, ('c1', 'c2')))
                self.assertFalse(self.arrives(
                    origin, {'by': kind(('c9', 'c8'))}, ('c1', 'c2')))

    def test_names_nothing(self):
        """Needed, it belongs to nothing; otherwise it may."""
        for nothing in ({}, {'by': None}, {'by': ()}, {'by': ''}):
            for causes in ((), ('c1',)):
                self.assertFalse(self.arrives(
                    links.Origin('cause', key='by', needed=True), nothing,
                    causes))
            self.assertTrue(self.arrives(
                links.Origin('cause', key='by'), nothing))

    def test_value_of_the_earlier_payload(self):
        origin = links.Origin('cause', key='server', of='server')
        self.assertTrue(self.arrives(origin, {'server': 'of-c1'}))
        self.assertFalse(self.arrives(origin, {'server': 'c1'}))
        self.assertFalse(self.arrives(
            links.Origin('cause', key='server', of='gone'),
            {'server': 'of-c1'}))

    def test_earlier_link_has_not_come(self):
        """Where it need not, nobody knows which one is the right one."""
        origin = links.Origin('cause', key='by')
        self.assertFalse(self.arrives(origin, {'by': 'c1'}, causes=()))
        self.assertTrue(self.arrives(origin, {'by': 'c1'}, causes=(),
                                     steps=('effect',)))
        self.assertFalse(self.arrives(origin, {'by': 'c1'}, causes=('c2',),
                                      steps=('effect',)))
        self.assertFalse(self.arrives(
            dataclasses.replace(origin, needed=True), {'by': 'c1'},
            causes=(), steps=('effect',)))

    def test_link_of_another_chain(self):
        """In a chain without the earlier link there is no such tie."""
        for needed in (True, False):
            self.assertTrue(self.arrives(
                links.Origin('other', key='by', needed=needed), {'by': 'x'}))

    def test_foreign_cause(self):
        """An alarm about something else is the cause of nothing here."""
        toy = chain_samples.TOY
        seen = chain_samples.healthy(
            toy, without=(chain_samples.PAGE,), added=(
                chain_samples.evidence(toy, chain_samples.PAGE, FINISHED,
                                       105.0, host='compute-9'),))
        self.assertIsNone(chain_samples.expected(toy).arrival(
            seen, chain_samples.RESTART, FINISHED))
        self.assertIsNotNone(chain_samples.expected(toy).arrival(
            chain_samples.healthy(toy), chain_samples.RESTART, FINISHED))

    def test_each_of_several(self):
        """All origins have to hold."""
        two = link('effect', origins=(links.Origin('page', key='pages'),
                                      links.Origin('restart', key='runs')))
        expected = chain_samples.expected(chain_samples.TOY)
        for runs, belongs in ((['restart-id'], True), (['other'], False)):
            seen = chain_samples.healthy(
                chain_samples.TOY, added=(timelines.Evidence(
                    two, FINISHED, 'e', 110.0, 111.0,
                    {'pages': 'page-id', 'runs': runs}),))
            self.assertEqual(belongs, expected.arrival(
                seen, two, FINISHED) is not None)


class EachChainTest(testtools.TestCase):
    """The same rules hold in each chain: nothing is said of Vitrage's."""

    def check(self, kind, link, seen, expected):
        verdict = verdicts.verdict(seen, expected)
        self.assertIs(kind, verdict.kind, verdict)
        if link is not None or verdict.good:
            self.assertIs(link, verdict.link, verdict)
        return verdict

    def test_healed(self):
        for chain in chain_samples.EACH:
            verdict = self.check(
                Kind.HEALED, None, chain_samples.healthy(chain),
                chain_samples.expected(chain))
            self.assertEqual(
                chain_samples.times(chain)[chain.goal, FINISHED] - 100.0,
                verdict.seconds)

    def test_repaired(self):
        for chain in chain_samples.EACH:
            expected = chain_samples.expected(
                chain, steps=chain.until(chain.repair))
            self.assertTrue(expected.repairs)
            self.assertFalse(expected.heals)
            self.assertEqual((), expected.forbidden)
            self.check(Kind.REPAIRED, None, chain_samples.healthy(
                chain, without=(chain.goal,)), expected)

    def test_first_missing(self):
        """From each link on nothing comes, and that link is named."""
        for chain in chain_samples.EACH:
            for number, first in enumerate(chain.links):
                seen = chain_samples.healthy(chain,
                                             without=chain.links[number:])
                verdict = self.check(
                    Kind.BROKEN, first, seen, chain_samples.expected(chain))
                self.assertIn('within 30 s', verdict.why)
                self.assertNotEqual('', verdict.look_at)

    def test_one_missing(self):
        """The application is back all the same: it was not this chain."""
        for chain in chain_samples.EACH:
            for missing in chain.links[:-1]:
                self.check(Kind.NOT_HEALED_BY_THIS_CHAIN, missing,
                           chain_samples.healthy(chain, without=(missing,)),
                           chain_samples.expected(chain))

    def test_untouched(self):
        """The links that have to come have come, and none behind them."""
        for chain in chain_samples.EACH:
            steps = chain.until(chain.links[0])
            expected = chain_samples.expected(chain, steps=steps, quiet=30.0)
            self.assertEqual(chain.links[1:], expected.forbidden)
            self.assertEqual(chain.links, expected.links)
            quiet = chain_samples.healthy(chain, without=chain.links[1:])
            self.check(Kind.UNTOUCHED, None, quiet, expected)
            for link in chain.links[1:]:
                seen = chain_samples.healthy(chain, without=set(
                    chain.links[1:]) - {link})
                self.check(Kind.UNEXPECTED_HEALING, link, seen, expected)

    def test_nothing_may_come(self):
        for chain in chain_samples.EACH:
            expected = chain_samples.expected(chain, steps=(), quiet=30.0)
            self.assertEqual(chain.links, expected.forbidden)
            self.check(Kind.UNTOUCHED, None, chain_samples.healthy(
                chain, without=chain.links), expected)
            self.check(Kind.UNEXPECTED_HEALING, chain.links[0],
                       chain_samples.healthy(chain), expected)

    def test_reversed(self):
        """The first link began after all others were there."""
        for chain in chain_samples.EACH:
            first = chain.links[0]
            late = chain_samples.evidence(chain, first, FINISHED, 201.0)
            self.check(Kind.NOT_HEALED_BY_THIS_CHAIN, chain.links[1],
                       chain_samples.healthy(chain, (first,), (late,)),
                       chain_samples.expected(chain))

    def test_start_of_an_end_that_was_not_seen(self):
        """It may have begun before others of which the start was seen."""
        toy, restart = chain_samples.TOY, chain_samples.RESTART
        seen = chain_samples.healthy(toy, ((restart, STARTED), toy.goal), (
            chain_samples.evidence(toy, toy.goal, FINISHED, 112.0),))
        end = seen.find(restart, FINISHED)
        # The application answers before this one was started.
        other = dataclasses.replace(
            chain_samples.evidence(toy, restart, STARTED, 200.0),
            object_id='b', not_before=150.0, seen_at=end.seen_at - 0.1)
        self.check(Kind.HEALED, None, *self.with_start(seen, '', other))

    def test_start_of_another_object(self):
        """What began when a link had ended is not its beginning.

        It was seen with the end, or later; its own start was not seen.
        """
        toy, restart = chain_samples.TOY, chain_samples.RESTART
        seen = chain_samples.healthy(toy, ((restart, STARTED), toy.goal), (
            chain_samples.evidence(toy, toy.goal, FINISHED, 112.0),))
        end = seen.find(restart, FINISHED)
        for at in (end.seen_at, end.seen_at + 5.0):
            foreign = dataclasses.replace(
                chain_samples.evidence(toy, restart, STARTED, at),
                object_id='b')
            for start_key in ('begun', ''):
                self.check(Kind.HEALED, None, *self.with_start(
                    seen, start_key, foreign))
                # Its own counts, whatever else has begun.
                own = dataclasses.replace(foreign, object_id=end.object_id,
                                          seen_at=end.seen_at)
                self.check(Kind.NOT_HEALED_BY_THIS_CHAIN, None,
                           *self.with_start(seen, start_key, foreign, own))

    def with_start(self, seen, start_key, *starts):
        """Return a run of a chain whose link may have any start, or not."""
        toy, restart = chain_samples.TOY, chain_samples.RESTART
        changed = dataclasses.replace(restart, start_key=start_key)
        chain = dataclasses.replace(
            toy, links=tuple(changed if link is restart else link
                             for link in toy.links),
            steps=tuple(dataclasses.replace(
                step, link=changed if step.link is restart else step.link)
                for step in toy.steps), repair=changed)
        return dataclasses.replace(seen, evidence=tuple(
            dataclasses.replace(evidence, link=changed)
            if evidence.link is restart else evidence
            for evidence in (*starts, *seen.evidence)
        )), chain_samples.expected(chain)

    def test_storm(self):
        """Each link that is counted, and no other."""
        for chain in chain_samples.EACH:
            for link in chain.links:
                seen = chain_samples.healthy(chain, objects={link: ('a', 'b')})
                if link.limit is None:
                    self.check(Kind.HEALED, None, seen, chain_samples.expected(
                        chain, max_executions=1))
                    self.assertEqual((), verdicts.remarks(
                        seen, chain_samples.expected(chain)))
                    continue
                verdict = self.check(
                    Kind.EXECUTION_STORM, link, seen,
                    chain_samples.expected(chain, max_executions=1))
                self.assertIn('at most 1 may be: a, b', verdict.why)
                remark, = verdicts.remarks(seen, chain_samples.expected(chain))
                self.assertIn(': a, b', remark)

    def test_what_healed_means(self):
        self.assertIs(healing.REPLACED, vitrage.CHAIN.healed)
        self.assertIs(healing.REPLACED, chain_samples.TOY.healed)
