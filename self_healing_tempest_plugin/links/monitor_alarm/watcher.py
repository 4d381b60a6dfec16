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

"""Looks for the monitor's alarm on the broken host, in Vitrage."""

from self_healing_tempest_plugin.links.monitor_alarm import link
from self_healing_tempest_plugin.links import vitrage_alarms
from self_healing_tempest_plugin.watching import looks


class AlarmWatcher:
    """The monitor's alarm on the broken host, in Vitrage."""

    link, pace = link.LINK, looks.USUAL

    def __init__(self, vitrage, host, monitor, name):
        """Take the alarms of before.

        :param host: the host's vertex in Vitrage's graph, a dict
        :param monitor: :class:`...monitors.monitor.Monitor` that raises it
        :param name: name of the alarm
        """
        self._host = host['id']
        self._alarms = vitrage_alarms.Alarms(
            vitrage, host, monitor.datasource, name, monitor.clock)

    def look(self, recorder):
        """Ask once; see :class:`..looks.Look`."""
        _, alarms = self._alarms.look(recorder.now)
        if not alarms:
            return looks.Look(vitrage_alarms.NOT_YET)
        return looks.Look(alarms[-1].state, tuple(
            alarm.sighting(host=self._host) for alarm in alarms),
            objects=tuple(alarm.id for alarm in alarms))
