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

"""The session, and what services tell of themselves."""

import math
import time

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import neutron
from self_healing_tempest_plugin.services import session
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import service_samples


class SessionTest(service_samples.ClientTestCase):
    """session.of_project()."""

    def test_scope(self):
        """Password, project and domains of the configured credentials."""
        self.assertEqual(fake_cloud.PROJECT, self.clients.project_id)
        body = self.cloud.asked('POST', 'tokens')[0][3]['auth']
        self.assertEqual({'project': {
            'name': 'admin', 'domain': {'name': 'Default'}}}, body['scope'])

    def test_verification(self):
        """TLS verification and timeout are the session's."""
        opened = session.of_project(
            service_samples.cloud_settings('https://x', verify='/ca.pem'),
            service_samples.Manager('https://x').credentials)
        self.assertEqual(('/ca.pem', 5), (opened.verify, opened.timeout))


class TellingTest(service_samples.ClientTestCase):
    """Versions and dates."""

    def test_date(self):
        self.cloud.tells_time = True
        self.cloud.catalog = {'alarming': '/aodh'}
        before = math.floor(time.time())
        for service, date in self.clients.dates().items():
            self.assertTrue(before <= date() <= time.time(), service)

    def test_no_date(self):
        for service, date in self.clients.dates().items():
            self.assertIsNone(date(), service)

    def test_service_that_is_not_there(self):
        """Nobody needs its clock."""
        self.cloud.tells_time = True
        self.assertIsNone(self.clients.dates()['Aodh']())

    def test_versions(self):
        made, manager = self.clients, service_samples.Manager(self.cloud.url)
        self.assertEqual(
            ('v3.14', 'v1.0', 'v2.0', 'v2.1, microversions 2.1 to 2.100',
             'v2.0', 'r1'),
            (made.keystone_version(), made.heat.version(),
             made.mistral.version(), made.nova.version(),
             neutron.Neutron(manager).version(), made.heat.build()))

    def test_version_without_endpoint(self):
        heat = self.make(heat_catalog_type='nonsense').heat
        error = self.assertRaises(errors.ServiceRefused, heat.version)
        self.assertIn('public endpoint for nonsense service', str(error))
