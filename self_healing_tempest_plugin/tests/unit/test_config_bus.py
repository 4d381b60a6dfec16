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

"""The options of the message bus, and how its password is kept."""

import logging

import fixtures
import requests

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import rabbitmq
from self_healing_tempest_plugin.tests.unit import test_config

SECRET = 'Marvin-bus42'
GOOD = {'rabbitmq_api_url': 'http://192.0.2.1:15672/',
        'rabbitmq_api_username': 'monitoring',
        'rabbitmq_api_password': SECRET}


class BusTestCase(test_config.SettingsTestCase):
    """All of its options are set."""

    def setUp(self):
        super().setUp()
        self.addCleanup(runtime.forget)
        for option, value in GOOD.items():
            self.override(option, value)

    def said(self):
        """Return the line of the refusal."""
        return self.refused().splitlines()[-1].removeprefix('Details: ')


class SettingsTest(BusTestCase):
    """config.settings().bus."""

    def test_unset(self):
        """Without a URL, nobody is asked; and that is the default."""
        for option in GOOD:
            self.override(option, None)
        self.assertIsNone(config.settings(self.conf).bus)
        self.assertIsNone(rabbitmq.of(config.settings(self.conf)))

    def test_set(self):
        self.override('rabbitmq_vhost', 'cloud')
        self.assertEqual(
            config.MessageBus(url='http://192.0.2.1:15672',
                              username='monitoring', password=SECRET,
                              vhost='cloud'),
            config.settings(self.conf).bus)

    def test_virtual_host(self):
        """It is "/" by default, as of the services themselves."""
        self.assertEqual('/', config.settings(self.conf).bus.vhost)

    def test_missing(self):
        """All of them, or none."""
        for option in ('rabbitmq_api_username', 'rabbitmq_api_password',
                       'rabbitmq_vhost'):
            for value in (None, ''):
                self.override(option, value)
                self.assertEqual(
                    '[self_healing] %s, with rabbitmq_api_url, must be set'
                    % option, self.said())
            self.override(option, GOOD.get(option, '/'))

    def test_superfluous(self):
        """Who has set them thinks that somebody is asked."""
        for option in ('rabbitmq_api_username', 'rabbitmq_api_password'):
            for other in GOOD:
                self.override(other, None)
            self.override(option, GOOD[option])
            self.assertEqual(
                '[self_healing] %s is set, and rabbitmq_api_url is not: '
                'nobody is asked' % option, self.said())

    def test_url(self):
        """Where it is, and no more: it stands in logs."""
        for url, words in (
                ('http://ops:%s@h:15672' % SECRET, 'a user or a password'),
                ('http://ops@h:15672', 'a user or a password'),
                ('http://h:15672/?a=%s' % SECRET, 'a query'),
                ('http://h:15672/#/queues', 'a query')):
            self.override('rabbitmq_api_url', url)
            self.assertEqual('[self_healing] rabbitmq_api_url must not hold %s'
                             % words, self.said())

    def test_scheme(self):
        """The port of the bus itself speaks another language."""
        for url in ('amqp://h:5672', 'rabbit://h:5672', 'h:15672', 'h'):
            self.assertRaises(ValueError, self.override, 'rabbitmq_api_url',
                              url)


class SecrecyTest(BusTestCase):
    """Nobody is told the password."""

    def test_option(self):
        """oslo.config masks it wherever it shows values."""
        option, = (option for option in config.SELF_HEALING_OPTIONS
                   if option.name == 'rabbitmq_api_password')
        self.assertTrue(option.secret)
        log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        self.conf.log_opt_values(logging.getLogger('x'), logging.DEBUG)
        self.assertIn('rabbitmq_api_password', log.output)
        self.assertNotIn(SECRET, log.output)

    def test_settings(self):
        settings = config.settings(self.conf)
        for told in (repr(settings), str(settings), repr(settings.bus)):
            self.assertNotIn(SECRET, told)
        self.assertIn('192.0.2.1:15672', repr(settings))

    def test_learned(self):
        """To read the options is enough for that nobody tells it."""
        self.assertIn(SECRET, config.secrets(self.conf))
        runtime.forget()
        self.assertIn(SECRET, runtime.text(SECRET))
        config.settings(self.conf)
        self.assertEqual('the *** of it', runtime.text(
            'the %s of it' % SECRET))
        self.assertNotIn(SECRET, runtime.line({'x': SECRET}, 99))

    def test_errors(self):
        """What a library says of its request is redacted, too."""
        settings = config.settings(self.conf)

        def get(*args, auth, **options):
            raise requests.ConnectionError('it was %s' % (auth,))

        self.useFixture(fixtures.MockPatchObject(requests, 'get', get))
        error = self.assertRaises(errors.ServiceUnavailable,
                                  rabbitmq.of(settings).queue, 'q')
        self.assertIn('it was', str(error))
        self.assertNotIn(SECRET, str(error))

    def test_refusals(self):
        """No line about a bad option has it."""
        for option in ('rabbitmq_api_url', 'rabbitmq_api_username'):
            self.override(option, None)
            self.assertNotIn(SECRET, self.refused())
            self.override(option, GOOD[option])
