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

"""Aodh, Zaqar and trusts, as a member asks them over HTTP."""

import testtools

from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import zaqar
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import service_samples

ALARM, QUEUE = (fake_tenant_cloud.ALARMS['error_alarm'],
                fake_tenant_cloud.QUEUE)
event, message, body = (fake_tenant_cloud.event, fake_tenant_cloud.message,
                        fake_tenant_cloud.body)


class OwnerTestCase(testtools.TestCase):
    """A cloud, and the clients of a member."""

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(fake_tenant_cloud.FakeTenantCloud())
        self.cloud.works = {'message'}
        self.owner = fake_tenant_cloud.owner(self.cloud)


class EachTest(OwnerTestCase):
    """What holds for each of them."""

    # Where the answer has to have a form of its own.
    PARSED = (
        ('Aodh', lambda owner: owner.aodh.alarms()),
        ('Aodh', lambda owner: owner.aodh.transitions(ALARM)),
        ('Zaqar', lambda owner: owner.zaqar.stats(QUEUE)),
        ('Zaqar', lambda owner: owner.zaqar.messages(QUEUE)),
        ('Zaqar', lambda owner: owner.zaqar.subscriptions(QUEUE)),
        ('Zaqar', lambda owner: owner.zaqar.post(QUEUE, {})),
        ('Keystone', lambda owner: owner.trusts.trust('t')),
        ('Keystone', lambda owner: owner.trusts.given()))
    CALLS = (
        *PARSED,
        ('Aodh', lambda owner: owner.aodh.alarm(ALARM)),
        ('Zaqar', lambda owner: owner.zaqar.queue(QUEUE)))

    def answer(self, call, status, text=''):
        """Answer whatever is asked but the token, and return the error."""
        real = self.cloud.handle

        def handle(method, path, query, sent):
            if path.endswith('/auth/tokens'):
                return real(method, path, query, sent)
            return status, text, {}

        self.cloud.handle = handle
        error = self.assertRaises(errors.ServiceError, call,
                                  fake_tenant_cloud.owner(self.cloud))
        self.cloud.handle = real
        return error

    def test_statuses(self):
        """Each says whether it is worth while to ask again."""
        for status, kind in (
                (503, errors.ServiceUnavailable),
                (500, errors.ServiceUnavailable),
                (429, errors.ServiceUnavailable),
                (403, errors.ServiceRefused), (400, errors.ServiceRefused)):
            for service, call in self.CALLS:
                error = self.answer(call, status)
                self.assertEqual((service, status, kind), (
                    error.service, error.code, type(error)), call)

    def test_no_answer_to_it(self):
        """A body of another kind is a defect with a name."""
        for text in ('nonsense', 'null', '"text"', '[7]'):
            for service, call in self.PARSED:
                error = self.answer(call, 200, text)
                self.assertEqual((service, errors.ClientDefect), (
                    error.service, type(error)), (text, call))

    def test_nobody_there(self):
        self.cloud.catalog = {}
        for service, call in self.CALLS:
            if service == 'Keystone':
                continue
            error = self.assertRaises(errors.ServiceRefused, call,
                                      fake_tenant_cloud.owner(self.cloud))
            self.assertEqual(service, error.service)
            self.assertIn('not found', str(error))

    def test_catalog_with_a_version(self):
        """The URL in the catalog may have one, or none."""
        self.cloud.catalog = {'alarming': '/aodh/v2', 'messaging': '/zaqar/v2'}
        owner = fake_tenant_cloud.owner(self.cloud)
        self.assertEqual(3, len(owner.aodh.alarms()))
        self.assertEqual([], owner.zaqar.messages(QUEUE))

    def test_versions(self):
        self.assertEqual(('v2.0', 'v2.0'), (self.owner.aodh.version(),
                                            self.owner.zaqar.version()))


class AodhTest(OwnerTestCase):
    """aodh.Aodh."""

    def test_alarms(self):
        """Only event alarms, and only those of the project are asked for."""
        self.assertEqual(set(fake_tenant_cloud.ALARMS.values()),
                         set(self.owner.aodh.alarms()))
        query = self.cloud.asked('GET', '/aodh/v2/alarms')[0][2]
        self.assertEqual(
            {'q.field': ['type'], 'q.op': ['eq'], 'q.value': ['event']},
            query)

    def test_alarm(self):
        self.assertEqual('insufficient data',
                         self.owner.aodh.alarm(ALARM)['state'])
        self.assertIsNone(self.owner.aodh.alarm('none'))

    def test_transitions(self):
        """Oldest first, and nothing but changes of the state."""
        self.cloud.fire('error_alarm')
        self.cloud.changes[ALARM].append(dict(
            self.cloud.changes[ALARM][0], type='rule change', detail='{}'))
        self.cloud.fire('error_alarm')
        first, second = self.owner.aodh.transitions(ALARM)
        self.assertIn('Event <id=e7e40001-', first['reason'])
        self.assertIn('Event <id=e7e40002-', second['reason'])
        self.assertEqual('2026-01-01T00:00:12.500000', first['timestamp'])

    def test_transition_by_hand(self):
        """Aodh says that otherwise: no event has done it."""
        self.cloud.changes[ALARM] = [dict(
            fake_tenant_cloud.change(event('e1')),
            detail='{"state": "ok", "state_reason": "Manually set"}')]
        self.assertEqual([None], [change['reason'] for change
                                  in self.owner.aodh.transitions(ALARM)])

    def test_history_of_an_alarm_that_is_gone(self):
        self.assertEqual([], self.owner.aodh.transitions('none'))


