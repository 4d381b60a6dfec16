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
import dataclasses
import pathlib
import sys
import time

from tools.crash import bench
from tools.crash import cases
from tools.crash import points
from tools.lab import decoration
from tools.lab import errors
from tools.lab import labs
from tools.lab import locks
from tools import regexes


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tools/crash', description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('file', type=pathlib.Path,
                        help='where the results are kept, as JSON, one after '
                             'the other')
    labs.add_option(parser)
    parser.add_argument('--kind', action='append',
                        choices=(points.NOTHING, *points.KINDS),
                        help='of fault; may be given again (default: all)')
    parser.add_argument('--point', default='', metavar='REGEX',
                        type=regexes.regex,
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


def go_through(options, tried, todo):
    """Try points, and write down at once what came of each.

    :param tried: the cases that are known, a list
    :param todo: points
    :returns: how many were tried, and at how many something was wrong
    :raises LabError: when somebody else works on the lab
    """
    deadline = time.monotonic() + 60 * options.minutes
    wrong = done = 0
    with contextlib.ExitStack() as decorated:
        decorated.enter_context(locks.held(
            'tools/crash in %s' % options.lab.directory))
        if options.decorate:
            decorated.enter_context(decoration.decorated(options.lab))
        workbench = bench.Bench(options.lab, options.application)
        for point in todo:
            if time.monotonic() > deadline:
                break
            case = dataclasses.replace(bench.tried(workbench, point),
                                       decorated=options.decorate)
            tried = [known for known in tried
                     if not cases.same(known, case)] + [case]
            cases.write(options.file, tried)
            done, wrong = done + 1, wrong + bool(case.problems)
            print('%-24s %-44s %-12s %5.1f s, all %5.1f s %s' % (
                case.kind, case.point, case.revert, case.seconds, case.took,
                '; '.join(case.problems)
                or 'equal after %.1f s' % case.settled), flush=True)
            if case.settled is None:
                break
    return done, wrong


def main(arguments=None):
    """Go through the points.

    :returns: exit code, 0 when all is right at all of them
    """
    options = parse(arguments)
    tried = cases.read(options.file)
    todo = list(cases.wanted(options, tried))
    if options.names:
        print('\n'.join('%-24s %s' % (point.kind, point.name)
                        for point in todo))
        return 0
    try:
        done, wrong = go_through(options, tried, todo)
    except errors.LabError as error:
        print(error, file=sys.stderr)
        return 1
    print('%d points, %d wrong, %d not tried' % (
        done, wrong, len(todo) - done))
    return int(bool(wrong))
