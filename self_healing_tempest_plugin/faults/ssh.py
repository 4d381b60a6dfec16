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

"""Tempest's SSH client, with the host keys checked."""

import contextlib
import functools
import re

import paramiko
from tempest.lib.common import ssh

from self_healing_tempest_plugin.faults import known_hosts

# Seconds that a command may take: a service manager waits for its service, and
# a repair for what is still under way.
COMMAND_TIMEOUT = 90

# What RFC 4254 calls a channel that a server does not let anybody open.
_PROHIBITED = 1

# What servers say of a connection that they could not make: the words of the
# kernel that they run on. A refusal comes from the kernel behind them.
_REFUSED = re.compile(r'\brefused\b', re.IGNORECASE)
_SILENT = re.compile(
    r'timed out|i/o timeout|no route to host|host is (down|unreachable)|'
    r'network is unreachable|reset by peer', re.IGNORECASE)


class ConnectionFailed(Exception):
    """A connection does not stand, or broke; says why and what to do.

    :ivar transient: whether another try may help: nobody answered
    """

    def __init__(self, text, transient):
        super().__init__(text)
        self.transient = transient


class Unclear(Exception):
    """Nobody can say whether a host behind another one is alive; says why.

    :ivar transient: whether another try may help
    """

    def __init__(self, text, transient):
        super().__init__(text)
        self.transient = transient


class _UnfitKey(Exception):
    """A file with a key that cannot be used; says why and what to do."""


class Client(ssh.Client):
    """Talks only to hosts whose key is known, with a key, never a password.

    One attempt makes one connection: callers that wait say how long.
    """

    def __init__(self, address, user, port, access, jump=None):
        """Prepare; nothing is connected yet.

        :param address: of the host
        :param user: to log in as
        :param port: of the SSH server
        :param access: :class:`..config.HostAccess`
        :param jump: :class:`Client` of the host that this one is reached
            through, or None
        """
        super().__init__(
            address, user, timeout=COMMAND_TIMEOUT, port=port,
            key_filename=access.key_file, look_for_keys=False,
            ssh_allow_agent=False, channel_timeout=access.timeout,
            proxy_client=jump)
        self._access = access

    def execute(self, line, stdin=''):
        """Run a line to its end.

        The inherited ``exec_command`` takes a connection that broke for an
        end, wants UTF-8, and leaves connections open.

        :param line: for the shell of the host
        :param stdin: what the command reads
        :returns: exit status, standard output, standard error
        :raises ConnectionFailed: when there is no connection, or it breaks,
            or the command gives no answer in time
        """
        try:
            with contextlib.closing(self._get_ssh_connection()) as connection:
                return self._execute(connection, line, stdin)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise ConnectionFailed(
                '%s: the connection broke or the command gave no answer: %s'
                % (self.host, error or type(error).__name__), True) from error
        finally:
            self._close_way()

    def knock(self, address, port, timeout):
        """Return whether anybody is alive at an address behind this host.

        This host is asked to connect to it; nothing is run here or there. A
        refused connection is an answer of the kernel there, too.

        :param address: as this host knows it
        :param timeout: seconds that the other one may take to answer
        :raises ConnectionFailed: when this host is not reached, or does not
            answer any more: its silence is not that of the other one
        :raises Unclear: when this host does not say why it has failed
        """
        try:
            with contextlib.closing(self._get_ssh_connection()) as connection:
                return self._knock(connection.get_transport(),
                                   (address, port), timeout)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise ConnectionFailed(
                '%s: the connection broke or gave no answer: %s'
                % (self.host, error or type(error).__name__), True) from error
        finally:
            self._close_way()

    def _knock(self, transport, destination, timeout):
        try:
            transport.open_channel('direct-tcpip', destination,
                                   ('127.0.0.1', 0), timeout=timeout).close()
        except paramiko.ChannelException as error:
            return _alive(error.code, transport.said)
        except paramiko.SSHException:
            # Only one who answers others can say that this one is silent.
            with contextlib.suppress(paramiko.ChannelException):
                transport.open_session(timeout=self.channel_timeout).close()
            return False
        return True

    def _execute(self, connection, line, stdin):
        channel = connection.get_transport().open_session(
            timeout=self.channel_timeout)
        channel.settimeout(self.timeout)
        channel.exec_command(line)
        channel.sendall(stdin.encode('utf-8', 'surrogateescape'))
        channel.shutdown_write()
        streams = channel.makefile('rb'), channel.makefile_stderr('rb')
        stdout, stderr = (stream.read().decode(errors='replace')
                          for stream in streams)
        if not channel.status_event.wait(self.timeout) or (
                channel.exit_status == -1):
            raise EOFError('no exit status')
        return channel.exit_status, stdout, stderr

    def _get_ssh_connection(self, sleep=1.5, backoff=1):
        # The inherited method takes any host key, and tries again for minutes
        # after a key that was refused.
        connection = paramiko.SSHClient()
        try:
            known = known_hosts.read(self._access.known_hosts_file)
            connection.set_missing_host_key_policy(
                _Known(known, self.host, self.port))
            connection.connect(
                self.host, port=self.port, username=self.username,
                pkey=_key(self.key_filename),
                look_for_keys=False, allow_agent=False,
                timeout=self.channel_timeout,
                banner_timeout=self.channel_timeout,
                auth_timeout=self.channel_timeout,
                sock=self._get_proxy_channel() if self.proxy_client else None,
                transport_factory=functools.partial(
                    _Transport, known, self.host, self.port))
        except BaseException as error:
            connection.close()
            if isinstance(error, Exception):
                raise self._named(error) from error
            raise
        return connection

    def _get_proxy_channel(self):
        # Kept, for the channel lives no longer than its connection.
        self._proxy_conn = self.proxy_client._get_ssh_connection()
        return self._proxy_conn.get_transport().open_channel(
            'direct-tcpip', (self.host, self.port), ('127.0.0.1', 0),
            timeout=self.channel_timeout)

    def _close_way(self):
        """Close the connections to the jump hosts, the last of them first."""
        if self._proxy_conn is not None:
            self._proxy_conn.close()
        if self.proxy_client is not None:
            self.proxy_client._close_way()

    def _named(self, error):
        if isinstance(error, ConnectionFailed):
            return error
        through = (' through jump host %s' % self.proxy_client.host
                   if self.proxy_client else '')
        why, transient = _reason(error)
        return ConnectionFailed('%s@%s port %d%s: %s' % (
            self.username, self.host, self.port, through, why), transient)


