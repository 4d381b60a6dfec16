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

"""The axis of a picture: which time is at which per cent of its width."""

import dataclasses
import math

# Per cent that are left free at both edges, for the caps of whiskers.
MARGIN = 1.0

# From the verdict on, time is drawn denser where it would take more of the
# width than this.
DENSE_FROM = 0.3
BEND = 80.0

# Per cent of the width that the label of a tick may need on a phone.
_LABEL = 16.0

_TICKS = 5


@dataclasses.dataclass(frozen=True)
class Scale:
    """Seconds to per cent, linear in one piece or in two.

    :ivar start: seconds at the left
    :ivar bend: seconds from which on time may be denser
    :ivar end: seconds at the right
    """

    start: float
    bend: float
    end: float

    @property
    def dense(self):
        """Return whether time is denser after the bend."""
        return self.end - self.bend > DENSE_FROM * (self.end - self.start)

    def at(self, seconds):
        """Return per cent of the width; what lies outside is at the edge.

        :param seconds: a moment
        """
        if not self.dense:
            return _between(seconds, self.start, self.end,
                            MARGIN, 100 - MARGIN)
        if seconds <= self.bend:
            return _between(seconds, self.start, self.bend, MARGIN, BEND)
        return _between(seconds, self.bend, self.end, BEND, 100 - MARGIN)

    def ticks(self, zero):
        """Return the moments that are marked, seconds after ``zero``.

        :param zero: the moment to count from
        """
        end = self.bend if self.dense else self.end
        last = (BEND if self.dense else 100) - _LABEL / 2
        step = nice((end - self.start) / _TICKS)
        first = math.ceil((self.start - zero) / step)
        moments = (step * (first + index) for index in range(3 * _TICKS))
        return [moment for moment in moments
                if moment >= 0 and zero + moment <= end
                and self.at(zero + moment) <= last]


def nice(seconds):
    """Return the next of 1, 2 and 5 times a power of ten.

    :param seconds: more than 0
    """
    power = 10.0 ** math.floor(math.log10(seconds))
    return next(factor * power for factor in (1, 2, 5, 10)
                if factor * power >= seconds * 0.999)


def of(start, bend, end):
    """Return a :class:`Scale` that has a width, whatever the moments.

    :param start: see :class:`Scale`
    :param bend: see :class:`Scale`
    :param end: see :class:`Scale`
    """
    bend = max(bend, start + 1.0)
    return Scale(start, bend, max(end, bend))


def _between(seconds, start, end, left, right):
    share = (seconds - start) / (end - start)
    return left + (right - left) * min(1.0, max(0.0, share))
