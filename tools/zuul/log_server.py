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

"""Serves the logs of builds to the pages of Zuul, on the loopback device.

usage: log_server.py DIRECTORY PORT
"""

import functools
from http import server
import sys


class Handler(server.SimpleHTTPRequestHandler):
    """Files, which a page from another port may read."""

    def end_headers(self):
        """Add what lets a browser hand them to Zuul's page."""
        self.send_header('Access-Control-Allow-Origin', '*')
        super().end_headers()


if __name__ == '__main__':
    server.ThreadingHTTPServer(
        ('127.0.0.1', int(sys.argv[2])),
        functools.partial(Handler, directory=sys.argv[1])).serve_forever()
