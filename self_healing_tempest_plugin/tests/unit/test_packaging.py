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

"""The plugin as others install and load it."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest
import zipfile

import fixtures
import testtools

import self_healing_tempest_plugin
from self_healing_tempest_plugin import plugin
from self_healing_tempest_plugin import templates

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


class WheelTest(testtools.TestCase):
    """The wheel holds what the checkout holds."""

    def test_wheel(self):
        source = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        wanted = ('setup.py', 'setup.cfg', 'pyproject.toml', 'README.rst',
                  'LICENSE', 'requirements.txt')
        for name in wanted:
            if (SOURCE / name).exists():
                shutil.copy(SOURCE / name, source)
        shutil.copytree(PACKAGE, source / PACKAGE.name, ignore=(
            shutil.ignore_patterns('__pycache__')))
        built = subprocess.run(
            [sys.executable, '-m', 'build', '--wheel', '--no-isolation',
             '--outdir', str(source / 'out'), str(source)],
            env=dict(os.environ, PBR_VERSION='0.0.1'), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100,
            check=False)
        self.assertEqual(0, built.returncode, built.stdout)
        wheel, = (source / 'out').glob('*.whl')
        with zipfile.ZipFile(wheel) as archive:
            names = set(archive.namelist())
            entry = next(archive.read(name).decode() for name in names
                         if name.endswith('entry_points.txt'))
        missing = {str(path.relative_to(source)) for path in (
            source / PACKAGE.name).rglob('*') if path.is_file()} - names
        self.assertEqual(set(), missing)
        self.assertIn('%s/templates/%s' % (
            PACKAGE.name, templates.APPLICATION), names)
        self.assertIn('[tempest.test_plugins]', entry)
