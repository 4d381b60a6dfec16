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

"""Prometheus and Alertmanager over a real socket, as far as they are read.

The answers are shaped like those of Prometheus 2.42 and Alertmanager 0.25.
"""

from http import server
import itertools
import json
import re
import threading
from urllib import parse

import fixtures

from self_healing_tempest_plugin.monitors.prometheus import counting


class FakeMonitor(fixtures.Fixture):
    """Both of them at one URL.

    :ivar rules: alerting rules, see :func:`rule`
    :ivar targets: active targets, see :func:`target`
    :ivar alerts: alerts of Alertmanager, see :func:`alert`
    :ivar silences: by id
    :ivar alertmanagers: URLs that Prometheus sends to
    :ivar metrics: of Alertmanager, text; a list of texts is of several behind
        one URL, which answer in turn
    :ivar broken: regex of paths that answer 503, or None
    :ivar absent: regex of paths that there are not
    :ivar more: further answers, by path
    :ivar wanted: headers without which nobody is let in
    :ivar requests: paths with queries, in order
    :ivar headers: of the last request
    """

    def __init__(self, context=None):
        """Take how it speaks.

        :param context: :class:`ssl.SSLContext`, None for plain HTTP
        """
        super().__init__()
        self._context = context

    def _setUp(self):
        self.rules, self.targets, self.alerts = [], [], []
        self.silences, self.alertmanagers = {}, []
        self.metrics, self.broken, self.requests = '', None, []
        self.absent, self.more, self.wanted, self.headers = None, {}, {}, {}
        self._turns = itertools.count()
        fake = self

        class Handler(_Handler):
            monitor = fake

        self.http = server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        if self._context:
            # Of each connection alone: one that breaks is none of ours.
            self.http.socket = self._context.wrap_socket(
                self.http.socket, server_side=True,
                do_handshake_on_connect=False)
            self.http.handle_error = lambda *_: None
        self.url = 'http%s://127.0.0.1:%d' % (
            's' if self._context else '', self.http.server_address[1])
        thread = threading.Thread(target=self.http.serve_forever,
                                  kwargs={'poll_interval': 0.02})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.http.server_close)
        self.addCleanup(self.http.shutdown)

    def answer(self, path):
        """Return status and body of an answer."""
        name = parse.urlsplit(path).path
        self.requests.append(path)
        if any(self.headers.get(key) != value
               for key, value in self.wanted.items()):
            return 401, 'Unauthorized'
        if self.broken and re.search(self.broken, name):
            return 503, 'out of order'
        if self.absent and re.search(self.absent, name):
            return 404, '404 page not found'
        if name in self.more:
            return 200, self.more[name]
        if name in ('/metrics', '/-/ready'):
            several = self.metrics if isinstance(self.metrics, list) else [
                self.metrics]
            return 200, several[next(self._turns) % len(several)]
        silence = re.fullmatch('/api/v2/silence/(.+)', name)
        if silence:
            answer = self.silences.get(silence[1])
            return (200, answer) if answer else (404, 'no such silence')
        answer = {
            '/api/v1/rules': {'groups': [{'name': 'hosts',
                                          'rules': self.rules}]},
            '/api/v1/targets': {'activeTargets': self.targets,
                                'droppedTargets': []},
            '/api/v1/alertmanagers': {
                'activeAlertmanagers': [{'url': url}
                                        for url in self.alertmanagers],
                'droppedAlertmanagers': []},
        }.get(name)
        if answer is not None:
            return 200, {'status': 'success', 'data': answer}
        return (200, self.alerts) if name == '/api/v2/alerts' else (404, '')


class _Handler(server.BaseHTTPRequestHandler):
    monitor = None

    def do_GET(self):
        self.monitor.headers = self.headers
        status, body = self.monitor.answer(self.path)
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """Say nothing."""


def firing(host='compute-1', state='firing'):
    """Return an alert of a rule."""
    return {'labels': labels(host), 'state': state, 'value': '0e+00',
            'annotations': {}, 'activeAt': '2026-01-01T00:00:05.5Z'}


def labels(host='compute-1'):
    """Return the labels of the alert on a host."""
    return {'alertname': 'HostDown', 'hostname': host, 'job': 'node',
            'instance': '192.0.2.11:9100', 'severity': 'critical'}


def rule(*alerts, **changes):
    """Return the rule of the alert."""
    return dict({
        'name': 'HostDown', 'query': 'up{job="node"} == 0', 'duration': 2,
        'state': 'inactive', 'labels': {'severity': 'critical'},
        'alerts': list(alerts), 'health': 'ok', 'type': 'alerting'},
        **changes)


def target(host='compute-1', health='down', error='connection refused'):
    """Return the target that a host is."""
    return {'labels': {'hostname': host, 'instance': '192.0.2.11:9100',
                       'job': 'node'},
            'scrapeUrl': 'http://192.0.2.11:9100/metrics',
            'health': health, 'lastError': error}


def alert(host='compute-1', **status):
    """Return an alert of Alertmanager."""
    return {'labels': labels(host), 'annotations': {},
            'fingerprint': '6a6be54996b45f13',
            'receivers': [{'name': 'vitrage'}],
            'startsAt': '2026-01-01T00:00:07.567Z',
            'status': dict({'state': 'active', 'silencedBy': [],
                            'inhibitedBy': []}, **status)}


def metrics(total, failed, integration='webhook', started=1.76e9, peer='',
            members=1):
    """Return what Alertmanager counts, as it writes it.

    :param started: of the process, seconds since the epoch; None: untold
    :param peer: its name in a cluster, '' without one
    :param members: of the cluster
    """
    lines = []
    for unit in ('s', '_requests'):
        for name, value in (('total', total), ('failed_total', failed)):
            metric = 'alertmanager_notification%s_%s' % (unit, name)
            lines.append('# TYPE %s counter' % metric)
            lines.extend('%s{integration="%s"} %s' % (metric, receiver, count)
                         for receiver, count in (('email', 0),
                                                 (integration, value)))
    if peer:
        lines.append('alertmanager_cluster_peer_info{peer="%s"} 1' % peer)
        lines.append('alertmanager_cluster_members %d' % members)
    if started is not None:
        lines.append('process_start_time_seconds %r' % started)
    return '\n'.join(lines) + '\n'


def counted(*texts, **changes):
    """Return what was counted at one URL, as ``Monitor.sent`` has it.

    :param texts: answers, or the two numbers of :func:`metrics`
    """
    if not isinstance(texts[0], str):
        texts = (metrics(*texts, **changes),)
    return counting.together([list(map(counting.read, texts))])
