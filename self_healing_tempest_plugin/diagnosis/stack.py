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

"""Link stack: Mistral's tasks as the sender, Heat and Nova behind it."""

from self_healing_tempest_plugin.chain import stamps
from self_healing_tempest_plugin.chain import timeline as timelines
from self_healing_tempest_plugin.diagnosis import case as cases
from self_healing_tempest_plugin.diagnosis import workflow
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors

Finding, Question = cases.Finding, cases.Question

# Seconds that a heat-engine that lives may take to answer.
ENGINE_PATIENCE = 8.0

# Events that are shown, the newest.
_EVENTS = 5


def engine(case):
    """Does a heat-engine work?

    heat-api waits for the engines when it is asked for them, and that takes
    longer than anybody here waits. When all that may wait do, it answers
    nothing any more.
    """
    heat = case.clients.heat
    answers = asking.ask({
        'api': asking.Question('Heat', heat.version),
        'engines': asking.Question('Heat', heat.engines)}, ENGINE_PATIENCE)
    error = answers.error('engines')
    if isinstance(error, errors.ServiceUnavailable):
        if answers.error('api'):
            return (Finding(
                None, 'it answers nothing: %s' % error,
                'heat-engine and heat-api: do they run, and does the log of '
                'heat-api show who keeps it waiting?'),)
        return (Finding(
            False, 'heat-api answers, but no heat-engine does: %s' % error,
            "heat-engine: does it run, and does its log show the messages "
            'of heat-api?'),)
    return (_engines(answers['engines']),)


def _engines(found):
    alive = [one for one in found if one['status'] == 'up']
    if alive:
        return Finding(True, '%d of %d heat-engine workers are up' % (
            len(alive), len(found)))
    return Finding(
        False, 'no heat-engine worker is up, the last sign of life: %s'
        % max((str(one.get('updated_at')) for one in found),
              default='never'),
        "heat-engine: none is up in 'openstack orchestration service list'")


def status(case):
    """In which state is the stack?"""
    stack = case.around.application.stack
    found = case.clients.heat.stack(stack.identifier)
    if found is None:
        return (Finding(False, 'stack %s is deleted' % stack.name,
                        'who deleted stack %s' % stack.id),)
    state = found['stack_status']
    text = 'stack %s is %s: %s' % (
        stack.name, state, found.get('stack_status_reason'))
    if state.endswith('_FAILED'):
        return (Finding(
            False, text, "'openstack stack failures list %s': %s" % (
                stack.id, found.get('stack_status_reason'))),)
    return (Finding(state == 'UPDATE_COMPLETE' or None, text),)


def events(case):
    """Which events of the stack failed, and why?"""
    found = [one for one in case.clients.heat.events(
        case.around.application.stack) if after_fault(
            case.timeline, 'Heat', one.get('event_time'))]
    if not found:
        return (Finding(None, 'no event since the fault: nobody has updated '
                              'the stack'),)
    failed = [one for one in found
              if one['resource_status'].endswith('FAILED')]
    if failed:
        return [_failed(one) for one in failed[-_EVENTS:]]
    return [Finding(None, _event(found[-1]))]


def _failed(one):
    return Finding(
        False, _event(one), "'openstack stack event list': %s" % _event(one))


def _event(one):
    return '%s %s: %s at %s' % (
        one['resource_name'], one['resource_status'],
        one.get('resource_status_reason'), one.get('event_time'))


def after_fault(timeline, service, text):
    """Return whether something happened after the fault, or may have.

    Where a service does not tell its time, its clock is taken for the
    runner's.

    :param timeline: :class:`..chain.timeline.Timeline`
    :param service: whose clock it is
    :param text: see :func:`..chain.stamps.at`
    """
    injected = timeline.transition('injected')
    for stamp in stamps.at(service, text):
        told = timeline.told(stamp) or timelines.Interval(
            stamp.low - timeline.began + timeline.origin,
            stamp.high - timeline.began + timeline.origin)
        return injected is None or told.end >= injected.begin
    return True


