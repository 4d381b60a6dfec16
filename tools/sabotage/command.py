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

"""Sabotages the healing chain of the lab, and checks what the suite says.

Each case breaks one thing, runs a drill, undoes what is broken, and compares
the verdict and the link that it names with what they have to be. Then the lab
must be what it was before. Needs the lab, and nothing else on it.
"""

import argparse
import configparser
import contextlib
import csv
import dataclasses
import fcntl
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import prettytable

from tools.lab import fingerprint
from tools.lab import labs
from tools.lab import services
from tools.sabotage import breakages
from tools.sabotage import catalog
from tools.sabotage import remains

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SCENARIO = 'tools.sabotage.scenario.SabotageTest'

#: Seconds that a case may take, and its clean-up when it is interrupted.
RUN, CLEAN_UP = 420, 180
#: Seconds that the lab is given to be what it was.
SETTLE = 120
#: Exit code of who was interrupted.
INTERRUPTED = 130
#: Options for all cases: what the old guest does when its host is back is the
#: matter of one case only, which sets its own time.
OPTIONS = {'return_watch_time': '1'}

COLUMNS = ('case', 'expected', 'verdict', 'seconds', 'ok')


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of one case.

    :ivar number: of the round
    :ivar verdict: as the report has it, None where there is no report
    :ivar diagnosis: as the report has it
    :ivar seconds: that the case took, until the lab was what it was
    :ivar problems: what is wrong, empty when all is right
    """

    case: object
    number: int
    verdict: dict | None
    diagnosis: dict | None
    seconds: float
    problems: tuple[str, ...]

    @property
    def said(self):
        """Return the verdict in a few words."""
        if self.verdict is None:
            return 'none'
        link = self.verdict['link']
        return self.verdict['kind'] + (' at %s' % link if link else '')

    def document(self):
        """Return the result as plain values, ready for JSON."""
        return {
            'case': self.case.name, 'round': self.number,
            'broken': self.case.broken,
            'expected': {'kind': self.case.kind, 'link': self.case.link},
            'verdict': self.verdict, 'diagnosis': self.diagnosis,
            'seconds': round(self.seconds, 1), 'ok': not self.problems,
            'problems': list(self.problems)}


class Bench:
    """The lab, and all that a case is run with."""

    def __init__(self, directory):
        """Bring the lab in order, and learn what it is like.

        :param directory: of the lab, a :class:`pathlib.Path`
        """
        self.directory = directory
        self._workspace = directory / 'tempest'
        self._bin = directory / 'venv' / 'tempest' / 'bin'
        self._lab = labs.Lab(directory)
        self._notes = breakages.Notes(self._lab)
        self.tidy()
        self._before = labs.wait(
            self._at_rest, 'the lab at rest: every host up, no stack, no '
            'alert, nothing that changes', SETTLE)

    def run(self, case, number):
        """Run a case.

        :param case: :class:`.case.Case`
        :param number: of the round
        :returns: :class:`Result`
        """
        begin = time.monotonic()
        artifacts = self.directory / 'artifacts' / 'sabotage' / (
            '%s-%d' % (case.name, number))
        shutil.rmtree(artifacts, ignore_errors=True)
        artifacts.mkdir(parents=True)
        self._configure(case, artifacts)
        try:
            code = self._drill(case, artifacts)
        except KeyboardInterrupt:
            print('\n'.join(['interrupted, undoing', *self.tidy()]),
                  flush=True)
            raise
        report = read_report(artifacts)
        problems = [*judge(case, code, report, artifacts), *(
            'not undone: %s' % one for one in self._notes.left())]
        if problems:
            problems.extend(self.tidy())
        problems.extend(fingerprint.settle(
            self.directory, self._before, SETTLE)[1])
        return Result(
            case, number, report.get('verdict'), report.get('diagnosis'),
            time.monotonic() - begin, tuple(problems))

    def tidy(self):
        """Take back what a run has left that did not come to its end.

        :returns: what could not be taken back, as a list of text
        """
        done = subprocess.run(
            [self._bin / 'self-healing-tempest', 'revert', '--config-file',
             self._workspace / 'etc' / 'tempest.conf'], cwd=self._workspace,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=RUN, check=False)
        problems = self._notes.undo_all() + remains.remove(self._lab)
        if done.returncode:
            problems.append('revert: %s' % done.stdout[-500:])
        return problems

    def _at_rest(self):
        """Return the fingerprint of the lab, None when it is not at rest."""
        found = fingerprint.take(self.directory)
        up = all(one == {'state': 'up', 'status': 'enabled',
                         'forced_down': False}
                 for one in found['nova services'].values())
        if not up or found['stacks'] or any(found['alerts'].values()):
            return None
        changed = fingerprint.settle(self.directory, found, 0)[1]
        return None if changed else found

    def _configure(self, case, artifacts):
        """Write the tempest.conf of a case."""
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(self._workspace / 'etc' / 'tempest.conf')
        parser['self_healing'].update(
            {**OPTIONS, **case.settings, 'artifacts_dir': str(artifacts)})
        path = artifacts / 'tempest.conf'
        path.touch(mode=0o600)
        with path.open('w') as stream:
            parser.write(stream)

    def _drill(self, case, artifacts):
        """Run the scenario; return its exit code, None without an end."""
        python_path = os.pathsep.join(filter(None, (
            str(SOURCE), os.environ.get('PYTHONPATH'))))
        environment = {
            'LAB_DIR': str(self.directory), 'PATH': os.environ['PATH'],
            'PYTHONPATH': python_path, 'SABOTAGE_CASE': case.name,
            'TEMPEST_CONFIG': 'tempest.conf',
            'TEMPEST_CONFIG_DIR': str(artifacts)}
        with (artifacts / 'output.log').open('w') as output:
            process = subprocess.Popen(
                [self._bin / 'python', '-m', 'testtools.run', SCENARIO],
                cwd=self._workspace, env=environment, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=_interruptible)
            with ended(process):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(RUN)
        return None


def _interruptible():
    """Let Ctrl-C end a process that is about to begin, and Ctrl-\\.

    A shell without job control lets what it starts in the background ignore
    both, with all that comes of that.
    """
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def ended(process):
    """Interrupt a process at the end of the ``with``; it cleans up then."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(CLEAN_UP)
            finally:
                process.kill()
                process.wait()


