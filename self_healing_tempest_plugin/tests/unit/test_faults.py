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

"""Faults: real commands, real sockets."""

import os
import stat
import sys

import fixtures
import testtools

from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import life
from self_healing_tempest_plugin.faults import power
from self_healing_tempest_plugin.tests.unit import fake_host
from self_healing_tempest_plugin import waiting

TIMES = config.Timeouts(
    poll_interval=0.1, witness=1, alarm=1, deduction=1, workflow=1, stack=1,
    application=1, host_return=1, template=1, graph=1)


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
        """What a shell would read as a command is a word."""
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


class GateTest(testtools.TestCase):
    """faults.gates."""

    def check(self, host='c1', projects=('mine',), allow=True,
              hosts=('c1',)):
        gates.check(host, [{'tenant_id': one} for one in projects], 'mine',
                    allow, hosts)

    def refused(self, **options):
        return str(self.assertRaises(gates.FaultRefused, self.check,
                                     **options))

    def test_open(self):
        self.check()
        self.check(projects=())

    def test_not_allowed(self):
        self.assertIn('[self_healing] allow_faults',
                      self.refused(allow=False))

    def test_host_not_named(self):
        self.assertIn('host c2 is not in [self_healing] fault_hosts (c1)',
                      self.refused(host='c2'))

    def test_nobody_named(self):
        self.assertIn('(empty)', self.refused(hosts=()))

    def test_part_of_a_name(self):
        """compute-1 does not allow compute-11."""
        self.assertIn('compute-11 is not in', self.refused(
            host='compute-11', hosts=('compute-1',)))

    def test_foreign_servers(self):
        self.assertIn('servers of other projects (theirs)',
                      self.refused(projects=('mine', 'theirs')))


class PowerTestCase(testtools.TestCase):
    """A host whose power is a file."""

    def setUp(self):
        super().setUp()
        self.host = fake_host.FakeHost()
        self.addCleanup(self.host.close)
        self.file = os.path.join(self.useFixture(fixtures.TempDir()).path,
                                 'c1.off')
        self.script = self.file + '.sh'
        self.write('if test -e "$1"; then echo Power is OFF; '
                   'else echo Power is on; fi')
        self.driver = self.make()
        self.fault = power.HostCrash('c1', '127.0.0.1', self.driver,
                                     self.host.port, TIMES)

    def write(self, text):
        """Make the script that tells the power status."""
        with open(self.script, 'w', encoding='utf-8') as stream:
            stream.write('#!/bin/sh\n%s\n' % text)
        os.chmod(self.script, stat.S_IRWXU)

    def make(self, **changes):
        path = self.file.replace('c1', '{host}')
        return power.PowerDriver(config.HostPower(**dict({
            'off': ('touch', path), 'on': ('rm', '-f', path),
            'status': (self.script, path), 'timeout': 5}, **changes)))


class PowerDriverTest(PowerTestCase):
    """faults.power.PowerDriver."""

    def test_off_and_on(self):
        self.assertTrue(self.driver.is_on('c1'))
        self.driver.off('c1')
        self.assertTrue(os.path.exists(self.file))
        self.assertFalse(self.driver.is_on('c1'))
        self.assertTrue(self.driver.is_on('c2'))
        self.driver.on('c1')
        self.assertTrue(self.driver.is_on('c1'))

    def test_failure(self):
        driver = self.make(off=('sh', '-c', 'echo BMC says no >&2; exit 1'))
        error = self.assertRaises(commands.CommandFailed, driver.off, 'c1')
        self.assertIn('BMC says no', str(error))

    def test_unclear_status(self):
        """Neither on nor off is no answer, and never a guess."""
        for text in ('echo', 'echo unknown', 'echo offline'):
            self.write(text)
            error = self.assertRaises(commands.CommandFailed,
                                      self.driver.is_on, 'c1')
            self.assertIn('neither "on" nor "off"', str(error))


