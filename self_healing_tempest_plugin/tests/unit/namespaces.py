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

"""Network namespaces with real NICs, for tests.

A process holds each; with it all is gone. Who is not root makes one as root
of a user namespace, where the kernel lets him. The NICs are pairs of veth:
the kernels that the tests run on may have no other kinds.
"""

import os
import shutil
import subprocess

import fixtures
import testtools

# Nobody is to wait a second or two for the search for duplicates; where that
# cannot be switched off, it is waited for.
_HOLD = ('mount -t sysfs sysfs /sys && { '
         'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; '
         'echo ready && exec cat; }')


def _options(*names):
    user = () if os.geteuid() == 0 else names
    return (*user, '--net', '--mount')


class Namespace(fixtures.Fixture):
    """A network namespace, with the loopback up.

    :ivar root: directory through which its /sys is seen
    """

    def _setUp(self):
        for program in ('unshare', 'nsenter', 'ip'):
            if shutil.which(program, path=_path()) is None:
                raise testtools.TestCase.skipException(
                    'there is no %s' % program)
        self._holder = subprocess.Popen(
            ['unshare', *_options('--user', '--map-root-user'), 'sh', '-c',
             _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={'PATH': _path()})
        self.addCleanup(self._end)
        if self._holder.stdout.readline() != 'ready\n':
            raise testtools.TestCase.skipException(
                'no network namespace: %s'
                % self._holder.stderr.read().strip())
        self.root = '/proc/%d/root' % self._holder.pid
        self.ip('link', 'set', 'dev', 'lo', 'up')

    def words(self, *argv):
        """Return the words of a command that runs in the namespace."""
        return ('nsenter', '--target', str(self._holder.pid),
                *_options('--user', '--preserve-credentials'),
                shutil.which(argv[0], path=_path()) or argv[0], *argv[1:])

    def ip(self, *argv):
        """Run ``ip`` in the namespace; it must succeed.

        :returns: standard output
        """
        done = subprocess.run(self.words('ip', *argv), capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise AssertionError('ip %s: %s' % (' '.join(argv), done.stderr))
        return done.stdout

    def run(self, script):
        """Run lines of a shell in the namespace.

        :returns: :class:`subprocess.CompletedProcess`
        """
        return subprocess.run(
            self.words('sh', '-s'), input=script, capture_output=True,
            text=True, check=False,
            env={'PATH': '%s:/usr/sbin:/sbin' % os.defpath})

    def add_nic(self, nic):
        """Add a NIC that is up, and whose peer is up."""
        done = self.run('set -e; ip link add {0} type veth peer name p-{0}; '
                        'ip link set dev p-{0} up; ip link set dev {0} up'
                        .format(nic))
        if done.returncode:
            raise AssertionError(done.stderr)

    def search_duplicates(self):
        """Let new NICs search for duplicates of their addresses."""
        self.run('echo 1 >/proc/sys/net/ipv6/conf/default/accept_dad')

    def _end(self):
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.stderr.close()
        self._holder.wait()


def _path():
    return '%s:%s:/usr/sbin:/sbin' % (os.environ.get('PATH', ''), os.defpath)
