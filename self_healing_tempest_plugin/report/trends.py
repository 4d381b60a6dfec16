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

"""How the time of each link goes from run to run, and where it got slower.

A link got slower with a run when, of the runs of its scenario,

- at least :data:`EACH` came before it, and so many since, itself included;
- in at least :data:`SHARE` of all pairs of a run before and a run since, the
  later one took longer for sure: its lower bound is more than the upper bound
  of the earlier one;
- the median of those since is longer than that before by at least
  :data:`LEAST` of it, and by at least :data:`SECONDS` seconds.

Of several such runs it is the one with the most pairs for sure, less those in
which the later one was faster for sure; of these the first. That share of
pairs is the statistic of Mann and Whitney (*On a test of whether one of two
random variables is stochastically larger than the other*, Annals of
Mathematical Statistics 18, 1947), which needs no distribution; the search for
the run that splits best is Pettitt's (*A non-parametric approach to the
change-point problem*, Applied Statistics 28, 1979). A link that is fast again
did not get slower: what counts is how it is by now.
"""

import dataclasses
import math

from self_healing_tempest_plugin.report import quantiles
from self_healing_tempest_plugin.report import statistics

# Runs of a scenario that are looked at, the last ones.
MOST = 60

EACH = 3
SHARE = 0.9
LEAST = 0.1
SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class Point:
    """How long a step took in one run.

    :ivar began: of the run, as in its document
    :ivar bounds: :class:`.statistics.Bounds`; an infinite end where it did
        not come
    """

    began: str
    bounds: statistics.Bounds

    @property
    def missing(self):
        """Return whether the step did not come."""
        return math.isinf(self.bounds.high)


@dataclasses.dataclass(frozen=True)
class Slower:
    """Since when a step takes longer.

    :ivar index: of the first point of those that take longer
    :ivar since: when that run began
    :ivar before: :class:`.statistics.Bounds` of the median before
    :ivar after: of the median since
    :ivar runs: how many runs there were before, and since
    """

    index: int
    since: str
    before: statistics.Bounds
    after: statistics.Bounds
    runs: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Trend:
    """One step of one scenario, run by run.

    :ivar points: :class:`Point` of each run that has waited for the step, in
        the order in which the runs began
    :ivar slower: :class:`Slower`, or None
    """

    scenario: str
    step: str
    link: str
    points: tuple[Point, ...]
    slower: Slower | None

    @property
    def enough(self):
        """Return whether there are runs enough to see that it got slower."""
        return len(self.points) >= 2 * EACH


def of(runs):
    """Return a :class:`Trend` of each step that was waited for twice.

    :param runs: documents, see :mod:`.documents`, in the order in which they
        began
    :returns: tuple, in the order of :func:`.statistics.of`
    """
    return tuple(
        Trend(scenario, step, link, points, slower(points))
        for (scenario, step, link), points in _points(runs).items()
        if len(points) > 1)


def _points(runs):
    points = {}
    for (scenario, step, link), times in statistics.times(runs).items():
        known = [Point(began, bounds) for began, bounds in times
                 if bounds is not None]
        points[scenario, step, link] = tuple(known[-MOST:])
    return points


def slower(points):
    """Return since when a step takes longer, None where it does not.

    :param points: :class:`Point` of each run, in order
    :returns: :class:`Slower`
    """
    found = None
    for index, longer, shorter in _splits([point.bounds for point in points]):
        if longer < SHARE * index * (len(points) - index):
            continue
        split = _slower(points, index)
        if split and (found is None or longer - shorter > found[0]):
            found = longer - shorter, split
    return found and found[1]


def _splits(bounds):
    """Yield each way to part runs into those before and those since.

    :returns: how many are before, and in how many pairs the later one was
        longer for sure, and in how many shorter for sure
    """
    longer = shorter = 0
    for index, one in enumerate(bounds):
        # From after it to before it: its pairs with those before go, and
        # those with the ones since come.
        if EACH <= index <= len(bounds) - EACH:
            yield index, longer, shorter
        for at, other in enumerate(bounds):
            earlier, later = (one, other) if at > index else (other, one)
            sign = 1 if at > index else -1
            longer += sign * (at != index and later.low > earlier.high)
            shorter += sign * (at != index and later.high < earlier.low)


def _slower(points, index):
    before, since = (_median(several) for several in (points[:index],
                                                      points[index:]))
    least = max(SECONDS, LEAST * before.high)
    if not since.low >= before.high + least:
        return None
    return Slower(index, points[index].began, before, since,
                  (index, len(points) - index))


def _median(points):
    rank = quantiles.rank(len(points), quantiles.P50)
    return statistics.Bounds(*(quantiles.pick(sorted(
        getattr(point.bounds, end) for point in points), rank)
        for end in ('low', 'high')))
