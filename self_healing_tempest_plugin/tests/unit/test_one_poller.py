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

"""Nothing sleeps but the pollers: a walk over all code of ours."""

import ast
import pathlib

import testtools

import self_healing_tempest_plugin

PACKAGE = pathlib.Path(self_healing_tempest_plugin.__file__).parent
TOOLS = PACKAGE.parent / 'tools'
#: The package's, and that of the environments that have no Tempest.
POLLERS = {PACKAGE / 'waiting.py', TOOLS / 'waiting.py'}


def sleeps(code):
    """Return the numbers of the lines that name ``time.sleep``.

    Whether they call it or hand it on; what is in a string is for another
    process.
    """
    nodes = list(ast.walk(ast.parse(code)))
    modules = {name.asname or name.name for node in nodes
               if isinstance(node, ast.Import)
               for name in node.names if name.name == 'time'}
    return sorted(node.lineno for node in nodes if _is_sleep(node, modules))


def _is_sleep(node, modules):
    if isinstance(node, ast.ImportFrom):
        return node.module == 'time' and any(
            name.name in ('sleep', '*') for name in node.names)
    return (isinstance(node, ast.Attribute) and node.attr == 'sleep'
            and isinstance(node.value, ast.Name) and node.value.id in modules)


class SleepsTest(testtools.TestCase):
    """What is looked for."""

    def test_found(self):
        for code in ('import time\ntime.sleep(1)',
                     'import time as clock\nclock.sleep(1)',
                     'import time\nwait(1, time.sleep)',
                     '\nfrom time import sleep',
                     '\nfrom time import sleep as nap',
                     '\nfrom time import *',
                     'def f():\n    import time; time.sleep(1)'):
            self.assertEqual([2], sleeps(code), code)

    def test_not_found(self):
        for code in ('import time\ntime.monotonic()',
                     'clock.sleep(1)',
                     'import time\nself.time.sleep(1)',
                     'from time import monotonic',
                     'run("import time; time.sleep(1)")'):
            self.assertEqual([], sleeps(code), code)


class OnePollerTest(testtools.TestCase):
    """The package and the tools."""

    def test_nobody_else_sleeps(self):
        sleepers = {path: sleeps(path.read_text('utf-8'))
                    for directory in (PACKAGE, TOOLS)
                    for path in directory.rglob('*.py')}
        for poller in POLLERS:
            self.assertNotEqual([], sleepers.pop(poller))
        self.assertEqual([], [
            '%s:%d' % (path.relative_to(PACKAGE.parent), line)
            for path, lines in sorted(sleepers.items()) for line in lines])
