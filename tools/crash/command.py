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

"""Kills a run at every point of its journal, and takes back what it has left.

A run has a template in Vitrage, an application with its healing rule, and a
fault on the application's host. It is killed right before or right after each
line that it writes into its journal, and around each request that creates or
deletes. Then "self-healing-tempest revert" must bring the lab back to what it
was: the fingerprints of before and after are equal.

Beside that, for each kind of fault: the run is stopped, not killed, right
after the injection, as if the runner were cut off, and the fault must be gone
after the timer on the host, before anybody else does anything. A run is
killed while the command that powers the host off still sleeps. And a run is
interrupted within the moment that a NIC lives on after the command that takes
it down; it must repair that itself.

Points that the file already has are passed over, unless they were wrong.

Needs the lab, and nothing else on it.
"""

import argparse
import contextlib
import csv
import dataclasses
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import time

from tools.lab import decoration
from tools.lab import fingerprint

SOURCE = pathlib.Path(__file__).resolve().parents[2]

KINDS = ('host-crash', 'host-isolated', 'data-nic-down', 'data-nic-blip',
         'management-nic-down', 'packets-dropped', 'compute-service-stopped',
         'compute-service-frozen')
STATES = ('planned', 'armed', 'injected', 'witnessed', 'reverted', 'verified')
MOMENTS = ('before', 'after')

#: A run that breaks nothing: what it creates is enough.
NOTHING = 'nothing'
#: What a run does in the cloud, in its order: with what, and what to it.
OBJECTS = (
    ('template', 'planned'), ('template', 'adding'), ('template', 'created'),
    ('stack', 'planned'), ('stack', 'creating'), ('stack', 'created'),
    ('stack', 'learned'), ('executions', 'deleting'), ('stack', 'deleting'),
    ('stack', 'removed'), ('template', 'deleting'), ('template', 'removed'))
#: Seconds after the request, of those that take their time.
DURING = (('stack', 'creating', 'before', 0.4),
          ('stack', 'created', 'after', 4.0),
          ('template', 'adding', 'before', 0.1),
          ('template', 'created', 'after', 0.2),
          ('stack', 'deleting', 'before', 0.2),
          ('stack', 'deleting', 'after', 3.0),
          ('template', 'deleting', 'before', 0.1))
#: What is cleaned up after a fault.
AFTERWARDS = (('stack', 'deleting', 'after'), ('template', 'deleting',
                                               'before'))

#: A host without power has no timer.
WITHOUT_TIMER = frozenset(['host-crash'])
#: They go down a moment after the command, and these seconds are within it.
NICS = ('host-isolated', 'data-nic-down', 'data-nic-blip',
        'management-nic-down')
HEAD_START = (0.0, 0.15, 0.25)

#: How the host is powered off a while after the command was run: in the
#: shell itself, below it, past a polite end, and in a session of its own.
SLEEPERS = {
    'in the shell': 'sh -c "sleep {seconds}; exec {off}"',
    'below the shell': 'sh -c "(sleep {seconds}; {off}); true"',
    'past SIGTERM': 'sh -c "trap : TERM HUP INT; sleep {seconds}; '
                    'sleep 1; exec {off}"',
    'in the background': 'sh -c "(sleep {seconds}; {off}) & wait"',
}
#: Seconds that they sleep, and after which the run is killed.
SLEEP, KILLED_AFTER = 6, 2.0

#: Seconds until the host repairs itself, and for how long it is waited for.
TIMER = 15
#: Seconds that the lab is given to be what it was.
SETTLE = 180
#: Seconds that any one step may take.
STEP = 400


