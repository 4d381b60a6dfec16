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

"""Host crash: the power of a compute host is taken and given back."""

import errno
import socket

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin import waiting

# Seconds that a living host may need to answer a TCP connection.
CONNECT_TIMEOUT = 2.0


class PowerDriver:
    """Power of hosts, by the operator's commands."""

    def __init__(self, power):
        """Take the commands.

        :param power: :class:`..config.HostPower`
        """
        self._power = power

    def off(self, host):
        """Take the power from a host."""
        self._run(self._power.off, host)

    def on(self, host):
        """Give a host its power back."""
        self._run(self._power.on, host)

    def is_on(self, host):
        """Return whether a host has power.

        :raises .commands.CommandFailed: when the answer is neither on nor
            off
        """
        result = self._run(self._power.status, host)
        words = result.stdout.lower().split()
        if not words or words[-1] not in ('on', 'off'):
            raise commands.CommandFailed(
                result.argv, 'its last word is neither "on" nor "off": %s'
                % result.stdout.strip())
        return words[-1] == 'on'

    def _run(self, template, host):
        return commands.run(commands.fill(template, host=host),
                            self._power.timeout).check()


def answers(address, port, timeout=CONNECT_TIMEOUT):
    """Return whether anybody is alive at an address.

    A refused connection is an answer of the host's kernel, too.

    :param timeout: seconds
    """
    try:
        with socket.create_connection((address, port), timeout):
            return True
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False
    except OSError as error:
        if error.errno in (errno.EHOSTUNREACH, errno.EHOSTDOWN,
                           errno.ENETUNREACH, errno.ECONNRESET):
            return False
        raise


class HostCrash:
    """A compute host without power.

    :ivar description: the fault in a few words
    """

    def __init__(self, host, address, driver, witness_port, times):
        """Plan the fault; nothing is touched yet.

        :param host: the Nova host name
        :param address: its management address
        :param driver: :class:`PowerDriver`
        :param witness_port: TCP port at the address
        :param times: :class:`..config.Timeouts`
        """
        self.host, self._address, self._driver = host, address, driver
        self._port, self._times = witness_port, times
        self.description = 'host %s without power' % host

    def check(self):
        """Return why the host is not as it should be before, or ''."""
        if not self._driver.is_on(self.host):
            return 'host %s has no power' % self.host
        if not answers(self._address, self._port):
            return ('host %s does not answer at %s port %d, so that its '
                    'silence would prove nothing; see [self_healing] '
                    'host_witness_port'
                    % (self.host, self._address, self._port))
        return ''

    def inject(self):
        """Take the power."""
        self._driver.off(self.host)

    def witness(self):
        """Wait until the host is seen dead, by power status and network.

        :returns: what was seen, a string
        :raises ..waiting.WaitError: when it was not seen in time
        """
        return self._wait(self._state, (False, False), self._times.witness,
                          'host %s dead' % self.host) and (
            'power off, %s port %d silent'
            % (self._address, self._port))

    def revert(self):
        """Give the power back; right for a host that has it, too."""
        self._driver.on(self.host)

    def verify(self):
        """Wait until the host lives again.

        :raises ..waiting.WaitError: when it does not in time
        """
        self._wait(self._state, (True, True), self._times.host_return,
                   'host %s alive' % self.host)

    def _state(self):
        return (self._driver.is_on(self.host),
                answers(self._address, self._port))

    def _wait(self, observe, wanted, timeout, what):
        return waiting.wait_for(
            observe, lambda state: state == wanted, what=what,
            timeout=timeout, interval=self._times.poll_interval,
            describe=lambda state: 'power %s, network %s' % (
                'on' if state[0] else 'off',
                'answers' if state[1] else 'silent'),
            look_at='the power commands in [self_healing]') == wanted
