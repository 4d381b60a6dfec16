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

"""What a diagnosis is made from, and what one question finds."""

import dataclasses
import re
import typing

from oslo_utils import strutils

from self_healing_tempest_plugin.chain import expectation as expectations
from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import timeline as timelines
from self_healing_tempest_plugin.chain import verdict as verdicts
from self_healing_tempest_plugin.chain import watchers
from self_healing_tempest_plugin.faults import transports as ways
from self_healing_tempest_plugin.monitors import prometheus
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors

# Seconds that one request to the monitor may take.
MONITOR_TIMEOUT = 8

# Characters of one line, and of one console line.
LINE, CONSOLE_LINE = 400, 160

_CREDENTIALS = re.compile(r'(?<=://)[^\s/@]+@')


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """Whom to ask, and about what.

    :ivar clients: :class:`..services.clients.Clients`
    :ivar settings: :class:`..config.Settings`
    :ivar monitor: :class:`..monitors.Monitor`
    :ivar alarm: :class:`..config.Alarm` of the scenario
    :ivar application: :class:`..application.Application`, in use
    :ivar host: the host's vertex in Vitrage's graph
    :ivar server: the server's vertex in Vitrage's graph
    :ivar template: id of the template that deduces, '' when not known
    :ivar sent_before: what Alertmanager had sent before the fault, see
        :func:`sent`
    :ivar journal: :class:`..faults.journal.Journal`, held; without one there
        is no bisect
    :ivar transports: :class:`..faults.transports.Transports`
    """

    clients: typing.Any
    settings: typing.Any
    monitor: typing.Any
    alarm: typing.Any
    application: typing.Any
    host: typing.Mapping
    server: typing.Mapping
    template: str = ''
    sent_before: typing.Mapping | None = None
    journal: typing.Any = None
    transports: ways.Transports | None = None

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


@dataclasses.dataclass(frozen=True)
class Case:
    """One run that is to be diagnosed.

    :ivar timeline: :class:`..chain.timeline.Timeline`, concluded
    :ivar expectation: :class:`..chain.expectation.Expectation`
    :ivar verdict: :class:`..chain.verdict.Verdict`
    :ivar around: :class:`Surroundings`
    """

    timeline: timelines.Timeline
    expectation: expectations.Expectation
    verdict: verdicts.Verdict
    around: Surroundings

    @property
    def clients(self):
        """Return :class:`..services.clients.Clients`."""
        return self.around.clients

    def arrival(self, link, mark=links.Mark.FINISHED):
        """Return the evidence of a link, or None."""
        return self.expectation.arrival(self.timeline, link, mark)

    def current_server_id(self):
        """Return the server that the stack has now, or None."""
        return watchers.server_of(self.clients.heat.resources(
            self.around.application.stack.identifier))


@dataclasses.dataclass(frozen=True)
class Finding:
    """What an answer means.

    :ivar good: see :class:`.records.Fact`
    :ivar text: see :class:`.records.Fact`
    :ivar look_at: where to look next, if it is clearer than the link's own
    """

    good: bool | None
    text: str
    look_at: str = ''


@dataclasses.dataclass(frozen=True)
class Question:
    """Whom to ask what.

    :ivar side: who answers
    :ivar what: what is asked, for people
    :ivar ask: takes a :class:`Case`, returns an iterable of
        :class:`Finding`
    """

    side: str
    what: str
    ask: typing.Callable


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


def safe(text, limit=LINE):
    """Return a text as one line without secrets, of limited length.

    :param limit: characters
    """
    line = strutils.mask_password(' '.join(str(text).split()))
    line = _CREDENTIALS.sub('***@', line)
    return line if len(line) <= limit else line[:limit - 3] + '...'


def safe_lines(text, count):
    """Return the last lines of a text, each like :func:`safe`.

    :param count: how many that are not empty
    """
    printable = ''.join(char if char.isprintable() or char == '\n' else ' '
                        for char in text.replace('\r', '\n'))
    lines = [line for line in printable.split('\n') if line.strip()]
    return '\n'.join(safe(line, CONSOLE_LINE) for line in lines[-count:])
