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

"""RabbitMQ's management API over a real socket, as far as it is read.

The answers are shaped like those of RabbitMQ 3.10.8, to a user with the tag
"monitoring" who has a permission in the virtual host that allows nothing.
"""

import base64
from http import server
import json
import threading
from urllib import parse

import fixtures

from self_healing_tempest_plugin import config

USER, PASSWORD = 'monitoring', 'Marvin-€ü-bus42'

_REFUSED = {'error': 'not_authorized', 'reason': 'Login failed'}
_NO_VHOST = {'error': 'not_authorised',
             'reason': 'User not authorised to access virtual host'}
_NO_QUEUE = {'error': 'Object Not Found', 'reason': 'Not Found'}


class FakeBus(fixtures.Fixture):
    """One virtual host.

    :ivar vhost: its name
    :ivar queues: answers by name, see :func:`queue`
    :ivar permitted: whether the user has a permission in the virtual host
    :ivar requests: raw paths, in order
    :ivar silent: whether nothing is answered
    """

    def __init__(self, *queues, vhost='/'):
        super().__init__()
        self.vhost, self.permitted, self.silent = vhost, True, False
        self.queues = {known['name']: known for known in queues}
        self.requests = []

    def _setUp(self):
        self.ended = threading.Event()
        fake = self

        class Handler(_Handler):
            bus = fake

        self.http = server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.http.daemon_threads = True
        self.url = 'http://127.0.0.1:%d' % self.http.server_address[1]
        thread = threading.Thread(target=self.http.serve_forever,
                                  kwargs={'poll_interval': 0.02})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.http.server_close)
        self.addCleanup(self.http.shutdown)
        self.addCleanup(self.ended.set)

    def settings(self, **changes):
        """Return how it is asked."""
        return config.MessageBus(**dict(dict(
            url=self.url, username=USER, password=PASSWORD,
            vhost=self.vhost), **changes))

    def answer(self, path, authorization):
        """Return status and body of an answer.

        :param path: as it was sent
        :param authorization: the header of that name
        """
        self.requests.append(path)
        known = base64.b64encode(('%s:%s' % (USER, PASSWORD)).encode())
        if authorization != 'Basic %s' % known.decode():
            return 401, _REFUSED
        # A slash that is not quoted is one of the path.
        names = [parse.unquote(part) for part in path.split('/')]
        if names[:3] != ['', 'api', 'queues'] or len(names) != 5 or (
                names[3] != self.vhost):
            return 404, _NO_QUEUE
        if not self.permitted:
            return 401, _NO_VHOST
        shown = self.queues.get(names[4])
        return (200, shown) if shown is not None else (404, _NO_QUEUE)


class _Handler(server.BaseHTTPRequestHandler):
    bus = None

    def do_GET(self):
        if self.bus.silent:
            self.bus.ended.wait()
            self.close_connection = True
            return
        status, body = self.bus.answer(self.path,
                                       self.headers.get('Authorization'))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """Say nothing."""


def queue(name, readers=1, waiting=0, arrived=0, vhost='/'):
    """Return a queue as it is shown.

    :param arrived: 0 is what no message has ever come into
    """
    shown = dict(
        uncounted(name, vhost), consumers=readers, messages=waiting,
        messages_details={'rate': 0.0}, messages_ready=waiting,
        messages_unacknowledged=0, state='running',
        idle_since='2026-01-01T00:00:00.000+00:00')
    if arrived:
        shown['message_stats'] = {'publish': arrived,
                                  'publish_details': {'rate': 0.2}}
    return shown


def uncounted(name, vhost='/'):
    """Return a queue as it is shown where nothing is counted, or not yet."""
    return {'name': name, 'vhost': vhost, 'type': 'classic',
            'node': 'rabbit@controller', 'durable': False, 'exclusive': False,
            'auto_delete': False, 'arguments': {}}
