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

"""What the scenarios share: when they are skipped, clients, and the drill."""

import inspect

from tempest import clients as tempest_clients
from tempest.common import credentials_factory
from tempest import config as tempest_config
from tempest.lib.common import api_microversion_fixture
from tempest import test

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin import drill
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.links import surroundings
from self_healing_tempest_plugin import matchers
from self_healing_tempest_plugin import members
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin import projects
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin.services import rabbitmq
from self_healing_tempest_plugin import sharing
from self_healing_tempest_plugin.tests import discreet

CONF = tempest_config.CONF


class SelfHealingTest(discreet.Discreet, test.BaseTestCase):
    """One scenario of the table.

    It works in the configured admin project, because Vitrage starts the
    healing there; so no credentials are made for it.

    :cvar feature: which scenario, see :mod:`..scenarios`
    """

    credentials = []
    feature = None

    # Ids of what the class itself has in the journal, and of what is of the
    # members beside its own.
    own = further_own = ()

    # Tempest gives a test 20 minutes; a patient cloud may need more.
    TIMEOUT_SCALING_FACTOR = 5

    @classmethod
    def skip_checks(cls):
        super().skip_checks()
        if not CONF.service_available.self_healing:
            raise cls.skipException(
                '[service_available] self_healing is false')
        for service in ('nova', 'neutron'):
            if not getattr(CONF.service_available, service):
                raise cls.skipException(
                    '[service_available] %s is false' % service)
        if not CONF.self_healing.allow_faults:
            raise cls.skipException('[self_healing] allow_faults is false')
        if not CONF.self_healing_feature_enabled[cls.feature]:
            raise cls.skipException(
                '[self_healing_feature_enabled] %s is false' % cls.feature)

    @classmethod
    def setup_clients(cls):
        super().setup_clients()
        cls.settings = config.settings(CONF).of(cls.feature)
        cls.scenario, = scenarios.of((cls.feature,))
        administrator = _administrator(cls.settings.cloud)
        cls.around = surroundings.Surroundings(
            clients=administrator, owner=cls.owner(administrator),
            settings=cls.settings,
            monitor=monitors.of(cls.settings),
            bus=rabbitmq.of(cls.settings),
            alarm=(cls.settings.nic_alarm if cls.scenario.nic_alarm
                   else cls.settings.host_alarm),
            journal=journals.Journal(cls.settings.state_dir),
            transports=transports.Transports(cls.settings.access))
        cls.further = () if not cls.scenario.several else tuple(
            cls.further_owner(administrator, number)
            for number in range(1, cls.settings.applications))

    @classmethod
    def further_owner(cls, administrator, number):
        """Return the clients of the project of a further application.

        :param administrator: :class:`..services.clients.Clients`
        :param number: which one, from 1
        """
        return cls.owner(administrator)

    @classmethod
    def owner(cls, administrator):
        """Return the clients of the project that gets the application.

        :param administrator: :class:`..services.clients.Clients`
        """
        return administrator

    def setUp(self):
        super().setUp()
        self.useFixture(api_microversion_fixture.APIMicroversionFixture(
            compute_microversion=nova.COMPUTE_MICROVERSION))
        self._drill = self.useFixture(drill.Drill(
            self.scenario, self.around,
            self.id().rsplit('.', 1)[-1].split('[')[0],
            _story(getattr(self, self._testMethodName)),
            (*self.own, *self.further_own),
            sharing.SHELF, owners=self.further))
        self._drill.reserve()

    def deploy(self):
        """Create the application with its wiring, and see it answer."""
        self._drill.deploy()

    def again(self):
        """Have another drill of the application, as it is by now."""
        self._drill = self.useFixture(self._drill.again())
        self._drill.adopt()

    def plan(self):
        """Return the fault of the application's host, if it is allowed.

        :returns: :class:`..faults.plans.Plan`
        :raises ..faults.gates.FaultRefused: when it is not
        """
        return self._drill.plan()

    def expect(self, plan):
        """Return what a fault should do to each application.

        :param plan: :class:`..faults.plans.Plan`
        :returns: tuple of :class:`..model.expectations.Expectation`
        """
        return self._drill.expect(plan)

    def drill(self, plan):
        """Inject a fault, watch until the verdict is sure, take it back.

        Each timeline is as expected, or the test fails.

        :param plan: :class:`..faults.plans.Plan`
        """
        expected = self.expect(plan)
        try:
            self._drill.run(plan, expected)
        finally:
            for name, detail in self._drill.getDetails().items():
                self.addDetailUniqueName(name, detail)
            # Whatever error there is beside it, each verdict is told, too.
            for one, wanted in zip(self._drill.subjects, expected):
                self.expectThat(
                    one.recorder.timeline(),
                    matchers.as_expected(wanted, one.diagnosis))

    def assert_same_server(self):
        """Fail unless the stack still has the server of before."""
        self.assertEqual(self._drill.app.server_id,
                         self._drill.current_server_id())

    def assert_other_server(self):
        """Fail unless the stack has another server than before."""
        self.assertNotEqual(self._drill.app.server_id,
                            self._drill.current_server_id())

    def assert_replaced_once(self):
        """Fail unless the stack has had two servers, and no more."""
        servers = self._drill.servers()
        self.assertEqual(2, len(servers), 'the stack has had the servers %s'
                         % ', '.join(servers))

    def assert_compute_service(self):
        """Fail where Nova saw the host in a wrong state during the fault."""
        seen = self._drill.compute_service
        if seen is None:
            # Nova did not say, see the remarks; that is no fault of it.
            return
        self.assertEqual(
            (self.scenario.compute_service, False),
            (seen['state'], seen['forced_down']),
            "nova-compute's state and forced_down on host %s during the fault"
            % seen['host'])


