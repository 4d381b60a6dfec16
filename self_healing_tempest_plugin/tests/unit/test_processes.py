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

"""No command survives the run that has started it: real processes."""

import dataclasses
import json
import multiprocessing
import os
import pathlib
import signal
import subprocess
import time

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import processes
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import test_lifecycle
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import recorders

sh = host_samples.sh

# What breaks "{file}" a while after its run was killed, once it has said by
# "{begun}" that it has begun.
CHILDREN = {
    'wrapper that sleeps': 'touch {begun}; sleep 3; touch {file}',
    'program that it has become':
        'touch {begun}; exec sh -c "sleep 3; touch {file}"',
    'one in the background':
        '(sleep 3; touch {file}) >/dev/null 2>&1 & touch {begun}; sleep 9',
    'one that its leader has left':
        '(sleep 3; touch {file}) >/dev/null 2>&1 & touch {begun}',
    'one in a session of its own': 'setsid sh -c "touch {begun}; sleep 3; '
        'touch {file}" >/dev/null 2>&1 & sleep 9',
    'one that nobody is the parent of': 'setsid sh -c "(touch {begun}; '
        'sleep 3; touch {file}) &" >/dev/null 2>&1',
    'one that ignores SIGTERM': 'trap "" TERM HUP INT; touch {begun}; '
        'sleep 3; touch {file}',
    'one that is stopped': 'sh -c "touch {begun}; kill -STOP \\$\\$; '
        'touch {file}"; touch {file}',
    'one that acts on SIGTERM':
        'trap "touch {file}; exit" TERM; touch {begun}; sleep 3; exit',
    'pipeline': 'touch {begun}; (sleep 3; echo x) | (read x; touch {file})',
    'one that has another environment':
        'touch {begun}; env -i sh -c "sleep 3; touch {file}"',
    'one that makes others': 'touch {begun}; for i in 1 2 3 4 5 6; do '
        'sleep 0.5; done; touch {file}',
    'one that waits for input': 'touch {begun}; sleep 3 | cat; touch {file}',
    'two of them, and both in a hurry': 'for i in 1 2; do (sleep 3; '
        'touch {file}) >/dev/null 2>&1 & done; touch {begun}; wait',
}


class ProcessTestCase(test_lifecycle.LifeTestCase):
    """A journal, and processes of runs that were killed."""

    def setUp(self):
        super().setUp()
        self.begun = self.directory / 'begun'

    def lines_of(self, line):
        return line.format(begun=self.begun, file=self.file)

    def killed(self, plan, journal_=None, when=None):
        """Inject a fault in a process that is killed once it has begun."""
        def inject():
            # Its child is to be the only one that says something.
            with open(os.devnull, 'w', encoding='utf-8') as nowhere:
                os.dup2(nowhere.fileno(), 2)
            with lifecycle.injected(plan, journal_ or self.journal,
                                    self.transports, host_samples.TIMES,
                                    recorders.Recorder()):
                signal.pause()

        run = multiprocessing.get_context('fork').Process(target=inject)
        run.start()
        if when is None:
            waiting.wait_for(self.begun.exists, what='its beginning',
                             timeout=20, interval=0.01)
            os.kill(run.pid, signal.SIGKILL)
        run.join(20)
        self.assertEqual(-signal.SIGKILL, run.exitcode)
        self.addCleanup(self.end_all, plan)

    def end_all(self, plan):
        for process in self.journal.processes(plan.id):
            processes.end(processes.from_dict(process))

    def alive(self, plan):
        """Return the ids of what is left of the processes of a fault."""
        return [pid for process in self.journal.processes(plan.id)
                for pid in processes.members(processes.from_dict(process))]


