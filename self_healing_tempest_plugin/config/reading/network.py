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

from self_healing_tempest_plugin.config.reading import commands
from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types


def nics(conf):
    """Return the :class:`..types.HostNetwork` that the options describe.

    :param conf: an oslo.config object with the options of this plugin
    """
    own = conf.self_healing
    return types.HostNetwork(
        management_nic=own.host_management_nic or None,
        data_nic=own.host_data_nic or None,
        data_addresses=values.frozen(own.host_data_addresses),
        control_plane=tuple(map(str, own.control_plane_addresses)),
        restore=commands.of_host(
            conf, 'host_network_restore_command', '{nic}')
        if own.host_network_restore_command else ())
