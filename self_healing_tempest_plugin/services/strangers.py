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

"""JSON over HTTP, of a stranger: in time, bounded, and from nobody else.

For services that Keystone knows nothing of, such as a monitor or the message
bus. They are only read. There are no credentials in their URL.
"""

import dataclasses
from email import utils
import json
import typing

import requests

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting

# Bytes of an answer: the metrics and alerts of a large cloud have a few
# millions.
MOST_BYTES = 32 * 1024 * 1024

# Bytes that are taken at once.
_AT_ONCE = 65536


class Api:
    """JSON over HTTP.

    :ivar service: its name, for messages
    """

    service = ''

    def __init__(self, url, timeout, verify=True, auth=None):
        """Take where it is; nothing is asked yet.

        :param url: without a slash at its end
        :param timeout: seconds
        :param verify: see requests
        :param auth: pair of a user and a password, None where it wants none
        """
        self._url, self._timeout, self._verify = url, timeout, verify
        self._auth = auth

    def date(self):
        """Return the time that it bears in its answer.

        :returns: seconds since the epoch, None where it bears none
        """
        answer = self._get('tell its time', '/-/ready')
        try:
            return utils.parsedate_to_datetime(
                answer.headers.get('Date')).timestamp()
        except (TypeError, ValueError):
            return None

    def _get(self, operation, path, **params):
        """Return the answer; the server is a stranger until it makes sense.

        Redirects are not followed, and the whole of the answer has to be
        there in time, and to have an end.

        :returns: :class:`_Answer`
        """
        deadline = waiting.CLOCK.now() + self._timeout
        with errors.calling(self.service, operation):
            with requests.get(
                    self._url + path, params=params, timeout=self._timeout,
                    verify=self._verify, auth=self._auth,
                    allow_redirects=False, stream=True) as answer:
                status = answer.status_code
                whole = status == 200 and _Answer(
                    answer.headers, _read(answer, deadline))
        if whole:
            return whole
        raise errors.from_status(status)(
            self.service, operation, 'HTTP %d' % status, status)

    def _json(self, operation, path, **params):
        answer = self._get(operation, path, **params)
        with errors.calling(self.service, operation):
            return json.loads(answer.text)


@dataclasses.dataclass(frozen=True)
class _Answer:
    """An answer with status 200.

    :ivar headers: a mapping, whatever the case of the names
    :ivar text: the body
    """

    headers: typing.Mapping
    text: str


def _read(answer, deadline):
    """Return the body of an answer as text.

    :param answer: of requests, streamed
    :param deadline: on the clock of the pollers
    """
    parts, size = [], 0
    # What has come, each time: to wait for more could take for ever.
    while part := answer.raw.read1(_AT_ONCE, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError('an answer of more than %d bytes' % MOST_BYTES)
        if waiting.CLOCK.now() > deadline:
            raise requests.Timeout('the answer was not over in time')
    return b''.join(parts).decode('utf-8', 'replace')
