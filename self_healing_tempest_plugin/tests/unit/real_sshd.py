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

"""The machine's own SSH server, on the loopback, with keys that we make."""

import base64
import contextlib
import os
import pathlib
import pwd
import shutil
import socket
import subprocess

import fixtures
import paramiko

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin import waiting

# Debian has it where only root looks.
_PATH = os.pathsep.join((os.environ.get('PATH', ''), '/usr/sbin', '/sbin'))

KINDS = ('ed25519', 'ecdsa', 'rsa')


def missing():
    """Return which program is not there, or ''."""
    for name in ('sshd', 'ssh-keygen', 'ssh-keyscan'):
        if shutil.which(name, path=_PATH) is None:
            return name
    return ''


def keygen(*words):
    """Run ssh-keygen, and return what it prints."""
    return subprocess.run(
        ('ssh-keygen', *map(str, words)), check=True, capture_output=True,
        text=True, stdin=subprocess.DEVNULL).stdout


class RealSshd(fixtures.Fixture):
    """A server that lets the user of this process in, by one key.

    :ivar directory: of all its files
    :ivar port: of 127.0.0.1
    :ivar access: :class:`..config.HostAccess` that reaches it; the file of
        known hosts is empty
    """

    def __init__(self, options=(), kinds=KINDS):
        """Prepare; nothing listens yet.

        :param options: lines of sshd_config
        :param kinds: of its keys
        """
        super().__init__()
        self._options, self._kinds = options, kinds

    def _setUp(self):
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        for name in (*self._kinds, 'user'):
            keygen('-q', '-t', 'ed25519' if name == 'user' else name, '-N',
                   '', '-f', self.directory / name)
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        self.known_hosts = self.directory / 'known_hosts'
        self.known_hosts.touch()
        self.access = config.HostAccess(
            addresses={}, user=pwd.getpwuid(os.getuid()).pw_name,
            key_file=str(self.directory / 'user'),
            known_hosts_file=str(self.known_hosts), port=self.port,
            jump_host=None, sudo=False, timeout=10, local_timeout=5)
        self._process = None
        self.addCleanup(self._stop)
        self.start()

    def public(self, kind):
        """Return the type and the key of one of its keys, or a user's."""
        path = self.directory / ('%s.pub' % kind)
        return ' '.join(path.read_text().split()[:2])

    def sign(self, authority, kind, *options):
        """Let an authority sign one of its keys, and show that from now on.

        :param authority: path of a private key
        :param options: of ssh-keygen
        """
        keygen('-q', '-s', authority, '-I', 'test', *options,
               self.directory / ('%s.pub' % kind))
        self._options = (
            'HostCertificate %s' % (self.directory / ('%s-cert.pub' % kind)),)
        self.start()

    def start(self):
        """Listen, with what it has by now."""
        self._stop()
        path = self.directory / 'sshd_config'
        path.write_text('\n'.join((
            'Port %d' % self.port, 'ListenAddress 127.0.0.1',
            'AuthorizedKeysFile %s' % (self.directory / 'user.pub'),
            'PidFile none', 'UsePAM no', 'StrictModes no',
            'PermitRootLogin yes', 'UseDNS no', *(
                'HostKey %s' % (self.directory / kind)
                for kind in self._kinds), *self._options)) + '\n')
        if os.getuid() == 0:
            # As the service of the distribution makes it.
            os.makedirs('/run/sshd', exist_ok=True)
        self._process = subprocess.Popen(
            (shutil.which('sshd', path=_PATH), '-D', '-e', '-f', str(path)),
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        waiting.wait_for(
            lambda: transports.answers('127.0.0.1', self.port)
            and self._listens(), bool, what='sshd', timeout=30, interval=0.1)

    def _listens(self):
        with contextlib.suppress(OSError):
            socket.create_connection(('127.0.0.1', self.port), 5).close()
            return True
        return False

    def _stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def key(text):
    """Return the key of a line ``TYPE BASE64``, as a host shows it."""
    kind, blob = text.split()[:2]
    return paramiko.PKey.from_type_string(
        kind, base64.b64decode(blob))
