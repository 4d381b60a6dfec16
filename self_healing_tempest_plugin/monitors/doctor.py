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
from self_healing_tempest_plugin.monitors import monitor


class DoctorEvents:
    """Events of Doctor, see :class:`.events.EventSource`.

    An alarm stays until it is cleared, whatever happens: Vitrage has no
    snapshot of this datasource.
    """

    datasource = 'doctor'

    def raised(self, alarm):
        """Return the event that raises an alarm."""
        return _event(alarm, alarm.began, 'down')

    def cleared(self, alarm, now):
        """Return the event that ends an alarm."""
        return _event(alarm, now, 'up')

    def is_own(self, found, alarm):
        """Return whether the last event on an alarm was ours, by its id.

        The alarm of somebody else, once ended, would not come again.
        """
        return found.get('monitor_event_id') == alarm.began


class Doctor(monitor.Monitor):
    """Doctor, which cannot be asked."""

    event_source = DoctorEvents()

    datasource = event_source.datasource

    look_at = "what the monitor posts to Vitrage's event API"

    host_look_at = 'the hostname in what the monitor posts to Vitrage'

    def __init__(self, settings):
        """Take nothing: it has no address.

        :param settings: :class:`..config.Settings`
        """
        del settings


def _event(alarm, time, status):
    # The type of the event is what Vitrage names the alarm by.
    return events.Event(time, alarm.name, {
        'hostname': alarm.host, 'source': 'self_healing_tempest_plugin',
        'cause': 'synthetic alarm', 'severity': 'critical', 'status': status,
        'monitor_id': 'self_healing_tempest_plugin',
        'monitor_event_id': alarm.began})


MONITOR = Doctor
