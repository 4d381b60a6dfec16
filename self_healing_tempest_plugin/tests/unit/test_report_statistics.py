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

"""Several runs together: quantiles, what is sure, and objectives."""

import fractions
import itertools
import math
import random

from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies
import testtools

from self_healing_tempest_plugin.report import quantiles
from self_healing_tempest_plugin.report import statistics
from self_healing_tempest_plugin.tests.unit import report_samples

P50, P95 = quantiles.P50, quantiles.P95
State, Bounds = statistics.State, statistics.Bounds

TIMES = strategies.floats(0, 100)
BOUNDS = strategies.tuples(TIMES, TIMES).map(
    lambda pair: Bounds(*sorted(pair)))


def at_least(n, p, r):
    """Return the probability of r or more successes, by all outcomes."""
    return sum(
        math.prod(p if won else 1 - p for won in outcome)
        for outcome in itertools.product((True, False), repeat=n)
        if sum(outcome) >= r)


HEALED = report_samples.document('HEALED')


def run(alarm, number):
    """Return a document whose alarm took so long."""
    first, *rest = HEALED['links']
    took = {'low': alarm.low, 'high': alarm.high}
    return dict(HEALED, links=[dict(first, took=took), *rest],
                began=str(number))


def row_of(rows, step, scenario='test_host_crash'):
    return next(row for row in rows
                if (row.scenario, row.step) == (scenario, step))


class QuantileTest(testtools.TestCase):
    """quantiles: against all outcomes."""

    @given(strategies.lists(TIMES, min_size=1),
           strategies.sampled_from([P50, P95]))
    def test_rank(self, values, p):
        """The smallest value that a share of p does not exceed."""
        values.sort()
        picked = quantiles.pick(values, quantiles.rank(len(values), p))
        enough = [value for value in values
                  if sum(smaller <= value for smaller in values)
                  >= p * len(values)]
        self.assertEqual(min(enough), picked)

    def test_coverage_by_all_outcomes(self):
        """Each pair has its confidence, and no narrower one has."""
        for n, p in itertools.product(range(1, 10), (P50, P95)):
            tail = [at_least(n, p, r) for r in range(n + 2)]
            low, high = quantiles.confidence_ranks(n, p)
            self.assertGreaterEqual(tail[low] - tail[high],
                                    quantiles.CONFIDENCE)
            for r, s in itertools.combinations(range(1, n + 1), 2):
                if s - r < high - low and 0 < low and high <= n:
                    self.assertLess(tail[r] - tail[s],
                                    quantiles.CONFIDENCE, (n, p, r, s))

    def test_how_many_are_needed(self):
        """For two ends: 6 of the median, 59 of the 95th percentile."""
        def closed(n, p):
            low, high = quantiles.confidence_ranks(n, p)
            return low > 0 and high <= n
        for p, least in ((P50, 6), (P95, 59)):
            self.assertEqual(list(range(least, 100)), [
                n for n in range(100) if closed(n, p)])

    def test_one_value_is_a_lower_bound(self):
        """One in twenty is above the 95th percentile: 95 % sure."""
        self.assertEqual((1, 2), quantiles.confidence_ranks(1, P95))
        self.assertEqual((0, 1), quantiles.confidence_ranks(0, P95))

    def test_a_known_table(self):
        """Median of ten: between the second and the ninth, 97.9 %."""
        self.assertEqual((2, 9), quantiles.confidence_ranks(10, P50))
        self.assertAlmostEqual(0.9785, float(
            at_least(10, fractions.Fraction(1, 2), 2)
            - at_least(10, fractions.Fraction(1, 2), 9)), 4)

    def test_simulated(self):
        """The interval holds the quantile as often as it says, about."""
        dice = random.Random(4)
        for n in (59, 72, 200):
            low, high = quantiles.confidence_ranks(n, P95)
            hits = 0
            for _ in range(400):
                values = sorted(dice.random() for _ in range(n))
                hits += (quantiles.pick(values, low) <= 0.95
                         <= quantiles.pick(values, high))
            self.assertGreater(hits, 400 * 0.92)


