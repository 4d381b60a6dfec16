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

import os

from tempest.lib import exceptions

from self_healing_tempest_plugin.config.options import power
from self_healing_tempest_plugin.config.reading import commands
from self_healing_tempest_plugin.config.reading import paths
from self_healing_tempest_plugin.config import types


def driver(conf):
    """Return the :class:`..types.HostPower`, None without any command.

    :param conf: an oslo.config object with the options of this plugin
    """
    own = conf.self_healing
    if not any(getattr(own, option) for option in power.COMMANDS):
        return None
    off, on, status = (commands.of_runner(conf, option)
                       for option in power.COMMANDS)
    return types.HostPower(off, on, status, _password_file(own),
                           own.host_power_password_variable)


def _password_file(own):
    path = paths.given(own, 'host_power_password_file')
    if path and not os.path.isabs(path):
        # The command revert may run in another directory.
        raise exceptions.InvalidConfiguration(
            '[self_healing] host_power_password_file must be an absolute '
            'path, it is: %s' % path)
    wanting = [option for option in power.COMMANDS
               if '{password_file}' in getattr(own, option)]
    if wanting and not path:
        raise exceptions.InvalidConfiguration(
            '[self_healing] host_power_password_file must be set: %s has '
            '{password_file}' % wanting[0])
    return path
