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


"""What the monitor tells of its alert when all is over."""

from self_healing_tempest_plugin.diagnosis import context
from self_healing_tempest_plugin.links.monitor_alarm import link
from self_healing_tempest_plugin.monitors import prometheus
from self_healing_tempest_plugin.services import asking


def details(seen, expectation, around):
    """Return what to ask; see :class:`..kit.Kit`."""
    del seen
    ids, api = expectation.ids, around.alertmanager
    return {} if api is None else {'alert': asking.Question(
        'Alertmanager', lambda: _alerts(
            api.alerts(ids['host_alarm']), ids['host']))}


def _alerts(alerts, host):
    return [one for alert in alerts
            if prometheus.naming(alert['labels'], host)
            for one in context.details(
                link.LINK, 'Alertmanager alert', alert['fingerprint'],
                'alert %s started' % alert['labels']['alertname'],
                'Alertmanager', alert['startsAt'])]
