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

"""The healthy suite, again and again: no run is red, and none leaves anything.

Needs the lab, and nothing else on it. Each run is added to the file when it
has ended, so that a night that was broken off goes on where it was.
"""

import argparse
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import time

import prettytable

import tools
from tools.lab.fingerprint import taking
from tools.lab import labs
from tools.measure import lab as measured_lab
from tools import regexes
from tools import tables

#: Seconds in which OVN, Nova and Vitrage forget what a run has deleted.
SETTLING = 60

COLUMNS = ('Scenario', 'Runs', 'Verdicts', 'Seconds to heal', 'Median')


def once(lab, arguments):
    """Run the suite once.

    :param lab: :class:`.labs.Lab`
    :param arguments: of the step ``run`` of the lab, a list
    :returns: what came of it, as JSON has it
    """
    before, begin = taking.take(lab), time.time()
    code = subprocess.run(
        [sys.executable, str(tools.SOURCE / 'tools' / 'lab'), 'run',
         '--dir', str(lab.directory), *arguments], check=False).returncode
    seconds = time.time() - begin
    return {
        'began': datetime.datetime.fromtimestamp(
            begin, datetime.timezone.utc).isoformat(timespec='seconds'),
        'seconds': round(seconds, 1), 'code': code,
        'scenarios': scenarios(lab.artifacts, begin),
        'left': taking.settle(lab, before, SETTLING)[1]}


def scenarios(artifacts, since):
    """Return what the reports of a run say.

    :param artifacts: directory of the reports
    :param since: seconds since the epoch
    :returns: list of dicts with ``name``, ``verdict``, ``good``, ``seconds``
    """
    told = []
    for path in sorted(artifacts.glob('*.json')):
        if path.stat().st_mtime >= since:
            run = json.loads(path.read_text(encoding='utf-8'))
            verdict = run['verdict']
            told.append({
                'name': run['name'], 'verdict': verdict['kind'],
                'good': verdict['good'], 'seconds': verdict['seconds']})
    return told


def rows(runs):
    """Return a row for each scenario.

    :param runs: see :func:`once`
    """
    seen = {}
    for run in runs:
        for scenario in run['scenarios']:
            seen.setdefault(scenario['name'], []).append(scenario)
    for name, told in seen.items():
        kinds = sorted({scenario['verdict'] for scenario in told})
        seconds = [scenario['seconds'] for scenario in told
                   if scenario['seconds']]
        yield (name.removeprefix('test_'), len(told), ', '.join(kinds),
               '%.1f to %.1f' % (min(seconds), max(seconds)) if seconds
               else '-',
               '%.1f' % statistics.median(seconds) if seconds else '-')


def is_good(run):
    """Return whether a run was green and has left nothing."""
    return not run['code'] and not run['left'] and all(
        scenario['good'] for scenario in run['scenarios'])


def load(path):
    """Return the runs that a file has already."""
    return json.loads(path.read_text())['runs'] if path.exists() else []


def save(path, runs):
    """Write the runs, all or nothing."""
    part = path.with_name(path.name + '.part')
    part.write_text(json.dumps(
        {'machine': measured_lab.machine(), 'runs': runs}, indent=1) + '\n')
    part.replace(path)


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tools/measure suite', description=__doc__.splitlines()[0])
    parser.add_argument('file', type=pathlib.Path,
                        help='JSON file; what it has counts')
    parser.add_argument('--runs', type=int, default=20, metavar='N',
                        help='in all (default: %(default)s)')
    parser.add_argument('-r', dest='tests', type=regexes.regex,
                        metavar='REGEX', help='the tests to run')
    parser.add_argument('--fresh', action='store_true',
                        help='an application for each scenario')
    parser.add_argument('--csv', type=pathlib.Path, metavar='FILE',
                        help='write the table, as CSV')
    labs.add_option(parser)
    return parser.parse_args(arguments)


def main(arguments=None):
    """Run the suite as often as it is asked for.

    :returns: 0 when all runs were good
    """
    options = parse(arguments)
    words = (['-r', options.tests] if options.tests else []) + (
        ['--fresh'] if options.fresh else [])
    runs = load(options.file)
    while len(runs) < options.runs:
        runs.append(once(options.lab, words))
        save(options.file, runs)
    table = prettytable.PrettyTable(COLUMNS, align='l')
    table.add_rows(list(rows(runs)))
    print(table)
    if options.csv:
        tables.write(options.csv, COLUMNS, rows(runs))
    bad = [run for run in runs if not is_good(run)]
    for run in bad:
        print('%s: exit code %d, %s' % (
            run['began'], run['code'],
            '; '.join(run['left']) or 'nothing is left'), file=sys.stderr)
    print('%d runs, %d good, %.0f s each' % (
        len(runs), len(runs) - len(bad),
        statistics.mean(run['seconds'] for run in runs)))
    return 1 if bad else 0
