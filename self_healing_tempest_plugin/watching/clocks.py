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

"""How far the clock of a service is from the runner's own.

A service says its time in the ``Date`` of its answers (RFC 9110, 6.6.1), in
whole seconds. That the answer was made between the sending of the question
and its coming makes an interval of each Date; where these overlap is the
truth. Asking around the turn of a second narrows it to about the time that a
question takes.
"""

from concurrent import futures
import functools
import math
import threading

from oslo_log import log

from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting

LOG = log.getLogger(__name__)

# A Date is the second that has begun.
RESOLUTION = 1.0

# Seconds in which all clocks are measured that can be: the clock of a service
# that drips its answer stays unknown.
PATIENCE = 30.0

# To halve a second six times is enough for intervals of a few hundredths.
QUESTIONS = 7


def agreed(samples):
    """Return what all samples of a clock agree on.

    The samples of a clock that was set meanwhile agree on nothing: then what
    covers all is returned.

    :param samples: list of :class:`..model.timelines.Offset`, not empty
    """
    lows = [offset.low for offset in samples]
    highs = [offset.high for offset in samples]
    low, high = max(lows), min(highs)
    if low > high:
        low, high = min(lows), max(highs)
    return timelines.Offset(low, high)


def sample(sent, date, received):
    """Return how far a clock is from ours, as one answer says.

    :param sent: when it was asked, on the runner's clock
    :param date: what the service says, seconds since the epoch
    :param received: when the answer was there, on the runner's clock
    :returns: :class:`..model.timelines.Offset`
    """
    return timelines.Offset(date - received, date + RESOLUTION - sent)


def measure(ask, questions=QUESTIONS, clock=waiting.CLOCK, stop=None):
    """Ask a service for its time, so that the answers say the most.

    Each question but the first is put when, as far as is known, the second
    of the service turns with even odds before or after the answer.

    :param ask: returns the time that an answer bears, seconds since the
        epoch, None where it bears none
    :param questions: how often to ask
    :param stop: a :class:`threading.Event` that ends the pauses
    :returns: :class:`..model.timelines.Offset`, None where the service does
        not say its time
    """
    samples, took = [], 0.0
    for _ in range(questions):
        if samples:
            waiting.pause(_until_turn(agreed(samples), clock.now()
                                      + took / 2), stop, clock)
        sent = clock.now()
        date = ask()
        received = clock.now()
        if date is None:
            break
        took = received - sent
        samples.append(sample(sent, date, received))
    return agreed(samples) if samples else None


def _until_turn(offset, now):
    """Return the seconds until the middle of the offset meets a turn."""
    middle = (offset.low + offset.high) / 2
    return math.ceil(now + middle) - (now + middle)


class Timekeeper:
    """Measures the clocks of several services, beside all else."""

    def __init__(self, asks, recorder):
        """Prepare; nothing is asked yet.

        :param asks: name of a service to what :func:`measure` asks
        :param recorder: :class:`.recorders.Recorder`
        """
        self._asks, self._recorder = dict(asks), recorder
        self._stop, self._running = threading.Event(), []

    def measure(self):
        """Start a measurement of each clock."""
        self._running += [waiting.in_background(
            functools.partial(self._measure, service, ask), 'clock')
            for service, ask in self._asks.items()]

    def wait(self, patience=PATIENCE):
        """Wait until all measurements that were started are recorded.

        :param patience: seconds after which the rest stays unknown
        :raises Exception: what a measurement broke over
        """
        running, self._running = self._running, []
        for measurement in futures.wait(running, patience).done:
            measurement.result()

    def stop(self):
        """End the measurements; a clock not measured yet stays unknown."""
        self._stop.set()

    def _measure(self, service, ask):
        try:
            offset = measure(ask, stop=self._stop)
        except errors.ServiceError as error:
            # Its stamps are not used then; the polls are enough.
            LOG.info('The clock of %s is not known: %s', service, error)
            return
        if offset is not None:
            self._recorder.clock(service, offset)
