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

import paramiko
from tempest.lib.common import ssh

# Seconds that a command may take: a service manager waits for its service, and
# a repair for what is still under way.
COMMAND_TIMEOUT = 90


class ConnectionFailed(Exception):
    """A connection does not stand, or broke; says why and what to do.

    :ivar transient: whether another try may help: nobody answered
    """

    def __init__(self, text, transient):
        super().__init__(text)
        self.transient = transient


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
            if self._proxy_conn is not None:
                self._proxy_conn.close()

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
            connection.load_host_keys(self._access.known_hosts_file)
            connection.connect(
                self.host, port=self.port, username=self.username,
                pkey=paramiko.PKey.from_path(self.key_filename),
                look_for_keys=False, allow_agent=False,
                timeout=self.channel_timeout,
                banner_timeout=self.channel_timeout,
                auth_timeout=self.channel_timeout,
                sock=self._get_proxy_channel() if self.proxy_client else None)
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

    def _named(self, error):
        if isinstance(error, ConnectionFailed):
            return error
        through = (' through jump host %s' % self.proxy_client.host
                   if self.proxy_client else '')
        why, transient = _reason(error, self._access)
        return ConnectionFailed('%s@%s port %d%s: %s' % (
            self.username, self.host, self.port, through, why), transient)


def _reason(error, access):
    """Return why there is no connection, and whether that may pass."""
    text = str(error) or type(error).__name__
    if isinstance(error, paramiko.BadHostKeyException):
        return ('its host key is not the one in [self_healing] '
                'host_ssh_known_hosts_file', False)
    # A server that is about to die, or slow, ends the authentication, too.
    if isinstance(error, paramiko.AuthenticationException) and not (
            'timeout' in text or 'shut down' in text):
        return ('it refuses the key, see [self_healing] host_ssh_user and '
                'host_ssh_key_file (%s)' % text, False)
    if isinstance(error, paramiko.SSHException) and (
            'not found in known_hosts' in text):
        return ('its host key is not in [self_healing] '
                'host_ssh_known_hosts_file %s' % access.known_hosts_file,
                False)
    if isinstance(error, (ValueError, TypeError, paramiko.UnknownKeyType,
                          paramiko.PasswordRequiredException,
                          FileNotFoundError, PermissionError)):
        return ('%s, see [self_healing] host_ssh_key_file and '
                'host_ssh_known_hosts_file' % text, False)
    if isinstance(error, paramiko.SSHException) and 'key' in text.lower():
        return ('%s, see [self_healing] host_ssh_key_file' % text, False)
    return ('%s, see [self_healing] host_addresses, host_ssh_port and '
            'host_ssh_jump_host' % text, True)
