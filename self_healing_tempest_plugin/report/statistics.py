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

"""Several runs of the same scenarios: how long each link takes.

Each figure has two ends, since each time has: the lower one comes from the
lower ends of all times, the upper one from the upper ends. Whatever the true
times are between these, their figure is between the two ends.
"""

import dataclasses
import enum
import math

from self_healing_tempest_plugin.report import lookup
from self_healing_tempest_plugin.report import quantiles

# The objective that may be set beside those of the links: for the whole.
HEALING = 'healing'


class State(enum.Enum):
    """Whether an objective is met."""

    MET = 'MET'
    MISSED = 'MISSED'
    UNDECIDED = 'UNDECIDED'


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Seconds, at least and at most; infinite where there is no bound."""

    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Statistic:
    """How long one step took in all runs of a scenario.

    :ivar step: e.g. ``workflow started``, or ``healing`` for the whole
    :ivar link: name of the link, key of the objective
    :ivar n: how many runs have waited for the step
    :ivar missing: in how many of these it did not come; such a run took
        longer than its deadline, nobody knows how much
    :ivar p50: :class:`Bounds`, None without any run; so are the next two
    :ivar p50_between: :class:`Bounds` that holds the quantile with 95 %
        confidence, an infinite end where there are too few runs
    :ivar objective: seconds that p95 may be at most, or None
    :ivar state: :class:`State`, None without an objective
    """

    scenario: str
    step: str
    link: str
    n: int
    missing: int
    p50: Bounds | None
    p95: Bounds | None
    max: Bounds | None
    p50_between: Bounds
    p95_between: Bounds
    objective: float | None
    state: State | None


def of(runs, objectives):
    """Return a :class:`Statistic` of each scenario and step.

    Runs that were no fire drill (INVALID), or ended before their verdict was
    sure, do not count.

    :param runs: documents, see :mod:`.documents`
    :param objectives: dict of a name in :func:`objectives_of` to seconds
    :returns: tuple, in the order of the documents and their links
    """
    return tuple(
        _statistic(*key, [bounds for _, bounds in several
                          if bounds is not None], objectives.get(key[2]))
        for key, several in times(runs).items())


def times(runs):
    """Return how long each step took in each run that counts.

    :param runs: documents
    :returns: dict of scenario, step and link to pairs of when a run began
        and :class:`Bounds`, or None where nobody knows; the scenarios in the
        order of the documents, their steps in that of the links, and what
        the whole took last
    """
    found = {}
    for run in runs:
        if run['verdict']['kind'] != 'INVALID' and (
                run['concluded'] is not None):
            for step, link, bounds in _times(run):
                found.setdefault((run['name'], step, link), []).append(
                    (run['began'], bounds))
    order = {name: index for index, name in enumerate(
        dict.fromkeys(key[0] for key in found))}
    return {key: found[key] for key in sorted(found, key=lambda key: (
        order[key[0]], key[2] == HEALING))}


def objectives_of(runs):
    """Return the names of the objectives: of the links, and of the whole.

    :param runs: documents
    :returns: tuple of names, in the order of the chains
    """
    names = dict.fromkeys(link['name'] for run in runs
                          for link in run['chain']['links'][1:])
    return (*names, HEALING)


def state(between, objective):
    """Return whether an objective is met, as far as that is sure.

    :param between: :class:`Bounds` that the quantile is in
    :param objective: seconds that it may be at most
    """
    if between.high <= objective:
        return State.MET
    return State.MISSED if between.low > objective else State.UNDECIDED


def _statistic(scenario, step, link, bounds, objective):
    between = _between(bounds, quantiles.P95)
    n = len(bounds)
    return Statistic(
        scenario, step, link, n=n,
        missing=sum(math.isinf(one.high) for one in bounds),
        p50=_quantile(bounds, quantiles.rank(n, quantiles.P50)),
        p95=_quantile(bounds, quantiles.rank(n, quantiles.P95)),
        max=_quantile(bounds, n),
        p50_between=_between(bounds, quantiles.P50), p95_between=between,
        objective=objective,
        state=None if objective is None else state(between, objective))


def _quantile(several, rank):
    return _picked(several, rank, rank) if several else None


def _between(several, p):
    low, high = quantiles.confidence_ranks(len(several), p)
    picked = _picked(several, low, high)
    # No time is negative.
    return Bounds(max(0.0, picked.low), picked.high)


def _picked(several, low, high):
    return Bounds(
        quantiles.pick(sorted(bounds.low for bounds in several), low),
        quantiles.pick(sorted(bounds.high for bounds in several), high))


def _times(run):
    """Yield name, link and time of each expected step, and of the whole.

    The time is None where the step before it did not come.
    """
    rows = lookup.expected(run)
    for row in rows:
        yield _step(run, row), row['link'], _time(run, row)
    goal = lookup.goal(run)
    last = next((row for row in rows if row['link'] == goal), None)
    if last is not None:
        yield HEALING, HEALING, _healing(run, last)


def _step(run, row):
    return '%s %s' % (row['link'], row['mark']) if (
        lookup.lasting(run, row['link'])) else row['link']


def _time(run, row):
    if row['took'] is not None:
        return Bounds(row['took']['low'], row['took']['high'])
    begin, until = _begin(run, row), _given_up(run, row)
    if row['state'] == 'came' or None in (begin, until):
        return None
    return _since(begin, until, math.inf)


def _begin(run, row):
    """Return since when a step is waited for at the latest, or None."""
    before = lookup.awaited(run, row) if row['after'] else (
        lookup.injected(run))
    return before and before['end']


def _healing(run, last):
    injected = lookup.injected(run)
    if injected is None:
        return None
    if last['state'] == 'came':
        if last['end'] is None:
            return None
        begin = last['end'] if last['begin'] is None else last['begin']
        return _since(injected['end'], begin,
                      last['end'] - injected['begin'])
    until = _given_up(run, last)
    return None if until is None else _since(
        injected['end'], until, math.inf)


def _since(begin, low, seconds):
    """Return bounds from ``low`` at the earliest, in whole milliseconds."""
    return Bounds(round(max(0.0, low - begin), 3),
                  round(max(0.0, seconds), 3) if math.isfinite(seconds)
                  else seconds)


def _given_up(run, row):
    """Return until when a step that is missing was surely waited for."""
    # A run ends before the deadline of a link when a link before it is late.
    return min((at for at in (run['concluded'], row['deadline'])
                if at is not None), default=None)
