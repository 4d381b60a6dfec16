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

"""``self-healing-tempest report``: runs again, and several of them together.

It reads the JSON that runs have left, and asks no service of the cloud.
"""

import argparse
import json
import math

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin import report
from self_healing_tempest_plugin.report import merged
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import reading
from self_healing_tempest_plugin.report import table
from self_healing_tempest_plugin.report import texts
from self_healing_tempest_plugin.report import times

NAME = 'report'
HELP = ('Show what runs have left as JSON, several of them together: their '
        'verdicts, and how long each link takes. The exit code is 0 when all '
        'verdicts are good and no objective is missed.')
NEEDS_CONFIGURATION = False

# The shape of what --json writes; readers of runs pass it over.
FORMAT = 1

_RUNS = ('scenario', 'began', 'verdict', 'healed in', 'application away')
_TIMES = ('scenario', 'link', 'runs', 'missing', 'p50', 'p50 is in', 'p95',
          'p95 is in', 'max', 'objective')


def add_arguments(parser):
    """Add the options of this command to an argparse parser."""
    parser.add_argument(
        'files', metavar='FILE', nargs='+',
        help='JSON of a run, or a directory that holds such')
    parser.add_argument('--html', metavar='FILE',
                        help='write all runs as one page')
    parser.add_argument('--json', metavar='FILE',
                        help='write the tables as JSON')
    parser.add_argument(
        '--slo', metavar='LINK=SECONDS', action='append', default=[],
        type=_objective,
        help='what p95 of the time of a link may be at most, in place of '
             'slo_LINK in tempest.conf; LINK is one of %s'
             % ', '.join(merged.OBJECTIVES))


def run(options, conf):
    """Read the files, and print what they say together.

    :param options: parsed command line
    :param conf: Tempest's ``CONF``, or None
    :returns: exit code
    :raises .reading.BadDocument: for a file that cannot be read or written
    """
    objectives = {} if conf is None else config.objectives(conf)
    runs = reading.read_all(options.files)
    rows = merged.rows(runs, dict(objectives, **dict(options.slo)))
    print(_verdicts(runs))
    if rows:
        print('\n%s' % _times(rows))
    if options.html:
        # Of one run the picture says it better.
        told = any(row.n > 1 or row.state for row in rows)
        _write(options.html, page.html(runs, rows if told else ()))
    if options.json:
        _write(options.json, json.dumps(summary(runs, rows), indent=2,
                                        allow_nan=False))
    good = all(one['verdict']['good'] for one in runs)
    missed = any(row.state is merged.State.MISSED for row in rows)
    return int(missed or not good)


def summary(runs, rows):
    """Return verdicts and times as plain lists and dicts.

    :param runs: documents
    :param rows: :class:`..report.merged.Row` of them
    """
    return {
        'report': FORMAT,
        'runs': [{'name': one['name'], 'began': one['began'],
                  'verdict': one['verdict']} for one in runs],
        'links': [_plain(row) for row in rows]}


def _plain(row):
    values = dict(vars(row), state=row.state and row.state.value)
    return {key: [_bounded(value.low), _bounded(value.high)]
            if isinstance(value, merged.Span) else value
            for key, value in values.items()}


def _bounded(seconds):
    return round(seconds, 3) if math.isfinite(seconds) else None


def _verdicts(runs):
    return table.plain(_RUNS, (
        (one['name'] or times.UNKNOWN, one['began'],
         _verdict(one['verdict']), times.UNKNOWN
         if one['verdict']['seconds'] is None
         else '%.1f s' % one['verdict']['seconds'],
         texts.away_for(one['application']))
        for one in runs))


def _verdict(verdict):
    return verdict['kind'] if verdict['link'] is None else (
        '%s at link %s' % (verdict['kind'], verdict['link']))


def _times(rows):
    return table.plain(_TIMES, (
        (row.scenario or times.UNKNOWN, row.step, row.n, row.missing or '',
         _figure(row.p50), _sure(row.p50_between), _figure(row.p95),
         _sure(row.p95_between), _figure(row.max), _state(row))
        for row in rows))


def _figure(span):
    return times.UNKNOWN if span is None else times.span(span.low, span.high)


def _sure(span):
    return times.span(span.low, span.high) if (
        math.isfinite(span.high)) else times.UNKNOWN


def _state(row):
    return '' if row.state is None else '%s (≤ %g s)' % (
        row.state.value, row.objective)


def _objective(text):
    link, equals, seconds = text.partition('=')
    try:
        value = float(seconds)
    except ValueError:
        value = math.nan
    if link not in merged.OBJECTIVES or not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(
            '%r is not LINK=SECONDS, with one of %s as LINK' % (
                text, ', '.join(merged.OBJECTIVES)))
    return link, value


def _write(path, content):
    try:
        report.write(path, content)
    except OSError as error:
        raise reading.BadDocument(path, error.strerror) from None
