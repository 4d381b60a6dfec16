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

"""``self-healing-tempest revert``: real journals, real processes."""

import argparse
import io
import json
import os
import pathlib
import re
import subprocess
import sys

import fixtures
from tempest.lib import exceptions

from self_healing_tempest_plugin.cmd import main
from self_healing_tempest_plugin.cmd import revert
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import journal
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import test_config

State = journal.State
sh = host_samples.sh


class RevertTestCase(host_samples.JournalTestCase):
    """A journal that runs have left behind."""

    def setUp(self):
        super().setUp()
        self.conf = test_config.new_conf()
        self.override(state_dir=str(self.state_dir), poll_interval=0.1,
                      host_return_timeout=1)

    def override(self, **options):
        for name, value in options.items():
            self.conf.set_override(name, value, 'self_healing')

    def left(self, name, *states, **changes):
        """Return a plan that a run has left, and its file."""
        file = self.directory / name
        file.touch()
        plan = host_samples.file_plan(file, **changes)
        self.journal.plan(plan)
        for state in states:
            self.journal.record(plan.id, state)
        return plan, file

    def run_command(self, *arguments):
        """Run the command in this process.

        :returns: exit code and output
        """
        parser = argparse.ArgumentParser()
        revert.add_arguments(parser)
        output = io.StringIO()
        with fixtures.MonkeyPatch('sys.stdout', output):
            code = revert.run(parser.parse_args(arguments), self.conf)
        return code, output.getvalue()


