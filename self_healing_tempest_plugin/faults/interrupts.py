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

"""Nothing interrupts a repair: signals wait until it is over.

Ctrl-C, the end of a job and the timeout of a test are signals whose handlers
raise where they strike. Inside a repair that would leave a host as the fault
has made it.
"""

import contextlib
import os
import signal
import sys
import threading

from oslo_log import log

LOG = log.getLogger(__name__)

#: The signals that end a run: Ctrl-C, a job's end, a terminal's, and the
#: timeout of ``fixtures``. Ctrl-\ is left as the way out that abandons all.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)

_MOMENT = 0.05


class Interrupted(BaseException):
    """A signal waits; a caller that gets this repairs and lets it go on.

    Like ``KeyboardInterrupt`` it is no error that somebody should swallow.
    """


class Interrupts:
    """Holds signals back, but where it is told to let them through.

    Python runs the handlers of signals in the main thread; elsewhere there is
    nothing to hold back.
    """

    def __init__(self, what, guarded=()):
        """Prepare; nothing is held yet.

        :param what: what must not be interrupted, for people
        :param guarded: code objects in whose calls signals are held,
            whatever else is said
        """
        self._what, self._guarded = what, frozenset(guarded)
        self._before, self._open, self._anyway = {}, False, False
        self.pending = []

    def hold(self):
        """Hold the signals from now on."""
        self._open = False
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            handler = signal.getsignal(number)
            # A signal that is ignored stays so, and one that is held is held
            # already, unless another handler was set meanwhile.
            if handler not in (None, signal.SIG_IGN, self._handle):
                self._before[number] = handler
                signal.signal(number, self._handle)

    def let_through(self, anyway=False):
        """Let the next signal through; all after it are held again.

        :param anyway: also in guarded code
        :raises Interrupted: when one waits
        """
        self._open, self._anyway = True, anyway
        self.raise_pending()

    def raise_pending(self):
        """Raise :class:`Interrupted` when a signal waits."""
        if self.pending:
            raise Interrupted(', '.join(
                signal.Signals(number).name for number in self.pending))

    def release(self):
        """End the hold, and deliver the signals that have waited."""
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)
        if self.pending:
            try:
                signal.raise_signal(self.pending.pop(0))
            finally:
                self.release()

    def _handle(self, number, frame):
        if self._open:
            if self._anyway or not self._is_guarded(frame):
                # Its handler raises, most likely; the way from there to the
                # repair must be free.
                self._open = False
                self._pass_on(number, frame)
            else:
                # On the threshold nothing can be raised: a moment later.
                threading.Timer(_MOMENT, os.kill,
                                (os.getpid(), number)).start()
            return
        if number not in self.pending:
            self.pending.append(number)
        self._say(number)

    def _pass_on(self, number, frame):
        handler = self._before[number]
        if callable(handler):
            handler(number, frame)
        else:
            # The default is the end of this process: not before the repair.
            self.pending.append(number)
            raise Interrupted(signal.Signals(number).name)

    def _is_guarded(self, frame):
        while frame is not None:
            if frame.f_code in self._guarded:
                return True
            frame = frame.f_back
        return False

    def _say(self, number):
        text = '%s waits: %s must not be interrupted' % (
            signal.Signals(number).name, self._what)
        LOG.warning(text)
        # A standard error that is gone is no reason to end the repair.
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def held(what):
    """Hold the signals for the time of the ``with``."""
    signals = Interrupts(what)
    signals.hold()
    try:
        yield signals
    finally:
        signals.release()
