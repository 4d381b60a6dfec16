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
import csv
import dataclasses
import io
import json
import math
import sys

from tempest.lib import exceptions

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.report import formatting
from self_healing_tempest_plugin.report import loading
from self_healing_tempest_plugin.report import multiples
from self_healing_tempest_plugin.report import saving
from self_healing_tempest_plugin.report import statistics
from self_healing_tempest_plugin.report import table
from self_healing_tempest_plugin.report import terminal
from self_healing_tempest_plugin.report import together
from self_healing_tempest_plugin.report import trends

# The shape of what --json writes; readers of runs pass it over.
FORMAT = 1

_RUNS = ('scenario', 'began', 'verdict', 'healed in', 'application away')
_TIMES = ('scenario', 'link', 'runs', 'missing', 'p50', 'p50 is in', 'p95',
          'p95 is in', 'max', 'objective')


class UnknownLink(exceptions.TempestException):
    """An objective is set for what no run has."""

    message = '--slo %(name)s: no run has such a link, only: %(known)s'


def add_arguments(parser):
    """Add the options of this command to an argparse parser."""
    parser.add_argument(
        'files', metavar='FILE', nargs='+',
        help='JSON of a run, or a directory that holds such')
    parser.add_argument('--html', metavar='FILE',
                        help='write all runs as one page')
    parser.add_argument('--json', metavar='FILE',
                        help='write the tables as JSON')
    parser.add_argument('--answers', metavar='FILE',
                        help='write each single answer of the application '
                             'as CSV')
    parser.add_argument(
        '--slo', metavar='LINK=SECONDS', action='append', default=[],
        type=_objective,
        help='what p95 of the time of a link may be at most, in place of '
             'slo_LINK in tempest.conf; LINK is a link of the runs, or %s '
             'for the whole' % statistics.HEALING)


def run(options, conf):
    """Read the files, and print what they say together.

    :param options: parsed command line
    :param conf: Tempest's ``CONF``, or None
    :returns: exit code
    :raises .loading.BadDocument: for a file that is named and cannot be read
        or written
    :raises UnknownLink: for an objective of a link that no run has
    """
    configured = {} if conf is None else config.objectives(conf)
    runs, problems = loading.read_all(options.files)
    for problem in problems:
        print(runtime.text(problem), file=sys.stderr)
    return max(2 if problems else 0,
               _report(options, configured, runs, problems) if runs else 0)


def _report(options, configured, runs, problems):
    """Print and write what runs say; return the exit code."""
    steps = statistics.of(runs, configured | _known(options.slo, runs))
    print(_verdicts(runs))
    for group in together.of(runs):
        print('\n%s' % together.text(group))
    if steps:
        print('\n%s' % _times(steps))
    slower = [trend for trend in trends.of(runs) if trend.slower]
    for trend in slower:
        print('%s%s %s: %s' % (
            '' if trend is not slower[0] else '\n', table.visible(
                trend.scenario or formatting.UNKNOWN), trend.step,
            multiples.sentence(trend)))
    if options.html:
        # Of one run the picture says it better.
        told = any(step.n > 1 or step.state for step in steps)
        _write(options.html, saving.drawn(
            runs, lambda _: steps if told else (), [*map(str, problems)]))
    if options.json:
        _write(options.json, json.dumps(
            summary(runs, steps, slower), indent=2, allow_nan=False))
    if options.answers:
        _write(options.answers, _answers(runs))
    good = all(run['verdict']['good'] for run in runs)
    missed = any(step.state is statistics.State.MISSED for step in steps)
    return int(missed or not good)


def summary(runs, steps, slower=()):
    """Return verdicts and times as plain lists and dicts.

    :param runs: documents
    :param steps: :class:`..report.statistics.Statistic` of them
    :param slower: :class:`..report.trends.Trend` of each that got slower
    """
    return {
        'report': FORMAT,
        'runs': [{key: run[key] for key in ('name', 'began', 'verdict')}
                 for run in runs],
        'links': [*map(_plain, steps)],
        'slower': [{
            'scenario': trend.scenario, 'step': trend.step,
            'since': trend.slower.since, 'runs': list(trend.slower.runs),
            'before': _ends(trend.slower.before),
            'after': _ends(trend.slower.after)} for trend in slower]}


def _plain(step):
    values = dict(vars(step), state=step.state and step.state.value)
    return {key: _ends(value) if isinstance(value, statistics.Bounds)
            else value for key, value in values.items()}


def _ends(bounds):
    return [_bounded(bounds.low), _bounded(bounds.high)]


def _bounded(seconds):
    return round(seconds, 3) if math.isfinite(seconds) else None


def _verdicts(runs):
    return table.plain(_RUNS, (
        (run['name'] or formatting.UNKNOWN, run['began'],
         terminal.judged(run['verdict']), formatting.UNKNOWN
         if run['verdict']['seconds'] is None
         else '%.1f s' % run['verdict']['seconds'],
         terminal.away_for(run['application']))
        for run in runs))


def _times(steps):
    return table.plain(_TIMES, (
        (step.scenario or formatting.UNKNOWN, step.step, step.n,
         step.missing or '', _figure(step.p50), _sure(step.p50_between),
         _figure(step.p95), _sure(step.p95_between), _figure(step.max),
         _state(step))
        for step in steps))


def _figure(bounds):
    return formatting.UNKNOWN if bounds is None else (
        formatting.span(bounds.low, bounds.high))


def _sure(bounds):
    return _figure(bounds if math.isfinite(bounds.high) else None)


def _state(step):
    return '' if step.state is None else '%s (≤ %g s)' % (
        step.state.value, step.objective)


def _objective(text):
    link, _, seconds = text.partition('=')
    try:
        value = float(seconds)
    except ValueError:
        value = math.nan
    if not link or not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(
            '%r is not LINK=SECONDS' % text)
    return link, value


def _known(objectives, runs):
    """Return objectives by name.

    :param objectives: pairs of a name and seconds; the last of a name counts
    :raises UnknownLink: for a name that none of the runs has
    """
    known = statistics.objectives_of(runs)
    for name, _ in objectives:
        if name not in known:
            raise UnknownLink(name=name, known=', '.join(known))
    return dict(objectives)


def _answers(runs):
    """Return all answers as lines of CSV, in seconds after the watch began.

    :raises .loading.BadDocument: for a run that has none, or cannot tell them
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator='\n')
    fields = [field.name for field in dataclasses.fields(answers.Answer)]
    writer.writerow(('scenario', 'began', *fields))
    for one in runs:
        writer.writerows(
            (one['name'], one['began'], answer.begin / 1000,
             answer.end / 1000, *dataclasses.astuple(answer)[2:])
            for answer in _singles(one))
    return lines.getvalue().rstrip('\n')


def _singles(one):
    named = '%s of %s' % (one['name'], one['began'])
    try:
        singles = answers.whole(one['probes'])
    except answers.Damaged as error:
        raise loading.BadDocument(named, str(error)) from None
    if singles is None:
        raise loading.BadDocument(named, 'each single answer is in the file '
                                  'of the run, not in what a test attaches')
    return singles


def _write(path, content):
    try:
        saving.write(path, content)
    except OSError as error:
        raise loading.BadDocument(path, error.strerror) from None
