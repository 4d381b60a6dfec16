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

"""What a monitor tells Vitrage by its event API."""

import dataclasses
import datetime
import typing

# Vitrage's Doctor driver takes no other format.
_FORMAT = '%Y-%m-%dT%H:%M:%S.%f'


@dataclasses.dataclass(frozen=True)
class Event:
    """One event, see :meth:`..services.vitrage.Vitrage.post_event`.

    :ivar time: ISO 8601 with microseconds, UTC without a zone
    :ivar kind: type of the event
    :ivar details: dict
    """

    time: str
    kind: str
    details: typing.Mapping


@dataclasses.dataclass(frozen=True)
class Alarm:
    """An alarm as a monitor would raise it.

    :ivar name: its name in Vitrage
    :ivar host: the host that it is on, as Nova names it
    :ivar began: see :func:`stamp`
    :ivar labels: what its monitor would put on it beside, see
        :meth:`.monitor.Monitor.labels`
    """

    name: str
    host: str
    began: str
    labels: typing.Mapping = dataclasses.field(default_factory=dict)


class EventSource(typing.Protocol):
    """How an alarm is raised in the place of its monitor, and ended.

    :ivar datasource: ``vitrage_type`` of the alarm
    """

    datasource: str

    def raised(self, alarm):
        """Return the event that raises an alarm.

        :param alarm: :class:`Alarm`
        :returns: :class:`Event`
        """

    def cleared(self, alarm, now):
        """Return the event that ends an alarm.

        :param alarm: :class:`Alarm`, which was raised
        :param now: see :func:`stamp`
        :returns: :class:`Event`
        """

    def is_own(self, found, alarm):
        """Return whether an alarm in Vitrage is the one that was raised.

        :param found: an alarm of that name on that host, as a dict of Vitrage
        :param alarm: :class:`Alarm`, which was raised
        """


def stamp(seconds):
    """Return a moment as the event API takes it.

    :param seconds: since the epoch
    """
    return datetime.datetime.fromtimestamp(
        seconds, datetime.timezone.utc).strftime(_FORMAT)
