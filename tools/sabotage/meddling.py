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

"""Acts in the middle of a run: when something was seen, in a thread."""

import contextlib
import subprocess
import threading

from tools.lab import labs
from tools.sabotage import breakages
from tools import waiting

#: Seconds between two looks at the timeline.
INTERVAL = 0.1


class NothingDone(Exception):
    """The moment of the sabotage never came, so that nothing was done."""


def fault(state):
    """Return a predicate that holds when the fault is in a state of its life.

    :param state: e.g. ``witnessed``
    """
    return lambda timeline: timeline.transition(state) is not None


def link(label, mark='finished'):
    """Return a predicate that holds when there is evidence of a link.

    :param label: of the link
    :param mark: ``started`` or ``finished``
    """
    return lambda timeline: any(
        (evidence.link.name, evidence.mark.value) == (label, mark)
        for evidence in timeline.evidence)


@contextlib.contextmanager
def when(run, moment, act):
    """Act once, as soon as a moment has come; undo at the end.

    :param run: :class:`.scenario.SabotageTest`
    :param moment: of :func:`fault` or :func:`link`
    :param act: called with a :class:`contextlib.ExitStack` that is closed at
        the end
    :raises NothingDone: at the end, when the moment has not come
    """
    stop, problems = threading.Event(), []

    def work():
        try:
            _await(run, moment, stop)
            act(undo)
        except Exception as problem:
            problems.append(problem)

    thread = threading.Thread(target=work, name='sabotage')
    with contextlib.ExitStack() as undo:
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
    if problems:
        raise problems[0]


def after(run, moment, seconds, broken):
    """End something that is broken, some seconds after a moment.

    :param run: see :func:`when`
    :param moment: of :func:`fault` or :func:`link`
    :param seconds: that pass after it
    :param broken: an :class:`contextlib.ExitStack`
    :returns: a context manager, see :func:`when`
    """
    def act(_):
        waiting.pause(seconds)
        broken.close()

    return when(run, moment, act)


@contextlib.contextmanager
def frozen(run, program, moment, seconds):
    """Give a program no time to run until some seconds after a moment.

    :param run: see :func:`when`
    :param program: of the controller
    :param moment: of :func:`fault` or :func:`link`
    """
    with contextlib.ExitStack() as broken:
        broken.enter_context(run.broken(breakages.FrozenProgram(program)))
        with after(run, moment, seconds, broken):
            yield


@contextlib.contextmanager
def throttled(run, program, moment, runs, sleeps):
    """Give a program a part of its time only, until a moment.

    :param run: see :func:`when`
    :param program: of the controller
    :param moment: of :func:`fault` or :func:`link`
    :param runs: seconds that it runs, each time
    :param sleeps: seconds that it is frozen in between
    """
    with contextlib.ExitStack() as broken:
        broken.enter_context(run.broken(breakages.FrozenProgram(program)))
        broken.enter_context(_rhythm(run.lab, program, runs, sleeps))
        with after(run, moment, 0, broken):
            yield


@contextlib.contextmanager
def _rhythm(lab, program, runs, sleeps):
    """Let a program run and freeze it in turn."""
    # The shell ends with its standard input, and so with this process.
    script = ("trap 'kill -CONT %(pids)s' EXIT; while :; do "
              'kill -STOP %(pids)s; read -t %(sleeps)g; '
              '[ $? -gt 128 ] || exit; kill -CONT %(pids)s; '
              'read -t %(runs)g; [ $? -gt 128 ] || exit; done')
    pids = ' '.join(map(str, lab.pids(program)))
    process = subprocess.Popen(
        lab.enter(labs.CONTROLLER, 'bash', '-c', script % {
            'pids': pids, 'runs': runs, 'sleeps': sleeps}),
        stdin=subprocess.PIPE)
    try:
        yield
    finally:
        process.communicate()


def _await(run, moment, stop):
    while not moment(run.recorder.timeline()):
        if stop.wait(INTERVAL):
            raise NothingDone('the moment to act never came')
