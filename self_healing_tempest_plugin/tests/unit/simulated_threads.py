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

"""Threads that share a simulated clock: real ones, and only one at a time.

Who waits hands over to the one whose time comes next, and time is what that
one waited for. So nothing depends on how fast or how loaded a machine is, and
the same seed makes the same order of things. :class:`Threads` stands in for
the modules :mod:`threading` and :mod:`concurrent.futures` of who is watched.
"""

import contextlib
import heapq
import itertools
import threading
import types

import fixtures

from self_healing_tempest_plugin.links.application import (
    watcher as application_link)
from self_healing_tempest_plugin.links.vitrage_deduction import (
    watcher as vitrage_deduction)
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import gates
from self_healing_tempest_plugin.watching import watch

# Those that start threads or wait for them.
MODULES = (waiting, watch, gates, vitrage_deduction, application_link)


class NeverEnds(AssertionError):
    """Somebody waits for what does not come."""


# Real seconds after which a turn does not come back: a defect of this module
# fails the test, and hangs nobody.
STUCK = 100.0


class _Killed(BaseException):
    """The simulation is over; nobody may catch this."""


def _baton():
    """Return what a thread waits for until another one releases it, once.

    :class:`threading.Semaphore` could count, and takes several times as long.
    """
    lock = threading.Lock()
    lock.acquire()
    return lock


class _Worker:
    """A thread of the operating system, for one simulated one at a time."""

    idle = []

    def __init__(self):
        self._begin, self._call = _baton(), None
        threading.Thread(target=self._run, daemon=True,
                         name='simulated').start()

    @classmethod
    def start(cls, call):
        """Let a thread make a call once it gets its turn."""
        worker = cls.idle.pop() if cls.idle else cls()
        worker._call = call
        worker._begin.release()

    def _run(self):
        while True:
            self._begin.acquire()
            # Its last act is to hand over; by then it has to be idle.
            self._call(self)


class Threads:
    """All simulated threads of one run, and their clock.

    :ivar time: what it is, in seconds
    :ivar limit: when who waits still will wait for ever
    """

    def __init__(self, begin, rng, limit):
        """Take the calling thread as the first of them.

        :param begin: what time it is
        :param rng: says who is first of those who wait for the same moment
        :param limit: when the first thread gets :class:`NeverEnds`
        """
        self.time, self.limit, self._random = begin, limit, rng.random
        self._count, self._due = itertools.count(), []
        self._first = self._current = Thread(self, None)
        self._alive = {}

    def now(self):
        """Return what time it is."""
        return self.time

    def sleep(self, seconds):
        """Let time pass."""
        self.wait(self.time + seconds)

    def wake(self, thread, at=None):
        """Give a thread its turn.

        :param at: when, or now
        """
        heapq.heappush(self._due, (
            self.time if at is None else at, self._random(),
            next(self._count), thread, thread.turn))

    def waiter(self):
        """Return who has the turn and is about to wait, for :meth:`call`."""
        return self._current, self._current.turn

    def call(self, waiters):
        """Wake those who wait still, and forget them.

        Whoever had a turn since waits for something else by now, or is over.

        :param waiters: a list of what :meth:`waiter` returned
        """
        for thread, turn in waiters:
            if turn == thread.turn and not thread.over:
                self.wake(thread)
        waiters.clear()

    def interrupt(self, at, error):
        """Let the first thread break at a moment, whatever it waits for."""
        Thread(self, lambda: self._interrupt(at, error)).start()

    def _interrupt(self, at, error):
        self.wait(at)
        self._first.error = error
        self.wake(self._first)

    def wait(self, until=None):
        """Let others have their turn.

        :param until: when to go on at the latest
        """
        me = self._current
        if until is not None:
            self.wake(me, until)
        self._hand_over(me)
        if me.error is not None:
            error, me.error = me.error, None
            raise error

    def _hand_over(self, me=None):
        """Give the turn to the next, and wait for it where one comes back."""
        chosen = self._next()
        if chosen is not me:
            chosen.baton.release()
            if me is not None and not me.baton.acquire(timeout=STUCK):
                raise AssertionError('nobody hands over any more')

    def _next(self):
        while self._due:
            at, _, _, thread, turn = heapq.heappop(self._due)
            if turn == thread.turn:
                if at > self.limit and self._first.error is None:
                    self._first.error = NeverEnds('the watch has not ended')
                    thread, at = self._first, self.time
                break
        else:
            self._first.error = NeverEnds('all wait for each other')
            thread, at = self._first, self.time
        thread.turn += 1
        self.time, self._current = max(self.time, at), thread
        return thread

    def begin(self, thread):
        """Start a simulated thread in a real one."""
        self._alive[thread] = None
        _Worker.start(lambda worker: self._live(thread, worker))
        self.wake(thread)

    def _live(self, thread, worker):
        thread.baton.acquire()
        with contextlib.suppress(_Killed):
            if thread.error is None:
                thread.call()
        del self._alive[thread]
        thread.over = True
        self.call(thread.joining)
        worker.idle.append(worker)
        self._hand_over()

    def end(self):
        """End all threads but the first."""
        self.limit = float('inf')
        while self._alive:
            for thread in self._alive:
                thread.error = _Killed()
                self.wake(thread)
            self.wait(self.time)

    @contextlib.contextmanager
    def instead(self):
        """Stand in for the threads and the clock of who is watched."""
        mine = types.SimpleNamespace(
            Thread=lambda **given: Thread(self, **given),
            Event=lambda: Event(self), Lock=lambda: Lock(self),
            Semaphore=lambda value=1: Semaphore(self, value),
            current_thread=lambda: self._current)
        pools = types.SimpleNamespace(
            ThreadPoolExecutor=lambda *given: Pool(self))
        clock = dict(vars(waiting.CLOCK))
        with contextlib.ExitStack() as held:
            for module in MODULES:
                for name, new in (('threading', mine), ('futures', pools)):
                    if hasattr(module, name):
                        held.enter_context(fixtures.MonkeyPatch(
                            '%s.%s' % (module.__name__, name), new))
            # Everybody has it, and nobody else can change it.
            vars(waiting.CLOCK).update(now=self.now, sleep=self.sleep)
            held.callback(vars(waiting.CLOCK).update, clock)
            held.callback(self.end)
            yield self