class ChildTest(ProcessTestCase):
    """A fault that is taken back stays so, whatever the run has started."""

    def assert_ended(self, name, line):
        plan = self.plan(inject=(sh(self.lines_of(line)),))
        self.killed(plan)
        self.assertNotEqual([], self.alive(plan), name)
        self.take_back(plan)
        self.assertEqual([], self.alive(plan), name)
        self.assertFalse(self.file.exists(), name)
        self.assertEqual('verified', self.states()[-1], name)
        # Not one program of its bears the mark in its environment.
        (process,) = [process for process in self.journal.processes(plan.id)
                      if process['breaks']]
        search = subprocess.run(
            ['grep', '-lsz', process['mark'], *(
                str(path) for path in pathlib.Path('/proc').glob(
                    '[0-9]*/environ'))], capture_output=True, text=True,
            check=False)
        self.assertEqual('', search.stdout, name)

    def test_in_the_same_run(self):
        """Nor does it survive an error of the run itself."""
        plan = self.plan(inject=(sh(self.lines_of(
            '(sleep 1; touch {file}) >/dev/null 2>&1 & exit 3')),))
        self.assertRaises(commands.CommandFailed, self.live, plan)
        self.assertEqual([], self.alive(plan))
        self.assertFalse(self.file.exists())

    def test_too_long(self):
        """A command that takes too long is ended with all its children."""
        mark = []
        begin = time.monotonic()
        self.assertRaises(
            commands.CommandFailed, commands.run, [
                'sh', '-c', 'sleep 60 & sleep 60'], 0.3,
            lambda process: mark.append(process))
        self.assertLess(time.monotonic() - begin, 20)
        self.assertEqual([], processes.members(mark[0]))

    def test_repair_leaves_what_it_started(self):
        """The host that was switched on is not switched off again."""
        host = self.directory / 'host'
        plan = self.plan(revert=(sh(
            'rm -f %s; setsid sh -c "touch %s; sleep 30" >/dev/null 2>&1 &'
            % (self.file, host)),))
        self.live(plan)
        for _ in range(2):
            self.take_back(plan)
        waiting.wait_for(host.exists, what='the host', timeout=5,
                         interval=0.05)
        marks = [process['mark'] for process in self.journal.processes(plan.id)
                 if not process['breaks']]
        left = [pid for process in self.journal.processes(plan.id)
                for pid in processes.members(dataclasses.replace(
                    processes.from_dict(process), breaks=True))]
        self.assertEqual(3, len(marks))
        self.assertNotEqual([], left)
        for pid in left:
            os.kill(pid, signal.SIGKILL)

    def test_repair_that_was_killed(self):
        """A power-on that sleeps goes, before another fault begins."""
        plan = self.plan(revert=(sh('touch %s; sleep 60' % self.begun),))
        run = multiprocessing.get_context('fork').Process(
            target=self.live, args=(plan,))
        run.start()
        waiting.wait_for(self.begun.exists, what='the repair', timeout=20,
                         interval=0.01)
        os.kill(run.pid, signal.SIGKILL)
        run.join()
        self.assertNotEqual([], self.alive(plan))
        self.file.unlink()
        self.take_back(dataclasses.replace(plan, revert=()))
        self.assertEqual([], self.alive(plan))


class GateTest(ProcessTestCase):
    """A child does nothing before the journal knows it."""

    def test_killed_around_the_line(self):
        """Before the line there is no child, after it it is known."""
        for moment in ('before', 'after'):
            self.begun.unlink(missing_ok=True)
            plan = self.plan(inject=(sh(self.lines_of(
                'touch {begun}; touch {file}')),))
            self.killed(plan, Deadly(str(self.state_dir), moment), moment)
            self.assertEqual(int(moment == 'after'),
                             len(self.journal.processes(plan.id)))
            waiting.pause(0.3)
            self.assertFalse(self.begun.exists(), moment)
            self.take_back(plan)
            self.assertEqual([], self.alive(plan))

    def test_in_the_journal_first(self):
        """The process finds itself there: by group, start, boot and mark."""
        plan = self.plan(inject=(sh(
            'cp %s %s; touch %s' % (self.journal.path, self.begun, self.file)
        ),))
        self.live(plan)
        line = json.loads(self.begun.read_text().splitlines()[-1])
        self.assertEqual('started', line['state'])
        recorded = line['process']
        self.assertEqual(
            pathlib.Path('/proc/sys/kernel/random/boot_id').read_text()
            .strip(), recorded['boot'])
        self.assertEqual(recorded, self.journal.processes(plan.id)[0])
        self.assertGreater(recorded['start'], 0)
        self.assertEqual([True, False],
                         [process['breaks'] for process
                          in self.journal.processes(plan.id)])

    def test_journal_that_cannot_be_written(self):
        """Then it does not begin; but a repair does."""
        broken = Full(str(self.state_dir))
        self.journal = broken
        plan = self.plan()
        self.assertRaises(journals.JournalError, self.live, plan)
        self.assertEqual(['planned', 'armed', 'reverted', 'verified'],
                         self.states())
        self.file.touch()
        self.journal.plan(plan)
        self.take_back(plan)
        self.assertFalse(self.file.exists())

    def test_group_of_its_own(self):
        """Ctrl-C of a terminal reaches the run, not its commands."""
        result = commands.run(['sh', '-c', 'ps -o pgid=,sid=,pid= -p $$'], 20)
        group, session, pid = result.stdout.split()
        self.assertEqual((pid, pid), (group, session))
        self.assertNotEqual(os.getpgrp(), int(group))

    def test_programs(self):
        """A program that cannot be run is told at once, not tried again."""
        text = self.directory / 'text'
        text.write_text('x')
        for program, why in (('/no/such', 'No such file'),
                             ('no-such-program', 'No such file'),
                             (str(text), 'Permission denied'),
                             (str(self.directory), 'Permission denied')):
            error = self.assertRaises(commands.Hopeless, commands.run,
                                      [program, 'x'], 5)
            self.assertIn(why, str(error))


