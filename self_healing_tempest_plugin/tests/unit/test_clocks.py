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

"""The clocks of the services, and what they write of the time."""

import math
import threading

from hypothesis import given
from hypothesis import strategies
import testtools

from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.tests.unit import test_waiting
from self_healing_tempest_plugin.watching import clocks
from self_healing_tempest_plugin.watching import recorders


class Service:
    """Says what time it is, in whole seconds.

    :ivar offset: its clock less ours
    :ivar takes: seconds for the way to it, and for the way back
    """

    def __init__(self, clock, offset, takes=(0.01, 0.01)):
        self.clock, self.offset, self.takes = clock, offset, takes
        self.asked = 0

    def date(self):
        self.asked += 1
        self.clock.time += self.takes[0]
        date = math.floor(self.clock.time + self.offset)
        self.clock.time += self.takes[1]
        return date


class MeasureTest(testtools.TestCase):
    """clocks.measure()."""

    @given(strategies.floats(-1e4, 1e9), strategies.floats(0, 1),
           strategies.floats(0.001, 0.2), strategies.floats(0.001, 0.2))
    def test_truth_and_width(self, offset, start, there, back):
        """The truth is within, and not much else."""
        clock = test_waiting.FakeClock()
        clock.time += start
        service = Service(clock, offset, (there, back))
        measured = clocks.measure(service.date, clock=clock)
        self.assertTrue(measured.low - 1e-6 <= offset <= measured.high + 1e-6,
                        '%s not in %s' % (offset, measured))
        # Halved six times, and never narrower than the way there and back.
        self.assertLess(measured.width, 2 ** -5 + 2 * (there + back))
        self.assertEqual(clocks.QUESTIONS, service.asked)
        self.assertLess(clock.time, 1001 + clocks.QUESTIONS * 1.5)

    def test_no_date(self):
        """A service that does not say its time is asked once."""
        asked = []
        self.assertIsNone(clocks.measure(lambda: asked.append(1)))
        self.assertEqual([1], asked)

    def test_clock_that_was_set(self):
        """Contradictions make it wider, not wrong."""
        clock = test_waiting.FakeClock()
        service = Service(clock, 5.0)

        def date():
            service.offset = 5.0 if service.asked < 3 else 65.0
            return service.date()

        measured = clocks.measure(date, clock=clock)
        self.assertTrue(measured.low <= 5.0 and measured.high >= 65.0)

    def test_hull_and_agreed(self):
        first, second = timelines.Offset(1.0, 3.0), timelines.Offset(2.0, 4.0)
        self.assertEqual(timelines.Offset(1.0, 4.0), first.hull(second))
        self.assertEqual(timelines.Offset(2.0, 3.0),
                         clocks.agreed([first, second]))
        self.assertEqual(timelines.Offset(1.0, 9.0), clocks.agreed(
            [first, second, timelines.Offset(8.0, 9.0)]))
        self.assertEqual(2.0, first.width)


class TimekeeperTest(testtools.TestCase):
    """clocks.Timekeeper."""

    def keep(self, **asks):
        recorder = recorders.Recorder()
        keeper = clocks.Timekeeper(asks, recorder)
        self.addCleanup(keeper.stop)
        keeper.measure()
        return keeper, recorder

    def test_side_by_side(self):
        """A service that gives no time, or no answer, has no clock."""
        now = recorders.Recorder().now()

        def refuse():
            raise errors.ServiceRefused('Nova', 'tell its time', 'no')

        keeper, recorder = self.keep(
            Heat=lambda: math.floor(now + 100), Nova=refuse,
            Vitrage=lambda: None)
        keeper.wait()
        self.assertEqual({'Heat'}, set(recorder.timeline().clocks))

    def test_never_told(self):
        """A service whose answer never ends has no clock, and delays none."""
        held = threading.Event()
        self.addCleanup(held.set)
        keeper, recorder = self.keep(Vitrage=held.wait, Nova=lambda: None)
        keeper.wait(patience=0.1)
        self.assertEqual({}, dict(recorder.timeline().clocks))

    def test_defect(self):
        keeper, _ = self.keep(Heat=lambda: 'no number')
        self.assertRaises(TypeError, keeper.wait)


class StampsTest(testtools.TestCase):
    """stamps.at(), stamps.not_after() and stamps.not_before()."""

    def at(self, text):
        stamp, = stamps.at('Heat', text)
        self.assertEqual('Heat', stamp.service)
        return stamp.low, stamp.high

    def test_stored(self):
        """A column of whole seconds is cut off, or rounded."""
        stamp, = stamps.stored('Vitrage', '2026-01-01 00:00:10')
        self.assertEqual(('Vitrage', 1767225609.5, 1767225611.0),
                         (stamp.service, stamp.low, stamp.high))
        for text in (None, '', 'now'):
            self.assertEqual((), stamps.stored('Vitrage', text))

    def test_whole_seconds(self):
        for text in ('2026-01-01T00:00:10Z', '2026-01-01 00:00:10',
                     '2026-01-01T00:00:10.000000',
                     '2026-01-01T01:00:10+01:00'):
            self.assertEqual((1767225610.0, 1767225611.0), self.at(text))

    def test_fractions(self):
        low, high = self.at('2026-01-01 00:00:10.250000+00:00')
        self.assertEqual((1767225610.25, 0.01),
                         (low, round(high - low, 6)))
        low, high = self.at('2026-01-01T00:00:10.567Z')
        self.assertEqual(0.001, round(high - low, 6))

    def test_nonsense(self):
        """No time is no stamp."""
        for text in (None, '', 'now', 5):
            self.assertEqual((), stamps.at('Heat', text))
            self.assertEqual((), stamps.not_after('Heat', text))

    def test_not_after(self):
        stamp, = stamps.not_after('Heat', '2026-01-01T00:00:10Z')
        self.assertEqual((-math.inf, 1767225611.0), (stamp.low, stamp.high))

    def test_not_before(self):
        """What has come of something was not there before it."""
        stamp, = stamps.not_before('Nova', '2026-01-01T00:00:10.250000')
        self.assertEqual((1767225610.25, math.inf), (stamp.low, stamp.high))
        self.assertEqual((), stamps.not_before('Nova', None))
