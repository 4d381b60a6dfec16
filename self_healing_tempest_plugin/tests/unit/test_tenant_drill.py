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

"""Drills of a tenant's chains, in this process, from deployment to verdict."""

import contextlib
import dataclasses
import os
import re
from unittest import mock

import fixtures

from self_healing_tempest_plugin.chains import autohealing
from self_healing_tempest_plugin.chains import both
from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin import drill
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import remains
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.links import surroundings
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin import sharing
from self_healing_tempest_plugin import synthetic_alarm
from self_healing_tempest_plugin.tests.unit import diagnosis_samples
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import service_samples
from self_healing_tempest_plugin.tests.unit import test_application
from self_healing_tempest_plugin import waiting

Kind = verdicts.Kind

# Seconds between the fault and what comes of it: more than polls, and what a
# service may show late, so that it is known to be an effect.
DELAY = 3.0


class BreakableCloud(fake_tenant_cloud.FakeTenantCloud):
    """Something happens a while after a file is there, and when it is gone.

    :ivar file: path of that file
    :ivar happens: what happens one second after the other, each called once
    :ivar ends: what happens in the end, called once
    """

    def _setUp(self):
        super()._setUp()
        self.file, self.happens, self.ends = '/none', [], None
        self._happened = 0

    def handle(self, method, path, query, body):
        """Return status, body and headers for a request."""
        with self.lock:
            if self._broken_for() > DELAY + self._happened and (
                    self._happened < len(self.happens)):
                self._happened += 1
                self.happens[self._happened - 1]()
            elif self.ends and self._happened and self._broken_for() < 0:
                ends, self.ends = self.ends, None
                ends()
        return super().handle(method, path, query, body)

    def _broken_for(self):
        if not os.path.exists(self.file):
            return -1.0
        return waiting.CLOCK.wall() - os.path.getmtime(self.file)


class DrillTestCase(test_application.ApplicationTestCase):
    """drill.Drill of an application that a member owns."""

    chain = autohealing.CHAIN

    def setUp(self):
        super().setUp()
        directory = self.useFixture(fixtures.TempDir())
        cloud = self.cloud = self.useFixture(BreakableCloud())
        self.useFixture(fixtures.FakeLogger())
        cloud.file = directory.join('fault')
        cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1',
            'tenant_id': fake_tenant_cloud.TENANT}}
        cloud.stack_resources = fake_tenant_cloud.resources()
        cloud.answer = (fake_cloud.SERVER, 'boot-1')
        cloud.entities = [fake_cloud.host_entity(),
                          fake_cloud.server_entity()]
        cloud.edges = [(fake_cloud.HOST_VID, 'contains',
                        fake_cloud.SERVER_VID)]
        cloud.services = [fake_cloud.compute_service('compute-1'),
                          fake_cloud.compute_service('compute-20')]
        cloud.hypervisors = [
            fake_cloud.hypervisor('compute-1', '192.0.2.11'),
            fake_cloud.hypervisor('compute-20', '192.0.2.12')]
        self.useFixture(fixtures.MockPatchObject(
            remains, 'wait_gone', lambda *args: None))
        self.useFixture(fixtures.MockPatchObject(
            remains, 'left', lambda server_id, ports, target:
                host_samples.file_plan('/no/such', host=target.host,
                                       kind='guest-left', checks=(),
                                       inject=(), witnesses=(), revert=())))
        self.useFixture(fixtures.MockPatchObject(kinds, 'KINDS', {
            'broken': lambda target, ways: host_samples.file_plan(
                cloud.file, host=target.host)}))
        settings = dataclasses.replace(
            self.settings, artifacts_dir=directory.join('artifacts'),
            fault_hosts=('compute-1', 'compute-20'),
            application=dataclasses.replace(
                self.settings.application, port=cloud.port),
            cloud=service_samples.cloud_settings(cloud.url,
                                                 request_timeout=60),
            timeouts=dataclasses.replace(
                self.settings.timeouts, witness=5, host_return=5, template=5,
                graph=5, alarm_cache=0, links={
                    link.name: DELAY + 7 for link in tenant.CHAIN.links}))
        self.options = settings
        self.drill = self.prepared()

    def prepared(self, shelf=None):
        """Return a drill that nothing is asked for yet."""
        cloud, settings = self.cloud, self.options
        return drill.Drill(
            self.scenario(),
            surroundings.Surroundings(
                clients=clients.Clients(settings.cloud,
                                        diagnosis_samples.Manager(cloud.url)),
                owner=fake_tenant_cloud.owner(cloud), settings=settings,
                monitor=monitors.of(settings), alarm=settings.host_alarm,
                journal=self.journal,
                transports=transports.Transports(test_application.ACCESS)),
            'tenant', 'What a member has is healed.', shelf=shelf)

    def scenario(self):
        """Return the scenario that is drilled."""
        return scenarios.Scenario(feature='x', help='', chain=self.chain,
                                  fault='broken')

    def drilled(self, *works):
        """Return the verdict of a drill.

        :param works: names of the links that work
        """
        self.cloud.works = set(works)
        with self.drill:
            self.drill.reserve()
            self.drill.deploy()
            plan = self.drill.plan()
            expected = self.drill.expect(plan)
            self.drill.run(plan, expected)
            verdict = verdicts.verdict(self.drill.recorder.timeline(),
                                       *expected)
        # Nothing is left: neither in the journal nor in the member's project.
        self.assertEqual((), self.journal.open_entries())
        self.assertEqual([], self.cloud.executions)
        return verdict