class StrangerTest(ProcessTestCase):
    """Whoever has the number by now is left alone."""

    def setUp(self):
        super().setUp()
        self.stranger = subprocess.Popen(['sleep', '60'],
                                         start_new_session=True)
        self.addCleanup(self.stranger.wait)
        self.addCleanup(self.stranger.kill)
        self.process = processes.identify(self.stranger.pid, 'mark', 60)

    def test_strangers(self):
        start = self.process.start
        for name, change in {
                'began later': {'start': start - 1},
                'began earlier': {'start': start + 1},
                'another boot': {'boot': 'x'},
                'another machine': {'machine': 'x', 'boot': 'y'},
                'another namespace': {'namespace': 7},
                'another number': {'group': 4194303},
                'another mark': {'start': 0, 'mark': 'other'}}.items():
            stranger = dataclasses.replace(self.process, **change)
            self.assertEqual([], processes.members(stranger), name)
            self.assertEqual('', processes.end(stranger), name)
            self.assertIsNone(self.stranger.poll(), name)

    def test_itself(self):
        """So the numbers do name it."""
        self.assertEqual([self.stranger.pid],
                         processes.members(self.process))
        self.assertEqual('', processes.end(self.process))
        self.assertEqual(-signal.SIGTERM, self.stranger.wait())

    def test_never_ourselves(self):
        """Not even a run that was started by a command of a fault."""
        ourselves = processes.identify(os.getpid(), 'mark', 60)
        self.assertNotIn(os.getpid(), processes.members(
            dataclasses.replace(ourselves, group=os.getpgrp())))

    def test_what_is_out_of_sight(self):
        """Elsewhere it is waited until its time is over."""
        soon = time.time() + 50
        for seconds, change in (
                (0, {}), (0, {'boot': 'x'}), (50, {'machine': 'x'}),
                (50, {'namespace': 7}), (0, {'machine': 'x', 'until': 5.0}),
                (50, {'machine': 'x', 'boot': 'x'})):
            process = dataclasses.replace(self.process, **dict(
                {'until': soon}, **change))
            self.assertAlmostEqual(
                seconds, processes.out_of_sight(process), delta=5)

    def test_waited_out(self):
        """Before that nothing is verified."""
        plan = self.plan()
        self.journal.plan(plan)
        until = time.time() + 1.5
        self.journal.started(plan.id, processes.to_dict(dataclasses.replace(
            self.process, machine='x', since=1.0, until=until)))
        self.take_back(plan)
        self.assertGreaterEqual(time.time(), until)

    def test_bad_data(self):
        """A line that names none is no reason to end anything."""
        good = processes.to_dict(self.process)
        self.assertEqual(self.process, processes.from_dict(
            dict(json.loads(json.dumps(good)), colour='red')))
        for bad in ({}, dict(good, group='x'), dict(good, group=0),
                    dict(good, group=1), dict(good, group=-1),
                    dict(good, start=None), 7, None):
            self.assertRaises(ValueError, processes.from_dict, bad)

    def test_bad_data_keeps_the_entry_open(self):
        plan = self.plan()
        self.journal.plan(plan)
        self.journal.started(plan.id, {'group': 'x'})
        error = self.assertRaises(lifecycle.RevertFailed, self.take_back, plan)
        self.assertIn('no process', str(error))
        self.assertNotIn('verified', self.states())


