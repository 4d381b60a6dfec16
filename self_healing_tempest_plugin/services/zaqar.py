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

"""Zaqar: the message queues of one project.

A queue that is not there looks like an empty one, and comes into being with
the first message or subscription. A message is handed to the subscriptions
first, and is stored then; it stays until its time to live is over, whoever has
got it.
"""

import contextlib
import functools
from urllib import parse

from keystoneauth1 import exceptions as ksa_exc
from oslo_utils import uuidutils

from self_healing_tempest_plugin.services import apis
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import trusts


def _own(error):
    # zaqar.transport.wsgi.errors, as falcon writes them.
    return {'title', 'description'} <= errors.body(error).keys()


_calling = functools.partial(errors.calling, 'Zaqar', dialect=errors.Dialect(
    own=_own))

# Pages of messages, of ten each unless Zaqar is told otherwise, after which
# nobody asks for more.
MOST_PAGES = 100


class Zaqar:
    """Queues, messages and subscriptions of one project."""

    # With what the first page is asked for, until Zaqar refuses it.
    _first = {}

    def __init__(self, keystone, cloud):
        # Whoever asks says who it is, so that it is spared its own messages.
        self._api = apis.Api(keystone, cloud, cloud.zaqar_catalog_type, 'v2',
                             {'Client-ID': uuidutils.generate_uuid()})

    def version(self):
        """Return the newest version of its API as text."""
        with _calling('show its version'):
            return self._api.newest(self.queues)

    def queues(self):
        """Return the names of some queues of the project, as a list."""
        with _calling('list queues'):
            return [queue['name'] for queue
                    in self._api.get('queues')['queues']]

    def queue(self, queue):
        """Return the metadata of a queue as a dict, None when there is none.

        :param queue: its name
        """
        with contextlib.suppress(errors.NotThere), _calling(
                'show queue %s' % queue):
            return self._api.get(_path(queue))
        return None

    def stats(self, queue):
        """Return how many messages a queue has, as a dict.

        :param queue: its name
        :returns: ``total``, ``free`` and ``claimed``, and where there are
            any, ``oldest`` and ``newest``
        """
        with _calling('count the messages of queue %s' % queue):
            return self._api.get('%s/stats' % _path(queue))['messages']

    def messages(self, queue):
        """Return the messages of a queue, oldest first.

        :param queue: its name
        :returns: list of dicts: ``id``, ``body``, and ``age`` in seconds
        """
        messages, marker = {}, {}
        with _calling('list messages of queue %s' % queue):
            for _ in range(MOST_PAGES):
                page = self._page(queue, marker)
                # Behind the first message of all, Redis begins with it again.
                new = {message['id']: {name: message[name] for name
                                       in ('id', 'body', 'age')}
                       for message in page['messages']
                       if message['id'] not in messages}
                if not new:
                    break
                messages.update(new)
                marker = _marker(page)
        return list(messages.values())

    def _page(self, queue, marker):
        try:
            return self._listed(queue, marker or self._first)
        except ksa_exc.ServiceUnavailable:
            if marker or self._first:
                raise
            # With claimed messages, the driver for Redis breaks where there
            # is no marker, and begins at the first for one that it knows not.
            first = {'marker': '0'}
            page = self._listed(queue, first)
            self._first = first
            return page

    def _listed(self, queue, marker):
        return self._api.get('%s/messages' % _path(queue), echo='true',
                             include_claimed='true', **marker)

    def subscriptions(self, queue):
        """Return who gets the messages of a queue, as a list of dicts.

        :param queue: its name
        """
        with _calling('list subscriptions of queue %s' % queue):
            listed = self._api.get(
                '%s/subscriptions' % _path(queue))['subscriptions']
            trusts.keep_secret(filter(None, map(trust_of, listed)))
            return listed

    def post(self, queue, body):
        """Put a message into a queue.

        :param queue: its name
        :param body: of the message, fit for JSON
        :returns: id of the message
        """
        with _calling('post a message to queue %s' % queue):
            answer = self._api.post('%s/messages' % _path(queue),
                                    {'messages': [{'body': body}]})
            return answer['resources'][0].rsplit('/', 1)[-1]


def trust_of(subscription):
    """Return the id of the trust that a subscription works by, or None.

    :param subscription: as Zaqar lists it
    """
    options = subscription.get('options')
    return options.get('trust_id') if isinstance(options, dict) else None


def _path(queue):
    return 'queues/%s' % parse.quote(queue, safe='')


def _marker(page):
    """Return the arguments that the next page is asked for with."""
    query = parse.parse_qs(parse.urlsplit(page['links'][0]['href']).query)
    return {'marker': query['marker'][0]}
