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

"""What Alertmanager's webhook would tell Vitrage.

An alarm of Prometheus that nobody clears goes with one of Vitrage's next
snapshots: it deletes what Alertmanager does not list (``run driver delete
outdated vertices``), or, where Alertmanager does not answer, what is older
than two intervals.
"""

from self_healing_tempest_plugin.monitors import events

# Vitrage sets this type itself when the User-Agent is Alertmanager's.
_EVENT = 'prometheus.alarm'


class Webhook:
    """Alertmanager's events, see :class:`..events.EventSource`."""

    datasource = 'prometheus'

    def raised(self, alarm):
        """Return the event that raises an alarm."""
        return _event(alarm, alarm.began, 'firing', '0001-01-01T00:00:00Z')

    def cleared(self, alarm, now):
        """Return the event that ends an alarm.

        Vitrage forgets what else it was told in the same event when the alarm
        was not raised before.
        """
        return _event(alarm, now, 'resolved', now + 'Z')

    def is_own(self, found, alarm):
        """Return True: any alarm of that name on that host counts as ours.

        Vitrage keeps nothing of an event of Alertmanager by which two could
        be told apart. When the alert itself comes late and is ended in our
        place, Vitrage has it again with its next snapshot.
        """
        del found, alarm
        return True


def _event(alarm, time, status, ends):
    # As a webhook of Alertmanager has it, as far as Vitrage reads it.
    return events.Event(time, _EVENT, {
        'version': '4', 'status': status, 'receiver': 'vitrage',
        'alerts': [{
            'status': status, 'labels': dict(alarm.labels),
            'annotations': {
                'summary': 'bisect of self_healing_tempest_plugin'},
            'startsAt': alarm.began + 'Z', 'endsAt': ends}]})
