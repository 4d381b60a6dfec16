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

"""RabbitMQ, asked by the HTTP API of its management plugin.

What services that have no API do with notifications shows there: who reads a
queue, how many messages have come into it, and how many wait.
"""

import dataclasses
from urllib import parse

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import strangers

#: Seconds that an answer may take.
TIMEOUT = 5

_NOT_FOUND = 404


@dataclasses.dataclass(frozen=True)
class Queue:
    """A queue, as RabbitMQ sees it.

    RabbitMQ counts every few seconds. What it has not counted, or is told not
    to, is None.

    :ivar name: of the queue
    :ivar readers: how many consumers it has
    :ivar waiting: how many messages are in it that nobody is done with
    :ivar arrived: how many have come into it since it is there
    """

    name: str
    readers: int | None
    waiting: int | None
    arrived: int | None


def of(settings):
    """Return the :class:`RabbitMQ` of the options, None where it is not asked.

    :param settings: :class:`..config.Settings`
    """
    return settings.bus and RabbitMQ(settings.bus, TIMEOUT,
                                     settings.cloud.verify)


class RabbitMQ(strangers.Api):
    """The queues of one virtual host."""

    service = 'RabbitMQ'

    def __init__(self, bus, timeout, verify=True):
        """Take where it is; nothing is asked yet.

        :param bus: :class:`..config.MessageBus`
        :param timeout: seconds
        :param verify: see requests
        """
        super().__init__(bus.url, timeout, verify, bus.access)
        self._vhost = bus.vhost

    def queue(self, name):
        """Return a :class:`Queue`, None when there is none of that name.

        :param name: e.g. ``notifications.info``
        :raises .errors.ServiceError: when there is no answer that makes sense
        """
        operation = 'show queue %s' % name
        try:
            answer = self._json(operation, '/api/queues/%s/%s' % (
                parse.quote(self._vhost, safe=''),
                parse.quote(name, safe='')))
        except errors.ServiceError as error:
            if error.code == _NOT_FOUND:
                return None
            raise
        with errors.calling(self.service, operation):
            return _queue(name, answer)


def _queue(name, answer):
    if answer['name'] != name:
        raise ValueError('it is about another queue')
    # Of a queue that no message has come into there are no statistics, but
    # the rate at which it fills is told wherever they are kept.
    return Queue(
        name, _count(answer, 'consumers'), _count(answer, 'messages'),
        _count(answer.get('message_stats', {}), 'publish', 0)
        if 'messages_details' in answer else None)


def _count(counts, name, without=None):
    count = counts.get(name, without)
    if type(count) not in (int, type(without)) or count and count < 0:
        raise ValueError('%s is no count' % name)
    return count
