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

"""An application that two chains heal at once."""

from tempest.lib import decorators

from self_healing_tempest_plugin.tests.scenario import base


@decorators.serial
class BothWaysTest(base.SelfHealingTest):
    """An application that is wired both ways is healed once."""

    feature = 'both_ways'

    @decorators.idempotent_id('e0fccea5-e0fc-42e6-852a-393a898aa096')
    @decorators.attr(type=['slow', 'multinode'])
    def test_both_ways(self):
        """Vitrage and Aodh both start a workflow; one of them heals.

        1. Deploy an application with a rule in Vitrage, and with event alarms
           and a queue.
        2. Plan to take the power from its host, if that is allowed.
        3. Expect alarm, deduction, an execution of either workflow, stack and
           application.
        4. Crash the host, watch, give the power back.
        5. The stack has another server, and has had no third one.
        """
        self.deploy()
        fault = self.plan()
        self.drill(fault)
        self.assert_replaced_once()
