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

"""What is installed elsewhere is the wheel, not the checkout.

Sub-packages and template files have gone missing from the wheels of other
Tempest plugins, and no test in a checkout can see that.
"""

import configparser
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import fixtures
import testtools
from testtools import content
from testtools import matchers

import self_healing_tempest_plugin

PACKAGE = pathlib.Path(self_healing_tempest_plugin.__file__).parent
CHECKOUT = PACKAGE.parent
BUILD_FILES = ('LICENSE', 'MANIFEST.in', 'README.rst', 'pyproject.toml',
               'requirements.txt', 'setup.cfg', 'setup.py')
NOT_INSTALLED = shutil.ignore_patterns('__pycache__', '*.py[co]', '*~', '.*')


class WheelTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        if not (CHECKOUT / 'setup.cfg').exists():
            self.skipTest('%s is no checkout' % CHECKOUT)
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        self.source = self._copy_source()
        self.wheel = self._build()

    def test_every_file_and_entry_point(self):
        self.assertThat(self.wheel.namelist(),
                        matchers.ContainsAll(self._files()))
        self.assertEqual(
            'self_healing_tempest_plugin.plugin:SelfHealingTempestPlugin',
            self._entry_points()['tempest.test_plugins'][PACKAGE.name])
        self.assertEqual(
            'self_healing_tempest_plugin.config:list_opts',
            self._entry_points()['oslo.config.opts'][PACKAGE.name])

    def _copy_source(self):
        """Copy what a build reads; without .git, which would decide too."""
        source = self.directory / 'source'
        shutil.copytree(PACKAGE, source / PACKAGE.name, ignore=NOT_INSTALLED)
        for name in BUILD_FILES:
            shutil.copy(CHECKOUT / name, source)
        return source

    def _build(self):
        built = subprocess.run(
            [sys.executable, '-m', 'build', '--wheel', '--no-isolation',
             '--outdir', self.directory, self.source],
            env=dict(os.environ, PBR_VERSION='1.2.3'),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addDetail('build', content.text_content(built.stdout))
        self.assertEqual(0, built.returncode)
        (path,) = self.directory.glob('*.whl')
        wheel = zipfile.ZipFile(path)
        self.addCleanup(wheel.close)
        return wheel

    def _files(self):
        package = self.source / PACKAGE.name
        files = [path.relative_to(self.source).as_posix()
                 for path in package.rglob('*') if path.is_file()]
        self.assertThat(files, matchers.AnyMatch(
            matchers.StartsWith('%s/templates/' % PACKAGE.name)))
        return files

    def _entry_points(self):
        (name,) = [name for name in self.wheel.namelist()
                   if name.endswith('.dist-info/entry_points.txt')]
        parser = configparser.ConfigParser()
        parser.read_string(self.wheel.read(name).decode())
        return parser