class MemberTest(SelfHealingTest):
    """A scenario in which a plain member of another project is healed.

    Tempest gives the member; what it makes for that is deleted with the last
    application, and by ``self-healing-tempest revert`` when it is killed.
    """

    credentials = ['primary']

    # Whether the shelf, and not this class, deletes what was made for it.
    _kept = False

    @classmethod
    def setup_credentials(cls):
        if sharing.SHELF.owner is not None:
            cls.credentials = []
            super().setup_credentials()
            cls.os_primary, cls.own = sharing.SHELF.owner
            cls._kept = True
            return
        with members.named_errors(CONF.auth):
            cls._creds_provider = members.provider(
                '%s-%s' % (cls.__name__, plans.new_id()))
        if CONF.auth.use_dynamic_credentials:
            cls._make()
        else:
            cls._claim()
        cls._kept = sharing.SHELF.keep_owner(
            (cls.os_primary, cls.own), cls.own, cls._let_go)

    @classmethod
    def _make(cls):
        journal = _journal()
        # Whoever takes back what is open would take this one, too.
        with journal.held():
            cls.own = (projects.planned(
                members.made_as(cls._creds_provider.name), journal),)
            cls._claim()
            projects.made(*cls.own, cls.os_primary.credentials, journal)

    @classmethod
    def _claim(cls):
        with members.named_errors(CONF.auth):
            super().setup_credentials()

    @classmethod
    def _get_credentials_provider(cls):
        # Tempest's own has the name of the class, as that of each run has.
        return cls._creds_provider

    @classmethod
    def clear_credentials(cls):
        # The last class is torn down when the shelf is closed already.
        if not cls._kept:
            cls._let_go()

    @classmethod
    def _let_go(cls):
        clear = super().clear_credentials
        for entry_id in cls.own:
            projects.unmade(entry_id, _journal(), clear, lambda: (
                _administrator(config.cloud(CONF))))
        if not cls.own:
            clear()
            if (hasattr(cls, '_creds_provider')
                    and not CONF.auth.use_dynamic_credentials):
                members.unclaim(cls._creds_provider)

    @classmethod
    def owner(cls, administrator):
        """Return the clients of the member."""
        return clients.Clients(cls.settings.cloud, cls.os_primary)

    @classmethod
    def further_owner(cls, administrator, number):
        """Return the clients of another member, in another project."""
        member = members.Another(
            CONF.auth, '%s-%d-%s' % (cls.__name__, number, plans.new_id()),
            _journal(), lambda: administrator)
        cls.addClassResourceCleanup(member.give_back)
        manager = member.given()
        cls.further_own += member.own
        return clients.Clients(cls.settings.cloud, manager)


def _administrator(cloud):
    return clients.Clients(cloud, tempest_clients.Manager(
        credentials_factory.get_configured_admin_credentials(
            identity_version='v3')))


def _journal():
    return journals.Journal(config.settings(CONF).state_dir)


def _story(test):
    """Return the first line of a test's docstring.

    Tempest writes the idempotent id above it.
    """
    return next((line for line in inspect.getdoc(test).splitlines()
                 if line and not line.startswith('Test idempotent id')), '')
