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

"""One request to the application, whoever answers.

A server is a stranger until it has repeated the nonce: it may drip,
redirect, never end, or say what makes no sense. So the whole of a probe has a
deadline, no more than a few kilobytes are read, no other address is asked
than the one of the application, and whatever goes wrong is a bad probe.
"""

import http.client
import re
import socket
from urllib import parse

from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin import waiting

# Seconds to connect: a dead host must not hold up a probe.
CONNECT_TIMEOUT = 1.0

# Seconds from the question to the end of the answer: a guest that is emulated
# needs a moment.
ANSWER_TIMEOUT = 2.0

# Bytes that an answer may have, with its headers: a good one has about two
# hundred.
MOST_BYTES = 4096

# What a boot, and a server, may call itself.
_NAME = re.compile(r'[!-~]{1,128}')

_UNCONNECTED = 'ConnectTimeout'
_BROKEN = 'ConnectionError'


def probe(url, nonce, now):
    """Ask the application at a URL to repeat a nonce.

    :param url: ``http://ADDRESS:PORT/``
    :param nonce: what the answer has to repeat, made for this request
    :param now: returns seconds on the runner's monotonic clock
    :returns: :class:`.model.timelines.Probe`
    """
    begin = now()
    fields, answered = {}, False
    try:
        status, body = _ask(url, nonce)
        answered, fields = True, _fields(body)
        error = _complaint(status, body, fields, nonce)
    except _Unanswered as failure:
        error = str(failure)
    except _TooLong as failure:
        error, answered = str(failure), True
    except Exception as failure:
        # A server did answer, but not in HTTP.
        error, answered = type(failure).__name__, True
    return timelines.Probe(
        begin, now(), not error, nonce, _id(fields, 'boot'),
        _id(fields, 'server'), error, answered)


class _Unanswered(Exception):
    """Nobody answered, or not all of it in time."""


class _TooLong(Exception):
    """The answer has more bytes than it may have."""

    def __init__(self):
        super().__init__('more than %d bytes' % MOST_BYTES)


class _Connection(http.client.HTTPConnection):
    """A connection of its own for each request.

    A connection that is kept may be closed by the other side just then, which
    is no silence of anybody. A proxy of the runner's environment is not asked:
    it would be another witness.
    """

    def connect(self):
        """Connect, and read under one deadline from then on."""
        with socket.create_connection(
                (self.host, self.port), CONNECT_TIMEOUT) as plain:
            self.sock = _Socket(plain.family, plain.type, plain.proto,
                                plain.detach())
        self.sock.limit(ANSWER_TIMEOUT)


class _Socket(socket.socket):
    """A socket that gives up at a moment, not after a silence."""

    def limit(self, seconds):
        """Set the deadline.

        :param seconds: from now
        """
        self.settimeout(seconds)
        self._deadline = waiting.CLOCK.now() + seconds
        self._taken = 0

    def recv_into(self, *arguments, **options):
        """Read what is there, as the file of ``makefile`` asks for it."""
        left = self._deadline - waiting.CLOCK.now()
        if left <= 0:
            raise TimeoutError('the answer was not over in time')
        if self._taken > MOST_BYTES:
            raise _TooLong
        self.settimeout(left)
        size = super().recv_into(*arguments, **options)
        self._taken += size
        return size


def _ask(url, nonce):
    """Return status and body of the answer.

    :raises _Unanswered: when there is none
    :raises Exception: when it makes no sense
    """
    where = parse.urlsplit(url)
    connection = _Connection(where.hostname, where.port or 80)
    try:
        _named(connection.connect, _UNCONNECTED)
        return _named(lambda: _talk(connection, where.path or '/', nonce),
                      timelines.TAKEN)
    finally:
        connection.close()


def _named(step, when_late):
    """Take a step, and give its failure the name of what it means."""
    try:
        return step()
    except TimeoutError:
        raise _Unanswered(when_late) from None
    except OSError:
        raise _Unanswered(_BROKEN) from None


def _talk(connection, path, nonce):
    connection.request('GET', '%s?nonce=%s' % (path, nonce),
                       headers={'Connection': 'close'})
    answer = connection.getresponse()
    body = answer.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise _TooLong
    if answer.length:
        # The answer was cut off.
        raise http.client.IncompleteRead(body, answer.length)
    return answer.status, body.decode('utf-8', 'replace')


def _complaint(status, body, fields, nonce):
    if status != 200:
        return 'HTTP %d' % status
    if fields.get('nonce') != nonce:
        return 'nonce %s instead of %s' % (fields.get('nonce'), nonce)
    if not fields.get('boot'):
        return 'no boot id'
    strange = [name for name in ('boot', 'server')
               if name in fields and not _NAME.fullmatch(fields[name])]
    return 'a %s that is no id' % strange[0] if strange else ''


def _fields(text):
    return dict(line.strip().split('=', 1) for line in text.splitlines()
                if '=' in line)


def _id(fields, name):
    value = fields.get(name, '')
    return value if _NAME.fullmatch(value) else ''
