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

"""A monitor that posts to Vitrage's event API itself, like OPNFV's Doctor."""

from self_healing_tempest_plugin.monitors import events

DATASOURCE = 'doctor'

LOOK_AT = "what the monitor posts to Vitrage's event API"


def raised(alarm):
    """Return the event that raises an alarm.

    :param alarm: :class:`.events.Alarm`
    """
    return _event(alarm, alarm.began, 'down')


def cleared(alarm, now):
    """Return the event that ends an alarm.

    :param alarm: :class:`.events.Alarm`, which was raised
    :param now: see :func:`.events.stamp`
    """
    return _event(alarm, now, 'up')


def is_own(found, alarm):
    """Return whether the last event on an alarm was ours, by its id.

    There is no snapshot of Doctor: the alarm of somebody else, once ended,
    would not come again.

    :param found: the alarm in the graph, as a dict
    :param alarm: :class:`.events.Alarm`
    """
    return found.get('monitor_event_id') == alarm.began


def _event(alarm, time, status):
    # The type of the event is what Vitrage names the alarm by.
    return events.Event(time, alarm.name, {
        'hostname': alarm.host, 'source': 'self_healing_tempest_plugin',
        'cause': 'synthetic alarm', 'severity': 'critical', 'status': status,
        'monitor_id': 'self_healing_tempest_plugin',
        'monitor_event_id': alarm.began})
