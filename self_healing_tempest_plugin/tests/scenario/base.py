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

import contextlib
import functools
import inspect

import fixtures
from oslo_log import log
from tempest import clients as tempest_clients
from tempest.common import credentials_factory
from tempest import config as tempest_config
from tempest.lib.common import api_microversion_fixture
from tempest import test
from testtools import content

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.chain import clocks
from self_healing_tempest_plugin.chain import expectation
from self_healing_tempest_plugin.chain import links
from self_healing_tempest_plugin.chain import matchers
from self_healing_tempest_plugin.chain import timeline
from self_healing_tempest_plugin.chain import watch
from self_healing_tempest_plugin.chain import watchers
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin import diagnosis
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import guests
from self_healing_tempest_plugin.faults import journal
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import life
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin import report
from self_healing_tempest_plugin.report import live
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin.tests import discreet
from self_healing_tempest_plugin import waiting

CONF = tempest_config.CONF
LOG = log.getLogger(__name__)

# Seconds between two requests to the application: the outage is known as
# well, and an old guest that answers among the others is seen.
PROBE_INTERVAL = 0.1

# Seconds in which a service has to say what it is asked when all is over.
PATIENCE = 15.0

# Good answers before the fault, half a second's worth: what is seen of an
# outage begins with the last of them.
ANSWERS_BEFORE = 5


