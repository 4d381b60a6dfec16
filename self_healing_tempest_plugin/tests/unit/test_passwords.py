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

"""Passwords of BMCs: from a file to a command, and nowhere else."""

import dataclasses
import json
import os
import pathlib

import fixtures
from tempest.lib import exceptions

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import passwords
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import power
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.preflight import options
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import ready_processes
from self_healing_tempest_plugin.tests.unit import test_config

PASSWORD = 'Marvin\'s "42"'


class PasswordTestCase(host_samples.JournalTestCase):
    """A directory with the passwords of two BMCs."""

    def setUp(self):
        super().setUp()
        self.addCleanup(runtime.forget)
        self.place = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for host in ('c1', 'c2'):
            self.write(host, '%s of %s\n' % (PASSWORD, host))

    def write(self, name, content, mode=0o600):
        path = self.place / name
        path.write_bytes(content if isinstance(content, bytes)
                         else content.encode())
        path.chmod(mode)
        return str(path)


class ReadTest(PasswordTestCase):
    """passwords.read()."""

    def test_good(self):
        for content in ('a b', 'a b\n', 'a b\r\n'):
            self.assertEqual('a b', passwords.read(self.write('x', content)))
        self.assertEqual('*** c1', runtime.text(
            passwords.read(str(self.place / 'c1')) + ' c1'))

    def test_bad(self):
        """Each error names the option, the file, and what is wrong."""
        os.mkfifo(self.place / 'fifo')
        for path, problem in (
                (str(self.place / 'none'), 'No such file'),
                (str(self.place), 'it is no file'),
                (str(self.place / 'fifo'), 'it is no file'),
                (self.write('a', 'x', 0o644), 'mode 0644); run: chmod 0600'),
                (self.write('b', 'x', 0o640), 'mode 0640'),
                (self.write('c', 'x', 0o602), 'mode 0602'),
                (self.write('d', ''), 'it is empty'),
                (self.write('e', '\n'), 'it is empty'),
                (self.write('f', 'x\ny\n'), 'it must hold one line'),
                (self.write('g', b'x\0y'), 'it must hold one line'),
                (self.write('h', b'\xff'), 'it is no UTF-8'),
                (self.write('i', 'x' * 5000), 'longer than 4096 bytes')):
            error = self.assertRaises(passwords.UnfitFile,
                                      passwords.read, path)
            self.assertIn('[self_healing] host_power_password_file %s: '
                          % path, str(error))
            self.assertIn(problem, str(error))

    def test_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest('only root can give a file away')
        path = self.write('x', 'x')
        os.chown(path, 12345, -1)
        error = self.assertRaises(passwords.UnfitFile,
                                  passwords.read, path)
        self.assertIn('belongs to another user', str(error))


class PowerTest(PasswordTestCase):
    """The commands get it; arguments, plan and messages do not have it."""

    def plan(self, *words, **changes):
        driver = config.HostPower(**dict({
            'off': words, 'on': words, 'status': words,
            'password_file': str(self.place / '{host}')}, **changes))
        settings = dataclasses.replace(host_samples.SETTINGS, power=driver)
        return power.host_crash(
            targets.Target('c1', '127.0.0.1', (), settings), self.transports)

    def said(self, *words, **changes):
        plan = self.plan(*words, **changes)
        # As revert has it, from the journal.
        again = plans.from_dict(json.loads(json.dumps(plans.to_dict(plan))))
        self.assertEqual(plan, again)
        return self.transports.run(again.revert[0]).check().stdout

    def test_environment(self):
        """As "ipmitool -E" wants it, that of its own host."""
        self.assertEqual('%s of c1\n' % PASSWORD, self.said(
            'sh', '-c', 'echo "$IPMI_PASSWORD"', '{host}'))

    def test_another_variable(self):
        self.assertEqual('%s of c1\n' % PASSWORD, self.said(
            'sh', '-c', 'echo "$BMC_PW"', '{host}',
            password_variable='BMC_PW'))

    def test_file(self):
        """As "ipmitool -f" wants it."""
        self.assertEqual('%s of c1\n' % PASSWORD, self.said(
            'cat', '{password_file}'))

    def test_one_for_all(self):
        self.assertEqual('%s of c2\n' % PASSWORD, self.said(
            'sh', '-c', 'echo "$IPMI_PASSWORD"',
            password_file=str(self.place / 'c2')))

    def test_nowhere_else(self):
        """Neither in the plan, nor in the arguments, nor in our own."""
        plan = self.plan('sh', '-c', 'tr "\\0" " " </proc/$$/cmdline')
        self.assertNotIn('Marvin', json.dumps(plans.to_dict(plan)))
        self.assertNotIn('Marvin', self.transports.run(
            plan.inject[0]).check().stdout)
        self.assertNotIn('IPMI_PASSWORD', os.environ)

    def test_command_that_fails(self):
        """The output of a failed command is told without its password."""
        plan = self.plan('sh', '-c', 'echo "bad: $IPMI_PASSWORD" >&2; exit 1')
        error = self.assertRaises(
            commands.CommandFailed,
            self.transports.run(plan.revert[0]).check)
        self.assertIn('stderr: bad: ***', str(error))
        self.assertNotIn('Marvin', str(error))

    def test_file_that_is_gone(self):
        """A missing file is a command that failed, which names the option."""
        (self.place / 'c1').unlink()
        error = self.assertRaises(
            commands.CommandFailed, self.transports.run,
            self.plan('true').revert[0])
        self.assertIn('host_power_password_file', str(error))

    def test_older_journal(self):
        """A plan without it is read as before."""
        values = plans.to_dict(self.plan('true', password_file=None))
        for command in values['revert']:
            del command['environment']
        self.assertEqual((), plans.from_dict(values).revert[0].environment)


