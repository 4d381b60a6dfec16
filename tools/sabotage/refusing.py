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

"""Answers every HTTP request with 503, as a service that is overloaded.

Says when it listens; ends with its standard input, and prints then how many
requests it has refused.
"""

from http import server
import sys
import threading

refused = []


class Refusal(server.BaseHTTPRequestHandler):
    """One request that is refused."""

    def do_GET(self):
        refused.append(self.path)
        self.send_error(503)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

    def log_message(self, *_):
        """Say nothing: the standard error is the caller's."""


def main():
    """Refuse until the standard input ends."""
    listening = server.ThreadingHTTPServer(('', int(sys.argv[1])), Refusal)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    print('listening', flush=True)
    sys.stdin.read()
    listening.shutdown()
    print(len(refused))


if __name__ == '__main__':
    main()