class SelfHealingTest(discreet.Discreet, test.BaseTestCase):
    """One application, one fault, one expectation.

    It works in the configured admin project, because Vitrage starts the
    healing there; so no credentials are made for it.

    :cvar feature: option of [self_healing_feature_enabled] that the tests
        of the class need
    :cvar kind: name of their fault, one of :data:`..faults.kinds.KINDS`
    :cvar nic_alarm: whether the monitor's alarm is the one on data NICs
    :cvar guests: whether servers have guests, which answer, and live on
        where their host does
    """

    credentials = []
    feature = None
    kind = None
    nic_alarm = False
    guests = True

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
        cls.settings = config.settings(CONF)
        cls.monitor = monitors.MONITORS[cls.settings.monitor]
        cls.alarm = (cls.settings.nic_alarm if cls.nic_alarm
                     else cls.settings.host_alarm)
        cls.transports = transports.Transports(cls.settings.access)
        cls.journal = journal.Journal(cls.settings.state_dir)
        manager = tempest_clients.Manager(
            credentials_factory.get_configured_admin_credentials(
                identity_version='v3'))
        cls.clients = clients.Clients(cls.settings.cloud, manager)

    def setUp(self):
        super().setUp()
        self.useFixture(api_microversion_fixture.APIMicroversionFixture(
            compute_microversion=nova.COMPUTE_MICROVERSION))
        self.recorder = timeline.Recorder()
        self.timekeeper = clocks.Timekeeper(
            {**self.clients.dates(), **diagnosis.dates(self.settings)},
            self.recorder)
        self.addCleanup(self.timekeeper.stop)
        self.compute_service = self.diagnosis = None
        # Every target of a fault takes the addresses of all fault hosts.
        self.address_of = functools.cache(self.clients.nova.host_address)
        self._hold_journal()
        self._refuse_unfit_hosts()

    def deploy(self, healing=True):
        """Create the application with its templates, and see it answer.

        :param healing: whether with the rule that starts the healing
        """
        self.timekeeper.measure()
        self.template = self.useFixture(application.DeductionTemplate(
            self.clients, self.settings, self.monitor.datasource,
            self.alarm, self.journal))
        if self.template.problem:
            self.recorder.remark('template', self.template.problem)
        self.app = self.useFixture(application.Application(
            self.clients, self.settings, healing, answers=self.guests,
            journal=self.journal, transports=self.transports,
            left=self._left if self.guests else None))
        self.readiness = readiness.Readiness(
            self.clients, self.settings, self.monitor.datasource, self.app)
        self.host, self.server = self.readiness.wait_in_graph()

    def plan(self):
        """Return the fault of the application's host, if it is allowed.

        :returns: :class:`..faults.plan.Plan`
        :raises ..faults.gates.FaultRefused: when it is not
        """
        self._ask_gates(self.app.host)
        return self._plan(self.app.host)

    def expect(self, plan, steps=expectation.STEPS, alive=False):
        """Return what a fault should do to the application.

        :param plan: :class:`..faults.plan.Plan`
        :param steps: what must come; nothing else may, but healing is all
        :param alive: whether the guest must live through it
        :returns: :class:`..chain.expectation.Expectation`
        """
        times, app = self.settings.timeouts, self.app
        return expectation.Expectation(
            fault=plan.description, fault_look_at=plan.look_at,
            steps=steps, quiet=times.quiet, alive=alive,
            max_executions=self.settings.max_executions,
            host=app.host, server_id=app.server_id, boot=app.boot,
            stack_id=app.stack.id, workflow=app.workflow, url=app.url,
            host_alarm=self.alarm.name,
            deduced_alarm=self.settings.deduced_alarm_name,
            monitor_look_at=self.monitor.look_at,
            timeouts={links.Link.FAULT: times.witness,
                      links.Link.ALARM: times.alarm,
                      links.Link.DEDUCTION: times.deduction,
                      links.Link.WORKFLOW: times.workflow,
                      links.Link.STACK: times.stack,
                      links.Link.APPLICATION: times.application})

    def drill(self, plan, expected):
        """Inject a fault, watch until the verdict is sure, take it back.

        Nothing is injected where the cloud is not fit for it. The answers of
        the application are watched until nothing is left of the fault. What
        was seen is published, and is as expected, or the test fails.

        :param plan: :class:`..faults.plan.Plan`
        :param expected: :class:`..chain.expectation.Expectation`
        """
        try:
            self.timekeeper.wait()
            around = self._surroundings()
            if self._ready(plan):
                with self._watch() as chain:
                    if (self._calm(expected)
                            and self._break(plan, expected, chain, around)):
                        self._see_clean(expected)
            if self.diagnosis is None:
                self._diagnose(expected, around)
        except BaseException as error:
            self.recorder.end(watch.reason(error))
            raise
        finally:
            with self._afterwards('the clocks'):
                self.timekeeper.wait()
            # Whatever else is wrong, the verdict is told, too.
            self.expectThat(self.recorder.timeline(),
                            matchers.as_expected(expected, self.diagnosis))
            self._publish(expected)

    def current_server_id(self):
        """Return the server that the stack has now."""
        return watchers.server_of(self.clients.heat.resources(
            self.app.stack.identifier))

    def assert_compute_service(self, state):
        """Fail where Nova saw the host in another state during the fault.

        :param state: ``up`` or ``down``
        """
        seen = self.compute_service
        if seen is None:
            # Nova did not say, see the remarks; that is no fault of it.
            return
        self.assertEqual((state, False), (seen['state'], seen['forced_down']),
                         "nova-compute's state and forced_down on host %s "
                         'during the fault' % seen['host'])

    def _hold_journal(self):
        """Be the only run, until all that this one has made is gone."""
        held = contextlib.ExitStack()
        held.enter_context(self.journal.held())
        self.addCleanup(held.close)
        self.journal.refuse_open()

    def _refuse_unfit_hosts(self):
        """Refuse what cannot be done before anything is created.

        The application may come to be on any of the hosts.
        """
        hosts = self.settings.fault_hosts
        if not hosts:
            raise gates.FaultRefused('[self_healing] fault_hosts is empty')
        for host in hosts:
            try:
                unmet = life.unmet(self._plan(host), self.transports)
            except commands.CommandFailed as error:
                unmet = (str(error),)
            if unmet:
                raise gates.FaultRefused('host %s in [self_healing] '
                                         'fault_hosts is not fit: %s'
                                         % (host, '; '.join(unmet)))

    def _ask_gates(self, host):
        nova = self.clients.nova
        gates.check(host, nova.servers_on(host), nova.services(),
                    self.clients.project_id, self.settings)

    def _plan(self, host):
        return kinds.KINDS[self.kind](self._target(host), self.transports)

    def _target(self, host):
        return targets.target(host, self.settings, self.address_of)

    def _answers_before(self, expected):
        """See the application answer, or record that it does not."""
        try:
            waiting.wait_for(
                lambda: sum(probe.ok for probe
                            in self.recorder.timeline().probes),
                lambda good: good >= ANSWERS_BEFORE,
                what='%d good answers of the application at %s before the '
                     'fault' % (ANSWERS_BEFORE, expected.url),
                timeout=self.settings.timeouts.application,
                interval=PROBE_INTERVAL)
        except waiting.WaitTimeout as timeout:
            self.recorder.unmet(str(timeout))
            return False
        return True

    def _calm(self, expected):
        """Return whether the application answers, and nothing else is seen.

        What came before the fault would be taken for an effect of it.
        """
        if self.guests and not self._answers_before(expected):
            return False
        early = self.recorder.timeline().evidence
        for seen in early:
            self.recorder.unmet('%s %s came before the fault' % (
                seen.link.label, seen.object_id))
        return not early

    def _break(self, plan, expected, chain, around):
        """Drill, and return whether anything was broken."""
        try:
            with life.injected(plan, self.journal, self.transports,
                               self.settings.timeouts, self.recorder,
                               gate=lambda: self._look_last(plan, expected)):
                with live.Progress(expected) as progress:
                    chain.until_over(expected, progress)
                self._look_around(expected, around)
        except gates.NotReady:
            return False
        return True

    def _look_last(self, plan, expected):
        """Refuse a fault right before it, where something has come up.

        :raises ..faults.gates.FaultRefused: when it is not allowed any more
        :raises ..faults.gates.NotReady: when it would prove nothing
        """
        for one in self.readiness.unmet(self.host):
            self.recorder.unmet(one)
        self._calm(expected)
        unmet = self.recorder.timeline().unmet
        if unmet:
            raise gates.NotReady('; '.join(unmet))
        self._ask_gates(plan.host)

    def _look_around(self, expected, around):
        """Ask what else is worth knowing; the verdict is sure without it."""
        with self._afterwards('the clocks'):
            self.timekeeper.measure()
        with self._afterwards('nova-compute during the fault'):
            # As it is during the fault; the caller knows what it should be.
            self.compute_service = asking.ask({'Nova': asking.Question(
                'Nova', lambda: self._patiently(
                    'nova-compute on host %s' % expected.host,
                    lambda: self.clients.nova.compute_service(
                        expected.host)))}, 2 * PATIENCE)['Nova']
        with self._afterwards('the details'):
            # What a bisect sets off is no detail of this run.
            diagnosis.collect(self.recorder, expected, around)
        self._diagnose(expected, around)

    @contextlib.contextmanager
    def _afterwards(self, what):
        """Note what fails when the verdict is sure, and go on."""
        try:
            yield
        except fixtures.TimeoutException:
            raise
        except Exception as error:
            LOG.exception('Asking for %s failed', what)
            self.recorder.remark(('afterwards', what), '%s: unknown, %s' % (
                what, watch.reason(error)))

    def _patiently(self, what, ask):
        """Ask until a service answers at all, and return its answer."""
        return waiting.wait_for(
            lambda: (ask(),), what=what, timeout=PATIENCE,
            tolerate=errors.ServiceUnavailable)[0]

    def _see_clean(self, expected):
        """Wait until host and graph are as before the fault."""
        self.readiness.wait_host_back(self.host)
        if self._patiently('server %s' % expected.server_id,
                           lambda: self._deleted(expected.server_id)):
            self.readiness.wait_server_gone(expected.server_id)
            if self.guests:
                self._see_guest_gone(expected)

    def _see_guest_gone(self, expected):
        guests.wait_gone(expected.server_id, self._target(expected.host),
                         self.transports)
        waiting.pause(self.settings.timeouts.return_watch)

    def _deleted(self, server_id):
        """Return whether a server is deleted, or about to be.

        That is for Nova to say. Heat may be what is broken, and a stack whose
        update has failed has a new server and keeps the old one.
        """
        found = self.clients.nova.server(server_id)
        return found is None or found['OS-EXT-STS:task_state'] == 'deleting'

    def _left(self, server_id, host):
        """Return what the server's deletion may leave on a broken host."""
        return guests.left(server_id, self.clients.nova.ports(server_id),
                           self._target(host))

    def _diagnose(self, expected, around):
        with self._afterwards('the diagnosis'):
            self.diagnosis = diagnosis.diagnose(
                self.recorder.timeline(), expected, around)

    def _surroundings(self):
        return diagnosis.Surroundings(
            self.clients, self.settings, self.monitor, self.alarm, self.app,
            self.host, self.server, template=self.template.uuid,
            sent_before=diagnosis.sent(self.settings), journal=self.journal,
            transports=self.transports)

    def _ready(self, plan):
        """Record what makes the run invalid; return whether nothing does."""
        unmet = (*self.readiness.unmet(self.host),
                 *life.unmet(plan, self.transports))
        for one in unmet:
            self.recorder.unmet(one)
        return not unmet

    def _watch(self):
        """Return a watch on all links of the chain, not yet started."""
        cloud, app = self.clients, self.app
        # Each asks first what was there before the fault.
        chain = waiting.side_by_side(
            lambda: watchers.AlarmWatcher(
                cloud.vitrage, self.host, self.monitor.datasource,
                self.alarm.name),
            lambda: watchers.DeductionWatcher(
                cloud.vitrage, self.server, self.settings.deduced_alarm_name),
            lambda: watchers.WorkflowWatcher(
                cloud.mistral, app.workflow, app.server_id, app.stack.id),
            lambda: watchers.StackWatcher(
                cloud.heat, cloud.nova, app.stack, app.server_id))
        if self.guests:
            chain.append(watchers.ApplicationWatcher(app, app.boot,
                                                     cloud.nova))
        return watch.Watch(chain, self.recorder,
                           self.settings.timeouts.poll_interval,
                           PROBE_INTERVAL, patience=max(
                               watch.PATIENCE,
                               2 * self.settings.cloud.request_timeout))

    def _publish(self, expected):
        """Tell what was seen in every way that works."""
        seen = self.recorder.timeline()
        name = self.id().rsplit('.', 1)[-1].split('[')[0]
        story = _story(getattr(self, self._testMethodName))
        with self._afterwards('the table'):
            table = report.text(seen, expected, self.diagnosis)
            LOG.info('%s\n%s', self.id(), table)
            self.addDetail('timeline.txt', content.text_content(table))
        with self._afterwards('the document'):
            self.addDetail('timeline.json', content.text_content(
                report.dumps(seen, expected, self.diagnosis, name, story)))
        try:
            report.save(self.settings.artifacts_dir, name, seen, expected,
                        self.diagnosis, story)
        except Exception as error:
            LOG.exception('The artifacts of this run are not complete')
            self.addDetail('artifacts', content.text_content(
                'Not all of this run is in [self_healing] artifacts_dir %s: '
                '%s' % (self.settings.artifacts_dir, watch.reason(error))))


def _story(test):
    """Return the first line of a test's docstring.

    Tempest writes the idempotent id above it.
    """
    return next((line for line in inspect.getdoc(test).splitlines()
                 if line and not line.startswith('Test idempotent id')), '')