class AutohealingTest(DrillTestCase):
    """chains.autohealing: Nova notices a guest that has died."""

    def setUp(self):
        super().setUp()
        self.cloud.happens = [lambda: self.cloud.fire('stop_alarm')]

    def test_healed(self):
        verdict = self.drilled('message', 'workflow', 'stack', 'application')
        self.assertIs(Kind.HEALED, verdict.kind, verdict)
        sent = self.cloud.asked('POST', '/stacks')[0][3]
        self.assertIn('OS::Zaqar::MistralTrigger', sent['template'])
        self.assertNotIn('instance_alarm_name', sent['parameters'])
        self.assertEqual([], self.cloud.asked('POST', '/rca'))

    def test_again(self):
        """The next drill is of the server that the stack has by then."""
        self.cloud.works = {'message', 'workflow', 'stack', 'application'}
        with self.drill:
            self.drill.reserve()
            self.drill.deploy()
            plan = self.drill.plan()
            self.drill.run(plan, self.drill.expect(plan))
            self.cloud.servers[fake_cloud.NEW_SERVER]['tenant_id'] = (
                fake_tenant_cloud.TENANT)
            self.cloud.stack_resources = fake_tenant_cloud.resources(
                fake_cloud.NEW_SERVER)
            with self.drill.again() as following:
                following.adopt()
                ids = following.expect(following.plan())[0].ids
                entry, = self.journal.open_entries()
                known = entry.object.known
                self.assertEqual(
                    (fake_cloud.NEW_SERVER, ['compute-1', 'compute-20'],
                     ['compute-1', 'compute-20']),
                    (known['server'], known['hosts'],
                     [left['host'] for left in known['remains']]))
        self.assertEqual(
            (fake_cloud.NEW_SERVER, 'compute-20', self.drill.app.boot),
            (ids['server_id'], ids['host'], ids['boot']))
        # What came of the first fault is none of the second one's.
        self.assertEqual((), following.recorder.timeline().evidence)

    def healed(self, shelf):
        """Drill on a shelf; return what happens in the cloud of it."""
        with self.prepared(shelf) as drilled:
            drilled.reserve()
            drilled.deploy()
            plan = drilled.plan()
            drilled.run(plan, drilled.expect(plan))
        if fake_cloud.NEW_SERVER in self.cloud.servers:
            self.cloud.servers[fake_cloud.NEW_SERVER]['tenant_id'] = (
                fake_tenant_cloud.TENANT)
            self.cloud.stack_resources = fake_tenant_cloud.resources(
                fake_cloud.NEW_SERVER)

    def reset(self):
        """Let the stack be one with the first server again."""
        self.cloud.servers[fake_cloud.SERVER] = {
            'id': fake_cloud.SERVER, 'host': 'compute-1',
            'tenant_id': fake_tenant_cloud.TENANT}
        self.cloud.stack_resources = fake_tenant_cloud.resources()
        self.cloud.answer = (fake_cloud.SERVER, 'boot-1')

    def created(self):
        """Return how many stacks were created."""
        return sum(path.endswith('/stacks') for _, path, *_
                   in self.cloud.asked('POST', '/stacks'))

    def test_shared(self):
        """What the last drill has left as good as new is broken again."""
        self.cloud.works = {'message', 'workflow', 'stack', 'application'}
        shelf = sharing.Shelf()
        with shelf.opened(self.journal.held):
            self.healed(shelf)
            self.assertEqual(shelf.entries, tuple(
                entry.id for entry in self.journal.open_entries()))
            with self.prepared(shelf) as following:
                following.reserve()
                following.deploy()
                self.assertEqual(
                    (fake_cloud.NEW_SERVER, 'compute-20'),
                    (following.app.server_id, following.app.host))
                self.assertEqual(1, self.created())
        self.assertEqual((), self.journal.open_entries())
        self.assertEqual(1, len(self.cloud.asked('DELETE', '/stacks/')))

    def test_not_shared_after_a_failure(self):
        """It is removed with the drill that has broken it."""
        self.cloud.works = {'message'}
        shelf = sharing.Shelf()
        with shelf.opened(self.journal.held):
            self.healed(shelf)
            self.assertEqual((), shelf.entries)
            self.assertEqual((), self.journal.open_entries())

    def test_not_shared_when_it_has_changed(self):
        """It was as good as new, and something has happened to it since."""
        self.not_shared_after(lambda: [
            stack.update(stack_status='UPDATE_FAILED')
            for stack in self.cloud.stacks.values()])

    def test_not_shared_when_its_stack_is_gone(self):
        self.not_shared_after(self.cloud.stacks.clear)

    def test_not_shared_when_its_server_is_gone(self):
        """Somebody has deleted it behind the back of the stack."""
        self.not_shared_after(lambda: self.cloud.servers.pop(
            fake_cloud.NEW_SERVER))

    def not_shared_after(self, happens):
        """Expect another application once something has happened to it."""
        self.cloud.works = {'message', 'workflow', 'stack', 'application'}
        shelf = sharing.Shelf()
        with shelf.opened(self.journal.held):
            self.healed(shelf)
            happens()
            with self.prepared(shelf) as following:
                following.reserve()
                self.cloud.on_create = self.reset
                following.deploy()
                self.assertEqual(2, self.created())
        self.assertEqual((), self.journal.open_entries())

    def test_nobody_starts_the_workflow(self):
        """The message is there: the trigger is at fault."""
        self.cloud.subscriptions.clear()
        verdict = self.drilled('message', 'workflow', 'stack', 'application')
        self.assertEqual((Kind.BROKEN, autohealing.WORKFLOW),
                         (verdict.kind, verdict.link), verdict)
        self.assertIn('a message about server %s was put into queue'
                      % fake_cloud.SERVER, verdict.why)
        self.assertIn('MistralTrigger', self.drill.diagnosis.look_at)


