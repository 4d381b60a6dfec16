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

"""Who notices a dead host, and how Vitrage shows what it has noticed."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Monitor:
    """A monitor as Vitrage sees it.

    :ivar datasource: ``vitrage_type`` of its alarms
    :ivar look_at: where to look when it raises none
    """

    datasource: str
    look_at: str


MONITORS = {
    'prometheus': Monitor(
        datasource='prometheus',
        look_at="the alerts of Prometheus ('ALERTS' in its expression "
                'browser), the notifications that Alertmanager failed to '
                'send (alertmanager_notifications_failed_total), and '
                "Vitrage's prometheus_conf.yaml"),
    'doctor': Monitor(
        datasource='doctor',
        look_at="what the monitor posts to Vitrage's event API"),
}
