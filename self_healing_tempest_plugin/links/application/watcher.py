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

"""Asks the application at its address, and which server it is on."""

import contextlib
import threading

from self_healing_tempest_plugin.links.application import link
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.watching import looks

# Seconds between two requests: the outage is known as well, and an old guest
# that answers among new guests is seen.
PROBE_INTERVAL = 0.1

# The same at most, where several applications are asked: as often together as
# one, or their guests would be busy with nothing else.
LONGEST_INTERVAL = 1.0

# Requests that may be under way at the same time: the application answers ten
# a second, one at a time, unless its guest has too little of a processor.
AT_ONCE = 4

# Seconds between two questions to Nova for the host of the old server.
HOST_INTERVAL = 5.0


class ApplicationWatcher:
    """The application at its address, answered by another boot."""

    link = link.LINK

    def __init__(self, application, boot, nova=None, company=1):
        """Remember which guest answered before.

        :param application: probes the application and knows its server,
            see :class:`..application.Application`
        :param boot: boot id of the guest that answered before the fault
        :param nova: :class:`..services.nova.Nova`, asked where the old server
            is when that answers again; None: nobody is
        :param company: how many applications are asked, this one included
        """
        self.pace = looks.Pace(
            min(PROBE_INTERVAL * company, LONGEST_INTERVAL), AT_ONCE,
            rest=0.0)
        self._application, self._boot = application, boot
        self._nova, self._lock = nova, threading.Lock()
        self._away, self._asked, self._where = False, -float('inf'), {}

    def look(self, recorder):
        """Ask once; see :class:`..looks.Look`."""
        probe = self._application.probe(recorder.now)
        recorder.probe(probe)
        if not probe.ok:
            self._away = True
            return looks.Look('no good answer: %s' % probe.error,
                              unreached=not probe.taken)
        if self._is_old(probe):
            return self._old(probe, recorder)
        return looks.Look('another server answers', (self._answer(probe),))

    def _is_old(self, probe):
        return (probe.boot == self._boot
                or probe.server == self._application.server_id)

    def _old(self, probe, recorder):
        """Return that the old server answers, and whether it was moved.

        Nova is asked when the server was away, or has booted again: somebody
        may have evacuated or migrated it, which is no work of this chain.
        """
        again = probe.boot != self._boot
        if not again and not self._away:
            return looks.Look('the old server answers')
        seen_at, where = recorder.now(), self._whereabouts(recorder.now)
        moved = where.get('host') not in (None, self._application.host)
        if not again and not moved:
            return looks.Look('the old server answers again')
        return looks.Look(
            'the old server answers from %s on host %s' % (
                'another boot' if again else 'the same boot',
                where.get('host') or 'unknown'),
            (self._answer(probe, **where),), seen_at=seen_at)

    def _answer(self, probe, **where):
        return looks.Sighting(links.Mark.FINISHED, probe.boot, {
            'url': self._application.url, 'boot': probe.boot,
            'nonce': probe.nonce, 'server': probe.server, **where})

    def _whereabouts(self, now):
        """Return host of the old server, and what was done to it last.

        :returns: dict, empty where Nova does not say
        """
        with self._lock:
            if now() < self._asked + HOST_INTERVAL:
                return self._where
            self._asked = now()
            try:
                self._where = self._ask_nova()
            except errors.ServiceError:
                # It is unknown then; that it answers is seen all the same.
                self._where = {}
            return self._where

    def _ask_nova(self):
        server_id = self._application.server_id
        server = self._nova and self._nova.server(server_id)
        if server is None:
            return {}
        where = {'host': server['OS-EXT-SRV-ATTR:host']}
        with contextlib.suppress(errors.ServiceError):
            for action in self._nova.actions(server_id)[-1:]:
                where['moved_by'] = '%s by user %s at %s' % tuple(
                    action.get(key) for key in ('action', 'user_id',
                                                'start_time'))
        return where
