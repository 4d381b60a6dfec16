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

"""What is kept from one test to the next, and for how long."""

import contextlib
import types
import unittest

import fixtures
from tempest.lib.services.compute import base_compute_client
import testtools

from self_healing_tempest_plugin import plugin
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin import sharing
from self_healing_tempest_plugin.tests.scenario import base
from self_healing_tempest_plugin.tests import suites

USE = sharing.Use(scenarios.SCENARIOS[0].application, 'project-1')


class Kept:
    """An application that tells when it is removed."""

    def __init__(self, removed, entry_id='1'):
        self.entry_id, self._removed = entry_id, removed

    def cleanUp(self):
        self._removed.append(self.entry_id)


class ShelfTest(testtools.TestCase):
    """sharing.Shelf."""

    def setUp(self):
        super().setUp()
        self.removed, self.shelf = [], sharing.Shelf()

    def opened(self):
        return self.shelf.opened(contextlib.nullcontext)

    def test_closed(self):
        """Whoever has made an application removes it."""
        self.assertIsNone(self.shelf.taken(USE))
        self.assertFalse(self.shelf.put(USE, Kept(self.removed)))
        self.assertFalse(self.shelf.keep_owner('member', ('0',), None))
        self.assertEqual(((), None), (self.shelf.entries, self.shelf.owner))

    def test_as_good_as_new(self):
        with self.opened():
            kept = Kept(self.removed)
            self.assertTrue(self.shelf.put(USE, kept))
            self.shelf.settle()
            self.shelf.put_back()
            self.assertIs(kept, self.shelf.taken(USE))
            self.assertEqual(('1',), self.shelf.entries)
            self.shelf.settle()
            self.shelf.put_back()
            self.assertEqual([], self.removed)
        self.assertEqual(['1'], self.removed)
        self.assertEqual((), self.shelf.entries)

    def test_touched(self):
        """Nobody has said that it is as good as new."""
        with self.opened():
            self.shelf.put(USE, Kept(self.removed))
            self.shelf.put_back()
            self.assertEqual(['1'], self.removed)
            self.assertIsNone(self.shelf.taken(USE))
        self.assertEqual(['1'], self.removed)

    def test_touched_again(self):
        """What it was like before the second fault does not count."""
        with self.opened():
            self.shelf.put(USE, Kept(self.removed))
            self.shelf.settle()
            self.shelf.touch()
            self.shelf.put_back()
            self.assertEqual(['1'], self.removed)

    def test_another_use(self):
        """Two on one host would be broken together."""
        with self.opened():
            self.shelf.put(USE, Kept(self.removed))
            self.shelf.settle()
            self.shelf.put_back()
            self.assertIsNone(self.shelf.taken(sharing.Use(
                USE.application, 'project-2')))
            self.assertEqual(['1'], self.removed)

    def test_owner(self):
        """It is there for longer than what it owns."""
        with self.opened():
            self.shelf.keep_owner('member', ('0',), lambda: (
                self.removed.append('member')))
            self.shelf.put(USE, Kept(self.removed))
            self.shelf.settle()
            self.assertEqual(('member', ('0', '1')),
                             (self.shelf.owner, self.shelf.entries))
        self.assertEqual(['1', 'member'], self.removed)
        self.assertIsNone(self.shelf.owner)

    def test_removal_that_fails(self):
        """The owner has its turn all the same, and the error is told."""
        with testtools.ExpectedException(ZeroDivisionError), self.opened():
            self.shelf.keep_owner('member', (), lambda: (
                self.removed.append('member')))
            kept = Kept(self.removed)
            kept.cleanUp = lambda: 1 / 0
            self.shelf.put(USE, kept)
        self.assertEqual(['member'], self.removed)


