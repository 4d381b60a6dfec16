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


"""Where a lab is, whatever the name of its directory has."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import types
from unittest import mock

import fixtures
import testtools
import yaml

import tools
from tools.lab import errors
from tools.lab import labs
from tools.lab import places
from tools import private_files

ROLES = tools.SOURCE / 'roles'
GOOD = ('my lab ü (1)', "it's", 'a[1]*?', 'a.b+c^d|e', '-rf', '日本',
        'a&b<c>d!e~f=g,h@i', 'downloads', ' x ')
BAD = (*places.REFUSED, '\n', '\t', '\x7f', '\u2028', '\x85')
#: What is a path, by the end of its name.
PATHS = re.compile(r'(_dir|_venv|_conf|_stamp|\.path)\b')


def script(role, name, *words, **options):
    """Run a script of a role to its end."""
    return subprocess.run(
        ['bash', str(ROLES / role / 'files' / name), *map(str, words)],
        capture_output=True, text=True, timeout=100, check=False, **options)


class PlacesTest(testtools.TestCase):
    """What the name of a directory may have."""

    def setUp(self):
        super().setUp()
        self.above = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def test_good(self):
        for name in GOOD:
            self.assertEqual(self.above.resolve() / name,
                             places.directory(str(self.above / name)))

    def test_bad(self):
        """The line names the character, and what to do."""
        for character in BAD:
            error = self.assertRaises(
                errors.LabError, places.directory,
                '%s/a%sb' % (self.above, character))
            self.assertIn('choose another one', str(error))
            self.assertNotIn('\n', str(error))

    def test_no_utf_8(self):
        error = self.assertRaises(errors.LabError, places.directory,
                                  os.fsdecode(b'/x/a\xffb'))
        self.assertIn(r"'/x/a\udcffb'", str(error))

    def test_checkout(self):
        """It is on the way of the playbooks, too."""
        self.useFixture(fixtures.MockPatchObject(
            tools, 'SOURCE', pathlib.Path('/src/100%')))
        self.assertIn('the directory of the checkout', str(self.assertRaises(
            errors.LabError, places.directory, '/x')))

    def test_empty(self):
        """It would be the working directory."""
        self.assertRaises(errors.LabError, places.directory, '')
        self.useFixture(fixtures.EnvironmentVariable('LAB_DIR', ''))
        self.assertEqual(str(tools.SOURCE / '.lab'),
                         places.from_environment())

    def test_one_name(self):
        """Two names of a directory are one lab."""
        (self.above / 'link').symlink_to(self.above)
        self.assertEqual(self.above.resolve() / 'x', places.directory(
            str(self.above / 'link' / '..' / self.above.name / 'x')))

    def test_preflight_says_the_same(self):
        """To those who run the playbooks themselves."""
        for name in (*GOOD, *('a%sb' % character for character in BAD)):
            said = self.preflight(self.above / name, '/src')
            self.assertEqual(name not in GOOD, 'the directory' in said,
                             (name, said))
        self.assertIn('the checkout', self.preflight('/x', '/src/100%'))

    def preflight(self, lab, source):
        # So much disk and memory has every machine.
        return script('lab_preflight', 'preflight', lab, source,
                      self.above / 'run', 1, 1, 'none0',
                      env={'PATH': os.environ['PATH'],
                           'PBR_VERSION': '1'}).stdout

    def test_no_version(self):
        """A tarball: one line, before anything is done."""
        environment = {'PATH': os.environ['PATH'],
                       'GIT_CEILING_DIRECTORIES': str(self.above.parent)}
        said = [script('lab_preflight', 'preflight', self.above / 'lab',
                       self.above, self.above / 'run', 1, 1, 'none0',
                       env={**environment, **more}).stdout
                for more in ({}, {'PBR_VERSION': '1'})]
        self.assertIn('set PBR_VERSION, for example', said[0])
        self.assertNotIn('PBR_VERSION', said[1])


class DownTest(testtools.TestCase):
    """A lab of files and of processes, stopped and destroyed."""

    def setUp(self):
        super().setUp()
        self.above = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def lab(self, name):
        """Return the directory of a lab with a host, and its process."""
        directory = self.above / name
        program = directory / 'bin' / 'host-start'
        program.parent.mkdir(parents=True)
        (directory / '.self-healing-lab').touch()
        program.write_text('#!/bin/bash\nwhile read -r -t 100; do :; done\n')
        program.chmod(0o755)
        process = subprocess.Popen([program, 'controller'],
                                   stdin=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdin.close)
        return directory, process

    def down(self, action, directory):
        return script('lab_down', 'down', action, directory,
                      self.above / 'run', 'none0')

    def test_others_stay(self):
        """Those whose names begin alike, or that a pattern would find."""
        for ours, other in (('my lab', 'my'), ('my', 'my lab'),
                            ('a.b', 'axb'), ('a[1]', 'a1'), ('b*', 'bc'),
                            ('(u|v)', 'u'), ('ü (1)', 'ü')):
            for action in ('stop', 'destroy'):
                with self.subTest('%s, not %s' % (ours, other)):
                    self.check(action, ours, other)

    def check(self, action, ours, other):
        directory, process = self.lab(ours)
        beside, going_on = self.lab(other)
        done = self.down(action, directory)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertEqual(-9, process.wait(30))
        self.assertIsNone(going_on.poll())
        self.assertTrue((beside / 'bin' / 'host-start').exists())
        self.assertEqual(action == 'stop', directory.exists())
        for path in (directory, beside):
            shutil.rmtree(path, ignore_errors=True)

    def test_not_a_lab(self):
        """What has not the mark of a lab is left alone."""
        (self.above / 'my').mkdir()
        done = self.down('destroy', self.above / 'my')
        self.assertEqual(1, done.returncode)
        self.assertIn("is not a lab's directory: left alone", done.stdout)
        self.assertTrue((self.above / 'my').exists())

    def test_relative(self):
        done = script('lab_down', 'down', 'destroy', 'my', 'run', 'none0',
                      cwd=self.above)
        self.assertEqual(1, done.returncode)
        self.assertIn('is no absolute path', done.stdout)


class PlayTest(testtools.TestCase):
    """What Ansible is told."""

    def test_variables(self):
        """As they are, with their blanks."""
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        program = directory / 'python'
        program.write_text('#!%s\nimport json, sys\njson.dump(sys.argv, '
                           'open(%r, "w"))\n' % (
                               sys.executable, str(directory / 'told')))
        program.chmod(0o755)
        self.useFixture(fixtures.MockPatchObject(
            sys, 'executable', str(program)))
        lab = labs.Lab(directory / 'my lab ü (1)')
        self.assertEqual(0, lab.play('destroy', {'a': 'b c=d'}))
        told = json.loads((directory / 'told').read_text())
        self.assertEqual(
            {'a': 'b c=d', 'lab_dir': str(lab.directory)},
            json.loads(told[told.index('-e') + 1]))


def tasks(listed):
    """Yield all tasks, those of blocks too."""
    for task in listed:
        yield task
        for part in ('block', 'rescue', 'always', 'tasks', 'pre_tasks'):
            yield from tasks(task.get(part) or ())


class TasksTest(testtools.TestCase):
    """How the roles hand over paths."""

    def test_words(self):
        """Each path in a line of a command is quoted, or a word of argv."""
        found = 0
        for path in [*ROLES.glob('*/tasks/*.yml'),
                     *(tools.SOURCE / 'playbooks').rglob('*.yaml')]:
            listed = yaml.safe_load(path.read_text())
            for task in tasks(listed if isinstance(listed, list) else []):
                name = '%s: %s' % (path, task.get('name'))
                # It replaces the name of its file in all of its arguments.
                self.assertNotIn('ansible.builtin.script', task, name)
                for module in ('command', 'shell'):
                    line = task.get('ansible.builtin.' + module)
                    found += line is not None
                    if isinstance(line, dict):
                        line = line.get('cmd')
                    self.check(name, line or '')
        self.assertGreater(found, 20)

    def check(self, name, line):
        for expression in re.findall(r'{{(.*?)}}', line, re.DOTALL):
            if PATHS.search(expression):
                self.assertIn('quote', expression, name)


class PrivateTest(testtools.TestCase):
    """What is secret, where a file of before is in the way."""

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        self.path = self.directory / 'secrets.json'
        self.part = self.directory / 'secrets.json.part'
        self.part.write_text('old')
        self.part.chmod(0o644)
        # Who has it open already.
        self.reader = self.part.open()
        self.addCleanup(self.reader.close)
        self.addCleanup(os.umask, os.umask(0))

    def check(self, path):
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        self.assertEqual('old', self.reader.read())

    def test_tools(self):
        private_files.write(self.path, 'new')
        self.check(self.path)
        self.assertEqual('new', self.path.read_text())

    def test_secrets_of_the_lab(self):
        (task, *_) = yaml.safe_load(
            (ROLES / 'lab_secrets' / 'tasks' / 'main.yml').read_text())
        program = task['vars']['lab_secrets_command'][2]
        for names in (['a'], ['a', 'b']):
            subprocess.run([sys.executable, '-c', program, self.path, *names],
                           check=True, stdout=subprocess.DEVNULL)
        self.check(self.path)
        self.assertEqual({'a', 'b'}, set(json.loads(self.path.read_text())))

    def lab_files(self):
        """Return the module of Ansible, without Ansible."""
        modules = {}
        for name in ('ansible', 'ansible.module_utils',
                     'ansible.module_utils.basic'):
            module = types.ModuleType(name)
            module.AnsibleModule = None
            modules[name] = module
        spec = importlib.util.spec_from_file_location(
            'lab_files', tools.SOURCE / 'playbooks/lab/library/lab_files.py')
        module = importlib.util.module_from_spec(spec)
        with mock.patch.dict(sys.modules, modules):
            spec.loader.exec_module(module)
        return module

    def test_files_of_the_lab(self):
        """A service that is not root's finds its own, whatever the umask."""
        module = self.lab_files()
        for umask in (0o000, 0o077):
            os.umask(umask)
            directory = self.directory / ('%o' % umask)
            path = directory / 'etc' / 'mysql' / 'my.cnf'
            module.make_directory(str(path.parent))
            self.assertEqual(
                [0o755] * 3, [stat.S_IMODE(part.stat().st_mode) for part in (
                    directory, path.parent.parent, path.parent)])
        file = module.File(str(self.path), 'new', '0600', _user())
        file.write()
        self.check(self.path)


def _user():
    return subprocess.run(['id', '-un'], capture_output=True, text=True,
                          check=True).stdout.strip()
