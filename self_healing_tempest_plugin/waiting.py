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

"""The one poller: everything that waits, waits here."""

from concurrent import futures
import dataclasses
import threading
import time
import typing

from tempest.lib import exceptions

from self_healing_tempest_plugin.redaction import runtime


class WaitError(exceptions.TimeoutException):
    """The state that was waited for did not come.

    :ivar state: the last state seen, a string
    :ivar polls: how often it was asked for
    :ivar waited: seconds from the first poll to giving up
    """

    def __init__(self, what, reason, state, polls, waited, look_at):
        self.what, self.reason, self.state = what, reason, state
        self.polls, self.waited, self.look_at = polls, waited, look_at
        super().__init__(self.describe())

    def describe(self):
        """Return the facts that a reader needs, one after the other."""
        text = ('%s: %s after %.1f s and %d polls; last state: %s'
                % (self.what, self.reason, self.waited, self.polls,
                   self.state))
        return runtime.text('%s; look at: %s' % (text, self.look_at) if (
            self.look_at) else text)

    def __str__(self):
        return self.describe()


class WaitTimeout(WaitError):
    """The deadline passed."""


class WaitAborted(WaitError):
    """A state was seen from which there is no way to the one waited for."""


class WaitStopped(WaitError):
    """Somebody else ended the wait."""


@dataclasses.dataclass(frozen=True)
class Clock:
    """Time as seen and passed by a wait; tests bring their own.

    :ivar now: returns monotonic seconds
    :ivar sleep: lets the given number of seconds pass
    :ivar wall: returns seconds since the epoch
    """

    now: typing.Callable[[], float] = time.monotonic
    sleep: typing.Callable[[float], None] = time.sleep
    wall: typing.Callable[[], float] = time.time


CLOCK = Clock()


def pause(seconds, stop=None, clock=CLOCK):
    """Let time pass, not longer than until ``stop`` is set.

    :param seconds: how long; nothing happens when it is not positive
    :param stop: a :class:`threading.Event`, or None
    """
    if seconds <= 0:
        return
    if stop is None:
        clock.sleep(seconds)
    else:
        stop.wait(seconds)


def wait_for(observe, accept=bool, *, what, timeout, interval=0.5,
             look_at='', abort=None, describe=str, tolerate=(), stop=None,
             clock=CLOCK):
    """Ask until the answer is good, and return that fresh answer.

    The last question is asked at the deadline, never before it, so that a
    slow poll does not turn a good state into a timeout.

    :param observe: asks; called without arguments
    :param accept: whether its answer is what is waited for
    :param what: what is waited for, for the message
    :param timeout: seconds until the last question
    :param interval: seconds between the ends and starts of two questions
    :param look_at: where to look next when it does not come
    :param abort: whether the answer rules out that the good one ever comes
    :param describe: turns an answer into a short text for the message
    :param tolerate: exceptions that mean "unknown, ask again"
    :param stop: a :class:`threading.Event` that ends the wait
    :param clock: a :class:`Clock`
    :returns: the accepted answer
    :raises WaitTimeout: when the deadline passed
    :raises WaitAborted: when ``abort`` held
    :raises WaitStopped: when ``stop`` was set
    """
    stop = stop or threading.Event()
    start = clock.now()
    polls, state = 0, 'never asked'
    last = timeout <= 0

    def failed(kind, reason):
        return kind(what, reason, state, polls, clock.now() - start, look_at)

    while not stop.is_set():
        polls += 1
        try:
            answer = observe()
        except tolerate as error:
            state = 'no answer: %s' % error
        else:
            if accept(answer):
                return answer
            state = describe(answer)
            if abort is not None and abort(answer):
                raise failed(WaitAborted, 'it cannot come any more')
        if last:
            raise failed(WaitTimeout, 'not seen')
        left = timeout - (clock.now() - start)
        last = left <= interval
        # Real clocks wake up when the stop event is set; fake ones sleep.
        pause(max(0, min(interval, left)),
              stop if clock is CLOCK else None, clock)
    raise failed(WaitStopped, 'the wait was ended')


def repeat(call, *, interval, stop, at_once=1, name=''):
    """Call at a fixed rate, side by side where a call takes its time.

    A call that is due while as many as may are under way is left out.

    :param call: called without arguments; it must not raise
    :param interval: seconds between the starts of two calls
    :param stop: a :class:`threading.Event` that ends it; calls under way are
        waited for
    :param at_once: how many calls may be under way
    :param name: of the threads, for people
    """
    free = threading.Semaphore(at_once)

    def make_call():
        try:
            call()
        finally:
            free.release()

    with futures.ThreadPoolExecutor(at_once, name) as pool:
        due = CLOCK.now()
        while not stop.is_set():
            if free.acquire(blocking=False):
                pool.submit(make_call)
            due = max(due + interval, CLOCK.now())
            pause(due - CLOCK.now(), stop)


def in_background(call, name=None):
    """Make a call in a thread that does not keep the process alive.

    :param call: called without arguments
    :param name: of the thread, for people
    :returns: a :class:`concurrent.futures.Future` of what it returns
    """
    outcome = futures.Future()

    def run():
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return outcome


def side_by_side(*calls):
    """Make several calls at the same time.

    :param calls: called without arguments
    :returns: list of what they return, in their order
    :raises Exception: what the first of those that broke has raised, once
        all are over
    """
    running = [in_background(call) for call in calls]
    futures.wait(running)
    return [future.result() for future in running]
