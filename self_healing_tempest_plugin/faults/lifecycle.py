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

"""The life of a fault: plan, arm, inject, witness, revert, verify."""

import contextlib
import functools

from tempest.lib import exceptions

from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import interrupts
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import processes
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin import waiting

State = journals.State

# Seconds after its timer that a host is given to answer again.
RETURN_MARGIN = 60.0


class RevertFailed(exceptions.TempestException):
    """A fault may still be there."""

    message = ('The fault may still be there: %(fault)s: %(problems)s; when '
               'it is repaired, run: ' + journals.REVERT)

    def __init__(self, fault, problems):
        super().__init__(fault=fault, problems='; '.join(problems))


def unmet(plan, transports):
    """Return why a fault cannot be injected now, as a tuple of strings.

    :param plan: :class:`.plans.Plan`
    :param transports: :class:`.transports.Transports`
    """
    return tuple('%s; look at: %s' % (problem, plan.look_at)
                 for problem in checks.complaints(plan.checks, transports))


class injected:
    """Break something, and repair it at the end of the ``with``.

    The fault is in the journal before anything is touched; whatever ends the
    ``with``, or keeps it from beginning, the fault is taken back: one that
    was injected half-way, or whose command never returns, too. A fault that
    nobody witnesses is recorded as such and is no exception, so that the run
    gets its verdict.

    Signals that would end the run wait while something is planned, armed,
    injected or taken back. They are let through in between.
    """

    def __init__(self, plan, journal, transports, times, recorder, gate=None):
        """Prepare; nothing is touched yet.

        :param plan: :class:`.plans.Plan`, whose checks hold
        :param journal: :class:`.journals.Journal`, held
        :param transports: :class:`.transports.Transports`
        :param times: :class:`..config.Timeouts`
        :param recorder: :class:`..chain.timeline.Recorder`
        :param gate: asked last, right before the injection; what it raises
            keeps that from being done, such as :class:`.gates.FaultRefused`
        """
        self._life = Life(plan, journal, transports, times, recorder)
        self._patience, self._gate = plan.timer, gate
        self._signals = interrupts.Interrupts(
            _repairing(plan), (injected.__enter__.__code__,
                               injected.__exit__.__code__))

    def __enter__(self):
        """Break it.

        :raises .journal.JournalError: when the plan is not on the disk; then
            nothing was touched
        :raises RevertFailed: when it is not seen that the fault is gone
        """
        self._signals.hold()
        try:
            self._life.plan()
        except BaseException:
            self._signals.release()
            raise
        try:
            self._break()
            # Not before this call is over, see Interrupts.
            self._signals.let_through()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise

    def _break(self):
        self._life.arm()
        self._signals.raise_pending()
        if self._gate is not None:
            self._gate()
        self._signals.raise_pending()
        self._life.inject()
        self._signals.raise_pending()
        self._life.witness(self._signals)

    def __exit__(self, kind, error, traceback):
        """Repair it.

        :raises RevertFailed: when it is not seen that the fault is gone
        """
        self._signals.hold()
        try:
            self._life.take_back(self._patience)
        finally:
            self._signals.release()
        return False