def _interruptible():
    """Let Ctrl-C end a process that is about to begin, and Ctrl-\\.

    A shell without job control lets what it starts in the background ignore
    both, with all that comes of that.
    """
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@dataclasses.dataclass(frozen=True)
class Point:
    """Where a run gets a signal.

    :ivar kind: of the fault, or :data:`NOTHING`
    :ivar what: see ``victim.Point``, as are the next three
    :ivar number: the signal
    :ivar sleeper: a key of :data:`SLEEPERS`, or ''
    """

    kind: str
    what: str
    state: str
    moment: str
    seconds: float = 0.0
    number: signal.Signals = signal.SIGKILL
    sleeper: str = ''

    @property
    def name(self):
        """Return what tells it from the others of its kind."""
        verb = {signal.SIGKILL: 'killed', signal.SIGSTOP: 'stopped',
                signal.SIGINT: 'interrupted'}[self.number]
        if self.sleeper:
            return '%s while power-off sleeps %s' % (verb, self.sleeper)
        what = '' if self.what == 'fault' else '%s ' % self.what
        later = ' %g s' % self.seconds if self.seconds else ''
        return '%s%s %s %s%s' % (
            verb, later, 'after' if later else self.moment, what, self.state)


@dataclasses.dataclass(frozen=True)
class Case:
    """What happened at one point.

    :ivar point: where the process got its signal
    :ivar left: what was open in the journal after that, and showed
    :ivar revert: what the command said of it
    :ivar seconds: that the command took
    :ivar settled: seconds until the fingerprints were equal, None when they
        never were
    :ivar took: seconds of the whole case
    :ivar decorated: whether the hosts' networks had more than the lab's own
    :ivar problems: what is wrong, empty when all is right
    """

    kind: str
    point: str
    left: str
    revert: str
    seconds: float
    settled: float | None
    took: float
    decorated: bool
    problems: tuple[str, ...]


class Lab:
    """The lab, and the environment in it that has the plugin."""

    def __init__(self, directory, application=True):
        self.directory, self._application = directory, application
        self._python = directory / 'venv' / 'tempest' / 'bin' / 'python'
        self._workspace = directory / 'tempest'
        self._config = self._workspace / 'etc' / 'tempest.conf'
        # What is tried is what the tools belong to.
        self._environment = dict(os.environ, PYTHONPATH=str(SOURCE))
        self.before = fingerprint.take(directory)

    def start(self, point):
        """Start a run that gets a signal.

        :returns: :class:`subprocess.Popen`
        """
        options = [] if self._application else ['--no-application']
        if point.sleeper:
            options.append('--power-off=%s' % SLEEPERS[point.sleeper].format(
                seconds=SLEEP, off=shlex.join(
                    [str(self.directory / 'bin' / 'power'), 'off'])
                + ' {host}'))
        return subprocess.Popen(self._point(
            'inject', point.kind, point.what, point.state, point.moment,
            point.number.name, str(point.seconds), str(TIMER), *options),
            cwd=self._workspace, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=self._environment,
            start_new_session=True, preexec_fn=_interruptible)

    def look(self):
        """Return what is open, and shows, as a list of lines."""
        found = self._run(self._point('look')).stdout.splitlines()
        return list(filter(None, found))

    def revert(self, *options):
        """Run the command.

        :returns: :class:`subprocess.CompletedProcess`
        """
        return self._run([
            self._python, '-m', 'self_healing_tempest_plugin.cmd.main',
            'revert', '--config-file', self._config, *options])

    def settle(self):
        """Wait until the lab is what it was.

        :returns: seconds that it took, and what still differs
        """
        return fingerprint.settle(self.directory, self.before, SETTLE)

    def _point(self, *arguments):
        return [self._python, '-m', 'tools.crash.victim', self._config,
                *arguments]

    def _run(self, command):
        return subprocess.run(
            command, text=True, cwd=self._workspace, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=STEP, check=False,
            env=self._environment)


