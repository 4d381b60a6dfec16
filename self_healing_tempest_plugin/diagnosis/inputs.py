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

"""What a link would have handed over, handed over by us.

Each input is a context manager: it hands over, records ``injected`` and
``witnessed`` so that the deadlines of the later links run from there, and at
its end takes back what does not go by itself.
"""

import contextlib
import dataclasses
import typing

from self_healing_tempest_plugin.chain import expectation
from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.faults import life
from self_healing_tempest_plugin.monitors import events
from self_healing_tempest_plugin.monitors import prometheus
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import synthetic_alarm
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin import waiting

Link, Mark = links.Link, links.Mark

WHO = 'bisect of self_healing_tempest_plugin'

# Nova calls a host down when it has been silent for its service_down_time,
# 60 s if nobody has set it; the rest is for a slow look.
FENCE_PATIENCE = 75.0


@dataclasses.dataclass(frozen=True)
class Input:
    """How a link is passed over.

    :ivar what: what is handed over, for people
    :ivar tries: the first link that is tried by it
    :ivar steps: what must come then, see :class:`..chain.expectation`
    :ivar hand_over: context manager of a :class:`.case.Case` and a
        :class:`..chain.timeline.Recorder`
    """

    what: str
    tries: Link
    steps: tuple[tuple[Link, Mark], ...]
    hand_over: typing.Callable


@contextlib.contextmanager
def _alarm(case, recorder):
    around = case.around
    plan = synthetic_alarm.plan(
        events.Alarm(
            case.expectation.host_alarm, case.expectation.host,
            events.stamp(waiting.CLOCK.wall()), _labels(case)),
        around.settings.monitor, around.settings.config_file)
    # A cleared alarm goes at once, or with the next snapshot.
    times = around.settings.timeouts
    times = dataclasses.replace(times, host_return=times.graph)
    with life.injected(plan, around.journal, around.transports, times,
                       recorder):
        yield


def _labels(case):
    """Return the labels that the monitor itself would put on its alert."""
    name, host = case.expectation.host_alarm, case.expectation.host
    alertmanager, api = case.around.alertmanager, case.around.prometheus
    with contextlib.suppress(errors.ServiceError):
        for one in alertmanager.alerts(name) if alertmanager else ():
            if prometheus.naming(one['labels'], host):
                return one['labels']
    rules = targets = ()
    if api is not None:
        with contextlib.suppress(errors.ServiceError):
            rules = api.rules(name)
            targets = [one for one in api.targets()
                       if prometheus.naming(one['labels'], host)]
    return prometheus.alert_labels(name, host, rules, targets)


@contextlib.contextmanager
def _execution(case, recorder):
    fenced(case)
    begin = recorder.now()
    expected = case.expectation
    case.clients.mistral.start(
        expected.workflow, {'stack_id': expected.stack_id,
                            'server_id': expected.server_id},
        'Started by the %s' % WHO)
    _handed_over(recorder, begin)
    yield


@contextlib.contextmanager
def _update(case, recorder):
    fenced(case)
    begin = recorder.now()
    server, stack = case.expectation.server_id, case.around.application.stack
    # As the workflow does it, which also goes on when this is refused.
    with contextlib.suppress(errors.ServiceError):
        case.clients.nova.reset_state(server)
    case.clients.heat.mark_unhealthy(stack, server, 'Marked by the %s' % WHO)
    case.clients.heat.update(stack)
    _handed_over(recorder, begin)
    yield


def _handed_over(recorder, begin):
    recorder.transition('injected', begin)
    recorder.transition('witnessed', recorder.now())


def fenced(case):
    """Wait until Nova knows that a dead host is down, not for ever.

    The deduction forces it down; where that is passed over, Nova has to
    find out by itself, and until then does not delete the old server.

    :param case: :class:`.case.Case`
    """
    if case.around.alarm.file != templates.HOST_DOWN:
        return
    with contextlib.suppress(waiting.WaitError):
        waiting.wait_for(
            lambda: case.clients.nova.compute_service(case.expectation.host),
            lambda one: one is None or one['forced_down']
            or one['state'] != 'up',
            what='host %s down in Nova' % case.expectation.host,
            timeout=FENCE_PATIENCE, tolerate=errors.ServiceUnavailable,
            interval=case.around.settings.timeouts.poll_interval)


ALARM = Input('an alarm of our own in Vitrage', Link.DEDUCTION,
              expectation.STEPS[1:], _alarm)
EXECUTION = Input('an execution that we started ourselves', Link.WORKFLOW,
                  expectation.STEPS[2:], _execution)
UPDATE = Input('an update of the stack that we started ourselves',
               Link.STACK, ((Link.STACK, Mark.FINISHED),
                            (Link.APPLICATION, Mark.FINISHED)), _update)
