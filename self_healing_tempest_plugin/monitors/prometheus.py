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

"""Prometheus and its Alertmanager: what they say, and what they would send.

They are only read. Both serve their API without authentication, or behind
something that the configured URL passes; there are no credentials in it.
"""

import dataclasses
from email import utils
import json
import re
import typing
from urllib import parse

import requests

from self_healing_tempest_plugin.monitors import events
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting

DATASOURCE = 'prometheus'

LOOK_AT = ("the alerts of Prometheus ('ALERTS' in its expression browser), "
           'the notifications that Alertmanager failed to send '
           "(alertmanager_notifications_failed_total), and Vitrage's "
           'prometheus_conf.yaml')

# Vitrage sets this type itself when the User-Agent is Alertmanager's.
_EVENT = 'prometheus.alarm'

# Labels that exporters and their configurations use for the name of a host.
HOST_LABELS = ('hostname', 'host', 'instance', 'node', 'nodename')

_COUNTER = re.compile(
    r'^alertmanager_notification(?P<unit>s|_requests)_(?P<failed>failed_)?'
    r'total\{(?P<labels>[^}]*)\} (?P<value>\S+)$', re.MULTILINE)
# Bytes of an answer: the metrics and alerts of a large cloud have a few
# millions.
MOST_BYTES = 32 * 1024 * 1024

# Bytes that are taken at once.
_AT_ONCE = 65536

_PORT = re.compile(r':\d+$')
_INTEGRATION = re.compile(r'\bintegration="([^"]*)"')


class _Api:
    """JSON over HTTP.

    :ivar service: its name, for messages
    """

    service = ''

    def __init__(self, url, timeout, verify=True):
        """Take where it is; nothing is asked yet.

        :param url: without a slash at its end
        :param timeout: seconds
        :param verify: see requests
        """
        self._url, self._timeout, self._verify = url, timeout, verify

    def date(self):
        """Return the time that it bears in its answer.

        :returns: seconds since the epoch, None where it bears none
        """
        answer = self._get('tell its time', '/-/ready')
        try:
            return utils.parsedate_to_datetime(
                answer.headers.get('Date')).timestamp()
        except (TypeError, ValueError):
            return None

    def _get(self, operation, path, **params):
        """Return the answer; what answers is a stranger until it makes sense.

        Nobody else is asked in its place, and the whole of the answer has to
        be there in time, and to have an end.

        :returns: :class:`_Answer`
        """
        deadline = waiting.CLOCK.now() + self._timeout
        with errors.calling(self.service, operation):
            with requests.get(
                    self._url + path, params=params, timeout=self._timeout,
                    verify=self._verify, allow_redirects=False,
                    stream=True) as answer:
                status = answer.status_code
                found = status == 200 and _Answer(
                    answer.headers, _read(answer, deadline))
        if found:
            return found
        raise errors.from_status(status)(
            self.service, operation, 'HTTP %d' % status, status)

    def _json(self, operation, path, **params):
        answer = self._get(operation, path, **params)
        with errors.calling(self.service, operation):
            return json.loads(answer.text)


@dataclasses.dataclass(frozen=True)
class _Answer:
    """What was answered.

    :ivar headers: a mapping, whatever the case of the names
    :ivar text: the body
    """

    headers: typing.Mapping
    text: str


