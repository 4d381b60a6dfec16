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

"""The power of the hosts, and what witnesses that it is gone."""

from oslo_config import cfg
from oslo_config import types

COMMAND, IPMITOOL, FENCE, REDFISH = 'command', 'ipmitool', 'fence', 'redfish'
DRIVERS = (COMMAND, IPMITOOL, FENCE, REDFISH)

# The commands that take a host's power, give it and ask for it; in this order.
COMMANDS = tuple('host_power_%s_command' % action
                 for action in ('off', 'on', 'status'))

OPTIONS = [
    cfg.StrOpt(
        'host_power_driver', default=COMMAND, choices=[
            (COMMAND, 'host_power_off_command and the two beside it'),
            (IPMITOOL, '"ipmitool -I lanplus"'),
            (FENCE, 'host_power_fence_agent, any of fence-agents'),
            (REDFISH, 'fence_redfish')],
        help='What takes the power of a host, gives it back, and says '
             'whether it is there.'),
    cfg.Opt(
        'host_power_drivers', default={},
        type=types.Dict(types.String(choices=DRIVERS)),
        help='Drivers of single scenarios, as "scenario:driver,...", e.g. '
             '"tenant_second_failure:fence", with the names of '
             '[self_healing_feature_enabled]: where hosts can be switched in '
             'two ways, such as by a BMC and by what switches its outlet, '
             'both can be drilled.'),
    cfg.Opt(
        'host_power_addresses', type=types.Dict(types.String()), default={},
        help='Where the BMCs are, as "host:address,...", or '
             '"host:address:port,..."; an address of IPv6 with a port stands '
             'in brackets. A host that is not in the list has '
             'host_power_address. Of all drivers but "command".'),
    cfg.StrOpt(
        'host_power_address',
        help='Where the BMC of a host is, as "address" or "address:port", '
             'e.g. "{host}-bmc.example.org": {host} is replaced by the name '
             'of the host. Of all drivers but "command"; "fence" needs none '
             'where host_power_parameters_file has it.'),
    cfg.PortOpt(
        'host_power_port', min=1,
        help='Port of the BMCs, where their address has none. Empty: 623 of '
             'UDP for IPMI, or what the agent takes.'),
    cfg.StrOpt(
        'host_power_user',
        help='User of the BMCs. Needed by the driver "ipmitool"; "fence" and '
             '"redfish" take it instead of a line username=... in '
             'host_power_parameters_file.'),
    cfg.IntOpt(
        'host_power_cipher_suite', min=1, max=17,
        help='Cipher suite of IPMI, "ipmitool -C": 3 for BMCs that know no '
             'newer one, 17 for those that want it. Empty: ipmitool asks '
             'which there are. Of the driver "ipmitool".'),
    cfg.StrOpt(
        'host_power_fence_agent', regex=r'^(/.*/)?fence_\w+$',
        help='Agent of fence-agents, by name or absolute path, e.g. '
             'fence_ipmilan, fence_ilo5_ssh, fence_apc_snmp, fence_virt. Of '
             'the driver "fence".'),
    cfg.StrOpt(
        'host_power_parameters_file',
        help='File with parameters of the agent, a line NAME=VALUE for each '
             'as FenceAgentAPI has it, e.g. password=..., which nobody but '
             'its owner may read (mode 0600). The agent reads them on its '
             'standard input, and so no other user sees them. {host} in its '
             'path is replaced by the name of the host. Needed by the '
             'drivers "fence" and "redfish".'),
    cfg.StrOpt(
        'host_power_plug',
        help='By which name a host is known to what switches it, {host} or '
             'with {host} in it: the parameter "plug" of the agent, such as '
             'a virtual machine or an outlet; of Redfish "systems_uri", such '
             'as /redfish/v1/Systems/{host}. Where it is not made of the '
             'name of the host, give each a host_power_parameters_file with '
             'that line.'),
    cfg.StrOpt(
        'host_power_off_command', secret=True,
        help='Command that takes the power from a host, run without a shell. '
             'Of the driver "command", as the next two. '
             '{host} is replaced by the name of the host, {password_file} by '
             'host_power_password_file. Example: ipmitool -I lanplus -H '
             '{host}-bmc -U root -E chassis power off. A password must not '
             'be in it: everybody on the runner would see it.'),
    cfg.StrOpt(
        'host_power_on_command', secret=True,
        help='Command that gives the power back to a host, run without a '
             'shell. It must do no harm to a host that is on. {host} is '
             'replaced by the name of the host.'),
    cfg.StrOpt(
        'host_power_status_command', secret=True,
        help='Command whose last word on standard output is "on" or "off", '
             'run without a shell. {host} is replaced by the name of the '
             'host.'),
    cfg.StrOpt(
        'host_power_password_file',
        help='File with the password of the BMCs in its only line, which '
             'nobody but its owner may read (mode 0600). {host} in its path '
             'is replaced by the name of the host, where each BMC has a '
             'password of its own. Needed by the driver "ipmitool". The '
             'commands of the driver "command" get it in the variable '
             'host_power_password_variable, as "ipmitool -E" wants it; one '
             'that wants a file, as "ipmitool -f {password_file}", gets its '
             'path. Empty: they need none, or have a way of their own.'),
    cfg.StrOpt(
        'host_power_password_variable', default='IPMI_PASSWORD',
        regex=r'^[A-Za-z_]\w*$',
        help='Variable of the environment of the power commands that holds '
             'the password from host_power_password_file.'),
    cfg.IntOpt(
        'host_power_timeout', default=60, min=1, max=3600,
        help='Seconds that one power command may take. With all drivers but '
             '"command" one that fails is tried again until they are over.'),
    cfg.PortOpt(
        'host_witness_port', default=22, min=1,
        help='TCP port on the management address of a host that answers '
             'while the host is alive, and not when it is dead.'),
]
