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

"""The monitor's alarm on the broken host, as Vitrage has it."""

from self_healing_tempest_plugin.model import links


def _ties(ids, payload):
    return payload.get('host') == ids['host']


LINK = links.Link(
    name='alarm',
    words=links.Words(
        arrow='monitor → Vitrage',
        arrived='alarm {host_alarm} was raised on host {host}',
        expected='new alarm {host_alarm} on host {host}',
        look_at='{monitor_look_at}',
        unexpected='the rule of alarm {host_alarm} in the monitor: what it '
                   'takes for a dead host',
        came='raised'),
    deadline=links.Deadline(
        help="Seconds from the fault to the monitor's alarm in Vitrage. "
             'Empty: vitrage_snapshots_interval + %d.'
             % links.SNAPSHOT_MARGIN,
        takes="the time from the fault to the monitor's alarm in Vitrage"),
    ties=_ties,
    identity=('host', 'start_timestamp'),
    kit='self_healing_tempest_plugin.links.monitor_alarm.kit:KIT')
