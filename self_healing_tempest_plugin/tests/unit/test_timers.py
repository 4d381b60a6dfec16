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

import time

from self_healing_tempest_plugin.faults import timers
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
        command = timers.arm(FAULT, self.host.address, 0.1,
                             'touch "%s"' % self.mark)
        self.ssh(*command.argv, sudo=True).check()
        self.assertTrue(self.fires(5))


class SystemdTimerTest(TimerTest):
    """On a host with systemd, which the stand-ins play."""

    armed = 'run/self-healing-%s.timer.pid' % FAULT

    def setUp(self):
        super().setUp()
        (self.host.root / 'run/systemd/system').mkdir(parents=True)

    def test_timer_that_stays(self):
        """Who cannot stop it must not say so."""
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
