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

"""A host as its peers see it: a TCP port."""

import socket


class FakeHost:
    """A TCP port that is there while the host has power.

    A closed port refuses, which is the answer of a living kernel; so a dead
    host is one whose backlog is full: connections get no answer at all.
    """

    def __init__(self, address='127.0.0.1', port=0):
        self.address, self.port = address, port
        self.listener, self._sockets = None, []
        self.power(True)

    def power(self, on):
        """Answer connections, or be silent."""
        self.close()
        listener = self.listener = socket.socket()
        self._sockets = [listener]
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, self.port))
        self.port = listener.getsockname()[1]
        listener.listen(128 if on else 0)
        if not on:
            for _ in range(3):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex((self.address, self.port))
                self._sockets.append(filler)

    def close(self):
        """Give the port back."""
        for sock in self._sockets:
            sock.close()
