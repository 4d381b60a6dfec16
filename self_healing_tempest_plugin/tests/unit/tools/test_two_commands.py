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

"""``./drill``, the two commands of the README."""

import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
from unittest import mock

import fixtures
import testtools

import tools


def script(path):
    """Return ``drill`` as a module, as it is in some directory."""
    loader = importlib.machinery.SourceFileLoader('drill', str(path))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader('drill', loader))
    loader.exec_module(module)
    return module


class TwoCommandsTest(testtools.TestCase):
    """A copy of it in a directory of its own."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch('sys.dont_write_bytecode', True))
        self.directory = pathlib.Path(self.useFixture(
            fixtures.TempDir()).path, 'my drill ü (1)')
        self.directory.mkdir()
        for name in ('drill', 'tox-requirements.txt', 'constraints.txt'):
            shutil.copy(tools.SOURCE / name, self.directory)
        (self.directory / '.git').mkdir()
        self.drill = script(self.directory / 'drill')

    def refused(self, *words):
        """Return the one line that it says, and ends."""
        with mock.patch('sys.stderr') as stderr:
            self.assertEqual(1, self.drill.main(list(words)))
        said = ''.join(call.args[0] for call in stderr.write.mock_calls)
        self.assertEqual(1, said.count('\n'), said)
        return said

    def test_by_a_link(self):
        """As one has it in a directory of PATH."""
        link = self.directory.parent / 'drill'
        link.symlink_to(self.directory / 'drill')
        self.assertEqual(self.drill.TOP, script(link).TOP)

    def test_what_is_run(self):
        for words, wanted in (
                ([], ['-e', 'lab']),
                (['run', '-r', 'x'], ['-e', 'lab', '--', 'run', '-r', 'x']),
                (['--help-lab'], ['-e', 'lab', '--', '--help']),
                (['sabotage', '--list'], ['-e', 'sabotage', '--', '--list']),
                (['sabotage'], ['-e', 'sabotage']),
                (['test'], []), (['test', '-e', 'pep8'], ['-e', 'pep8'])):
            self.assertEqual(wanted, self.drill.command(words), words)

    def test_old_python(self):
        self.drill.OLDEST = (4, 1)
        said = self.refused()
        self.assertIn('Python 4.1 or newer is needed', said)
        self.assertIn(sys.executable, said)

    def test_no_git(self):
        self.useFixture(fixtures.EnvironmentVariable('PATH', '/nowhere'))
        self.assertIn('apt-get install git', self.refused())

    def test_no_clone(self):
        """pbr would say it in a traceback of fifty lines."""
        (self.directory / '.git').rmdir()
        said = self.refused('test')
        self.assertIn('%s is no clone' % self.directory, said)
        self.assertIn('PBR_VERSION', said)
        self.useFixture(fixtures.EnvironmentVariable('PBR_VERSION', '1.0'))
        self.drill.check_git()

    def test_no_venv(self):
        """Only root can be spared the typing."""
        self.drill.has = lambda module: False
        self.useFixture(fixtures.MonkeyPatch('os.geteuid', lambda: 1000))
        self.assertIn('as root: apt-get install python3-venv',
                      self.refused())
        self.assertFalse((self.directory / '.tox' / 'drill').exists())

    def test_installs_venv(self):
        self.drill.has = lambda module: False
        self.useFixture(fixtures.MonkeyPatch('os.geteuid', lambda: 0))
        programs = self.directory / 'bin'
        programs.mkdir()
        self.useFixture(fixtures.EnvironmentVariable('PATH', '%s:%s' % (
            programs, os.environ['PATH'])))
        apt = programs / 'apt-get'
        apt.write_text('#!/bin/sh\necho "$@" >>"$0.said"\n'
                       '[ "$1" = update ]\n')
        apt.chmod(0o755)
        self.assertIn('apt-get install python3-venv has failed',
                      self.refused())
        self.assertIn(
            'update -q\ninstall --yes -q --no-install-recommends '
            'python3-venv\n', (programs / 'apt-get.said').read_text())

    def test_made_once(self):
        """And anew where it was made of something else, or not to its end."""
        made = []

        def call(*command):
            made.append(command)
            (self.directory / '.tox' / 'drill').mkdir(exist_ok=True)

        self.drill.call = call
        for _ in range(2):
            self.drill.make_environment()
        self.assertEqual(2, len(made), made)
        self.assertEqual(('-m', 'venv'), made[0][1:3])
        self.assertIn(str(self.directory / 'tox-requirements.txt'), made[1])
        with open(self.directory / 'tox-requirements.txt', 'a') as changed:
            changed.write('# \n')
        self.drill.make_environment()
        self.assertEqual(4, len(made))
        (self.directory / '.tox' / 'drill' / 'made-of').unlink()
        self.drill.make_environment()
        self.assertEqual(6, len(made))

    def test_failure(self):
        """What pip has said stands above."""
        self.drill.has = lambda module: module == 'pip'
        self.drill.sys = mock.Mock(executable='/bin/false', stderr=sys.stderr,
                                   version_info=sys.version_info, version='')
        with self.assertRaisesRegex(self.drill.Missing,
                                    'see above: exit code 1 of /bin/false'):
            self.drill.make_environment()

    def test_not_allowed(self):
        """Somebody else's clone: one line, and no traceback."""
        self.useFixture(fixtures.MonkeyPatch('os.makedirs', mock.Mock(
            side_effect=PermissionError(13, 'Permission denied', '/x/.tox'))))
        said = self.refused()
        self.assertIn("Permission denied: '/x/.tox'", said)
        self.assertIn('whoever may write in %s' % self.directory, said)

    def test_index(self):
        """uv reads none of the settings of pip."""
        self.useFixture(fixtures.EnvironmentVariable('UV_DEFAULT_INDEX'))
        self.useFixture(fixtures.EnvironmentVariable(
            'PIP_INDEX_URL', 'http://192.0.2.1/simple'))
        self.assertEqual({'UV_DEFAULT_INDEX': 'http://192.0.2.1/simple'},
                         self.drill.index())
        self.useFixture(fixtures.EnvironmentVariable(
            'UV_DEFAULT_INDEX', 'http://192.0.2.2/simple'))
        self.assertEqual({}, self.drill.index())

    def test_help(self):
        """It makes nothing, and is where others look for it."""
        done = subprocess.run(
            [self.directory / 'drill', '--help'], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn('./drill test', done.stdout)
        self.assertFalse((self.directory / '.tox' / 'drill').exists())
