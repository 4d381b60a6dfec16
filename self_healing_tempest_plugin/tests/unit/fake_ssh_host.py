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

"""A compute host behind a real SSH server on the loopback.

What comes over SSH is run by a shell of this machine, in a directory of its
own. Its NICs are real ones, in a network namespace of their own. Only what
would touch the machine itself has a stand-in there, which keeps its state in
files: ``nft``, ``ping``, ``sudo``, and what manages services. The services
and the timers are real processes.
"""

import contextlib
import functools
import glob
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time

import fixtures
import paramiko

from self_healing_tempest_plugin.tests.unit import fake_host
from self_healing_tempest_plugin.tests.unit import namespaces
from self_healing_tempest_plugin import waiting

USER = 'healer'

# Two keys of hosts, and two of users: the other one is always the wrong one.
HOST_KEYS = tuple(paramiko.ECDSAKey.generate() for _ in range(2))
USER_KEYS = tuple(paramiko.ECDSAKey.generate() for _ in range(2))

# What answers only while its NIC is up is a file, with the words of the
# command that says so; an empty one never answers.
# A table is a file with its rules.
_NFT = r"""
if [ "$*" = 'list tables' ]; then
    cd "$ROOT/nft"
    for one in *; do [ ! -e "$one" ] || echo "table inet $one"; done
    exit
fi
name=$(expr "$*" : 'add table inet \([^ ;]*\)')
case "$*" in
    *"; delete table inet $name") rm -f "$ROOT/nft/$name" ;;
    *) echo "$*" >"$ROOT/nft/$name" ;;
esac
"""

_PING = r"""
for address; do :; done
! grep -qs "daddr $address drop" "$ROOT"/nft/* || exit 1
[ -e "$WIRE/$address" ] || exit 0
[ -s "$WIRE/$address" ] && sh "$WIRE/$address"
"""

_SUDO = r"""
[ ! -e "$ROOT/sudo-says" ] || cat "$ROOT/sudo-says" >&2
if [ -e "$ROOT/no-sudo" ] || [ "$1 $2" != '-n --' ]; then
    echo 'sudo: a password is required' >&2
    exit 1
fi
shift 2
# The child's environment has nothing of the client, as with env_reset.
SUDO_USER=healer env -u SSH_CONNECTION "$@"
"""

# A service is a process that sleeps, in the name of nova-compute; a file may
# say what is run instead. Nobody may wait for one that is killed.
_SERVICE = r"""
file=$ROOT/run/$name.pid
running() {
    [ -e "$file" ] && ps -o state= -p "$(cat "$file")" | grep -q '^[^ZX]'
}
start() {
    program=$ROOT/run/$name.program
    if [ -e "$program" ]; then
        setsid sh "$program" </dev/null >/dev/null 2>&1 &
    else
        setsid nova-compute 600 </dev/null >/dev/null 2>&1 &
    fi
    echo $! >"$file"
}
stop() {
    kill -KILL "-$(cat "$file")"
    rm "$file"
}
"""

# A container is such a service below an init, in a control group that is
# frozen for real where this machine has one: podman's of the second version,
# docker's of the first.
_ENGINE = r"""
for name; do :; done
[ "$1" != ps ] || { name=${4#name=^}; name=${name%%\$}; }
%s
case ${0##*/} in
    podman) group=/sys/fs/cgroup
        [ -e "$group/cgroup.controllers" ] || group=$group/unified
        frozen=cgroup.freeze on=1 off=0 ;;
    docker) group=/sys/fs/cgroup/freezer
        frozen=freezer.state on=FROZEN off=THAWED ;;
esac
group=$group/self-healing-${ROOT##*/}-${0##*/}
freeze() {
    if mkdir -p "$group" 2>/dev/null && [ -e "$group/$frozen" ]; then
        for pid in $(pgrep -g "$(cat "$file")"); do
            echo "$pid" >"$group/cgroup.procs"
        done
        echo "$on" >"$group/$frozen"
    else
        kill -STOP "-$(cat "$file")"
    fi
    touch "$file.paused"
}
thaw() {
    rm "$file.paused"
    [ ! -e "$group/$frozen" ] || echo "$off" >"$group/$frozen"
    kill -CONT "-$(cat "$file")"
    for pid in $(cat "$group/cgroup.procs" 2>/dev/null); do
        echo "$pid" >"${group%%/*}/cgroup.procs"
    done
    [ ! -d "$group" ] || rmdir "$group"
}
state() {
    if [ -e "$file.paused" ]; then echo paused
    elif running; then echo running
    elif [ -e "$ROOT/run/$name.program" ]; then echo exited
    fi
}
case "$*" in
    "ps --all --filter name=^$name\$ --format {{.State}}") state ;;
    "inspect --format {{.State.Pid}} $name")
        [ -n "$(state)" ] || { echo "no such object: $name" >&2; exit 1; }
        if running; then cat "$file"; else echo 0; fi ;;
    "start $name") running || start ;;
    "stop $name") stop
        # As the unit with "Restart=always" does.
        [ ! -e "$ROOT/units" ] || [ -e "$ROOT/unit-stopped" ] || start ;;
    "pause $name") [ "$(state)" = running ] || exit 125; freeze ;;
    "unpause $name") [ "$(state)" = paused ] || exit 125; thaw ;;
    *) echo "unknown: $*" >&2; exit 2 ;;
esac
""" % _SERVICE.strip()

