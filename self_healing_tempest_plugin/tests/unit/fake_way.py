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

"""A forward proxy, and a certificate of an authority of one's own."""

import datetime
from http import client
from http import server
import os
import select
import socket
import ssl
import threading
from urllib import parse

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography import x509
from cryptography.x509 import oid
import fixtures

# A host that nobody finds but the proxy.
HOST = 'cloud.invalid'


class Proxy(fixtures.Fixture):
    """Sends on whatever it is asked for to one server, and remembers it.

    :ivar url: of the proxy
    :ivar asked: request lines that it got, in order
    """

    def __init__(self, port):
        """Take the port of the server, on the loopback."""
        super().__init__()
        self._port = port

    def _setUp(self):
        self.asked, target = [], self._port
        asked = self.asked

        class Handler(_Handler):
            port, lines = target, asked

        http = server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        http.daemon_threads = True
        self.url = 'http://127.0.0.1:%d' % http.server_address[1]
        thread = threading.Thread(target=http.serve_forever,
                                  kwargs={'poll_interval': 0.02})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(http.server_close)
        self.addCleanup(http.shutdown)


class _Handler(server.BaseHTTPRequestHandler):
    port, lines = None, None
    protocol_version = 'HTTP/1.1'

    def _serve(self):
        self.lines.append('%s %s' % (self.command, self.path))
        url = parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        there = client.HTTPConnection('127.0.0.1', self.port)
        there.request(self.command, parse.urlunsplit(
            ('', '', url.path, url.query, '')), body, dict(self.headers))
        answer = there.getresponse()
        data = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ('content-length', 'connection'):
                self.send_header(name, value)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        there.close()

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def do_CONNECT(self):
        """Pass everything on, both ways."""
        self.lines.append('%s %s' % (self.command, self.path))
        self.send_response_only(200)
        self.end_headers()
        self.close_connection = True
        with socket.create_connection(('127.0.0.1', self.port)) as there:
            ways = {self.connection: there, there: self.connection}
            while True:
                for ready in select.select(list(ways), (), ())[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    ways[ready].sendall(data)

    def log_message(self, *args):
        """Say nothing."""


class Certificate(fixtures.Fixture):
    """A certificate of :data:`HOST` that it has signed itself.

    :ivar path: of the certificate
    """

    def _setUp(self):
        directory = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(directory, 'ca.pem')
        self._key = os.path.join(directory, 'key.pem')
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(oid.NameOID.COMMON_NAME, HOST)])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        certificate = x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(),
            now - day, now + day).add_extension(
                x509.SubjectAlternativeName([x509.DNSName(HOST)]),
                critical=False).add_extension(
                    x509.BasicConstraints(ca=True, path_length=None),
                    critical=True).sign(key, hashes.SHA256())
        with open(self.path, 'wb') as stream:
            stream.write(certificate.public_bytes(
                serialization.Encoding.PEM))
        with open(self._key, 'wb') as stream:
            stream.write(key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))

    def guard(self, http):
        """Let a server speak TLS from now on.

        :param http: a ``socketserver.TCPServer``
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self._key)
        http.socket = context.wrap_socket(http.socket, server_side=True)