def resources(case):
    """Which resources are not as they should be?"""
    stack = case.around.application.stack
    found = case.clients.heat.resources(stack.identifier)
    bad = [one for one in found
           if not one.get('resource_status', '').endswith('_COMPLETE')]
    if not bad:
        return (Finding(True, 'all resources of stack %s are COMPLETE'
                        % stack.name),)
    return [Finding(
        False if one['resource_status'].endswith('_FAILED') else None,
        'resource %s is %s: %s' % (
            one['resource_name'], one['resource_status'],
            one.get('resource_status_reason'))) for one in bad]


def new_server(case):
    """Is there another server, and what has become of it?"""
    old, server_id = case.expectation.server_id, case.current_server_id()
    if server_id in (None, old):
        return (Finding(False, 'the stack still has server %s' % old),)
    return (_server(case.clients.nova.server(server_id), server_id),)


def _server(found, server_id):
    if found is None:
        return Finding(False, 'the new server %s is gone' % server_id)
    state, host = found['status'], found['OS-EXT-SRV-ATTR:host']
    text = 'the new server %s is %s on host %s' % (server_id, state, host)
    if state == 'ACTIVE':
        return Finding(True, text)
    if state != 'ERROR':
        return Finding(None, '%s, task %s' % (
            text, found['OS-EXT-STS:task_state']))
    fault = found.get('fault', {}).get('message', 'no fault is told')
    return Finding(
        False, '%s: %s' % (text, fault),
        "'openstack server show %s': %s%s" % (
            server_id, fault, _room(fault)))


def _room(fault):
    return ('; is there room on another host, and what do the filters of '
            "nova-scheduler's log say?" if 'No valid host' in fault else '')


def old_server(case):
    """Does the old server go, and can it?"""
    server_id = case.expectation.server_id
    found = case.clients.nova.server(server_id)
    if found is None:
        return (Finding(True, 'the old server %s is deleted' % server_id),)
    text = 'the old server %s is %s, task %s' % (
        server_id, found['status'], found['OS-EXT-STS:task_state'])
    if found['OS-EXT-STS:task_state'] != 'deleting':
        return (Finding(None, text),)
    return (Finding(
        False, text, "nova-compute on host %s: Nova waits for it to delete "
        'server %s; is the host forced down?' % (
            case.expectation.host, server_id)),)


def hosts(case):
    """Does Nova know that the host is down, and has it another one?"""
    found = case.clients.nova.compute_services()
    broken = [one for one in found if one['host'] == case.expectation.host]
    others = [one['host'] for one in found
              if one not in broken and readiness.usable(one)]
    findings = [Finding(None, 'nova-compute on host %s is %s and %s%s' % (
        one['host'], one['state'], one['status'],
        ', forced down' if one['forced_down'] else '')) for one in broken]
    if others:
        findings.append(Finding(True, 'other compute hosts: %s'
                                % ', '.join(others)))
    else:
        findings.append(Finding(
            False, 'no other compute host is up and enabled',
            "'openstack compute service list': no host but %s could take "
            'the new server' % case.expectation.host))
    return findings


def actions(case):
    """Who did what to the old server?"""
    found = [one for one in case.clients.nova.actions(
        case.expectation.server_id) if after_fault(
            case.timeline, 'Nova', one.get('start_time'))]
    return [Finding(None, 'action %s on server %s by user %s at %s%s' % (
        one['action'], case.expectation.server_id, one.get('user_id'),
        one.get('start_time'),
        ': %s' % one['message'] if one.get('message') else ''))
        for one in found[-_EVENTS:]]


QUESTIONS = (
    Question('Heat', 'its engines', engine),
    Question('Nova', 'the new server', new_server),
    Question('Heat', 'events of the stack', events),
    Question('Heat', 'the stack', status),
    Question('Heat', 'resources of the stack', resources),
    Question('Nova', 'compute hosts', hosts),
    Question('Nova', 'the old server', old_server),
    Question('Mistral', 'tasks', workflow.tasks),
)
