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

"""The NICs of the hosts, and who is behind them."""

from oslo_config import cfg
from oslo_config import types

OPTIONS = [
    cfg.StrOpt(
        'host_management_nic',
        help='NIC of the hosts that the control plane, the monitor and SSH '
             'reach them by.'),
    cfg.StrOpt(
        'host_data_nic',
        help='NIC of the hosts that the network of their servers goes '
             'through, whose failure the monitor notices.'),
    cfg.Opt(
        'host_data_addresses', type=types.Dict(types.String()), default={},
        help='Addresses of the hosts that answer a ping through the data NIC '
             'only, as "host:address,...", such as those of the tunnels. '
             'Another host of fault_hosts pings there to witness that the '
             'NIC is down. Empty: the link of the NIC itself is the '
             'witness.'),
    cfg.StrOpt(
        'host_network_restore_command',
        help="Command of a host's own network manager that configures a NIC "
             'again which was down, run on the host without a shell, once '
             'for each NIC; {nic} is replaced by its name. Example: '
             'networkctl reconfigure {nic}. It must do no harm to a NIC that '
             'is configured. Empty: the addresses, routes, nexthop objects '
             'and neighbours are put back by ip(8) as they were. Either way '
             'they must be as before, or the fault is not over.'),
    cfg.ListOpt(
        'control_plane_addresses', default=[], item_type=types.IPAddress(),
        help='Addresses that a host loses in the packets_dropped scenario: '
             'those of the control plane and of the monitor. The address of '
             'the SSH client must not be among them.'),
]