def read_report(artifacts):
    """Return the report of a run, empty where there is none."""
    found = [json.loads(path.read_text())
             for path in sorted(artifacts.glob('*.json'))]
    return next((one for one in found if 'verdict' in one), {})


def judge(case, code, report, artifacts):
    """Yield what is wrong with how a case went.

    :param case: :class:`.case.Case`
    :param code: exit code of the scenario, None without an end
    :param report: see :func:`read_report`
    :param artifacts: where its output is
    """
    output = (artifacts / 'output.log').read_text(errors='replace')
    if code is None:
        yield 'not over after %d s' % RUN
    # A verdict is an expectation that failed: it has no traceback.
    if broke(output, case.interrupted):
        yield 'the scenario broke: %s' % output[-1500:]
    if not report:
        yield 'no report: %s' % output[-1500:]
        return
    found = report['verdict']
    if (found['kind'], found['link']) != (case.kind, case.link):
        yield 'it should be %s; %s' % (case.expected, describe(report))
    elif not re.search(case.says, found['why']):
        yield 'it should say %s; %s' % (case.says, describe(report))
    works = bisected(report)
    if works != case.works:
        yield 'the bisect says %s, not %s' % (works, case.works)
    good = found['kind'] == 'HEALED'
    if code is not None and good != (code == 0):
        yield 'the scenario says %s and its exit code is %d' % (
            found['kind'], code)


def broke(output, interrupted):
    """Return whether a scenario ended otherwise than by its verdict.

    :param output: of the scenario
    :param interrupted: whether it was to be interrupted
    """
    traces = re.findall(r'^Traceback .*(?:\n[ ].*)*\n(.*)$', output,
                        re.MULTILINE)
    if interrupted:
        traces = [one for one in traces
                  if not one.startswith('KeyboardInterrupt')]
    return bool(traces)


def bisected(report):
    """Return which later links work on their own, by label."""
    found = (report['diagnosis'] or {}).get('bisect', ())
    return {one['link']: one['works'] for one in found}


def describe(report):
    """Return a verdict as a sentence."""
    found = report['verdict']
    return '%s: %s; look at: %s' % (
        found['kind'], found['why'], found['look_at'] or 'nothing')


def shown(result):
    """Return a result as lines for people."""
    line = '%-26s %-36s %5.0f s  %s' % (
        result.case.name, result.said, result.seconds,
        'WRONG' if result.problems else 'as expected')
    return '\n'.join([line, *('    %s' % one for one in result.problems)])


