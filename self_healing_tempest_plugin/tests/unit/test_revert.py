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
import testtools

from self_healing_tempest_plugin.cmd import main
from self_healing_tempest_plugin.cmd import revert
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin import synthetic_alarm
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import ready_processes
from self_healing_tempest_plugin.tests.unit import service_samples
from self_healing_tempest_plugin.tests.unit import test_config
from self_healing_tempest_plugin.tests.unit import test_removal

State = journals.State
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
        """An entry that fails stays open, the others are taken back."""
        _, first = self.left('one')
        stuck, second = self.left('two', revert=(sh('echo no >&2; exit 3'),))
        _, third = self.left('three')
        code, output = self.run_command()
        self.assertEqual(1, code)
        self.assertEqual([False, True, False], [
            path.exists() for path in (first, second, third)])
        self.assertEqual([stuck], [entry.plan for entry in
                                   self.journal.open_entries()])
        self.assertRegex(output, r'%s +.*still open' % stuck.id)
        self.assertIn('exit status 3', output)
        self.assertIn('not so: no file', re.sub(r'\s+', ' ', output))

    def test_repaired_by_hand(self):
        """A fault that is gone needs no command but must be seen gone."""
        _, file = self.left('one')
        file.unlink()
        self.assertEqual(0, self.run_command()[0])
        self.assertEqual('verified', self.states()[-1])

    def test_unknown_transport(self):
        """A plan of another version does not stop the others."""
        pigeon = host_samples.plans.Command('pigeon', 'c1', ('fly',))
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
        """Told, kept, and exit code 1, until the operator has acted."""
        _, file = self.left('one')
        self.damage('torn', '{"format": "?"}')
        for option in ('--list', '--dry-run'):
            code, output = self.run_command(option)
            self.assertEqual(0, code)
            self.assertIn('line 2 of %s cannot be read' % self.journal.path,
                          output)
        self.assertEqual(3, len(self.lines()))
        for _ in range(3):
            code, output = self.run_command()
            self.assertEqual(1, code)
            self.assertFalse(file.exists())
            self.assertIn("format '?' instead of 1 to 2", output)
            self.assertIn('revert --close ID --reason TEXT', output)
            self.assertRaises(gates.FaultRefused, self.journal.refuse_open)
        first, second = self.journal.read()[1]
        for damage, expected in ((first, 1), (second, 0)):
            self.assertIn('%s: line' % damage.id, output)
            code, told = self.run_command(
                '--close', damage.id, '--reason', 'all hosts are well')
            self.assertEqual(0, code)
            self.assertIn('Closed: damaged line', told)
            self.assertEqual(expected, self.run_command()[0])
        self.journal.refuse_open()
        aside = pathlib.Path(self.journal.path + '.damaged')
        self.assertEqual('torn\n{"format": "?"}\n', aside.read_text())
        _, output = self.run_command('--list')
        self.assertEqual(2, output.count('all hosts are well'))

    def test_damage_that_a_terminal_obeys(self):
        """The damage is shown, and does nothing."""
        self.left('one', State.VERIFIED)
        self.damage('\x1b[2J\x07torn\u202e\x9b')
        for arguments in ((), ('--list',), ('--dry-run',)):
            _, output = self.run_command(*arguments)
            self.assertIn('torn', output)
            self.assertNotRegex(output, '[\x1b\x07\u202e\x9b]')

    def test_newer_format(self):
        """Nothing is done, lost or set aside."""
        _, file = self.left('one')
        self.damage('{"format": 3, "id": "x", "state": "planned"}')
        before = self.lines()
        for arguments in ((), ('--list',), ('--dry-run',),
                          ('--close', 'x', '--reason', 'y')):
            error = self.assertRaises(journals.JournalError, self.run_command,
                                      *arguments)
            self.assertIn('line 2 of %s is of format 3' % self.journal.path,
                          str(error))
        self.assertEqual((before, True), (self.lines(), file.exists()))
        self.assertFalse(os.path.exists(self.journal.path + '.damaged'))

    def test_format_1(self):
        """A fault of a run of the last version is taken back."""
        _, file = self.left('one', State.INJECTED)
        lines = [dict(json.loads(line), format=1) for line in self.lines()]
        pathlib.Path(self.journal.path).write_text(''.join(
            json.dumps(line) + '\n' for line in lines))
        self.assertEqual(0, self.run_command()[0])
        self.assertFalse(file.exists())

    def test_surprises(self):
        """Whatever one entry raises, the older ones have their turn."""
        for surprise in (ValueError('x'), KeyError('x'), RecursionError(),
                         MemoryError(), UnicodeDecodeError('u', b'', 0, 1,
                                                           'x'),
                         OSError(28, 'No space left'), AssertionError(),
                         AttributeError('timer'), ZeroDivisionError(),
                         StopIteration(), TimeoutError(), EOFError(),
                         exceptions.InvalidConfiguration('x')):
            _, first = self.left('one')
            stuck, _ = self.left('two')
            _, third = self.left('three')
            real = lifecycle.Life.take_back

            def take_back(life, patience, surprise=surprise, stuck=stuck,
                          real=real):
                if life._plan == stuck:
                    raise surprise
                return real(life, patience)

            with fixtures.MonkeyPatch(
                    'self_healing_tempest_plugin.faults.lifecycle.Life.'
                    'take_back',
                    take_back):
                code, output = self.run_command()
            self.assertEqual(1, code)
            self.assertEqual([False, False], [
                path.exists() for path in (first, third)], repr(surprise))
            self.assertEqual([stuck], [entry.plan for entry in
                                       self.journal.open_entries()])
            self.assertIn(type(surprise).__name__, output)
            self.journal.close(stuck.id, 'next')

    def test_ctrl_c(self):
        """Whoever wants to stop it can."""
        self.left('one')
        with fixtures.MonkeyPatch(
                'self_healing_tempest_plugin.faults.lifecycle.Life.take_back',
                self.interrupt):
            self.assertRaises(KeyboardInterrupt, self.run_command)
        self.assertEqual(1, len(self.journal.open_entries()))

    @staticmethod
    def interrupt(*args):
        raise KeyboardInterrupt

    def test_nobody_listens(self):
        """A pipe that is closed stops no repair."""
        class Closed(io.StringIO):
            def write(self, text):
                raise BrokenPipeError

        _, first = self.left('one')
        _, two = self.left('two')
        parser = argparse.ArgumentParser()
        revert.add_arguments(parser)
        with fixtures.MonkeyPatch('sys.stdout', Closed()):
            code = revert.run(parser.parse_args([]), self.conf)
        self.assertEqual((0, False, False), (code, first.exists(),
                                             two.exists()))

    def test_close(self):
        """An entry that cannot be reverted; nothing else is done."""
        stuck, file = self.left('two', revert=(sh('exit 3'),))
        self.assertEqual(1, self.run_command()[0])
        code, output = self.run_command('--close', stuck.id, '--reason',
                                        '  the host\nwas scrapped ')
        self.assertEqual((0, 'Closed: file %s. Nothing else was done.\n'
                          % file), (code, output))
        self.assertTrue(file.exists())
        self.assertEqual(0, self.run_command()[0])
        self.journal.refuse_open()
        _, output = self.run_command('--list')
        self.assertRegex(output, r'%s .*closed by .*: the host was scrapped'
                         % stuck.id)
        self.assertNotIn('OPEN', output)

    def test_close_needs_both(self):
        """No act of the operator without a reason, nor without an id."""
        stuck, _ = self.left('one')
        for arguments in (('--close', stuck.id), ('--reason', 'x'),
                          ('--close', '', '--reason', 'x'),
                          ('--close', stuck.id, '--reason', ''),
                          ('--close', stuck.id, '--reason', ' \n\t ')):
            error = self.assertRaises(journals.JournalError, self.run_command,
                                      *arguments)
            self.assertIn('revert --close ID --reason TEXT', str(error))
        self.assertEqual(1, len(self.journal.open_entries()))

    def test_close_with_others(self):
        self.useFixture(fixtures.MonkeyPatch('sys.stderr', io.StringIO()))
        for option in ('--list', '--dry-run'):
            self.assertRaises(SystemExit, self.run_command, option,
                              '--close', 'x', '--reason', 'y')

    def test_close_while_a_run_is_at_work(self):
        """Its faults are its own."""
        stuck, _ = self.left('one')
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.faults.journals.Journal.held',
            self.refuse))
        self.assertRaises(gates.FaultRefused, self.run_command, '--close',
                          stuck.id, '--reason', 'y')
        self.assertEqual(1, len(self.journal.open_entries()))

    @staticmethod
    def refuse(journal):
        raise gates.FaultRefused('another run')

    def test_not_trusted(self):
        """What others may have written is neither run nor listed."""
        _, file = self.left('one')
        os.chmod(self.journal.path, 0o666)
        for arguments in ((), ('--list',), ('--dry-run',)):
            error = self.assertRaises(journals.JournalError, self.run_command,
                                      *arguments)
            self.assertIn('can be written by others', str(error))
        self.assertTrue(file.exists())

    def test_says_where_it_looked(self):
        for arguments in ((), ('--list',), ('--dry-run',)):
            self.assertIn(
                '%s: there is no such file, see [self_healing] state_dir'
                % self.journal.path, self.run_command(*arguments)[1])
        self.left('one', State.VERIFIED)
        self.assertNotIn('no such file', self.run_command()[1])

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
        self.assertRaises(journals.JournalError, self.run_command)


