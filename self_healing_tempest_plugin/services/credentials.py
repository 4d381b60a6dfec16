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

"""What a request to a stranger bears, so that it is let in.

Options say it, and nothing else does: what stands in ``~/.netrc`` is for
whoever has that home, is sent to whom nobody has chosen to send it, and is
not known to the redaction.
"""

import dataclasses

from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin import secret_files


class UnfitCredentials(secret_files.UnfitFile):
    """A file holds something else than what it should."""


@dataclasses.dataclass(frozen=True)
class Sent:
    """What goes with a request, as ``requests`` takes it.

    :ivar auth: a user and a password, as bytes, or what does nothing
    :ivar headers: dict of bytes
    :ivar cert: path of a certificate, a pair of it and its key, or None
    :ivar verify: see requests
    """

    auth: object
    headers: dict
    cert: object
    verify: object


def of(access, verify):
    """Return what goes with a request now.

    :param access: :class:`..config.Access`, None where nothing is wanted
    :param verify: see requests, where the access has no authorities itself
    :returns: :class:`Sent`
    :raises .secret_files.UnfitFile: when a file is not as it should be
    """
    if access is None:
        return Sent(_nothing, {}, None, verify)
    return Sent(_auth(access), _headers(access), _certificate(access),
                _readable(access, 'ca_file') or verify)


def _nothing(request):
    # Without any, requests would look for one in ~/.netrc.
    return request


def _secret(access, name):
    """Return a secret of an option, or of a file that one names, or None."""
    path = getattr(access, '%s_file' % name)
    if path:
        return secret_files.line(access.option('%s_file' % name), path)
    return getattr(access, name)


def _auth(access):
    if access.username is None:
        return _nothing
    # As bytes: of a text, requests takes nothing but Latin-1.
    return (access.username.encode(),
            (_secret(access, 'password') or '').encode())


def _headers(access):
    headers = dict(access.headers)
    if access.headers_file:
        option = access.option('headers_file')
        for line in secret_files.lines(option, access.headers_file):
            name, colon, value = line.partition(':')
            if not colon or not name.strip():
                raise UnfitCredentials(
                    option, access.headers_file,
                    'each of its lines must be "Name: value"')
            headers[name.strip()] = value.strip()
        runtime.learn(headers.values())
    token = _secret(access, 'token')
    if token:
        headers['Authorization'] = 'Bearer %s' % token
    return {name: value.encode() for name, value in headers.items()}


def _certificate(access):
    certificate = _readable(access, 'cert_file')
    key = _readable(access, 'key_file')
    for name, path in (('key_file', key), ('cert_file', certificate)):
        if path and 'ENCRYPTED' in _text(path):
            # The library would ask at the terminal for the passphrase.
            raise UnfitCredentials(
                access.option(name), path,
                'its key has a passphrase; write it without one')
    return (certificate, key) if key else certificate


def _readable(access, name):
    path = getattr(access, name)
    if path is None:
        return None
    try:
        _text(path)
    except OSError as error:
        raise UnfitCredentials(access.option(name), path,
                               error.strerror) from None
    return path


def _text(path):
    with open(path, encoding='utf-8', errors='replace') as stream:
        return stream.read()
