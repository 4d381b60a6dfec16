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

"""Runs the test suites of Heat, Mistral, Zaqar and Aodh on the lab.

A test that fails has to be explained in explanations.yaml, and one that is
explained has to fail. Needs the lab, and nothing else on it.
"""

import argparse
import contextlib
import importlib.metadata
import pathlib
import signal
import sys

from openstack import exceptions
import prettytable

from tools.lab import errors
from tools.lab import labs
from tools.lab import locks
from tools import tables
from tools.upstream import configuration
from tools.upstream import explanations
from tools.upstream import ground
from tools.upstream import listing
from tools.upstream import results
from tools.upstream import running
from tools.upstream import suites

#: Exit code of a run that was interrupted.
INTERRUPTED = 130

#: What the lab calls the flavor that a member may use, and its image.
FLAVOR, IMAGE = 'self-healing-tenant', 'guest'


def parse(arguments):
    """Return the parsed command line."""
    names = [suite.name for suite in suites.SUITES]
    parser = argparse.ArgumentParser(
        prog='tox -e upstream --', description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        'suites', nargs='*', metavar='SUITE',
        help='one of %s (default: all)' % ', '.join(names))
    parser.add_argument('--again', action='store_true',
                        help='run nothing, judge what the last runs found')
    parser.add_argument('--concurrency', type=int, default=2, metavar='N',
                        help='tests at a time (default: %(default)s)')
    parser.add_argument('--csv', type=pathlib.Path, metavar='FILE',
                        help='write how many tests passed, as CSV')
    parser.add_argument('--explained-csv', type=pathlib.Path, metavar='FILE',
                        help='write those that did not, and why, as CSV')
    labs.add_option(parser)
    options = parser.parse_args(arguments)
    unknown = set(options.suites) - set(names)
    if unknown:
        parser.error('no such suite: %s' % ', '.join(sorted(unknown)))
    options.suites = [suite for suite in suites.SUITES
                      if suite.name in (options.suites or names)]
    return options


def run(options, workspace, explained):
    """Run suites, and remove what they leave.

    :param explained: see :func:`.explanations.load`
    """
    if not (options.lab.directory / 'clouds.yaml').exists():
        # Nothing is made where there is no lab.
        raise errors.LabDown('%s has none' % options.lab.directory)
    # Logs and results can tell what nobody else should know.
    workspace.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (locks.held('the suites on %s' % options.lab.directory),
          contextlib.ExitStack() as clean):
        workspace.make()
        known = workspace.directory / 'known.json'
        # What a killed run has left.
        ground.Ground(options.lab, known).remove()
        place = ground.Ground(options.lab, known)
        clean.callback(place.remove)
        settings = options.lab.workspace.settings()
        password = place.make(settings['network']['floating_network_name'])
        configuration.write(workspace.conf, configuration.made(
            settings, FLAVOR, IMAGE, password,
            str(workspace.directory / 'locks')))
        clean.callback(workspace.conf.unlink)
        for suite in options.suites:
            why = explained[suite.name].why_left_out
            chosen = [test for test in workspace.list(suite)
                      if not why(test)]
            print('%s: %d tests' % (suite.name, len(chosen)), flush=True)
            workspace.run(suite, chosen, options.concurrency)


def judge(suite, workspace, explanation):
    """Return a suite and what came of it.

    :returns: :class:`.explanations.Judged`
    """
    tests = tuple(workspace.listed(suite))
    chosen = [test for test in tests if not explanation.why_left_out(test)]
    return explanations.Judged(
        suite, importlib.metadata.version(suite.distribution), tests,
        results.complete(chosen, workspace.found(suite)), explanation)


def show(options, judged):
    """Show and write what came of suites.

    :param judged: list of :class:`.explanations.Judged`
    :returns: how many problems there are
    """
    rows = [listing.counts(one) for one in judged]
    view = prettytable.PrettyTable(listing.SUITES)
    view.align = 'l'
    view.add_rows(rows)
    print(view)
    if options.csv:
        tables.write(options.csv, listing.SUITES, rows)
    if options.explained_csv:
        tables.write(options.explained_csv, listing.EXPLAINED, [
            row for one in judged for row in listing.explained(one)])
    problems = [problem for one in judged for problem in one.problems()]
    for problem in problems:
        print(problem)
    return len(problems)


def stop(*_):
    """Turn a request to end into an exception, so that all is removed."""
    raise KeyboardInterrupt


def main(arguments=None):
    """Run the suites.

    :returns: exit code, 0 when all is as it is explained
    """
    options = parse(arguments)
    signal.signal(signal.SIGTERM, stop)
    workspace = running.Workspace(options.lab.directory / 'upstream')
    explained = explanations.load()
    try:
        if not options.again:
            run(options, workspace, explained)
        problems = show(options, [
            judge(suite, workspace, explained[suite.name])
            for suite in options.suites])
    except errors.LabDown as error:
        print('The lab is down: %s.' % error, file=sys.stderr)
        return 1
    except (errors.LabError, exceptions.SDKException) as error:
        print('The lab is not fit for it: %s' % error, file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        print('There is no last run: %s is missing.' % error.filename,
              file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return int(bool(problems))
