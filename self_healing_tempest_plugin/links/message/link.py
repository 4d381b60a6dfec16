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

"""The message of Aodh in the queue of the stack, in Zaqar."""

from self_healing_tempest_plugin.model import links


LINK = links.Link(
    name='message',
    words=links.Words(
        arrow='Aodh → Zaqar',
        arrived='a message about server {server_id} was put into queue '
                '{queue}',
        expected='message about server {server_id} in queue {queue}',
        look_at="aodh-notifier's log for 'Failed to post message to Zaqar "
                "queue' and 'Unable to notify alarm', and the trust of the "
                "alarm's action trust+zaqar",
        unexpected='who has put the message into queue {queue}: its body '
                   'names the alarm',
        came='posted'),
    deadline=links.Deadline(
        help='Seconds from the event alarm that has fired to its message in '
             'the queue.',
        takes='the time from the event alarm to its message in the queue',
        seconds=30),
    ties=links.of_server,
    origins=(links.Origin('event_alarm', key='alarm_id'),),
    kit='self_healing_tempest_plugin.links.message.kit:KIT')
