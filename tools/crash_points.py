#!/usr/bin/env python3
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

"""Kills a run at every transition of its journal, and takes the fault back.

For every kind of fault and every state of the journal a process injects the
fault on a host of the lab and is killed right before, or right after, the
line of that state is on the disk. Then "self-healing-tempest revert" must
bring the lab back to what it was: the fingerprints of before and after are
equal.

In one case more per kind the process is stopped, not killed, right after the
injection, as if the runner were cut off: then the fault must be gone after
the timer on the host, before anybody else does anything.

Needs the lab, and nothing else on it.
"""

import argparse
import contextlib
import csv
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import lab_fingerprint

TOOLS = pathlib.Path(__file__).resolve().parent

KINDS = ('host-crash', 'host-isolated', 'data-nic-down', 'data-nic-blip',
         'management-nic-down', 'packets-dropped', 'compute-service-stopped',
         'compute-service-frozen')
STATES = ('planned', 'armed', 'injected', 'witnessed', 'reverted', 'verified')
MOMENTS = ('before', 'after')

#: A host without power has no timer.
WITHOUT_TIMER = frozenset(['host-crash'])

#: Seconds until the host repairs itself, and for how long it is waited for.
TIMER = 15
#: Seconds that the lab is given to be what it was.
SETTLE = 180
#: Seconds that any one step may take.
STEP = 300


@dataclasses.dataclass(frozen=True)
class Case:
    """What happened at one point.

    :ivar point: where the process was killed or stopped
    :ivar fault: what showed that the fault was there after that
    :ivar revert: what the command said of it
    :ivar seconds: that the command took
    :ivar settled: seconds until the fingerprints were equal, None when they
        never were
    :ivar problems: what is wrong, empty when all is right
    """

    kind: str
    point: str
    fault: str
    revert: str
    seconds: float
    settled: float | None
    problems: tuple[str, ...]


class Lab:
    """The lab, and the environment in it that has the plugin."""

    def __init__(self, directory, host):
        self.directory, self.host = directory, host
        self._bin = directory / 'venv' / 'tempest' / 'bin'
        self._workspace = directory / 'tempest'
        self._config = self._workspace / 'etc' / 'tempest.conf'
        self.before = lab_fingerprint.take(directory)

    def inject(self, kind, state, moment, name):
        """Start a process that injects a fault and gets a signal.

        :param name: of the signal
        :returns: :class:`subprocess.Popen`
        """
        return subprocess.Popen(self._point(
            'inject', kind, self.host, state, moment, name, str(TIMER)),
            cwd=self._workspace, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def look(self):
        """Return what shows that a fault is there, a list of lines."""
        found = self._run(self._point('look')).stdout.splitlines()
        return list(filter(None, found))

    def revert(self, *options):
        """Run the command.

        :returns: :class:`subprocess.CompletedProcess`
        """
        return self._run([self._bin / 'self-healing-tempest', 'revert',
                          '--config-file', self._config, *options])

    def settle(self):
        """Wait until the lab is what it was.

        :returns: seconds that it took, and what still differs
        """
        return lab_fingerprint.settle(self.directory, self.before, SETTLE)

    def _point(self, *arguments):
        return [self._bin / 'python', TOOLS / 'crash_point.py', self._config,
                *arguments]

    def _run(self, command):
        return subprocess.run(
            command, text=True, cwd=self._workspace, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=STEP, check=False)


def killed(lab, kind, state, moment):
    """Kill a run at one point.

    :returns: :class:`Case`
    """
    process = lab.inject(kind, state, moment, 'SIGKILL')
    output = process.communicate(timeout=STEP)[0]
    problems = []
    if process.returncode != -signal.SIGKILL:
        problems.append('the run was not killed there: %s' % output[-500:])
    return taken_back(lab, kind, '%s %s' % (moment, state), problems)


def stopped(lab, kind):
    """Stop a run after its injection, and wait for the timer on the host.

    :returns: :class:`Case`
    """
    process = lab.inject(kind, 'injected', 'after', 'SIGSTOP')
    with contextlib.ExitStack() as clean:
        clean.callback(process.communicate)
        clean.callback(process.kill)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED
                  | os.WNOWAIT)
        there = lab.look()
        time.sleep(TIMER)
        problems = wait_healed(lab)
    return taken_back(lab, kind, 'stopped after injected', problems, there)


