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

"""A compute host loses the NIC that its guests are reached by."""

from tempest.lib import decorators

from self_healing_tempest_plugin.tests.scenario import base


@decorators.serial
class DataNicDownTest(base.SelfHealingTest):
    """The host is fine, its guests are out of reach."""

    feature = 'data_nic_down'

    @decorators.idempotent_id('0887736d-c7be-4f3c-9e33-f8b8bcdb8b96')
    @decorators.attr(type=['slow', 'multinode'])
    def test_data_nic_down(self):
        """The application is healed; the host itself stays up in Nova.

        1. Deploy an application that answers at an address.
        2. Plan to take down the data NIC of its host, if that is allowed.
        3. Expect alarm, deduced alarm, workflow, stack and application.
        4. Take the NIC down, watch, bring it up.
        5. Nova saw the host up all the time, and nothing is left of the old
           server.
        """
        self.deploy()
        outage = self.plan()
        self.drill(outage)
        self.assert_compute_service()


@decorators.serial
class DataNicBlipTest(base.SelfHealingTest):
    """A blip that is over before the monitor minds sets nothing off."""

    feature = 'data_nic_blip'

    @decorators.idempotent_id('aba6eed5-7607-4456-a375-c9659c3a1832')
    @decorators.attr(type='slow')
    def test_data_nic_blip(self):
        """Nothing is healed, and the guest of before answers.

        1. Deploy an application that answers at an address.
        2. Plan to take down the data NIC of its host for a moment that is
           shorter than the monitor's patience.
        3. Expect nothing: no alarm, nothing deduced, nothing healed.
        4. Let the NIC blink and watch for the quiet time.
        5. The same guest answers, in the same server.
        """
        self.deploy()
        blip = self.plan()
        self.drill(blip)
        self.assert_same_server()
