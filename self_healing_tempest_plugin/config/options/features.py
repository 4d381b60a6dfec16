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

"""The scenarios that can run on a cloud."""

from oslo_config import cfg

OPTIONS = [
    cfg.BoolOpt(
        'host_crash', default=False,
        help='Whether the host crash scenario can run: the host power '
             'commands are set and a compute host is left to heal on.'),
    cfg.BoolOpt(
        'unhealed_host_crash', default=False,
        help='Whether the scenario can run in which a host crashes and no '
             'rule heals: what host_crash needs.'),
    cfg.BoolOpt(
        'host_isolated', default=False,
        help='Whether the scenario can run in which a host loses both of its '
             'NICs: SSH to the hosts, host_management_nic, host_data_nic, '
             'host_timer.'),
    cfg.BoolOpt(
        'data_nic_down', default=False,
        help='Whether the scenario can run in which a host loses its data '
             'NIC: SSH to the hosts, host_data_nic, and a monitor that '
             'raises nic_alarm_name.'),
    cfg.BoolOpt(
        'management_nic_down', default=False,
        help='Whether the scenario can run in which a host loses its '
             'management NIC: SSH to the hosts, host_management_nic, '
             'host_timer. The guests go on running, and it is split brain '
             'unless the network takes the address from them.'),
    cfg.BoolOpt(
        'packets_dropped', default=False,
        help='Whether the scenario can run in which a host and the control '
             'plane lose all packets between them: SSH to the hosts, '
             'control_plane_addresses, nftables on the hosts.'),
    cfg.BoolOpt(
        'compute_service_stopped', default=False,
        help='Whether the scenario can run in which nova-compute is stopped: '
             'SSH to the hosts, service_manager, compute_service.'),
    cfg.BoolOpt(
        'compute_service_frozen', default=False,
        help='Whether the scenario can run in which nova-compute is frozen: '
             'SSH to the hosts, service_manager, compute_service.'),
    cfg.BoolOpt(
        'data_nic_blip', default=False,
        help='Whether the scenario can run in which a data NIC is down for '
             'blip_time: what data_nic_down needs.'),
    cfg.BoolOpt(
        'synthetic_alarm', default=False,
        help='Whether the scenario can run in which an alarm is raised that '
             'no fault stands behind, so that the stack gets another server: '
             'hosts in fault_hosts that run no guests, as with the fake '
             'driver of Nova. Nobody asks the application.'),
]
