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

"""A compute host loses its power."""

from tempest.lib import decorators

from self_healing_tempest_plugin.tests.scenario import base


@decorators.serial
class HostCrashTest(base.SelfHealingTest):
    """The application on a crashed host comes back on another one."""

    feature = 'host_crash'

    @decorators.idempotent_id('cf4ead97-95b0-47df-8b13-33e8d2e311c6')
    @decorators.attr(type=['slow', 'multinode'])
    def test_host_crash(self):
        """The application is healed, by this chain.

        1. Deploy an application that answers at an address.
        2. Plan to take the power from its host, if that is allowed.
        3. Expect alarm, deduced alarm, workflow, stack and application.
        4. Crash the host, watch, give the power back.
        5. The host is as before, and nothing is left of the old server.
        """
        self.deploy()
        crash = self.plan()
        self.drill(crash)


@decorators.serial
class UnhealedHostCrashTest(base.SelfHealingTest):
    """Without the healing rule nobody touches the server."""

    feature = 'unhealed_host_crash'

    @decorators.idempotent_id('c7ba9e4b-2e3f-4915-8453-2f5c6190c3c4')
    @decorators.attr(type=['slow', 'multinode'])
    def test_unhealed_host_crash(self):
        """The server is deduced to be down, and stays what it is.

        1. Deploy the application without the rule that starts its healing.
        2. Plan to take the power from its host, if that is allowed.
        3. Expect alarm and deduced alarm, and that nothing follows.
        4. Crash the host, watch for the quiet time, give the power back.
        5. The server of the stack is the one of before.
        """
        self.deploy()
        crash = self.plan()
        self.drill(crash)
        self.assert_same_server()