_SUPERVISORCTL = r"""
for name; do :; done
%s
case $1 in
    start) ! running || { echo "$name: ERROR (already started)"; exit 7; }
        start ;;
    stop) ! running || stop ;;
    signal) running || { echo "$name: ERROR (not running)"; exit 1; }
        kill "-$2" "$(cat "$file")" ;;
    status) running || { echo "$name  STOPPED  Nov 01"; exit 3; }
        echo "$name  RUNNING  pid 1, uptime 0:00:01" ;;
    pid) cat "$file" ;;
    *) exit 2 ;;
esac
""" % _SERVICE.strip()

_SYSTEMCTL = r"""
for name; do :; done
%s
engine=$(sed -n 's,.*/bin/\([a-z]*\) start -a nova_compute.*,\1,p' \
    "$ROOT/units" 2>/dev/null)
case "$*" in
    'show --property=Id --property=ActiveState --property=ExecStart '*)
        cat "$ROOT/units"; exit ;;
    'stop kolla-nova_compute-'*) touch "$ROOT/unit-stopped"
        exec "$engine" stop nova_compute ;;
    'start kolla-nova_compute-'*) rm -f "$ROOT/unit-stopped"
        exec "$engine" start nova_compute ;;
esac
case "$*" in
    'stop '*) ! running || case $name in
            *.timer) kill -KILL "-$(cat "$file")"; rm "$file" ;;
            *) stop ;;
        esac ;;
    'start '*) running || start ;;
    '--quiet is-active '*) running ;;
    'kill --signal=SIG'*) running && kill "-${2#*=SIG}" "-$(cat "$file")" ;;
    'show --property=ActiveState --value '*)
        if running; then echo active; else echo inactive; fi ;;
    'show --property=MainPID --value '*) cat "$file" ;;
    *) exit 2 ;;
esac
""" % _SERVICE.strip()

# The bridge has the ports that are files.
_OVS_VSCTL = r"""
[ "$1" = --timeout=10 ] || exit 2
[ "$2" != show ] || exit 0
[ "$2 $3" = '--if-exists del-port' ] || exit 2
rm -f "$ROOT/ports/$4"
"""

_SYSTEMD_RUN = r"""
file=$ROOT/run/${1#--unit=}.timer.pid seconds=${2#--on-active=}
for word; do case $word in *\\$*) echo "expanded: $word" >&2; exit 2 ;; esac
done
[ "$3 $4 $5" = '--timer-property=AccuracySec=100ms --collect --' ] || exit 2
shift 5
setsid sh -c 'sleep "$1"; rm "$2"; shift 2; exec "$@"' sh "$seconds" \
    "$file" "$@" </dev/null >/dev/null 2>&1 &
echo $! >"$file"
"""

STAND_INS = {
    'docker': _ENGINE, 'nft': _NFT, 'ovs-vsctl': _OVS_VSCTL, 'ping': _PING,
    'podman': _ENGINE,
    'sudo': _SUDO, 'supervisorctl': _SUPERVISORCTL,
    'systemctl': _SYSTEMCTL, 'systemd-run': _SYSTEMD_RUN}

