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


"""Whom the links ask, and about what."""

import dataclasses
import types
import typing

from self_healing_tempest_plugin.monitors import prometheus
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors

# Seconds that one request to the monitor may take.
MONITOR_TIMEOUT = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The cloud around one application, as far as links need it.

    :ivar clients: :class:`..services.clients.Clients`
    :ivar settings: :class:`..config.Settings`
    :ivar monitor: :class:`..monitors.Monitor`
    :ivar alarm: :class:`..config.Alarm` of the scenario
    :ivar application: :class:`..application.Application` in use, None as
        long as there is none
    :ivar learned: what the links have learned so far, by name
    :ivar journal: :class:`..faults.journal.Journal`, held; without one there
        is no bisect
    :ivar transports: :class:`..faults.transports.Transports`
    """

    clients: typing.Any
    settings: typing.Any
    monitor: typing.Any
    alarm: typing.Any
    application: typing.Any = None
    learned: typing.Mapping = dataclasses.field(default_factory=dict)
    journal: typing.Any = None
    transports: typing.Any = None

    def knowing(self, **learned):
        """Return the same, with more learned.

        :param learned: what a link has learned, by name
        """
        return dataclasses.replace(self, learned=types.MappingProxyType(
            {**self.learned, **learned}))

    @property
    def prometheus(self):
        """Return :class:`..monitors.prometheus.Prometheus`, or None."""
        return _api(prometheus.Prometheus, self.settings,
                    self.settings.prometheus_url)

    @property
    def alertmanager(self):
        """Return :class:`..monitors.prometheus.Alertmanager`, or None."""
        return alertmanager(self.settings)


def alertmanager(settings):
    """Return the Alertmanager that may be asked, or None.

    :param settings: :class:`..config.Settings`
    :returns: :class:`..monitors.prometheus.Alertmanager`
    """
    return _api(prometheus.Alertmanager, settings, settings.alertmanager_url)


def _api(kind, settings, url):
    if not url or settings.monitor != prometheus.DATASOURCE:
        return None
    return kind(url, MONITOR_TIMEOUT, settings.cloud.verify)


def sent(settings):
    """Return what Alertmanager has sent so far, or None.

    It is asked before the fault, and a run must not fail over it.

    :param settings: :class:`..config.Settings`
    """
    api = alertmanager(settings)
    if api is None:
        return None
    try:
        return asking.ask({'sent': asking.Question(api.service, api.sent)},
                          2 * MONITOR_TIMEOUT)['sent']
    except errors.ServiceError:
        return None


def dates(settings):
    """Return what tells the time of the monitor, whose stamps are used.

    :param settings: :class:`..config.Settings`
    :returns: name of the service to a function, as ``Clients.dates``
    """
    found = (alertmanager(settings),
             _api(prometheus.Prometheus, settings, settings.prometheus_url))
    return {api.service: api.date for api in found if api is not None}
