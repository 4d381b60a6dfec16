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

"""What the messages in the queue tell of Nova's own notifications."""

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links.message import link
from self_healing_tempest_plugin.links.message import readiness
from self_healing_tempest_plugin.services import asking


def details(seen, expectation, around):
    """Return what to ask; see :class:`..kit.Kit`."""
    queue, server_id = (readiness.queue(around),
                        expectation.ids['server_id'])
    counted = frozenset(seen.objects.get(link.LINK, ()))
    return {'messages of queue %s' % queue: asking.Question(
        'Zaqar', lambda: [
            detail for message in around.owner.zaqar.messages(queue)
            if message['id'] in counted
            for detail in _notification(message, server_id)])}


def _notification(message, server_id):
    event = aodh_events.of_body(message['body'])
    return context.details(
        link.LINK, 'Nova notification', event.id, '%s of server %s' % (
            event.type, server_id), 'Nova', event.generated)
