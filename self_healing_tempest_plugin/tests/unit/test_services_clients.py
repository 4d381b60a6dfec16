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

"""What several clients are asked before a run."""

from self_healing_tempest_plugin.services import glance
from self_healing_tempest_plugin.services import neutron
from self_healing_tempest_plugin.services import placement
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import service_samples


class LookTest(service_samples.ClientTestCase):
    """What is only looked at: catalogs of things, room."""

    def test_by_id_or_name(self):
        """Heat takes either, and so does what looks before it."""
        self.cloud.flavors = [fake_cloud.flavor('m1.nano')]
        self.cloud.images = [{'id': 'i1', 'name': 'guest'}]
        self.cloud.networks = [{'id': 'n1', 'name': 'public'}]
        manager = service_samples.Manager(self.cloud.url)
        for name in ('m1.nano', self.cloud.flavors[0]['id']):
            self.assertEqual('m1.nano',
                             self.clients.nova.flavor(name)['name'])
        for name in ('i1', 'guest'):
            self.assertEqual('i1', glance.Glance(manager).image(name)['id'])
        for name in ('n1', 'public'):
            self.assertEqual('n1', neutron.Neutron(
                manager).external_network(name)['id'])
        self.assertIsNone(self.clients.nova.flavor('x'))
        self.assertIsNone(glance.Glance(manager).image('x'))
        self.assertIsNone(neutron.Neutron(manager).external_network('x'))

    def test_places(self):
        """Nothing is asked for that the flavor does not need."""
        self.cloud.places = [fake_cloud.provider(1), fake_cloud.provider(2)]
        client = placement.Placement(service_samples.Manager(self.cloud.url))
        self.assertEqual(set(self.cloud.places),
                         client.places(fake_cloud.flavor('x')))
        client.places(dict(fake_cloud.flavor('x'), disk=1, swap=512))
        self.assertEqual(
            ['VCPU:1,MEMORY_MB:64', 'VCPU:1,MEMORY_MB:64,DISK_GB:2'],
            [request[2]['resources'][0]
             for request in self.cloud.asked('GET', 'candidates')])

    def test_sets(self):
        self.cloud.resource_types = ['OS::Heat::None']
        self.cloud.actions = ['a', 'b']
        self.assertEqual({'OS::Heat::None'},
                         self.clients.heat.resource_types())
        self.assertEqual({'a'}, self.clients.mistral.actions({'a', 'c'}))
        self.assertEqual(set(self.cloud.processes),
                         self.clients.vitrage.processes())