class LostRoleTest(DrillTestCase):
    """A member that may not ask for anything any more."""

    def test_removal(self):
        """The administrator removes the application, by a role for a while."""
        real = self.cloud.handle

        def handle(method, path, query, body):
            if self.cloud.of_member():
                raise fake_cloud.Reply(401, {'error': {
                    'code': 401, 'title': 'Unauthorized', 'message': 'no'}})
            return real(method, path, query, body)

        with self.drill:
            self.drill.reserve()
            self.drill.deploy()
            self.useFixture(fixtures.MockPatchObject(
                self.cloud, 'handle', handle))
        self.assertEqual((), self.journal.open_entries())
        self.assertEqual(['stack', 'access to project'], [
            entry.object.kind for entry in self.journal.read()[0]])


class UnfitMemberTest(DrillTestCase):
    """A member who may not create the application: nothing is created."""

    def refusal(self, **changes):
        """Return why a drill is refused, None where it is not.

        :param changes: of what the cloud has
        """
        with contextlib.ExitStack() as changed:
            for name, value in changes.items():
                changed.enter_context(mock.patch.object(
                    self.cloud, name, value))
            del self.cloud.requests[:]
            try:
                with self.prepared() as unfit:
                    unfit.reserve()
            except gates.FaultRefused as refused:
                return str(refused)
            finally:
                self.assertEqual((), self.journal.open_entries())
                self.assertEqual([], [
                    request[:2] for request in self.cloud.requests
                    if request[0] != 'GET' and not re.search(
                        '/auth/tokens$|/stacks/preview$', request[1])])
        return None

    def refused(self, *texts, **changes):
        """Expect a refusal of one line that has all texts."""
        refusal = self.refusal(**changes)
        self.assertNotIn('\n', refusal)
        for text in texts:
            self.assertIn(text, refusal)

    def test_fit(self):
        self.assertIsNone(self.refusal())

    def test_administrator(self):
        self.refused('roles: admin, member: that is an administrator',
                     '[auth] use_dynamic_credentials, tempest_roles and '
                     'test_accounts_file', roles=['member', 'admin'])

    def test_not_in_the_catalog(self):
        for service, kind in (('aodh', 'alarming'), ('zaqar', 'messaging')):
            self.refused(
                '%s endpoint for %s' % ('public', kind),
                '[self_healing] %s_catalog_type' % service,
                catalog={other: path for other, path
                         in self.cloud.catalog.items() if other != kind})

    def test_both_ways(self):
        """Whoever owns the application: its template needs the services."""
        self.chain = both.CHAIN
        for service, kind in (('Aodh', 'alarming'), ('Zaqar', 'messaging')):
            self.refused(
                '%s, as the owner: ' % service, '_catalog_type',
                catalog={other: path for other, path
                         in self.cloud.catalog.items() if other != kind})

    def test_role_is_missing(self):
        for service, path in (('aodh', '/aodh/v2/alarms'),
                              ('zaqar', '/zaqar/v2/queues'),
                              ('mistral', '/mistral/v2/workflows')):
            self.refused(
                '%s, as the member: ' % service.capitalize(),
                '[self_healing] %s_catalog_type' % service,
                forbidden=(*self.cloud.forbidden, 'GET ' + path))

    def test_trusts(self):
        self.refused('trusts: Keystone has none', has_trusts=False)

    def test_flavor(self):
        flavor, = self.cloud.flavors
        for flavors, text in (
                ([], 'the member sees no m1.disk'),
                ([dict(flavor, **{'os-flavor-access:is_public': False})],
                 'the member sees no m1.disk'),
                ([dict(flavor, disk=0)], 'm1.disk has no disk')):
            self.refused('flavor of the member: ' + text,
                         '[self_healing] member_flavor_ref', flavors=flavors)

    def test_image(self):
        image, = self.cloud.images
        self.refused('the member sees no guest', '[self_healing] image_ref',
                     images=[dict(image, visibility='private')])
        self.refused('guest (i1) is deactivated',
                     images=[dict(image, status='deactivated')])

    def test_network(self):
        self.refused('network of the member: the member sees no external '
                     'network public', '[self_healing] external_network',
                     networks=[])

    def test_quota_of_nova(self):
        """The server is there twice while it is replaced."""
        used = dict(totalInstancesUsed=1, totalRAMUsed=100)
        for most, fits in ((2, False), (3, True), (-1, True)):
            refusal = self.refusal(limits=dict(
                self.cloud.limits, maxTotalInstances=most, **used))
            self.assertEqual(fits, refusal is None, refusal)
        self.refused(
            'quotas of Nova: MiB of RAM: 100 of 200 used, 128 more needed',
            'member_flavor_ref', limits=dict(
                self.cloud.limits, maxTotalRAMSize=200, **used))

    def test_quota_of_neutron(self):
        for most, fits in ((4, False), (5, True), (-1, True)):
            refusal = self.refusal(quotas=dict(self.cloud.quotas, floatingip={
                'limit': most, 'used': 3, 'reserved': 1}))
            self.assertEqual(fits, refusal is None, refusal)
        self.refused('quotas of Neutron: routers: 0 of 0 used, 1 more needed',
                     quotas=dict(self.cloud.quotas, router={
                         'limit': 0, 'used': 0, 'reserved': 0}))

    def test_type_that_is_forbidden(self):
        self.refused('template, as the member: ', 'policy of Heat',
                     'You are not authorized to use OS::Nova::Server.',
                     types_forbidden={'OS::Nova::Server'})

    def test_not_known(self):
        """What is not known refuses nothing."""
        for changes in ({'preview_forbidden': True}, {'quotas': None},
                        {'broken': '/aodh/v2|/nova/v2.1/limits'},
                        {'roles': ['creator']}, {'limits': {}}):
            self.assertIsNone(self.refusal(**changes), changes)


