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

"""The clients, real ones, against HTTP."""

import math
import time

import fixtures
from keystoneauth1 import exceptions as ksa_exc
import requests_mock
from tempest.lib import auth
from tempest.lib.common import api_microversion_fixture
from tempest.lib.services.compute import flavors_client
from tempest.lib.services.compute import hypervisor_client
from tempest.lib.services.compute import interfaces_client
from tempest.lib.services.compute import servers_client
from tempest.lib.services.compute import services_client
from tempest.lib.services.compute import versions_client
from tempest.lib.services.image.v2 import images_client
from tempest.lib.services.network import networks_client
from tempest.lib.services.network import versions_client as network_versions
from tempest.lib.services.placement import placement_client
import testtools

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin import clients
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.tests.unit import fake_cloud


class Manager:
    """What Tempest's client manager has, as far as it is used."""

    def __init__(self, url):
        self.credentials = auth.KeystoneV3Credentials(
            username='admin', password='pass', project_name='admin',
            user_domain_name='Default', project_domain_name='Default')
        provider = auth.KeystoneV3AuthProvider(
            self.credentials, url + '/identity/v3')
        options = (provider, 'compute', 'RegionOne')
        self.servers_client = servers_client.ServersClient(*options)
        self.interfaces_client = interfaces_client.InterfacesClient(*options)
        self.services_client = services_client.ServicesClient(*options)
        self.hypervisor_client = hypervisor_client.HypervisorClient(*options)
        self.flavors_client = flavors_client.FlavorsClient(*options)
        self.compute_versions_client = versions_client.VersionsClient(
            *options)
        self.networks_client = networks_client.NetworksClient(
            provider, 'network', 'RegionOne')
        self.network_versions_client = network_versions.NetworkVersionsClient(
            provider, 'network', 'RegionOne')
        self.image_client_v2 = images_client.ImagesClient(
            provider, 'image', 'RegionOne')
        self.placement_client = placement_client.PlacementClient(
            provider, 'placement', 'RegionOne')


def cloud_settings(url, **changes):
    """Return how to reach the fake cloud."""
    return config.Cloud(**dict(dict(
        endpoint_type='public', region='RegionOne',
        vitrage_catalog_type='rca', mistral_catalog_type='workflowv2',
        heat_catalog_type='orchestration', request_timeout=5,
        auth_url=url + '/identity/v3', verify=True), **changes))


class ClientTestCase(testtools.TestCase):
    """A fake cloud and clients for it."""

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        self.useFixture(api_microversion_fixture.APIMicroversionFixture(
            compute_microversion=clients.COMPUTE_MICROVERSION,
            placement_microversion=clients.PLACEMENT_MICROVERSION))
        self.clients = self.make()

    def make(self, **changes):
        return clients.Clients(cloud_settings(self.cloud.url, **changes),
                               Manager(self.cloud.url))


class HeatTest(ClientTestCase):
    """clients.Heat."""

    def test_create_and_show(self):
        stack_id = self.clients.heat.create(
            'app', 'heat_template_version: wallaby', {'a.sh': 'x'},
            {'image': 'i'}, 61)
        self.assertEqual(fake_cloud.STACK, stack_id)
        body = self.cloud.asked('POST', '/stacks')[0][3]
        self.assertEqual((2, {'a.sh': 'x'}, True), (
            body['timeout_mins'], body['files'], body['disable_rollback']))
        stack = self.clients.heat.stack('app/%s' % stack_id)
        self.assertEqual('CREATE_COMPLETE', stack['stack_status'])
        self.assertNotIn('outputs', stack)
        self.assertIn('outputs', self.clients.heat.stack(stack_id, True))

    def test_gone(self):
        """A stack that is unknown or deleted is None, deleting it is fine."""
        self.assertIsNone(self.clients.heat.stack('none'))
        self.clients.heat.delete('none')
        stack_id = self.clients.heat.create('app', '', {}, {}, 60)
        self.clients.heat.delete(stack_id)
        self.assertIsNone(self.clients.heat.stack(stack_id))

    def test_gone_stack_has_nothing(self):
        stack = application.Stack('none', fake_cloud.STACK)
        heat = self.clients.heat
        self.assertEqual(([], []), (heat.updates(stack),
                                    heat.resources(stack.identifier)))


