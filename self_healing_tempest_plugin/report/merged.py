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

from self_healing_tempest_plugin.report import quantiles

HEALING = 'healing'

# The links that a service-level objective may be set for, and the whole.
OBJECTIVES = ('alarm', 'deduction', 'workflow', 'stack', 'application',
              HEALING)

# What has two rows, each with its mark.
_LASTING = ('workflow', 'stack')


class State(enum.Enum):
    """Whether an objective is met."""

    MET = 'MET'
    MISSED = 'MISSED'
    UNDECIDED = 'UNDECIDED'


@dataclasses.dataclass(frozen=True)
class Span:
    """Seconds, at least and at most; infinite where there is no bound."""

    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Row:
    """How long one step took in all runs of a scenario.

    :ivar step: e.g. ``workflow started``, or ``healing`` for the whole
    :ivar link: label of the link, key of the objective
    :ivar n: how many runs have waited for the step
    :ivar missing: in how many of these it did not come; such a run took
        longer than its deadline, nobody knows how much
    :ivar p50: :class:`Span`, None without any run; so are the next two
    :ivar p50_between: :class:`Span` that holds the quantile with 95 %
        confidence, an infinite end where there are too few runs
    :ivar objective: seconds that p95 may be at most, or None
    :ivar state: :class:`State`, None without an objective
    """

    scenario: str
    step: str
    link: str
    n: int
    missing: int
    p50: Span | None
    p95: Span | None
    max: Span | None
    p50_between: Span
    p95_between: Span
    objective: float | None
    state: State | None


def rows(runs, objectives):
    """Return a :class:`Row` for each scenario and step.

    Runs that were no fire drill (INVALID), or ended before their verdict was
    sure, do not count.

    :param runs: documents, see :mod:`.documents`
    :param objectives: dict of a name in :data:`OBJECTIVES` to seconds
    :returns: tuple, in the order of the documents and their links
    """
    times = {}
    for run in runs:
        if run['verdict']['kind'] != 'INVALID' and (
                run['concluded'] is not None):
            for step, link, span in _times(run):
                times.setdefault((run['name'], step, link), []).append(span)
    order = {name: index for index, name in enumerate(
        dict.fromkeys(key[0] for key in times))}
    return tuple(
        _row(*key, [one for one in times[key] if one is not None],
             objectives.get(key[2]))
        for key in sorted(times, key=lambda key: (
            order[key[0]], key[2] == HEALING)))


def state(between, objective):
    """Return whether an objective is met, as far as that is sure.

    :param between: :class:`Span` that the quantile is in
    :param objective: seconds that it may be at most
    """
    if between.high <= objective:
        return State.MET
    return State.MISSED if between.low > objective else State.UNDECIDED


def _row(scenario, step, link, spans, objective):
    between = _between(spans, quantiles.P95)
    n = len(spans)
    return Row(
        scenario, step, link, n=n,
        missing=sum(math.isinf(one.high) for one in spans),
        p50=_quantile(spans, quantiles.rank(n, quantiles.P50)),
        p95=_quantile(spans, quantiles.rank(n, quantiles.P95)),
        max=_quantile(spans, n),
        p50_between=_between(spans, quantiles.P50), p95_between=between,
        objective=objective,
        state=None if objective is None else state(between, objective))


def _quantile(spans, rank):
    return _picked(spans, rank, rank) if spans else None


def _between(spans, p):
    low, high = quantiles.confidence_ranks(len(spans), p)
    found = _picked(spans, low, high)
    # No time is negative.
    return Span(max(0.0, found.low), found.high)


def _picked(spans, low, high):
    return Span(
        quantiles.pick(sorted(one.low for one in spans), low),
        quantiles.pick(sorted(one.high for one in spans), high))


def _times(run):
    """Yield name, link and time of each expected step, and of the whole.

    The time is None where the step before it did not come.
    """
    expected = [(one['link'], one['mark'])
                for one in run['expectation']['steps']]
    rows_ = [one for one in run['links']
             if (one['link'], one['mark']) in expected]
    for index, row in enumerate(rows_):
        yield (_step(row), row['link'],
               _time(run, row, _begin(run, rows_[:index])))
    last = next((one for one in rows_ if one['link'] == 'application'), None)
    if last is not None:
        yield HEALING, HEALING, _healing(run, last)


def _step(row):
    return '%s %s' % (row['link'], row['mark']) if (
        row['link'] in _LASTING) else row['link']


def _time(run, row, begin):
    if row['took'] is not None:
        return Span(row['took']['low'], row['took']['high'])
    until = _given_up(run, row)
    if row['state'] == 'came' or None in (begin, until):
        return None
    return _since(begin, until, math.inf)


def _begin(run, earlier):
    """Return since when a step is waited for at the latest, or None."""
    waited_for = [one for one in earlier if (one['link'], one['mark'])
                  != ('workflow', 'finished')]
    if waited_for:
        return waited_for[-1]['end']
    injected = _injected(run)
    return injected and injected['end']


def _healing(run, last):
    injected = _injected(run)
    if injected is None:
        return None
    if last['state'] == 'came':
        begin = last['end'] if last['begin'] is None else last['begin']
        return _since(injected['end'], begin,
                      last['end'] - injected['begin'])
    until = _given_up(run, last)
    return None if until is None else _since(
        injected['end'], until, math.inf)


def _since(begin, low, seconds):
    """Return a span from ``low`` at the earliest, in whole milliseconds."""
    return Span(round(max(0.0, low - begin), 3),
                round(max(0.0, seconds), 3) if math.isfinite(seconds)
                else seconds)


def _given_up(run, row):
    """Return until when a step that is missing was surely waited for."""
    # A run ends before the deadline of a link when one before it is late.
    return min((one for one in (run['concluded'], row['deadline'])
                if one is not None), default=None)


def _injected(run):
    return next((one for one in run['transitions']
                 if one['name'] == 'injected'), None)
