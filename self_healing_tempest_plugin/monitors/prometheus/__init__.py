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
from self_healing_tempest_plugin.monitors.prometheus import server
from self_healing_tempest_plugin.monitors.prometheus import webhook
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors


class Prometheus(monitor.Monitor):
    """Prometheus and Alertmanager; without a URL neither is asked."""

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
        def api(kind, url):
            return kind(url, monitor.MONITOR_TIMEOUT,
                        settings.cloud.verify) if url else None

        self._server = api(server.Prometheus, settings.prometheus_url)
        self._alertmanager = api(alertmanager.Alertmanager,
                                 settings.alertmanager_url)

    def labels(self, name, host):
        """Return the labels of its alert, or those that it would have."""
        return self._of_alert(name, host) or self._would_be(name, host)

    def _of_alert(self, name, host):
        if self._alertmanager is None:
            return None
        with _suppressed(self._alertmanager):
            for alert in self._alertmanager.alerts(name):
                if labels.naming(alert['labels'], host):
                    return alert['labels']
        return None

    def _would_be(self, name, host):
        rules = targets = ()
        if self._server is not None:
            with _suppressed(self._server):
                rules = self._server.rules(name)
                targets = [target for target in self._server.targets()
                           if labels.naming(target['labels'], host)]
        return labels.alert_labels(name, host, rules, targets)

    def inquiries(self, case):
        """Return what both services are asked when the alarm is missing."""
        del case
        return (*inquiries.of_server(self._server),
                *inquiries.of_alertmanager(self._alertmanager))

    def sent(self):
        """Return what Alertmanager has sent so far, or None.

        It is asked before the fault, and a run must not fail over that.
        """
        api = self._alertmanager
        if api is None:
            return None
        try:
            return asking.ask({'sent': asking.Question(api.service, api.sent)},
                              2 * monitor.MONITOR_TIMEOUT)['sent']
        except errors.ServiceError:
            return None

    def dates(self):
        """Return how to ask the time of both, whose stamps are used."""
        return {api.service: api.date
                for api in (self._alertmanager, self._server)
                if api is not None}

    def details(self, seen, expectation, around):
        """Return how to ask Alertmanager when its alert started."""
        del seen, around
        api, ids = self._alertmanager, expectation.ids
        return {} if api is None else {'alert': asking.Question(
            api.service, lambda: details.of_alerts(
                api, ids['host_alarm'], ids['host']))}


@contextlib.contextmanager
def _suppressed(api):
    # An answer of another shape is no answer.
    with (contextlib.suppress(errors.ServiceError),
          errors.calling(api.service, 'tell the labels of an alert')):
        yield


MONITOR = Prometheus
