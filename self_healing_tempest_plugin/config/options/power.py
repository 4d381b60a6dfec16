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

# The commands that take a host's power, give it and ask for it; in this order.
COMMANDS = tuple('host_power_%s_command' % action
                 for action in ('off', 'on', 'status'))

OPTIONS = [
    cfg.StrOpt(
        'host_power_off_command', secret=True,
        help='Command that takes the power from a host, run without a shell. '
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
             'password of its own. The power commands get it in the variable '
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
        help='Seconds that one power command may take.'),
    cfg.PortOpt(
        'host_witness_port', default=22, min=1,
        help='TCP port on the management address of a host that answers '
             'while the host is alive, and not when it is dead.'),
]
