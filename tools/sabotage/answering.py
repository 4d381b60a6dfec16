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

"""Answers as the application would, though it is none."""

import contextlib
from http import server
import secrets
import threading
from urllib import parse


class _Answer(server.BaseHTTPRequestHandler):
    """One request that is answered rightly."""

    def do_GET(self):
        query = parse.parse_qs(parse.urlsplit(self.path).query)
        text = 'nonce=%s\nserver=%s\nboot=%s\n' % (
            query.get('nonce', [''])[0], self.server.server_id(),
            self.server.boot)
        self.send_response(200)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        """Say nothing: the standard error is the scenario's."""


@contextlib.contextmanager
def answers(server_id):
    """Answer on this machine until the end of the ``with``.

    :param server_id: returns the id of the server that it says to be
    :returns: a context manager of the port that it listens on
    """
    listening = server.ThreadingHTTPServer(('127.0.0.1', 0), _Answer)
    listening.daemon_threads = True
    listening.server_id, listening.boot = server_id, secrets.token_hex(8)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    try:
        yield listening.server_port
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
