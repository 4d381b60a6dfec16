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

from tempest import config
from tempest.lib import decorators

from self_healing_tempest_plugin.chain import matchers
from self_healing_tempest_plugin.tests.scenario import base

CONF = config.CONF


@decorators.serial
class HostCrashTest(base.SelfHealingTest):
    """The application on a crashed host comes back on another one."""

    @classmethod
    def skip_checks(cls):
        super().skip_checks()
        if not CONF.self_healing_feature_enabled.host_crash:
            raise cls.skipException(
                '[self_healing_feature_enabled] host_crash is false')

    @decorators.idempotent_id('cf4ead97-95b0-47df-8b13-33e8d2e311c6')
    @decorators.attr(type=['slow', 'multinode'])
    def test_host_crash(self):
        """The application is healed, by this chain.

        1. Deploy an application that answers at an address.
        2. Plan to take the power from its host, if that is allowed.
        3. Expect alarm, deduced alarm, workflow, stack and application.
        4. When all is fit for it, crash the host, watch, give the power back.
        5. Judge what was seen.
        6. Check that the host is as before and the old server is gone.
        """
        self.deploy()
        crash = self.plan_host_crash()
        expected = self.expect_healing()
        timeline = self.drill(crash, expected)
        self.expectThat(timeline, matchers.healed(expected))
        self.check_clean(timeline, expected)
