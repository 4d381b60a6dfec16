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

"""Small multiples: the time of each link, run by run, as little pictures.

All positions are per cent of a picture. Each has a scale of its own, from
nothing to its longest time: what is compared are the runs of one link.
"""

import dataclasses
import itertools
import math

from self_healing_tempest_plugin.report import formatting

# Per cent of the height that the longest time takes.
_TOP = 90.0

# Per cent of the width of a column that is a bar.
_BAR = 70.0

# A few runs are no wall.
_FEWEST_COLUMNS = 6


@dataclasses.dataclass(frozen=True)
class Column:
    """One run.

    :ivar x: per cent from the left, of the middle
    :ivar left: per cent from the left, of the bar
    :ivar width: per cent
    :ivar low: per cent from the top, of the time that it took at least
    :ivar high: of the time that it took at most
    :ivar look: ``came``, ``slow`` or ``missing``
    :ivar title: what it is, for people
    """

    x: float
    left: float
    width: float
    low: float
    high: float
    look: str
    title: str


@dataclasses.dataclass(frozen=True)
class Multiple:
    """The picture of one step.

    :ivar trend: :class:`.trends.Trend`
    :ivar columns: :class:`Column` of each run
    :ivar last: how long it took in the last run, as text
    :ivar longest: the longest time, as text
    :ivar since: per cent from the left where it got slower, or None
    """

    trend: object
    columns: tuple[Column, ...]
    last: str
    longest: str
    since: float | None


@dataclasses.dataclass(frozen=True)
class Group:
    """The pictures of one scenario.

    :ivar first: when the first run began, as text
    :ivar last: when the last one began
    :ivar runs: how many there are
    """

    scenario: str
    multiples: tuple[Multiple, ...]
    first: str
    last: str
    runs: int

    @property
    def enough(self):
        """Return whether each step has runs enough to see it get slower."""
        return all(one.trend.enough for one in self.multiples)


def of(several):
    """Return a :class:`Group` of each scenario.

    :param several: :class:`.trends.Trend`, those of a scenario together
    """
    return tuple(
        _group(scenario, list(trends)) for scenario, trends
        in itertools.groupby(several, key=lambda trend: trend.scenario))


def sentence(trend):
    """Return since when a step takes longer, as text.

    :param trend: :class:`.trends.Trend` of one that does
    """
    slower = trend.slower
    before, since = slower.runs
    return 'slower since %s: p50 %s in %s before, %s in %s since' % (
        _when(slower.since), _span(slower.before),
        formatting.count(before, 'run'), _span(slower.after), since)


def _group(scenario, trends):
    began = sorted({point.began for trend in trends
                    for point in trend.points})
    return Group(
        scenario, tuple(_multiple(trend, began) for trend in trends),
        _when(began[0]), _when(began[-1]), len(began))


def _multiple(trend, began):
    """Return the picture of a step; a run has its column in all of them."""
    bounds = [point.bounds for point in trend.points]
    longest = max(end for one in bounds for end in (one.low, one.high)
                  if math.isfinite(end))
    share = 100.0 / max(_FEWEST_COLUMNS, len(began))
    first = began.index(trend.slower.since) if trend.slower else len(began)
    return Multiple(
        trend, tuple(
            _column(point, index, share, longest, index >= first)
            for index, point in (
                (began.index(point.began), point) for point in trend.points)),
        _span(bounds[-1]), '%.1f s' % longest,
        None if trend.slower is None else first * share)


def _column(point, index, share, longest, slow):
    def height(seconds):
        if math.isinf(seconds):
            return 0.0
        return 100 - _TOP * seconds / longest if longest else 100.0
    look = 'missing' if point.missing else 'slow' if slow else 'came'
    return Column(
        share * (index + 0.5), share * (index + 0.5 - _BAR / 200),
        share * _BAR / 100, height(point.bounds.low),
        height(point.bounds.high), look, '%s: %s' % (
            _when(point.began), _span(point.bounds)))


def _span(bounds):
    return formatting.span(bounds.low, bounds.high)


def _when(began):
    """Return when a run began, e.g. ``2026-11-23 23:08``."""
    return began[:16].replace('T', ' ')
