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

"""A compute host lives, and is cut off."""

from tempest.lib import decorators

from self_healing_tempest_plugin.tests.scenario import base


@decorators.serial
class HostIsolatedTest(base.SelfHealingTest):
    """A host without a network is as good as dead, until it returns."""

    feature = 'host_isolated'

    @decorators.idempotent_id('5a41f8dd-c53d-4515-b5ff-1f3513dc3d23')
    @decorators.attr(type=['slow', 'multinode'])
    def test_host_isolated(self):
        """The application is healed, and its old guest never answers again.

        1. Deploy an application that answers at an address.
        2. Plan to take down both NICs of its host, if that is allowed.
        3. Expect alarm, deduced alarm, workflow, stack and application.
        4. Isolate the host and watch; its own timer brings it back.
        5. Its old guest must not answer at the address of the new one.
        """
        self.deploy()
        isolation = self.plan()
        self.drill(isolation)


@decorators.serial
class ManagementNicDownTest(base.SelfHealingTest):
    """The control plane misses a host whose guests all can reach."""

    feature = 'management_nic_down'

    @decorators.idempotent_id('d538878d-8d5e-4d11-a529-2ec4acd58e65')
    @decorators.attr(type=['slow', 'multinode'])
    def test_management_nic_down(self):
        """The application is healed, and its old guest is not in the way.

        1. Deploy an application that answers at an address.
        2. Plan to take down the management NIC of its host, which also
           carries SSH, if that is allowed.
        3. Expect alarm, deduced alarm, workflow, stack and application.
        4. Take it down and watch; the host's own timer brings it back.
        5. From the first answer of the new guest on, the old one, which
           has lived all the time, must not answer.
        """
        self.deploy()
        outage = self.plan()
        self.drill(outage)


@decorators.serial
class PacketsDroppedTest(base.SelfHealingTest):
    """No packet passes between a host and the control plane."""

    feature = 'packets_dropped'

    @decorators.idempotent_id('02b9bbaa-48a9-4e65-8f14-bebfc0b4e54d')
    @decorators.attr(type=['slow', 'multinode'])
    def test_packets_dropped(self):
        """The application is healed, and its old guest is not in the way.

        1. Deploy an application that answers at an address.
        2. Plan to drop what its host and the control plane send each other.
        3. Expect alarm, deduced alarm, workflow, stack and application.
        4. Drop the packets, watch, let them pass again.
        5. From the first answer of the new guest on, the old one, which
           has lived all the time, must not answer.
        """
        self.deploy()
        partition = self.plan()
        self.drill(partition)