class ZaqarTest(OwnerTestCase):
    """zaqar.Zaqar."""

    def fill(self, number):
        self.cloud.queues[QUEUE] = [
            message(body(event('e%d' % index)), 'm%d' % index)
            for index in range(number)]

    def test_messages(self):
        """All pages, each message once, in the order of the queue.

        Behind the first of all messages, Redis begins with it again.
        """
        for number in (0, 1, 2, 9, 10, 11, 20, 35):
            self.fill(number)
            self.cloud.requests.clear()
            self.assertEqual(
                ['m%d' % index for index in range(number)],
                [known['id'] for known in self.owner.zaqar.messages(QUEUE)])
            self.assertLessEqual(
                len(self.cloud.asked('GET', 'messages')), number // 10 + 2)

    def test_redis(self):
        """It lists claimed messages behind a marker only."""
        self.cloud.redis = True
        self.fill(12)
        for asked in (3, 2):
            self.cloud.requests.clear()
            self.assertEqual(12, len(self.owner.zaqar.messages(QUEUE)))
            self.assertEqual(asked, len(
                self.cloud.asked('GET', 'messages')) - 1)
        self.cloud.broken = 'messages'
        self.assertRaises(errors.ServiceUnavailable,
                          self.owner.zaqar.messages, QUEUE)

    def test_message(self):
        self.fill(1)
        self.assertEqual(
            [{'id': 'm0', 'age': 3, 'body': body(event('e0'))}],
            self.owner.zaqar.messages(QUEUE))

    def test_never_ending_pages(self):
        self.cloud.list_messages = lambda query, sent, queue: (200, {
            'messages': [message({}, 'm%d' % len(self.cloud.requests))],
            'links': [{'href': '/v2/x?marker=%d' % len(
                self.cloud.requests)}]}, {})
        self.assertEqual(zaqar.MOST_PAGES,
                         len(self.owner.zaqar.messages(QUEUE)))

    def test_queue(self):
        self.assertEqual({}, self.owner.zaqar.queue(QUEUE))
        self.assertIsNone(self.owner.zaqar.queue('none'))
        self.owner.zaqar.queue('a/b')
        self.assertEqual(1, len(self.cloud.asked('GET', 'a%2Fb')))

    def test_stats(self):
        self.assertEqual(0, self.owner.zaqar.stats(QUEUE)['total'])
        self.fill(2)
        self.assertEqual(2, self.owner.zaqar.stats(QUEUE)['total'])

    def test_post(self):
        posted = self.owner.zaqar.post(QUEUE, {'a': 1})
        self.assertEqual([(posted, {'a': 1})], [
            (stored['id'], stored['body'])
            for stored in self.cloud.queues[QUEUE]])

    def test_subscriptions(self):
        self.assertEqual(['sub-1'], [
            known['id'] for known in self.owner.zaqar.subscriptions(QUEUE)])


class TrustsTest(OwnerTestCase):
    """trusts.Trusts."""

    def test_trust(self):
        trust = self.owner.trusts.trust(fake_tenant_cloud.TRUST)
        self.assertEqual(['member'], [role['name'] for role in trust['roles']])
        self.assertIsNone(self.owner.trusts.trust('none'))

    def test_all(self):
        """Those of the member; Keystone wants to be asked for no others."""
        self.assertEqual(
            sorted(self.cloud.trusts),
            sorted(trust['id'] for trust in self.owner.trusts.given()))
        self.assertEqual(
            {'trustor_user_id': [fake_tenant_cloud.MEMBER]},
            self.cloud.asked('GET', 'OS-TRUST/trusts$')[0][2])

    def test_roles_of_now(self):
        """A role that is lost is in the token that was there before."""
        self.assertEqual({'member', 'reader'}, self.owner.trusts.roles())
        self.cloud.roles = ['reader']
        self.assertEqual({'reader'}, self.owner.trusts.roles())

    def test_refused(self):
        self.cloud.broken = 'OS-TRUST'
        error = self.assertRaises(errors.ServiceUnavailable,
                                  self.owner.trusts.given)
        self.assertEqual('Keystone', error.service)

    def test_roles(self):
        self.assertEqual({'member', 'reader'}, self.owner.trusts.roles())


class KeystoneTest(OwnerTestCase):
    """keystone.Keystone, which is the administrator's."""

    def test_user_name(self):
        keystone = clients.Clients(
            service_samples.cloud_settings(self.cloud.url),
            service_samples.Manager(self.cloud.url)).keystone
        self.assertEqual('aodh', keystone.user_name(fake_tenant_cloud.AODH))
        self.assertIsNone(keystone.user_name('none'))

    def test_of_a_member(self):
        """Keystone shows users to administrators only."""
        self.assertRaises(errors.ServiceRefused, self.owner.keystone.user_name,
                          fake_tenant_cloud.AODH)
