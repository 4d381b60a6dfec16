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

"""The life of a fault: what is recorded, and that it is taken back."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import recorders

State = journals.State
sh = host_samples.sh

HEALTHY = ['planned', 'armed', 'injected', 'witnessed', 'reverted',
           'verified']

# Injects a fault, and gets a signal before or after a line of its journal.
FATAL = """
import os, pathlib, signal, sys
from self_healing_tempest_plugin.faults import journals, lifecycle, transports
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.watching import recorders
state, moment, name = sys.argv[2:]
directory = pathlib.Path(sys.argv[1])


class Fatal(journals.Journal):
    def _write(self, fault_id, now, **fields):
        for when in ('before', 'after'):
            if (state, moment) == (now.value, when):
                os.kill(os.getpid(), signal.SIGKILL)
            if when == 'before':
                super()._write(fault_id, now, **fields)


journal = Fatal(str(directory / 'state'))
plan = host_samples.file_plan(directory / name)
with journal.held(), lifecycle.injected(
        plan, journal, transports.Transports(host_samples.ACCESS),
        host_samples.TIMES, recorders.Recorder()):
    pass
"""


class LifeTestCase(host_samples.JournalTestCase):
    """The life of one fault."""

    def live(self, plan, during=lambda: None, times=host_samples.TIMES):
        """Go through the life of a fault."""
        with lifecycle.injected(plan, self.journal, self.transports, times,
                                self.recorder):
            during()

    def told(self):
        """Return the transitions of the timeline by name."""
        return [transition.name
                for transition in self.recorder.timeline().transitions]

    def take_back(self, plan, patience=0.0, times=host_samples.TIMES):
        """Take a fault back as a process that has not injected it."""
        lifecycle.Life(plan, self.journal, self.transports, times,
                       self.recorder).take_back(patience)


class LifeTest(LifeTestCase):
    """faults.lifecycle with a fault that is a file."""

    def test_healthy(self):
        """Journal and timeline tell the same, in order."""
        seen = []
        plan = self.plan()
        self.live(plan, lambda: seen.append(
            (self.file.exists(), self.states())))
        self.assertEqual([(True, HEALTHY[:4])], seen)
        self.assertFalse(self.file.exists())
        self.assertEqual((HEALTHY, HEALTHY), (self.states(), self.told()))
        self.assertEqual((), self.journal.open_entries())

    def test_transitions(self):
        """Each transition begins after the last, and says what was done."""
        self.live(self.plan())
        seen = self.recorder.timeline().transitions
        for before, after in zip(seen, seen[1:]):
            self.assertLessEqual(before.begin, before.end)
            self.assertLessEqual(before.end, after.begin)
        self.assertEqual(
            ['file %s' % self.file, 'no timer on host c1', '', 'file'],
            [transition.detail for transition in seen[:4]])

    def test_written_before_touched(self):
        """Each command finds in the journal what is about to happen."""
        log = self.directory / 'log'
        look = 'wc -l <%s >>%s' % (self.journal.path, log)
        self.live(self.plan(
            arm=(sh(look),), inject=(sh('touch %s; %s' % (self.file, look)),),
            revert=(sh('rm -f %s; %s' % (self.file, look)),),
            disarm=(sh(look),), timer=7.0))
        # The process of each is in it, too.
        self.assertEqual(['2', '4', '7', '9'], log.read_text().split())
        armed = self.recorder.timeline().transition('armed')
        self.assertEqual('timer of 7 s on host c1', armed.detail)

    def test_disarmed_last(self):
        """Only when it is seen that the fault is gone."""
        mark = self.directory / 'disarmed'
        plan = self.plan(revert=(sh('true'),),
                         disarm=(sh('touch %s' % mark),))
        self.assertRaises(lifecycle.RevertFailed, self.live, plan)
        self.assertFalse(mark.exists())
        self.file.unlink()
        self.take_back(plan)
        self.assertTrue(mark.exists())

    def test_disarm_fails(self):
        """A timer that may still be there is a fault that may come back."""
        error = self.assertRaises(lifecycle.RevertFailed, self.live,
                                  self.plan(disarm=(sh('exit 3'),)))
        self.assertIn('exit status 3', str(error))
        self.assertTrue(self.journal.open_entries())

    def test_unwitnessed(self):
        """The run goes on to its verdict, and the fault is taken back."""
        ran = []
        plan = self.plan(inject=(sh('true'),))
        self.live(plan, lambda: ran.append(True))
        self.assertEqual([True], ran)
        names = HEALTHY[:3] + ['unwitnessed'] + HEALTHY[4:]
        self.assertEqual((names, names), (self.states(), self.told()))
        self.assertIn('not so: file', self.recorder.timeline().transition(
            'unwitnessed').detail)

    def test_all_witnesses_are_needed(self):
        plan = self.plan()
        never = plans.Check('a second witness', sh('false'))
        self.live(dataclasses.replace(
            plan, witnesses=(*plan.witnesses, never)))
        detail = self.recorder.timeline().transition('unwitnessed').detail
        self.assertIn('not so: a second witness', detail)
        self.assertNotIn('not so: file', detail)

    def test_witness_that_cannot_answer(self):
        """A check that cannot answer is no witness."""
        plan = self.plan()
        broken = plans.Check('x', sh('echo lost >&2; exit 2'), holds=False)
        self.live(dataclasses.replace(plan, witnesses=(broken,)))
        self.assertIn('unknown whether x', self.recorder.timeline()
                      .transition('unwitnessed').detail)

    def test_late_witness(self):
        plan = self.plan(inject=(sh('(sleep 0.2; touch %s) &' % self.file),))
        self.live(plan)
        self.assertEqual(HEALTHY, self.states())

    def test_arming_fails(self):
        """Without the way back nothing is broken."""
        plan = self.plan(arm=(sh('echo no timer >&2; exit 1'),),
                         inject=(sh('touch %s.broken' % self.file),))
        error = self.assertRaises(commands.CommandFailed, self.live, plan)
        self.assertIn('no timer', str(error))
        self.assertFalse(os.path.exists('%s.broken' % self.file))
        self.assertEqual(['planned', 'reverted', 'verified'], self.states())

    def test_injection_fails_half_way(self):
        """A command that has done its work and then fails is taken back."""
        plan = self.plan(inject=(
            sh('touch %s; echo half >&2; exit 1' % self.file),))
        error = self.assertRaises(commands.CommandFailed, self.live, plan)
        self.assertIn('half', str(error))
        self.assertFalse(self.file.exists())
        self.assertEqual(['planned', 'armed', 'reverted', 'verified'],
                         self.states())

    def test_injection_never_returns(self):
        self.transports = transports.Transports(dataclasses.replace(
            host_samples.ACCESS, local_timeout=1))
        plan = self.plan(inject=(
            sh('touch %s; exec sleep 60' % self.file),))
        self.assertRaises(commands.CommandFailed, self.live, plan)
        self.assertFalse(self.file.exists())

    def test_error_inside(self):
        """Whatever ends the with, the fault is taken back."""
        for error in (KeyboardInterrupt, SystemExit, KeyError):
            def fail(error=error):
                self.assertTrue(self.file.exists())
                raise error

            self.assertRaises(error, self.live, self.plan(), fail)
            self.assertFalse(self.file.exists())
            self.assertEqual(HEALTHY, self.states())

    def test_interrupt_during_injection(self):
        """The signal of Ctrl-C, while a command runs."""
        plan = self.plan(inject=(sh('touch %s; kill -INT %d; sleep 5' % (
            self.file, os.getpid())),))
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, handler)
        self.assertRaises(KeyboardInterrupt, self.live, plan)
        self.assertFalse(self.file.exists())
        self.assertEqual('verified', self.states()[-1])

    def test_revert_goes_on(self):
        """Past errors, the last step first, and all errors are told."""
        log = self.directory / 'log'
        steps = [sh('echo %s >>%s; exit %d' % (name, log, status))
                 for name, status in (('one', 1), ('two', 0), ('three', 4))]
        plan = self.plan(revert=tuple(steps))
        error = self.assertRaises(lifecycle.RevertFailed, self.live, plan)
        ran = log.read_text().split()
        self.assertEqual(['three', 'two', 'one'], ran[:3])
        self.assertEqual({'three', 'one'}, set(ran[3:]))
        for text in ('exit status 1', 'exit status 4', 'not so: no file',
                     'run: self-healing-tempest revert', 'file %s' % self.file
                     ):
            self.assertIn(text, str(error))
        self.assertIn('exit status 4', self.recorder.timeline().transition(
            'reverted').detail)

    def test_revert_fails_and_fault_is_gone(self):
        """A revert that failed has not been done, though the fault is gone."""
        plan = self.plan(revert=(
            sh('rm -f %s; exit 1' % self.file),))
        error = self.assertRaises(lifecycle.RevertFailed, self.live, plan)
        self.assertIn('exit status 1', str(error))
        self.assertEqual(HEALTHY[:5], self.states())

    def test_verify_fails(self):
        """The entry stays open, and the message says what to run."""
        plan = self.plan(revert=(sh('true'),))
        error = self.assertRaises(lifecycle.RevertFailed, self.live, plan)
        self.assertIn('The fault may still be there: file %s' % self.file,
                      str(error))
        self.assertIn('run: self-healing-tempest revert', str(error))
        self.assertEqual(HEALTHY[:5], self.states())
        self.assertEqual([plan], [entry.plan for entry in
                                  self.journal.open_entries()])

    def test_verify_fails_after_an_error(self):
        """Neither of both errors hides the other."""
        def fail():
            raise KeyError('mine')

        plan = self.plan(revert=(sh('true'),))
        error = self.assertRaises(lifecycle.RevertFailed, self.live, plan,
                                  fail)
        self.assertIsInstance(error.__context__, KeyError)

    def test_late_repair(self):
        """A fault that is gone a little later is gone."""
        plan = self.plan(revert=(
            sh('(sleep 0.2; rm -f %s) >/dev/null 2>&1 &' % self.file),))
        self.live(plan)
        self.assertEqual(HEALTHY, self.states())

    def test_journal_fails_on_the_plan(self):
        """A fault that is not written down is not injected."""
        self.state_dir.write_text('no directory')
        self.assertRaises(journals.JournalError, self.live, self.plan())
        self.assertFalse(self.file.exists())
        self.assertEqual([], self.told())

    def test_journal_fails_later(self):
        """The fault is taken back all the same."""
        plan = self.plan()
        error = self.assertRaises(lifecycle.RevertFailed, self.live, plan,
                                  lambda: self.break_journal())
        self.assertIn('Journal of faults', str(error))
        self.assertFalse(self.file.exists())

    def break_journal(self):
        os.rename(self.journal.path, self.journal.path + '.before')
        os.mkdir(self.journal.path)

    def test_unmet(self):
        plan = self.plan()
        self.assertEqual((), lifecycle.unmet(plan, self.transports))
        self.file.touch()
        self.assertEqual(
            ('not so: no file; look at: file %s' % self.file,),
            lifecycle.unmet(plan, self.transports))
        lost = plans.Check('x', sh('echo lost >&2; exit 2'))
        (text,) = lifecycle.unmet(dataclasses.replace(plan, checks=(lost,)),
                                  self.transports)
        self.assertIn('unknown whether x: ', text)
        self.assertIn('lost', text)


# How a command that repairs may fail at first: lines that end with the n-th
# attempt, counted in "{count}".
ONCE = {
    'exit status': 'exit 1',
    'BMC': 'echo "Error: Unable to establish IPMI v2 / RMCP+ session" >&2; '
           'exit 1',
    'BMC that is busy': 'echo "Set Chassis Power Control to Up/On failed: '
                        'Node busy" >&2; exit 1',
    'Redfish': 'echo "409 Conflict" >&2; exit 22',
    'signal': 'kill -KILL $$',
    'usage': 'exit 2',
    'not found for once': 'exit 127',
    'SSH of its own': 'echo "Connection timed out during banner exchange" '
                      '>&2; exit 255',
    'says nothing': 'exec >&- 2>&-; exit 3',
    'half of it': 'touch {file}.half; exit 4',
    'strange bytes': r"printf '\377' >&2; exit 5",
}


class RetryTest(LifeTestCase):
    """A command that failed was not carried out: it is run again."""

    def plan_of(self, line, attempts):
        count = self.directory / 'count'
        count.unlink(missing_ok=True)
        return count, self.plan(revert=(sh(
            'echo x >>{count}; [ $(wc -l <{count}) -ge {attempts} ] || {{ '
            '{line}; }}; rm -f {file}'.format(
                count=count, attempts=attempts, file=self.file,
                line=line.format(file=self.file))),))

    def test_once(self):
        """The fault is verified only when the command has succeeded."""
        times = dataclasses.replace(host_samples.TIMES, host_return=30.0)
        for name, line in ONCE.items():
            count, plan = self.plan_of(line, 3)
            self.live(plan, times=times)
            self.assertEqual(3, count.read_text().count('x'), name)
            self.assertEqual(HEALTHY, self.states(), name)
            self.assertEqual('', self.recorder.timeline().transitions[
                -2].detail, name)

    def test_never(self):
        """The entry stays open, whatever the checks say."""
        for name, line in ONCE.items():
            count, plan = self.plan_of('rm -f {file}; ' + line, 9999)
            error = self.assertRaises(lifecycle.RevertFailed, self.live, plan)
            self.assertIn('Command failed', str(error), name)
            self.assertGreater(count.read_text().count('x'), 1, name)
            self.assertEqual(HEALTHY[:5], self.states(), name)
            self.assertFalse(self.file.exists())
            self.journal.record(plan.id, State.VERIFIED)

    def test_others_do_not_wait(self):
        """A command that fails does not keep the others back."""
        second = self.directory / 'other'
        _, plan = self.plan_of('exit 1', 9999)
        plan = dataclasses.replace(plan, revert=(
            sh('touch %s' % second), *plan.revert))
        self.assertRaises(lifecycle.RevertFailed, self.live, plan,
                          lambda: second.unlink(missing_ok=True))
        self.assertTrue(second.exists())

    def test_too_long(self):
        """A command that hangs at first is ended and run again."""
        self.transports = transports.Transports(dataclasses.replace(
            host_samples.ACCESS, local_timeout=1))
        times = dataclasses.replace(host_samples.TIMES, host_return=30.0)
        count, plan = self.plan_of('sleep 60', 2)
        self.live(plan, times=times)
        self.assertEqual(2, count.read_text().count('x'))

    def test_no_help(self):
        """A failure that another try cannot help is told, not tried again."""
        times = dataclasses.replace(host_samples.TIMES, host_return=600.0)
        for transport, argv, word in (
                ('local', ('/no/such',), 'No such file'),
                ('pigeon', ('fly',), 'no transport pigeon'),
                ('ssh', ('true',), 'host_ssh_key_file')):
            plan = self.plan(revert=(
                sh('rm -f %s' % self.file),
                plans.Command(transport, 'c1', argv)))
            error = self.assertRaises(lifecycle.RevertFailed, self.live, plan,
                                      times=times)
            self.assertIn(word, str(error))
            self.assertEqual(HEALTHY[:5], self.states())

    def test_timer_stays(self):
        """A run that has not repaired leaves the timer that may."""
        mark = self.directory / 'disarmed'
        _, plan = self.plan_of('rm -f {file}; exit 1', 9999)
        marked = dataclasses.replace(plan,
                                     disarm=(sh('touch %s' % mark),))
        self.assertRaises(lifecycle.RevertFailed, self.live, marked)
        self.assertFalse(mark.exists())

    def test_disarm_once(self):
        """The command that stops the timer is tried again, too."""
        count, plan = self.plan_of('exit 1', 2)
        self.live(self.plan(disarm=plan.revert), times=dataclasses.replace(
            host_samples.TIMES, host_return=30.0))
        self.assertEqual(2, count.read_text().count('x'))

    def test_surprise(self):
        """An error that nobody has thought of ends nothing of it."""
        run = self.transports.run

        def surprising(command, *more):
            if command.argv == ('surprise',):
                raise ZeroDivisionError('surprise')
            return run(command, *more)

        self.transports.run = surprising
        plan = self.plan()
        odd = plans.Command('ssh', 'c1', ('surprise',))
        error = self.assertRaises(
            lifecycle.RevertFailed, self.live,
            dataclasses.replace(plan, revert=(*plan.revert, odd)))
        self.assertIn('surprise', str(error))
        self.assertFalse(self.file.exists())


class GateTest(LifeTestCase):
    """What is asked last, right before the injection."""

    def setUp(self):
        super().setUp()
        self.servers = [{'tenant_id': 'mine'}]
        self.services = [{'host': 'c1', 'binary': 'nova-compute'}]
        self.settings = host_samples.SETTINGS

    def ask(self):
        gates.check('c1', self.servers, self.services, ['mine'], self.settings)

    def test_order(self):
        """The timer is armed by then, and nothing is broken."""
        seen = []
        with lifecycle.injected(
                self.plan(), self.journal, self.transports,
                host_samples.TIMES, self.recorder, gate=lambda: seen.append(
                    (self.states(), self.file.exists()))):
            seen.append(self.file.exists())
        self.assertEqual([(HEALTHY[:2], False), True], seen)
        self.assertEqual(HEALTHY, self.states())

    def test_refused(self):
        """Nothing was broken, all is verified, and the run is refused."""
        def fail(error):
            raise error

        touched = self.directory / 'touched'
        changes = {
            'server of another project': lambda: self.servers.append(
                {'tenant_id': 'theirs'}),
            "server of nobody's": lambda: self.servers.append({}),
            'server of none': lambda: self.servers.append(
                {'tenant_id': None}),
            'another service of Nova': lambda: self.services.append(
                {'host': 'c1', 'binary': 'nova-conductor'}),
            'service without a name': lambda: self.services.append(
                {'host': 'c1'}),
            'host taken from the list': lambda: setattr(
                self, 'settings', dataclasses.replace(
                    self.settings, fault_hosts=('c2',))),
            'faults forbidden': lambda: setattr(
                self, 'settings', dataclasses.replace(
                    self.settings, allow_faults=False)),
            'Nova does not answer': lambda: fail(ConnectionError('503')),
            'nonsense from Nova': lambda: self.servers.append(7),
            'timeout': lambda: fail(TimeoutError('late')),
            'end of the run': lambda: fail(SystemExit(3)),
            'Ctrl-C': lambda: fail(KeyboardInterrupt())}
        for name, change in changes.items():
            self.setUpAgain()
            plan = self.plan(inject=(sh('touch %s' % touched),))
            try:
                with lifecycle.injected(
                        plan, self.journal, self.transports,
                        host_samples.TIMES, self.recorder,
                        gate=lambda change=change: (change(), self.ask())):
                    self.fail(name)
            except BaseException as error:
                self.assertNotIsInstance(error, (self.failureException,
                                                 lifecycle.RevertFailed), name)
            self.assertFalse(touched.exists(), name)
            self.assertEqual(['planned', 'armed', 'reverted', 'verified'],
                             self.states(), name)
            self.journal.refuse_open()

    def setUpAgain(self):
        self.servers[1:], self.services[1:] = [], []
        self.settings = host_samples.SETTINGS

    def test_others_are_no_reason(self):
        """Servers on other hosts, and more of our own, are no reason."""
        self.servers.append({'tenant_id': 'mine'})
        self.services.append({'host': 'c11', 'binary': 'nova-conductor'})
        with lifecycle.injected(
                self.plan(), self.journal, self.transports,
                host_samples.TIMES, self.recorder, gate=self.ask):
            self.assertTrue(self.file.exists())


class SignalTest(LifeTestCase):
    """Where a signal strikes in this very process, see test_interrupts."""

    class Struck(Exception):
        """What the handler of a run raises."""

    def setUp(self):
        super().setUp()
        self.seen = []
        before = signal.signal(signal.SIGTERM, self.strike)
        self.addCleanup(signal.signal, signal.SIGTERM, before)
        self.fault = lifecycle.injected(
            self.plan(), self.journal, self.transports, host_samples.TIMES,
            self.recorder)

    def strike(self, *_):
        self.seen.append(self.file.exists())

    def test_on_the_way_to_the_repair(self):
        """Where the body is over and the repair has not begun, it waits."""
        hold = self.fault._signals.hold

        def hold_late():
            signal.raise_signal(signal.SIGTERM)
            hold()

        with self.fault:
            self.fault._signals.hold = hold_late
        waiting.wait_for(lambda: self.seen, what='signal', timeout=60,
                         interval=0.02)
        self.assertEqual([False], self.seen)
        self.assertEqual(HEALTHY, self.states())

    def test_in_the_wait_for_a_witness(self):
        """A signal ends the wait, which may be long, and starts the repair."""
        wait = self.fault._life._wait

        def struck(*_):
            self.seen.append(self.file.exists())
            raise self.Struck

        def wait_struck(*args):
            if not self.seen:
                signal.raise_signal(signal.SIGTERM)
            wait(*args)

        signal.signal(signal.SIGTERM, struck)
        self.fault._life._wait = wait_struck
        self.assertRaises(self.Struck, self.fault.__enter__)
        self.assertEqual([True], self.seen)
        self.assertFalse(self.file.exists())
        self.assertEqual(['planned', 'armed', 'injected', 'reverted',
                          'verified'], self.states())


class CheckTest(LifeTestCase):
    """faults.checks."""

    def complaint(self, line, pattern='', holds=True):
        return lifecycle.checks.complaint(
            plans.Check('it', sh(line), pattern, holds), self.transports)

    def test_exit_status(self):
        """0 is a yes, 1 a no, all else is no answer."""
        self.assertEqual('', self.complaint('exit 0'))
        self.assertEqual('not so: it', self.complaint('exit 1'))
        self.assertEqual('not so: it', self.complaint('exit 0', holds=False))
        self.assertEqual('', self.complaint('exit 1', holds=False))
        for holds in (True, False):
            self.assertIn('unknown whether it',
                          self.complaint('exit 2', holds=holds))

    def test_pattern(self):
        """Looked for in all lines; a command that fails is no answer."""
        self.assertEqual('', self.complaint('echo a; echo ON', '^on$'))
        self.assertEqual('not so: it (only)',
                         self.complaint('echo only', '^on$'))
        self.assertEqual('', self.complaint('echo only', '^on$', False))
        for holds in (True, False):
            self.assertIn('unknown whether it', self.complaint(
                'echo on; exit 1', '^on$', holds))


class HostLifeTest(host_samples.HostTestCase, LifeTestCase):
    """faults.lifecycle with a host over SSH."""

    def touching(self, **changes):
        """Return a fault that is a file on the host."""
        target = self.target()
        mark = self.host.root / 'broken'
        there = target.ssh('test', '-e', str(mark))
        return mark, plans.Plan(**dict(dict(
            id=plans.new_id(), kind='x', host='c1', description='broken',
            look_at='it', checks=(plans.Check('whole', there, holds=False),),
            inject=(target.ssh('touch', str(mark)),),
            witnesses=(plans.Check('broken', there),),
            revert=(target.ssh('rm', '-f', str(mark)),)), **changes))

    def test_data_nic_down(self):
        """A whole life over SSH, with the timer on the host."""
        plan = kinds.KINDS['data-nic-down'](self.target(), self.transports)
        armed = self.host.root / 'run' / ('self-healing-%s.pid' % plan.id)
        seen = []
        self.live(plan, lambda: seen.append(
            (self.host.nic('eth1')['up'], armed.exists())))
        self.assertEqual([(False, True)], seen)
        self.assertTrue(self.host.nic('eth1')['up'])
        self.assertFalse(armed.exists())
        self.assertEqual((HEALTHY, HEALTHY), (self.states(), self.told()))

    def test_host_comes_back(self):
        """A host that does not answer is tried again until it does."""
        access = dataclasses.replace(self.access, timeout=0.5)
        self.transports = transports.Transports(access)
        mark, plan = self.touching()
        timer = threading.Timer(0.8, self.host.power, (True,))
        self.addCleanup(timer.join)

        def fall_silent():
            self.host.power(False)
            timer.start()

        self.live(plan, fall_silent)
        self.assertFalse(mark.exists())
        self.assertEqual(HEALTHY, self.states())

    def test_host_stays_away(self):
        """Not longer than its timer and the margin."""
        self.patch(lifecycle, 'RETURN_MARGIN', 0.5)
        _, plan = self.touching(timer=0.5)
        begin = time.monotonic()
        error = self.assertRaises(lifecycle.RevertFailed, self.live, plan,
                                  self.host.refuse)
        self.assertGreater(time.monotonic() - begin, 1.0)
        self.assertLess(time.monotonic() - begin, 6)
        self.assertIn('Unable to connect', str(error))
        self.assertEqual(HEALTHY[:5], self.states())

    def test_refused_key_is_not_tried_again(self):
        """Only a host that may answer later is asked later."""
        mark, plan = self.touching(timer=60.0)
        begin = time.monotonic()
        error = self.assertRaises(lifecycle.RevertFailed, self.live, plan,
                                  self.forget_host)
        self.assertLess(time.monotonic() - begin, 5)
        self.assertIn('host_ssh_known_hosts_file', str(error))
        self.assertTrue(mark.exists())

    def forget_host(self):
        self.known_hosts.write_text('')

    def test_strange_error(self):
        """Bytes of another language do not end the way back."""
        bad = self.target().ssh('sh', '-c', r"printf '\377' >&2; exit 1")
        mark, plan = self.touching()
        error = self.assertRaises(
            lifecycle.RevertFailed, self.live,
            dataclasses.replace(plan, revert=(*plan.revert, bad)))
        self.assertIn('exit status 1', str(error))
        self.assertFalse(mark.exists())

    def test_connection_breaks_in_revert(self):
        """A command whose end nobody saw is run again."""
        mark, plan = self.touching()
        breaks = iter([lambda transport: transport.close()])

        def before_result(transport):
            next(breaks, lambda _: None)(transport)

        def during():
            self.host.before_result = before_result

        self.live(plan, during)
        self.assertFalse(mark.exists())
        self.assertEqual('', self.recorder.timeline().transition(
            'reverted').detail)

    def test_killed_run_and_timer(self):
        """Nobody reverts; the host itself does, and then it is verified."""
        plan = kinds.KINDS['data-nic-down'](
            dataclasses.replace(self.target(), settings=dataclasses.replace(
                self.settings, timeouts=self.times(host_timer=0.6))),
            self.transports)
        life = lifecycle.Life(plan, self.journal, self.transports,
                              host_samples.TIMES, recorders.Recorder())
        life.plan()
        life.arm()
        life.inject()
        self.assertFalse(self.host.nic('eth1')['up'])
        waiting.wait_for(lambda: self.host.nic('eth1')['up'],
                         what='the timer', timeout=5, interval=0.05)
        self.take_back(plan)
        self.assertEqual('verified', self.states()[-1])


class CrashTest(LifeTestCase):
    """A process that is killed leaves what another one takes back."""

    def killed(self, state, moment):
        """Return a file that is the fault of a run that was killed."""
        name = '%s-%s' % (moment, state)
        process = subprocess.run(
            [sys.executable, '-c', FATAL, str(self.directory), state, moment,
             name], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(-signal.SIGKILL, process.returncode, process.stderr)
        return self.directory / name

    def assert_taken_back(self, file, states):
        """Take back what is open, and look whether it is gone."""
        entries = self.journal.open_entries()
        self.assertEqual([states], [[state.value for state in entry.states]
                                    for entry in entries])
        with self.journal.held():
            self.take_back(entries[0].plan)
        self.assertFalse(file.exists())
        self.assertEqual((), self.journal.open_entries())

    def test_before_planned(self):
        """Nothing is written, and nothing was touched."""
        file = self.killed('planned', 'before')
        self.assertFalse(file.exists())
        self.assertEqual(((), ()), self.journal.read())

    def test_after_planned(self):
        file = self.killed('planned', 'after')
        self.assertFalse(file.exists())
        self.assert_taken_back(file, HEALTHY[:1])

    def test_before_injected(self):
        """The fault is there, and the journal does not know yet."""
        file = self.killed('injected', 'before')
        self.assertTrue(file.exists())
        self.assert_taken_back(file, HEALTHY[:2])

    def test_after_witnessed(self):
        file = self.killed('witnessed', 'after')
        self.assertTrue(file.exists())
        self.assert_taken_back(file, HEALTHY[:4])

    def test_before_verified(self):
        """The fault is gone, and nobody has seen that."""
        file = self.killed('verified', 'before')
        self.assert_taken_back(file, HEALTHY[:5])
