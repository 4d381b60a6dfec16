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

"""How monitors let somebody in, over real HTTP and TLS."""

import base64
import datetime
import ipaddress
import logging
import os
import pathlib
import ssl

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography import x509
from cryptography.x509 import oid
import fixtures

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.monitors.prometheus import alertmanager
from self_healing_tempest_plugin.monitors.prometheus import server
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import rabbitmq
from self_healing_tempest_plugin.tests.unit import fake_bus
from self_healing_tempest_plugin.tests.unit import fake_monitor
from self_healing_tempest_plugin.tests.unit import test_config
from self_healing_tempest_plugin.tests.unit import test_probing

SECRET = 'Marvin-€-monitor42'
BASIC = 'Basic ' + base64.b64encode(('ops:' + SECRET).encode()).decode()
TOKEN = 'Marvin-token-4242'


def certificate(name, key, issuer=None, signed_by=None):
    """Return a certificate of an address on this machine, a day long."""
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(oid.NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder().subject_name(subject)
        .issuer_name(issuer or subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=12))
        .not_valid_after(now + datetime.timedelta(hours=12))
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(
            ipaddress.ip_address('127.0.0.1'))]), False)
        .sign(signed_by or key, hashes.SHA256()))


class AccessTestCase(test_config.SettingsTestCase):
    """A tempest.conf, files, and a monitor that wants to be shown some."""

    def setUp(self):
        super().setUp()
        self.addCleanup(runtime.forget)
        self.place = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.fake = self.useFixture(fake_monitor.FakeMonitor())

    def write(self, name, content, mode=0o600):
        path = self.place / name
        path.write_bytes(content if isinstance(content, bytes)
                         else content.encode())
        path.chmod(mode)
        return str(path)

    def api(self, url=None, **options):
        """Return Prometheus, as options say how to ask it."""
        self.override('prometheus_url', [url or self.fake.url])
        for name, value in options.items():
            self.override('prometheus_%s' % name, value)
        settings = config.settings(self.conf)
        for secret in (SECRET, TOKEN):
            self.assertNotIn(secret, repr(settings))
        return server.Prometheus(settings.prometheus_urls[0], 60,
                                 settings.cloud.verify,
                                 settings.prometheus_access)

    def said(self, **options):
        """Return the line by which options are refused."""
        for name, value in options.items():
            self.override('prometheus_%s' % name, value)
        line = self.refused().splitlines()[-1].removeprefix('Details: ')
        for name in options:
            self.conf.clear_override('prometheus_%s' % name, 'self_healing')
        self.assertNotIn('Marvin', line)
        return line


class RequestTest(AccessTestCase):
    """What a request bears."""

    def test_basic(self):
        self.fake.wanted = {'Authorization': BASIC}
        self.assertEqual((), self.api(
            username='ops', password=SECRET).targets())
        self.override('prometheus_password', None)
        self.assertEqual((), self.api(
            password_file=self.write('p', SECRET + '\n')).targets())

    def test_token(self):
        self.fake.wanted = {'Authorization': 'Bearer ' + TOKEN}
        self.assertEqual((), self.api(token=TOKEN).targets())
        self.override('prometheus_token', None)
        api = self.api(token_file=self.write('t', 'old-token-4242', 0o640))
        self.assertRaises(errors.ServiceRefused, api.targets)
        # It is renewed, and nothing is started again.
        self.write('t', TOKEN)
        self.assertEqual((), api.targets())

    def test_headers(self):
        self.fake.wanted = {'X-Scope-OrgID': 'cloud', 'X-Api-Key': SECRET}
        self.fake.wanted['X-Api-Key'] = TOKEN
        self.assertEqual((), self.api(
            headers={'X-Scope-OrgID': 'cloud'}, headers_file=self.write(
                'h', 'X-Api-Key: %s\n\n' % TOKEN)).targets())
        self.assertEqual('***', runtime.text(TOKEN))
        self.assertEqual('cloud', runtime.text('cloud'))

    def test_nothing_is_told(self):
        """Neither the error nor the log has what was shown."""
        self.fake.wanted = {'Authorization': 'x'}
        log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        error = self.assertRaises(errors.ServiceRefused, self.api(
            username='ops', password=SECRET).targets)
        self.conf.log_opt_values(logging.getLogger('x'), logging.DEBUG)
        self.assertEqual(
            'Prometheus: list targets: HTTP 401: it lets nobody in with what '
            'the options prometheus_* say', str(error))
        for secret in (SECRET, BASIC[6:]):
            self.assertNotIn(secret, log.output)
            self.assertNotIn(secret, runtime.text('x %s y' % secret))

    def test_no_netrc(self):
        """What is in somebody's home is not sent to the monitor."""
        path = self.write('netrc', 'default login ops password x\n')
        self.useFixture(fixtures.EnvironmentVariable('NETRC', path))
        for options in ({}, {'headers': {'X-Scope-OrgID': 'cloud'}}):
            self.api(**options).targets()
            self.assertIsNone(self.fake.headers.get('Authorization'))

    def test_proxy(self):
        """Proxies are those of the environment."""
        proxy = self.useFixture(fake_monitor.FakeMonitor())
        proxy.more['/api/v1/targets'] = {'data': {'activeTargets': []}}
        for name, value in (('http_proxy', proxy.url), ('no_proxy', '')):
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        self.api(url='http://monitor.invalid:9090').targets()
        self.assertEqual(1, len(proxy.requests))

    def test_other_services(self):
        """One is not shown what is for another."""
        self.override('alertmanager_url', [self.fake.url])
        self.api(token=TOKEN)
        settings = config.settings(self.conf)
        monitor = monitors.of(settings)
        monitor.sent()
        self.assertIsNone(self.fake.headers.get('Authorization'))

    def test_bus(self):
        """RabbitMQ's password may be in a file, too."""
        bus = self.useFixture(fake_bus.FakeBus())
        for name, value in (
                ('url', bus.url), ('username', fake_bus.USER),
                ('password_file', self.write('bus', fake_bus.PASSWORD))):
            self.override('rabbitmq_api_' + name, value)
        self.assertIsNone(rabbitmq.of(config.settings(self.conf)).queue('q'))
        self.override('rabbitmq_api_password', 'x')
        self.assertIn('are both set', self.refused())


