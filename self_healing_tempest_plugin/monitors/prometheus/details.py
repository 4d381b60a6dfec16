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

"""What Alertmanager tells of its alert when all is over."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links.monitor_alarm import link
from self_healing_tempest_plugin.monitors.prometheus import labels
from self_healing_tempest_plugin.monitors.prometheus import several


def of_alerts(alertmanagers, name, host):
    """Return when its alerts on a host started, as a list of details.

    :param alertmanagers: :class:`.alertmanager.Alertmanager` objects
    :param name: of the alert
    :param host: as Nova names it
    :returns: :class:`...model.timelines.Detail` objects
    """
    def here(alert):
        return bool(labels.naming(alert.labels, host))

    return [detail for alert in several.alerts(alertmanagers, name, here)
            if here(alert)
            for detail in context.details(
                link.LINK, 'Alertmanager alert', alert.fingerprint,
                'alert %s started' % name, alertmanagers[0].service,
                alert.since)]