class LateFaultTest(ProcessTestCase):
    """A BMC takes the power a while after it has said so."""

    times = dataclasses.replace(host_samples.TIMES, witness=3.0)

    def late(self, seconds, more=''):
        """Return a fault that comes later, by nobody's child."""
        # As a machine of its own does it: the mark is not in it.
        line = 'env -i setsid sh -c "touch %s; sleep %g; touch %s" ' \
               '>/dev/null 2>&1 & %s' % (
                   self.begun, seconds, self.file, more)
        return self.plan(inject=(sh(line),))

    def test_error_right_after_the_order(self):
        """The fault is seen first, and repaired then."""
        plan = self.late(0.8, 'sleep 0.5; exit 3')
        self.assertRaises(commands.CommandFailed, self.live, plan,
                          times=self.times)
        self.assert_stays_repaired()

    def assert_stays_repaired(self):
        self.assertEqual('verified', self.states()[-1])
        self.assertFalse(self.file.exists())
        waiting.pause(2)
        self.assertFalse(self.file.exists())

    def test_killed_right_after_the_order(self):
        plan = self.late(1.2)
        self.killed(plan)
        self.take_back(plan, times=self.times)
        self.assert_stays_repaired()

    def test_another_one_was_seen(self):
        """A second open fault in the journal says nothing of this one."""
        second = self.plan()
        self.journal.plan(second)
        self.journal.record(second.id, journals.State.WITNESSED)
        plan = self.late(1.2)
        self.killed(plan)
        self.take_back(plan, times=self.times)
        self.assert_stays_repaired()

    def test_never_comes(self):
        """The fault is waited for no longer than for any witness."""
        begin = time.monotonic()
        plan = self.plan(inject=(sh('exit 3'),))
        self.assertRaises(commands.CommandFailed, self.live, plan,
                          times=dataclasses.replace(self.times, witness=1.0))
        self.assertGreaterEqual(time.monotonic() - begin, 1.0)
        self.assertEqual('verified', self.states()[-1])

    def test_not_ordered(self):
        """Where nothing was ordered nothing is waited for."""
        for plan in (self.plan(arm=(sh('exit 1'),)),
                     self.plan(inject=(plans.Command(
                         transports.LOCAL, '', ('/no/such',)),))):
            times = dataclasses.replace(self.times, witness=600.0)
            self.assertRaises(commands.CommandFailed, self.live, plan,
                              times=times)
            self.assertEqual('verified', self.states()[-1])

    def test_seen_or_waited_for_already(self):
        """Nobody waits twice."""
        times = dataclasses.replace(self.times, witness=600.0)
        for state in (journals.State.WITNESSED, journals.State.UNWITNESSED):
            plan = self.plan()
            self.journal.plan(plan)
            self.journal.started(plan.id, processes.to_dict(
                processes.identify(os.getpid(), 'x', 1)))
            self.patch(processes, 'end', lambda process: '')
            self.journal.record(plan.id, state)
            self.take_back(plan, times=times)
            self.assertEqual('verified', self.states()[-1])


class Deadly(journals.Journal):
    """A journal that a process does not survive a line of."""

    def __init__(self, directory, moment):
        super().__init__(directory)
        self._moment = moment

    def started(self, fault_id, process):
        if self._moment == 'after':
            super().started(fault_id, process)
        os.kill(os.getpid(), signal.SIGKILL)


class Full(journals.Journal):
    """A journal on a disk that is full for processes."""

    def started(self, fault_id, process):
        raise journals.JournalError('no space')


def _test(name, line):
    def test(self):
        self.assert_ended(name, line)

    test.__doc__ = 'Ended: %s.' % name
    return test


for _name, _line in CHILDREN.items():
    setattr(ChildTest, 'test_ended_%s' % _name.lower().replace(
        ' ', '_').replace(',', ''), _test(_name, _line))
