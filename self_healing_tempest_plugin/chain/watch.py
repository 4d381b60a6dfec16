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

"""Watches all links side by side, at a fixed rate each.

Later links can be over before a slow poll sees an earlier one, so nobody
waits for anybody else; and a poll that takes longer than the time between
two does not hold up the next one.
"""

import math
import threading

from oslo_log import log

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import outlook
from self_healing_tempest_plugin import clients
from self_healing_tempest_plugin import waiting

LOG = log.getLogger(__name__)

# Polls of one link that may be under way at the same time: two of a second
# each make two a second. A service that takes longer answers one after the
# other: more of them would only wait for each other, and each would tell less.
AT_ONCE = 2

# Requests to the application that may: it answers ten a second, one at a time,
# unless its guest has too little of a processor.
APPLICATION_AT_ONCE = 4

# Polls that may be under way where nobody is there to take them, and so none
# is a burden to anybody: requests to a dead application take three seconds at
# the most, and are made ten times a second.
UNREACHED_AT_ONCE = 32

# Seconds between two polls of a link that has come: its time is known, and
# what it does to others, such as a storm of executions, is nothing sudden.
REST = 1.0

# What goes on when the verdict is sure: the old guest may come back with its
# host, and executions may be started late.
_LASTING = frozenset([links.Link.APPLICATION, links.Link.WORKFLOW])


class Watch:
    """A running watch; a context manager that ends its threads.

    :ivar recorder: :class:`.timeline.Recorder`
    """

    def __init__(self, watchers, recorder, interval,
                 application_interval=None):
        """Prepare the watch.

        :param watchers: see :mod:`.watchers`
        :param recorder: :class:`.timeline.Recorder`
        :param interval: seconds between the starts of two polls of one link
        :param application_interval: the same for the application, as
            ``interval`` when None
        """
        self.recorder = recorder
        self._interval = interval
        self._application_interval = application_interval or interval
        self._defects = []
        self._gates = {one.link: Gate(one.link, recorder) for one in watchers}
        self._chain = _Threads(
            self._ticks, [one for one in watchers
                          if one.link not in _LASTING])
        self._lasting = _Threads(
            self._ticks, [one for one in watchers if one.link in _LASTING])

    def __enter__(self):
        self._chain.start()
        self._lasting.start()
        return self

    def __exit__(self, exc_type, *exc_info):
        self.stop()
        if exc_type is None:
            self._raise_defect()

    def stop(self):
        """End the threads; what they have not seen yet stays unseen."""
        self._chain.stop()
        self._lasting.stop()

    def until_over(self, expectation, show=None):
        """Wait until nothing more can change the verdict, and conclude.

        The application and the executions are watched further on, until the
        end of the ``with``.

        :param expectation: :class:`.expectation.Expectation`
        :param show: called with each timeline that was looked at, or None
        :raises Exception: what a watcher broke over
        """
        def observe():
            self._raise_defect()
            seen = self.recorder.timeline()
            if show is not None:
                show(seen)
            return seen

        # The links have deadlines of their own, so this wait needs none.
        waiting.wait_for(
            observe, lambda seen: outlook.over(seen, expectation),
            what='the end of the chain', timeout=float('inf'),
            interval=min(self._interval, 0.2))
        self.recorder.conclude()
        self._chain.stop()
        self._look_once_more()

    def _look_once_more(self):
        """Ask for the times that no service has told yet."""
        for watcher in self._chain.watchers:
            if self.recorder.unstamped(watcher.link):
                poll(watcher, self.recorder)

    def _raise_defect(self):
        if self._defects:
            raise self._defects[0]

    def _ticks(self, watcher, stop):
        asking = watcher.link is links.Link.APPLICATION
        waiting.repeat(
            lambda: self._try(watcher, stop), stop=stop,
            interval=(self._application_interval if asking
                      else self._interval),
            at_once=UNREACHED_AT_ONCE if asking else AT_ONCE,
            name='watch-%s' % watcher.link.label)

    def _try(self, watcher, stop):
        gate, look = self._gates[watcher.link], None
        if not gate.enter():
            return
        try:
            look = poll(watcher, self.recorder)
        except Exception as defect:
            # Without this link the verdict would be wrong: say it aloud.
            LOG.exception('Watching %s failed', watcher.link.label)
            if not stop.is_set():
                self._defects.append(defect)
                stop.set()
        finally:
            gate.leave(look)


def poll(watcher, recorder):
    """Ask for one link once, and record what comes of it.

    :param watcher: see :mod:`.watchers`
    :param recorder: :class:`.timeline.Recorder`
    :returns: the :class:`.watchers.Look`, None where there was no answer
    """
    begin = recorder.now()
    try:
        look = watcher.look(recorder)
    except clients.ServiceUnavailable as error:
        recorder.silence(watcher.link, begin, error)
        return None
    recorder.look(watcher.link, begin, recorder.now(), look)
    return look


class Gate:
    """Says whether a link may be asked for now.

    What gives no answer is in trouble, and each question may hold up a
    worker of it long after the runner has given up: one at a time. What takes
    long for an answer gets few at a time, or the questions alone could keep
    it from answering any. What has come is asked for at leisure, but for the
    application, whose every answer counts.
    """

    def __init__(self, link, recorder):
        """Let the first ones in.

        :param recorder: :class:`.timeline.Recorder`, which has the time
        """
        self._link, self._recorder = link, recorder
        self._lock = threading.Lock()
        self._usual = (APPLICATION_AT_ONCE if link is links.Link.APPLICATION
                       else AT_ONCE)
        self._under_way, self._most = 0, self._usual
        self._begun = -math.inf

    def enter(self):
        """Return whether to ask now; then :meth:`leave` must follow."""
        now, rest = self._recorder.now(), self._rest()
        with self._lock:
            if now < self._begun + rest or self._under_way >= self._most:
                return False
            self._under_way += 1
            self._begun = now
        return True

    def leave(self, look):
        """Take note of the end of a question.

        :param look: a :class:`.watchers.Look`, None where there was no answer
        """
        with self._lock:
            self._under_way -= 1
            if look is None:
                self._most = 1
            else:
                self._most = (UNREACHED_AT_ONCE if look.unreached
                              else self._usual)

    def _rest(self):
        if self._link is links.Link.APPLICATION:
            return 0.0
        return REST if self._recorder.has(
            self._link, links.Mark.FINISHED) else 0.0


class _Threads:
    """Threads that start and end together, one for each watcher."""

    def __init__(self, run, watchers):
        self.watchers = watchers
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=run, args=(watcher, self._stop),
                daemon=True, name='watch-%s' % watcher.link.label)
            for watcher in watchers]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
