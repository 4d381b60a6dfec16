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

"""Whether the queue of the stack is there, without a message yet."""

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.services import errors

# Name of the queue among the resources of the stack.
QUEUE = 'alarm_queue'


def queue(around):
    """Return the name of the queue.

    :param around: :class:`..surroundings.Surroundings`
    :raises ..services.errors.ServiceRefused: when the stack has none
    """
    app = around.application
    name = app.resources.get(QUEUE)
    if not name:
        raise errors.ServiceRefused(
            'Heat', 'list resources of stack %s' % app.stack.name,
            'there is no %s' % QUEUE)
    return name


def unmet(around):
    """Return that a message about the server is in the queue already.

    :param around: :class:`..surroundings.Surroundings`
    """
    server_id, name = around.application.server_id, queue(around)
    for message in around.owner.zaqar.messages(name):
        event = aodh_events.of_body(message['body'])
        if event and event.server_id == server_id:
            return 'message %s about server %s was in queue %s before the ' \
                   'fault' % (message['id'], server_id, name)
    return ''
