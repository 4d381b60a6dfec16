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

"""Watches all links side by side, a thread for each.

Later links can be over before a slow poll sees an earlier one, so nobody
waits for anybody else.
"""

import threading

from oslo_log import log

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import outlook
from self_healing_tempest_plugin import clients
from self_healing_tempest_plugin import waiting

LOG = log.getLogger(__name__)


class Watch:
    """A running watch; a context manager that ends its threads.

    :ivar recorder: :class:`.timeline.Recorder`
    """

    def __init__(self, watchers, recorder, interval,
                 application_interval=None):
        """Prepare the watch.

        :param watchers: see :mod:`.watchers`
        :param recorder: :class:`.timeline.Recorder`
        :param interval: seconds between two polls of one link
        :param application_interval: seconds between two polls of the
            application, as ``interval`` when None
        """
        self.recorder = recorder
        self._interval = interval
        self._defects = []
        asking = [one for one in watchers
                  if one.link is links.Link.APPLICATION]
        self._chain = _Threads(
            self._run, [one for one in watchers if one not in asking],
            interval)
        self._asking = _Threads(
            self._run, asking, interval if application_interval is None
            else application_interval)

    def __enter__(self):
        self._chain.start()
        self._asking.start()
        return self

    def __exit__(self, exc_type, *exc_info):
        self.stop()
        if exc_type is None:
            self._raise_defect()

    def stop(self):
        """End the threads; what they have not seen yet stays unseen."""
        self._chain.stop()
        self._asking.stop()

    def until_over(self, expectation):
        """Wait until nothing more can change the verdict, and conclude.

        Only the application is asked further on, until the end of the
        ``with``: when the broken host returns, its old guest may come back
        and answer beside the new one.

        :param expectation: :class:`.expectation.Expectation`
        :raises Exception: what a watcher broke over
        """
        def observe():
            self._raise_defect()
            return self.recorder.timeline()

        # The links have deadlines of their own, so this wait needs none.
        waiting.wait_for(
            observe, lambda seen: outlook.over(seen, expectation),
            what='the end of the chain', timeout=float('inf'),
            interval=min(self._interval, 0.2))
        self.recorder.conclude()
        self._chain.stop()

    def _raise_defect(self):
        if self._defects:
            raise self._defects[0]

    def _run(self, watcher, interval, stop):
        try:
            waiting.wait_for(
                lambda: self._poll(watcher), lambda _: False,
                what=watcher.link.label, timeout=float('inf'),
                interval=interval, stop=stop)
        except waiting.WaitStopped:
            pass
        except Exception as defect:
            # Without this link the verdict would be wrong: say it aloud.
            LOG.exception('Watching %s failed', watcher.link.label)
            if not stop.is_set():
                self._defects.append(defect)

    def _poll(self, watcher):
        begin = self.recorder.now()
        try:
            look = watcher.look(self.recorder)
        except clients.ServiceUnavailable as error:
            self.recorder.silence(watcher.link, begin, error)
        else:
            self.recorder.look(watcher.link, begin, look)


class _Threads:
    """Threads that start and end together, one for each watcher."""

    def __init__(self, run, watchers, interval):
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=run, args=(watcher, interval, self._stop),
                daemon=True, name='watch-%s' % watcher.link.label)
            for watcher in watchers]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
