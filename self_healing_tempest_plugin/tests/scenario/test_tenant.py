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

"""Applications of a plain member, healed by the member's own stack."""

from tempest.lib import decorators

from self_healing_tempest_plugin.tests.scenario import base


@decorators.serial
class TenantHostCrashTest(base.MemberTest):
    """The application of a plain member survives its host."""

    feature = 'tenant_host_crash'

    @decorators.idempotent_id('268431ca-7c12-4009-8370-1e3b720b20b0')
    @decorators.attr(type=['slow', 'multinode'])
    def test_tenant_host_crash(self):
        """The member's application is healed, by stock services.

        1. Deploy an application in a project of its own, as a plain member.
        2. Plan to take the power from its host, if that is allowed.
        3. Expect alarm, deduction, event alarm, message, workflow, stack and
           application.
        4. Crash the host, watch, give the power back.
        5. The host is as before, and nothing is left of the old server.
        """
        self.deploy()
        fault = self.plan()
        self.drill(fault)


@decorators.serial
class TenantHostIsolatedTest(base.MemberTest):
    """The application of a plain member survives its host's isolation."""

    feature = 'tenant_host_isolated'

    @decorators.idempotent_id('32a4dcbd-eae6-403b-bc7a-27667ee0142a')
    @decorators.attr(type=['slow', 'multinode'])
    def test_tenant_host_isolated(self):
        """The member's application is healed, and the old one is dead.

        1. Deploy an application in a project of its own, as a plain member.
        2. Plan to cut its host off from both networks, if that is allowed.
        3. Expect alarm, deduction, event alarm, message, workflow, stack and
           application.
        4. Cut the host off, watch, let its timer bring it back.
        5. The host is as before, and nothing is left of the old server.
        """
        self.deploy()
        fault = self.plan()
        self.drill(fault)


@decorators.serial
class TenantSecondFailureTest(base.MemberTest):
    """What was healed once is healed again."""

    feature = 'tenant_second_failure'

    @decorators.idempotent_id('59902753-d05a-44b0-a248-c66d77b2b7e3')
    @decorators.attr(type=['slow', 'multinode'])
    def test_tenant_second_failure(self):
        """The application is healed, and healed again at once.

        1. Deploy an application in a project of its own, as a plain member.
        2. Plan to take the power from its host, if that is allowed.
        3. Expect alarm, deduction, event alarm, message, workflow, stack and
           application.
        4. Crash the host, watch, give the power back.
        5. The stack has another server; the same once more with its host.
           The event alarms have fired already, and fire again.
        """
        self.deploy()
        self.drill(self.plan())
        self.assert_other_server()
        self.again()
        self.drill(self.plan())
        self.assert_other_server()


@decorators.serial
class TenantUnhealedTest(base.MemberTest):
    """A queue that nobody listens to heals nothing."""

    feature = 'tenant_unhealed'

    @decorators.idempotent_id('52d635ba-9830-42bd-86ba-a7380312ab5c')
    @decorators.attr(type=['slow', 'multinode'])
    def test_tenant_unhealed(self):
        """The message is in the queue, and nothing follows.

        1. Deploy the application without its trigger, as a plain member.
        2. Plan to take the power from its host, if that is allowed.
        3. Expect alarm, deduction, event alarm and message, and nothing else.
        4. Crash the host, watch for the quiet time, give the power back.
        5. The server of the stack is the one of before.
        """
        self.deploy()
        fault = self.plan()
        self.drill(fault)
        self.assert_same_server()


@decorators.serial
class GuestKilledTest(base.MemberTest):
    """A guest that dies on a host that lives is replaced."""

    feature = 'guest_killed'

    @decorators.idempotent_id('b6011e0d-740d-4b6f-b665-b1407543c8da')
    @decorators.attr(type=['slow'])
    def test_guest_killed(self):
        """The application is healed, though no host is down.

        1. Deploy an application in a project of its own, as a plain member.
        2. Plan to kill the guest of its server, if that is allowed.
        3. Expect event alarm, message, workflow, stack and application.
        4. Kill it, and watch.
        5. Nothing is left of the old server.
        """
        self.deploy()
        fault = self.plan()
        self.drill(fault)


@decorators.serial
class ServerDeletedTest(base.MemberTest):
    """A server that is deleted behind the back of its stack is replaced."""

    feature = 'server_deleted'

    @decorators.idempotent_id('c0664d98-a5ef-426d-bf12-beb7a6a1188b')
    @decorators.attr(type=['slow'])
    def test_server_deleted(self):
        """The application is healed, by another server.

        1. Deploy an application in a project of its own, as a plain member.
        2. Plan to delete its server, if that is allowed.
        3. Expect event alarm, message, workflow, stack and application.
        4. Delete it, and watch.
        """
        self.deploy()
        fault = self.plan()
        self.drill(fault)


@decorators.serial
class ServerStoppedTest(base.MemberTest):
    """A server that is stopped is replaced."""

    feature = 'server_stopped'

    @decorators.idempotent_id('5de14cc7-1885-414b-811b-de7d35f0b840')
    @decorators.attr(type=['slow'])
    def test_server_stopped(self):
        """The application is healed, by another server.

        1. Deploy an application in a project of its own, as a plain member.
        2. Plan to stop its server, if that is allowed.
        3. Expect event alarm, message, workflow, stack and application.
        4. Stop it, and watch.
        5. Nothing is left of the old server.
        """
        self.deploy()
        fault = self.plan()
        self.drill(fault)
