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

"""Prometheus of the lab with a password and TLS: made, and asked."""

import base64
import contextlib
from http import server
import importlib.util
import json
import os
import pathlib
import ssl
import stat
import sys
import threading
import types
from unittest import mock

import fixtures
import testtools

import tools
from tools.lab import errors
from tools.lab import monitors

MODULE = (tools.SOURCE / 'roles' / 'lab_controller' / 'library'
          / 'lab_web_config.py')
#: Host, address, user and password.
WANTED = ('controller', '127.0.0.1', 'self-healing', 'secret')


def web_config():
    """Return the module of Ansible, without Ansible."""
    parts = {name: types.ModuleType(name) for name in (
        'ansible', 'ansible.module_utils', 'ansible.module_utils.basic')}
    parts['ansible.module_utils.basic'].AnsibleModule = None
    spec = importlib.util.spec_from_file_location('lab_web_config', MODULE)
    module = importlib.util.module_from_spec(spec)
    before = {name: sys.modules.get(name) for name in parts}
    sys.modules.update(parts)
    try:
        spec.loader.exec_module(module)
    finally:
        # These alone: what it has imported beside them stays, once.
        for name, its in before.items():
            del sys.modules[name]
            sys.modules.update({name: its} if its else {})
    return module


class WebConfigTest(testtools.TestCase):
    """What is there and good stays; what is not is made again."""

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path, 'web')
        self.module = web_config()
        self.write(*WANTED)

    def write(self, *wanted):
        """Return the names of what had to be written."""
        files = self.module.missing(self.directory, *wanted)
        self.module.write(self.directory, files)
        return sorted(files)

    def test_again(self):
        self.assertEqual([], self.write(*WANTED))

    def test_private(self):
        self.assertEqual({0o600}, {
            stat.S_IMODE(path.stat().st_mode)
            for path in self.directory.iterdir()})

    def test_other_password(self):
        self.assertEqual(['web.yml'], self.write(*WANTED[:-1], 'other'))
        self.assertNotIn('other', (self.directory / 'web.yml').read_text())

    def test_other_user(self):
        self.assertEqual(['web.yml'], self.write(
            *WANTED[:2], 'somebody', WANTED[3]))

    def test_other_address(self):
        self.assertEqual(['ca.pem', 'cert.pem', 'key.pem'], self.write(
            WANTED[0], '192.0.2.1', *WANTED[2:]))

    def test_cut_off(self):
        """An "up" that was killed has written some of them."""
        self.module.write(self.directory, {
            'key.pem': self.module.certificate(*WANTED[:2])['key.pem']})
        self.assertIn('cert.pem', self.write(*WANTED))

    def test_soon_over(self):
        with mock.patch.object(self.module, 'REST', self.module.LIFE):
            self.assertIn('cert.pem', self.write(*WANTED))

    def test_broken(self):
        for text in ('', 'basic_auth_users: {}', '{}', '[]',
                     '{"basic_auth_users": {"self-healing": 1}}'):
            (self.directory / 'web.yml').write_text(text)
            self.assertEqual(['web.yml'], self.write(*WANTED), text)


class _Prometheus(server.BaseHTTPRequestHandler):
    """Lets in whom web.yml lets in."""

    def do_GET(self):
        kind, _, pair = self.headers.get('Authorization', '').partition(' ')
        user, _, password = base64.b64decode(pair).decode().partition(':')
        good = kind == 'Basic' and self.server.web.lets_in(
            self.server.settings, user, password)
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(b'{"data": {"alerts": []}}' if good else b'')

    def log_message(self, *_):
        """Say nothing."""


class SecuredMonitorTest(testtools.TestCase):
    """The lab's tools ask it, over TLS."""

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        module = web_config()
        module.write(self.directory, module.missing(
            self.directory, *WANTED))
        clean = contextlib.ExitStack()
        self.addCleanup(clean.close)
        self.server = clean.enter_context(
            server.ThreadingHTTPServer(('127.0.0.1', 0), _Prometheus))
        self.server.web = module
        self.server.settings = (self.directory / 'web.yml').read_bytes()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / 'cert.pem',
                                self.directory / 'key.pem')
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True)
        self.server.handle_error = lambda *_: None
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        clean.callback(thread.join)
        clean.callback(self.server.shutdown)

    def monitor(self, **access):
        """Return the monitor, which is asked in some way."""
        (self.directory / 'password').write_text('secret\n')
        path = self.directory / 'monitors.json'
        path.write_text(json.dumps({'prometheus': {
            'kind': 'prometheus',
            'url': 'https://127.0.0.1:%d' % self.server.server_port,
            'username': 'self-healing',
            'password_file': str(self.directory / 'password'),
            'ca_file': str(self.directory / 'ca.pem'), **access}}))
        return monitors.Monitor(path, 30)

    def test_asked(self):
        self.assertEqual({'prometheus': []}, self.monitor().alerts())

    def test_strictly(self):
        """As newer versions of Python verify by default."""
        context = ssl.create_default_context(
            cafile=str(self.directory / 'ca.pem'))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with mock.patch.object(ssl, 'create_default_context',
                               lambda **_: context):
            self.assertEqual({'prometheus': []}, self.monitor().alerts())

    def test_another_user(self):
        error = self.assertRaises(errors.LabError, self.monitor(
            username='somebody').alerts)
        self.assertIn('401', str(error))

    def test_another_authority(self):
        module = self.server.web
        other = self.directory / 'other.pem'
        other.write_bytes(module.certificate(*WANTED[:2])['ca.pem'])
        error = self.assertRaises(errors.LabError, self.monitor(
            ca_file=str(other)).alerts)
        self.assertIn('certificate verify failed', str(error))

    def test_password_is_gone(self):
        monitor = self.monitor()
        os.unlink(self.directory / 'password')
        error = self.assertRaises(errors.LabError, monitor.alerts)
        self.assertIn('password', str(error))
