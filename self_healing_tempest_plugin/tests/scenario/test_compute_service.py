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

"""nova-compute is gone, its guests are not."""

from tempest.lib import decorators

from self_healing_tempest_plugin.tests.scenario import base


@decorators.serial
class ComputeServiceStoppedTest(base.SelfHealingTest):
    """A repair here replaces an application that works."""

    feature = 'compute_service_stopped'

    @decorators.idempotent_id('ebe97df4-3f26-44da-97e6-976af3f3985c')
    @decorators.attr(type='slow')
    def test_compute_service_stopped(self):
        """Nothing is healed while Nova misses the host.

        1. Deploy an application that answers at an address.
        2. Plan to stop nova-compute on its host, if that is allowed.
        3. Expect nothing: no alarm, nothing deduced, nothing healed.
        4. Stop it, watch for the quiet time, start it.
        5. Nova saw it down, and the same guest answers all the same.
        """
        self.deploy()
        stop = self.plan()
        self.drill(stop)
        self.assert_compute_service()
        self.assert_same_server()


@decorators.serial
class ComputeServiceFrozenTest(base.SelfHealingTest):
    """A process that hangs is as good as one that is gone."""

    feature = 'compute_service_frozen'

    @decorators.idempotent_id('599a271a-36a7-4cfb-ac38-aedf07ea6d29')
    @decorators.attr(type='slow')
    def test_compute_service_frozen(self):
        """Nothing is healed while nova-compute hangs.

        1. Deploy an application that answers at an address.
        2. Plan to freeze nova-compute on its host, if that is allowed.
        3. Expect nothing: no alarm, nothing deduced, nothing healed.
        4. Freeze it, watch for the quiet time, let it go on.
        5. Nova saw it down, and the same guest answers all the same.
        """
        self.deploy()
        freeze = self.plan()
        self.drill(freeze)
        self.assert_compute_service()
        self.assert_same_server()
