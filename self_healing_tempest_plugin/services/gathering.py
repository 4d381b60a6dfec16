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

"""Questions of several at the same time, put to a service as one.

Whoever asks waits for a moment, in which others may ask the same, or the same
of something else; then the service is asked for all of them. So no answer is
of before its question, as when each had asked by itself.
"""

import threading

from self_healing_tempest_plugin import waiting

# Seconds that the first of several waits for the others.
WINDOW = 0.05

# Of how many objects a service is asked at once: an address may be so long.
MOST = 40


class Gathered:
    """A question that several threads ask, put as one."""

    def __init__(self, ask, window=None):
        """Keep the question; nothing is asked yet.

        :param ask: of a tuple of keys, at most :data:`MOST`; returns a dict
            of each to its answer
        :param window: seconds to wait for others, None: :data:`WINDOW`
        """
        self._ask = ask
        self._window = WINDOW if window is None else window
        self._lock, self._batch = threading.Lock(), None

    def __call__(self, key):
        """Return the answer for a key.

        :raises Exception: what the question broke over, to all who asked
        """
        with self._lock:
            first = self._batch is None
            batch = self._batch = self._batch or _Batch()
            batch.keys[key] = None
            if len(batch.keys) == MOST:
                self._batch = None
        if first:
            waiting.pause(self._window)
            with self._lock:
                if self._batch is batch:
                    self._batch = None
            batch.put(self._ask)
        batch.over.wait()
        if batch.error is not None:
            raise batch.error
        return batch.answers[key]


class _Batch:
    """The questions that are put as one."""

    def __init__(self):
        self.keys, self.answers, self.error = {}, {}, None
        self.over = threading.Event()

    def put(self, ask):
        try:
            self.answers = ask(tuple(self.keys))
        except BaseException as error:
            self.error = error
        finally:
            self.over.set()


class _Service:
    """A client of a service, some of whose questions are gathered."""

    def __init__(self, client, **gathered):
        self._client = client
        for name, ask in gathered.items():
            setattr(self, name, Gathered(ask))

    def __getattr__(self, name):
        return getattr(self._client, name)


class Clients:
    """The services of one project, for several who ask at the same time.

    What the watchers ask again and again is gathered: Nova, Heat, Mistral and
    Vitrage can be asked for many of their objects at once.
    """

    def __init__(self, clients, host_vertex):
        """Keep the clients.

        :param clients: :class:`.clients.Clients`
        :param host_vertex: ``vitrage_id`` of the host whose servers are asked
            about
        """
        self._clients = clients
        self.vitrage = _Service(
            clients.vitrage,
            around=lambda keys: clients.vitrage.around_all(host_vertex, keys))
        self.mistral = _Service(clients.mistral,
                                executions=clients.mistral.executions_of_all)
        self.heat = _Heat(clients.heat)

    def __getattr__(self, name):
        return getattr(self._clients, name)


class _Heat(_Service):
    """Heat, whose stacks are asked for together, but for their outputs."""

    def __init__(self, heat):
        super().__init__(heat, _stack=heat.stacks_by_identifier)

    def stack(self, stack_id, outputs=False):
        """See :meth:`.heat.Heat.stack`."""
        return self._client.stack(stack_id, outputs) if outputs else (
            self._stack(stack_id))
