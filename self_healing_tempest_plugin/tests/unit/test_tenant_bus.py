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

"""What RabbitMQ tells of the services between Nova and Zaqar, over HTTP."""

import dataclasses
import time
import types

import fixtures
import testtools

from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.links import bus
from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links.event_alarm import readiness
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.services import rabbitmq
from self_healing_tempest_plugin.tests.unit import fake_bus
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import test_member_preflight
from self_healing_tempest_plugin.tests.unit import test_probing
from self_healing_tempest_plugin.tests.unit import test_tenant_diagnosis


Clue = context.Clue
NOTIFICATIONS, EVENTS, ALARMS = bus.QUEUES
queue = fake_bus.queue


class ClueTest(testtools.TestCase):
    """links.bus.inquiry(): what the figures of one queue mean."""

    def clue(self, shown, **before):
        """Return the clue that a queue is.

        :param shown: as RabbitMQ shows it, None where there is no such queue
        :param before: how many had come into queue q before the fault
        """
        fake = self.useFixture(fake_bus.FakeBus(
            *filter(None, (shown,))))
        inquiry = bus.inquiry('its messages', 'q', 'reader', 'look at writer')
        self.assertEqual(('RabbitMQ', 'its messages'),
                         (inquiry.side, inquiry.what))
        around = types.SimpleNamespace(
            bus=rabbitmq.RabbitMQ(fake.settings(), 5),
            learned={'on_the_bus': before})
        clue, = inquiry.ask(types.SimpleNamespace(around=around))
        return clue

    def test_well(self):
        self.assertEqual(
            Clue(True, 'queue q: 2 readers, 0 messages wait, 3 have come '
                       'since before the fault'),
            self.clue(queue('q', 2, 0, 10), q=7))

    def test_no_queue(self):
        """It may have another name there: that is no accusation."""
        self.assertEqual(Clue(None, 'there is no queue q'), self.clue(None))

    def test_no_readers(self):
        self.assertEqual(
            Clue(False, 'queue q: 0 readers, 5 messages wait, 3 have come '
                        'since before the fault',
                 'reader: nobody reads queue q'),
            self.clue(queue('q', 0, 5, 10), q=7))

    def test_waiting(self):
        """It works, or hangs: nobody knows, but that is the place."""
        self.assertEqual(
            Clue(None, 'queue q: 1 readers, 5 messages wait, 3 have come '
                       'since before the fault',
                 'reader: it reads queue q, in which 5 messages wait'),
            self.clue(queue('q', 1, 5, 10), q=7))

    def test_nothing_new(self):
        for count in (0, 7):
            self.assertEqual(
                Clue(False, 'queue q: 1 readers, 0 messages wait, 0 have '
                            'come since before the fault', 'look at writer'),
                self.clue(queue('q', 1, 0, count), q=count))

    def test_made_anew(self):
        """It counts from nothing, so that all have come since."""
        self.assertEqual(
            Clue(True, 'queue q: 1 readers, 0 messages wait, 2 have come '
                       'since before the fault'),
            self.clue(queue('q', 1, 0, 2), q=7))

    def test_unknown_before(self):
        """Whether any has come is not known then."""
        self.assertEqual(
            Clue(None, 'queue q: 1 readers, 0 messages wait'),
            self.clue(queue('q', 1, 0, 2)))

    def test_not_counted(self):
        """Nobody is accused by RabbitMQ's silence."""
        self.assertEqual(
            Clue(None, 'queue q: unknown readers, unknown messages wait'),
            self.clue(fake_bus.uncounted('q'), q=7))
        shown = queue('q', 1, 0, 7)
        del shown['messages_details'], shown['message_stats']
        self.assertEqual(Clue(None, 'queue q: 1 readers, 0 messages wait'),
                         self.clue(shown, q=7))


