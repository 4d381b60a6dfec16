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


def of_alerts(alertmanager, name, host):
    """Return when its alerts on a host started, as a list of details.

    :param alertmanager: :class:`.alertmanager.Alertmanager`
    :param name: of the alert
    :param host: as Nova names it
    :returns: :class:`...model.timelines.Detail` objects
    """
    return [detail for alert in alertmanager.alerts(name)
            if labels.naming(alert['labels'], host)
            for detail in context.details(
                link.LINK, 'Alertmanager alert', alert['fingerprint'],
                'alert %s started' % alert['labels']['alertname'],
                alertmanager.service, alert['startsAt'])]
