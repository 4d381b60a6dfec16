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

"""What the report of a long run costs: seconds, memory, bytes.

Each number of answers is measured in a process of its own, from the timeline
to the files, and from these to a page::

    .tox/py3/bin/python tools/measure long_runs --json long-runs.json

"whole" is a run with one outage; "by turns" one whose application answers
every other time. The seconds are those of the processor; the memory is the
most that the process ever had, with Python and all that it has imported.
"""

import argparse
import dataclasses
import json
import multiprocessing
import os
import pathlib
import random
import re
import sys
import tempfile
import time

import prettytable

# What a run of 100 000 answers may cost.
LIMITS = {'seconds': 2.0, 'memory': 150 << 20, 'disk': 2 << 20,
          'attachment': 4 << 20}

COUNTS = (1000, 10000, 100000)


def main(arguments=None):
    """Measure, and print a table.

    :returns: 0 when nothing costs more than it may
    """
    options = parse(arguments)
    # Each process begins anew, so that its memory is its own.
    context = multiprocessing.get_context('spawn')
    rows = []
    for name in sorted(SHAPES):
        for count in options.counts:
            with context.Pool(1) as pool:
                rows.append(pool.apply(measure, (name, count)))
    view = prettytable.PrettyTable(list(rows[0]), border=False, align='r')
    view.add_rows([list(row.values()) for row in rows])
    print(view)
    if options.json:
        options.json.write_text(json.dumps(
            {'limits': LIMITS, 'runs': rows}, indent=2) + '\n')
    wrong = ['%s of %d answers, %s: %s, at most %s' % (
        key, row['answers'], row['shape'], row[key], limit)
        for row in rows for key, limit in LIMITS.items() if row[key] > limit]
    print('\n'.join(wrong), end='\n' if wrong else '', file=sys.stderr)
    return int(bool(wrong))


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tools/measure long_runs',
        description=__doc__.splitlines()[0])
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE')
    parser.add_argument('counts', nargs='*', type=int, default=COUNTS,
                        metavar='ANSWERS', help='default: %s' % ', '.join(
                            map(str, COUNTS)))
    return parser.parse_args(arguments)


def measure(shape, count):
    """Return what the report of one run costs.

    :param shape: key of :data:`SHAPES`
    :param count: how many answers
    :returns: dict of name to figure
    """
    from self_healing_tempest_plugin.report import attaching
    from self_healing_tempest_plugin.report import documents
    from self_healing_tempest_plugin.report import loading
    from self_healing_tempest_plugin.report import page
    from self_healing_tempest_plugin.report import saving
    from self_healing_tempest_plugin.report import terminal
    from self_healing_tempest_plugin.tests.unit import report_samples

    seen = report_samples.run(probes=tuple(_probes(shape, count)))
    with tempfile.TemporaryDirectory() as directory:
        begin = time.process_time()
        run = documents.document(seen, report_samples.expected(), None,
                                 'test_long', 'It takes a while.')
        attached = saving.dumps(attaching.thinned(run))
        terminal.text(run)
        saving.save(directory, run)
        written = time.process_time()
        page.html(loading.read_all([directory])[0])
        read = time.process_time()
        disk = sum(path.stat().st_size
                   for path in pathlib.Path(directory).iterdir())
    memory = _peak()
    return {'shape': shape, 'answers': count,
            'seconds': round(written - begin, 2),
            'seconds to read': round(read - written, 2), 'memory': memory,
            'disk': disk, 'attachment': len(attached)}


def _peak():
    """Return the most memory that this process has had, in bytes.

    ``ru_maxrss`` would count what its parent had when it was forked.
    """
    status = pathlib.Path('/proc/self/status').read_text()
    return int(re.search(r'^VmHWM:\s+(\d+) kB$', status,
                         re.MULTILINE)[1]) << 10


def _probes(shape, count):
    """Yield answers as they come, ten a second."""
    from self_healing_tempest_plugin.tests.unit import report_samples

    chance = random.Random(os.path.basename(__file__))
    for number in range(count):
        at = -3 + 0.1 * number
        probe = report_samples.probe(at, SHAPES[shape](number, at))
        begin = probe.begin + chance.random() / 50
        yield dataclasses.replace(
            probe, begin=begin, nonce='%016x' % chance.getrandbits(64),
            end=begin + (0.01 + chance.random() / 40 if probe.answered
                         else 1.0))


def _whole(number, at):
    return 'old' if at < 0.2 else 'new' if at >= 30.3 else ''


def _by_turns(number, at):
    return 'new' if number % 2 else ''


#: Who answers, by the number of a probe and when it began.
SHAPES = {'whole': _whole, 'by turns': _by_turns}