class Life:
    """One fault; what has happened is journaled and told, then and there."""

    def __init__(self, plan, journal, transports, times, recorder):
        """Keep the arguments, see :class:`injected`."""
        self._plan, self._journal = plan, journal
        self._transports, self._times = transports, times
        self._recorder = recorder
        # Of this process; those of an earlier one are in the journal.
        self._processes, self._looked = [], False

    def plan(self):
        """Write the plan into the journal."""
        begin = self._recorder.now()
        self._journal.plan(self._plan)
        self._recorder.transition(State.PLANNED.value, begin,
                                  self._plan.description)

    def arm(self):
        """Start the timer on the host."""
        begin = self._recorder.now()
        self._run(self._plan.arm, False)
        detail = 'timer of %g s on host %s' % (
            self._plan.timer, self._plan.host) if self._plan.arm else (
                'no timer on host %s' % self._plan.host)
        self._tell(State.ARMED, begin, detail)

    def inject(self):
        """Break it."""
        begin = self._recorder.now()
        self._run(self._plan.inject, True)
        self._tell(State.INJECTED, begin)

    def witness(self, signals=None):
        """Wait until others see the fault, and record whether they did.

        :param signals: :class:`.interrupts.Interrupts` that may end the wait
        """
        begin = self._recorder.now()
        try:
            if signals is not None:
                signals.let_through(anyway=True)
            self._wait(self._plan.witnesses, self._times.witness,
                       'witness of: %s' % self._plan.description)
        except waiting.WaitError as error:
            state, detail = State.UNWITNESSED, str(error)
        else:
            state, detail = State.WITNESSED, ', '.join(
                check.what for check in self._plan.witnesses)
        finally:
            if signals is not None:
                signals.hold()
        self._looked = True
        self._tell(state, begin, detail)

    def take_back(self, patience):
        """Repair it, go on past errors, and see that it is gone.

        Nothing interrupts that: signals that would end the run wait until it
        is over.

        :param patience: seconds after which the host has repaired itself:
            so long, and :data:`RETURN_MARGIN` more, a host that does not
            answer is tried again
        :raises RevertFailed: when it is not seen that the fault is gone, or
            something that repairs it has failed
        """
        with interrupts.held(_repairing(self._plan)):
            self._take_back(patience)

    def _take_back(self, patience):
        problems = []
        deadline = self._recorder.now() + patience + RETURN_MARGIN
        with _collected(problems):
            self._end_processes(problems)
        with _collected(problems):
            self._see_late_fault()
        with _collected(problems):
            self._revert(deadline, problems)
        with _collected(problems):
            self._verify(deadline, problems)
        if problems:
            raise RevertFailed(self._plan.description, problems)

    def _end_processes(self, problems):
        """End the processes on a runner, or wait until they are over."""
        for process in self._started_before():
            waiting.pause(processes.out_of_sight(process))
            problem = processes.end(process)
            if problem:
                problems.append(problem)

    def _started_before(self):
        if self._processes:
            return tuple(self._processes)
        return tuple(map(processes.from_dict,
                         self._journal.processes(self._plan.id)))

    def _see_late_fault(self):
        """Wait for a fault that was ordered, and that nobody has seen yet.

        A BMC may take the power seconds after it has said so. To give it back
        before that is no repair.
        """
        left = self._left_to_witness()
        if left > 0:
            # The fault may as well never come.
            with contextlib.suppress(waiting.WaitTimeout):
                self._wait(self._plan.witnesses, left,
                           'late: %s' % self._plan.description)

    def _left_to_witness(self):
        """Return for how many seconds the fault may still come.

        On a host nothing acts behind its repair, see :mod:`.timers`.
        """
        if self._looked or not self._plan.witnesses or all(
                command.transport != transports.LOCAL
                for command in self._plan.inject):
            return 0.0
        begun = [process.since for process in self._started_before()
                 if process.breaks]
        if not begun or (not self._processes and self._was_looked_for()):
            return 0.0
        passed = max(0.0, waiting.CLOCK.wall() - max(begun))
        return self._times.witness - passed

    def _was_looked_for(self):
        looked = {State.WITNESSED, State.UNWITNESSED}
        return any(looked.intersection(entry.states)
                   for entry in self._journal.open_entries()
                   if entry.plan == self._plan)

    def _revert(self, deadline, problems):
        begin = self._recorder.now()
        problems.extend(self._failures(reversed(self._plan.revert), deadline))
        self._tell(State.REVERTED, begin, '; '.join(problems))

    def _verify(self, deadline, problems):
        # The timer goes last: until here it is the way back if all fails.
        begin = self._recorder.now()
        self._wait(self._plan.checks, self._times.host_return,
                   'no more of: %s' % self._plan.description)
        if not problems:
            problems.extend(self._failures(self._plan.disarm, deadline))
        if not problems:
            self._tell(State.VERIFIED, begin)

    def _run(self, steps, breaks):
        for command in steps:
            self._run_one(command, breaks)

    def _run_one(self, command, breaks):
        if command.transport == transports.LOCAL:
            return self._transports.run(command, functools.partial(
                self._started, breaks), breaks).check()
        return self._transports.run(command).check()

    def _started(self, breaks, process):
        try:
            self._journal.started(self._plan.id, processes.to_dict(process))
        except journals.JournalError:
            # A full disk is no reason not to repair.
            if breaks:
                raise
        self._processes.append(process)

    def _failures(self, repairs, deadline):
        """Run commands that repair, and again and again those that fail.

        They do not wait for each other. One whose host does not answer is
        tried until the deadline, another one as long as a host may take to
        come back, unless that cannot help.

        :returns: list of the errors that are left
        """
        left, failed = dict(enumerate(repairs)), {}
        until = {True: deadline,
                 False: self._recorder.now() + self._times.host_return}

        def attempt(number):
            command = left.pop(number)
            try:
                self._run_one(command, False)
                failed.pop(number, None)
            except Exception as error:  # noqa: BLE001 -- it goes on past all
                failed[number] = error
                if not isinstance(error, commands.Hopeless) and (
                        self._recorder.now() < until[
                            isinstance(error, transports.Unreachable)]):
                    left[number] = command

        def attempt_all():
            for number in sorted(left):
                attempt(number)
            return not left

        with contextlib.suppress(waiting.WaitTimeout):
            waiting.wait_for(
                attempt_all, what='repair of: %s' % self._plan.description,
                timeout=max(until.values()) - self._recorder.now(),
                interval=self._times.poll_interval)
        return [str(failed[number]) for number in sorted(failed)]

    def _wait(self, which, timeout, what):
        checks.wait(which, self._transports, what=what, timeout=timeout,
                    interval=self._times.poll_interval,
                    look_at=self._plan.look_at)

    def _tell(self, state, begin, detail=''):
        detail = runtime.text(detail)
        self._journal.record(self._plan.id, state, detail)
        self._recorder.transition(state.value, begin, detail)


def _repairing(plan):
    return 'the repair of: %s' % plan.description


@contextlib.contextmanager
def _collected(problems):
    # Whatever it is, the rest of the way back is gone.
    try:
        yield
    except Exception as error:  # noqa: BLE001 -- it goes on past all
        problems.append(str(error) or type(error).__name__)
