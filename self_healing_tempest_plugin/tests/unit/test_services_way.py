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

"""How the services are reached: as Tempest's own clients reach them."""

import os

import fixtures
import testtools
from testtools import matchers

from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import fake_way
from self_healing_tempest_plugin.tests.unit import service_samples

# What asks each service that is not asked by Tempest's clients.
ASKING = {
    'Keystone': lambda made: made.project_id,
    'Heat': lambda made: made.heat.build(),
    'Vitrage': lambda made: made.vitrage.status(),
    'Mistral': lambda made: made.mistral.workflows(),
    'Aodh': lambda made: made.aodh.alarms(),
    'Zaqar': lambda made: made.zaqar.queue(fake_tenant_cloud.QUEUE),
    'trusts': lambda made: made.trusts.trust('none'),
}


class WayTestCase(testtools.TestCase):
    """A cloud whose host is found by the proxy alone."""

    scheme = 'http'

    def setUp(self):
        super().setUp()
        for name in ('http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY',
                     'HTTPS_PROXY', 'NO_PROXY', 'all_proxy',
                     'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE'):
            self.useFixture(fixtures.EnvironmentVariable(name))
        self.cloud = self.useFixture(fake_tenant_cloud.FakeTenantCloud())
        self.proxy = self.useFixture(fake_way.Proxy(self.cloud.port))
        self.cloud.url = '%s://%s' % (self.scheme, fake_way.HOST)

    def make(self, **changes):
        return clients.Clients(
            service_samples.cloud_settings(
                self.cloud.url, **dict({'request_timeout': 60}, **changes)),
            service_samples.Manager(self.cloud.url))

    def through(self, **changes):
        """Ask all services, and return what the proxy was asked for."""
        made = self.make(proxy_url=self.proxy.url, **changes)
        for ask in ASKING.values():
            ask(made)
        return self.proxy.asked

    def set(self, name, value):
        self.useFixture(fixtures.EnvironmentVariable(name, value))


class ProxyTest(WayTestCase):
    """[service-clients] proxy_url, and nothing of the environment."""

    def test_every_service(self):
        asked = ' '.join(self.through())
        for path in ('identity/v3/auth/tokens', 'heat/v1', 'rca/v1',
                     'mistral/v2', 'aodh/v2', 'zaqar/v2',
                     'identity/v3/OS-TRUST'):
            self.assertIn('http://%s/%s' % (fake_way.HOST, path), asked)

    def test_versions_and_times(self):
        """What the services tell of themselves comes by the same way."""
        self.cloud.tells_time = True
        made = self.make(proxy_url=self.proxy.url)
        self.assertEqual(('v3.14', 'v1.0'), (
            made.keystone_version(), made.heat.version()))
        for service, date in made.dates().items():
            self.assertThat(date(), matchers.GreaterThan(0), service)

    def test_other_project(self):
        self.make(proxy_url=self.proxy.url).in_project(
            fake_cloud.PROJECT).mistral.workflows()
        self.assertIn('/mistral/v2/workflows', self.proxy.asked[-1])

    def test_no_proxy(self):
        """Tempest's clients go through the proxy all the same."""
        self.set('no_proxy', '*')
        self.assertNotEqual([], self.through())

    def test_proxy_of_the_environment(self):
        """Tempest's clients do not see it."""
        self.cloud.url = 'http://127.0.0.1:%d' % self.cloud.port
        for name in ('http_proxy', 'https_proxy', 'all_proxy'):
            self.set(name, self.proxy.url)
        made = self.make()
        for ask in ASKING.values():
            ask(made)
        self.assertEqual([], self.proxy.asked)

    def test_netrc(self):
        """No password of another program goes to a service."""
        home = self.useFixture(fixtures.TempDir()).path
        path = os.path.join(home, 'netrc')
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write('machine %s login me password mine\n'
                         % fake_way.HOST)
        self.set('NETRC', path)
        real, sent = self.cloud.handle, []

        def handle(*request):
            sent.append(self.cloud.asking.headers['Authorization'])
            return real(*request)

        self.useFixture(fixtures.MockPatchObject(self.cloud, 'handle',
                                                 handle))
        self.through()
        self.assertEqual({None}, set(sent))

    def test_kept_answer(self):
        """A proxy that answers by itself does not tell a service's time."""
        self.cloud.tells_time = True
        real = self.cloud.handle

        def handle(method, path, query, body):
            status, answer, headers = real(method, path, query, body)
            return status, answer, dict(headers, Age='40')

        self.useFixture(fixtures.MockPatchObject(self.cloud, 'handle',
                                                 handle))
        made = self.make(proxy_url=self.proxy.url)
        self.assertIsNone(made.dates()['Heat']())

    def test_proxy_that_is_away(self):
        made = self.make(proxy_url='http://127.0.0.1:9')
        error = self.assertRaises(errors.ServiceUnavailable,
                                  lambda: made.project_id)
        self.assertIn('Keystone: get a token', str(error))


class TimeoutTest(WayTestCase):
    """[service-clients] http_timeout."""

    def test_silent_service(self):
        self.cloud.silent = 'mistral'
        made = self.make(proxy_url=self.proxy.url, request_timeout=5)
        self.assertTrue(made.project_id)
        self.assertRaises(errors.ServiceUnavailable, made.mistral.workflows)


class TlsTest(WayTestCase):
    """Certificates, through the proxy as well."""

    scheme = 'https'

    def setUp(self):
        super().setUp()
        self.certificate = self.useFixture(fake_way.Certificate())
        self.certificate.guard(self.cloud.http)

    def refused(self, **changes):
        made = self.make(proxy_url=self.proxy.url, **changes)
        return str(self.assertRaises(errors.ServiceRefused,
                                     lambda: made.project_id))

    def test_unknown_authority(self):
        self.assertIn('CERTIFICATE_VERIFY_FAILED', self.refused())

    def test_file(self):
        """[identity] ca_certificates_file."""
        self.assertIn('CONNECT %s:443' % fake_way.HOST,
                      self.through(verify=self.certificate.path))

    def test_system(self):
        """Whom the system trusts Tempest's clients trust."""
        self.set('SSL_CERT_FILE', self.certificate.path)
        self.assertNotEqual([], self.through())

    def test_each_trusts_whom_it_was_told_to(self):
        """Neither who verifies nothing nor a file changes that of others."""
        self.assertNotEqual([], self.through(verify=False))
        self.assertIn('CERTIFICATE_VERIFY_FAILED', self.refused())
        self.assertNotEqual([], self.through(verify=self.certificate.path))
        self.assertIn('CERTIFICATE_VERIFY_FAILED', self.refused())

    def test_other_file(self):
        """Nor does the system's store count where there is a file."""
        self.set('SSL_CERT_FILE', self.certificate.path)
        other = self.useFixture(fake_way.Certificate())
        self.assertIn('CERTIFICATE_VERIFY_FAILED',
                      self.refused(verify=other.path))

    def test_file_of_requests(self):
        """Tempest's clients do not see it."""
        self.set('REQUESTS_CA_BUNDLE', self.certificate.path)
        self.assertIn('CERTIFICATE_VERIFY_FAILED', self.refused())

    def test_insecure(self):
        """[identity] disable_ssl_certificate_validation."""
        self.assertNotEqual([], self.through(verify=False))
