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

"""How commands get to the hosts."""

import re

from tempest.lib import exceptions

from self_healing_tempest_plugin.config.reading import paths
from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types

_JUMP_HOST = re.compile(
    r'(?:(?P<user>[^\s@:/]+)@)?'
    r'(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[\w.-]+))'
    r'(?::(?P<port>\d{1,5}))?', re.ASCII)


def access(own):
    """Return the :class:`..types.HostAccess` that the options describe.

    :param own: the group [self_healing]
    """
    if own.host_ssh_key_file:
        values.required(own, 'host_ssh_known_hosts_file')
    return types.HostAccess(
        addresses=values.frozen(own.host_addresses),
        user=values.required(own, 'host_ssh_user'),
        key_file=paths.given(own, 'host_ssh_key_file'),
        known_hosts_file=paths.given(own, 'host_ssh_known_hosts_file'),
        port=own.host_ssh_port,
        jump_host=_jump_host(own),
        sudo=own.host_ssh_sudo,
        timeout=own.host_ssh_timeout,
        local_timeout=own.host_power_timeout)


def _jump_host(own):
    """Return the last of the jump hosts, None where there is none."""
    if not own.host_ssh_jump_host:
        return None
    last, seen = None, set()
    for text in own.host_ssh_jump_host.split(','):
        last = _jump(own, text.strip(), last)
        if (last.address, last.port) in seen:
            raise exceptions.InvalidConfiguration(
                '[self_healing] host_ssh_jump_host has %s port %d twice' % (
                    last.address, last.port))
        seen.add((last.address, last.port))
    return last


def _jump(own, text, through):
    # An address of IPv6 stands in brackets, as in a URL.
    match = _JUMP_HOST.fullmatch(text)
    port = int(match['port'] or own.host_ssh_port) if match else 0
    if not 0 < port < 65536:
        # What stands there may hold a password: it is not shown.
        raise exceptions.InvalidConfiguration(
            '[self_healing] host_ssh_jump_host is not [user@]host[:port], or '
            'several of them with commas between')
    return types.JumpHost(match['user'] or own.host_ssh_user,
                          match['ipv6'] or match['host'], port, through)