class CloudRevertTest(test_removal.RemovalTestCase, RevertTestCase):
    """What runs have created in a cloud, with what tempest.conf says."""

    def setUp(self):
        super().setUp()
        self.journal = journals.Journal(str(self.state_dir))
        self.override(graph_timeout=2, template_timeout=2, stack_timeout=5)
        for group, options in (
                ('auth', {'admin_username': 'admin', 'admin_password': 'p',
                          'admin_project_name': 'admin',
                          'admin_domain_name': 'Default'}),
                ('identity', {'uri_v3': self.cloud.url + '/identity/v3',
                              'region': 'RegionOne'})):
            for name, value in options.items():
                self.conf.set_override(name, value, group)
        self.useFixture(fixtures.MonkeyPatch(
            'tempest.clients.Manager', lambda credentials:
            service_samples.Manager(self.cloud.url)))
        self.useFixture(fixtures.MonkeyPatch(
            'tempest.common.credentials_factory.'
            'get_configured_admin_credentials', lambda **options: None))
        self.order = []

    def run_left(self):
        """Leave what a whole run leaves that was killed in its fault.

        :returns: the file that is the fault
        """
        self.stack()
        self.template(test_removal.RULE)
        self.planned('template', test_removal.RULE, {'id': 't1'},
                     **test_removal.KNOWN)
        self.planned('stack', test_removal.NAME, {
            'id': fake_cloud.STACK, 'host': 'compute-1'})
        _, file = self.left('fault', State.INJECTED, host='compute-1',
                            revert=(sh('rm %s' % (self.directory / 'fault')),
                                    sh('echo fault >>%s' % (
                                        self.directory / 'order'))))
        for name, word in (('delete_stack', 'stack'),
                           ('delete_template', 'template')):
            self.noting(name, word)
        return file

    def test_stack_of_a_member(self):
        """Nobody knows the member's password any more.

        The administrator gets into the project for as long as it takes, and
        what Tempest had made goes last.
        """
        self.stack()
        self.planned('project', 'tempest-member', project='p2', user='u2')
        self.planned('stack', test_removal.NAME, {'id': fake_cloud.STACK},
                     project='p2')
        # Neutron makes one in each project: that of another one stays.
        self.cloud.groups = {'g1': 'p2', 'g2': 'p3'}
        code, output = self.run_command()
        self.assertEqual((0, ()), (code, self.journal.open_entries()), output)
        changes = [(method, path) for method, path, _, _
                   in self.cloud.requests
                   if method in ('PUT', 'DELETE') and 'mistral' not in path]
        role = '/identity/v3/projects/p2/users/u1/roles/r1'
        self.assertEqual([
            ('PUT', role),
            ('DELETE', '/heat/v1/p2/stacks/%s/%s' % (
                test_removal.NAME, fake_cloud.STACK)),
            ('DELETE', '/identity/v3/users/u2'),
            ('DELETE', '/neutron/v2.0/security-groups/g1'),
            ('DELETE', '/identity/v3/projects/p2'), ('DELETE', role)], changes)

    def test_role_that_the_administrator_has_anyway(self):
        self.stack()
        self.cloud.granted.add(('p2', 'u1', 'r1'))
        self.planned('stack', test_removal.NAME, {'id': fake_cloud.STACK},
                     project='p2')
        self.assertEqual(0, self.run_command()[0])
        self.assertEqual({('p2', 'u1', 'r1')}, self.cloud.granted)

    def test_killed_while_it_was_in_the_project(self):
        """The next one takes the role away, with nothing else to do."""
        self.cloud.granted.update([('p2', 'u1', 'r1'), ('p2', 'u1', 'r2')])
        self.planned('access to project', 'p2', project='p2', user='u1',
                     roles=['r1'])
        self.assertEqual(0, self.run_command()[0])
        self.assertEqual({('p2', 'u1', 'r2')}, self.cloud.granted)

    def test_project_with_a_stack_that_stays(self):
        """Nobody could get at what is left in a project that is gone."""
        self.stack()
        self.planned('project', 'tempest-member', project='p2', user='u2')
        self.planned('stack', test_removal.NAME, {'id': fake_cloud.STACK},
                     project='p2')
        self.cloud.broken = '^/heat/'
        code, output = self.run_command()
        self.assertEqual(1, code)
        self.assertIn('is still in it', re.sub(r'\s+', ' ', output))
        self.assertEqual([], self.cloud.asked('DELETE', '/(users|projects)/'
                                              '[^/]+$'))
        self.assertEqual(set(), self.cloud.granted)

    def noting(self, name, word):
        """Write down when the cloud is asked for something."""
        real = getattr(self.cloud, name)

        def noted(*args):
            with open(self.directory / 'order', 'a') as stream:
                stream.write(word + '\n')
            return real(*args)

        self.useFixture(fixtures.MockPatchObject(self.cloud, name, noted))

    def test_all(self):
        """Hosts first, then the stack, the template last."""
        file = self.run_left()
        code, output = self.run_command()
        self.assertEqual(0, code, output)
        self.assertFalse(file.exists())
        self.assertEqual(['fault', 'stack', 'template'], (
            self.directory / 'order').read_text().split())
        self.assertEqual((), self.journal.open_entries())
        self.assertRegex(output, 'stack %s +removed' % test_removal.NAME)
        self.assertRegex(output, 'template %s +removed' % test_removal.RULE)
        self.journal.refuse_open()
        asked = len(self.cloud.requests)
        code, output = self.run_command()
        self.assertEqual((0, asked), (code, len(self.cloud.requests)))
        self.assertIn('No open fault', output)

    def test_listed(self):
        """What would be removed, and nothing is asked for."""
        self.run_left()
        _, output = self.run_command('--list')
        self.assertRegex(output, 'stack %s .*created, OPEN'
                         % test_removal.NAME)
        _, output = self.run_command('--dry-run')
        lines = output.splitlines()
        self.assertIn('    remove it from the cloud, by its name', lines)
        kinds = [line.split(' ')[1] for line in lines
                 if not line.startswith(' ')]
        self.assertEqual(['file', 'stack', 'template'], kinds)
        self.assertEqual([], self.cloud.requests)

    def test_cloud_is_away(self):
        """Hosts are repaired, and each object stays, in a clear line."""
        for silent in (False, True):
            file = self.run_left()
            if silent:
                self.conf.set_override('uri_v3', 'http://127.0.0.1:1/v3',
                                       'identity')
            else:
                self.cloud.broken = '.'
            code, output = self.run_command()
            self.assertEqual(1, code)
            self.assertFalse(file.exists())
            self.assertEqual(['template', 'stack'], [
                entry.object.kind for entry in
                reversed(self.journal.open_entries())])
            text = ' '.join(output.split())
            self.assertEqual(2, text.count('still open'))
            self.assertIn('Keystone: get a token', text)
            for entry in self.journal.open_entries():
                self.journal.close(entry.id, 'next')

    def test_one_service_is_away(self):
        """What can be removed is."""
        self.override(host_return_timeout=1)
        self.run_left()
        self.cloud.broken = '^/rca/'
        code, output = self.run_command()
        self.assertEqual(1, code)
        self.assertEqual('DELETE_COMPLETE', self.cloud.stacks[
            fake_cloud.STACK]['stack_status'])
        self.assertIn('Vitrage', output)
        self.cloud.broken = None
        self.assertEqual(0, self.run_command()[0])
        self.assertEqual([], self.cloud.templates)

    def test_no_credentials(self):
        """A tempest.conf that says nothing of the cloud repairs hosts."""
        file = self.run_left()
        self.conf.set_override('uri_v3', None, 'identity')
        code, output = self.run_command()
        self.assertEqual((1, False), (code, file.exists()))
        self.assertIn('[identity] uri_v3 must be set',
                      ' '.join(output.split()))

    def test_fault_that_stays(self):
        """A host that cannot be repaired keeps no stack."""
        self.run_left()
        self.journal.close(self.journal.open_entries()[0].id, 'next')
        self.left('stuck', State.INJECTED, host='compute-20',
                  revert=(sh('exit 3'),))
        code, output = self.run_command()
        self.assertEqual(1, code)
        self.assertIn('stuck', output)
        self.assertEqual(1, len(self.journal.open_entries()))

    def test_alarm_comes_after_hosts(self):
        """Its end goes through the cloud: no host waits for that."""
        for name, kind in (('host', 'host-crash'),
                           ('alarm', synthetic_alarm.KIND)):
            self.left(name, State.INJECTED, kind=kind, revert=(sh(
                'rm {0}; echo {1} >>{2}'.format(
                    self.directory / name, name, self.directory / 'order')),
            ))
        self.assertEqual(0, self.run_command()[0])
        self.assertEqual(['host', 'alarm'], (
            self.directory / 'order').read_text().split())

    def test_next_run(self):
        """The next run is refused until all is gone."""
        self.run_left()
        for expected in ('fault of an earlier run', 'created in the cloud',
                         'created in the cloud'):
            error = self.assertRaises(gates.FaultRefused,
                                      self.journal.refuse_open)
            self.assertIn(expected, str(error))
            self.assertIn('self-healing-tempest revert', str(error))
            self.journal.close(self.journal.open_entries()[0].id, 'next')
        self.journal.refuse_open()


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

    def main(self, *arguments, directory=None):
        return ready_processes.run(
            'self_healing_tempest_plugin.cmd.main', *arguments,
            directory=directory or self.directory)

    def test_revert(self):
        """Nothing but state_dir is needed; the file of Tempest is found."""
        plan, fault = self.left('one', State.INJECTED)
        done = subprocess.run(
            [sys.executable, '-m', 'self_healing_tempest_plugin.cmd.main',
             'revert'], capture_output=True, text=True, timeout=100,
            env=dict(os.environ, TEMPEST_CONFIG_DIR=str(self.directory)),
            check=False, cwd=self.directory)
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

    def test_from_elsewhere(self):
        """The journal is found from anywhere, or it is said why not."""
        _, fault = self.left('one', State.INJECTED)
        elsewhere = self.directory / 'elsewhere'
        elsewhere.mkdir()
        text = self.file.read_text()
        for path, place in (('state', self.directory),
                            ('./state', elsewhere)):
            self.file.write_text(text.replace(str(self.state_dir), path))
            done = self.main('revert', '--config-file', str(self.file),
                             directory=place)
            self.assertEqual((2, ''), (done.returncode, done.stdout))
            (line,) = done.stderr.splitlines()
            self.assertIn('[self_healing] state_dir must be an absolute '
                          'path', line)
        self.assertTrue(fault.exists())
        self.file.write_text(text)
        done = self.main('revert', '--config-file', str(self.file))
        self.assertEqual((0, False), (done.returncode, fault.exists()))

    @testtools.skipUnless(os.geteuid() == 0, 'only root gives files away')
    def test_journal_of_a_stranger(self):
        """The example: its commands are not run as root."""
        _, fault = self.left('one', State.INJECTED)
        os.chown(self.journal.path, 12345, 12345)
        done = self.main('revert', '--config-file', str(self.file))
        self.assertEqual((2, ''), (done.returncode, done.stdout))
        (line,) = done.stderr.splitlines()
        self.assertIn('%s belongs to user 12345' % self.journal.path, line)
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
                                          [command.name, '--help'])
            self.assertEqual(0, error.code)
            self.assertIn('--config-file', output.getvalue())
        with fixtures.MonkeyPatch('sys.stderr', io.StringIO()):
            self.assertRaises(SystemExit, main.parse, [])
