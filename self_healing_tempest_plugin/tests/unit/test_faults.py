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

"""Commands of the operator: real processes."""

import sys

import testtools

from self_healing_tempest_plugin.faults import commands


class CommandTest(testtools.TestCase):
    """faults.commands."""

    def test_result(self):
        """Output, error output and exit status are all read."""
        result = commands.run(
            ['sh', '-c', 'echo out; echo trouble >&2; exit 3'], 5)
        self.assertEqual((3, 'out\n', 'trouble\n'), (
            result.exit_status, result.stdout, result.stderr))
        error = self.assertRaises(commands.CommandFailed, result.check)
        self.assertIn('exit status 3, stderr: trouble', str(error))

    def test_good_result(self):
        result = commands.run(['true'], 5)
        self.assertIs(result, result.check())

    def test_no_shell(self):
        """A text that a shell would read as a command is a word."""
        host = '$(touch /tmp/x); echo'
        argv = commands.fill(['echo', 'a-{host}', '{host}'], host=host)
        self.assertEqual('a-%s %s\n' % (host, host),
                         commands.run(argv, 5).stdout)

    def test_only_names_are_filled(self):
        """Braces of the operator's own stay."""
        self.assertEqual(('{x}', '{0}', 'c1'), commands.fill(
            ['{x}', '{0}', '{host}'], host='c1'))

    def test_too_long(self):
        error = self.assertRaises(
            commands.CommandFailed, commands.run, ['sleep', '60'], 0.1)
        self.assertIn('sleep 60: no end after 0.1 s', str(error))

    def test_no_program(self):
        error = self.assertRaises(
            commands.CommandFailed, commands.run, ['/no/such', 'x'], 5)
        self.assertIn('No such file', str(error))

    def test_no_input(self):
        """A command that asks for a password gets an end, not a hang."""
        self.assertEqual('', commands.run(['cat'], 5).stdout)

    def test_strange_bytes(self):
        code = r'import os; os.write(1, b"\xff on")'
        result = commands.run([sys.executable, '-c', code], 20)
        self.assertTrue(result.stdout.endswith(' on'))