class BusTestCase(test_tenant_diagnosis.DiagnoseTestCase):
    """All is well up to Nova, which has put the server into ERROR.

    :ivar before: what had come into each queue before the fault
    """

    def setUp(self):
        super().setUp()
        self.fake = self.useFixture(fake_bus.FakeBus(
            *(queue(name, 1, 0, 12) for name in bus.QUEUES)))
        self.before = dict.fromkeys(bus.QUEUES, 10)
        self.bus = rabbitmq.RabbitMQ(self.fake.settings(), 5)
        self.cloud.servers[fake_cloud.SERVER]['status'] = 'ERROR'

    def show(self, name, *counts):
        self.fake.queues[name] = queue(name, *counts)

    def surroundings(self, **changes):
        return super().surroundings(**dict(
            dict(bus=self.bus), **changes)).knowing(on_the_bus=self.before)

    def assert_begins(self, diagnosis, text):
        """Fail unless the place to look begins with a text."""
        self.assertEqual(text, diagnosis.look_at[:len(text)])

    def unanswering(self):
        """Yield clients of a RabbitMQ that does not tell anything."""
        settings = self.fake.settings
        page = self.useFixture(test_probing.Stranger(test_probing.say(
            test_probing.answer(b'<html>Log in</html>'))))
        head = self.useFixture(test_probing.Stranger(
            test_probing.drip(b'HTTP/1.1 200 O')))
        silent = self.useFixture(fake_bus.FakeBus())
        silent.silent = True
        for changes in ({'url': 'http://127.0.0.1:1'}, {'password': 'wrong'},
                        {'url': page.url.rstrip('/')},
                        {'url': head.url.rstrip('/')}, {'url': silent.url}):
            yield rabbitmq.RabbitMQ(settings(**changes), 0.3)

    def assert_no_accusation(self, link, looks):
        for client in self.unanswering():
            # Before the fault it did not answer, either.
            self.bus, self.before = client, {}
            diagnosis = self.diagnose(patience=3)
            facts = self.said(diagnosis, 'RabbitMQ')
            self.assertTrue(facts)
            for good, text in facts:
                self.assertIsNone(good, text)
                self.assertIn('no answer: ', text)
                self.assertNotIn(fake_bus.PASSWORD, text)
            self.assert_looks(diagnosis, looks)
            self.assertNotIn('RabbitMQ', diagnosis.look_at)


class EventAlarmTest(BusTestCase):
    """Link event_alarm: Nova, Ceilometer, Aodh's listener."""

    def test_versioned_notifications_only(self):
        self.show(NOTIFICATIONS, 1, 0, 10)
        self.show(EVENTS, 1, 0, 10)
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'RabbitMQ', False,
                         'queue notifications.info: 1 readers, 0 messages '
                         'wait, 0 have come since before the fault')
        # Where nothing has come, nothing can be published.
        self.assert_says(diagnosis, 'RabbitMQ', None, 'alarm.all.sample')
        self.assert_begins(diagnosis, '[notifications] notification_format '
                           'in every nova.conf')

    def test_ceilometer_is_stopped(self):
        self.show(NOTIFICATIONS, 0, 2, 12)
        self.show(EVENTS, 1, 0, 10)
        self.assert_begins(self.diagnose(), 'ceilometer-agent-notification: '
                           'nobody reads queue notifications.info')

    def test_ceilometer_hangs(self):
        """Of what is before it, and behind it, nothing is said."""
        self.show(NOTIFICATIONS, 1, 2, 12)
        self.assert_begins(self.diagnose(), 'ceilometer-agent-notification: '
                           'it reads queue notifications.info, in which 2')

    def test_publisher_is_missing(self):
        self.show(EVENTS, 1, 0, 10)
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'RabbitMQ', True, 'notifications.info')
        self.assert_begins(diagnosis, 'the publisher notifier://?topic='
                           "alarm.all in Ceilometer's event_pipeline.yaml")

    def test_listener_is_stopped(self):
        self.show(EVENTS, 0, 2, 12)
        self.assert_begins(self.diagnose(), 'aodh-listener: nobody reads '
                           'queue alarm.all.sample')

    def test_cache(self):
        """All have got all: it is what the listener has kept."""
        diagnosis = self.diagnose()
        for name in (NOTIFICATIONS, EVENTS):
            self.assert_says(diagnosis, 'RabbitMQ', True, name)
        self.assert_begins(diagnosis, '[DEFAULT] event_alarm_cache_ttl')
        self.assertNotIn('ceilometer', diagnosis.look_at)

    def test_nova_is_not_told(self):
        """That there are no notifications follows from it."""
        self.cloud.servers[fake_cloud.SERVER]['status'] = 'ACTIVE'
        self.show(NOTIFICATIONS, 1, 0, 10)
        self.assert_begins(self.diagnose(), 'mark_down on the instance')

    def test_alarm_is_wrong(self):
        alarm = self.cloud.event_alarms[test_tenant_diagnosis.ERROR]
        alarm.update(state='alarm', repeat_actions=False)
        diagnosis = self.diagnose()
        self.assert_looks(diagnosis, 'repeat_actions is false')

    def test_no_answer(self):
        """A RabbitMQ that is away is no reason, and hides none.

        What is then to be looked at without it is said as before.
        """
        self.assert_no_accusation(tenant.EVENT_ALARM, "('Evaluating event')")

    def test_not_asked(self):
        """Without the option, nobody knows of a RabbitMQ."""
        asked = self.diagnose(bus=None)
        self.assertEqual([], self.said(asked, 'RabbitMQ'))
        self.assertEqual([], self.fake.requests)


