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

"""Prometheus, whose Alertmanager posts to Vitrage's event API."""

import contextlib

from self_healing_tempest_plugin.monitors import monitor
from self_healing_tempest_plugin.monitors.prometheus import alertmanager
from self_healing_tempest_plugin.monitors.prometheus import details
from self_healing_tempest_plugin.monitors.prometheus import inquiries
from self_healing_tempest_plugin.monitors.prometheus import labels
from self_healing_tempest_plugin.monitors.prometheus import outlook
from self_healing_tempest_plugin.monitors.prometheus import server
from self_healing_tempest_plugin.monitors.prometheus import several
from self_healing_tempest_plugin.monitors.prometheus import webhook
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors


class Prometheus(monitor.Monitor):
    """Prometheus and Alertmanager, each of which is asked at its URLs."""

    event_source = webhook.Webhook()

    datasource = event_source.datasource

    look_at = ("the alerts of Prometheus ('ALERTS' in its expression "
               'browser), the notifications that Alertmanager failed to send '
               "(alertmanager_notifications_failed_total), and Vitrage's "
               'prometheus_conf.yaml')

    host_look_at = "the alert's labels, and Vitrage's prometheus_conf.yaml"

    def __init__(self, settings):
        """Take where both are.

        :param settings: :class:`...config.Settings`
        """
        def apis(kind, urls, access):
            return tuple(kind(url, monitor.MONITOR_TIMEOUT,
                              settings.cloud.verify, access) for url in urls)

        self._servers = apis(server.Prometheus, settings.prometheus_urls,
                             settings.prometheus_access)
        self._alertmanagers = apis(
            alertmanager.Alertmanager, settings.alertmanager_urls,
            settings.alertmanager_access)

    def labels(self, name, host):
        """Return the labels of its alert, or those that it would have."""
        return self._of_alert(name, host) or self._would_be(name, host)

    def _of_alert(self, name, host):
        def here(alert):
            return bool(labels.naming(alert.labels, host))

        with contextlib.suppress(errors.ServiceError):
            return next((alert.labels for alert in several.alerts(
                self._alertmanagers, name, here) if here(alert)), None)
        return None

    def _would_be(self, name, host):
        rules = targets = ()
        for answer, error in several.each(
                self._servers, lambda api: api.rules(name)):
            rules = rules or error is None and answer or ()
        for answer, error in several.each(
                self._servers, server.Prometheus.targets):
            targets = targets or error is None and [
                target for target in answer
                if labels.naming(target.labels, host)] or ()
        return labels.alert_labels(name, host, rules, targets)

    def inquiries(self, case):
        """Return what both services are asked when the alarm is missing."""
        del case
        return (*inquiries.of_servers(self._servers),
                *inquiries.of_alertmanagers(self._alertmanagers))

    def sent(self):
        """Return what Alertmanager has sent so far, or None.

        It is asked before the fault, and a run must not fail over that.
        """
        if not self._alertmanagers:
            return None
        with contextlib.suppress(errors.ServiceError):
            return several.counts(self._alertmanagers)
        return None

    def dates(self):
        """Return how to ask the time of both, whose stamps are used."""
        return {apis[0].service: several.in_turn(apis)
                for apis in (self._alertmanagers, self._servers) if apis}

    def outlook(self, alarms, seconds):
        """Return what both say of themselves, and of the alarms' delays."""
        return outlook.of(self._servers, self._alertmanagers, alarms, seconds)

    def details(self, seen, expectation, around):
        """Return how to ask Alertmanager when its alert started."""
        del seen, around
        apis, ids = self._alertmanagers, expectation.ids
        return {} if not apis else {'alert': asking.Question(
            apis[0].service, lambda: details.of_alerts(
                apis, ids['host_alarm'], ids['host']))}


MONITOR = Prometheus
