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

"""What answers at the application's address is a stranger until proven."""

import contextlib
import os
import socket
import struct
import threading

import fixtures
import testtools

from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin import probing
from self_healing_tempest_plugin import waiting

NONCE = 'cafe0123'
GOOD = b'nonce=cafe0123\nserver=s1\nboot=b1\n'
HEAD = b'HTTP/1.1 200 OK\r\n'


def answer(body=GOOD, head=HEAD, *headers):
    """Return an answer with its length."""
    return b''.join((head, *(header + b'\r\n' for header in headers),
                     b'Content-Length: %d\r\n\r\n' % len(body), body))


def say(*parts):
    """Return what sends some bytes and closes."""
    def run(peer, stranger):
        for part in parts:
            peer.sendall(part)
    return run


def for_ever(part, before=b''):
    """Return what never ends to send, as fast as the other side reads."""
    def run(peer, stranger):
        peer.sendall(before)
        while not stranger.done.is_set():
            stranger.sent += peer.send(part)
    return run


def drip(before=b''):
    """Return what sends one byte after the other, a tenth of a second each.

    No read of the other side lasts long, and the whole never ends.
    """
    def run(peer, stranger):
        peer.sendall(before)
        while not stranger.done.wait(0.1):
            peer.sendall(b'x')
    return run


def keep_open(*parts):
    """Return what sends some bytes and does not close."""
    def run(peer, stranger):
        say(*parts)(peer, stranger)
        stranger.done.wait(10)
    return run


