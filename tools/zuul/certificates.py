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

"""Certificates of ZooKeeper and Zuul, and the keys of SSH."""

import dataclasses
import pathlib
import subprocess

from cryptography.hazmat.primitives import serialization
import trustme

from tools import private_files


@dataclasses.dataclass(frozen=True)
class Certificates:
    """Files of one authority that signs for ZooKeeper and its client.

    :ivar directory: that they are in
    """

    directory: pathlib.Path

    @property
    def authority(self):
        return self.directory / 'ca.pem'

    @property
    def server(self):
        """Return the file with ZooKeeper's key and certificate."""
        return self.directory / 'server.pem'

    @property
    def client(self):
        return self.directory / 'client.pem'

    @property
    def client_key(self):
        return self.directory / 'client.key'


def make(directory):
    """Make everything that TLS between Zuul and ZooKeeper needs.

    :param directory: :class:`pathlib.Path`; it is made
    :returns: :class:`Certificates`
    """
    directory.mkdir(mode=0o700)
    made = Certificates(directory)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(made.authority)
    server = authority.issue_cert('localhost')
    client = authority.issue_cert('zuul')
    private_files.write(made.server, _key(server) + _chain(server))
    private_files.write(made.client, _chain(client))
    private_files.write(made.client_key, _key(client))
    return made


def _key(certificate):
    # ZooKeeper reads PKCS #8 only.
    key = serialization.load_pem_private_key(
        certificate.private_key_pem.bytes(), password=None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption())


def _chain(certificate):
    return b''.join(pem.bytes() for pem in certificate.cert_chain_pems)


def make_ssh_key(path):
    """Make a key pair of SSH without passphrase.

    :param path: of the private half
    :returns: the public half as text
    """
    subprocess.run(
        ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'zuul-run',
         '-f', path], check=True)
    return pathlib.Path('%s.pub' % path).read_text().strip()
