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

"""The plugin as Tempest loads it."""

import pathlib
import unittest

import testtools

import self_healing_tempest_plugin
from self_healing_tempest_plugin import plugin

PACKAGE = pathlib.Path(self_healing_tempest_plugin.__file__).parent
SOURCE = PACKAGE.parent


class PluginTest(testtools.TestCase):
    """plugin.SelfHealingTempestPlugin."""

    def test_scenarios_only(self):
        """Tempest gets scenario tests, and no unit tests."""
        directory, top = plugin.SelfHealingTempestPlugin().load_tests()
        self.assertEqual((PACKAGE / 'tests' / 'scenario', SOURCE),
                         (pathlib.Path(directory), pathlib.Path(top)))
        suite = unittest.TestLoader().discover(directory, top_level_dir=top)
        names = [test.id() for test in testtools.iterate_tests(suite)]
        self.assertEqual([], [name for name in names
                              if '.tests.scenario.' not in name])
        self.assertEqual(1, sum('HostCrashTest.test_host_crash' in name
                                for name in names))