def points(kinds, application=True):
    """Yield all points, in an order that shows most first.

    :param kinds: of faults, and :data:`NOTHING`
    :param application: whether runs have one
    """
    if NOTHING in kinds and application:
        for what, state in OBJECTS:
            for moment in MOMENTS:
                yield Point(NOTHING, what, state, moment)
        for one in DURING:
            yield Point(NOTHING, *one)
    for kind in (kind for kind in KINDS if kind in kinds):
        for state in STATES:
            for moment in MOMENTS:
                yield Point(kind, 'fault', state, moment)
        if kind not in WITHOUT_TIMER:
            yield Point(kind, 'fault', 'injected', 'after',
                        number=signal.SIGSTOP)
        else:
            for sleeper in SLEEPERS:
                yield Point(kind, 'fault', 'armed', 'after', KILLED_AFTER,
                            sleeper=sleeper)
        if kind in NICS:
            for seconds in HEAD_START:
                yield Point(kind, 'fault', 'injected', 'before', seconds,
                            signal.SIGINT)
        for one in AFTERWARDS if application else ():
            yield Point(kind, *one)


def tried(lab, point):
    """Give a run its signal at one point, and take back what it has left.

    :returns: :class:`Case`
    """
    begin = time.monotonic()
    if point.number is signal.SIGSTOP:
        problems, there = stopped(lab, point)
    else:
        problems, there = ended(lab, point)
    return taken_back(lab, point, begin, problems, there)


def ended(lab, point):
    """Return what is wrong with how a run ended, and what is left of it."""
    process = lab.start(point)
    # What lives on holds its output open: only of who is dead it is read.
    try:
        code = process.wait(timeout=STEP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return ['the run did not end'], lab.look()
    problems, there = [], lab.look()
    if point.number is signal.SIGINT:
        # It has taken back everything itself.
        if code != -signal.SIGINT:
            problems.append('the run was not interrupted there: %s' % (
                process.stdout.read()[-500:]))
        problems.extend('still open: %s' % one for one in there)
    elif code != -signal.SIGKILL:
        problems.append('the run was not killed there: %s' % (
            process.stdout.read()[-500:]))
    process.stdout.close()
    return problems, there


def stopped(lab, point):
    """Return what the timer on the host did not repair, and what was left."""
    process = lab.start(point)
    with contextlib.ExitStack() as clean:
        clean.callback(process.communicate)
        clean.callback(process.kill)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED
                  | os.WNOWAIT)
        there = lab.look()
        time.sleep(TIMER)
        return wait_healed(lab), there


def wait_healed(lab):
    """Return what shows that the fault is there, after some patience."""
    deadline = time.monotonic() + TIMER
    while (left := faults(lab.look())) and time.monotonic() < deadline:
        time.sleep(1)
    return ['after its timer: %s' % one for one in left]


def faults(lines):
    """Return what shows that a fault is there, of what is open."""
    return [line for line in lines
            if not line.startswith(('stack: ', 'template: '))]


def taken_back(lab, point, begin, problems, there):
    """Take back what is left and compare.

    :returns: :class:`Case`
    """
    started = time.monotonic()
    done = lab.revert()
    seconds = time.monotonic() - started
    if done.returncode:
        problems.append('revert: %s' % done.stdout[-800:])
    again = lab.revert()
    if again.returncode or 'No open fault' not in again.stdout:
        problems.append('revert again: %s' % again.stdout[-500:])
    settled, differs = lab.settle()
    if point.sleeper:
        # Whoever still slept would have waked up by then.
        time.sleep(max(0.0, SLEEP + 4 - (time.monotonic() - started)))
        late, differs = lab.settle()
        settled += late
    problems.extend(differs)
    return Case(
        point.kind, point.name, '; '.join(there) or 'nothing',
        'nothing open' if 'No open fault' in done.stdout else 'verified'
        if not done.returncode else 'failed',
        round(seconds, 1), None if differs else round(settled, 1),
        round(time.monotonic() - begin, 1), False, tuple(problems))


def read(path):
    """Return the cases of a file, a list."""
    if not path.exists():
        return []
    return [Case(**dict(one, problems=tuple(one['problems'])))
            for one in json.loads(path.read_text())['cases']]