class TenantTestCase(DrillTestCase):
    """Vitrage has an alarm on the host after the fault."""

    chain = tenant.CHAIN

    def setUp(self):
        super().setUp()
        self.marks = False
        self.cloud.happens = [self.raised, self.marked]
        self.cloud.ends = self.ended

    def raised(self):
        self.cloud.alarms.append(fake_cloud.alarm('a1'))
        self.cloud._deduce()

    def marked(self):
        if self.marks:
            self.cloud.act({}, {'os-resetState': {'state': 'error'}},
                           fake_cloud.SERVER)

    def ended(self):
        for alarm in self.cloud.alarms:
            alarm['end_timestamp'] = 'now'


class TenantTest(TenantTestCase):
    """chains.tenant: Vitrage deduces, and tells Nova."""

    def test_healed(self):
        self.marks = True
        verdict = self.drilled('deduction', 'event_alarm', 'message',
                               'workflow', 'stack', 'application')
        self.assertIs(Kind.HEALED, verdict.kind, verdict)
        template, = self.cloud.added_templates
        self.assertIn('mark_down', str(template['templates'][0][1][
            'scenarios'][1]))

    def test_nova_is_not_told(self):
        """Vitrage deduces, and its notifier does nothing."""
        verdict = self.drilled('deduction', 'event_alarm', 'message',
                               'workflow', 'stack', 'application')
        self.assertEqual((Kind.BROKEN, tenant.EVENT_ALARM),
                         (verdict.kind, verdict.link), verdict)
        self.assertIn('mark_down', self.drill.diagnosis.look_at)


