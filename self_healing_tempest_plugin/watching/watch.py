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

Later links can be over before a slow poll sees an earlier link, so no link
waits for another; and a poll that takes longer than the time between two does
not hold up the next poll.
"""

import functools
import math
import threading

import fixtures
from oslo_log import log

from self_healing_tempest_plugin.model import stopping
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting
from self_healing_tempest_plugin.watching import gates

LOG = log.getLogger(__name__)

# Seconds after which a poll counts as without an answer, although nobody has
# said so: each part of an answer may come in time, and the whole never.
PATIENCE = 60.0

# Seconds for which the answer may be "no", or make no sense, before that ends
# the watch: something between us and the service may have been restarted.
REFUSED = 5.0

# Seconds that polls under way are given to end when the watch does.
FAREWELL = 10.0


class Watch:
    """A running watch; a context manager that ends its threads.

    :ivar recorder: :class:`.recorders.Recorder`
    :ivar interval: seconds between the starts of two polls of one link
    """

    def __init__(self, watchers, recorder, interval, patience=PATIENCE,
                 steps=(), shut_out=lambda error: False):
        """Prepare the watch.

        :param watchers: see :mod:`.looks`
        :param recorder: :class:`.recorders.Recorder`
        :param interval: seconds between the starts of two polls of one link,
            unless its watcher has a pace of its own
        :param patience: seconds after which a poll is given up
        :param steps: see :class:`.gates.Gate`
        :param shut_out: returns whether a refusal, a
            :class:`..services.errors.ServiceError`, is no more than no
            answer, however long it lasts
        """
        self.recorder = recorder
        self.interval = interval
        self._defects = []
        asked_links = [
            _Asked(watcher, recorder, patience, self._defects, interval,
                   steps, shut_out)
            for watcher in watchers]
        self._until_sure = [asked for asked in asked_links
                            if not asked.link.watched_on]
        self._watched_on = [asked for asked in asked_links
                            if asked.link.watched_on]

    def __enter__(self):
        for asked in (*self._until_sure, *self._watched_on):
            asked.start()
        return self

    def __exit__(self, exc_type, *exc_info):
        self.stop()
        if exc_type is None and not self._concluded():
            self._raise_defect()

    def stop(self):
        """End the threads; what they have not seen yet stays unseen.

        A poll that does not end is left alone: it is nobody's any more.
        """
        _stop(self._until_sure)
        _stop(self._watched_on)
        for link, defect in self._defects if self._concluded() else ():
            self.recorder.remark(
                ('afterwards', link), '%s was not watched to the end, after '
                'the verdict was sure: %s' % (link.name, reason(defect)))

    def until_over(self, expectation, show=None):
        """Wait until nothing more can change the verdict, and conclude.

        The links that are watched on are, until the end of the ``with``: the
        old guest may come back with its host, and executions may be started
        late. An error that ends the wait before that is recorded: there is
        no verdict then.

        :param expectation: :class:`..model.expectations.Expectation`
        :param show: called with each timeline that was looked at, or None
        :raises Exception: what a watcher broke over
        """
        until_all_over(((self, expectation),), show)

    def look(self, expectation):
        """Conclude if nothing more can change the verdict.

        :param expectation: :class:`..model.expectations.Expectation`
        :returns: :class:`..model.timelines.Timeline` so far, and whether it
            was concluded
        :raises Exception: what a watcher broke over
        """
        self._raise_defect()
        seen = self.recorder.timeline()
        over = stopping.over(seen, expectation)
        if over:
            self.recorder.conclude()
            for asked in self._until_sure:
                asked.stop()
        return seen, over

    def rest(self):
        """See the polls of what was concluded end, and ask once more."""
        _stop(self._until_sure)
        self._look_once_more()

    def _look_once_more(self):
        """Ask for the times that no service has told yet.

        The verdict does not depend on it.
        """
        for asked in self._until_sure:
            if self.recorder.unstamped(asked.link):
                asked.once_more()

    def _concluded(self):
        return self.recorder.timeline().concluded is not None

    def _raise_defect(self):
        if self._defects:
            raise self._defects[0][1]


def until_all_over(watched, show=None):
    """Wait until nothing more can change any verdict, and conclude each.

    Each is concluded on its own, as soon as it is sure. An error that ends
    the wait before that is recorded: there is no verdict then.

    :param watched: pairs of a :class:`Watch` and its
        :class:`..model.expectations.Expectation`
    :param show: called with the timelines of all, each time they were
        looked at, or None
    :raises Exception: what a watcher broke over
    """
    seen, pending = {}, dict(watched)

    def observe():
        nonlocal show
        for running, expectation in tuple(pending.items()):
            seen[running], over = running.look(expectation)
            if over:
                del pending[running]
        show = _shown(show, *(seen[running] for running, _ in watched))
        return pending

    try:
        # The links have deadlines of their own, so this wait needs none.
        waiting.wait_for(
            observe, lambda pending: not pending,
            what='the end of the chain', timeout=float('inf'),
            interval=min(0.2, *(running.interval for running, _ in watched)))
    except BaseException as interruption:
        for running in pending:
            running.recorder.end(reason(interruption))
        raise
    for running, _ in watched:
        running.rest()


def _shown(show, *seen):
    """Show a run, and return what shows the next look: None when it broke."""
    try:
        if show is not None:
            show(*seen)
        return show
    except fixtures.TimeoutException:
        raise
    except Exception:
        # The run is worth more than what it shows.
        LOG.exception('The run cannot be shown')
        return None


def reason(error):
    """Return what ended a watch, for people.

    :param error: an exception
    """
    if isinstance(error, KeyboardInterrupt):
        return 'it was interrupted'
    if isinstance(error, fixtures.TimeoutException):
        return 'the time of the test was over (OS_TEST_TIMEOUT)'
    if isinstance(error, errors.ServiceError):
        return str(error)
    return '%s: %s' % (type(error).__name__, error)


def _stop(asked_links):
    """End the polls of several links, all at the same time."""
    for asked in asked_links:
        asked.stop()
    deadline = waiting.CLOCK.now() + FAREWELL
    for asked in asked_links:
        asked.wait(deadline)


class _Asked:
    """One link, and the polls of it that are under way.

    Each poll has a daemon thread of its own, because no library gives up an
    answer that drips.
    """

    def __init__(self, watcher, recorder, patience, defects, interval, steps,
                 shut_out):
        self.link, self._watcher = watcher.link, watcher
        self._recorder, self._patience = recorder, patience
        self._defects, self._shut_out = defects, shut_out
        self._gate = gates.Gate(watcher.link, watcher.pace, recorder,
                                steps)
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._under_way, self._refused = {}, None
        self._clockwork = threading.Thread(
            target=waiting.repeat, args=(self._tick,), daemon=True,
            kwargs={'interval': watcher.pace.interval or interval,
                    'stop': self._stop},
            name='watch-%s' % self.link.name)

    def start(self):
        """Begin to ask."""
        self._clockwork.start()

    def stop(self):
        """Ask no more."""
        self._stop.set()

    def wait(self, deadline):
        """Wait for the polls that are under way, but not for ever.

        :param deadline: on the clock of the pollers
        """
        self._clockwork.join()
        with self._lock:
            threads = list(self._under_way)
        for thread in threads:
            thread.join(max(0.0, deadline - waiting.CLOCK.now()))
        self._give_up(-math.inf)

    def once_more(self):
        """Ask once, and record what comes of it; nothing is raised."""
        thread = self._begin(gated=False)
        thread.join(FAREWELL)
        self._give_up(-math.inf)

    def _tick(self):
        self._give_up(self._patience)
        if self._gate.enter():
            self._begin()

    def _begin(self, gated=True):
        thread = threading.Thread(
            target=self._poll, args=(gated,), daemon=True,
            name='watch-%s' % self.link.name)
        with self._lock:
            self._under_way[thread] = self._recorder.now(), gated
        thread.start()
        return thread

    def _give_up(self, patience):
        """Take polls that are under way for too long as without an answer."""
        now = self._recorder.now()
        with self._lock:
            old = [(thread, *facts) for thread, facts
                   in self._under_way.items() if facts[0] <= now - patience]
            for thread, _, _ in old:
                del self._under_way[thread]
        for _, begin, gated in old:
            self._recorder.silence(self.link, begin,
                                   'no end after %.0f s' % (now - begin))
            if gated:
                self._gate.leave(None, begin)

    def _poll(self, gated):
        look, record = None, None
        begin = self._recorder.now()
        try:
            look, record = ask(self._watcher, self._recorder)
            self._refused = None
        except Exception as error:
            record = self._troubled(begin, error)
        with self._lock:
            ours = self._under_way.pop(threading.current_thread(), None)
        if ours is None:
            # It was given up, and counts as that.
            return
        record()
        if gated:
            self._gate.leave(look, begin)

    def _troubled(self, begin, error):
        """Return what to record of a poll that broke.

        Without this link the verdict would be wrong: say it aloud, once it
        is sure that it does not pass.
        """
        if isinstance(error, errors.ServiceError):
            now = self._recorder.now()
            self._refused = self._refused or now
            if now < self._refused + REFUSED or self._shut_out(error):
                return lambda: self._recorder.silence(self.link, begin, error)
        return lambda: self._break(error)

    def _break(self, error):
        if not self._stop.is_set():
            LOG.error('Watching %s failed', self.link.name, exc_info=error)
            self._defects.append((self.link, error))
            self._stop.set()


def poll(watcher, recorder):
    """Ask for one link once, and record what comes of it.

    :param watcher: see :mod:`.looks`
    :param recorder: :class:`.recorders.Recorder`
    :returns: the :class:`.looks.Look`, None where there was no answer
    """
    look, record = ask(watcher, recorder)
    record()
    return look


def ask(watcher, recorder):
    """Ask for one link once.

    :param watcher: see :mod:`.looks`
    :param recorder: :class:`.recorders.Recorder`
    :returns: the :class:`.looks.Look`, None where there was no answer;
        and what records it when it is called
    :raises Exception: what the watcher broke over
    """
    begin = recorder.now()
    try:
        look = watcher.look(recorder)
    except errors.ServiceUnavailable as error:
        # The name of an exception does not outlive its clause.
        return None, functools.partial(
            recorder.silence, watcher.link, begin, str(error))
    return look, functools.partial(
        recorder.look, watcher.link, begin, recorder.now(), look)
