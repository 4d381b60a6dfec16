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

"""What a run should show, and how long that may take."""

import dataclasses
import typing

from self_healing_tempest_plugin.chain import links

# The order in which to wait. An execution ends after the stack that it
# waits for, so that its end comes after the stack although it is started
# before.
STEPS = (
    (links.Link.ALARM, links.Mark.FINISHED),
    (links.Link.DEDUCTION, links.Mark.FINISHED),
    (links.Link.WORKFLOW, links.Mark.STARTED),
    (links.Link.STACK, links.Mark.FINISHED),
    (links.Link.WORKFLOW, links.Mark.FINISHED),
    (links.Link.APPLICATION, links.Mark.FINISHED),
)


@dataclasses.dataclass(frozen=True)
class Expectation:
    """One application is healed after one host has died.

    :ivar host: the host that is broken
    :ivar server_id: the server that is on it
    :ivar boot: boot id of that server's guest
    :ivar stack_id: the stack of the application
    :ivar workflow: name of the Mistral workflow
    :ivar url: where the application answers
    :ivar host_alarm: name of the monitor's alarm
    :ivar deduced_alarm: name of the deduced alarm
    :ivar monitor_look_at: where to look when the monitor's alarm is missing
    :ivar timeouts: seconds for each link after the one before it
    """

    host: str
    server_id: str
    boot: str
    stack_id: str
    workflow: str
    url: str
    host_alarm: str
    deduced_alarm: str
    monitor_look_at: str
    timeouts: typing.Mapping[links.Link, float]

    def describe(self, text):
        """Return a text with the ids of this expectation filled in."""
        return text.format(**{field.name: getattr(self, field.name)
                              for field in dataclasses.fields(self)})

    def ties(self, evidence):
        """Return whether evidence is about this fault, by ids."""
        return _TIES[evidence.link](self, evidence.payload)

    def arrival(self, timeline, link, mark):
        """Return the first evidence that is about this fault, or None."""
        return next((one for one in timeline.evidence
                     if one.link is link and one.mark is mark
                     and self.ties(one)), None)


def _alarm(expected, payload):
    return payload.get('host') == expected.host


def _server(expected, payload):
    return payload.get('server_id') == expected.server_id


def _stack(expected, payload):
    if payload.get('stack_id') != expected.stack_id:
        return False
    if 'server_id' not in payload:
        return True
    return (payload['server_id'] != expected.server_id
            and payload.get('host') != expected.host
            and payload.get('status') == 'ACTIVE')


def _application(expected, payload):
    return (payload.get('url') == expected.url
            and bool(payload.get('boot'))
            and payload['boot'] != expected.boot
            and payload.get('server') != expected.server_id)


_TIES = {
    links.Link.ALARM: _alarm,
    links.Link.DEDUCTION: _server,
    links.Link.WORKFLOW: _server,
    links.Link.STACK: _stack,
    links.Link.APPLICATION: _application,
}