def reset(peer, stranger):
    """Close with a reset."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))


class Stranger(fixtures.Fixture):
    """A server that does as it likes.

    :ivar url: where it is
    :ivar sent: bytes that it got rid of, where it never ends
    :ivar asked: how often it was
    :ivar done: set when it is to end
    """

    def __init__(self, act):
        super().__init__()
        self._act, self.sent, self.asked = act, 0, 0
        self.done = threading.Event()

    def _setUp(self):
        self._server = socket.create_server(('127.0.0.1', 0))
        self.url = 'http://127.0.0.1:%d/' % self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        self.addCleanup(self._end)

    def _end(self):
        self.done.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self):
        while True:
            try:
                peer, _ = self._server.accept()
            except OSError:
                return
            self.asked += 1
            with peer, contextlib.suppress(OSError):
                peer.settimeout(5)
                peer.recv(4096)
                self._act(peer, self)


class StrangerTest(testtools.TestCase):
    """probing.probe()."""

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(
            probing, 'ANSWER_TIMEOUT', 1.0))

    def probe(self, act, **changes):
        stranger = self.useFixture(Stranger(act))
        return probing.probe(changes.get('url', stranger.url), NONCE,
                             waiting.CLOCK.now), stranger

    def bad(self, error, act):
        probe, stranger = self.probe(act)
        self.assertEqual((False, error), (probe.ok, probe.error))
        return probe, stranger

    def test_good(self):
        """Whatever the headers, whoever closes first."""
        for act in (say(answer()), keep_open(answer()), say(HEAD, GOOD.join([
                b'\r\n', b''])), say(answer(
                    GOOD, HEAD, b'Content-Type: text/plain; charset=klingon',
                    b'Refresh: 0; url=http://192.0.2.9/'))):
            probe, _ = self.probe(act)
            self.assertEqual(('', 'b1', 's1', True, NONCE), (
                probe.error, probe.boot, probe.server, probe.ok,
                probe.nonce))

    def test_drip(self):
        """Each byte comes in time; the answer does not."""
        for before in (b'', HEAD, HEAD + b'X: ', HEAD + b'\r\n',
                       HEAD + b'Content-Length: 9999\r\n\r\n' + GOOD,
                       HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n'):
            probe, _ = self.bad(timelines.TAKEN, drip(before))
            self.assertTrue(probe.taken)

    def test_no_end(self):
        """A good answer that goes on is none."""
        self.bad(timelines.TAKEN, keep_open(HEAD, b'\r\n', GOOD))
        self.bad(timelines.TAKEN, keep_open(answer()[:-3]))

    def test_silence(self):
        """Somebody took the request."""
        probe, _ = self.bad(timelines.TAKEN, keep_open())
        self.assertEqual((True, False), (probe.taken, probe.answered))

    def test_redirections(self):
        """No redirection is followed: the other server may answer rightly."""
        elsewhere = self.useFixture(Stranger(say(answer())))
        for status in (b'301', b'302', b'303', b'307', b'308', b'300'):
            probe, _ = self.bad(
                'HTTP %d' % int(status), say(answer(
                    b'', b'HTTP/1.1 %s Elsewhere\r\n' % status,
                    b'Location: ' + elsewhere.url.encode())))
            self.assertTrue(probe.answered)
        for broken in (b'http://[', b'\xff\xfe', b'//', b'http://a:b/',
                       b'file:///etc/shadow', b''):
            self.bad('HTTP 302', say(answer(
                b'', b'HTTP/1.1 302 Found\r\n', b'Location: ' + broken)))
        self.assertEqual(0, elsewhere.asked)

    def test_too_long(self):
        """No more is read than one may have; the memory stays as it is."""
        for before in (b'', HEAD, HEAD + b'\r\n' + GOOD,
                       HEAD + b'Content-Length: 150000000\r\n\r\n',
                       HEAD + b'Transfer-Encoding: chunked\r\n\r\n'
                       b'fffffff\r\n'):
            probe, stranger = self.probe(for_ever(b'x' * 65536, before))
            self.assertFalse(probe.ok)
            # What fits into the buffers of the two sockets is sent.
            self.assertLess(stranger.sent, 20_000_000)

    def test_headers_without_end(self):
        probe, _ = self.probe(for_ever(b'X: 1\r\n', HEAD))
        self.assertEqual((False, True), (probe.ok, probe.answered))

    def test_continue_for_ever(self):
        self.bad('more than 4096 bytes',
                 for_ever(b'HTTP/1.1 100 Continue\r\n\r\n'))

    def test_nonsense(self):
        """Nonsense is a bad answer, whatever it is, and nothing breaks."""
        for number, act in enumerate((
                say(b'\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00'),
                say(b'SSH-2.0-OpenSSH_9.2\r\n'), say(b'\x00' * 100),
                say(b'HTTP/9.9 yes\r\n\r\n'), say(b'HTTP/1.1 abc OK\r\n\r\n'),
                say(HEAD + b'no header\r\n\r\n'), say(HEAD + b':\r\n\r\n'),
                say(HEAD + b'Content-Length: -5\r\n\r\n'),
                say(HEAD + b'Content-Length: 99\r\n\r\n', GOOD),
                say(HEAD + b'Content-Length: x\r\n\r\n', b'?'),
                say(HEAD + b'Transfer-Encoding: chunked\r\n\r\nzz\r\n'),
                say(HEAD + b'X: ' + b'a' * 70000 + b'\r\n\r\n'),
                say(answer(b'\xff\xfe\x00\xd8', HEAD, b'Content-Type: '
                           b'text/plain; charset=utf-16')),
                say(answer(b'\x1f\x8b\x08\x00' + b'\xff' * 100, HEAD,
                           b'Content-Encoding: gzip')),
                say(answer(b'', b'HTTP/1.1 204 No Content\r\n')))):
            probe, _ = self.probe(act)
            self.assertEqual((False, True), (probe.ok, bool(probe.error)),
                             number)

    def test_nobody(self):
        """Closed, reset, or not there: nobody answered."""
        for act in (say(), reset):
            probe, _ = self.bad('ConnectionError', act)
            self.assertFalse(probe.answered)
        with socket.create_server(('127.0.0.1', 0)) as gone:
            url = 'http://127.0.0.1:%d/' % gone.getsockname()[1]
        probe = probing.probe(url, NONCE, waiting.CLOCK.now)
        self.assertEqual(('ConnectionError', False), (probe.error,
                                                      probe.taken))

    def test_not_connected(self):
        """A network that drops packets must not hold up a probe."""
        self.useFixture(fixtures.MockPatchObject(
            probing, 'CONNECT_TIMEOUT', 0.1))
        with contextlib.ExitStack() as full:
            server = full.enter_context(socket.create_server(
                ('127.0.0.1', 0), backlog=0))
            for _ in range(4):
                waiting_one = full.enter_context(socket.socket())
                waiting_one.setblocking(False)
                waiting_one.connect_ex(server.getsockname())
            probe = probing.probe('http://127.0.0.1:%d/' % server.getsockname(
            )[1], NONCE, waiting.CLOCK.now)
        self.assertEqual(('ConnectTimeout', False), (probe.error,
                                                     probe.taken))

    def test_no_proxy(self):
        """A proxy of the runner's environment is another witness."""
        proxy = self.useFixture(Stranger(say(answer())))
        for name in ('http_proxy', 'HTTP_PROXY', 'ALL_PROXY'):
            self.useFixture(fixtures.EnvironmentVariable(name, proxy.url))
        self.useFixture(fixtures.EnvironmentVariable('no_proxy'))
        probe, _ = self.probe(say(answer(b'x')))
        self.assertEqual((False, 0), (probe.ok, proxy.asked))
        self.assertIn('http_proxy', os.environ)

    def test_not_what_was_asked(self):
        """The nonce has to be this one, the status 200, the names ids."""
        for error, body, status in (
                ('nonce beef instead of cafe0123', b'nonce=beef\nboot=b\n',
                 b'200 OK'),
                ('nonce None instead of cafe0123', b'boot=b1\n', b'200 OK'),
                ('nonce CAFE0123 instead of cafe0123',
                 b'nonce=CAFE0123\nboot=b\n', b'200 OK'),
                ('no boot id', b'nonce=cafe0123\n', b'200 OK'),
                ('no boot id', b'nonce=cafe0123\nboot=\n', b'200 OK'),
                ('HTTP 500', GOOD, b'500 Oops'), ('HTTP 203', GOOD, b'203 X'),
                ('a boot that is no id', b'nonce=cafe0123\nboot=%s\n' % (
                    b'b' * 129), b'200 OK'),
                ('a boot that is no id', b'nonce=cafe0123\nboot=a b\n',
                 b'200 OK'),
                ('a server that is no id',
                 b'nonce=cafe0123\nboot=b\nserver=\x1b[2J\n', b'200 OK')):
            probe, _ = self.bad(error, say(answer(
                body, b'HTTP/1.1 %s\r\n' % status)))
            self.assertTrue(probe.answered)
            self.assertNotIn('\x1b', probe.server + probe.boot)
