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

"""What the scenarios share: gates, clients, and one drill."""

from oslo_log import log
from tempest import clients as tempest_clients
from tempest.common import credentials_factory
from tempest import config as tempest_config
from tempest.lib.common import api_microversion_fixture
from tempest.lib import exceptions
from tempest import test
from testtools import content

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.chain import expectation
from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin.chain import verdict
from self_healing_tempest_plugin.chain import watch
from self_healing_tempest_plugin.chain import watchers
from self_healing_tempest_plugin import clients
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import life
from self_healing_tempest_plugin.faults import power
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin import report

CONF = tempest_config.CONF
LOG = log.getLogger(__name__)


class SelfHealingTest(test.BaseTestCase):
    """One application, one fault, one expectation.

    It works in the configured admin project, because Vitrage starts the
    healing there; so no credentials are made for it.
    """

    credentials = []

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

    @classmethod
    def setup_clients(cls):
        super().setup_clients()
        cls.settings = config.settings(CONF)
        cls.monitor = monitors.MONITORS[cls.settings.monitor]
        manager = tempest_clients.Manager(
            credentials_factory.get_configured_admin_credentials(
                identity_version='v3'))
        cls.clients = clients.Clients(cls.settings.cloud, manager)

    def setUp(self):
        super().setUp()
        self.useFixture(api_microversion_fixture.APIMicroversionFixture(
            compute_microversion=clients.COMPUTE_MICROVERSION))
        self.recorder = timeline.Recorder()

    def deploy(self):
        """Create the application with its templates, and see it answer."""
        self.useFixture(application.HostTemplate(
            self.clients.vitrage, self.settings, self.monitor.datasource))
        self.app = self.useFixture(
            application.Application(self.clients, self.settings))
        self.readiness = readiness.Readiness(
            self.clients, self.settings, self.monitor.datasource, self.app)
        self.host, self.server = self.readiness.wait_in_graph()

    def plan_host_crash(self):
        """Return the crash of the application's host, if it is allowed."""
        nova, host = self.clients.nova, self.app.host
        gates.check(host, nova.servers_on(host), self.clients.project_id,
                    self.settings.allow_faults, self.settings.fault_hosts)
        address = nova.host_address(host)
        if not address:
            raise exceptions.InvalidConfiguration(
                'Nova knows no address of host %s' % host)
        return power.HostCrash(
            host, address, power.PowerDriver(self.settings.power),
            self.settings.witness_port, self.settings.timeouts)

    def expect_healing(self):
        """Return the expectation that the chain heals the application."""
        times, app = self.settings.timeouts, self.app
        return expectation.Expectation(
            host=app.host, server_id=app.server_id, boot=app.boot,
            stack_id=app.stack.id, workflow=app.workflow, url=app.url,
            host_alarm=self.settings.host_alarm_name,
            deduced_alarm=self.settings.deduced_alarm_name,
            monitor_look_at=self.monitor.look_at,
            timeouts={links.Link.FAULT: times.witness,
                      links.Link.ALARM: times.alarm,
                      links.Link.DEDUCTION: times.deduction,
                      links.Link.WORKFLOW: times.workflow,
                      links.Link.STACK: times.stack,
                      links.Link.APPLICATION: times.application})

    def drill(self, fault, expected):
        """Inject a fault, watch until the verdict is sure, take it back.

        Nothing is injected where the cloud is not fit for it. What was seen
        is published in any case.

        :param fault: e.g. :class:`..faults.power.HostCrash`
        :param expected: :class:`..chain.expectation.Expectation`
        :returns: :class:`..chain.timeline.Timeline`
        """
        try:
            if self._ready(fault):
                with self._watch() as chain, life.injected(
                        fault, self.recorder):
                    chain.until_over(expected)
        finally:
            self._publish(expected)
        return self.recorder.timeline()

    def check_clean(self, timeline, expected):
        """Wait until host and graph are as before the fault.

        :param timeline: :class:`..chain.timeline.Timeline`, judged
        :param expected: :class:`..chain.expectation.Expectation`
        """
        if timeline.transition('injected') is None:
            return
        self.readiness.wait_host_back(self.host)
        judged = verdict.verdict(timeline, expected)
        if judged.kind is verdict.Kind.HEALED:
            self.readiness.wait_server_gone(expected.server_id)

    def _ready(self, fault):
        """Record what makes the run invalid; return whether nothing does."""
        unmet = [*self.readiness.unmet(self.host), fault.check()]
        for one in filter(None, unmet):
            self.recorder.unmet(one)
        return not any(unmet)

    def _watch(self):
        """Return a watch on all links of the chain, not yet started."""
        cloud, app = self.clients, self.app
        chain = (
            watchers.AlarmWatcher(
                cloud.vitrage, self.host, self.monitor.datasource,
                self.settings.host_alarm_name),
            watchers.DeductionWatcher(
                cloud.vitrage, self.server, self.settings.deduced_alarm_name),
            watchers.WorkflowWatcher(
                cloud.mistral, app.workflow, app.server_id),
            watchers.StackWatcher(
                cloud.heat, cloud.nova, app.stack, app.server_id),
            watchers.ApplicationWatcher(app, app.boot),
        )
        return watch.Watch(chain, self.recorder,
                           self.settings.timeouts.poll_interval)

    def _publish(self, expected):
        seen = self.recorder.timeline()
        table = report.text(seen, expected)
        LOG.info('%s\n%s', self.id(), table)
        self.addDetail('timeline.json', content.text_content(
            report.dumps(seen, expected)))
        self.addDetail('timeline.txt', content.text_content(table))
        report.save(self.settings.artifacts_dir,
                    self.id().rsplit('.', 1)[-1].split('[')[0],
                    seen, expected)