class SyntheticAlarmTest(TenantTestCase):
    """tenant_synthetic_alarm: no guest answers, and nobody asks one."""

    def setUp(self):
        super().setUp()
        self.marks, self.cloud.answer = True, None
        self.useFixture(fixtures.MockPatchObject(
            synthetic_alarm, 'planned', lambda host, around:
            host_samples.file_plan(self.cloud.file, host=host)))

    def scenario(self):
        """Return that of the table."""
        scenario, = scenarios.of(('tenant_synthetic_alarm',))
        return scenario

    def test_repaired(self):
        """All links but the last come, in a project of the member's own."""
        verdict = self.drilled('deduction', 'event_alarm', 'message',
                               'workflow', 'stack')
        self.assertIs(Kind.REPAIRED, verdict.kind, verdict)
        self.assertIn('mark_down', str(self.cloud.added_templates))
        self.assertEqual((), self.drill.recorder.timeline().probes)

    def test_nova_is_not_told(self):
        """The first link without evidence is named, as for a real fault."""
        self.marks = False
        verdict = self.drilled('deduction', 'event_alarm', 'message',
                               'workflow', 'stack')
        self.assertEqual((Kind.BROKEN, tenant.EVENT_ALARM),
                         (verdict.kind, verdict.link), verdict)
