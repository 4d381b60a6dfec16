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
import itertools
import pathlib
import re
import signal
import sys

from tools.lab import errors
from tools.lab import labs
from tools.lab import locks
from tools.lab import services
from tools.sabotage import bench
from tools.sabotage import catalog
from tools.sabotage import results

#: Exit code of a run that was interrupted.
INTERRUPTED = 130


def chosen(options):
    """Return the cases that the command line names."""
    cases = [case for case in catalog.CASES
             if not options.cases or case.name in options.cases]
    if options.quick:
        cases = [case for case in cases if case.quick]
    return [case for case in cases if re.search(options.regex, case.name)]


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
    labs.add_option(parser)
    options = parser.parse_args(arguments)
    unknown = set(options.cases) - {case.name for case in catalog.CASES}
    if unknown:
        parser.error('no such case: %s' % ', '.join(sorted(unknown)))
    return options


def run_all(options, cases):
    """Run cases, and say so on the way.

    :returns: list of :class:`.results.Result`
    """
    outcomes = []
    workbench = bench.Bench(options.lab)
    for number, case in itertools.product(
            range(1, options.rounds + 1), cases):
        print('%s: %s' % (case.name, case.broken), flush=True)
        outcomes.append(workbench.run(case, number))
        print(results.shown(outcomes[-1]), flush=True)
        # What is known is on the disk, whatever comes next.
        if options.json:
            results.write_json(options.json, outcomes)
        if options.csv:
            results.write_csv(options.csv, outcomes)
    return outcomes


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
        print(results.listing(cases))
        return 0
    signal.signal(signal.SIGTERM, stop)
    try:
        services.services(options.lab)
        with locks.held('the sabotage of %s' % options.lab.directory):
            outcomes = run_all(options, cases)
    except errors.LabDown as error:
        print('The lab is down: %s.' % error, file=sys.stderr)
        return 1
    except errors.LabError as error:
        print('The lab is not fit for it: %s' % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    wrong = sum(bool(outcome.problems) for outcome in outcomes)
    print(results.table(outcomes))
    print('%d cases, %d wrong' % (len(outcomes), wrong))
    return int(bool(wrong) or not outcomes)