class KeptMemberTest(testtools.TestCase):
    """base.MemberTest, whose classes have the member of the first one."""

    def test_kept(self):
        """Tempest sets the class up, and nothing is made or cleared."""
        shelf = sharing.Shelf()
        self.useFixture(fixtures.MockPatchObject(sharing, 'SHELF', shelf))

        class Member(base.MemberTest):
            skip_checks = setup_clients = resource_setup = classmethod(
                lambda cls: None)

            def test(self):
                raise AssertionError('it is not run')

        cleared = []
        with shelf.opened(contextlib.nullcontext):
            shelf.keep_owner(('manager', ('0',)), ('0',),
                             lambda: cleared.append('first'))
            Member.setup_credentials()
            self.assertEqual(('manager', ('0',)),
                             (Member.os_primary, Member.own))
            # What Tempest asks for, lest it calls the class broken.
            self.assertTrue(Member._BaseTestCase__setup_credentials_called)
            self.assertFalse(hasattr(Member, '_creds_provider'))
            Member.clear_credentials()
            self.assertEqual([], cleared)
        self.assertEqual(['first'], cleared)
        # Tempest tears the last class down after the suite has ended.
        self.useFixture(fixtures.MockPatchObject(
            base.projects, 'unmade', lambda *args: cleared.append(args)))
        Member.clear_credentials()
        self.assertEqual(['first'], cleared)


class RemovalTest(testtools.TestCase):
    """What suites.SharingSuite does at its end."""

    def setUp(self):
        super().setUp()
        self.shelf = sharing.Shelf()
        self.useFixture(fixtures.MockPatchObject(
            sharing, 'SHELF', self.shelf))
        self.state_dir = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.MockPatchObject(
            suites.config, 'settings', lambda conf: types.SimpleNamespace(
                state_dir=self.state_dir)))

    def ran(self, kept, share=True):
        """Return the result of a test that leaves something."""
        self.useFixture(fixtures.MockPatchObject(
            suites.tempest_config, 'CONF', types.SimpleNamespace(
                self_healing=types.SimpleNamespace(
                    share_applications=share))))

        class Leaving(testtools.TestCase):
            def test(case):
                kept.was_kept = self.shelf.put(USE, kept)
                self.shelf.settle()

        result = unittest.TestResult()
        suites.SharingSuite([Leaving('test')]).run(result)
        return result

    def test_as_in_a_test(self):
        """Nova is asked in the microversion in which tests ask it."""
        kept, asked = Kept([]), []
        kept.cleanUp = lambda: asked.append(
            base_compute_client.COMPUTE_MICROVERSION)
        result = self.ran(kept)
        self.assertEqual((1, [], True),
                         (result.testsRun, result.errors, kept.was_kept))
        self.assertEqual([nova.COMPUTE_MICROVERSION], asked)

    def test_fails(self):
        kept = Kept([])
        kept.cleanUp = lambda: 1 / 0
        (test, error), = self.ran(kept).errors
        self.assertEqual(suites.REMOVAL, test.id())
        self.assertIn('ZeroDivisionError', error)

    def test_not_shared(self):
        kept = Kept([])
        self.assertTrue(self.ran(kept, share=False).wasSuccessful())
        self.assertFalse(kept.was_kept)


class SuiteTest(testtools.TestCase):
    """suites.SharingSuite, as Tempest loads it."""

    def tests(self):
        directory, top = plugin.SelfHealingTempestPlugin().load_tests()
        suite, = unittest.TestLoader().discover(directory, top_level_dir=top)
        self.assertIsInstance(suite, suites.SharingSuite)
        return list(suite)

    def test_all(self):
        self.assertEqual(
            {scenario.feature for scenario in scenarios.SCENARIOS},
            {test.feature for test in self.tests()})
        self.assertEqual(len(scenarios.SCENARIOS), len(self.tests()))

    def test_those_of_one_application_are_together(self):
        features = [test.feature for test in self.tests()]
        self.assertEqual('host_crash', features[0])
        uses = []
        for feature in features:
            scenario, = scenarios.of((feature,))
            if scenario.application not in uses[-1:]:
                uses.append(scenario.application)
        self.assertEqual(len(set(uses)), len(uses))
