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

"""What watching costs, and how sharp it is: host crashes on the lab.

To be run by the Python of the lab's Tempest, .lab/venv/tempest/bin/python.
Counts every HTTP request of the runner between the injection and the
verdict, and reads its processor time and memory.
"""

import argparse
import collections
import json
import os
import pathlib
import platform
import re
import statistics
import sys
import threading
import time
import unittest

import prettytable
import urllib3

from tools.lab import errors
from tools.lab import labs
from tools.lab import locks

#: The services that answer at the ports of the lab.
PORTS = {5000: 'Keystone', 8004: 'Heat', 8774: 'Nova', 8989: 'Mistral',
         8999: 'Vitrage', 9090: 'Prometheus', 9093: 'Alertmanager',
         9095: 'Alertmanager',
         9696: 'Neutron', 8778: 'Placement', 9292: 'Glance',
         80: 'application'}

#: Seconds between two looks at the process.
SAMPLE = 0.25


class Meter:
    """Counts requests, and looks at the process now and then."""

    def __init__(self):
        self.requests, self.samples = [], []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        pool = urllib3.connectionpool.HTTPConnectionPool
        self._urlopen, meter = pool.urlopen, self

        def urlopen(self, *args, **options):
            meter.requests.append((time.monotonic(), self.port))
            return meter._urlopen(self, *args, **options)

        pool.urlopen = urlopen
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._stop.set()
        self._thread.join()
        urllib3.connectionpool.HTTPConnectionPool.urlopen = self._urlopen

    def rates(self, begin, end):
        """Return the requests per second of each service."""
        counts = collections.Counter(
            PORTS.get(port, str(port)) for at, port in self.requests
            if begin <= at <= end)
        return {name: round(count / (end - begin), 2)
                for name, count in sorted(counts.items())}

    def process(self, begin, end):
        """Return its share of a processor, and its memory in MB."""
        within = [sample for sample in self.samples
                  if begin <= sample[0] <= end]
        (first, used, _), (last, used_at_last, _) = within[0], within[-1]
        return (round((used_at_last - used) / (last - first), 3),
                round(max(memory for _, _, memory in within), 1))

    def _look(self):
        while not self._stop.wait(SAMPLE):
            self.samples.append((time.monotonic(), time.process_time(),
                                 _memory()))


def _memory():
    status = pathlib.Path('/proc/self/status').read_text()
    return int(re.search(r'VmRSS:\s+(\d+) kB', status)[1]) / 1024


def drill():
    """Run the host crash once.

    :returns: its timeline and its expectation
    :raises SystemExit: when it failed
    """
    # Tempest reads its configuration when it is imported.
    from self_healing_tempest_plugin.tests.scenario import test_host_power
    kept = []

    class Measured(test_host_power.HostCrashTest):
        def drill(self, plan):
            super().drill(plan)
            kept.append((self._drill.recorder.timeline(),
                         *self.expect(plan)))

    # A suite, because that is what sets up the class.
    result = unittest.TextTestRunner(stream=sys.stderr).run(
        unittest.TestSuite([Measured('test_host_crash')]))
    if not result.wasSuccessful() or not kept:
        sys.exit('the scenario failed: nothing is measured')
    return kept[0]


def measure():
    """Run the host crash once, and return the figures as a dict."""
    with Meter() as meter:
        seen, expected = drill()
    begin = seen.transition('injected').begin
    share, memory = meter.process(begin, seen.concluded)
    return {
        'seconds': round(seen.concluded - begin, 2),
        'requests_per_second': meter.rates(begin, seen.concluded),
        'processor_share': share, 'memory_mb': memory,
        'verdict_after': verdict_after(seen, expected),
        'resolution': {
            '%s %s' % (evidence.link.name, evidence.mark.value):
                round(seen.when(evidence).width, 3)
            for evidence in seen.evidence},
        'clock_uncertainty': {name: round(offset.width, 3)
                              for name, offset in seen.clocks.items()}}


def verdict_after(seen, expected):
    """Return how long after the healing the verdict was sure.

    :returns: at least and at most so many seconds after the first good
        answer of a stack that is UPDATE_COMPLETE, and after the end of the
        execution as well
    """
    from self_healing_tempest_plugin.model import links
    ends = {name: seen.when(expected.arrival(
        seen, expected.chain.link(name), links.Mark.FINISHED))
        for name in ('application', 'stack', 'workflow')}
    execution = ends.pop('workflow')

    def since(*moments):
        return [
            round(seen.concluded - max(moment.end for moment in moments), 3),
            round(seen.concluded - max(moment.begin for moment in moments),
                  3)]

    return {'answer_and_stack': since(*ends.values()),
            'answer_stack_and_execution': since(execution, *ends.values())}


def table(runs):
    """Return the figures of all runs as a table."""
    view = prettytable.PrettyTable(['Figure', 'Least', 'Median', 'Most'])
    view.align, view.align['Figure'] = 'r', 'l'
    for name, values in rows(runs):
        view.add_row([name, min(values), round(statistics.median(values), 3),
                      max(values)])
    return view


def rows(runs):
    """Yield name and values of each figure."""
    for kind, unit in (('requests_per_second', 'requests/s'),
                       ('resolution', 's'), ('clock_uncertainty', 's')):
        for name in sorted({name for run in runs for name in run[kind]}):
            yield ('%s: %s [%s]' % (kind.replace('_', ' '), name, unit),
                   [run[kind].get(name, 0) for run in runs])
    for name in ('answer_and_stack', 'answer_stack_and_execution'):
        yield ('verdict at most so long after %s [s]'
               % name.replace('_', ' '),
               [run['verdict_after'][name][1] for run in runs])
    yield 'processor share', [run['processor_share'] for run in runs]
    yield 'memory [MB]', [run['memory_mb'] for run in runs]


def main(arguments=None):
    """Measure, print a table, write the figures."""
    parser = argparse.ArgumentParser(
        prog='tools/measure watch', description=__doc__)
    labs.add_option(parser)
    parser.add_argument('--runs', type=int, default=3,
                        help='how many host crashes (default: %(default)s)')
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE',
                        help='where the figures go')
    parser.add_argument('--csv', type=pathlib.Path, metavar='FILE',
                        help='where the table goes')
    options = parser.parse_args(arguments)
    workspace = options.lab.workspace
    os.environ.update(TEMPEST_CONFIG_DIR=str(workspace.conf.parent),
                      TEMPEST_CONFIG=workspace.conf.name)
    os.chdir(workspace.directory)
    try:
        with locks.held('tools/measure watch on %s' % options.lab.directory):
            runs = [measure() for _ in range(options.runs)]
    except errors.LabError as error:
        sys.exit(str(error))
    view = table(runs)
    print(view)
    if options.csv:
        options.csv.write_text(view.get_csv_string(lineterminator='\n'))
    if options.json:
        options.json.write_text(json.dumps({
            'machine': {'processors': os.cpu_count(),
                        'python': platform.python_version()},
            'runs': runs}, indent=2) + '\n')
