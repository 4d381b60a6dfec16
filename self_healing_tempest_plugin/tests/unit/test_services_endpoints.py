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

"""Where the services are, and what they tell of their versions."""

from unittest import mock

from keystoneauth1 import exceptions as ksa_exc
from tempest.lib.common import api_microversion_fixture
import testtools
from urllib3 import exceptions as urllib3_exc

from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import endpoints
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import lists
from self_healing_tempest_plugin.services import neutron
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import service_samples

PAGE = '<!DOCTYPE html><html><body>It works!</body></html>'
ID = fake_cloud.PROJECT
STACK = stacks.Stack('app', 'none')


class AboveVersionsTest(testtools.TestCase):
    """endpoints.above_versions()."""

    def test_above(self):
        for url, above in (
                ('http://h:8004/v1/' + ID, 'http://h:8004/'),
                ('http://h:8042', 'http://h:8042/'),
                ('http://h:8042/', 'http://h:8042/'),
                ('http://h/v2', 'http://h/'),
                ('http://h/v2.0/', 'http://h/'),
                ('http://h/heat-api/v1/%s/' % ID, 'http://h/heat-api/'),
                ('http://h/identity/v3', 'http://h/identity/'),
                ('https://v1-heat.example/v1/' + ID,
                 'https://v1-heat.example/'),
                ('https://v2.example:443/alarming',
                 'https://v2.example:443/alarming/'),
                ('https://h/v1-heat/v1/' + ID, 'https://h/v1-heat/'),
                ('https://h/v2/alarming', 'https://h/v2/alarming/'),
                ('https://h/v2/mistral/v2', 'https://h/v2/mistral/'),
                ('https://h/v3/heat/v1/' + ID, 'https://h/v3/heat/'),
                ('https://h/v2/' + ID[:-1] + '2',
                 'https://h/v2/' + ID[:-1] + '2/'),
                ('https://h/%s/aodh' % ID, 'https://h/%s/aodh/' % ID),
                ('https://[fd00::1]:8004/v1/AUTH_' + ID,
                 'https://[fd00::1]:8004/'),
                ('https://h/v2?x=/v1', 'https://h/'),
                ('https://h/v2beta', 'https://h/v2beta/')):
            self.assertEqual(above, endpoints.above_versions(url, ID), url)

    def test_without_project(self):
        """Who is of no project has a catalog without its id."""
        self.assertEqual('http://h/', endpoints.above_versions('http://h/v1'))


class EndpointTestCase(testtools.TestCase):
    """Services below paths that look like versions."""

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(fake_tenant_cloud.FakeTenantCloud())
        # The fake cloud answers below any prefix.
        real = self.cloud.handle
        self.prefix, self.page, self.answer = '', None, (200, PAGE, {})

        def handle(method, path, query, body):
            if self.page and path in self.page:
                return self.answer
            return real(method, path.removeprefix(self.prefix), query, body)

        self.cloud.handle = handle

    def make(self, **changes):
        return clients.Clients(
            service_samples.cloud_settings(self.cloud.url, **dict(
                {'request_timeout': 60}, **changes)),
            service_samples.Manager(self.cloud.url))

    def at(self, **paths):
        """Let the catalog have services at other paths."""
        self.cloud.elsewhere = {kind: self.cloud.url + path
                                for kind, path in paths.items()}


class CallTest(EndpointTestCase):
    """The calls go to what the catalog says."""

    def test_within_the_path(self):
        self.prefix = '/v2/cloud'
        self.at(alarming='/v2/cloud/aodh', messaging='/v2/cloud/zaqar/v2',
                workflowv2='/v2/cloud/mistral/v2')
        made = self.make()
        made.aodh.alarms()
        made.zaqar.queue(fake_tenant_cloud.QUEUE)
        made.mistral.workflows()
        self.assertEqual('v2.0', made.mistral.version())

    def test_mistral_without_version(self):
        self.at(workflowv2='/mistral')
        self.make().mistral.workflows()

    def test_heat_and_vitrage_by_other_endpoints(self):
        """With a version or without, with the project or without."""
        for path in ('/heat', '/heat/', '/heat/v1', '/heat/v1/' + ID,
                     '/heat/v1/%s/' % ID):
            self.at(orchestration=path)
            self.assertEqual('r1', self.make().heat.build(), path)
        for path in ('/rca', '/rca/', '/rca/v1', '/rca/v1/'):
            self.at(rca=path)
            self.assertEqual('OK', self.make().vitrage.status(), path)

    def test_mistral_that_is_not_there(self):
        made = self.make(mistral_catalog_type='nonsense')
        error = self.assertRaises(errors.ServiceRefused,
                                  made.mistral.workflows)
        self.assertIn('endpoint for nonsense service', str(error))


class RegionTest(EndpointTestCase):
    """A region that the catalog has not."""

    def test_of_tempest(self):
        """It takes the first, as it does for Nova."""
        made = self.make(region='Nowhere', any_region=True)
        for ask in (made.heat.build, made.vitrage.status,
                    made.mistral.workflows):
            ask()

    def test_own(self):
        made = self.make(region='Nowhere', any_region=False)
        error = self.assertRaises(errors.ServiceRefused, made.vitrage.status)
        self.assertIn('Nowhere', str(error))

    def test_service_that_is_not_there(self):
        made = self.make(any_region=True, heat_catalog_type='nonsense')
        error = self.assertRaises(errors.ServiceRefused, made.heat.version)
        self.assertIn('public endpoint for nonsense service in RegionOne',
                      str(error))


