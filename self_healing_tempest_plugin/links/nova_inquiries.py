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

"""What Nova is asked about hosts and servers, whatever the link."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin import readiness

Clue = context.Clue

# Actions that are shown, the newest.
_ACTIONS = 5


def old_server(case):
    """Does the old server go, and can it?"""
    server_id = case.ids['server_id']
    server = case.clients.nova.server(server_id)
    if server is None:
        return (Clue(True, 'the old server %s is deleted' % server_id),)
    text = 'the old server %s is %s, task %s' % (
        server_id, server['status'], server['OS-EXT-STS:task_state'])
    if server['OS-EXT-STS:task_state'] != 'deleting':
        return (Clue(None, text),)
    return (Clue(
        False, text, "nova-compute on host %s: Nova waits for it to delete "
        'server %s; is the host forced down?' % (
            case.ids['host'], server_id)),)


def hosts(case):
    """Does Nova know that the host is down, and has it another one?"""
    services = case.clients.nova.compute_services()
    broken = [service for service in services
              if service['host'] == case.ids['host']]
    other_hosts = [service['host'] for service in services
                   if service not in broken and readiness.usable(service)]
    clues = [Clue(None, 'nova-compute on host %s is %s and %s%s' % (
        service['host'], service['state'], service['status'],
        ', forced down' if service['forced_down'] else ''))
        for service in broken]
    if other_hosts:
        clues.append(Clue(True, 'other compute hosts: %s'
                          % ', '.join(other_hosts)))
    else:
        clues.append(Clue(
            False, 'no other compute host is up and enabled',
            "'openstack compute service list': no host but %s could take "
            'the new server' % case.ids['host']))
    return clues


def actions(case):
    """Who did what to the old server?"""
    recent = [action for action in case.clients.nova.actions(
        case.ids['server_id']) if stamps.after_fault(
            case.timeline, 'Nova', action.get('start_time'))]
    return [Clue(None, 'action %s on server %s by user %s at %s%s' % (
        action['action'], case.ids['server_id'], action.get('user_id'),
        action.get('start_time'),
        ': %s' % action['message'] if action.get('message') else ''))
        for action in recent[-_ACTIONS:]]