# What stands for a path of the machine begins with the host's directory.
_OWN_PATHS = ('/run/', '/sys/class/net/')


class FakeSshHost(fixtures.Fixture):
    """A host that is reached over SSH while it has power.

    :ivar address: where it is, on the loopback
    :ivar port: of its SSH server
    :ivar root: directory with its state, see the stand-ins
    :ivar commands: every line that came over SSH
    :ivar destinations: every address that somebody was let through to
    :ivar before_result: called with the transport after a line was run,
        before the result is sent
    :ivar client: address that it sees SSH come from
    :ivar start_up: lines that the shell runs first, as of its .bashrc
    :ivar slow: while it is set, nobody is let in and nobody is refused
    """

    def __init__(self, address='127.0.0.1', port=0, wire=None, key=0):
        """Prepare; nothing listens yet.

        :param port: 0 for any
        :param wire: directory that hosts on the same network share
        :param key: index of its key in :data:`HOST_KEYS`
        """
        super().__init__()
        self.address, self.port, self.key = address, port, HOST_KEYS[key]
        self._wire = wire

    def _setUp(self):
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.wire = self._wire or self.root / 'wire'
        for name in ('bin', 'nft', 'ports', 'run', 'wire',
                     'sys/class/net'):
            (self.root / name).mkdir(parents=True)
        for name, text in STAND_INS.items():
            path = self.root / 'bin' / name
            path.write_text('#!/bin/sh\n' + text)
            path.chmod(0o700)
        (self.root / 'bin/nova-compute').symlink_to(shutil.which('sleep'))
        self.commands, self.destinations = [], []
        self.start_up, self._namespace = '', None
        self.client = '127.0.0.1'
        self.before_result = lambda transport: None
        self.slow = threading.Event()
        self._listener = None
        self._network = fake_host.FakeHost(self.address, self.port)
        self.port = self._network.port
        self._transports = []
        self.power(True)
        self.addCleanup(self._end)

    def power(self, on):
        """Answer, or be silent."""
        self._stop()
        self._network.power(on)
        if on:
            self._listener = threading.Thread(
                target=self._accept, args=(self._network.listener,))
            self._listener.start()

    def refuse(self):
        """Close the port: a living host without an SSH server."""
        self._stop()

    def add_nic(self, nic, addresses=(), routes=(), routes6=(), pings=()):
        """Add a NIC that is up.

        :param addresses: words for ``ip address add``
        :param routes: words for ``ip -4 route add``
        :param routes6: words for ``ip -6 route add``
        :param pings: addresses that answer while it is up
        """
        network = self.network
        network.add_nic(nic)
        for address in addresses:
            network.ip('address', 'add', *address.split(), 'dev', nic, *(
                ('nodad',) if ':' in address else ()))
        for family, lines in (('-4', routes), ('-6', routes6)):
            for line in lines:
                network.ip(family, 'route', 'add', *line.split(), 'dev', nic)
        for address in pings:
            (self.wire / address).write_text(
                '%s -oneline link show dev %s | grep -q "[<,]UP[,>]"\n' % (
                    self.root / 'bin/ip', nic))
        (self.root / 'sys/class/net' / nic).symlink_to(
            '%s/sys/class/net/%s' % (network.root, nic))

    @property
    def network(self):
        """The network namespace, which is made when it is asked for."""
        if self._namespace is None:
            self._namespace = self.useFixture(namespaces.Namespace())
            path = self.root / 'bin/ip'
            path.write_text('#!/bin/sh\nexec %s "$@"\n' % shlex.join(
                self._namespace.words('ip')))
            path.chmod(0o700)
        return self._namespace

    def nic(self, nic):
        """Return what NIC there is, as a dict of lists of lines."""
        state = {'up': '"UP"' in self.network.ip('-j', 'link', 'show', 'dev',
                                                 nic)}
        for name, words in (('addresses', ('-6', '-o', 'address', 'show')),
                            ('routes-4', ('-4', 'route', 'show')),
                            ('routes-6', ('-6', 'route', 'show'))):
            lines = self.network.ip(*words, 'dev', nic).splitlines()
            state[name] = sorted(
                line.strip() for line in lines if 'fe80:' not in line)
        return state

    def run(self, line, stdin=b''):
        """Run a line for the shell as the host does.

        :param stdin: what it reads
        :returns: :class:`subprocess.CompletedProcess`
        """
        for path in _OWN_PATHS:
            own = '%s%s' % (self.root, path)
            line = line.replace(path, own)
            stdin = stdin.replace(path.encode(), own.encode())
        return subprocess.run(
            ['sh', '-c', self.start_up + line], cwd=self.root, env={
                'PATH': '%s:%s:/usr/sbin:/sbin' % (
                    self.root / 'bin', os.defpath),
                'ROOT': str(self.root), 'WIRE': str(self.wire),
                'SSH_CONNECTION': '%s 50000 %s %d' % (
                    self.client, self.address, self.port)},
            input=stdin, capture_output=True, check=False)

    def break_connections(self):
        """Close every connection that there is."""
        for transport in self._transports:
            transport.close()

    def wait_unconnected(self, timeout):
        """Return whether all connections end within some seconds."""
        deadline = time.monotonic() + timeout
        for transport in self._transports:
            transport.join(max(0.0, deadline - time.monotonic()))
        return not any(transport.is_alive() for transport in self._transports)

    def known_host(self):
        """Return the line of the host as ``ssh-keyscan`` prints it."""
        return '[%s]:%d %s %s\n' % (self.address, self.port,
                                    self.key.get_name(),
                                    self.key.get_base64())

    def _stop(self):
        if self._listener is not None:
            # A listener that is closed does not wake up who waits for it.
            self._network.listener.shutdown(socket.SHUT_RDWR)
            self._listener.join()
            self._listener = None
        self._network.close()

    def _end(self):
        self._stop()
        self.break_connections()
        for path in glob.glob(str(self.root / 'run' / '*.pid')):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(pathlib.Path(path).read_text()),
                          signal.SIGKILL)

    def _accept(self, listener):
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            transport = paramiko.Transport(_Quick(connection))
            self._transports.append(transport)
            transport.add_server_key(self.key)
            transport.start_server(event=threading.Event(),
                                   server=_Session(self, transport))


