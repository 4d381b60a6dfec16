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

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import nova_inquiries
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors

Clue, Inquiry = context.Clue, context.Inquiry

# Seconds that a heat-engine that lives may take to answer.
ENGINE_PATIENCE = 8.0

# Events that are shown, the newest.
_EVENTS = 5


def engine(case):
    """Does a heat-engine work?

    heat-api waits for the engines when it is asked for them, and that takes
    longer than anybody here waits. When all that may wait do, it answers
    nothing any more. It tells nobody but an administrator.
    """
    heat = case.clients.heat
    answers = asking.ask({
        'api': asking.Question('Heat', heat.version),
        'engines': asking.Question('Heat', heat.engines)}, ENGINE_PATIENCE)
    error = answers.error('engines')
    if isinstance(error, errors.ServiceUnavailable):
        if answers.error('api') or isinstance(error, errors.SomebodyElse):
            return (Clue(
                None, 'it answers nothing: %s' % error,
                'heat-engine and heat-api: do they run, and does the log of '
                'heat-api show who keeps it waiting?'),)
        return (Clue(
            False, 'heat-api answers, but no heat-engine does: %s' % error,
            "heat-engine: does it run, and does its log show the messages "
            'of heat-api?'),)
    return (_engines(answers['engines']),)


def _engines(workers):
    alive = [worker for worker in workers if worker['status'] == 'up']
    if alive:
        return Clue(True, '%d of %d heat-engine workers are up' % (
            len(alive), len(workers)))
    return Clue(
        False, 'no heat-engine worker is up, the last sign of life: %s'
        % max((str(worker.get('updated_at')) for worker in workers),
              default='never'),
        "heat-engine: none is up in 'openstack orchestration service list'")


def status(case):
    """In which state is the stack?"""
    stack = case.around.application.stack
    current = case.owner.heat.stack(stack.identifier)
    if current is None:
        return (Clue(False, 'stack %s is deleted' % stack.name,
                     'who deleted stack %s' % stack.id),)
    state = current['stack_status']
    text = 'stack %s is %s: %s' % (
        stack.name, state, current.get('stack_status_reason'))
    if state.endswith('_FAILED'):
        return (Clue(
            False, text, "'openstack stack failures list %s': %s" % (
                stack.id, current.get('stack_status_reason'))),)
    return (Clue(state == 'UPDATE_COMPLETE' or None, text),)


def events(case):
    """Which events of the stack failed, and why?"""
    recent = [event for event in case.owner.heat.events(
        case.around.application.stack) if stamps.after_fault(
            case.timeline, 'Heat', event.get('event_time'))]
    if not recent:
        return (Clue(None, 'no event since the fault: nobody has updated '
                     'the stack'),)
    failed = [event for event in recent
              if event['resource_status'].endswith('FAILED')]
    if failed:
        return [_failed(event) for event in failed[-_EVENTS:]]
    return [Clue(None, _event(recent[-1]))]


def _failed(event):
    return Clue(
        False, _event(event),
        "'openstack stack event list': %s" % _event(event))


def _event(event):
    return '%s %s: %s at %s' % (
        event['resource_name'], event['resource_status'],
        event.get('resource_status_reason'), event.get('event_time'))


def resources(case):
    """Which resources are not as they should be?"""
    stack = case.around.application.stack
    listed = case.owner.heat.resources(stack.identifier)
    bad = [resource for resource in listed
           if not resource.get('resource_status', '').endswith('_COMPLETE')]
    if not bad:
        return (Clue(True, 'all resources of stack %s are COMPLETE'
                     % stack.name),)
    return [Clue(
        False if resource['resource_status'].endswith('_FAILED') else None,
        'resource %s is %s: %s' % (
            resource['resource_name'], resource['resource_status'],
            resource.get('resource_status_reason'))) for resource in bad]


def new_server(case):
    """Is there another server, and what has become of it?"""
    old, server_id = case.ids['server_id'], case.current_server_id()
    if server_id in (None, old):
        return (Clue(False, 'the stack still has server %s' % old),)
    return (_server(case.clients.nova.server(server_id), server_id),)


def _server(server, server_id):
    if server is None:
        return Clue(False, 'the new server %s is gone' % server_id)
    state, host = server['status'], server['OS-EXT-SRV-ATTR:host']
    text = 'the new server %s is %s on host %s' % (server_id, state, host)
    if state == 'ACTIVE':
        return Clue(True, text)
    if state != 'ERROR':
        return Clue(None, '%s, task %s' % (
            text, server['OS-EXT-STS:task_state']))
    fault = server.get('fault', {}).get('message', 'no fault is told')
    return Clue(
        False, '%s: %s' % (text, fault),
        "'openstack server show %s': %s%s" % (
            server_id, fault, _room(fault)))


def _room(fault):
    return ('; is there room on another host, and what do the filters of '
            "nova-scheduler's log say?" if 'No valid host' in fault else '')


_INQUIRIES = (
    Inquiry('Heat', 'its engines', engine),
    Inquiry('Nova', 'the new server', new_server),
    Inquiry('Heat', 'events of the stack', events),
    Inquiry('Heat', 'the stack', status),
    Inquiry('Heat', 'resources of the stack', resources),
    Inquiry('Nova', 'compute hosts', nova_inquiries.hosts),
    Inquiry('Nova', 'the old server', nova_inquiries.old_server),
)

# Who else has worked on the stack, or on its server?
_OTHERS = (
    Inquiry('Heat', 'events of the stack', events),
    Inquiry('Nova', 'actions on the old server', nova_inquiries.actions),
)


def inquiries(case):
    """Return what to ask when the stack has no other server.

    :param case: :class:`..context.Case`
    """
    del case
    return _INQUIRIES


def others(case):
    """Return what to ask when somebody else may have healed.

    :param case: :class:`..context.Case`
    """
    del case
    return _OTHERS
