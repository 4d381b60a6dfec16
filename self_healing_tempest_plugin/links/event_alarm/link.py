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

"""The event alarm of the stack in Aodh, fired by an event about the server.

An alarm is in state ``alarm`` from its first event on, for good, so that its
state says nothing of the second one: that it has fired again is what counts,
and each time it names the event in its reason.
"""

from self_healing_tempest_plugin.model import links


LINK = links.Link(
    name='event_alarm',
    words=links.Words(
        arrow='Nova → Aodh',
        arrived='an event about server {server_id} has fired an event alarm',
        expected='event alarm of stack {stack_id} that an event about server '
                 '{server_id} has fired',
        look_at="'openstack server event list {server_id}': does Nova know "
                'of it; [notifications] notification_format in every '
                "nova.conf (both), the publisher notifier://?topic=alarm.all "
                "in Ceilometer's event_pipeline.yaml, and the logs of "
                'ceilometer-agent-notification and aodh-listener',
        unexpected="'openstack alarm-history show' of the alarms of stack "
                   '{stack_id}: which events have fired them',
        came='fired'),
    deadline=links.Deadline(
        help='Seconds until an event alarm of Aodh has fired: from the '
             'deduced alarm, or from the fault where nothing is deduced. '
             "Then Nova has to notice by itself, for which it takes 15 "
             'seconds where a guest has died.',
        takes='the time from the deduced alarm, or from the fault, to an '
              'event alarm that has fired,',
        seconds=60),
    ties=links.of_server,
    # Of an alarm that fires twice, the event tells the two apart.
    identity=('server_id', 'event_id'),
    kit='self_healing_tempest_plugin.links.event_alarm.kit:KIT')