def table(results):
    """Return results as a table."""
    view = prettytable.PrettyTable(COLUMNS)
    view.align = 'l'
    view.align['seconds'] = 'r'
    for one in results:
        view.add_row([one.case.name, one.case.expected, one.said,
                      '%.0f' % one.seconds, 'no' if one.problems else 'yes'])
    return view.get_string()


def listing(cases):
    """Return cases as a table."""
    view = prettytable.PrettyTable(('case', 'broken', 'expected', 'quick'))
    view.align = 'l'
    for one in cases:
        view.add_row([one.name, one.broken, one.expected,
                      'yes' if one.quick else ''])
    return view.get_string()


def write_json(path, results):
    """Write all that is known of results."""
    path.write_text(json.dumps(
        {'format': 1, 'results': [one.document() for one in results]},
        indent=1, ensure_ascii=False) + '\n')


def write_csv(path, results):
    """Write a row for each case, with a column for each round."""
    rounds = sorted({one.number for one in results})
    with path.open('w', newline='') as stream:
        rows = csv.writer(stream, lineterminator='\n')
        rows.writerow(['Case', 'Broken', 'Expected', *(
            'Round %d' % number for number in rounds)])
        for case in catalog.CASES:
            own = {one.number: '%s, %.0f s' % (one.said, one.seconds)
                   for one in results if one.case is case}
            if own:
                rows.writerow([case.name, case.broken, case.expected,
                               *(own.get(number, '') for number in rounds)])


def chosen(options):
    """Return the cases that the command line names."""
    found = [one for one in catalog.CASES
             if not options.cases or one.name in options.cases]
    if options.quick:
        found = [one for one in found if one.quick]
    return [one for one in found if re.search(options.regex, one.name)]


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tox -e sabotage --', description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        'cases', nargs='*', metavar='CASE',
        help='name of a case (default: all)')
    parser.add_argument('--list', action='store_true',
                        help='list the cases, and do nothing')
    parser.add_argument('--quick', action='store_true',
                        help='only those that take 10 minutes together')
    parser.add_argument('-r', '--regex', default='',
                        help='only cases whose name it is found in')
    parser.add_argument('--rounds', type=int, default=1, metavar='N',
                        help='run all cases N times (default: %(default)s)')
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE',
                        help='write all results, as JSON')
    parser.add_argument('--csv', type=pathlib.Path, metavar='FILE',
                        help='write a table, as CSV')
    parser.add_argument(
        '--dir', type=pathlib.Path, metavar='DIRECTORY',
        default=os.environ.get('LAB_DIR', SOURCE / '.lab'),
        help='of the lab (default: LAB_DIR of the environment, or\n'
             '%(default)s)')
    options = parser.parse_args(arguments)
    options.dir = options.dir.absolute()
    unknown = set(options.cases) - {one.name for one in catalog.CASES}
    if unknown:
        parser.error('no such case: %s' % ', '.join(sorted(unknown)))
    return options


@contextlib.contextmanager
def alone(directory):
    """Be the only one who sabotages this lab."""
    with (directory / 'sabotage.lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit('Somebody else sabotages this lab.')
        yield


def run_all(options, cases):
    """Run cases, and say so on the way.

    :returns: list of :class:`Result`
    """
    results = []
    bench = Bench(options.dir)
    for number, case in itertools.product(
            range(1, options.rounds + 1), cases):
        print('%s: %s' % (case.name, case.broken), flush=True)
        results.append(bench.run(case, number))
        print(shown(results[-1]), flush=True)
        # What is known is on the disk, whatever comes next.
        if options.json:
            write_json(options.json, results)
        if options.csv:
            write_csv(options.csv, results)
    return results


def stop(*_):
    """Turn a request to end into an exception, so that all is undone."""
    raise KeyboardInterrupt


def main(arguments=None):
    """Run the cases.

    :returns: exit code, 0 when all is as expected
    """
    options = parse(arguments)
    cases = chosen(options)
    if options.list:
        print(listing(cases))
        return 0
    signal.signal(signal.SIGTERM, stop)
    try:
        services.services(options.dir)
        with alone(options.dir):
            results = run_all(options, cases)
    except services.LabDown as error:
        print('The lab is down: %s.' % error, file=sys.stderr)
        return 1
    except labs.LabError as error:
        print('The lab is not fit for it: %s' % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    wrong = sum(bool(one.problems) for one in results)
    print(table(results))
    print('%d cases, %d wrong' % (len(results), wrong))
    return int(bool(wrong) or not results)