class _Transport(paramiko.Transport):
    """A connection that asks a host for the key that is known of it.

    :ivar said: why the other side could not open a channel: paramiko itself
        writes that to its log only
    """

    def __init__(self, known, host, port, sock, **arguments):
        super().__init__(sock, **arguments)
        self.said = ''
        options = self.get_security_options()
        options.key_types = known.algorithms(host, port, options.key_types)

    def _log(self, level, msg, *args):
        if 'open FAILED' in msg:
            self.said = msg
        super()._log(level, msg, *args)


class _Known(paramiko.MissingHostKeyPolicy):
    """Refuses hosts that a file of known hosts does not know.

    paramiko itself knows none of them, so that it asks about each.
    """

    def __init__(self, known, host, port):
        self._known, self._host, self._port = known, host, port

    def missing_host_key(self, client, hostname, key):
        self._known.check(self._host, self._port, key)


def _key(path):
    """Return the key in a file.

    :raises _UnfitKey: when it cannot be read, whatever paramiko and what is
        below it call that
    """
    try:
        return paramiko.PKey.from_path(path)
    except Exception as error:
        raise _UnfitKey('%s, see [self_healing] host_ssh_key_file' % (
            str(error) or type(error).__name__)) from error


def _alive(code, said):
    """Return whether the end of a connection that failed is alive.

    :param code: of RFC 4254, why it has failed
    :param said: the same in the words of the server
    """
    if code == _PROHIBITED:
        raise Unclear('it does not let anybody through (%s)' % said, False)
    if _REFUSED.search(said):
        return True
    if _SILENT.search(said):
        return False
    raise Unclear('it does not say whether somebody is there (%s)' % said,
                  True)


def _reason(error):
    """Return why there is no connection, and whether that may pass."""
    text = str(error) or type(error).__name__
    if isinstance(error, (known_hosts.Refused, known_hosts.Unusable,
                          _UnfitKey)):
        return text, False
    if isinstance(error, paramiko.IncompatiblePeer):
        return 'it has no algorithm in common with us (%s)' % text, False
    if isinstance(error, paramiko.ChannelException) and (
            error.code == _PROHIBITED):
        return ('the jump host lets nobody through to it, see [self_healing] '
                'host_ssh_jump_host, and AllowTcpForwarding and PermitOpen '
                'there (%s)' % text, False)
    # A server that is about to die, or slow, ends the authentication, too.
    if isinstance(error, paramiko.AuthenticationException) and not (
            'timeout' in text or 'shut down' in text):
        return ('it refuses the key, see [self_healing] host_ssh_user and '
                'host_ssh_key_file (%s)' % text, False)
    return ('%s, see [self_healing] host_addresses, host_ssh_port and '
            'host_ssh_jump_host' % text, True)
