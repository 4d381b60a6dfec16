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

"""The timer on the host: the scripts, run by a real shell."""

import contextlib
import dataclasses
import threading
import time

import fixtures

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import timers
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin import waiting

FAULT = 'f00dcafe'


class TimerTest(host_samples.HostTestCase):
    """On a host without systemd."""

    #: File that shows that the timer is armed.
    armed = 'run/self-healing-%s.pid' % FAULT

    def setUp(self):
        super().setUp()
        self.mark = self.host.root / "it's fired"
        self.armed = self.host.root / self.armed

    def arm(self, seconds, fault_id=FAULT, script='touch "%s"; echo >>log'):
        """Start a timer."""
        line = script.replace('%s', str(self.mark))
        self.transports.run(timers.arm(
            fault_id, self.host.address, seconds, line)).check()

    def disarm(self, fault_id=FAULT):
        """Stop a timer."""
        self.transports.run(
            timers.disarm(fault_id, self.host.address)).check()

    def fires(self, timeout):
        """Return whether the line is run within some seconds."""
        try:
            waiting.wait_for(self.mark.exists, what='the timer',
                             timeout=timeout, interval=0.05)
        except waiting.WaitTimeout:
            return False
        return True

    def test_fires(self):
        """After its seconds, not before, and nothing of it is left."""
        begin = time.monotonic()
        self.arm(0.7)
        self.assertLess(time.monotonic() - begin, 0.7)
        self.assertFalse(self.mark.exists())
        self.assertTrue(self.armed.exists())
        self.assertTrue(self.fires(5))
        self.assertGreaterEqual(time.monotonic() - begin, 0.7)
        self.assertFalse(self.armed.exists())

    def test_disarmed(self):
        self.arm(0.4)
        group = self.armed.read_text()
        self.disarm()
        self.assertFalse(self.armed.exists())
        alive = 'pgrep --runstates DRS --pgroup %s' % group
        waiting.wait_for(lambda: not self.host.run(alive).stdout,
                         what='its end', timeout=0.2, interval=0.05)
        self.assertFalse(self.fires(0.7))

    def test_disarmed_twice(self):
        self.arm(0.3)
        self.disarm()
        self.disarm()
        self.assertFalse(self.fires(0.5))

    def test_never_armed(self):
        self.disarm()

    def test_disarmed_after_firing(self):
        self.arm(0.1)
        self.assertTrue(self.fires(5))
        self.disarm()

    def test_disarmed_at_work(self):
        """A repair that has begun is not cut off."""
        self.arm(0.1, script='touch log; sleep 0.6; touch "%s"')
        waiting.wait_for((self.host.root / 'log').exists, what='the repair',
                         timeout=5, interval=0.02)
        self.disarm()
        self.assertTrue(self.fires(5))

    def test_only_its_own(self):
        """Disarming one fault leaves the timer of another."""
        self.arm(0.3)
        self.disarm('0ther')
        self.assertTrue(self.fires(5))

    def test_line_is_kept(self):
        """Quotes and operators of the line reach the shell as they are."""
        self.arm(0.1, script='false && exit; nft \'add table inet x; add '
                 'chain inet x y { z; }\' && touch "%s"')
        self.assertTrue(self.fires(5))
        self.assertEqual(
            'add table inet x; add chain inet x y { z; }\n',
            (self.host.root / 'nft' / 'x').read_text())

    def test_outlives_the_connection(self):
        self.arm(0.3)
        self.host.break_connections()
        self.assertTrue(self.fires(5))

    def test_with_sudo(self):
        """The words of the command stay words behind sudo, too."""
        self.transports = transports.Transports(
            dataclasses.replace(self.access, sudo=True))
        self.arm(0.1)
        self.assertTrue(self.fires(5))

    def token(self):
        """Return the names of the fault's files on the host."""
        return sorted(path.name.partition('.')[2] for path
                      in (self.host.root / 'run').glob('self-healing-*'))

    def test_files(self):
        """What lies on the host, and that nothing of it is left."""
        self.arm(30)
        self.assertTrue({'armed', 'repair'}.issubset(self.token()))
        self.disarm()
        self.assertEqual([], self.token())

    def revert(self, line='touch "%s"'):
        """Repair as the runner does."""
        return self.transports.run(timers.revert(
            FAULT, self.target(), timers.repair(
                FAULT, line.replace('%s', str(self.mark)))))

    def act(self, line, later=None):
        """Break the host."""
        act = timers.act(FAULT, self.target(), line) if later is None else (
            timers.act_later(FAULT, self.target(), later, line))
        return self.transports.run(act)

    def test_act(self):
        """Its output and its exit status are those of the line."""
        self.arm(30)
        result = self.act('echo "$0 it\'s"; echo no >&2; exit 3')
        self.assertEqual((3, 'sh it\'s\n', 'no\n'), (
            result.exit_status, result.stdout, result.stderr))

    def test_no_act_without_a_way_back(self):
        """Neither before it is armed, nor after it is over, nor later."""
        steps = {
            'never armed': lambda: None,
            'reverted': lambda: (self.arm(30), self.revert('true').check()),
            'disarmed': lambda: (self.arm(30), self.disarm()),
            'fired': lambda: (self.arm(0.1, script=timers.repair(
                FAULT, 'touch "%s"' % self.mark)), self.fires(5)),
            'reverted and disarmed': lambda: (
                self.arm(30), self.revert('true').check(), self.disarm())}
        for name, prepare in steps.items():
            prepare()
            for later in (None, 0.01):
                result = self.act('touch broken', later)
                self.assertEqual(75, result.exit_status, name)
                self.assertIn('taken back already', result.stderr)
            self.disarm()
            self.mark.unlink(missing_ok=True)
        self.assertFalse((self.host.root / 'broken').exists())

    def test_later_act_is_waited_for(self):
        """An act that has begun is over before the repair, or never comes."""
        self.arm(30)
        self.act('echo broken >>log', 0.6).check()
        self.revert('echo repaired >>log').check()
        log = (self.host.root / 'log').read_text().split()
        self.assertEqual(['repaired'], log)
        self.assertFalse(self.grows_from(log))

    def grows_from(self, log):
        """Return whether the log gets longer within a second."""
        try:
            waiting.wait_for(
                lambda: (self.host.root / 'log').read_text().split() != log,
                what='a late line', timeout=1, interval=0.1)
        except waiting.WaitTimeout:
            return False
        return True

    def test_later_act_comes_when_nobody_repairs(self):
        self.arm(30)
        begin = time.monotonic()
        self.act('touch "%s"' % self.mark, 0.4).check()
        self.assertTrue(self.fires(5))
        self.assertGreaterEqual(time.monotonic() - begin, 0.4)

    def test_act_under_way_is_waited_for(self):
        """The connection broke in the midst of it: nobody saw its end."""
        self.arm(30)
        self.host.before_result = lambda transport: transport.close()
        script = 'touch begun; sleep 1; echo broken >>log'
        runner = threading.Thread(target=self.act_unseen, args=(script,))
        runner.start()
        self.addCleanup(runner.join)
        waiting.wait_for((self.host.root / 'begun').exists, what='the act',
                         timeout=5, interval=0.02)
        self.host.before_result = lambda transport: None
        self.revert('echo repaired >>log').check()
        self.assertEqual(['broken', 'repaired'],
                         (self.host.root / 'log').read_text().split())

    def act_unseen(self, line):
        with contextlib.suppress(commands.CommandFailed):
            self.act(line)

    def test_act_that_does_not_end(self):
        """The host is repaired all the same, and the act told as not over."""
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.faults.timers._REPAIR',
            timers._REPAIR.replace('%(patience)d', '1')))
        self.arm(30)
        self.act('sleep 4', 0.01).check()
        waiting.wait_for(
            lambda: self.host.run('pgrep -f "^sleep 4$"').stdout,
            what='its beginning', timeout=5, interval=0.02)
        result = self.revert()
        self.assertTrue(self.mark.exists())
        self.assertEqual(1, result.exit_status)
        self.assertIn('still at work', result.stderr)

    def test_what_it_leaves_keeps_no_lock(self):
        """A service that the act or the repair starts is not waited for."""
        self.arm(30)
        start = 'setsid sleep 3 </dev/null >/dev/null 2>&1 &'
        self.act(start).check()
        begin = time.monotonic()
        self.revert(start).check()
        self.revert('true').check()
        self.disarm()
        self.assertLess(time.monotonic() - begin, 3)

    def test_revert_and_timer_do_not_meet(self):
        """The second of both waits for the first."""
        self.arm(0.1, script=timers.repair(
            FAULT, 'echo begin >>log; sleep 1; echo end >>log'))
        waiting.wait_for((self.host.root / 'log').exists, what='the timer',
                         timeout=5, interval=0.02)
        self.revert('echo begin >>log; echo end >>log').check()
        self.disarm()
        self.assertEqual(['begin', 'end'] * 2,
                         (self.host.root / 'log').read_text().split())

    def test_script_that_is_cut_off(self):
        """Of a script that has not come whole nothing is run."""
        script = timers.repair(FAULT, 'touch "%s"' % self.mark)
        for length in range(0, len(script) - 5, 40):
            self.host.run('sh -s', script[:length].encode())
        self.assertFalse(self.mark.exists())
        self.host.run('sh -s', script.encode())
        self.assertTrue(self.mark.exists())

    def test_repair_outlives_the_connection(self):
        """A repair that cuts its own connection goes on."""
        line = 'kill -HUP $$; echo x; echo x >&2; touch "%s"' % self.mark
        script = timers.repair(FAULT, line)
        self.host.run('sh -s | true', script.encode())
        self.assertTrue(self.mark.exists())

    def test_dollars(self):
        """systemd expands them in a command line, not in a file."""
        self.arm(0.1, script='a=$$; b=${a}; [ "$b" = "$$" ] && touch "%s"')
        self.assertTrue(self.fires(5))

    def test_long_script(self):
        """Longer than any line of a command can be."""
        self.arm(0.1, script=': %s\n' % ('x' * 300000) + 'touch "%s"'
                 % self.mark)
        self.assertTrue(self.fires(5))

    def test_not_armed_without_script(self):
        """Where it cannot be written there is no timer and no token."""
        (self.host.root / 'run').chmod(0o500)
        self.host.run('rm -rf run; touch run')
        result = self.transports.run(timers.arm(
            FAULT, self.host.address, 5, 'true'))
        self.assertNotEqual(0, result.exit_status)
        self.host.run('rm run; mkdir run')


class SystemdTimerTest(TimerTest):
    """On a host with systemd, which the stand-ins play."""

    armed = 'run/self-healing-%s.timer.pid' % FAULT

    def setUp(self):
        super().setUp()
        (self.host.root / 'run/systemd/system').mkdir(parents=True)

    def test_timer_that_stays(self):
        """A command that cannot stop the timer must not say so."""
        path = self.host.root / 'bin/systemctl'
        path.write_text('#!/bin/sh\ncase $1 in stop) exit 1;; esac\n')
        result = self.transports.run(
            timers.disarm(FAULT, self.host.address))
        self.assertNotEqual(0, result.exit_status)

    def test_unit_is_there_already(self):
        """An error of systemd-run is one of the command."""
        path = self.host.root / 'bin/systemd-run'
        path.write_text('#!/bin/sh\necho exists already >&2; exit 1\n')
        result = self.transports.run(timers.arm(
            FAULT, self.host.address, 5, 'true'))
        self.assertEqual((1, 'exists already\n'),
                         (result.exit_status, result.stderr))
