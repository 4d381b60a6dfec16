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

"""Signals wait for a repair: real ones, in processes of their own."""

import io
import json
import pathlib
import signal

import fixtures

from self_healing_tempest_plugin.faults import interrupts
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import ready_processes
from self_healing_tempest_plugin import waiting

# A run whose fault is a file. Commands say where they are by a line on
# standard output, and go on when somebody says so, or when they have waited.
# What ends the run is the last line of standard error.
RUN = """
import fixtures, os, pathlib, signal, sys, threading, time
from self_healing_tempest_plugin.faults import journals, lifecycle, transports
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.watching import recorders
directory, where = pathlib.Path(sys.argv[1]), sys.argv[2]
file = directory / 'fault'


def at(place, line='true'):
    stop = ('touch %s/at; for i in $(seq 20); do '
            '[ -e %s/go ] && break; sleep 0.1; done; ') % (
                directory, directory) if place == where else ''
    return host_samples.sh(stop + line)


plan = host_samples.file_plan(
    file, arm=(at('arm'),), inject=(at('inject', 'touch %s' % file),),
    revert=(at('revert', 'rm -f %s' % file),), disarm=(at('disarm'),))


def pause(place):
    if sys.argv[3] == place:
        fixtures.Timeout(1, gentle=True).setUp()
    if place == where:
        (directory / 'at').touch()
        for _ in range(30):
            if (directory / 'go').exists():
                return
            time.sleep(0.1)


journal = journals.Journal(str(directory / 'state'))
with journal.held(), lifecycle.injected(
        plan, journal, transports.Transports(host_samples.ACCESS),
        host_samples.TIMES, recorders.Recorder(),
        gate=lambda: pause('gate')):
    pause('body')
print('went on', flush=True)
"""

HELD, LIFE = ('arm', 'gate', 'inject', 'revert', 'disarm'), [
    'planned', 'armed', 'injected', 'witnessed', 'reverted', 'verified']


class InterruptTest(host_samples.JournalTestCase):
    """faults.interrupts and faults.lifecycle."""

    def begin(self, where, timeout='', ignored=()):
        """Start a run, and wait until it is at a place.

        :param timeout: place where the timeout of a test of a second is
            set
        :param ignored: signals that the run's process ignores
        """
        for name in ('at', 'go'):
            (self.directory / name).unlink(missing_ok=True)
        run = ready_processes.Process(
            None, str(self.directory), where, timeout, program=RUN,
            ignored=ignored)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        waiting.wait_for((self.directory / 'at').exists, what=where,
                         timeout=60, interval=0.02)
        return run

    def end(self, run, *numbers):
        """Send signals, let it go on, and see the fault gone.

        :returns: exit status and standard error
        """
        for number in numbers:
            run.send_signal(number)
            # Two of the same kind at once are one.
            waiting.pause(0.1)
        (self.directory / 'go').touch()
        stdout, stderr = run.communicate(timeout=60)
        self.assertNotIn('went on', stdout)
        self.assertFalse(self.file.exists())
        self.assertEqual('verified', self.states()[-1], stderr)
        return run.returncode, stderr

    def test_places_and_signals(self):
        """Wherever a signal strikes, the fault is repaired before delivery."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                   signal.SIGALRM)
        for count, where in enumerate((*HELD, 'body')):
            for number in (numbers if where == 'revert'
                           else numbers[count % 4:][:1]):
                run = self.begin(where)
                status, stderr = self.end(run, number)
                self.assertEqual(-number, status, (where, stderr))
                if where != 'body':
                    self.assertIn('%s waits: the repair of: file' %
                                  number.name, stderr, where)

    def test_no_injection_after_one(self):
        """A signal before the injection keeps it from being done."""
        for where in ('arm', 'gate'):
            self.end(self.begin(where), signal.SIGTERM)
            self.assertEqual(['planned', 'armed', 'reverted', 'verified'],
                             self.states())

    def test_impatience(self):
        """A second and a third one, of any kind, do not end the repair."""
        run = self.begin('revert')
        status, stderr = self.end(run, signal.SIGINT, signal.SIGINT,
                                  signal.SIGTERM, signal.SIGINT)
        self.assertIn(status, (-signal.SIGINT, -signal.SIGTERM))
        self.assertGreaterEqual(stderr.count('must not be interrupted'), 3)
        self.assertEqual(LIFE, self.states())

    def test_one_is_let_through(self):
        """The next one is held, so that the way to the repair is free."""
        self.useFixture(fixtures.MonkeyPatch('sys.stderr', io.StringIO()))
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.signal(number, signal.default_int_handler)
            self.addCleanup(signal.signal, number, handler)
        held = interrupts.Interrupts('it')
        self.addCleanup(held.release)
        held.hold()
        held.let_through()
        self.assertRaises(KeyboardInterrupt, signal.raise_signal,
                          signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        self.assertEqual([signal.SIGTERM], held.pending)
        self.assertRaises(interrupts.Interrupted, held.let_through)
        self.assertRaises(KeyboardInterrupt, held.release)
        self.assertIs(signal.default_int_handler,
                      signal.getsignal(signal.SIGTERM))

    def test_second_one_on_the_way_to_the_repair(self):
        run = self.begin('body')
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGTERM)
        self.end(run)
        self.assertEqual(LIFE, self.states())

    def test_timeout_of_a_test(self):
        """The timeout of "fixtures", wherever it strikes."""
        for where, place in (('gate', 'gate'), ('revert', 'body'),
                             ('body', 'body'), ('body', 'gate')):
            run = self.begin(where, place)
            stdout, stderr = run.communicate(timeout=60)
            self.assertIn('TimeoutException', stderr.splitlines()[-1])
            self.assertNotIn('went on', stdout)
            self.assertFalse(self.file.exists())
            self.assertEqual('verified', self.states()[-1], stderr)

    def test_ignored(self):
        """A signal that a run ignores, as with nohup, stays ignored."""
        run = self.begin('body', ignored=(signal.SIGHUP,))
        run.send_signal(signal.SIGHUP)
        (self.directory / 'go').touch()
        stdout, _ = run.communicate(timeout=60)
        self.assertEqual(('went on\n', 0), (stdout, run.returncode))

    def test_way_out(self):
        """SIGQUIT abandons all; the journal knows, and it is taken back."""
        run = self.begin('revert')
        run.send_signal(signal.SIGQUIT)
        run.communicate(timeout=60)
        self.assertEqual(-signal.SIGQUIT, run.returncode)
        self.assertEqual(1, len(self.journal.open_entries()))
        path = pathlib.Path(self.journal.path)
        self.assertEqual('started', json.loads(
            path.read_text().splitlines()[-1])['state'])