class TimeTest(ClientTestCase):
    """clients.Clients.dates(), and what happened when."""

    def test_date(self):
        self.cloud.tells_time = True
        before = math.floor(time.time())
        for service, date in self.clients.dates().items():
            self.assertTrue(before <= date() <= time.time(), service)

    def test_no_date(self):
        for service, date in self.clients.dates().items():
            self.assertIsNone(date(), service)

    def test_updates(self):
        """The stack's own updates, filtered by Heat, the oldest first."""
        stack = application.Stack('app', fake_cloud.STACK)
        self.cloud.create_stack({}, {'stack_name': 'app'})
        self.cloud.events = [
            fake_cloud.event('COMPLETE', 'created', action='CREATE'),
            fake_cloud.event('COMPLETE', 'server', name='server'),
            fake_cloud.event('IN_PROGRESS', 'update'),
            fake_cloud.event('COMPLETE', 'updated')]
        heat = self.clients.heat
        self.assertEqual(['update', 'updated'], [
            one['id'] for one in heat.updates(stack)])
        query = self.cloud.asked('GET', 'events')[0][2]
        self.assertEqual((['app'], ['UPDATE']), (query['resource_name'],
                                                 query['resource_action']))
        self.assertEqual(['update', 'updated'], [
            one['id'] for one in heat.events(stack, limit=2)])

    def test_tasks(self):
        self.cloud.tasks = [fake_cloud.task('find'),
                            fake_cloud.task('x', execution='other')]
        self.assertEqual(['find'], [
            one['name'] for one
            in self.clients.mistral.tasks(fake_cloud.EXECUTION)])

    def test_instance_actions(self):
        """Nova lists the newest first; a server that is gone has none."""
        self.cloud.instance_actions = {fake_cloud.SERVER: [
            fake_cloud.instance_action('delete', 'req-2'),
            fake_cloud.instance_action('create')]}
        nova = self.clients.nova
        self.assertEqual(['create', 'delete'], [
            one['action'] for one in nova.actions(fake_cloud.SERVER)])
        self.assertEqual([], nova.actions(fake_cloud.NEW_SERVER))

    def test_console(self):
        self.cloud.console = 'one\ntwo\nthree'
        self.assertEqual('two\nthree', self.clients.nova.console(
            fake_cloud.SERVER, 2))


