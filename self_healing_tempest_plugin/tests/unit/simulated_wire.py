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

"""The application of a simulated cloud, as it is really asked: by HTTP.

The server is a real one, and so is who asks it; only the time that an answer
takes is simulated. It says rightly who answers, or does what nobody should
believe, see :data:`DEEDS`.
"""

import contextlib
import socket
import threading
from urllib import parse

from self_healing_tempest_plugin.tests.unit import simulated_world

# Seconds that pass with each byte that drips; and with each one that does so
# when nobody should have waited for it.
DRIP, LATE_DRIP = 0.25, 50.0

# Seconds after which nobody should wait any more.
_TOO_LONG = 60

# More than anybody should read, of what never ends.
_MUCH = 1 << 20


def _head(*headers, status='200 OK'):
    return '\r\n'.join(('HTTP/1.1 %s' % status, *headers, '', '')).encode()


def _redirect(code):
    def answer(wire, body):
        yield _head('Location: %selsewhere?%s' % (wire.url, wire.query),
                    'Content-Length: 0', status='%d Found' % code)
    return answer


def _drip(before, part=b'x'):
    def answer(wire, body):
        yield before + body
        while wire.drip():
            yield part
    return answer


def _flood(before, part):
    def answer(wire, body):
        yield before + body
        for _ in range(_MUCH // len(part)):
            yield part
    return answer


def _say(head):
    def answer(wire, body):
        yield head + body
    return answer


# What a stranger does that repeats the nonce, and says that it is the server
# of the stack. Nothing of it is an answer of the application.
DEEDS = {
    'redirect 302': _redirect(302), 'redirect 307': _redirect(307),
    'redirect 301': _redirect(301),
    'broken Location': _say(_head('Location: http://[broken', status='302 -')),
    'dripped body': _drip(_head()),
    'dripped chunks': _drip(_head('Transfer-Encoding: chunked'),
                            b'1\r\nx\r\n'),
    'dripped header': _drip(b'HTTP/1.1 200 OK\r\nX: '),
    'dripped status': _drip(b'HTTP/1.1 2'),
    'endless body': _flood(_head(), b'x' * 4096),
    'endless lines': _flood(_head(), b'a=b\n' * 1024),
    'endless headers': _flood(b'HTTP/1.1 200 OK\r\n', b'X: y\r\n' * 512),
    'no HTTP': _say(b'SSH-2.0-OpenSSH_9.2\r\n'),
    'HTTP 500': _say(_head(status='500 -')),
    'HTTP 0': _say(_head(status='0 -')),
    'bad chunks': _say(_head('Transfer-Encoding: chunked') + b'zz\r\n'),
    'too short': _say(_head('Content-Length: 4000')),
    'nothing': _say(b''),
}

# How they are in answers of the world.
STRANGERS = {deed: simulated_world.Answer(
    simulated_world.NEW.boot, simulated_world.NEW_ID, False, deed)
    for deed in DEEDS}


class Wire:
    """A server at an address; a context manager.

    :ivar url: where it is
    :ivar query: of the request that is answered
    """

    def __init__(self, world, threads):
        """Open it.

        :param world: :class:`.simulated_world.World`
        :param threads: :class:`.simulated_threads.Threads`
        """
        self._world, self._threads = world, threads
        self._server = socket.create_server(('127.0.0.1', 0))
        self.url = 'http://127.0.0.1:%d/' % self._server.getsockname()[1]
        self.query, self._begun = '', 0.0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._closed.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def drip(self):
        """Let time pass while somebody waits; return whether there is more.

        Who waits has its turn, so that the clock is nobody else's.
        """
        if self._closed.wait(0.002):
            return False
        late = self._threads.time > self._begun + _TOO_LONG
        self._threads.time += LATE_DRIP if late else DRIP
        return self._threads.time <= self._threads.limit

    def _serve(self):
        while True:
            try:
                peer, _ = self._server.accept()
            except OSError:
                return
            with peer, contextlib.suppress(OSError):
                peer.settimeout(60)
                self._answer(peer, peer.makefile('rb').readline().decode())

    def _answer(self, peer, request):
        url = parse.urlsplit(request.split()[1])
        self.query, at = url.query, self._threads.time
        self._begun = at
        answer = [answer for time, answer in self._world.answers
                  if time <= at][-1]
        if answer is simulated_world.SILENCE:
            return
        nonce = parse.parse_qs(url.query)['nonce'][0]
        body = 'nonce=%s\nserver=%s\nboot=%s\n' % (
            nonce, answer.server, answer.boot)
        deed = DEEDS[answer.deed] if (
            answer.deed and url.path == '/') else _say(_head())
        for part in deed(self, body.encode()):
            peer.sendall(part)
