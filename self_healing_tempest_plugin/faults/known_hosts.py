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

"""A file of known hosts, read as OpenSSH reads it.

The rules are those of "SSH_KNOWN_HOSTS FILE FORMAT" in sshd(8): patterns and
their negation, hashed names, ports in brackets, several keys of one host,
revoked keys, and authorities that sign the keys of hosts. paramiko's own
reader knows neither patterns nor markers.
"""

import base64
import binascii
import dataclasses
import hashlib
import hmac
import ipaddress
import re
import time

from cryptography import exceptions
from cryptography.hazmat.primitives import serialization

_AUTHORITY, _REVOKED = '@cert-authority', '@revoked'
_MARKERS = frozenset([_AUTHORITY, _REVOKED])

# How each key signs; all but RSA in the way that is called like the key.
_SIGNED_BY = {'ssh-rsa': ('rsa-sha2-512', 'rsa-sha2-256')}

_CERTIFIED = '-cert-v01@openssh.com'

_SSH_PORT = 22

# Only these are between words, and before the end of a line.
_WORD = re.compile(r'[^ \t\r]+')

# How many lines that are passed over are named.
_TOLD = 5


class Unusable(ValueError):
    """A file that cannot be read."""


class Refused(Exception):
    """A host whose key is not known, or must not be trusted; says why."""


@dataclasses.dataclass(frozen=True)
class Line:
    """One line with a key.

    :ivar number: of the line, from 1
    :ivar marker: what it is of the hosts: ``@cert-authority``, ``@revoked``,
        or '' for their own key
    :ivar names: patterns of the hosts, comma-separated
    :ivar kind: type of the key
    :ivar key: the public key, as bytes
    """

    number: int
    marker: str
    names: str
    kind: str
    key: bytes


@dataclasses.dataclass(frozen=True)
class KnownHosts:
    """What a file says.

    :ivar path: of the file
    :ivar lines: the lines with keys
    :ivar passed_over: for each line that cannot be used, its number and why
    """

    path: str
    lines: tuple[Line, ...]
    passed_over: tuple[str, ...]

    def algorithms(self, host, port, known):
        """Return how a host may prove who it is, the best way first.

        A host has several keys, and shows the one it is asked for.

        :param known: the names of the algorithms that SSH has here
        :returns: tuple: certificates where an authority answers for the host,
            then keys that are known of it, and the others
        """
        lines = self._of(host, port)
        signed = [algorithm for line in lines if not line.marker
                  for algorithm in _SIGNED_BY.get(line.kind, (line.kind,))]
        certified = [name + _CERTIFIED for name in known] if any(
            line.marker == _AUTHORITY for line in lines) else []
        return (*certified,
                *(name for name in dict.fromkeys(signed) if name in known),
                *(name for name in known if name not in signed))

    def check(self, host, port, key):
        """Refuse a host that is not known by its key.

        :param host: name or address that it is reached at
        :param port: of its SSH server
        :param key: :class:`paramiko.PKey` that it has proven to have; with a
            certificate, where it has shown one
        :raises Refused: unless the key, or who has signed it, is known
        """
        lines, blob = self._of(host, port), key.asbytes()
        revoked = {line.key: line.number for line in lines
                   if line.marker == _REVOKED}
        if blob in revoked:
            raise Refused('its host key is revoked in line %d of [self_'
                          'healing] host_ssh_known_hosts_file %s' % (
                              revoked[blob], self.path))
        authorities = {line.key for line in lines
                       if line.marker == _AUTHORITY} - set(revoked)
        problem = ''
        if authorities and key.public_blob is not None:
            problem = _complaint(key.public_blob.key_blob, host, authorities)
            if not problem:
                return
        known = [line for line in lines if not line.marker]
        if blob not in {line.key for line in known}:
            raise Refused(self._unknown(key, known, problem, authorities))

    def _of(self, host, port):
        """Return the lines that are about a host.

        OpenSSH asks again without the port for an authority or a key that it
        does not find with it; a key of the host that is another one is found.
        """
        bare = {host.lower(), _canonical(host)}
        full = {'[%s]:%d' % (name, port) for name in bare}
        exact = [line for line in self.lines if _matches(line.names, full)]
        rest = [line for line in self.lines
                if line not in exact and _matches(line.names, bare)]
        if port == _SSH_PORT or all(line.marker for line in exact):
            return (*exact, *rest)
        return (*exact, *(line for line in rest if line.marker))

    def _unknown(self, key, known, problem, authorities):
        parts = []
        if problem:
            parts.append('its certificate: %s' % problem)
        elif authorities:
            parts.append('it shows no certificate')
        if self.passed_over:
            parts.append('passed over there: %s' % '; '.join((
                *self.passed_over[:_TOLD],
                *(['and %d more lines' % (len(self.passed_over) - _TOLD)]
                  if len(self.passed_over) > _TOLD else ()))))
        return (
            'its host key is not %s [self_healing] host_ssh_known_hosts_file '
            '%s%s: it has %s %s%s' % (
                'the one in' if known else 'in', self.path,
                ', line %s' % ', '.join(str(line.number) for line in known)
                if known else '', key.get_name(), _fingerprint(key),
                ' (%s)' % '; '.join(parts) if parts else ''))


