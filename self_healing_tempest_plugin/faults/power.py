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

from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import power_drivers
from self_healing_tempest_plugin.faults import targets


def host_crash(target, transports):
    """Plan to take the power from a host.

    There is no timer: nothing runs on a host without power.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`, not used
    :returns: :class:`.plans.Plan`
    """
    host = target.host
    driver = power_drivers.of(
        targets.needed(target.settings.power, 'host_power_off_command'),
        target)
    return plans.Plan(
        id=plans.new_id(), kind='host-crash', host=host,
        description='host %s without power' % host,
        look_at='%s and host_witness_port in [self_healing], and the address '
                'of host %s' % (driver.look_at, host),
        checks=(driver.on('host %s has power' % host), target.alive()),
        inject=(driver.take,),
        witnesses=(driver.off('power of %s is off' % host),
                   target.alive(False)),
        revert=(driver.give,))
