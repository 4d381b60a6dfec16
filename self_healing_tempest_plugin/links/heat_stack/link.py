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

"""The stack of the application in Heat, updated with another server."""

from self_healing_tempest_plugin.model import links


def _ties(ids, payload):
    return payload.get('stack_id') == ids['stack_id']


def _fits(ids, payload):
    return 'server_id' not in payload or (
        payload['server_id'] != ids['server_id']
        and payload.get('host') != ids['avoid']
        and payload.get('status') == 'ACTIVE')


def _servers(ids, payload):
    if payload.get('stack_id') != ids['stack_id']:
        return ()
    return *payload.get('servers', ()), payload.get('server_id')


LINK = links.Link(
    name='stack',
    words=links.Words(
        arrow='Mistral → Heat',
        arrived='stack {stack_id} was updated with another server',
        expected='stack {stack_id} UPDATE_COMPLETE with another server, '
                 'ACTIVE{elsewhere}',
        look_at="'openstack stack event list {stack_id}' and the events of "
                'its server in Nova',
        unexpected="'openstack stack event list {stack_id}': who updated "
                   'it'),
    lasting=True,
    deadline=links.Deadline(
        help='Seconds from the Mistral execution to the updated stack with '
             'its new, active server. Also for creating and deleting a '
             'stack.',
        takes='the time from the Mistral execution to the updated stack',
        seconds=300),
    ties=_ties,
    fits=_fits,
    servers=_servers,
    # Another update begins at another time, or brings another server.
    identity=('host', 'server_id', 'stack_id', 'updated_time'),
    late=('updated_time',),
    start_key='updated_time',
    kit='self_healing_tempest_plugin.links.heat_stack.kit:KIT')