class RevertTest(RevertTestCase):
    """cmd.revert."""

    def test_nothing(self):
        """No journal is as good as an empty one."""
        for arguments in ((), ('--list',), ('--dry-run',)):
            code, output = self.run_command(*arguments)
            self.assertEqual(0, code)
            self.assertIn(self.journal.path, output)
            self.assertRegex(output, '^No ')
        self.assertFalse(os.path.exists(self.journal.path))

    def test_taken_back(self):
        plan, file = self.left('one', State.ARMED, State.INJECTED)
        code, output = self.run_command()
        self.assertEqual(0, code)
        self.assertFalse(file.exists())
        self.assertEqual(['planned', 'armed', 'injected', 'reverted',
                          'verified'], self.states())
        self.assertIn('Taking back: file %s' % file, output)
        self.assertRegex(output, r'%s +.*verified' % plan.id)
        self.assertIn('No open fault', self.run_command()[1])

    def test_closed_is_left_alone(self):
        """What is verified is gone; a file of that name is another's."""
        _, file = self.left('one', State.REVERTED, State.VERIFIED)
        self.assertEqual(0, self.run_command()[0])
        self.assertTrue(file.exists())

    def test_newest_first(self):
        log = self.directory / 'log'
        names = ('one', 'two', 'three')
        for name in names:
            self.left(name, revert=(sh('echo %s >>%s; rm %s' % (
                name, log, self.directory / name)),))
        self.assertEqual(0, self.run_command()[0])
        self.assertEqual(list(reversed(names)), log.read_text().split())

    def test_past_errors(self):
        """One that fails stays open, the others are taken back."""
        _, first = self.left('one')
        stuck, second = self.left('two', revert=(sh('echo no >&2; exit 3'),))
        _, third = self.left('three')
        code, output = self.run_command()
        self.assertEqual(1, code)
        self.assertEqual([False, True, False], [
            one.exists() for one in (first, second, third)])
        self.assertEqual([stuck], [one.plan for one in
                                   self.journal.open_entries()])
        self.assertRegex(output, r'%s +.*still open' % stuck.id)
        self.assertIn('exit status 3', output)
        self.assertIn('not so: no file', re.sub(r'\s+', ' ', output))

    def test_repaired_by_hand(self):
        """What is gone needs no command but must be seen."""
        _, file = self.left('one')
        file.unlink()
        self.assertEqual(0, self.run_command()[0])
        self.assertEqual('verified', self.states()[-1])

    def test_unknown_transport(self):
        """A plan of another version does not stop the others."""
        pigeon = host_samples.plan.Command('pigeon', 'c1', ('fly',))
        _, file = self.left('one')
        self.left('two', revert=(pigeon,), checks=())
        self.run_command()
        self.assertFalse(file.exists())

    def test_list(self):
        """All of the journal, and nothing is changed."""
        done, _ = self.left('one', State.REVERTED, State.VERIFIED)
        there, file = self.left('two', State.INJECTED)
        before = self.lines()
        code, output = self.run_command('--list')
        self.assertEqual(0, code)
        self.assertRegex(output, r'%s .*verified\n' % done.id)
        self.assertRegex(output, r'%s .*injected, OPEN' % there.id)
        self.assertNotRegex(output, r'%s .*OPEN' % done.id)
        self.assertEqual((before, True), (self.lines(), file.exists()))

    def test_dry_run(self):
        """The commands in their order, and nothing is changed."""
        self.left('closed', State.VERIFIED)
        plan, file = self.left(
            'open', revert=(sh('echo first step'), sh('echo last step')),
            disarm=(sh('echo disarm'),))
        before = self.lines()
        code, output = self.run_command('--dry-run')
        self.assertEqual(0, code)
        self.assertEqual(
            ['%s: file %s' % (plan.id, file),
             "    local: sh -c 'echo last step'",
             "    local: sh -c 'echo first step'",
             "    local: sh -c 'echo disarm'",
             '    then wait until: no file'], output.splitlines())
        self.assertEqual((before, True), (self.lines(), file.exists()))
        self.assertFalse((self.state_dir / 'lock').exists())

    def test_not_both(self):
        self.useFixture(fixtures.MonkeyPatch('sys.stderr', io.StringIO()))
        self.assertRaises(SystemExit, self.run_command, '--list',
                          '--dry-run')

    def damage(self, *texts):
        with open(self.journal.path, 'a', encoding='utf-8') as stream:
            stream.writelines(text + '\n' for text in texts)

    def test_damaged_lines(self):
        """Told, set aside, and a reason to look: exit code 1, once."""
        _, file = self.left('one')
        self.damage('torn', '{"format": 9}')
        for option in ('--list', '--dry-run'):
            code, output = self.run_command(option)
            self.assertEqual(0, code)
            self.assertIn('Line 2 of %s cannot be read' % self.journal.path,
                          output)
        self.assertEqual(3, len(self.lines()))
        code, output = self.run_command()
        self.assertEqual(1, code)
        self.assertFalse(file.exists())
        self.assertIn('format 9 instead of 1', output)
        aside = pathlib.Path(self.journal.path + '.damaged')
        self.assertEqual('torn\n{"format": 9}\n', aside.read_text())
        self.assertIn(str(aside), output)
        self.journal.refuse_open()
        code, output = self.run_command()
        self.assertEqual(0, code)
        self.assertNotIn('cannot be read', output)

    def test_bad_timer(self):
        """A plan with a strange value does not keep the others."""
        _, file = self.left('one')
        self.left('two')
        lines = self.lines()
        last = json.loads(lines[-1])
        last['plan']['timer'] = 'soon'
        pathlib.Path(self.journal.path).write_bytes(
            lines[0] + b'\n' + json.dumps(last).encode() + b'\n')
        code, _ = self.run_command()
        self.assertEqual(1, code)
        self.assertFalse(file.exists())

    def test_locked(self):
        """A run that is at work is not disturbed; looking is free."""
        _, file = self.left('one')
        holder = subprocess.Popen(
            [sys.executable, '-c', 'import fasteners, sys; '
             'lock = fasteners.InterProcessLock(sys.argv[1]); '
             'print(lock.acquire(blocking=False), flush=True); '
             'sys.stdin.read()', str(self.state_dir / 'lock')],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.stdin.close)
        self.assertEqual('True\n', holder.stdout.readline())
        error = self.assertRaises(gates.FaultRefused, self.run_command)
        self.assertIn('another run holds', str(error))
        self.assertTrue(file.exists())
        self.assertEqual(0, self.run_command('--list')[0])

    def test_bad_option(self):
        """A missing option of SSH is one line, before anything is done."""
        _, file = self.left('one')
        self.override(host_ssh_key_file='/key')
        error = self.assertRaises(exceptions.InvalidConfiguration,
                                  self.run_command)
        self.assertIn('[self_healing] host_ssh_known_hosts_file', str(error))
        self.assertTrue(file.exists())

    def test_damaged_journal(self):
        self.left('one')
        os.unlink(self.journal.path)
        os.mkdir(self.journal.path)
        self.assertRaises(journal.JournalError, self.run_command)


