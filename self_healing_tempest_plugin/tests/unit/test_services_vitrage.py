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

"""Vitrage, as its real client asks it over HTTP."""

import fixtures

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import service_samples


class VitrageTest(service_samples.ClientTestCase):
    """vitrage.Vitrage."""

    def test_entity(self):
        """An entity is found by type and by the whole id."""
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
        for edge, contains in (((ids[0], 'contains', ids[1]), True),
                               ((ids[0], 'on', ids[1]), False),
                               ((ids[1], 'contains', ids[0]), False)):
            self.cloud.edges = [edge]
            self.assertEqual(contains, vitrage.contains(host, server), edge)
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
        self.assertEqual(['a1'], [alarm['vitrage_id']
                                  for alarm in around.alarms])
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
            errors.ServiceUnavailable, self.clients.vitrage.around,
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
                self.assertRaises(errors.ServiceUnavailable, ask)

    def test_causes(self):
        """What caused an alarm, and what caused that."""
        def rca(query, body):
            return 200, {
                'nodes': [{'vitrage_id': letter} for letter in 'dabxe'],
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
        alarms = self.clients.vitrage.alarms(
            fake_cloud.HOST_VID, 'prometheus', 'HostDown')
        self.assertEqual(['right'], [alarm['vitrage_id'] for alarm in alarms])
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
            errors.ServiceRefused, self.clients.vitrage.add_template,
            'metadata: {name: x}', {'template_name': 'mine'})
        self.assertIn('Vitrage: add template mine: Duplicate', str(error))

    def test_template_version_stays_a_string(self):
        """Vitrage refuses a number as version."""
        self.clients.vitrage.add_template(
            'metadata: {version: "3"}', {'template_name': 'x'})
        body = self.cloud.added_templates[0]
        self.assertEqual('3', body['templates'][0][1]['metadata']['version'])

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
            alarm['vitrage_id']
            for alarm in vitrage.active_alarms('prometheus')])
        self.assertEqual('ended',
                         vitrage.newest_alarm('prometheus')['vitrage_id'])
