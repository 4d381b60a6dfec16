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

from tempest.lib import exceptions

from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import journal as journals
from self_healing_tempest_plugin.faults import transports as ways
from self_healing_tempest_plugin.redaction import process
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

    :param plan: :class:`.plan.Plan`
    :param transports: :class:`.transports.Transports`
    """
    return tuple('%s; look at: %s' % (one, plan.look_at)
                 for one in checks.complaints(plan.checks, transports))


@contextlib.contextmanager
def injected(plan, journal, transports, times, recorder):
    """Break something, and repair it at the end of the ``with``.

    It is in the journal before anything is touched, and the repair is
    registered before the injection: one that fails half-way, or whose
    command never returns, is taken back, too. A fault that nobody witnesses
    is recorded as such and is no exception, so that the run gets its
    verdict.

    :param plan: :class:`.plan.Plan`, whose checks hold
    :param journal: :class:`.journal.Journal`, held
    :param transports: :class:`.transports.Transports`
    :param times: :class:`..config.Timeouts`
    :param recorder: :class:`..chain.timeline.Recorder`
    :raises .journal.JournalError: when the plan is not on the disk; then
        nothing was touched
    :raises RevertFailed: when it is not seen that the fault is gone
    """
    life = Life(plan, journal, transports, times, recorder)
    life.plan()
    with contextlib.ExitStack() as undo:
        undo.callback(life.take_back, plan.timer)
        life.arm()
        life.inject()
        life.witness()
        yield


class Life:
    """One fault; what has happened is journaled and told, then and there."""

    def __init__(self, plan, journal, transports, times, recorder):
        """Take what is needed, see :func:`injected`."""
        self._plan, self._journal = plan, journal
        self._transports, self._times = transports, times
        self._recorder = recorder

    def plan(self):
        """Write down what is going to happen."""
        begin = self._recorder.now()
        self._journal.plan(self._plan)
        self._recorder.transition(State.PLANNED.value, begin,
                                  self._plan.description)

    def arm(self):
        """Start the timer on the host."""
        begin = self._recorder.now()
        self._run(self._plan.arm)
        detail = 'timer of %g s on host %s' % (
            self._plan.timer, self._plan.host) if self._plan.arm else (
                'no timer on host %s' % self._plan.host)
        self._tell(State.ARMED, begin, detail)

    def inject(self):
        """Break it."""
        begin = self._recorder.now()
        self._run(self._plan.inject)
        self._tell(State.INJECTED, begin)

    def witness(self):
        """Wait until others see the fault, and record whether they did."""
        begin = self._recorder.now()
        try:
            self._wait(self._plan.witnesses, self._times.witness,
                       'witness of: %s' % self._plan.description)
        except waiting.WaitError as error:
            self._tell(State.UNWITNESSED, begin, str(error))
        else:
            self._tell(State.WITNESSED, begin, ', '.join(
                check.what for check in self._plan.witnesses))

    def take_back(self, patience):
        """Repair it, go on past errors, and see that it is gone.

        :param patience: seconds after which the host has repaired itself:
            so long, and :data:`RETURN_MARGIN` more, a host that does not
            answer is tried again
        :raises RevertFailed: when it is not seen that the fault is gone
        """
        problems = []
        deadline = self._recorder.now() + patience + RETURN_MARGIN
        with _collected(problems):
            self._revert(deadline, problems)
        with _collected(problems):
            self._verify(deadline, problems)
            return
        raise RevertFailed(self._plan.description, problems)

    def _revert(self, deadline, problems):
        begin = self._recorder.now()
        for command in reversed(self._plan.revert):
            with _collected(problems):
                self._reach(command, deadline)
        self._tell(State.REVERTED, begin, '; '.join(problems))

    def _verify(self, deadline, problems):
        # The timer goes last: until here it is the way back if all fails.
        begin = self._recorder.now()
        self._wait(self._plan.checks, self._times.host_return,
                   'no more of: %s' % self._plan.description)
        for command in self._plan.disarm:
            self._reach(command, deadline)
        self._tell(State.VERIFIED, begin)

    def _run(self, several):
        for command in several:
            self._transports.run(command).check()

    def _reach(self, command, deadline):
        waiting.wait_for(
            lambda: self._transports.run(command).check(), what=str(command),
            timeout=deadline - self._recorder.now(),
            interval=self._times.poll_interval, tolerate=ways.Unreachable,
            look_at=self._plan.look_at)

    def _wait(self, which, timeout, what):
        checks.wait(which, self._transports, what=what, timeout=timeout,
                    interval=self._times.poll_interval,
                    look_at=self._plan.look_at)

    def _tell(self, state, begin, detail=''):
        detail = process.text(detail)
        self._journal.record(self._plan.id, state, detail)
        self._recorder.transition(state.value, begin, detail)


@contextlib.contextmanager
def _collected(problems):
    try:
        yield
    except (commands.CommandFailed, waiting.WaitError,
            journals.JournalError) as error:
        problems.append(str(error))
