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

"""What an error of a client means."""

import subprocess
import sys

from keystoneauth1 import exceptions as ksa_exc
import requests_mock
import testtools

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import service_samples


class ErrorTest(service_samples.ClientTestCase):
    """Every failure has a service, an operation and a kind."""

    CALLS = (
        ('Heat', '/heat', lambda c: c.heat.stack('x')),
        ('Vitrage', '/rca', lambda c: c.vitrage.templates()),
        ('Mistral', '/mistral', lambda c: c.mistral.executions('w')),
        ('Nova', '/nova', lambda c: c.nova.compute_services()),
    )

    def test_out_of_order(self):
        """A 503 may be better later."""
        for service, path, call in self.CALLS:
            self.cloud.broken = path
            error = self.assertRaises(errors.ServiceUnavailable, call,
                                      self.clients)
            self.assertEqual(service, error.service)

    def test_refused(self):
        """A 403 will not."""
        def forbid(*args):
            raise fake_cloud.Reply(403, {'error': {'message': 'no'}})
        self.cloud.handle = self.keystone_or(forbid)
        for service, path, call in self.CALLS:
            error = self.assertRaises(errors.ServiceRefused, call,
                                      self.clients)
            self.assertEqual((service, 403), (error.service, error.code))

    def test_defect(self):
        """An answer that the library cannot digest is named as such."""
        self.cloud.handle = self.keystone_or(
            lambda *args: (200, ['nonsense'], {}))
        for service, path, call in self.CALLS[:1] + self.CALLS[2:3]:
            error = self.assertRaises(errors.ClientDefect, call,
                                      self.clients)
            self.assertIn('%s: ' % service, str(error))
            self.assertIn('the client library failed', str(error))

    def test_no_connection(self):
        """Nobody listens: it may be better later."""
        with requests_mock.Mocker() as mocker:
            mocker.register_uri(
                requests_mock.ANY, requests_mock.ANY,
                exc=ksa_exc.ConnectFailure('no route'))
            self.assertRaises(errors.ServiceUnavailable,
                              self.make().vitrage.templates)

    def keystone_or(self, handler):
        real = self.cloud.handle

        def handle(method, path, query, body):
            if path.startswith('/identity'):
                return real(method, path, query, body)
            return handler(method, path, query, body)
        return handle


class StatusTest(testtools.TestCase):
    """errors.from_status()."""

    def test_later(self):
        """Throttled, or the server's own fault."""
        for status in (408, 429, 500, 502, 503, 504, 599):
            self.assertIs(errors.ServiceUnavailable,
                          errors.from_status(status))

    def test_no(self):
        for status in (204, 302, 400, 401, 403, 404, 407, 409, 428, 430, 600):
            self.assertIs(errors.ServiceRefused, errors.from_status(status))

    def test_dialect(self):
        """What one service means by a status is no other one's affair."""
        dialect = errors.Dialect(transient=frozenset([404]))
        self.assertEqual(
            [errors.ServiceUnavailable, errors.ServiceUnavailable,
             errors.ServiceRefused],
            [errors.from_status(status, dialect)
             for status in (404, 503, 403)])


class ImportTest(testtools.TestCase):
    """A module that needs only the errors needs no client library."""

    LIBRARIES = ('heatclient', 'mistralclient', 'vitrageclient')

    def test_no_client(self):
        """A fresh interpreter: here all have been imported long ago."""
        for module in ('errors', 'asking'):
            done = subprocess.run(
                [sys.executable, '-c', 'import sys\n'
                 'import self_healing_tempest_plugin.services.%s\n'
                 'print(sorted({%r, %r, %r} & sys.modules.keys()))' % (
                     module, *self.LIBRARIES)],
                text=True, stdout=subprocess.PIPE, check=True)
            self.assertEqual('[]\n', done.stdout, module)