class VitrageTest(ClientTestCase):
    """clients.Vitrage."""

    def test_entity(self):
        """Found by type and by the whole id."""
        self.cloud.entities = [fake_cloud.host_entity(),
                               fake_cloud.server_entity()]
        vitrage = self.clients.vitrage
        self.assertEqual(fake_cloud.HOST_VID, vitrage.entity(
            'nova.host', 'compute-1')['vitrage_id'])
        self.assertIsNone(vitrage.entity('nova.host', 'compute'))
        self.assertIsNone(vitrage.entity('nova.instance', 'compute-1'))
        self.assertEqual(True, self.cloud.asked('POST', 'resources')[0][3][
            'all_tenants'])

    def test_contains(self):
        """The direction and the label of the edge count."""
        host, server = fake_cloud.host_entity(), fake_cloud.server_entity()
        self.cloud.entities = [host, server]
        vitrage, ids = self.clients.vitrage, (
            fake_cloud.HOST_VID, fake_cloud.SERVER_VID)
        for edge, found in (((ids[0], 'contains', ids[1]), True),
                            ((ids[0], 'on', ids[1]), False),
                            ((ids[1], 'contains', ids[0]), False)):
            self.cloud.edges = [edge]
            self.assertEqual(found, vitrage.contains(host, server), edge)
        self.cloud.edges = []
        self.assertFalse(vitrage.contains(host, server))

    def test_around(self):
        """The entity and what is on it; what has ended is not."""
        self.cloud.entities = [fake_cloud.host_entity()]
        self.cloud.alarms = [fake_cloud.alarm('a1'),
                             fake_cloud.alarm('a2', end='now'),
                             fake_cloud.alarm('a3', resource='other')]
        around = self.clients.vitrage.around(fake_cloud.HOST_VID)
        self.assertEqual('compute-1', around.entity['id'])
        self.assertEqual(['a1'], [one['vitrage_id']
                                  for one in around.alarms])
        body = self.cloud.asked('POST', 'topology')[0][3]
        self.assertEqual((1, fake_cloud.HOST_VID), (body['depth'],
                                                    body['root']))

    def test_around_nothing(self):
        self.assertIsNone(self.clients.vitrage.around('gone'))

    def test_around_out_of_order(self):
        """Vitrage says 404 for all that fails: it is not gone therefore."""
        self.cloud.entities = [fake_cloud.host_entity()]

        def fail(root):
            raise fake_cloud.Reply(404, {'message': 'Failed'})

        self.cloud._around = fail
        error = self.assertRaises(
            clients.ServiceUnavailable, self.clients.vitrage.around,
            fake_cloud.HOST_VID)
        self.assertEqual(404, error.code)

    def test_internal_failures(self):
        """Each of its calls may be answered 404 for what fails within."""
        def fail(*_):
            raise fake_cloud.Reply(404, {'message': 'Failed to get it'})

        vitrage = self.clients.vitrage
        for name, ask in (
                ('list_alarms', lambda: vitrage.alarms('v', 'vitrage', 'x')),
                ('list_entities', lambda: vitrage.entity('nova.host', 'c')),
                ('list_entities', lambda: vitrage.around('gone')),
                ('topology', lambda: vitrage.contains(
                    fake_cloud.host_entity(), fake_cloud.server_entity())),
                ('rca', lambda: vitrage.causes('a')),
                ('list_templates', vitrage.templates)):
            with fixtures.MockPatchObject(self.cloud, name, fail):
                self.assertRaises(clients.ServiceUnavailable, ask)

    def test_causes(self):
        """What caused an alarm, and what caused that."""
        def rca(query, body):
            return 200, {
                'nodes': [{'vitrage_id': one} for one in 'dabxe'],
                'links': [{'source': source, 'target': target}
                          for source, target in ((1, 0), (2, 1), (0, 4))],
                'graph': {}}, {}

        with fixtures.MockPatchObject(self.cloud, 'rca', rca):
            self.assertEqual({'a', 'b'}, self.clients.vitrage.causes('d'))
        self.assertEqual(set(), self.clients.vitrage.causes('alone'))

    def test_alarms(self):
        """What Vitrage's LIKE finds too much is left out."""
        self.cloud.alarms = [
            fake_cloud.alarm('right'),
            fake_cloud.alarm('longer', name='HostDownForLong'),
            fake_cloud.alarm('other type', kind='doctor'),
            fake_cloud.alarm('other host', resource='x')]
        found = self.clients.vitrage.alarms(
            fake_cloud.HOST_VID, 'prometheus', 'HostDown')
        self.assertEqual(['right'], [one['vitrage_id'] for one in found])
        query = self.cloud.asked('GET', 'history')[0][2]
        self.assertEqual(['vitrage_resource_id', 'name'],
                         query['filter_by'])
        self.assertEqual(['True'], query['all_tenants'])

    def test_template_refused(self):
        """Vitrage answers 200 to a wrong template: that is a no."""
        self.cloud.add_template = lambda query, body: (200, [{
            'uuid': '', 'status': 'ERROR',
            'status details': 'Duplicate template name'}], {})
        error = self.assertRaises(
            clients.ServiceRefused, self.clients.vitrage.add_template,
            'metadata: {name: x}', {'template_name': 'mine'})
        self.assertIn('Vitrage: add template mine: Duplicate', str(error))

    def test_template_version_stays_a_string(self):
        """Vitrage refuses a number as version."""
        self.clients.vitrage.add_template(
            'metadata: {version: "3"}', {'template_name': 'x'})
        body = self.cloud.added_templates[0]
        self.assertEqual('3', body['templates'][0][1]['metadata']['version'])


