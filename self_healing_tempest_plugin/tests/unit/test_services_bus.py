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

"""RabbitMQ, asked over HTTP; and what may answer in its place."""

import json
import types

import fixtures
import testtools

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import rabbitmq
from self_healing_tempest_plugin.services import strangers
from self_healing_tempest_plugin.tests.unit import fake_bus
from self_healing_tempest_plugin.tests.unit import test_probing

NAME = 'notifications.info'
queue = fake_bus.queue


class BusTestCase(testtools.TestCase):
    """A RabbitMQ, and a client of it."""

    def setUp(self):
        super().setUp()
        self.fake = self.useFixture(fake_bus.FakeBus())
        self.bus = rabbitmq.RabbitMQ(self.fake.settings(), 5)

    def shown(self, answer):
        """Return what is read of a queue that is shown so."""
        self.fake.queues[NAME] = answer
        return self.bus.queue(NAME)


class QueueTest(BusTestCase):
    """rabbitmq.RabbitMQ.queue()."""

    def test_counts(self):
        self.assertEqual(rabbitmq.Queue(NAME, 2, 3, 40),
                         self.shown(queue(NAME, 2, 3, 40)))

    def test_empty(self):
        """Of what nothing has come into there are no statistics."""
        self.assertEqual(rabbitmq.Queue(NAME, 1, 0, 0),
                         self.shown(queue(NAME)))

    def test_not_counted(self):
        """Neither is known, of a new queue as of one without statistics."""
        self.assertEqual(rabbitmq.Queue(NAME, None, None, None),
                         self.shown(fake_bus.uncounted(NAME)))

    def test_no_rates(self):
        """Then nobody knows whether none have come, or none are counted."""
        shown = queue(NAME, 2, 3)
        del shown['messages_details']
        self.assertEqual(rabbitmq.Queue(NAME, 2, 3, None), self.shown(shown))

    def test_no_queue(self):
        self.assertIsNone(self.bus.queue(NAME))

    def test_path(self):
        """Whatever the names are, they are one part of the path each."""
        self.bus.queue(NAME)
        self.assertEqual('/api/queues/%2F/notifications.info',
                         self.fake.requests[-1])
        fake = self.useFixture(fake_bus.FakeBus(
            queue('a/b?c#d', vhost='x/y z'), vhost='x/y z'))
        self.assertEqual('a/b?c#d', rabbitmq.RabbitMQ(
            fake.settings(), 5).queue('a/b?c#d').name)
        self.assertEqual(['/api/queues/x%2Fy%20z/a%2Fb%3Fc%23d'],
                         fake.requests)

    def test_below_a_path(self):
        """It may be behind a proxy."""
        bus = rabbitmq.RabbitMQ(self.fake.settings(
            url=self.fake.url + '/rabbit'), 5)
        self.assertIsNone(bus.queue(NAME))
        self.assertTrue(self.fake.requests[-1].startswith('/rabbit/api/'))

    def refused(self, **changes):
        bus = rabbitmq.RabbitMQ(self.fake.settings(**changes), 5)
        error = self.assertRaises(errors.ServiceRefused, bus.queue, NAME)
        self.assertEqual(
            ('RabbitMQ', 'show queue notifications.info', 401),
            (error.service, error.operation, error.code))
        self.assertNotIn('Marvin', str(error))

    def test_refused(self):
        """Name or password is wrong, or there is no permission at all."""
        self.fake.queues[NAME] = queue(NAME)
        self.refused(password='Marvin-wrong')
        self.refused(username='guest')
        self.fake.permitted = False
        self.refused()

    def test_away(self):
        bus = rabbitmq.RabbitMQ(self.fake.settings(
            url='http://127.0.0.1:1'), 5)
        error = self.assertRaises(errors.ServiceUnavailable, bus.queue, NAME)
        self.assertEqual('RabbitMQ', error.service)
        self.assertNotIn(fake_bus.PASSWORD, str(error))

    def test_of(self):
        """It is there where the option is, and verifies as Tempest does."""
        settings = types.SimpleNamespace(
            bus=None, cloud=types.SimpleNamespace(verify='/ca.pem'))
        self.assertIsNone(rabbitmq.of(settings))
        settings.bus = self.fake.settings(url='https://127.0.0.1:1')
        bus = rabbitmq.of(settings)
        error = self.assertRaises(errors.ServiceError, bus.queue, NAME)
        self.assertIn('/ca.pem', str(error))