def _read(answer, deadline):
    """Return the body of an answer as text.

    :param answer: of requests, streamed
    :param deadline: on the clock of the pollers
    """
    parts, size = [], 0
    # What has come, each time: to wait for more could take for ever.
    while part := answer.raw.read1(_AT_ONCE, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError('an answer of more than %d bytes' % MOST_BYTES)
        if waiting.CLOCK.now() > deadline:
            raise requests.Timeout('the answer was not over in time')
    return b''.join(parts).decode('utf-8', 'replace')


class Prometheus(_Api):
    """Rules, targets and Alertmanagers of one Prometheus, API v1."""

    service = 'Prometheus'

    def rules(self, name):
        """Return the alerting rules of one name as dicts.

        :param name: of the alert
        """
        found = self._data('list rules', 'rules', type='alert')['groups']
        return [rule for group in found for rule in group['rules']
                if rule['name'] == name]

    def targets(self):
        """Return what is scraped, as dicts."""
        return self._data('list targets', 'targets',
                          state='active')['activeTargets']

    def alertmanagers(self):
        """Return the URLs of the Alertmanagers that get the alerts."""
        found = self._data('list Alertmanagers', 'alertmanagers')
        return tuple(one['url'] for one in found['activeAlertmanagers'])

    def _data(self, operation, name, **params):
        return self._json(operation, '/api/v1/' + name, **params)['data']


@dataclasses.dataclass(frozen=True)
class Sent:
    """What Alertmanager has sent by one integration since it started.

    :ivar total: notifications, and tries where it counts them
    :ivar failed: how many of these failed
    """

    total: float
    failed: float

    def since(self, before):
        """Return what has come since an earlier count.

        :param before: :class:`Sent`; one that is greater is of an earlier
            process
        """
        if before.total > self.total:
            return self
        return Sent(self.total - before.total, self.failed - before.failed)


class Alertmanager(_Api):
    """Alerts, silences and notifications of one Alertmanager, API v2."""

    service = 'Alertmanager'

    def alerts(self, name):
        """Return the alerts of one name, silenced ones too, as dicts.

        :param name: of the alert
        """
        found = self._json('list alerts', '/api/v2/alerts')
        return [one for one in found if one['labels']['alertname'] == name]

    def silence(self, silence_id):
        """Return a silence as a dict."""
        return self._json('show silence %s' % silence_id,
                          '/api/v2/silence/%s' % parse.quote(silence_id))

    def sent(self):
        """Return what was sent, as :class:`Sent` by name of integration.

        Tries count sooner than notifications, which fail only when all
        their tries have; an old Alertmanager counts no tries.
        """
        text = self._get('count notifications', '/metrics').text
        counts = {}
        for found in _COUNTER.finditer(text):
            name = _INTEGRATION.search(found['labels'])
            if name:
                key = found['unit'], bool(found['failed']), name[1]
                counts[key] = counts.get(key, 0) + float(found['value'])
        unit = '_requests' if any(key[0] == '_requests'
                                  for key in counts) else 's'
        return {name: Sent(value, counts.get((unit, True, name), 0))
                for (its, failed, name), value in counts.items()
                if its == unit and not failed}


def naming(labels, host, addresses=()):
    """Return the labels that name a host, as a tuple.

    :param labels: dict
    :param host: as Nova names it
    :param addresses: of the host
    """
    return tuple(label for label, value in labels.items()
                 if _PORT.sub('', value).strip('[]') in (host, *addresses))


def alert_labels(name, host, rules=(), targets=()):
    """Return the labels that an alert on a host would have.

    Which of them Vitrage finds the host by, its prometheus_conf.yaml says,
    which no API shows. Those that Prometheus itself would put on win; without
    them, the usual names of such a label are all there.

    :param name: of the alert
    :param host: as Nova names it
    :param rules: as :meth:`Prometheus.rules` lists them
    :param targets: of the host, as :meth:`Prometheus.targets` lists them
    """
    found = dict(dict.fromkeys(HOST_LABELS, host), severity='critical')
    for several in (targets, rules):
        for one in several[:1]:
            # A rule may make a label of others, which stays its own affair.
            found.update({label: value for label, value
                          in one['labels'].items() if '{{' not in value})
    return dict(found, alertname=name)


def raised(alarm):
    """Return the event that raises an alarm.

    :param alarm: :class:`.events.Alarm`
    """
    return _event(alarm, alarm.began, 'firing', '0001-01-01T00:00:00Z')


def cleared(alarm, now):
    """Return the event that ends an alarm.

    Vitrage forgets what else it was told in the same event when the alarm
    was not raised before.

    :param alarm: :class:`.events.Alarm`, which was raised
    :param now: see :func:`.events.stamp`
    """
    return _event(alarm, now, 'resolved', now + 'Z')


def is_own(found, alarm):
    """Return True: any alarm of that name on that host counts as ours.

    Vitrage keeps nothing of an event of Alertmanager by which two could be
    told apart. When the alert itself comes late and is ended in our place,
    Vitrage has it again with its next snapshot.

    :param found: the alarm in the graph, as a dict
    :param alarm: :class:`.events.Alarm`
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
