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

"""The lab, and all that a point is tried with."""

import contextlib
import operator
import os
import shlex
import signal
import subprocess
import time

from tools.crash import cases
from tools.crash import points
from tools.lab.fingerprint import taking
from tools import waiting

#: Seconds that the lab is given to be what it was.
SETTLE = 180
#: Seconds that any one step may take.
STEP = 400


class Bench:
    """Where runs get their signals.

    :ivar lab: :class:`tools.lab.labs.Lab`
    """

    def __init__(self, lab, application=True):
        """Learn what the lab is like.

        :param application: whether runs have one
        """
        self.lab, self._application = lab, application
        self._before = taking.take(lab)

    def start(self, point):
        """Start a run that gets a signal.

        :returns: :class:`subprocess.Popen`
        """
        options = [] if self._application else ['--no-application']
        if point.sleeper:
            off, on, status = (
                shlex.join([str(self.lab.directory / 'bin' / 'power'), action])
                + ' {host}' for action in ('off', 'on', 'status'))
            options += ['--power', points.SLEEPERS[point.sleeper].format(
                seconds=points.SLEEP, off=off), on, status]
        return self.lab.workspace.start(self._victim(
            'inject', point.kind, point.what, point.state, point.moment,
            point.number.name, str(point.seconds), str(points.TIMER),
            *options), subprocess.PIPE)

    def look(self):
        """Return the open entries and what shows of them, a list of lines."""
        done = self.lab.workspace.run(self._victim('look'), STEP)
        return list(filter(None, done.stdout.splitlines()))

    def revert(self):
        """Run the command.

        :returns: :class:`subprocess.CompletedProcess`
        """
        return self.lab.workspace.revert(STEP)

    def settle(self):
        """Wait until the lab is what it was.

        :returns: seconds that it took, and what still differs
        """
        return taking.settle(self.lab, self._before, SETTLE)

    def _victim(self, *arguments):
        workspace = self.lab.workspace
        return [workspace.program('python'), '-m', 'tools.crash.victim',
                workspace.conf, *arguments]


def tried(bench, point):
    """Give a run its signal at one point, and take back what it has left.

    :returns: :class:`.cases.Case`
    """
    begin = time.monotonic()
    if point.number is signal.SIGSTOP:
        problems, there = stopped(bench, point)
    else:
        problems, there = ended(bench, point)
    return taken_back(bench, point, begin, problems, there)


def ended(bench, point):
    """Return the problems of how a run ended, and the lines left of it."""
    process = bench.start(point)
    # A process that lives on holds its output open: it is read of a dead one.
    try:
        code = process.wait(timeout=STEP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return ['the run did not end'], bench.look()
    problems, there = [], bench.look()
    if point.number is signal.SIGINT:
        # The run has taken back everything itself.
        if code != -signal.SIGINT:
            problems.append('the run was not interrupted there: %s' % (
                process.stdout.read()[-500:]))
        problems.extend('still open: %s' % line for line in there)
    elif code != -signal.SIGKILL:
        problems.append('the run was not killed there: %s' % (
            process.stdout.read()[-500:]))
    process.stdout.close()
    return problems, there


def stopped(bench, point):
    """Return what the timer on the host did not repair, and what was left."""
    process = bench.start(point)
    with contextlib.ExitStack() as clean:
        clean.callback(process.communicate)
        clean.callback(process.kill)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED
                  | os.WNOWAIT)
        there = bench.look()
        waiting.pause(points.TIMER)
        return wait_healed(bench), there


def wait_healed(bench):
    """Return what shows that the fault is there, after some patience."""
    try:
        left = waiting.until(lambda: cases.faults(bench.look()),
                             'the fault to be gone', points.TIMER,
                             accept=operator.not_)
    except waiting.TimeUp as late:
        left = late.answer
    return ['after its timer: %s' % line for line in left]


def taken_back(bench, point, begin, problems, there):
    """Take back what is left and compare.

    :returns: :class:`.cases.Case`
    """
    started = time.monotonic()
    done = bench.revert()
    seconds = time.monotonic() - started
    if done.returncode:
        problems.append('revert: %s' % done.stdout[-800:])
    again = bench.revert()
    if again.returncode or 'No open fault' not in again.stdout:
        problems.append('revert again: %s' % again.stdout[-500:])
    settled, differs = bench.settle()
    if point.sleeper:
        # A process that still slept would have waked up by then.
        waiting.pause(points.SLEEP + 4 - (time.monotonic() - started))
        late, differs = bench.settle()
        settled += late
    problems.extend(differs)
    return cases.Case(
        point.kind, point.name, '; '.join(there) or 'nothing',
        'nothing open' if 'No open fault' in done.stdout else 'verified'
        if not done.returncode else 'failed',
        round(seconds, 1), None if differs else round(settled, 1),
        round(time.monotonic() - begin, 1), False, tuple(problems))