class GoneTest(EndpointTestCase):
    """What is not there, and a 404 of whoever stands before a service."""

    FOREIGN = ('default backend - 404', '', PAGE, '{"error": "no"}',
               '{"message": "no Route matched with those values"}',
               '{"error_message": "<html><title>404 Not Found</title>"}')
    # What each answers of what is gone.
    CALLS = (
        (lambda made: made.heat.stack('none'), None),
        (lambda made: made.heat.delete('none'), None),
        (lambda made: made.heat.resources('none'), []),
        (lambda made: made.heat.updates(STACK), []),
        (lambda made: made.mistral.execution('none'), None),
        (lambda made: made.mistral._delete_execution('none'), None),
        (lambda made: made.nova.server('none'), None),
        (lambda made: made.nova.actions('none'), []),
        (lambda made: made.nova.delete('none'), None),
        (lambda made: made.zaqar.queue('none'), None),
        (lambda made: made.aodh.alarm('none'), None),
        (lambda made: made.aodh.transitions('none'), []),
        (lambda made: made.keystone.revoke('r', 'u', 'p'), None),
        (lambda made: made.keystone.user_name('none'), None),
        (lambda made: made.trusts.trust('none'), None),
        (lambda made: made.trusts.delete('none'), None))

    def setUp(self):
        super().setUp()
        self.useFixture(
            api_microversion_fixture.APIMicroversionFixture(
                compute_microversion=nova.COMPUTE_MICROVERSION))

    def test_gone(self):
        """Each service has its own way to say so."""
        made = self.make()
        for number, (call, answer) in enumerate(self.CALLS):
            self.assertEqual(answer, call(made), number)

    def test_somebody_else(self):
        """An ingress without a backend knows of nothing that it is gone."""
        made, real = self.make(), self.cloud.handle
        for body in self.FOREIGN:
            def handle(method, path, query, asked):
                if path.startswith('/identity') and path.endswith('/tokens'):
                    return real(method, path, query, asked)
                return 404, body, {'Content-Type': 'application/json' if (
                    body.startswith('{')) else 'text/html'}

            self.cloud.handle = handle
            for number, (call, _) in enumerate(self.CALLS):
                with testtools.ExpectedException(
                        errors.SomebodyElse, '(?s).*stands before it',
                        msg='%d: %s' % (number, body)):
                    call(made)


class VersionTest(EndpointTestCase):
    """A page for people where the versions should be listed."""

    ROOTS = {'/heat/', '/heat/v1', '/rca/', '/rca/v1', '/mistral/',
             '/mistral/v2', '/aodh/', '/aodh/v2', '/zaqar/', '/zaqar/v2',
             '/identity/v3', '/nova/', '/neutron/'}

    def test_calls_that_work(self):
        self.page = self.ROOTS
        made = self.make()
        for version, told in (
                (made.heat.version, 'v1'), (made.vitrage.version, 'v1'),
                (made.mistral.version, 'v2'), (made.aodh.version, 'v2')):
            self.assertEqual('%s answers; its endpoint lists no versions'
                             % told, version())

    def test_calls_that_fail(self):
        """A page is no answer of the service that is behind it."""
        self.page, self.cloud.broken = self.ROOTS, '/rca/v1'
        error = self.assertRaises(errors.ServiceUnavailable,
                                  self.make().vitrage.version)
        self.assertIn('Vitrage: show its status', str(error))

    def test_below_the_version(self):
        """Keystone tells it there, as Tempest's uri_v3 has it."""
        self.assertEqual('v3.14', self.make().keystone_version())

    def test_by_clients_of_tempest(self):
        self.page = self.ROOTS
        self.assert_no_versions()

    def test_root_that_leads_nowhere(self):
        """Nobody listens where it sends us; who is late is another matter."""
        self.page, self.answer = self.ROOTS, (
            302, '', {'Location': 'http://127.0.0.1:1/login'})
        self.assert_no_versions()
        reason = urllib3_exc.ConnectTimeoutError()
        for late in (reason, urllib3_exc.MaxRetryError(None, '/', reason)):
            self.assertRaises(type(late), lists.version,
                              mock.Mock(side_effect=late), self.fail, 'v1')

    def assert_no_versions(self):
        made, manager = self.make(), service_samples.Manager(self.cloud.url)
        self.cloud.networks = []
        self.assertEqual('v2.0 answers; its endpoint lists no versions',
                         neutron.Neutron(manager).version())
        made.nova.limits = dict
        self.assertEqual('v2.1 answers; its endpoint lists no versions',
                         made.nova.version())


class ErrorTest(testtools.TestCase):
    """What is raised where there is nothing."""

    def test_no_endpoint(self):
        class Keystone:
            def get_endpoint(self, **asked):
                return None

        self.assertRaises(
            ksa_exc.EndpointNotFound, endpoints.endpoint, Keystone(),
            service_samples.cloud_settings('http://h'), 'x')