class FilesTest(AccessTestCase):
    """Files that are not as they should be: one line, and no secret."""

    def test_bad(self):
        os.mkfifo(self.place / 'fifo')
        for option, path, problem in (
                ('token_file', str(self.place / 'none'), 'No such file'),
                ('token_file', str(self.place / 'fifo'), 'it is no file'),
                ('token_file', self.write('a', TOKEN, 0o644), 'chmod 0600'),
                ('token_file', self.write('b', ''), 'it is empty'),
                ('token_file', self.write('c', 'x\n' + TOKEN), 'one line'),
                ('token_file', self.write('d', b'\xff'), 'no UTF-8'),
                ('token_file', self.write('e', 'Marvin\x07'), 'printed'),
                ('headers_file', self.write('f', TOKEN), '"Name: value"'),
                ('ca_file', str(self.place / 'none'), 'No such file'),
                ('cert_file', str(self.place / 'none'), 'No such file')):
            self.override('prometheus_token_file', None)
            self.override('prometheus_headers_file', None)
            error = self.assertRaises(errors.ServiceRefused,
                                      self.api(**{option: path}).targets)
            self.conf.clear_override('prometheus_' + option, 'self_healing')
            self.assertIn('[self_healing] prometheus_%s %s: ' % (
                option, path), str(error))
            self.assertIn(problem, str(error))
            self.assertNotIn('Marvin', str(error))
        self.assertEqual([], self.fake.requests)

    def test_options(self):
        self.assertIn('prometheus_token is set, and prometheus_url is not',
                      self.said(token=TOKEN))
        self.override('prometheus_url', [self.fake.url])
        for options, problem in (
                ({'username': 'ops'}, 'must be set together'),
                ({'password': SECRET}, 'must be set together'),
                ({'username': 'o:ps', 'password': SECRET}, 'a colon'),
                ({'token': TOKEN, 'token_file': '/t'}, 'are both set'),
                ({'username': 'ops', 'password': SECRET, 'token': TOKEN},
                 'a request bears one of them'),
                ({'key_file': '/k'}, 'prometheus_cert_file is not'),
                ({'ca_file': 'ca.pem'}, 'an absolute path'),
                ({'headers': {'X Marvin': 'x'}}, 'Name:value'),
                ({'token': 'Marvin\n42'}, 'must be one line')):
            self.assertIn(problem, self.said(**options), options)


