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

import dataclasses

from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import targets

# Last words of the status command, as of "ipmitool chassis power status".
_ON, _OFF = r'\bon\s*\Z', r'\boff\s*\Z'


def host_crash(target, transports):
    """Plan to take the power from a host.

    There is no timer: nothing runs on a host without power.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`, not used
    :returns: :class:`.plans.Plan`
    """
    driver = targets.needed(target.settings.power, 'host_power_off_command')
    host = target.host

    path = driver.password_file and driver.password_file.replace(
        '{host}', host)

    def command(template):
        argv = commands.fill(template, host=host, **(
            {'password_file': path} if path else {}))
        return dataclasses.replace(target.local(*argv), environment=(
            ((driver.password_variable, path),) if path else ()))

    status = command(driver.status)
    return plans.Plan(
        id=plans.new_id(), kind='host-crash', host=host,
        description='host %s without power' % host,
        look_at='the host_power commands and host_witness_port in '
                '[self_healing], and the address of host %s' % host,
        checks=(plans.Check('host %s has power' % host, status, _ON),
                target.alive()),
        inject=(command(driver.off),),
        witnesses=(plans.Check('power of %s is off' % host, status, _OFF),
                   target.alive(False)),
        revert=(command(driver.on),))