class MistralTest(ClientTestCase):
    """clients.Mistral."""

    def test_executions_name_the_server(self):
        self.cloud.executions = [
            fake_cloud.execution(),
            fake_cloud.execution(id='other', server_id='other'),
            dict(fake_cloud.execution(id='odd'), input='no json'),
            dict(fake_cloud.execution(id='list'), input='[]')]
        found = self.clients.mistral.executions(
            fake_cloud.WORKFLOW, fake_cloud.SERVER)
        self.assertEqual([fake_cloud.EXECUTION], [one['id'] for one in found])
        self.assertEqual(fake_cloud.STACK, found[0]['input']['stack_id'])

    def test_delete(self):
        """Only those of the workflow go, running ones too."""
        self.cloud.executions = [
            fake_cloud.execution(),
            dict(fake_cloud.execution(id='o'), workflow_name='other')]
        self.clients.mistral.delete_executions(fake_cloud.WORKFLOW)
        self.assertEqual(['o'], [one['id'] for one in self.cloud.executions])
        self.assertEqual(['True'], self.cloud.asked('DELETE', 'exec')[0][2][
            'force'])

    def test_no_endpoint(self):
        mistral = self.make(mistral_catalog_type='nonsense').mistral
        error = self.assertRaises(clients.ServiceRefused, mistral.executions,
                                  'w', 's')
        self.assertIn('public endpoint for nonsense service', str(error))


class NovaTest(ClientTestCase):
    """clients.Nova, with the schemas of Tempest."""

    def test_server(self):
        self.cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1'}}
        nova = self.clients.nova
        self.assertEqual('compute-1', nova.server(fake_cloud.SERVER)[
            'OS-EXT-SRV-ATTR:host'])
        self.assertIsNone(nova.server('gone'))
        self.assertEqual(1, len(nova.servers_on('compute-1')))
        self.assertEqual([], nova.servers_on('compute-2'))

    def test_ports(self):
        """A server's ports, by id."""
        self.cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1'}}
        self.assertEqual((fake_cloud.PORT,),
                         self.clients.nova.ports(fake_cloud.SERVER))

    def test_host(self):
        self.cloud.services = [fake_cloud.compute_service('compute-1')]
        self.cloud.hypervisors = [fake_cloud.hypervisor('compute-1',
                                                        '192.0.2.7')]
        nova = self.clients.nova
        self.assertIs(False,
                      nova.compute_service('compute-1')['forced_down'])
        self.assertIsNone(nova.compute_service('compute-2'))
        self.assertEqual('192.0.2.7', nova.host_address('compute-1'))
        self.assertIsNone(nova.host_address('compute-2'))


class LookTest(ClientTestCase):
    """What is only looked at: versions, catalogs of things, room."""

    def test_versions(self):
        made, manager = self.clients, Manager(self.cloud.url)
        self.assertEqual(
            ('v3.14', 'v1.0', 'v2.0', 'v2.1, microversions 2.1 to 2.100',
             'v2.0', 'r1'),
            (made.keystone_version(), made.version('Heat', 'orchestration'),
             made.version('Mistral', 'workflowv2'), made.nova.version(),
             clients.Neutron(manager).version(), made.heat.build()))

    def test_version_without_endpoint(self):
        error = self.assertRaises(clients.ServiceRefused,
                                  self.clients.version, 'Heat', 'nonsense')
        self.assertIn('public endpoint for nonsense service', str(error))

    def test_by_id_or_name(self):
        """Heat takes either, and so does what looks before it."""
        self.cloud.flavors = [fake_cloud.flavor('m1.nano')]
        self.cloud.images = [{'id': 'i1', 'name': 'guest'}]
        self.cloud.networks = [{'id': 'n1', 'name': 'public'}]
        manager = Manager(self.cloud.url)
        for name in ('m1.nano', self.cloud.flavors[0]['id']):
            self.assertEqual('m1.nano',
                             self.clients.nova.flavor(name)['name'])
        for name in ('i1', 'guest'):
            self.assertEqual('i1', clients.Glance(manager).image(name)['id'])
        for name in ('n1', 'public'):
            self.assertEqual('n1', clients.Neutron(
                manager).external_network(name)['id'])
        self.assertIsNone(self.clients.nova.flavor('x'))
        self.assertIsNone(clients.Glance(manager).image('x'))
        self.assertIsNone(clients.Neutron(manager).external_network('x'))

    def test_places(self):
        """Nothing is asked for that the flavor does not need."""
        self.cloud.places = [fake_cloud.provider(1), fake_cloud.provider(2)]
        placement = clients.Placement(Manager(self.cloud.url))
        self.assertEqual(set(self.cloud.places),
                         placement.places(fake_cloud.flavor('x')))
        placement.places(dict(fake_cloud.flavor('x'), disk=1, swap=512))
        self.assertEqual(
            ['VCPU:1,MEMORY_MB:64', 'VCPU:1,MEMORY_MB:64,DISK_GB:2'],
            [one[2]['resources'][0]
             for one in self.cloud.asked('GET', 'candidates')])

    def test_sets(self):
        self.cloud.resource_types = ['OS::Heat::None']
        self.cloud.actions = ['a', 'b']
        self.assertEqual({'OS::Heat::None'},
                         self.clients.heat.resource_types())
        self.assertEqual({'a'}, self.clients.mistral.actions({'a', 'c'}))
        self.assertEqual(set(self.cloud.processes),
                         self.clients.vitrage.processes())

    def test_graph(self):
        self.cloud.entities = [fake_cloud.host_entity(),
                               fake_cloud.server_entity()]
        vitrage = self.clients.vitrage
        self.assertEqual('OK', vitrage.status())
        self.assertEqual({'nova.host': 1, 'nova.instance': 1},
                         vitrage.counts())
        self.assertEqual(fake_cloud.HOST_VID,
                         vitrage.hosts()['compute-1']['vitrage_id'])

    def test_alarms_of_datasource(self):
        vitrage = self.clients.vitrage
        self.assertIsNone(vitrage.newest_alarm('prometheus'))
        self.cloud.alarms = [fake_cloud.alarm('ended', end='x'),
                             fake_cloud.alarm('on'), fake_cloud.deduced()]
        self.assertEqual(['on'], [
            one['vitrage_id'] for one in vitrage.active_alarms('prometheus')])
        self.assertEqual('ended',
                         vitrage.newest_alarm('prometheus')['vitrage_id'])