class HostCrashTest(PowerTestCase):
    """faults.power.HostCrash."""

    def test_answers(self):
        """An open and a refused port are answers, silence is none."""
        port = self.host.port
        self.assertTrue(power.answers('127.0.0.1', port, 1))
        self.host.close()
        self.assertTrue(power.answers('127.0.0.1', port, 1))
        self.host.power(False)
        self.assertFalse(power.answers('127.0.0.1', port, 0.2))

    def test_check(self):
        self.assertEqual('', self.fault.check())
        self.host.power(False)
        self.assertIn('does not answer at 127.0.0.1', self.fault.check())
        self.driver.off('c1')
        self.assertEqual('host c1 has no power', self.fault.check())

    def test_witness(self):
        self.fault.inject()
        self.host.power(False)
        self.assertRegex(self.fault.witness(), '^power off, .* silent$')
        self.fault.revert()
        self.host.power(True)
        self.fault.verify()

    def test_witness_needs_both(self):
        """Power off alone, or silence alone, is no dead host."""
        self.driver.off('c1')
        error = self.assertRaises(waiting.WaitTimeout, self.fault.witness)
        self.assertEqual('power off, network answers', error.state)
        self.driver.on('c1')
        self.host.power(False)
        error = self.assertRaises(waiting.WaitTimeout, self.fault.witness)
        self.assertEqual('power on, network silent', error.state)

    def test_revert_twice(self):
        self.fault.inject()
        self.fault.revert()
        self.fault.revert()
        self.assertTrue(self.driver.is_on('c1'))

    def test_verify_fails(self):
        self.fault.inject()
        error = self.assertRaises(waiting.WaitTimeout, self.fault.verify)
        self.assertIn('host c1 alive: not seen', str(error))


class LifeTest(PowerTestCase):
    """faults.life.injected()."""

    def names(self, recorder):
        return [one.name for one in recorder.timeline().transitions]

    def test_life(self):
        recorder = timeline.Recorder()
        fault = self.dying()
        with life.injected(fault, recorder):
            self.assertTrue(os.path.exists(self.file))
        self.assertFalse(os.path.exists(self.file))
        self.assertEqual(['planned', 'injected', 'witnessed', 'reverted',
                          'verified'], self.names(recorder))

    def test_unwitnessed(self):
        """The run goes on to its verdict, and the fault is reverted."""
        recorder = timeline.Recorder()
        with life.injected(self.fault, recorder):
            pass
        self.assertEqual(['planned', 'injected', 'unwitnessed', 'reverted',
                          'verified'], self.names(recorder))
        self.assertIn('network answers', recorder.timeline().transition(
            'unwitnessed').detail)

    def test_injection_fails_half_way(self):
        """A command that has done its work and then fails is taken back."""
        driver = self.make(off=(
            'sh', '-c', 'touch %s; exit 1' % self.file))
        fault = power.HostCrash('c1', '127.0.0.1', driver, self.host.port,
                                TIMES)
        recorder = timeline.Recorder()
        self.assertRaises(commands.CommandFailed, self.enter, fault,
                          recorder)
        self.assertFalse(os.path.exists(self.file))
        self.assertEqual(['planned', 'reverted', 'verified'],
                         self.names(recorder))

    def test_watcher_breaks(self):
        """Whatever ends the with, the fault is taken back."""
        recorder = timeline.Recorder()
        fault = self.dying()

        def run():
            with life.injected(fault, recorder):
                raise KeyboardInterrupt

        self.assertRaises(KeyboardInterrupt, run)
        self.assertFalse(os.path.exists(self.file))

    def enter(self, fault, recorder):
        with life.injected(fault, recorder):
            self.fail('nothing was injected')

    def dying(self):
        """Return a fault whose host falls silent and comes back."""
        fault = self.fault
        fault.inject = lambda: (self.driver.off('c1'),
                                self.host.power(False))
        fault.revert = lambda: (self.driver.on('c1'), self.host.power(True))
        return fault
