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

"""What Heat and Nova tell of the stack when all is over."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links.heat_stack import link
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.services import asking


def details(seen, expectation, around):
    """Return what to ask; see :class:`..kit.Kit`."""
    heat, nova = around.owner.heat, around.clients.nova
    stack = around.application.stack
    old = expectation.ids['server_id']
    questions = {'Heat events': asking.Question('Heat', lambda: _events(
        seen, heat.events(stack)))}
    for server in _servers(seen, expectation, old):
        questions['actions on server %s' % server] = asking.Question(
            'Nova', lambda server=server: _actions(
                seen, server, nova.actions(server), server == old))
    return questions


def _servers(seen, expectation, old):
    """Return the old server, and the new server if it is known."""
    arrival = expectation.arrival(seen, link.LINK, links.Mark.FINISHED)
    new = arrival and arrival.payload.get('server_id')
    return tuple(filter(None, (old, new)))


def _events(seen, events):
    return [detail for event in events
            if stamps.after_fault(seen, 'Heat', event.get('event_time'))
            for detail in context.details(
                link.LINK, 'Heat event', event['id'], '%s %s: %s' % (
                    event['resource_name'], event['resource_status'],
                    event.get('resource_status_reason')),
                'Heat', event.get('event_time'))]


def _actions(seen, server, actions, old):
    text = '%%s of the %s server' % ('old' if old else 'new')
    return [detail for action in actions
            if stamps.after_fault(seen, 'Nova', action.get('start_time'))
            for detail in context.details(
                link.LINK, 'Nova action', '%s/%s' % (
                    server, action['request_id']), text % action['action'],
                'Nova', action.get('start_time'))]