def read(path):
    """Return what a file says, as :class:`KnownHosts`.

    :raises Unusable: when it cannot be read
    """
    try:
        with open(path, encoding='utf-8', errors='surrogateescape',
                  newline='\n') as stream:
            texts = stream.read().split('\n')
    except OSError as error:
        raise Unusable('%s, see [self_healing] host_ssh_known_hosts_file'
                       % error) from None
    lines, passed_over = [], []
    for number, text in enumerate(texts, 1):
        fields = _WORD.findall(text)
        if not fields or fields[0].startswith('#'):
            continue
        try:
            lines.append(_line(number, fields))
        except ValueError as error:
            passed_over.append('line %d, %s' % (number, error))
    return KnownHosts(path, tuple(lines), tuple(passed_over))


def _line(number, fields):
    marker = fields.pop(0) if fields[0].startswith('@') else ''
    if marker and marker not in _MARKERS:
        raise ValueError('an unknown marker')
    if len(fields) < 3:
        raise ValueError('too few words')
    names, kind, text = fields[:3]
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError('no key of SSH 2') from None
    size = int.from_bytes(key[:4], 'big')
    if key[4:4 + size] != kind.encode(errors='surrogateescape'):
        raise ValueError('a key that is not what it is called')
    return Line(number, marker, names, kind, key)


def _matches(patterns, names):
    """Return whether patterns are about a host of some names."""
    if patterns.startswith('|'):
        return any(_is_hash_of(patterns, name) for name in names)
    matched = False
    for pattern in patterns.split(','):
        one = _regex(_canonical(pattern.removeprefix('!')))
        if any(one.fullmatch(name) for name in names):
            if pattern.startswith('!'):
                return False
            matched = True
    return matched


def _is_hash_of(text, name):
    try:
        _, version, salt, digest = text.split('|')
        wanted = base64.b64decode(digest, validate=True)
        made = hmac.digest(base64.b64decode(salt, validate=True),
                           name.encode(), hashlib.sha1)
    except ValueError:
        return False
    return version == '1' and hmac.compare_digest(made, wanted)


def _regex(pattern):
    """Return a pattern of OpenSSH, which has ``*`` and ``?`` only."""
    return re.compile(''.join(
        {'*': '.*', '?': '.'}.get(one, re.escape(one)) for one in pattern),
        re.DOTALL)


def _canonical(name):
    """Return a name in lower case, an address as it is written shortest."""
    inner, bracket, port = name.lower().removeprefix('[').partition(']')
    try:
        inner = str(ipaddress.ip_address(inner))
    except ValueError:
        return name.lower()
    return '[%s]%s' % (inner, port) if bracket else inner


def _complaint(blob, host, authorities):
    """Return what is wrong with the certificate of a host, or ''.

    :param blob: the certificate, as bytes
    :param authorities: public keys of those who may sign it
    """
    try:
        certificate = _certificate(blob)
        certificate.verify_cert_signature()
        signer = certificate.signature_key().public_bytes(
            serialization.Encoding.OpenSSH,
            serialization.PublicFormat.OpenSSH)
    except (ValueError, TypeError, exceptions.InvalidSignature,
            exceptions.UnsupportedAlgorithm) as error:
        return 'it cannot be verified, %s' % (error or type(error).__name__)
    if base64.b64decode(signer.split()[1]) not in authorities:
        return 'no known authority has signed it'
    if certificate.type is not serialization.SSHCertificateType.HOST:
        return 'it is not of a host'
    if not (certificate.valid_after <= time.time()
            < certificate.valid_before):
        return 'it is not valid now'
    if certificate.critical_options:
        return 'it has options that are not known'
    names = {_canonical(name.decode(errors='replace'))
             for name in certificate.valid_principals}
    if names and not {host.lower(), _canonical(host)} & names:
        return 'it is of %s, not of %s' % (', '.join(sorted(names)), host)
    return ''


def _certificate(blob):
    size = int.from_bytes(blob[:4], 'big')
    return serialization.load_ssh_public_identity(
        b'%s %s' % (blob[4:4 + size], base64.b64encode(blob)))


def _fingerprint(key):
    digest = hashlib.sha256(key.asbytes()).digest()
    return 'SHA256:%s' % base64.b64encode(digest).decode().rstrip('=')