class Thread:
    """A simulated thread; see :class:`threading.Thread`.

    :ivar turn: how often it had its turn
    :ivar error: what it is to break over when it has it the next time
    :ivar over: whether it has ended
    """

    def __init__(self, threads, target, args=(), kwargs=None, daemon=None,
                 name=''):
        self._threads, self.name = threads, name
        self.call = lambda: target(*args, **(kwargs or {}))
        self.baton, self.joining = _baton(), []
        self.turn, self.error, self.over = 0, None, False

    def start(self):
        self._threads.begin(self)

    def join(self, timeout=None):
        if not self.over:
            self.joining.append(self._threads.waiter())
            self._threads.wait(
                None if timeout is None else self._threads.time + timeout)


class Event:
    """A simulated event; see :class:`threading.Event`."""

    def __init__(self, threads):
        self._threads, self._set, self._waiting = threads, False, []

    def is_set(self):
        return self._set

    def set(self):
        self._set = True
        self._threads.call(self._waiting)

    def wait(self, timeout=None):
        if not self._set:
            self._waiting.append(self._threads.waiter())
            self._threads.wait(
                None if timeout is None else self._threads.time + timeout)
        return self._set


class Semaphore:
    """A simulated semaphore; see :class:`threading.Semaphore`."""

    def __init__(self, threads, value=1):
        self._threads, self._value, self._waiting = threads, value, []

    def acquire(self, blocking=True):
        while not self._value:
            if not blocking:
                return False
            self._waiting.append(self._threads.waiter())
            self._threads.wait()
        self._value -= 1
        return True

    def release(self):
        self._value += 1
        self._threads.call(self._waiting)


class Lock(Semaphore):
    """A simulated lock; see :class:`threading.Lock`."""

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *exc_info):
        self.release()


class Pool:
    """Simulated threads for many calls; see :mod:`concurrent.futures`."""

    def __init__(self, threads):
        self._threads, self._started = threads, []

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        for thread in self._started:
            thread.join()

    def submit(self, call, *args):
        """Make a call in a thread of its own."""
        self._started = [begun for begun in self._started if not begun.over]
        thread = Thread(self._threads, call, args)
        self._started.append(thread)
        thread.start()
