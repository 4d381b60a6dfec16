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
bus. They are only read. There are no credentials in their URL, and none are
taken from ``~/.netrc``; proxies are those of the environment.
"""

import dataclasses
from email import utils
import json
import typing
from urllib import parse

import requests

from self_healing_tempest_plugin import secret_files
from self_healing_tempest_plugin.services import credentials
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting

# Bytes of an answer: the metrics and alerts of a large cloud have a few
# millions.
MOST_BYTES = 32 * 1024 * 1024

# Bytes that are taken at once.
_AT_ONCE = 65536

# Its own faults; what answers so may be somebody who stands before it.
_FAULTS = 500


class Api:
    """JSON over HTTP.

    :ivar service: its name, for messages
    :ivar place: host and port, for messages where there are several of a name
    """

    service = ''

    def __init__(self, url, timeout, verify=True, access=None):
        """Take where it is; nothing is asked yet.

        :param url: without a slash at its end; what is in its query goes with
            each request
        :param timeout: seconds
        :param verify: see requests
        :param access: :class:`..config.Access`, None where it wants none
        """
        parts = parse.urlsplit(url)
        self._query = parse.parse_qsl(parts.query, keep_blank_values=True)
        self._url = parse.urlunsplit(
            parts._replace(query='', fragment='')).rstrip('/')
        self._root = parse.urlunsplit((parts.scheme, parts.netloc, '', '', ''))
        self._timeout, self._verify = timeout, verify
        self._access = access
        self.place = parts.netloc

    def date(self):
        """Return the time that it bears in its answer.

        :returns: seconds since the epoch, None where it bears none
        """
        operation = 'tell its time'
        with errors.calling(self.service, operation), self._asked(
                operation, self._url + '/-/ready', {}) as answer:
            # It may not know that path: it has a clock all the same.
            if answer.status_code >= _FAULTS:
                raise self._refusal(operation, answer)
            try:
                return utils.parsedate_to_datetime(
                    answer.headers.get('Date')).timestamp()
            except (TypeError, ValueError):
                return None

    def get_json(self, operation, path):
        """Return what it answers, whatever that is, as JSON has it.

        :param operation: what it is asked for, for messages
        :param path: with a slash at its beginning
        :raises .errors.ServiceError: when there is no answer that makes sense
        """
        return self._json(operation, path)

    def _get(self, operation, path, **params):
        """Return the answer; the server is a stranger until it makes sense.

        Redirects are not followed, and the whole of the answer has to be
        there in time, and to have an end.

        :returns: :class:`_Answer`
        """
        return self._read(operation, self._url + path, params)

    def _read(self, operation, url, params):
        deadline = waiting.CLOCK.now() + self._timeout
        with errors.calling(self.service, operation), self._asked(
                operation, url, params) as answer:
            if answer.status_code != 200:
                raise self._refusal(operation, answer)
            return _Answer(answer.headers, _read(answer, deadline))

    def _asked(self, operation, url, params):
        try:
            sent = credentials.of(self._access, self._verify)
        except secret_files.UnfitFile as error:
            raise errors.ServiceRefused(self.service, operation,
                                        error) from None
        try:
            # A new connection each time: whoever shares the work out among
            # several behind one URL may choose another.
            return requests.get(
                url, params=[*self._query, *params.items()],
                timeout=self._timeout, verify=sent.verify, auth=sent.auth,
                headers=sent.headers, cert=sent.cert, allow_redirects=False,
                stream=True)
        except requests.exceptions.SSLError as error:
            raise errors.ServiceRefused(
                self.service, operation, 'TLS%s: %s' % (
                    ', look at %s and %s' % tuple(map(
                        self._access.option, ('ca_file', 'cert_file')))
                    if self._access else '', error)) from None

    def _refusal(self, operation, answer):
        """Return the error that a status is."""
        status = answer.status_code
        problem = 'HTTP %d' % status
        if status in (401, 403):
            problem += ': it lets nobody in with what %s' % (
                'the options %s say' % self._access.option('*')
                if self._access else 'it was asked with')
        elif 300 <= status < 400 and answer.headers.get('Location'):
            problem += ' to %s, which is not followed' % (
                answer.headers['Location'].partition('?')[0])
        return errors.from_status(status)(self.service, operation, problem,
                                          status)

    def _json(self, operation, path, **params):
        answer = self._get(operation, path, **params)
        if answer.text.lstrip().startswith('<'):
            raise errors.ClientDefect(
                self.service, operation, 'a page of HTML, such as one to log '
                'in by, in place of JSON: look at its URL and its '
                'credentials%s' % (self._access and ', %s'
                                   % self._access.option('*') or ''))
        with errors.calling(self.service, operation):
            try:
                return json.loads(answer.text)
            except ValueError:
                raise errors.ClientDefect(
                    self.service, operation, 'no JSON, but: %r'
                    % answer.text[:60]) from None


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
    # Some begin with a mark of the order of bytes.
    return b''.join(parts).decode('utf-8-sig', 'replace')