def write(path, found):
    """Write what happened, as JSON and as a table beside it.

    :param path: of the JSON; the table has the suffix .csv
    """
    order = {(point.kind, point.name): number for number, point
             in enumerate(points((NOTHING, *KINDS)))}
    found = sorted(found, key=lambda case: (
        case.decorated, order.get((case.kind, case.point), len(order))))
    path.write_text(json.dumps(
        {'timer': TIMER, 'cases': [dataclasses.asdict(one)
                                   for one in found]}, indent=1) + '\n')
    with path.with_suffix('.csv').open('w', newline='') as stream:
        table = csv.writer(stream, lineterminator='\n')
        table.writerow(('Fault', 'Run', 'Left in the journal', 'Revert',
                        'Revert took', 'Fingerprints equal after',
                        'All of it took'))
        for one in found:
            table.writerow((
                '%s%s' % (one.kind, ' *' if one.decorated else ''),
                one.point, _short(one.left), one.revert,
                '%.1f s' % one.seconds, 'never' if one.settled is None
                else '%.1f s' % one.settled, '%.0f s' % one.took))


def _short(left):
    return '; '.join(one if one.startswith(('stack: ', 'template: '))
                     else 'fault' for one in left.split('; ')
                     if ':' in one) or 'nothing'


def same(case, other):
    """Return whether two cases are of the same point."""
    return (case.kind, case.point, case.decorated) == (
        other.kind, other.point, other.decorated)


def wanted(options, found):
    """Yield the points that are to be gone through."""
    done = {(case.kind, case.point) for case in found
            if case.decorated == options.decorate and not case.problems}
    for point in points(options.kind or (NOTHING, *KINDS),
                        options.application):
        if (point.kind, point.name) in done and not options.again:
            continue
        if options.decorate and point.kind == 'host-crash':
            # What it has beside its settings goes with its power.
            continue
        if re.search(options.point, point.name):
            yield point


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tools/crash', description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('file', type=pathlib.Path,
                        help='where the results are kept, as JSON, one after '
                             'the other')
    parser.add_argument('--dir', type=pathlib.Path,
                        default=os.environ.get('LAB_DIR',
                                               SOURCE / '.lab'),
                        help='of the lab (default: %(default)s)')
    parser.add_argument('--kind', action='append', choices=(NOTHING, *KINDS),
                        help='of fault; may be given again (default: all)')
    parser.add_argument('--point', default='', metavar='REGEX',
                        help='only points whose names it is found in')
    parser.add_argument('--again', action='store_true',
                        help='also points that the file already has')
    parser.add_argument('--minutes', type=float, default=float('inf'),
                        help='start no other point after that')
    parser.add_argument('--no-application', dest='application',
                        action='store_false',
                        help='only the fault, without template and stack')
    parser.add_argument('--decorate', action='store_true',
                        help='first give the hosts more addresses, routes, '
                             'rules and links than the lab has')
    parser.add_argument('--names', action='store_true',
                        help='print the points, and do nothing')
    return parser.parse_args(arguments)


def main(arguments=None):
    """Go through the points.

    :returns: exit code, 0 when all is right at all of them
    """
    options = parse(arguments)
    found = read(options.file)
    todo = list(wanted(options, found))
    if options.names:
        print('\n'.join('%-24s %s' % (one.kind, one.name) for one in todo))
        return 0
    deadline = time.monotonic() + 60 * options.minutes
    directory, wrong, done = options.dir.absolute(), 0, 0
    with contextlib.ExitStack() as decorated:
        if options.decorate:
            decorated.enter_context(decoration.decorated(directory))
        lab = Lab(directory, options.application)
        for point in todo:
            if time.monotonic() > deadline:
                break
            case = dataclasses.replace(tried(lab, point),
                                       decorated=options.decorate)
            found = [one for one in found if not same(one, case)] + [case]
            write(options.file, found)
            done, wrong = done + 1, wrong + bool(case.problems)
            print('%-24s %-44s %-12s %5.1f s, all %5.1f s %s' % (
                case.kind, case.point, case.revert, case.seconds, case.took,
                '; '.join(case.problems)
                or 'equal after %.1f s' % case.settled), flush=True)
            if case.settled is None:
                break
    print('%d points, %d wrong, %d not tried' % (
        done, wrong, len(todo) - done))
    return int(bool(wrong))
