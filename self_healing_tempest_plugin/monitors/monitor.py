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

"""What a monitor must say; no other package knows more of a monitor."""

import dataclasses
import typing

from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.monitors import events

# Seconds that one request to a monitor may take.
MONITOR_TIMEOUT = 8


@dataclasses.dataclass(frozen=True)
class Outlook:
    """What a monitor tells preflight; that it says nothing is no failure.

    :ivar answers: :class:`..links.rows.Finding` objects: whether it answers,
        and has rules of the alarms
    :ivar delays: the same: whether the alarms come in time
    """

    answers: tuple[rows.Finding, ...] = ()
    delays: tuple[rows.Finding, ...] = ()


class Monitor(typing.Protocol):
    """What notices a dead host, as far as the chain needs to know.

    It is made from :class:`..config.Settings`, asks nobody until it is asked,
    and takes :data:`MONITOR_TIMEOUT` for each request. A monitor has to say
    only its datasource; a class that derives from this one has the rest.

    :cvar event_source: how an alarm is raised in its place, None where nobody
        can; commands of the journal get it by the monitor's name alone
    :ivar datasource: ``vitrage_type`` of its alarms
    """

    event_source: typing.ClassVar[events.EventSource | None] = None

    datasource: str

    @property
    def clock(self):
        """Return the name of the clock that Vitrage has its times from.

        It is known where :meth:`dates` has that name.
        """
        return self.datasource.capitalize()

    @property
    def look_at(self):
        """Return where to look when its alarm is not in Vitrage."""
        return ("the alarms of the monitor itself, and Vitrage's datasource "
                '%s: does it get them?' % self.datasource)

    @property
    def host_look_at(self):
        """Return where to look when its alarm is on another host."""
        return ("what Vitrage's datasource %s takes for the host of an alarm"
                % self.datasource)

    def labels(self, name, host):
        """Return the labels that the monitor would put on its alert.

        It is asked where it can be, and nothing is raised where it is down.

        :param name: of the alarm
        :param host: as Nova names it
        :returns: dict of strings, for :attr:`.events.Alarm.labels`
        """
        del name, host
        return {}

    def inquiries(self, case):
        """Return what the monitor is asked when its alarm is not in Vitrage.

        :param case: :class:`..links.context.Case`
        :returns: tuple of :class:`..links.context.Inquiry`
        """
        del case
        return ()

    def sent(self):
        """Return what the monitor has sent so far, None where it does not say.

        It is asked right before the fault, does not raise, and what it
        returns is for its own inquiries only, as ``case.around.learned``
        ``['sent']``.
        """
        return None

    def dates(self):
        """Return how to ask the time of the services whose stamps are used.

        :returns: dict of a service's name to a function, which returns
            seconds since the epoch, or None
        """
        return {}

    def outlook(self, alarms, seconds):
        """Return what the monitor says of itself, and of its alarms' delays.

        It takes no longer than preflight waits, and does not raise.

        :param alarms: their names
        :param seconds: that an alarm may take from the fault on
        :returns: :class:`Outlook`
        """
        del alarms, seconds
        return Outlook()

    def details(self, seen, expectation, around):
        """Return what to ask the monitor when all is over.

        :param seen: :class:`..model.timelines.Timeline`
        :param expectation: :class:`..model.expectations.Expectation`
        :param around: :class:`..links.surroundings.Surroundings`
        :returns: dict of name to :class:`..services.asking.Question`, each
            of which returns :class:`..model.timelines.Detail` objects
        """
        del seen, expectation, around
        return {}
