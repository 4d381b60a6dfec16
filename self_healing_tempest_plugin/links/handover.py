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

"""The input that a link would have got, handed over by us.

A hand-over is a context manager: it hands over, records ``injected`` and
``witnessed`` so that the deadlines of the later links run from there, and at
its end takes back what does not go by itself.
"""

import contextlib
import dataclasses
import typing

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin import waiting

WHO = 'bisect of self_healing_tempest_plugin'

# Nova calls a host down when it has been silent for its service_down_time,
# 60 s if nobody has set it; the rest is for a slow look.
FENCE_PATIENCE = 75.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Handover:
    """How a link is fed by us, in place of the link before it.

    :ivar what: what is handed over, for people
    :ivar hand_over: context manager of a
        :class:`..links.context.Case` and a
        :class:`..watching.recorders.Recorder`
    :ivar makes: name of the link before that is there by it, and is watched
        as well; empty where none is
    :ivar ours: what it means that the link itself came, where it is ours and
        proves nothing; empty where it does
    """

    what: str
    hand_over: typing.Callable
    makes: str = ''
    ours: str = ''


def handed_over(recorder, begin):
    """Record that something was handed over, and taken.

    :param recorder: :class:`..watching.recorders.Recorder`
    :param begin: when that began
    """
    recorder.transition('injected', begin)
    recorder.transition('witnessed', recorder.now())


def fenced(case):
    """Wait until Nova knows that a dead host is down, not for ever.

    The deduction forces it down; where that is passed over, Nova has to
    find out by itself, and until then does not delete the old server. In a
    chain without a deduction nobody says that a host is dead.

    :param case: :class:`..links.context.Case`
    """
    chain = case.expectation.chain
    if case.around.alarm.file != templates.HOST_DOWN or (
            chain.link('deduction') is None):
        return
    with contextlib.suppress(waiting.WaitError):
        waiting.wait_for(
            lambda: case.clients.nova.compute_service(case.ids['host']),
            lambda service: service is None or service['forced_down']
            or service['state'] != 'up',
            what='host %s down in Nova' % case.ids['host'],
            timeout=FENCE_PATIENCE, tolerate=errors.ServiceUnavailable,
            interval=case.around.settings.timeouts.poll_interval)