class UrlTest(AccessTestCase):
    """The URL, and what answers at it."""

    def test_query(self):
        """What is in a query goes with each request."""
        self.api(url=self.fake.url + '/?tenant=a&dedup=').rules('x')
        self.assertEqual('/api/v1/rules?tenant=a&dedup=&type=alert',
                         self.fake.requests[-1])

    def test_secret_query(self):
        for query in ('token=Marvin42', 'key=Marvin42', 'X-Api-Key=Marvin42',
                      'sig=Marvin42'):
            self.assertIn('must not hold a secret in its query: use '
                          'prometheus_token_file', self.said(
                              url=['http://h/?' + query]))
        self.assertIn('a fragment', self.said(url=['http://h/#/alerts']))
        self.assertIn('set prometheus_username and prometheus_password_file',
                      self.said(url=['http://ops:Marvin42@h']))

    def test_several(self):
        self.override('prometheus_url',
                      'http://a:9090/, http://[2001:db8::1]:9090,'
                      'http://a:9090')
        self.assertEqual(
            ('http://a:9090', 'http://[2001:db8::1]:9090'),
            config.settings(self.conf).prometheus_urls)
        self.assertRaises(ValueError, self.override, 'prometheus_url',
                          'http://a:9090, b:9090')

    def test_page(self):
        """A page to log in by is no JSON, and is named."""
        for page in ('<!DOCTYPE html><title>Log in', '  <html>',
                     '<!-- x -->\n<HTML lang="en">', '\ufeff<!DOCTYPE html>',
                     '<?xml version="1.0"?><html>', '<script>x</script>',
                     '\n<meta http-equiv="refresh" content="0; url=/login">'):
            self.fake.more['/api/v1/targets'] = page
            error = self.assertRaises(errors.ServiceError, self.api().targets)
            self.assertIn('a page of HTML, such as one to log in by, in '
                          'place of JSON', str(error))
            self.assertIn('prometheus_*', str(error))

    def test_byte_order_mark(self):
        """It says nothing, and hides nothing."""
        self.fake.more['/api/v1/targets'] = (
            '\ufeff{"data": {"activeTargets": []}}')
        self.assertEqual((), self.api().targets())

    def test_redirected(self):
        stranger = self.useFixture(test_probing.Stranger(test_probing.say(
            test_probing.answer(b'', b'HTTP/1.1 302 Found\r\n',
                                b'Location: /login?state=Marvin42'))))
        error = self.assertRaises(errors.ServiceRefused, self.api(
            url=stranger.url).targets)
        self.assertIn('HTTP 302 to /login, which is not followed', str(error))
        self.assertNotIn('Marvin', str(error))

    def test_date(self):
        """Whoever does not know the path has a clock all the same."""
        self.fake.absent = 'ready'
        self.assertIsNotNone(self.api().date())
        self.fake.broken = 'ready'
        self.assertRaises(errors.ServiceUnavailable, self.api().date)


class TlsTest(AccessTestCase):
    """Certificates that are made here."""

    def setUp(self):
        super().setUp()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.ca = certificate('authority', self.key)
        self.pem = self.write('ca.pem', self.ca.public_bytes(
            serialization.Encoding.PEM))
        self.cert, self.keys = self.made('ours')

    def made(self, name, encryption=serialization.NoEncryption()):
        key = ec.generate_private_key(ec.SECP256R1())
        made = certificate(name, key, self.ca.subject, self.key)
        return (self.write(name + '.pem', made.public_bytes(
            serialization.Encoding.PEM)), self.write(
                name + '.key', key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8, encryption)))

    def monitor(self, wants=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.made('its'))
        if wants:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.pem)
        return self.useFixture(fake_monitor.FakeMonitor(context))

    def test_authority(self):
        fake = self.monitor()
        error = self.assertRaises(errors.ServiceError,
                                  self.api(url=fake.url).targets)
        self.assertIn('TLS, look at prometheus_ca_file', str(error))
        self.assertEqual((), self.api(ca_file=self.pem,
                                      url=fake.url).targets())

    def test_certificate(self):
        fake = self.monitor(wants=True)
        self.assertRaises(errors.ServiceError, self.api(
            url=fake.url, ca_file=self.pem).targets)
        self.assertEqual((), self.api(
            url=fake.url, cert_file=self.cert, key_file=self.keys).targets())
        both = self.write('both', pathlib.Path(self.cert).read_bytes()
                          + pathlib.Path(self.keys).read_bytes())
        self.override('prometheus_key_file', None)
        self.assertEqual((), self.api(url=fake.url, cert_file=both).targets())

    def test_passphrase(self):
        """Nobody is asked for one at the terminal."""
        cert, key = self.made('locked', serialization.BestAvailableEncryption(
            b'x'))
        error = self.assertRaises(errors.ServiceRefused, self.api(
            url=self.monitor().url, ca_file=self.pem, cert_file=cert,
            key_file=key).targets)
        self.assertIn('prometheus_key_file %s: its key has a passphrase'
                      % key, str(error))

    def test_alertmanager(self):
        """The same of Alertmanager."""
        fake = self.monitor()
        fake.wanted = {'Authorization': 'Bearer ' + TOKEN}
        for name, value in (('url', [fake.url]), ('ca_file', self.pem),
                            ('token', TOKEN)):
            self.override('alertmanager_' + name, value)
        settings = config.settings(self.conf)
        self.assertEqual([], alertmanager.Alertmanager(
            settings.alertmanager_urls[0], 60, True,
            settings.alertmanager_access).alerts('x'))