class ErrorTest(ClientTestCase):
    """Every failure has a service, an operation and a kind."""

    CALLS = (
        ('Heat', '/heat', lambda c: c.heat.stack('x')),
        ('Vitrage', '/rca', lambda c: c.vitrage.templates()),
        ('Mistral', '/mistral', lambda c: c.mistral.executions('w', 's')),
        ('Nova', '/nova', lambda c: c.nova.compute_services()),
    )

    def test_out_of_order(self):
        """A 503 may be better later."""
        for service, path, call in self.CALLS:
            self.cloud.broken = path
            error = self.assertRaises(clients.ServiceUnavailable, call,
                                      self.clients)
            self.assertEqual(service, error.service)

    def test_refused(self):
        """A 403 will not."""
        def forbid(*args):
            raise fake_cloud.Reply(403, {'error': {'message': 'no'}})
        self.cloud.handle = self.keystone_or(forbid)
        for service, path, call in self.CALLS:
            error = self.assertRaises(clients.ServiceRefused, call,
                                      self.clients)
            self.assertEqual((service, 403), (error.service, error.code))

    def test_defect(self):
        """An answer that the library cannot digest is named as such."""
        self.cloud.handle = self.keystone_or(
            lambda *args: (200, ['nonsense'], {}))
        for service, path, call in self.CALLS[:1] + self.CALLS[2:3]:
            error = self.assertRaises(clients.ClientDefect, call,
                                      self.clients)
            self.assertIn('%s: ' % service, str(error))
            self.assertIn('the client library failed', str(error))

    def test_no_connection(self):
        """Nobody listens: it may be better later."""
        with requests_mock.Mocker() as mocker:
            mocker.register_uri(
                requests_mock.ANY, requests_mock.ANY,
                exc=ksa_exc.ConnectFailure('no route'))
            self.assertRaises(clients.ServiceUnavailable,
                              self.make().vitrage.templates)

    def keystone_or(self, other):
        real = self.cloud.handle

        def handle(method, path, query, body):
            if path.startswith('/identity'):
                return real(method, path, query, body)
            return other(method, path, query, body)
        return handle


class SessionTest(ClientTestCase):
    """clients.session()."""

    def test_scope(self):
        """Password, project and domains of the configured credentials."""
        self.assertEqual(fake_cloud.PROJECT, self.clients.project_id)
        body = self.cloud.asked('POST', 'tokens')[0][3]['auth']
        self.assertEqual({'project': {
            'name': 'admin', 'domain': {'name': 'Default'}}}, body['scope'])

    def test_verification(self):
        """TLS verification and timeout are the session's."""
        found = clients.session(
            cloud_settings('https://x', verify='/ca.pem'),
            Manager('https://x').credentials)
        self.assertEqual(('/ca.pem', 5), (found.verify, found.timeout))
