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

"""An alarm that no fault stands behind, where no host may be broken."""

from tempest.lib import decorators

from self_healing_tempest_plugin.tests.scenario import base


@decorators.serial
class SyntheticAlarmTest(base.SelfHealingTest):
    """Vitrage is told that a host is dead which lives.

    A guest of such a host would live on beside its successor, and have its
    address. So this is for clouds whose hosts run none.
    """

    feature = 'synthetic_alarm'

    @decorators.idempotent_id('d0a7c1de-5b2f-4c6b-9e38-7f64a2b1c905')
    @decorators.attr(type='slow')
    def test_synthetic_alarm(self):
        """The stack gets another server, for an alarm of our own.

        1. Create a stack of one server, which nobody can ask.
        2. Plan an alarm on its host, as the monitor would raise it.
        3. Expect alarm, deduced alarm, workflow, and another server in the
           stack, on another host.
        4. Raise the alarm, watch, clear it.
        5. The host is as before, and nothing is left of the old server.
        """
        self.deploy()
        alarm = self.plan()
        self.drill(alarm)
        self.assert_other_server()


@decorators.serial
class TenantSyntheticAlarmTest(base.MemberTest):
    """Vitrage is told the same of the host of a plain member's server."""

    feature = 'tenant_synthetic_alarm'

    @decorators.idempotent_id('fbcc65a4-e802-431d-ae30-31dfb73ce0fc')
    @decorators.attr(type='slow')
    def test_tenant_synthetic_alarm(self):
        """The member's stack gets another server, for an alarm of our own.

        1. Create a stack of one server in a project of its own, as a plain
           member; nobody can ask that server.
        2. Plan an alarm on its host, as the monitor would raise it.
        3. Expect alarm, deduced alarm, event alarm, message, workflow, and
           another server in the stack, on another host.
        4. Raise the alarm, watch, clear it.
        5. The host is as before, and nothing is left of the old server.
        """
        self.deploy()
        alarm = self.plan()
        self.drill(alarm)
        self.assert_other_server()
