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

"""What the services tell of a run afterwards, each asked once."""

from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import stamps
from self_healing_tempest_plugin.chain import timeline as timelines
from self_healing_tempest_plugin.chain import verdict as judge
from self_healing_tempest_plugin.diagnosis import case as cases
from self_healing_tempest_plugin.diagnosis import stack as stacks
from self_healing_tempest_plugin.monitors import prometheus
from self_healing_tempest_plugin.services import asking

Link = links.Link

# Seconds in which all answers have to be there.
PATIENCE = 20.0

# Executions whose tasks are asked for: in a storm there are dozens.
EXECUTIONS = 3


def collect(recorder, expectation, surroundings, patience=PATIENCE):
    """Ask once, and record the details; who does not answer is a remark.

    :param recorder: :class:`..chain.timeline.Recorder`, concluded
    :param expectation: :class:`..chain.expectation.Expectation`
    :param surroundings: :class:`.case.Surroundings`
    :param patience: seconds in which all answers have to be there
    """
    seen = recorder.timeline()
    if seen.transition('injected') is None:
        return
    questions = _questions(seen, expectation, surroundings)
    answers = asking.ask(questions, patience)
    for name in questions:
        error = answers.error(name)
        if error:
            recorder.remark('details: %s' % name, cases.safe(
                'no details of %s: %s' % (name, error)))
            continue
        for detail in answers[name]:
            recorder.detail(detail)


def _questions(seen, expectation, around):
    cloud = around.clients
    stack = around.application.stack
    found = {'Heat events': asking.Question('Heat', lambda: _events(
        seen, cloud.heat.events(stack)))}
    for execution in judge.executions(seen)[:EXECUTIONS]:
        found['tasks of execution %s' % execution] = asking.Question(
            'Mistral', lambda one=execution: _tasks(
                cloud.mistral.tasks(one)))
    for server in _servers(seen, expectation):
        found['actions on server %s' % server] = asking.Question(
            'Nova', lambda one=server: _actions(
                seen, one, cloud.nova.actions(one),
                one == expectation.server_id))
    if around.alertmanager is not None:
        found['alert'] = asking.Question('Alertmanager', lambda: _alerts(
            around.alertmanager.alerts(expectation.host_alarm),
            expectation.host))
    return found


def _servers(seen, expectation):
    """Return the old server, and the new one if it is known."""
    arrival = expectation.arrival(seen, Link.STACK, links.Mark.FINISHED)
    new = arrival and arrival.payload.get('server_id')
    return tuple(filter(None, (expectation.server_id, new)))


def _events(seen, events):
    return [one for event in events
            if stacks.after_fault(seen, 'Heat', event.get('event_time'))
            for one in _detail(
                Link.STACK, 'Heat event', event['id'], '%s %s: %s' % (
                    event['resource_name'], event['resource_status'],
                    event.get('resource_status_reason')),
                'Heat', event.get('event_time'))]


def _tasks(tasks):
    # A task that waits for something has begun long before its end.
    return [one for task in tasks for word, time in (
        ('began', task.get('started_at') or task.get('created_at')),
        (task['state'], task.get('finished_at') or (
            task.get('updated_at')
            if task['state'] in ('SUCCESS', 'ERROR') else None)))
        for one in _detail(Link.WORKFLOW, 'Mistral task', task['id'],
                           '%s %s' % (task['name'], word), 'Mistral', time)]


def _actions(seen, server, actions, old):
    text = '%%s of the %s server' % ('old' if old else 'new')
    return [one for action in actions
            if stacks.after_fault(seen, 'Nova', action.get('start_time'))
            for one in _detail(
                Link.STACK, 'Nova action', '%s/%s' % (
                    server, action['request_id']), text % action['action'],
                'Nova', action.get('start_time'))]


def _alerts(alerts, host):
    return [one for alert in alerts
            if prometheus.naming(alert['labels'], host)
            for one in _detail(
                Link.ALARM, 'Alertmanager alert', alert['fingerprint'],
                'alert %s started' % alert['labels']['alertname'],
                'Alertmanager', alert['startsAt'])]


def _detail(link, source, object_id, text, service, time):
    """Return a tuple of the detail, of none where nobody tells its time."""
    return tuple(timelines.Detail(link, source, object_id, cases.safe(text),
                                  stamp)
                 for stamp in stamps.at(service, time))