class RowsTest(testtools.TestCase):
    """statistics.of()."""

    def spans(self, *alarms):
        return [run(alarm, index) for index, alarm in enumerate(alarms)]

    @settings(deadline=None, max_examples=50)
    @given(strategies.lists(BOUNDS, min_size=1, max_size=12),
           strategies.data())
    def test_any_true_times(self, spans, data):
        """Whatever the true times are, their figure is in the interval."""
        true = sorted(data.draw(strategies.floats(bounds.low, bounds.high))
                      for bounds in spans)
        row = row_of(statistics.of(self.spans(*spans), {}), 'alarm')
        self.assertEqual((len(spans), 0), (row.n, row.missing))
        for span, p in ((row.p50, P50), (row.p95, P95)):
            value = true[quantiles.rank(len(true), p) - 1]
            self.assertTrue(span.low <= value <= span.high)
        self.assertTrue(row.max.low <= true[-1] <= row.max.high)
        self.assertLessEqual(row.p50.high, row.p95.high)
        low, high = quantiles.confidence_ranks(len(true), P95)
        self.assertTrue(row.p95_between.low <= quantiles.pick(true, low)
                        or low == 0)
        self.assertGreaterEqual(row.p95_between.high,
                                quantiles.pick(true, high))

    def test_steps(self):
        """Each step of each scenario, and the whole at the end."""
        rows = statistics.of(
            [report_samples.document('HEALED', name='a'),
             report_samples.document('UNTOUCHED', name='b')], {})
        self.assertEqual(
            [('a', 'alarm'), ('a', 'deduction'), ('a', 'workflow started'),
             ('a', 'stack finished'), ('a', 'workflow finished'),
             ('a', 'application'), ('a', 'healing'), ('b', 'alarm'),
             ('b', 'deduction')],
            [(row.scenario, row.step) for row in rows])
        self.assertEqual(Bounds(30.0, 30.6), row_of(rows, 'healing', 'a').p50)

    def test_missing(self):
        """A link that did not come took longer than it was waited for."""
        rows = statistics.of([report_samples.document('BROKEN')], {})
        workflow = row_of(rows, 'workflow started')
        self.assertEqual((1, 1), (workflow.n, workflow.missing))
        self.assertEqual(Bounds(30.0, math.inf), workflow.max)
        self.assertEqual((0, None), (row_of(rows, 'stack finished').n,
                                     row_of(rows, 'stack finished').p50))
        self.assertEqual((1, math.inf), (row_of(rows, 'healing').missing,
                                         row_of(rows, 'healing').max.high))

    def test_given_up(self):
        """A run that ended early says no more than it saw."""
        document = report_samples.document('BROKEN')
        document['concluded'] = (
            report_samples.FAULT - report_samples.ORIGIN + 9)
        row = row_of(statistics.of([document], {}), 'workflow started')
        self.assertAlmostEqual(3.4, row.max.low)

    def test_ended_early(self):
        """A run without a conclusion has missed nothing, whatever it says."""
        broken = report_samples.document('BROKEN')
        broken.update(concluded=None, ended='it was interrupted')
        self.assertEqual((), statistics.of([broken], {'workflow': 1}))

    def test_invalid(self):
        """A run that was no fire drill says nothing of the links."""
        self.assertEqual((), statistics.of(
            [report_samples.document('INVALID')], {'alarm': 1}))

    def test_mixed(self):
        """Runs without a link count: they are the slowest."""
        rows = statistics.of([
            report_samples.document('HEALED', began='1'),
            report_samples.document('HEALED', began='2'),
            report_samples.document('BROKEN')], {'workflow': 25})
        row = row_of(rows, 'workflow started')
        self.assertEqual((3, 1), (row.n, row.missing))
        self.assertLess(row.p50.high, 2)
        self.assertEqual((math.inf, State.UNDECIDED),
                         (row.p95.high, row.state))


class ObjectiveTest(testtools.TestCase):
    """MET, MISSED or UNDECIDED."""

    def state(self, spans, objective):
        runs = [run(span, index) for index, span in enumerate(spans)]
        return row_of(statistics.of(runs, {'alarm': objective}), 'alarm').state

    def test_too_few_runs(self):
        """58 good runs do not prove it, 59 do."""
        self.assertIs(State.UNDECIDED, self.state([Bounds(1, 2)] * 58, 10))
        self.assertIs(State.MET, self.state([Bounds(1, 2)] * 59, 10))

    def test_measured_too_badly(self):
        for span, state in ((Bounds(1, 10), State.MET),
                            (Bounds(1, 10.1), State.UNDECIDED),
                            (Bounds(10, 12), State.UNDECIDED),
                            (Bounds(10.1, 12), State.MISSED)):
            self.assertIs(state, self.state([span] * 59, 10), span)

    def test_one_slow_run(self):
        """It is enough to say that p95 is too high; one of ten is not."""
        self.assertIs(State.MISSED, self.state([Bounds(11, 12)], 10))
        self.assertIs(State.UNDECIDED, self.state(
            [Bounds(11, 12), *[Bounds(1, 2)] * 9], 10))

    def test_none(self):
        self.assertIsNone(self.state([Bounds(1, 2)], None))

    def test_both_steps_of_the_workflow(self):
        rows = statistics.of([report_samples.document('HEALED')],
                             {'workflow': 3, 'healing': 20})
        self.assertEqual(
            {'workflow started': State.UNDECIDED,
             'workflow finished': State.MISSED, 'healing': State.MISSED},
            {row.step: row.state for row in rows if row.state})

    @settings(deadline=None, max_examples=50)
    @given(strategies.lists(BOUNDS, min_size=1, max_size=70), TIMES,
           strategies.data())
    def test_sound(self, spans, objective, data):
        """True times within the bounds never contradict what is sure."""
        state = self.state(spans, objective)
        true = [data.draw(strategies.sampled_from([span.low, span.high]))
                for span in spans]
        better = self.state([Bounds(value, value) for value in true],
                            objective)
        if state is State.MET:
            self.assertIs(State.MET, better)
        elif state is State.MISSED:
            self.assertIs(State.MISSED, better)
        else:
            self.assertIs(State.UNDECIDED, state)

    @given(BOUNDS, TIMES, TIMES)
    def test_monotonous(self, between, first, second):
        """What is met stays met with a looser objective."""
        assume(first < second)
        order = [State.MISSED, State.UNDECIDED, State.MET]
        self.assertLessEqual(order.index(statistics.state(between, first)),
                             order.index(statistics.state(between, second)))
