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

"""Prometheus itself: its rules, its targets, and whom it tells."""

from self_healing_tempest_plugin.services import strangers


class Prometheus(strangers.Api):
    """Rules, targets and Alertmanagers of one Prometheus, API v1."""

    service = 'Prometheus'

    def rules(self, name):
        """Return the alerting rules of one name as dicts.

        :param name: of the alert
        """
        groups = self._data('list rules', 'rules', type='alert')['groups']
        return [rule for group in groups for rule in group['rules']
                if rule['name'] == name]

    def targets(self):
        """Return the targets that are scraped, as dicts."""
        return self._data('list targets', 'targets',
                          state='active')['activeTargets']

    def alertmanagers(self):
        """Return the URLs of the Alertmanagers that get the alerts."""
        listed = self._data('list Alertmanagers', 'alertmanagers')
        return tuple(alertmanager['url']
                     for alertmanager in listed['activeAlertmanagers'])

    def _data(self, operation, name, **params):
        return self._json(operation, '/api/v1/' + name, **params)['data']
