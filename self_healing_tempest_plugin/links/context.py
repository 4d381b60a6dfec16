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

"""What a diagnosis is made from: a case, inquiries, and their clues."""

import dataclasses
import typing

from self_healing_tempest_plugin.links import surroundings
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin import stacks

# Characters of one line, and of one console line.
LINE, CONSOLE_LINE = 400, 160


@dataclasses.dataclass(frozen=True)
class Case:
    """One run that is to be diagnosed.

    :ivar timeline: :class:`..model.timelines.Timeline`, concluded
    :ivar expectation: :class:`..model.expectations.Expectation`
    :ivar verdict: :class:`..model.verdicts.Verdict`
    :ivar around: :class:`..links.surroundings.Surroundings`
    """

    timeline: timelines.Timeline
    expectation: expectations.Expectation
    verdict: verdicts.Verdict
    around: surroundings.Surroundings

    @property
    def clients(self):
        """Return :class:`..services.clients.Clients`."""
        return self.around.clients

    @property
    def owner(self):
        """Return the clients of the project that owns the application."""
        return self.around.owner

    def arrival(self, link, mark=links.Mark.FINISHED):
        """Return the evidence of a link, or None."""
        return self.expectation.arrival(self.timeline, link, mark)

    @property
    def ids(self):
        """Return the ids of the expectation."""
        return self.expectation.ids

    def current_server_id(self):
        """Return the server that the stack has now, or None."""
        return stacks.server_of(self.owner.heat.resources(
            self.around.application.stack.identifier))


@dataclasses.dataclass(frozen=True)
class Clue:
    """What an answer means.

    :ivar good: see :class:`..diagnosis.records.Fact`
    :ivar text: see :class:`..diagnosis.records.Fact`
    :ivar look_at: where to look next, if it is clearer than the link's own
    """

    good: bool | None
    text: str
    look_at: str = ''


@dataclasses.dataclass(frozen=True)
class Inquiry:
    """A question to one side of a link.

    :ivar side: the service that answers
    :ivar what: what is asked, for people
    :ivar ask: takes a :class:`Case`, returns an iterable of
        :class:`Clue`
    """

    side: str
    what: str
    ask: typing.Callable


def safe(text, limit=LINE):
    """Return a text as one line without secrets, of limited length.

    :param text: anything
    :param limit: characters
    """
    return runtime.line(text, limit)


def safe_lines(text, count):
    """Return the last lines of a text, each like :func:`safe`.

    :param count: how many that are not empty
    """
    printable = ''.join(char if char.isprintable() or char == '\n' else ' '
                        for char in text.replace('\r', '\n'))
    lines = [line for line in printable.split('\n') if line.strip()]
    return '\n'.join(safe(line, CONSOLE_LINE) for line in lines[-count:])


def details(link, source, object_id, text, service, time):
    """Return a tuple of the detail, of none where nobody tells its time.

    :param link: see :class:`..model.timelines.Detail`
    :param source: see there
    :param object_id: see there
    :param text: see there
    :param service: whose clock the time is of
    :param time: see :func:`..model.stamps.at`
    """
    return tuple(timelines.Detail(link, source, object_id, safe(text),
                                  stamp)
                 for stamp in stamps.at(service, time))
