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

"""What services write of the time, as stamps.

All of them write UTC, most of them in whole seconds that are cut off.
"""

import datetime
import functools
import math
import re

from self_healing_tempest_plugin.model import timelines

_FRACTION = re.compile(r'\.(\d+)')


def at(service, text):
    """Return when something happened.

    :param service: whose clock it is
    :param text: ISO 8601, UTC where it names no zone; None or something else
        is no stamp
    :returns: tuple of one :class:`.timelines.Stamp`, or of none
    """
    seconds = _parse(text) if isinstance(text, str) else None
    if seconds is None:
        return ()
    return (timelines.Stamp(service, seconds, seconds + _resolution(text)),)


def stored(service, text):
    """Return when something happened, as a database has stored it.

    A column of whole seconds cuts the rest off in MariaDB, and is rounded in
    MySQL.

    :param service: see :func:`at`
    :param text: see :func:`at`
    :returns: see :func:`at`
    """
    return tuple(timelines.Stamp(stamp.service, stamp.low - 0.5, stamp.high)
                 for stamp in at(service, text))


def not_after(service, text):
    """Return by when something had happened: the text is of a later event.

    :param service: see :func:`at`
    :param text: see :func:`at`
    :returns: see :func:`at`
    """
    return tuple(timelines.Stamp(stamp.service, -math.inf, stamp.high)
                 for stamp in at(service, text))


def not_before(service, text):
    """Return from when on something had happened: the text is of its cause.

    :param service: see :func:`at`
    :param text: see :func:`at`
    :returns: see :func:`at`
    """
    return tuple(timelines.Stamp(stamp.service, stamp.low, math.inf)
                 for stamp in at(service, text))


def between(service, first, last):
    """Return when something happened at one of several moments.

    :param service: see :func:`at`
    :param first: the first of them, see :func:`at`
    :param last: the last of them
    :returns: see :func:`at`
    """
    return tuple(timelines.Stamp(service, begin.low, end.high)
                 for begin, end in zip(at(service, first), at(service, last)))


def after_fault(seen, service, text):
    """Return whether something happened after the fault, or may have.

    Where a service does not tell its time, its clock is taken for the
    runner's.

    :param seen: :class:`.timelines.Timeline`
    :param service: whose clock it is
    :param text: see :func:`at`
    """
    injected = seen.transition('injected')
    for stamp in at(service, text):
        told = seen.told(stamp) or timelines.Interval(
            stamp.low - seen.began + seen.origin,
            stamp.high - seen.began + seen.origin)
        return injected is None or told.end >= injected.begin
    return True


# Each poll shows the same few texts again.
@functools.lru_cache
def _parse(text):
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp()


@functools.lru_cache
def _resolution(text):
    # Some services write six zeros after seconds that they have cut off.
    fraction = _FRACTION.search(text)
    digits = fraction[1].rstrip('0') if fraction else ''
    return 10.0 ** -min(len(digits), 6) if digits else 1.0
