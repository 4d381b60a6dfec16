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

"""The power of the hosts."""

import ipaddress
import os
import re

from tempest.lib import exceptions

from self_healing_tempest_plugin.config.options import features
from self_healing_tempest_plugin.config.options import power
from self_healing_tempest_plugin.config.reading import commands
from self_healing_tempest_plugin.config.reading import paths
from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types

_REDFISH_AGENT = 'fence_redfish'

# "address" or "address:port"; that of IPv6 in brackets, where it has a port.
_ADDRESS = re.compile(
    r'(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))'
    r'(?::(?P<port>\d{1,5}))?', re.ASCII)


def driver(conf):
    """Return what switches the hosts, None without any command.

    :param conf: an oslo.config object with the options of this plugin
    :returns: :class:`..types.HostPower`, :class:`..types.Ipmitool`, or
        :class:`..types.FenceAgent`
    :raises tempest.lib.exceptions.InvalidConfiguration: when an option of the
        driver is missing or wrong
    """
    return _DRIVERS[conf.self_healing.host_power_driver](conf)


def drivers(conf):
    """Return what switches the hosts in single scenarios.

    :param conf: see :func:`driver`
    :returns: mapping of scenario to what :func:`driver` returns
    :raises tempest.lib.exceptions.InvalidConfiguration: see :func:`driver`,
        and for a scenario that there is not
    """
    named = conf.self_healing.host_power_drivers
    known = {option.name for option in features.OPTIONS}
    for name in named:
        if name not in known:
            raise exceptions.InvalidConfiguration(
                '[self_healing] host_power_drivers: there is no scenario %s; '
                '[self_healing_feature_enabled] has their names' % name)
    return values.frozen({name: _DRIVERS[kind](conf)
                          for name, kind in named.items()})


def _commands(conf):
    own = conf.self_healing
    if not any(getattr(own, option) for option in power.COMMANDS):
        return None
    off, on, status = (commands.of_runner(conf, option)
                       for option in power.COMMANDS)
    return types.HostPower(off, on, status, _password_file(own),
                           own.host_power_password_variable)


def _ipmitool(conf):
    own = conf.self_healing
    hint = ' for the driver ipmitool'
    return types.Ipmitool(
        _bmcs(own, _needed_file(own, 'host_power_password_file', hint)),
        values.required(own, 'host_power_user', hint=hint),
        own.host_power_cipher_suite)


def _fence(conf):
    own = conf.self_healing
    hint = ' for the driver fence'
    return types.FenceAgent(
        values.required(own, 'host_power_fence_agent', hint=hint),
        _bmcs(own, _needed_file(own, 'host_power_parameters_file', hint),
              addressed=False), own.host_power_user)


def _redfish(conf):
    own = conf.self_healing
    return types.FenceAgent(
        _REDFISH_AGENT, _bmcs(own, _needed_file(
            own, 'host_power_parameters_file', ' for the driver redfish')),
        own.host_power_user)


_DRIVERS = {power.COMMAND: _commands, power.IPMITOOL: _ipmitool,
            power.FENCE: _fence, power.REDFISH: _redfish}


def _bmcs(own, path, addressed=True):
    """Return the :class:`..types.Bmc` of each fault host, as a mapping.

    :param own: the group [self_healing]
    :param path: of the file with the secret, with ``{host}`` or without
    :param addressed: whether each must have an address
    :raises tempest.lib.exceptions.InvalidConfiguration: when one has none, a
        wrong one, or is the same as that of another host
    """
    found = {}
    for host in own.fault_hosts:
        bmc = types.Bmc(
            *_address(own, host, addressed),
            (own.host_power_plug or '').replace('{host}', host),
            path.replace('{host}', host))
        for other, known in found.items():
            if known == bmc:
                # To break one host would be to break another one.
                raise exceptions.InvalidConfiguration(
                    '[self_healing] hosts %s and %s have the same power: '
                    'tell them apart by host_power_addresses, or by {host} '
                    'in host_power_address, host_power_plug, or the path of '
                    'the file' % (other, host))
        found[host] = bmc
    return values.frozen(found)


def _address(own, host, addressed):
    """Return address and port of the BMC of a host."""
    option = 'host_power_addresses'
    written = own.host_power_addresses.get(host)
    if not written:
        option, written = 'host_power_address', own.host_power_address
    if not written:
        if addressed:
            raise exceptions.InvalidConfiguration(
                '[self_healing] the BMC of host %s has no address: set '
                'host_power_address, or name it in host_power_addresses'
                % host)
        return '', own.host_power_port
    address, port = _parsed(written.replace('{host}', host))
    if address is None:
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s of host %s is not address or address:port'
            % (option, host))
    return address, port or own.host_power_port


def _parsed(text):
    """Return address and port, None in their place where it is neither."""
    try:
        return str(ipaddress.ip_address(text)), None
    except ValueError:
        match = _ADDRESS.fullmatch(text)
    if not match or match['port'] and not 0 < int(match['port']) < 65536:
        return None, None
    return match['ipv6'] or match['name'], int(match['port'] or 0) or None


def _needed_file(own, option, hint):
    values.required(own, option, hint=hint)
    return _file(own, option)


def _file(own, option):
    path = paths.given(own, option)
    if path and not os.path.isabs(path):
        # The command revert may run in another directory.
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s must be an absolute path, it is: %s' % (
                option, path))
    return path


def _password_file(own):
    path = _file(own, 'host_power_password_file')
    wanting = [option for option in power.COMMANDS
               if '{password_file}' in getattr(own, option)]
    if wanting and not path:
        raise exceptions.InvalidConfiguration(
            '[self_healing] host_power_password_file must be set: %s has '
            '{password_file}' % wanting[0])
    return path
