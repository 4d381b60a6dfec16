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

"""Looks for messages about the server in the queue of the stack."""

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links.message import link
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.watching import looks

# Zaqar hands a message to the subscriptions before it stores it: seconds that
# it may be older than its first showing.
STORING_LAG = 0.5


class MessageWatcher:
    """The messages in the queue that have an event about the server."""

    link, pace = link.LINK, looks.USUAL

    def __init__(self, zaqar, queue, server_id):
        """Take the messages of before.

        :param zaqar: :class:`...services.zaqar.Zaqar` of the owner
        :param queue: name of the queue
        :param server_id: the server that a message has to be about
        """
        self._zaqar, self._queue, self._server_id = zaqar, queue, server_id
        self._before = frozenset(
            message['id'] for message in zaqar.messages(queue))

    def look(self, recorder):
        """Ask once; see :class:`..looks.Look`."""
        new = [message for message in self._zaqar.messages(self._queue)
               if message['id'] not in self._before]
        seen_at = recorder.now()
        about = [(message, event) for message, event in (
            (message, aodh_events.of_body(message['body']))
            for message in new) if event is not None]
        ours = [pair for pair in about if pair[1].server_id == self._server_id]
        return looks.Look(
            '%d messages, %d of them about server %s' % (
                len(new), len(ours), self._server_id),
            tuple(self._sighting(*pair) for pair in about),
            objects=tuple(message['id'] for message, _ in ours),
            seen_at=seen_at)

    def _sighting(self, message, event):
        # It came after what it tells of, which Nova says to the microsecond.
        return looks.Sighting(links.Mark.FINISHED, message['id'], {
            'server_id': event.server_id, 'queue': self._queue,
            'alarm_id': message['body'].get('alarm_id'),
            'event_id': event.id, 'event_type': event.type,
            'generated': event.generated}, STORING_LAG,
            stamps.not_before('Nova', event.generated))
