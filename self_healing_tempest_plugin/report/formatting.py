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

"""Seconds and spans of seconds, as people read them."""

import math

UNKNOWN = '–'


def after(seconds):
    """Return a moment after the fault, e.g. ``+4.6 s``.

    :param seconds: after the fault, or None
    """
    if seconds is None:
        return UNKNOWN
    return '%+.1f s' % (round(seconds, 1) + 0.0)


def between(begin, end):
    """Return two moments after the fault, e.g. ``+4.6–9.0 s``.

    :param begin: seconds after the fault, None where it is not known
    :param end: seconds after the fault, or None
    """
    if end is None:
        return UNKNOWN
    if begin is None:
        return 'by %s' % after(end)
    low, high = round(begin, 1) + 0.0, round(end, 1) + 0.0
    if low == high:
        return after(end)
    if low < 0:
        return '%+.1f to %+.1f s' % (low, high)
    return '+%.1f–%.1f s' % (low, high)


def span(low, high):
    """Return how long something took, e.g. ``29.8–30.1 s``.

    :param low: seconds at least
    :param high: seconds at most; infinity where nobody knows, as when it did
        not end
    """
    if math.isinf(high):
        return '> %.1f s' % low if math.isfinite(low) else UNKNOWN
    low, high = '%.1f' % (low + 0.0), '%.1f' % (high + 0.0)
    return '%s s' % high if low == high else '%s–%s s' % (low, high)


def count(number, noun):
    """Return a number with its noun, e.g. ``1 probe``, ``0 probes``."""
    return '%d %s%s' % (number, noun, '' if number == 1 else 's')


def one_line(text, most):
    """Return a text as one line; what is too long is cut.

    Secrets have to be gone: nobody knows a secret that is cut for one.

    :param text: lines become one
    :param most: characters that the line may have
    """
    line = ' '.join(text.split())
    return line if len(line) <= most else line[:most - 2] + ' …'
