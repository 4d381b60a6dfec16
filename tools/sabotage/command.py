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

import itertools
import signal
import sys

from tools.lab import errors
from tools.lab import locks
from tools.lab import services
from tools.sabotage import arguments as command_line
from tools.sabotage import bench
from tools.sabotage import results

#: Exit code of a run that was interrupted.
INTERRUPTED = 130


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
    options = command_line.parse(arguments, __doc__)
    cases = command_line.chosen(options)
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
