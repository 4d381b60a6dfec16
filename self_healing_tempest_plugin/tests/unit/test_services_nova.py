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

"""Nova, as its real client asks it over HTTP."""

from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import service_samples


class NovaTest(service_samples.ClientTestCase):
    """nova.Nova, with the schemas of Tempest."""

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

    def test_instance_actions(self):
        """Nova lists the newest first; a server that is gone has none."""
        self.cloud.instance_actions = {fake_cloud.SERVER: [
            fake_cloud.instance_action('delete', 'req-2'),
            fake_cloud.instance_action('create')]}
        nova = self.clients.nova
        self.assertEqual(['create', 'delete'], [
            action['action'] for action in nova.actions(fake_cloud.SERVER)])
        self.assertEqual([], nova.actions(fake_cloud.NEW_SERVER))

    def test_action_of_nobody(self):
        """A guest that has died is stopped by nova-compute itself."""
        self.cloud.instance_actions = {fake_cloud.SERVER: [
            dict(fake_cloud.instance_action('stop'), user_id=None)]}
        action, = self.clients.nova.actions(fake_cloud.SERVER)
        self.assertEqual(('stop', 'none, but Nova itself'),
                         (action['action'], action['user_id']))

    def test_console(self):
        self.cloud.console = 'one\ntwo\nthree'
        self.assertEqual('two\nthree', self.clients.nova.console(
            fake_cloud.SERVER, 2))
