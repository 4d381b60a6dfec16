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

"""The poller, on a clock that only moves when someone sleeps."""

import functools
import threading

from hypothesis import given
from hypothesis import strategies
from tempest.lib import exceptions
import testtools

from self_healing_tempest_plugin import waiting


class FakeClock:
    """Seconds that pass by sleeping and by asking."""

    def __init__(self, cost=0.0):
        self.time, self.cost, self.naps = 1000.0, cost, []

    def now(self):
        return self.time

    def wall(self):
        return self.time + 1.7e9

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.time += seconds

    def ask(self, answers):
        """Return an observer that gives the answers, the last one for ever.

        Each answer takes ``cost`` seconds.
        """
        answers = iter(answers)
        last = [None]

        def observe():
            self.time += self.cost
            last[0] = next(answers, last[0])
            if isinstance(last[0], Exception):
                raise last[0]
            return last[0]
        return observe


class WaitForTest(testtools.TestCase):
    """waiting.wait_for()."""

    def wait(self, clock, answers, **options):
        return waiting.wait_for(
            clock.ask(answers), **dict({
                'what': 'server ACTIVE', 'timeout': 10, 'interval': 2,
                'clock': clock}, **options))

    def test_returns_the_fresh_answer(self):
        """The accepted object comes back, not an older one."""
        self.assertEqual('good', self.wait(
            FakeClock(), ['bad', 'good'], accept=lambda x: x == 'good'))

    def test_no_sleep_when_it_is_there(self):
        """The first answer counts at once."""
        clock = FakeClock()
        self.wait(clock, ['x'])
        self.assertEqual([], clock.naps)

    def test_last_check_at_the_deadline(self):
        """A change during the last sleep is seen."""
        clock = FakeClock()
        seen = waiting.wait_for(
            clock.now, lambda now: now >= 1010.0, what='the hour',
            timeout=10, interval=7, clock=clock)
        self.assertEqual(1010.0, seen)
        self.assertEqual([7, 3], clock.naps)

    def test_slow_poll_gets_a_last_check(self):
        """A poll that ends after the deadline is followed by another."""
        clock = FakeClock(cost=11)
        self.assertEqual('good', self.wait(
            clock, ['bad', 'good'], accept=lambda x: x == 'good'))

    def test_timeout_says_everything(self):
        """The message: what, state, polls, time, where to look."""
        error = self.assertRaises(
            waiting.WaitTimeout, self.wait, FakeClock(), [''],
            look_at='the log', describe=lambda _: 'BUILD')
        self.assertIsInstance(error, exceptions.TimeoutException)
        self.assertEqual(('BUILD', 6, 10.0),
                         (error.state, error.polls, error.waited))
        self.assertEqual(
            'server ACTIVE: not seen after 10.0 s and 6 polls; last state: '
            'BUILD; look at: the log', str(error))

    def test_abort(self):
        """A terminal wrong state ends the wait at once."""
        clock = FakeClock()
        error = self.assertRaises(
            waiting.WaitAborted, self.wait, clock, ['BUILD', 'ERROR'],
            accept=lambda x: x == 'ACTIVE', abort=lambda x: x == 'ERROR')
        self.assertEqual(('ERROR', 2.0), (error.state, error.waited))

    def test_tolerated_error_is_a_state(self):
        """A tolerated error is asked over, and told when it stays."""
        trouble = ConnectionError('refused')
        self.assertEqual('x', self.wait(
            FakeClock(), [trouble, 'x'], tolerate=ConnectionError))
        error = self.assertRaises(
            waiting.WaitTimeout, self.wait, FakeClock(), [trouble],
            tolerate=ConnectionError)
        self.assertIn('no answer: refused', str(error))

    def test_other_errors_pass(self):
        """An error that is not tolerated ends the wait as it is."""
        self.assertRaises(KeyError, self.wait, FakeClock(), [KeyError()],
                          tolerate=ConnectionError)

    def test_stop(self):
        """A stopped wait asks no more."""
        stop = threading.Event()
        stop.set()
        error = self.assertRaises(waiting.WaitStopped, self.wait,
                                  FakeClock(), ['x'], stop=stop)
        self.assertEqual(0, error.polls)

    def test_stop_wakes_a_real_sleep(self):
        """The real clock does not sleep through a stop."""
        stop = threading.Event()
        timer = threading.Timer(0.05, stop.set)
        timer.start()
        self.addCleanup(timer.join)
        error = self.assertRaises(
            waiting.WaitStopped, waiting.wait_for, lambda: False, what='x',
            timeout=60, interval=60, stop=stop)
        self.assertLess(error.waited, 10)

    @given(cost=strategies.floats(0, 20), interval=strategies.floats(0.1, 20),
           timeout=strategies.floats(0, 60), at=strategies.floats(0, 200))
    def test_never_late_never_early(self, cost, interval, timeout, at):
        """A timeout means: it was not there at the deadline."""
        clock = FakeClock(cost)

        def observe():
            begin = clock.now()
            clock.time += cost
            return begin >= 1000.0 + at

        try:
            waiting.wait_for(observe, what='x', timeout=timeout,
                             interval=interval, clock=clock)
        except waiting.WaitTimeout as error:
            self.assertLess(timeout, at + 1e-6)
            self.assertLessEqual(error.waited,
                                 timeout + 2 * cost + 1e-6)
        else:
            self.assertGreaterEqual(clock.now(), 1000.0 + at)


class RepeatTest(testtools.TestCase):
    """waiting.repeat()."""

    def setUp(self):
        super().setUp()
        self.stop, self.hold = threading.Event(), threading.Event()
        self.begun = threading.Semaphore(0)
        self.ended = []

    def call(self):
        """Begin, and end when it may."""
        self.begun.release()
        self.hold.wait(10)
        self.ended.append(threading.current_thread().name)

    def start(self, **options):
        thread = threading.Thread(
            target=waiting.repeat, args=(self.call,),
            kwargs=dict({'interval': 0.01, 'stop': self.stop}, **options))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.hold.set)
        self.addCleanup(self.stop.set)
        return thread

    def count(self, most):
        """Return how many calls have begun, up to as many."""
        return sum(self.begun.acquire(timeout=5 if number < most - 1
                                      else 0.2) for number in range(most))

    def test_goes_on(self):
        self.hold.set()
        self.start()
        self.assertEqual(5, self.count(5))

    def test_not_more_than_may_be(self):
        """A poll that is due while all places are taken is left out."""
        thread = self.start(at_once=3, name='ask')
        self.assertEqual(3, self.count(4))
        self.stop.set()
        self.hold.set()
        thread.join(5)
        self.assertFalse(thread.is_alive())
        self.assertEqual(3, len(self.ended))
        self.assertTrue(all(name.startswith('ask') for name in self.ended))

    def test_stopped(self):
        self.stop.set()
        self.start().join(5)
        self.assertEqual(0, self.count(1))


class SideBySideTest(testtools.TestCase):
    """waiting.side_by_side()."""

    def test_at_the_same_time(self):
        """Each waits for the others, and the answers are in order."""
        barrier = threading.Barrier(3)

        def call(number):
            barrier.wait(10)
            return number

        self.assertEqual([0, 1, 2], waiting.side_by_side(
            *(functools.partial(call, number) for number in range(3))))

    def test_broken(self):
        """The first problem, in their order, when all are over."""
        ended = []

        def call(number):
            ended.append(number)
            raise ValueError(number)

        error = self.assertRaises(ValueError, waiting.side_by_side, *(
            functools.partial(call, number) for number in range(3)))
        self.assertEqual(((0,), [0, 1, 2]), (error.args, sorted(ended)))