class OptionTest(PasswordTestCase):
    """The options, and what preflight says of them."""

    def settings(self, **values):
        conf = test_config.new_conf()
        for (group, option), value in test_config.MINIMAL.items():
            conf.set_override(option, value, group)
        conf.set_override('fault_hosts', ['c1', 'c2'], 'self_healing')
        for option, value in values.items():
            conf.set_override('host_power_' + option, value, 'self_healing')
        return config.settings(conf)

    def told(self, **values):
        groups = options._passwords(self.settings(**values), ['host_crash'])
        return [(row.finding.state, row.what, row.finding.text)
                for group in groups for row in group]

    def test_wrong_options(self):
        for values, problem in (
                ({'password_file': 'bmc'}, 'must be an absolute path'),
                ({'off_command': 'x -f {password_file} {host}'},
                 'host_power_password_file must be set: '
                 'host_power_off_command has {password_file}')):
            error = self.assertRaises(exceptions.InvalidConfiguration,
                                      self.settings, **values)
            self.assertIn(problem, str(error))
        self.assertRaises(ValueError, self.settings,
                          password_variable='A=B')

    def test_preflight(self):
        self.assertEqual([], self.told())
        self.assertEqual([], self.told(
            off_command='ipmitool -H {host} -E chassis power off'))
        place = str(self.place / '{host}')
        self.assertEqual({rows.State.YES}, {
            row[0] for row in self.told(password_file=place)})
        (self.place / 'c2').chmod(0o644)
        told = self.told(password_file=place)
        self.assertEqual([rows.State.YES, rows.State.NO],
                         [row[0] for row in told])
        self.assertIn('c2: ', told[1][2])
        self.assertIn('0644', told[1][2])

    def test_password_in_a_command(self):
        """Preflight says that everybody sees it, and does not show it."""
        for command in ('ipmitool -H {host} -P Marvin42 x',
                        'ipmitool -H {host} -PMarvin42 x',
                        'bmc.sh {host} -p Marvin42',
                        'fence_ipmilan --ip={host} --password=Marvin42',
                        'env BMC_PASSWORD=Marvin42 bmc {host}',
                        'curl -u ops:Marvin42 http://{host}/',
                        'curl http://ops:Marvin42@{host}/',
                        'curl -H "X-Auth-Token: Marvin42" http://{host}',
                        'sshpass -p Marvin42 ssh {host} off',
                        "redfishtool -r {host} -u x -p 'Mar vin42' off"):
            told = self.told(off_command=command)
            self.assertEqual(1, len(told), command)
            state, what, text = told[0]
            self.assertEqual((rows.State.UNKNOWN, 'host_power_off_command'),
                             (state, what))
            self.assertIn('shows in the list of processes', text)
            self.assertNotIn('vin42', text)


class RevertTest(PasswordTestCase):
    """The command revert, in a process of its own, with the journal alone."""

    def test_revert(self):
        """The revert finds the password where the journal says that it is."""
        seen = self.place / 'seen'
        driver = config.HostPower(
            ('true', '{host}'),
            ('sh', '-c', 'echo "$IPMI_PASSWORD" >%s' % seen, '{host}'),
            ('echo', '{host}', 'on'), str(self.place / '{host}'))
        settings = dataclasses.replace(host_samples.SETTINGS, power=driver)
        plan = power.host_crash(
            targets.Target('c1', '127.0.0.1', (), settings), self.transports)
        plan = dataclasses.replace(plan, checks=plan.checks[:1])
        self.journal.plan(plan)
        conf = self.place / 'tempest.conf'
        conf.write_text('[DEFAULT]\nlog_dir = %s\n[self_healing]\n'
                        'state_dir = %s\n' % (self.place,
                                              self.journal.directory))
        done = ready_processes.run(
            'self_healing_tempest_plugin.cmd.main', 'revert', '--config-file',
            str(conf), directory=self.place)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertEqual('%s of c1\n' % PASSWORD, seen.read_text())
        with open(self.journal.path, encoding='utf-8') as stream:
            self.assertNotIn('Marvin', stream.read())
