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

"""Several applications, one fault: what became of them together."""

import collections
import dataclasses
import math

from self_healing_tempest_plugin.report import formatting
from self_healing_tempest_plugin.report import quantiles
from self_healing_tempest_plugin.report import table
from self_healing_tempest_plugin.report import terminal

_HEADER = ('application', 'verdict', 'healed in', 'application away')
_ALIGN = {'application': 'l', 'verdict': 'l', 'healed in': 'r',
          'application away': 'r'}


@dataclasses.dataclass(frozen=True)
class Group:
    """The applications that one fault was of.

    :ivar name: of the scenario
    :ivar fault: the fault, for people
    :ivar began: when the first of their watches began
    :ivar runs: documents of the applications, the slowest first: those that
        are not as expected, then by the time that healing took
    :ivar missing: how many have left no document
    """

    name: str
    fault: str
    began: str
    runs: tuple
    missing: int

    @property
    def good(self):
        """Return whether all are as expected."""
        return not self.missing and all(
            run['verdict']['good'] for run in self.runs)

    @property
    def figures(self):
        """Return how long healing took: least, median, most; None of none.

        :returns: tuple of seconds of those that were healed
        """
        seconds = sorted(run['verdict']['seconds'] for run in self.runs
                         if run['verdict']['seconds'] is not None)
        if not seconds:
            return None
        return (seconds[0], quantiles.pick(seconds, quantiles.rank(
            len(seconds), quantiles.P50)), seconds[-1])


def of(runs):
    """Return the groups among runs, in the order of their first ones.

    :param runs: documents, see :mod:`.documents`
    :returns: tuple of :class:`Group`
    """
    groups = collections.defaultdict(list)
    for run in runs:
        if run.get('joint') is not None:
            groups[run['joint']['fault']].append(run)
    return tuple(map(_group, groups.values()))


def _group(runs):
    return Group(
        runs[0]['name'], runs[0]['expectation']['fault'],
        min(run['began'] for run in runs),
        tuple(sorted(runs, key=_slowest_first)),
        max(run['joint']['of'] for run in runs) - len(runs))


def _slowest_first(run):
    seconds = run['verdict']['seconds']
    return (run['verdict']['good'],
            -(math.inf if seconds is None else seconds),
            run['joint']['number'])


def application(run):
    """Return which application a run is of, e.g. ``2 of 4, app-7``.

    :param run: a document with ``joint``
    """
    joint = run['joint']
    return '%d of %d, %s' % (joint['number'], joint['of'],
                             joint['stack'] or formatting.UNKNOWN)


def verdict(group):
    """Return the verdict on a group in one line: all, or which were not.

    :param group: :class:`Group`
    """
    total = len(group.runs) + group.missing
    bad = [run for run in group.runs if not run['verdict']['good']]
    if group.good:
        kinds = collections.Counter(run['verdict']['kind']
                                    for run in group.runs)
        return 'all %d applications as expected: %s' % (total, ', '.join(
            '%d %s' % (number, kind) for kind, number in kinds.items()))
    parts = ['%s: %s' % (application(run), terminal.judged(run['verdict']))
             for run in bad]
    if group.missing:
        parts.append('%d without a document' % group.missing)
    return '%d of %d applications not as expected (%s)' % (
        len(bad) + group.missing, total, '; '.join(parts))


def distribution(group):
    """Return how long healing took in a group, in a line; '' of none.

    :param group: :class:`Group`
    """
    figures = group.figures
    return '' if figures is None else (
        'healed in %.1f s at least, %.1f s in the middle, %.1f s at most'
        % figures)


def text(group):
    """Return verdict, table and distribution of a group.

    :param group: :class:`Group`
    """
    return '\n'.join(filter(None, (
        '%s, %s: %s' % (table.visible(group.name), table.visible(group.fault),
                        table.visible(verdict(group))), '',
        table.plain(_HEADER, (
            (application(run), terminal.judged(run['verdict']),
             _seconds(run), terminal.away_for(run['application']))
            for run in group.runs), _ALIGN), distribution(group))))


def _seconds(run):
    seconds = run['verdict']['seconds']
    return formatting.UNKNOWN if seconds is None else '%.1f s' % seconds