class MessageTest(BusTestCase):
    """Link message: Aodh's listener and notifier, and Keystone's trusts."""

    missing = tenant.MESSAGE

    def setUp(self):
        super().setUp()
        self.cloud.works = set()
        self.cloud.fire('error_alarm')

    def test_all_well(self):
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'RabbitMQ', True, ALARMS)
        self.assert_says(diagnosis, 'Keystone', True, 'the trust of the '
                         'event alarms hands on: member')
        self.assert_begins(diagnosis, "aodh-notifier's log")
        # What comes before is not of this link.
        self.assertEqual(1, len(self.fake.requests))

    def test_notifier_is_stopped(self):
        self.show(ALARMS, 0, 1, 11)
        self.assert_begins(self.diagnose(), 'aodh-notifier: nobody reads '
                           'queue alarming.sample')

    def test_listener_has_told_nobody(self):
        self.show(ALARMS, 1, 0, 10)
        self.assert_begins(self.diagnose(), 'aodh-listener: it has told the '
                           'notifier of no alarm')

    def test_trusts_are_deleted(self):
        """Where all are, or none was, the user may have another name."""
        for kept, good, look_at in (
                (0, None, "aodh-notifier's log"),
                (2, False, 'who deleted the trusts of the event alarms: Aodh '
                 'gets no token without')):
            self.cloud.trusts = dict(
                [(fake_tenant_cloud.TRUST, fake_tenant_cloud.trust(
                    fake_tenant_cloud.TRUST, fake_tenant_cloud.ZAQAR)),
                 *((str(number), fake_tenant_cloud.trust(
                     str(number), fake_tenant_cloud.AODH))
                   for number in range(kept))])
            diagnosis = self.diagnose()
            self.assert_says(diagnosis, 'Keystone', good, 'the owner has %d '
                             'trusts for Aodh, which needs 3' % kept)
            self.assert_begins(diagnosis, look_at)

    def test_role_is_lost(self):
        """Keystone lists trusts without their roles: each is looked at."""
        self.cloud.roles = ['reader']
        diagnosis = self.diagnose()
        says = [text for good, text in self.said(diagnosis, 'Keystone')
                if good is False]
        # What is the same of all three is said once.
        self.assertEqual(['the trust of the event alarms hands on: member; '
                          'the owner has lost: member'], says)
        self.assert_begins(diagnosis, 'the roles of the owner: without '
                           'member')

    def test_trusts_of_unknown_users(self):
        """A user who is deleted is the user of no service."""
        for known in self.cloud.trusts.values():
            known['trustee_user_id'] = 'gone'
        self.assert_says(self.diagnose(), 'Keystone', None, 'has 0 trusts')

    def test_trust_that_goes_meanwhile(self):
        """It was in the list, and is shown no more."""
        listed = self.cloud.list_trusts

        def list_trusts(query, body):
            answer = listed(query, body)
            self.cloud.trusts.clear()
            return answer

        self.cloud.list_trusts = list_trusts
        diagnosis = self.diagnose()
        self.assert_says(diagnosis, 'Keystone', False,
                         'the trust of the event alarms is gone')
        self.assert_looks(diagnosis, 'who deleted the trust')

    def test_who_is_asked(self):
        """The owner lists trusts, the administrator knows the users."""
        self.diagnose()
        self.assertEqual(2, len(self.cloud.asked('GET', '/users/')))
        self.assertEqual(3, len(self.cloud.asked('GET', '/trusts/')))

    def test_no_answer(self):
        self.assert_no_accusation(tenant.MESSAGE, "aodh-notifier's log")
        judged = verdicts.verdict(self.seen(self.missing), self.expected())
        self.assertEqual(judged.look_at, self.diagnose().look_at)

    def test_not_asked(self):
        asked = self.diagnose(bus=None)
        self.assertEqual([], self.said(asked, 'RabbitMQ'))
        self.assertEqual([], self.fake.requests)