def wait_healed(lab):
    """Return what shows that the fault is there, after some patience."""
    deadline = time.monotonic() + TIMER
    while (left := lab.look()) and time.monotonic() < deadline:
        time.sleep(1)
    return ['after its timer: %s' % one for one in left]


def taken_back(lab, kind, point, problems, there=None):
    """Take the fault back and compare.

    :param there: what showed that the fault was there, None: look now
    :returns: :class:`Case`
    """
    there = lab.look() if there is None else there
    begin = time.monotonic()
    done = lab.revert()
    seconds = time.monotonic() - begin
    if done.returncode:
        problems.append('revert: %s' % done.stdout[-500:])
    settled, differs = lab.settle()
    problems.extend(differs)
    return Case(
        kind, point, '; '.join(there) or 'not there',
        'nothing open' if 'No open fault' in done.stdout else 'verified'
        if not done.returncode else 'failed',
        round(seconds, 1), None if differs else round(settled, 1),
        tuple(problems))


def cases(lab, wanted):
    """Yield the case of every point, as it is done.

    :param wanted: kinds
    """
    for kind in wanted:
        for state in STATES:
            for moment in MOMENTS:
                yield killed(lab, kind, state, moment)
        if kind not in WITHOUT_TIMER:
            yield stopped(lab, kind)


def kept(path, wanted):
    """Return what a file says of the kinds that are not gone through.

    :param path: of the JSON
    :param wanted: kinds that are
    """
    if not path.exists():
        return []
    cases = (Case(**one) for one in json.loads(path.read_text())['cases'])
    return [one for one in cases if one.kind not in wanted]


def write(path, found):
    """Write what happened, as JSON and as a table beside it.

    :param path: of the JSON; the table has the suffix .csv
    """
    found = sorted(found, key=lambda case: KINDS.index(case.kind))
    path.write_text(json.dumps(
        {'timer': TIMER, 'cases': [dataclasses.asdict(one)
                                   for one in found]}, indent=1) + '\n')
    with path.with_suffix('.csv').open('w', newline='') as stream:
        table = csv.writer(stream, lineterminator='\n')
        table.writerow(('Fault', 'Runner', 'Fault was there', 'Revert',
                        'Revert took', 'Fingerprints equal after'))
        for one in found:
            table.writerow((
                one.kind, one.point if 'stopped' in one.point
                else 'killed %s' % one.point,
                'no' if one.fault == 'not there' else 'yes', one.revert,
                '%.1f s' % one.seconds, 'never' if one.settled is None
                else '%.1f s' % one.settled))


def main():
    """Go through all points.

    :returns: exit code, 0 when all is right at all of them
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('file', type=pathlib.Path,
                        help='where the result is written, as JSON; what '
                             'it says of other kinds stays')
    parser.add_argument('--dir', type=pathlib.Path,
                        default=TOOLS.parent / '.lab',
                        help='of the lab (default: %(default)s)')
    parser.add_argument('--host', default='compute-1',
                        help='that is hurt (default: %(default)s)')
    parser.add_argument('--kind', action='append', choices=KINDS,
                        help='of fault; may be given again (default: all)')
    options = parser.parse_args()
    lab = Lab(options.dir.absolute(), options.host)
    wanted, found = options.kind or KINDS, []
    for case in cases(lab, wanted):
        found.append(case)
        print('%-24s %-24s %-12s %5.1f s %s' % (
            case.kind, case.point, case.revert, case.seconds,
            '; '.join(case.problems) or 'equal after %.1f s' % case.settled),
            flush=True)
    write(options.file, [*found, *kept(options.file, wanted)])
    wrong = sum(bool(case.problems) for case in found)
    print('%d points, %d wrong' % (len(found), wrong))
    return int(bool(wrong))


if __name__ == '__main__':
    sys.exit(main())
