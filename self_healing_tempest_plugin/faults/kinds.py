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

"""Every kind of fault, by name."""

import typing

from self_healing_tempest_plugin.faults import nics
from self_healing_tempest_plugin.faults import packets
from self_healing_tempest_plugin.faults import power
from self_healing_tempest_plugin.faults import servers
from self_healing_tempest_plugin.faults import services

# Each takes a :class:`.targets.Target` and :class:`.transports.Transports`
# and returns a :class:`.plans.Plan`; nothing is touched by it.
KINDS: typing.Mapping[str, typing.Callable] = {
    'host-crash': power.host_crash,
    'host-isolated': nics.host_isolated,
    'data-nic-down': nics.data_nic_down,
    'data-nic-blip': nics.data_nic_blip,
    'management-nic-down': nics.management_nic_down,
    'packets-dropped': packets.packets_dropped,
    'compute-service-stopped': services.compute_stopped,
    'compute-service-frozen': services.compute_frozen,
    'guest-killed': servers.guest_killed,
    'server-deleted': servers.server_deleted,
    'server-stopped': servers.server_stopped,
}

# They leave the host as it is, so that it may take the new server.
OF_SERVERS = frozenset(['guest-killed', 'server-deleted', 'server-stopped'])