class ReadinessTest(BusTestCase):
    """What is remembered of before the fault."""

    def setUp(self):
        super().setUp()
        self.options['timeouts'] = dataclasses.replace(
            self.options['timeouts'], alarm_cache=0, links={
                link.name: 5 for link in tenant.CHAIN.links})

    def learned(self, **changes):
        return readiness.prepare(
            self.surroundings(**changes))['on_the_bus']

    def test_counts(self):
        """What is not counted, or not there, is left out."""
        self.assertEqual(dict.fromkeys(bus.QUEUES, 12), self.learned())
        self.fake.queues[EVENTS] = fake_bus.uncounted(EVENTS)
        del self.fake.queues[ALARMS]
        self.show(NOTIFICATIONS, 1)
        self.assertEqual({NOTIFICATIONS: 0}, self.learned())

    def test_not_asked(self):
        self.assertEqual({}, self.learned(bus=None))
        self.assertEqual([], self.fake.requests)

    def test_no_answer(self):
        """A run does not end for it, whatever is there instead."""
        self.useFixture(fixtures.MockPatchObject(bus, 'PATIENCE', 3.0))
        for client in self.unanswering():
            self.assertEqual({}, self.learned(bus=client))

    def test_patience(self):
        """No run waits for it for long, whatever a client would do."""
        self.assertLessEqual(bus.PATIENCE, 10)
        self.useFixture(fixtures.MockPatchObject(bus, 'PATIENCE', 0.5))
        self.fake.silent = True
        self.bus = rabbitmq.RabbitMQ(self.fake.settings(), 60)
        begin = time.monotonic()
        self.assertEqual({}, self.learned())
        self.assertLess(time.monotonic() - begin, 30)


class PreflightTest(test_member_preflight.PreflightTestCase):
    """The rows that say nothing without RabbitMQ."""

    ROWS = ('notifications', 'event pipeline', 'aodh-notifier')

    def setUp(self):
        super().setUp()
        self.fake = self.useFixture(fake_bus.FakeBus(
            *(queue(name, 2, 0, 12) for name in bus.QUEUES)))
        for option, value in (('url', self.fake.url),
                              ('username', fake_bus.USER),
                              ('password', fake_bus.PASSWORD)):
            self.override('rabbitmq_api_%s' % option, value)

    def said(self):
        """Return states and texts of the rows."""
        self.examine(chain=tenant.CHAIN)
        return [(row.finding.state.value, row.finding.text)
                for what in self.ROWS for row in self.found[what]]

    def test_well(self):
        self.assertEqual([
            ('yes', '12 have come into queue notifications.info'),
            ('yes', 'ceilometer-agent-notification: queue '
                    'notifications.info, 2 readers, 0 messages wait'),
            ('yes', 'aodh-listener: queue alarm.all.sample, 2 readers, '
                    '0 messages wait'),
            ('yes', 'aodh-notifier: queue alarming.sample, 2 readers, '
                    '0 messages wait')], self.said())
        self.assertEqual({}, self.wrong())

    def test_no_readers(self):
        self.fake.queues = {name: queue(name, 0) for name in bus.QUEUES}
        self.assertEqual([
            ('unknown', 'none are known to have come into queue '
                        'notifications.info'),
            ('no', 'ceilometer-agent-notification: nobody reads queue '
                   'notifications.info'),
            ('no', 'aodh-listener: nobody reads queue alarm.all.sample'),
            ('no', 'aodh-notifier: nobody reads queue alarming.sample')],
            self.said())
        for what, program in (('event pipeline', 'run ceilometer-agent-'),
                              ('event pipeline', 'and aodh-listener'),
                              ('aodh-notifier', 'run aodh-notifier')):
            self.assertIn(program, self.found[what][0].todo)

    def test_no_queues(self):
        self.fake.queues.clear()
        said = self.said()
        self.assertEqual({'unknown'}, {state for state, _ in said})
        self.assertIn('there is no queue alarming.sample', said[-1][1])

    def test_not_counted(self):
        self.fake.queues = {name: fake_bus.uncounted(name)
                            for name in bus.QUEUES}
        self.assertEqual({'unknown'}, {state for state, _ in self.said()})

    def test_no_answer(self):
        """The suite runs without it: that is no failure."""
        self.fake.permitted = False
        said = {text.split(': it lets nobody in')[0]: state
                for state, text in self.said()}
        self.assertEqual({'RabbitMQ: show queue %s: HTTP 401' % name:
                          'unknown' for name in bus.QUEUES}, said)
        self.assertEqual({}, self.wrong())

    def test_silence(self):
        """It does not make preflight late, and is no failure either."""
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.links.bus_checks.PATIENCE', 0.5))
        self.fake.silent = True
        said = self.said()
        self.assertEqual({'unknown'}, {state for state, _ in said})
        for _, text in said:
            self.assertIn('no answer in time', text)
        self.assertEqual({}, self.wrong())

    def test_not_asked(self):
        """As it was: nobody tells."""
        for option in ('url', 'username', 'password'):
            self.override('rabbitmq_api_%s' % option, None)
        self.assertEqual([
            ('unknown', 'Nova does not tell whether it sends those that '
                        'Ceilometer reads'),
            ('unknown', 'Ceilometer does not tell whether it runs, and whom '
                        'it tells'),
            ('unknown', 'Aodh does not tell whether it runs')], self.said())
        self.assertEqual([], self.fake.requests)