class _Quick(socket.socket):
    """Acknowledges what it gets at once: nobody has to wait for 40 ms."""

    def __init__(self, connection):
        super().__init__(fileno=connection.detach())
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def recv(self, *arguments):
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().recv(*arguments)


class _Session(paramiko.ServerInterface):
    """One connection."""

    def __init__(self, host, transport):
        self._host, self._transport = host, transport

    def get_allowed_auths(self, username):
        return 'publickey'

    def check_auth_publickey(self, username, key):
        while self._host.slow.is_set() and self._transport.is_active():
            waiting.pause(0.05)
        good = (USER, USER_KEYS[0]) == (username, key)
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        _start(self._execute, channel, command.decode())
        return True

    def check_channel_direct_tcpip_request(self, chanid, origin,
                                           destination):
        try:
            connection = socket.create_connection(destination, 5)
        except OSError:
            return paramiko.OPEN_FAILED_CONNECT_FAILED
        self._host.destinations.append(destination)
        _start(self._forward, connection)
        return paramiko.OPEN_SUCCEEDED

    def _execute(self, channel, line):
        # The client says that there is no input once it knows that the
        # command was taken; a result before that would confuse it.
        channel.settimeout(5)
        stdin = b''.join(iter(functools.partial(channel.recv, 65536), b''))
        self._host.commands.append(line)
        done = self._host.run(line, stdin)
        self._host.before_result(self._transport)
        # The client may have gone away meanwhile.
        with contextlib.suppress(EOFError, OSError, paramiko.SSHException):
            channel.sendall(done.stdout)
            channel.sendall_stderr(done.stderr)
            channel.send_exit_status(done.returncode)
            channel.close()

    def _forward(self, connection):
        channel = self._transport.accept(5)
        connection.settimeout(None)
        _start(_copy, channel, connection)
        _copy(connection, channel)


def _start(run, *arguments):
    threading.Thread(target=run, args=arguments, daemon=True).start()


def _copy(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    # Each of them, whatever has become of the other one meanwhile.
    for stream in (source, sink):
        for end in (functools.partial(stream.shutdown, socket.SHUT_RDWR),
                    stream.close):
            with contextlib.suppress(EOFError, OSError,
                                     paramiko.SSHException):
                end()