class StrangeAnswerTest(BusTestCase):
    """Something else is there, or something is wrong with it."""

    def broken(self, answer):
        error = self.assertRaises(errors.ClientDefect, self.shown, answer)
        self.assertEqual('RabbitMQ', error.service)
        self.assertLess(len(str(error)), 300)

    def test_kinds(self):
        good = queue(NAME, arrived=7)
        for answer in ([], [good], 'text', 7, {}, {'error': 'x'},
                       {'name': 'other'}, queue('other')):
            self.broken(answer)

    def test_numbers(self):
        """What is no count is not taken for one."""
        good = queue(NAME, arrived=7)
        for wrong in ('1', '', 'x' * 999, 1.5, True, [], [1], {}, -1):
            for name in ('consumers', 'messages'):
                self.broken(dict(good, **{name: wrong}))
            self.broken(dict(good, message_stats={'publish': wrong}))
        self.broken(dict(good, message_stats={'publish': None}))
        for wrong in (None, [], 'x', 1):
            self.broken(dict(good, message_stats=wrong))

    def ask(self, kind, act, words):
        stranger = self.useFixture(test_probing.Stranger(act))
        bus = rabbitmq.RabbitMQ(self.fake.settings(
            url=stranger.url.rstrip('/')), 0.5)
        error = self.assertRaises(kind, bus.queue, NAME)
        self.assertIn(words, str(error))
        self.assertNotIn('Marvin', str(error))

    def test_page(self):
        """The page of somebody's login is no queue."""
        for body in (b'<html>Log in</html>', b'', b'\xff\xfe',
                     b'[' * 100_000, b'{"name": "notifications.info"'):
            self.ask(errors.ClientDefect, test_probing.say(
                test_probing.answer(body)), 'show queue notifications.info')

    def test_redirection(self):
        """Nobody else is asked, and nobody else gets the password."""
        other = self.useFixture(test_probing.Stranger(test_probing.say(
            test_probing.answer(json.dumps(queue(NAME)).encode()))))
        self.ask(errors.ServiceRefused, test_probing.say(test_probing.answer(
            b'', b'HTTP/1.1 302 Found\r\n',
            b'Location: ' + other.url.encode())), 'HTTP 302')
        self.assertEqual(0, other.asked)

    def test_statuses(self):
        for status, kind in ((503, errors.ServiceUnavailable),
                             (429, errors.ServiceUnavailable),
                             (405, errors.ServiceRefused)):
            self.ask(kind, test_probing.say(test_probing.answer(
                b'', b'HTTP/1.1 %d Hm\r\n' % status)), 'HTTP %d' % status)

    def test_no_end(self):
        self.useFixture(fixtures.MockPatchObject(
            strangers, 'MOST_BYTES', 100_000))
        self.ask(errors.ClientDefect, test_probing.for_ever(
            b'[' * 65536, test_probing.HEAD + b'\r\n'), 'more than')

    def test_drip(self):
        self.ask(errors.ServiceUnavailable, test_probing.drip(
            test_probing.HEAD + b'\r\n{'), 'not over in time')

    def test_reset(self):
        self.ask(errors.ServiceUnavailable, test_probing.reset, 'RabbitMQ')


class SecrecyTest(BusTestCase):
    """The password is for the wire alone."""

    def test_repr(self):
        bus = self.fake.settings()
        for told in (repr(bus), str(bus), repr(self.bus), repr([bus])):
            self.assertNotIn(fake_bus.PASSWORD, told)
        self.assertIn(fake_bus.USER, repr(bus))
