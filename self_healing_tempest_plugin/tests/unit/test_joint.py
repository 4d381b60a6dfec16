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

"""One fault of several applications."""

import dataclasses
import glob
import json
import os
import threading

import fixtures
import testtools
from testtools import matchers

from self_healing_tempest_plugin import drill
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.report import together
from self_healing_tempest_plugin import subject
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import test_toy_chain

Kind = verdicts.Kind

ALL = ('rang', 'came', 'mended', 'opened')


class OneTest(test_toy_chain.DrillTestCase):
    """One house."""

    def test_here(self):
        """An interrupt reaches what is asked, and a bisect above all."""
        asked = []
        for name in ('look_around', 'see_calm'):
            self.useFixture(fixtures.MockPatchObject(
                subject.Subject, name,
                lambda one, expected: asked.append(
                    threading.current_thread())))
        self.house.seen.update(ALL)
        with self.drill:
            self.drill.reserve()
            self.drill.deploy()
            self.house.url = self.drill.app.url
            plan = self.drill.plan()
            self.drill.run(plan, self.drill.expect(plan))
        self.assertEqual([threading.current_thread()] * 3, asked)


class SeveralTest(test_toy_chain.DrillTestCase):
    """Three houses on one host."""

    def setUp(self):
        super().setUp()
        self.houses = [self.house]
        owners = []
        for number in (2, 3):
            owner = self.make()
            owner.house = test_toy_chain.StormyHouse(self.file)
            owner.house.name = 'house %d' % number
            self.houses.append(owner.house)
            owners.append(owner)
        self.drill = drill.Drill(self.scenario, self.around, 'toy',
                                 'A storm is healed.', owners=owners)

    def deployed(self):
        """Deploy, and return the plan of the fault."""
        self.drill.reserve()
        self.drill.deploy()
        for house in self.houses:
            house.url = self.drill.app.url
        return self.drill.plan()

    def drilled(self, *seen):
        """Return the verdicts of a drill after which something happens.

        :param seen: what happens to each house
        """
        for house, happened in zip(self.houses, seen):
            house.seen.update(happened)
        with self.drill:
            plan = self.deployed()
            expected = self.drill.expect(plan)
            self.drill.run(plan, expected)
            found = [verdicts.verdict(one.recorder.timeline(), wanted)
                     for one, wanted in zip(self.drill.subjects, expected)]
            self.told = self.drill.getDetails()['applications.txt'].as_text()
        self.assertEqual((), self.journal.open_entries())
        return found

    def documents(self):
        """Return the documents of the run, by the number of the house."""
        runs = []
        for path in glob.glob(os.path.join(self.artifacts, '*.json')):
            with open(path, encoding='utf-8') as stream:
                runs.append(json.load(stream))
        return sorted(runs, key=lambda run: run['joint']['number'])

    def test_all(self):
        """Each has a document of its own, of the same fault."""
        self.assertEqual([Kind.HEALED] * 3, [
            one.kind for one in self.drilled(ALL, ALL, ALL)])
        self.assertIn('all 3 applications as expected: 3 HEALED', self.told)
        runs = self.documents()
        self.assertEqual([1, 2, 3], [run['joint']['number'] for run in runs])
        self.assertEqual({'toy_of_3'}, {run['name'] for run in runs})
        self.assertEqual(
            ['the house', 'house 2', 'house 3'],
            [run['expectation']['ids']['house'] for run in runs])
        # One fault, told to all.
        self.assertEqual(1, len({
            (run['joint']['fault'], *(step['name'] for step
                                      in run['transitions']))
            for run in runs}))
        self.assertEqual('injected', runs[2]['transitions'][2]['name'])

    def test_one_is_not(self):
        """The others are healed all the same, and it is told which is not."""
        found = self.drilled(ALL, ALL[:1], ALL)
        self.assertEqual([Kind.HEALED, Kind.BROKEN, Kind.HEALED],
                         [one.kind for one in found])
        self.assertThat(self.told, matchers.MatchesAll(
            matchers.Contains('1 of 3 applications not as expected (2 of 3, '),
            matchers.Contains('BROKEN at link mending')))
        runs = self.documents()
        # It alone has a diagnosis.
        self.assertEqual([True, False, True],
                         [run['diagnosis'] is None for run in runs])
        group, = together.of(runs)
        self.assertEqual(2, group.runs[0]['joint']['number'])

    def test_no_bisect(self):
        """What it sets off would reach the other applications."""
        around = dataclasses.replace(self.around, settings=dataclasses.replace(
            self.around.settings, bisect=True))
        for owners, bisect in (((), True), ((self.clients,), False)):
            with drill.Drill(self.scenario, around, owners=owners) as made:
                self.assertEqual({bisect}, {
                    one.around.settings.bisect for one in made.subjects})

    def test_one_is_not_ready(self):
        """Then nothing is broken, and each says because of which."""
        self.houses[2].has = lambda what: what == 'rang'
        found = self.drilled(ALL, ALL, ALL)
        self.assertEqual([Kind.INVALID] * 3, [one.kind for one in found])
        self.assertIn('the bell is ringing', found[2].why)
        for one in found[:2]:
            self.assertRegex(one.why, 'application tempest-self-healing-'
                                      'application-.*: the bell is ringing')
        self.assertFalse(os.path.exists(self.file))
        self.assertEqual([[]] * 3, [run['transitions']
                                    for run in self.documents()])

    def test_others_are_closed_meanwhile(self):
        """New servers come to the host of the first, and then anywhere."""
        status = []
        self.cloud.on_create = lambda: status.append(
            [service['status'] for service in self.cloud.services])
        with self.drill:
            self.deployed()
            self.assertEqual(
                ['enabled'] * 2, [service['status'] for service
                                  in self.cloud.services])
        open_, closed = ['enabled', 'enabled'], ['enabled', 'disabled']
        self.assertEqual([open_, closed, closed], status)

    def test_one_cannot_be_created(self):
        """The others go, and the hosts are open again."""
        real, asked = self.cloud.create_stack, []

        def create(query, body):
            asked.append(body)
            if len(asked) == 2:
                raise fake_cloud.Reply(400, {
                    'explanation': 'no', 'code': 400, 'title': 'Bad Request',
                    'error': {'message': 'quota', 'type': 'x'}})
            return real(query, body)

        self.cloud.create_stack = create
        with self.drill:
            self.assertIn('quota', str(self.assertRaises(
                testtools.MultipleExceptions, self.deployed)))
        self.assertEqual(['enabled'] * 2, [service['status'] for service
                                           in self.cloud.services])
        self.assertEqual({'DELETE_COMPLETE'}, {
            stack['stack_status'] for stack in self.cloud.stacks.values()})
        self.assertEqual((), self.journal.open_entries())

    def test_spread(self):
        """One fault would not hit all of them."""
        def move():
            if len(self.cloud.asked('POST', '/stacks$')) > 1:
                self.cloud.servers[fake_cloud.SERVER]['host'] = 'compute-20'
        self.cloud.on_create = move
        with self.drill:
            refusal = self.assertRaises(gates.FaultRefused, self.deployed)
        self.assertIn('1 on compute-1, 2 on compute-20', str(refusal))
        self.assertFalse(os.path.exists(self.file))
        self.assertEqual((), self.journal.open_entries())
