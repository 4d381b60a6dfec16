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

"""How the files of the DevStack plugin are cut, and what each says of itself.

What they do together is in ``test_devstack.py``.
"""

import collections
import graphlib
import re
import shutil
import subprocess

import testtools
from testtools import matchers

from self_healing_tempest_plugin.tests.unit import fake_devstack

DEVSTACK = fake_devstack.SCRIPT.parents[3] / 'devstack'
LIB = DEVSTACK / 'lib'
BASH = shutil.which('bash')

# What is called besides functions and bash's own.
PROGRAMS = frozenset(('dirname', 'grep', 'install', 'mkdir', 'rm', 'sed',
                      'sort', 'ssh-keygen', 'ssh-keyscan', 'sudo', 'touch'))

_DEFINITION = re.compile(r'^ *function (\w+) \(\)', re.MULTILINE)
_PATTERN_OF_CASE = re.compile(r'^ *\S+\)$', re.MULTILINE)
# At the beginning of a line, of a pipe, or in brackets that are neither those
# of arithmetic nor of an array.
_CALL = re.compile(r'(?:^|[|&]|(?<![(=])\((?!\()) *(?:(?:if|while|until|!) +)*'
                   r'([a-z][\w-]*)(?=[ ;)]|$)', re.MULTILINE)
_ASSIGNMENT = re.compile(r'^ *([A-Z]\w*)=', re.MULTILINE)
_VARIABLE = re.compile(r'\$\{?[!#]?([A-Z]\w*)')


def bash(*arguments, **kwargs):
    """Run bash to its good end, and return what it has printed."""
    return subprocess.run([BASH, *arguments], check=True, text=True,
                          capture_output=True, **kwargs)


class Script:
    """One file.

    :ivar defined: the functions that it defines, in their order
    :ivar called: the commands that it calls, be they functions or programs
    :ivar read: the variables that it reads and that are not its own
    """

    def __init__(self, path):
        self.path = path
        text = self._as_bash_prints_it()
        self.defined = _DEFINITION.findall(text)
        self.called = set(_CALL.findall(_PATTERN_OF_CASE.sub('', text)))
        self.read = set(_VARIABLE.findall(text)) - set(
            _ASSIGNMENT.findall(text)) - {'LINENO'}

    def _as_bash_prints_it(self):
        """Return the text without comments, with a command in each line."""
        printed = bash('-c', 'script() {\n%s\n}\ndeclare -f script'
                       % self.path.read_text()).stdout
        return printed.removeprefix('script () \n')

    def header(self):
        """Return what it says of itself, as paragraphs by their heading."""
        lines = self.path.read_text().split('\n\n', 2)[1].splitlines()
        sections = {None: []}
        heading = None
        for line in lines:
            said = re.match(r'# (Dependencies|Entry points|Leaves):(.*)', line)
            if said:
                heading, line = said.groups()
            sections.setdefault(heading, []).append(line.lstrip('#'))
        return {heading: '\n'.join(lines)
                for heading, lines in sections.items()}


class LibTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        if not DEVSTACK.exists():
            self.skipTest('%s is no checkout' % DEVSTACK.parent)
        self.lib = {path.name: Script(path) for path in LIB.iterdir()}
        self.plugin = Script(DEVSTACK / 'plugin.sh')
        self.scripts = [self.plugin, *self.lib.values()]
        self.callers = [*self.scripts, *(
            Script(DEVSTACK / name)
            for name in ('settings', 'override-defaults'))]

    def run_devstack(self, script):
        devstack = self.useFixture(
            fake_devstack.FakeDevStack(fake_devstack.CONTROLLER))
        done = devstack.run(script)
        self.assertEqual(0, done.returncode, done.stderr[-1000:])
        return done

    def functions_of_devstack(self):
        return set(self.run_devstack('functions').stdout.split())

    def called_elsewhere(self, script):
        return set().union(*(caller.called for caller in self.callers
                             if caller is not script))

    def dependencies(self, name):
        """Return the names of the other files whose functions are called."""
        return {needed for needed, script in self.lib.items()
                if needed != name
                and self.lib[name].called.intersection(script.defined)}

    def test_all_are_sourced(self):
        done = self.run_devstack('unstack')
        self.assertEqual(
            {str(script.path) for script in self.lib.values()},
            set(re.findall(r'^\++ source (%s/.*)' % re.escape(str(LIB)),
                           done.stderr, re.MULTILINE)))

    def test_each_only_defines(self):
        """There is no other file, no program, and nothing that is done."""
        for name, script in self.lib.items():
            done = bash('-euc', 'set -x; source "$0"; declare -F', script.path,
                        env=dict.fromkeys((*script.read, 'PATH'), '/nowhere'))
            self.assertEqual(sorted(script.defined), done.stdout.replace(
                'declare -f ', '').split(), name)
            self.assertTrue(script.defined, name)
            first, *middle, last = done.stderr.splitlines()
            self.assertEqual(('+ source %s' % script.path, '+ declare -F'),
                             (first, last))
            for line in middle:
                self.assertThat(line, matchers.MatchesRegex(
                    r'\++ SELF_HEALING_\w+='), name)

    def test_each_function_is_defined_once(self):
        settings = [Script(DEVSTACK / name)
                    for name in ('settings', 'override-defaults')]
        times = collections.Counter(self.functions_of_devstack())
        for script in (*self.scripts, *settings):
            times.update(script.defined)
        self.assertEqual([], [name for name, number in times.items()
                              if number > 1])

    def test_what_is_called_is_defined(self):
        known = {*bash('-c', 'compgen -bk').stdout.split(), *PROGRAMS,
                 *self.functions_of_devstack()}
        for script in self.scripts:
            known.update(script.defined)
        for script in self.scripts:
            self.assertEqual(set(), script.called - known, script.path)

    def test_what_is_defined_is_called(self):
        called = set().union(*(script.called for script in self.callers))
        for script in self.scripts:
            self.assertThat(called, matchers.ContainsAll(script.defined))

    def test_dependencies_point_one_way(self):
        graphlib.TopologicalSorter({
            name: self.dependencies(name) for name in self.lib}).prepare()

    def test_header_names_what_it_needs(self):
        for name, script in self.lib.items():
            needed = script.read | {
                'lib/%s' % library for library in self.dependencies(name)}
            said = re.findall('``(.*?)``', script.header()['Dependencies'])
            self.assertEqual(sorted(needed), sorted(said), name)

    def test_header_names_entry_points(self):
        for name, script in self.lib.items():
            self.assertEqual(
                sorted(self.called_elsewhere(script).intersection(
                    script.defined)),
                sorted(re.findall('- (.*)', script.header()['Entry points'])),
                name)

    def test_header_says_what_it_serves_and_leaves(self):
        for name, script in self.lib.items():
            header = script.header()
            self.assertThat(header[None], matchers.MatchesRegex(
                r' lib/%s\n \S' % name))
            self.assertTrue(header['Leaves'].strip(), name)

    def test_lint_finds_them(self):
        """They have no suffix: the first line says that they are shell."""
        for script in self.scripts:
            self.assertTrue(script.path.read_text().startswith(
                '#!/bin/bash\n'), script.path)