class HostRevertTest(host_samples.HostTestCase, RevertTestCase):
    """Faults on hosts, with what tempest.conf says of SSH."""

    def test_over_ssh(self):
        """Nova is not asked: the plan knows where the host is."""
        plan = kinds.KINDS['data-nic-down'](self.target(), self.transports)
        self.journal.plan(plan)
        for command in (*plan.arm, *plan.inject):
            self.transports.run(command).check()
        self.override(host_ssh_user=self.access.user,
                      host_ssh_key_file=str(self.key_file),
                      host_ssh_known_hosts_file=str(self.known_hosts),
                      host_ssh_port=self.host.port)
        code, output = self.run_command()
        self.assertEqual(0, code, output)
        self.assertTrue(self.host.nic('eth1')['up'])
        self.assertFalse((self.host.root / 'run' / (
            'self-healing-%s.pid' % plan.id)).exists())
        self.assertEqual('verified', self.states()[-1])


class MainTest(RevertTestCase):
    """cmd.main, as a process of its own."""

    def setUp(self):
        super().setUp()
        self.file = self.directory / 'tempest.conf'
        self.file.write_text(
            '[DEFAULT]\nlog_file = %s/log\n[self_healing]\n'
            'state_dir = %s\nhost_return_timeout = 1\n'
            % (self.directory, self.state_dir))

    def main(self, *arguments, **environment):
        return subprocess.run(
            [sys.executable, '-m', 'self_healing_tempest_plugin.cmd.main',
             *arguments], capture_output=True, text=True, timeout=100,
            env=dict(os.environ, **environment), check=False,
            cwd=self.directory)

    def test_revert(self):
        """Nothing but state_dir is needed; the file of Tempest is found."""
        plan, fault = self.left('one', State.INJECTED)
        done = self.main('revert', TEMPEST_CONFIG_DIR=str(self.directory))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(plan.id, done.stdout)
        self.assertFalse(fault.exists())
        self.assertEqual('verified', self.states()[-1])

    def test_one_line(self):
        """What refuses is one line on standard error, and exit code 2."""
        _, fault = self.left('one')
        with self.journal.held():
            done = self.main('revert', '--config-file', 'tempest.conf')
        self.assertEqual((2, ''), (done.returncode, done.stdout))
        (line,) = done.stderr.splitlines()
        self.assertIn('Fault refused: another run holds', line)
        self.assertTrue(fault.exists())

    def test_no_file(self):
        error = io.StringIO()
        with fixtures.MonkeyPatch('sys.stderr', error):
            code = main.main(['revert', '--config-file', '/no/such'])
        self.assertEqual(2, code)
        self.assertEqual(1, len(error.getvalue().splitlines()))
        self.assertIn('There is no /no/such', error.getvalue())
        self.assertIn('--config-file', error.getvalue())

    def test_default_file(self):
        """Where "tempest run" looks."""
        for name, value in (('TEMPEST_CONFIG_DIR', '/a'),
                            ('TEMPEST_CONFIG', 'b.conf')):
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        self.assertEqual('/a/b.conf', main.parse(['revert']).config_file)
        self.useFixture(fixtures.EnvironmentVariable('TEMPEST_CONFIG_DIR'))
        self.useFixture(fixtures.EnvironmentVariable('TEMPEST_CONFIG'))
        self.assertEqual('etc/tempest.conf',
                         main.parse(['revert']).config_file)

    def test_help(self):
        """Every command says what it does; none is no command."""
        for command in main.COMMANDS:
            output = io.StringIO()
            with fixtures.MonkeyPatch('sys.stdout', output):
                error = self.assertRaises(SystemExit, main.parse,
                                          [command.NAME, '--help'])
            self.assertEqual(0, error.code)
            self.assertIn('--config-file', output.getvalue())
        with fixtures.MonkeyPatch('sys.stderr', io.StringIO()):
            self.assertRaises(SystemExit, main.parse, [])
