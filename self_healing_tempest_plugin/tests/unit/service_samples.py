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

"""The real clients of a cloud over HTTP."""

from tempest.lib import auth
from tempest.lib.common import api_microversion_fixture
from tempest.lib.services.compute import flavors_client
from tempest.lib.services.compute import hypervisor_client
from tempest.lib.services.compute import interfaces_client
from tempest.lib.services.compute import limits_client
from tempest.lib.services.compute import servers_client
from tempest.lib.services.compute import services_client
from tempest.lib.services.compute import versions_client
from tempest.lib.services.identity.v3 import projects_client
from tempest.lib.services.identity.v3 import role_assignments_client
from tempest.lib.services.identity.v3 import roles_client
from tempest.lib.services.identity.v3 import users_client
from tempest.lib.services.image.v2 import images_client
from tempest.lib.services.network import networks_client
from tempest.lib.services.network import quotas_client
from tempest.lib.services.network import security_groups_client
from tempest.lib.services.network import versions_client as network_versions
from tempest.lib.services.placement import placement_client
import testtools

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin.services import placement
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
        self.limits_client = limits_client.LimitsClient(*options)
        self.flavors_client = flavors_client.FlavorsClient(*options)
        self.compute_versions_client = versions_client.VersionsClient(
            *options)
        identity = (provider, 'identity', 'RegionOne')
        self.roles_v3_client = roles_client.RolesClient(*identity)
        self.users_v3_client = users_client.UsersClient(*identity)
        self.role_assignments_client = (
            role_assignments_client.RoleAssignmentsClient(*identity))
        self.projects_client = projects_client.ProjectsClient(*identity)
        self.network_quotas_client = quotas_client.QuotasClient(
            provider, 'network', 'RegionOne')
        self.security_groups_client = (
            security_groups_client.SecurityGroupsClient(
                provider, 'network', 'RegionOne'))
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
            compute_microversion=nova.COMPUTE_MICROVERSION,
            placement_microversion=placement.PLACEMENT_MICROVERSION))
        self.clients = self.make()

    def make(self, **changes):
        return clients.Clients(cloud_settings(self.cloud.url, **changes),
                               Manager(self.cloud.url))
