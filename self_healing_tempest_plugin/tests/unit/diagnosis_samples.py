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

"""Runs that are not good, in a cloud that can be asked why."""

from tempest.lib.common import api_microversion_fixture
from tempest.lib.services.network import floating_ips_client
from tempest.lib.services.network import ports_client
import testtools

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.links import surroundings
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_healing_cloud
from self_healing_tempest_plugin.tests.unit import fake_monitor
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import samples
from self_healing_tempest_plugin.tests.unit import service_samples

Link, Mark = vitrage, links.Mark

BEGAN = 1767225600.0    # 2026-01-01T00:00:00Z, at 90 s of the clock


class Manager(service_samples.Manager):
    """What Tempest's client manager has, with ports and addresses."""

    def __init__(self, url):
        super().__init__(url)
        options = (self.networks_client.auth_provider, 'network',
                   'RegionOne')
        self.ports_client = ports_client.PortsClient(*options)
        self.floating_ips_client = floating_ips_client.FloatingIPsClient(
            *options)


def expected(cloud, **changes):
    """Return what a run in the fake cloud should show."""
    return samples.expected(**dict(dict(
        server_id=fake_cloud.SERVER, stack_id=fake_cloud.STACK,
        workflow=fake_cloud.WORKFLOW, url=cloud.url + '/'), **changes))


_TIES = {Link.ALARM: {}, Link.DEDUCTION: {'server_id': fake_cloud.SERVER},
         Link.WORKFLOW: {'server_id': fake_cloud.SERVER}}


def seen(until, *more, **changes):
    """Return a run in which the links before one came.

    :param until: the first :class:`Link` that is missing
    :param more: further evidence
    """
    came = tuple(
        samples.evidence(link, mark, at, **_TIES.get(link, {
            'stack_id': fake_cloud.STACK,
            'server_id': fake_cloud.NEW_SERVER}))
        for link, mark, at in samples.HEALTHY
        if link in vitrage.CHAIN.before(until))
    return samples.healthy(**dict(dict(
        evidence=(*came, *more), began=BEGAN), **changes))


def started():
    """Return evidence that an execution was started."""
    return samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0,
                            server_id=fake_cloud.SERVER)


class DiagnosisTestCase(testtools.TestCase):
    """A broken run, and both sides of each link."""

    kind = fake_healing_cloud.FakeHealingCloud

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(self.kind())
        self.monitor = self.useFixture(fake_monitor.FakeMonitor())
        self.useFixture(api_microversion_fixture.APIMicroversionFixture(
            compute_microversion=nova.COMPUTE_MICROVERSION))
        self.clients = clients.Clients(
            service_samples.cloud_settings(self.cloud.url),
            Manager(self.cloud.url))
        self.fill(self.cloud)
        self.options = dict(
            vars(host_samples.SETTINGS),
            cloud=service_samples.cloud_settings(self.cloud.url),
            prometheus_urls=(self.monitor.url,),
            alertmanager_urls=(self.monitor.url,))
        self.app = self.application()

    def application(self):
        """Return the application as it is when it was set up."""
        app = application.Application(self.clients,
                                      config.Settings(**self.options))
        app.stack = stacks.Stack('app', fake_cloud.STACK)
        app.server_id, app.host = fake_cloud.SERVER, 'compute-1'
        app.workflow, app.boot = fake_cloud.WORKFLOW, 'boot-1'
        app.url = self.cloud.url + '/'
        return app

    def fill(self, cloud):
        """Let everything be as it should during a fault."""
        cloud.stacks[fake_cloud.STACK] = {
            'id': fake_cloud.STACK, 'stack_name': 'app', 'outputs': [],
            'stack_status': 'CREATE_COMPLETE', 'stack_status_reason': 'ok',
            'updated_time': None}
        cloud.stack_resources = [
            dict(resource, resource_status='CREATE_COMPLETE')
            for resource in fake_cloud.resources()]
        cloud.entities = [fake_cloud.host_entity(),
                          fake_cloud.server_entity()]
        cloud.edges = [(fake_cloud.HOST_VID, 'contains',
                        fake_cloud.SERVER_VID)]
        cloud.templates = [
            {'uuid': 'host-1', 'name': 'self_healing_host_down_0a1b2c3d',
             'status': 'ACTIVE', 'status details': 'ok'},
            {'uuid': 'rule-1', 'name': 'rule', 'status': 'ACTIVE',
             'status details': 'ok'}]
        cloud.services = [
            fake_cloud.compute_service('compute-1', 'down'),
            fake_cloud.compute_service('compute-20')]
        cloud.hypervisors = [fake_cloud.hypervisor('compute-1',
                                                   '192.0.2.11')]
        cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1'}}
        self.monitor.rules = [fake_monitor.rule(fake_monitor.firing())]
        self.monitor.targets = [fake_monitor.target()]
        self.monitor.alertmanagers = ['http://192.0.2.2:9093/api/v2/alerts']
        self.monitor.alerts = [fake_monitor.alert()]
        self.monitor.metrics = fake_monitor.metrics(2, 0)

    def new_server(self, **values):
        """Let the stack have another server."""
        self.cloud.stack_resources = [
            dict(resource, resource_status='UPDATE_COMPLETE')
            for resource in fake_cloud.resources(fake_cloud.NEW_SERVER)]
        self.cloud.servers = {fake_cloud.NEW_SERVER: dict({
            'id': fake_cloud.NEW_SERVER, 'host': 'compute-20'}, **values)}

    def surroundings(self, **changes):
        """Return whom to ask."""
        learned = {'host': fake_cloud.host_entity(),
                   'server': fake_cloud.server_entity()}
        learned.update((name, changes.pop(name)) for name in (
            'template', 'sent', 'host', 'server') if name in changes)
        return surroundings.Surroundings(**dict(dict(
            clients=self.clients, owner=self.clients,
            settings=config.Settings(**self.options),
            monitor=monitors.of(config.Settings(**self.options)),
            alarm=config.Alarm('HostDown', None, templates.HOST_DOWN),
            application=self.app, learned=learned), **changes))

    def expected(self, **changes):
        """Return what the run should have shown."""
        return expected(self.cloud, **changes)


def failure(link, why):
    """Return that a link cannot come any more."""
    return timelines.Failure(link, 'object', 115.0, why)


QUIET = dict(steps=(), quiet=30.0)


def told(diagnosis):
    """Return all that a diagnosis tells, as text of several lines."""
    return '\n'.join([
        *('%s %s: %s' % (fact.good, fact.side, fact.text)
          for fact in diagnosis.facts),
        'look at: %s' % diagnosis.look_at,
        *('%s %s: %s' % (works.works, works.link.name, works.why)
          for works in diagnosis.bisect)])
