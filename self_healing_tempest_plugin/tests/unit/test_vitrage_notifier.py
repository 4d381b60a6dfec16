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

"""The notifier in Vitrage's own code, on the real mistralclient.

Only HTTP is faked: the session, its settings and the catalog are the ones
that Vitrage makes of its configuration.
"""

import concurrent.futures
import datetime
import json
import re
import socket
import subprocess
import sys
import threading
from unittest import mock

import fixtures
from heatclient.common import template_format
from keystoneauth1 import fixture as ksa_fixture
from oslo_config import cfg
from oslo_config import fixture as config_fixture
import requests
import requests_mock
from requests_mock.contrib import fixture as http_fixture
import testtools
from testtools import matchers

from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import lazy_modules

constants = lazy_modules.LazyModule('vitrage.common.constants')
keystone_client = lazy_modules.LazyModule('vitrage.keystone_client')
vitrage_notifiers = lazy_modules.LazyModule('vitrage.notifier')
mistral_notifier = lazy_modules.LazyModule(
    'vitrage.notifier.plugins.mistral.mistral_notifier')
service = lazy_modules.LazyModule('vitrage.notifier.service')
vitrage_notifier = lazy_modules.LazyModule(
    'self_healing_tempest_plugin.vitrage_notifier')

TIMER = threading.Timer
CLASS_PATH = 'self_healing_tempest_plugin.vitrage_notifier.MistralNotifier'
KEYSTONE = 'http://keystone.test/v3'
MISTRAL = 'http://mistral.test/workflow/v2'
INPUT = {'server_id': 'server-1', 'stack_id': 'stack-1'}
REQUEST = {'workflow': 'heal', 'input': INPUT}
CREDENTIALS = {
    'auth_type': 'password', 'auth_url': KEYSTONE, 'username': 'vitrage',
    'password': 'pass', 'project_name': 'admin', 'region_name': 'RegionOne',
    'user_domain_id': 'default', 'project_domain_id': 'default'}
VITRAGE_CONF = """
[DEFAULT]
notifiers = mistral
[mistral]
notifier = %s
[service_credentials]
""" % CLASS_PATH


def ago(seconds):
    """Return a moment as Mistral writes it, in whole seconds of UTC."""
    then = (datetime.datetime.now(datetime.timezone.utc)
            - datetime.timedelta(seconds=seconds))
    return then.replace(tzinfo=None).isoformat(' ', 'seconds')


def execution(state, created=5, updated=1, **changes):
    """Return an execution as Mistral shows it, by default somebody else's.

    :param state: its state
    :param created: seconds since it was created
    :param updated: seconds since its state changed
    """
    return dict({
        'id': 'execution-1', 'workflow_name': 'heal', 'state': state,
        'description': None, 'input': json.dumps(INPUT), 'params': '{}',
        'created_at': ago(created), 'updated_at': ago(updated)}, **changes)


class FakeCloud(fixtures.Fixture):
    """Keystone with a catalog, and Mistral, over faked HTTP.

    :ivar executions: what Mistral has, the latest first
    :ivar endpoints: what is in the catalog for Mistral
    :ivar http: the requests_mock fixture
    """

    def __init__(self, mistral=MISTRAL):
        self.executions, self.mistral = [], mistral
        self.endpoints = [{'public': mistral, 'region': 'RegionOne'}]

    def _setUp(self):
        self.http = self.useFixture(http_fixture.Fixture())
        self.http.get(KEYSTONE, json={
            'version': ksa_fixture.V3Discovery(KEYSTONE)})
        self.http.post(KEYSTONE + '/auth/tokens', json=self._token,
                       headers={'X-Subject-Token': 'secret-token'})
        self.http.get(self.mistral + '/executions', json=self._list)
        self.http.post(self.mistral + '/executions', json=self._create,
                       status_code=201)

    def _token(self, request, context):
        token = ksa_fixture.V3Token()
        token.set_project_scope()
        mistral = token.add_service('workflowv2')
        for endpoint in self.endpoints:
            mistral.add_standard_endpoints(**endpoint)
        return token

    def _list(self, request, context):
        return {'executions': self.executions}

    def _create(self, request, context):
        made = execution('RUNNING', 0, 0, **request.json())
        made['id'] = 'execution-%d' % (len(self.executions) + 1)
        self.executions.insert(0, made)
        return made

    def asked(self, method):
        """Return the requests that Mistral got."""
        return [request for request in self.http.request_history
                if request.method == method
                and request.path.endswith('/executions')]

    def started(self):
        """Return the bodies of the requests to start an execution."""
        return [request.json() for request in self.asked('POST')]


class NotifierTestCase(testtools.TestCase):
    """Vitrage's configuration, a fake cloud, and the notifier."""

    def setUp(self):
        super().setUp()
        self.config = self.useFixture(config_fixture.Config(cfg.CONF))
        keystone_client.register_keystoneauth_opts()
        self.config.register_opts(keystone_client.OPTS,
                                  group=keystone_client.CFG_GROUP)
        self.config.register_opts(vitrage_notifiers.OPTS)
        self.configure()
        self.logger = self.useFixture(fixtures.FakeLogger())
        self.timers = []
        self.useFixture(fixtures.MonkeyPatch(
            '%s.threading.Timer' % vitrage_notifier.__name__, self.timer))
        self.cloud = self.useFixture(FakeCloud())
        self.notifier = vitrage_notifier.MistralNotifier()

    def timer(self, interval, function, args):
        """Keep what is to be called later, and call it when asked."""
        self.timers.append((interval, function, args))
        return mock.create_autospec(TIMER, instance=True)

    def look(self):
        """Let the notifier look at what it has started."""
        timers, self.timers = self.timers, []
        for _, function, args in timers:
            function(*args)

    def configure(self, **credentials):
        """Make Vitrage read a file with these service credentials."""
        path = self.useFixture(fixtures.TempDir()).join('vitrage.conf')
        with open(path, 'w') as stream:
            stream.write(VITRAGE_CONF + ''.join(
                '%s = %s\n' % option
                for option in dict(CREDENTIALS, **credentials).items()))
        cfg.CONF([], project='vitrage', default_config_files=[path],
                 default_config_dirs=[])

    def notify(self, request=REQUEST, event_type=None):
        """Hand over an event as oslo.messaging does."""
        kinds = constants.NotifierEventTypes
        self.notifier.info(
            {}, 'evaluator', event_type or kinds.EXECUTE_EXTERNAL_ACTION,
            request, {})

    def refused(self, *executions, request=REQUEST):
        """Return whether a start is refused where these executions are."""
        self.cloud.executions[:] = executions
        before = len(self.cloud.started())
        self.notify(request)
        return len(self.cloud.started()) == before

    def assertLogged(self, *texts):
        self.assertThat(self.logger.output, matchers.MatchesAll(
            *map(matchers.Contains, texts)))


class StartTest(NotifierTestCase):
    """What reaches Mistral."""

    def test_starts_the_workflow(self):
        self.notify()
        body, = self.cloud.started()
        self.assertEqual('heal', body['workflow_name'])
        self.assertEqual(INPUT, json.loads(body['input']))
        self.assertThat(body['description'],
                        matchers.StartsWith('Started by Vitrage'))
        # Mistral's column holds no more.
        self.assertThat(body['description'],
                        matchers.AfterPreprocessing(
                            len, matchers.LessThan(256)))
        request, = self.cloud.asked('POST')
        self.assertEqual('secret-token', request.headers['X-Auth-Token'])
        self.assertLogged('started: execution execution-1')

    def test_asks_for_the_latest_executions_of_this_workflow(self):
        self.notify()
        request, = self.cloud.asked('GET')
        self.assertEqual({
            'workflow_name': ['heal'], 'sort_keys': ['created_at'],
            'sort_dirs': ['desc'], 'limit': ['100']}, request.qs)

    def test_workflow_by_id(self):
        workflow = 'c59a3bcd-90f5-4d64-8d14-5e1c2f0a3b6e'
        self.notify({'workflow': workflow, 'input': INPUT})
        body, = self.cloud.started()
        self.assertEqual(workflow, body['workflow_id'])
        self.assertNotIn('workflow_name', body)
        self.assertEqual([workflow],
                         self.cloud.asked('GET')[0].qs['workflow_id'])

    def test_without_input(self):
        self.notify({'workflow': 'heal'})
        body, = self.cloud.started()
        self.assertNotIn('input', body)

    def test_other_events_are_ignored(self):
        self.notify(event_type='vitrage.alarm.activate')
        self.assertEqual([], self.cloud.http.request_history)

    def test_no_workflow(self):
        self.notify({'input': INPUT})
        self.assertEqual([], self.cloud.http.request_history)
        self.assertLogged('No workflow started')

    def test_refused(self):
        """The next request is not held up by one that failed."""
        self.cloud.http.post(MISTRAL + '/executions', [
            {'status_code': 400, 'json': {'faultstring': 'no such input'}},
            {'status_code': 201, 'json': execution('RUNNING')}])
        self.notify()
        self.assertLogged("Workflow heal with input {'server_id'",
                          'not started', 'no such input')
        self.notify()
        self.assertEqual(2, len(self.cloud.started()))
        self.assertLogged('started: execution execution-1')


class EndpointTest(NotifierTestCase):
    """Where Mistral is looked for."""

    def test_region_and_interface(self):
        self.configure(region_name='RegionTwo', interface='internal')
        here = 'http://internal-two.test/v2'
        self.cloud.endpoints = [
            {'public': MISTRAL, 'internal': MISTRAL, 'region': 'RegionOne'},
            {'public': MISTRAL, 'internal': here, 'region': 'RegionTwo'}]
        self.cloud.http.get(here + '/executions', json={'executions': []})
        post = self.cloud.http.post(here + '/executions', status_code=201,
                                    json=execution('RUNNING'))
        self.notify()
        self.assertTrue(post.called_once)

    def test_no_endpoint(self):
        """The endpoint is named, and looked for again the next time."""
        endpoints, self.cloud.endpoints = self.cloud.endpoints, []
        self.notify()
        self.assertEqual([], self.cloud.started())
        self.assertLogged('not started', 'public endpoint for workflowv2 '
                          'service in RegionOne region not found')
        self.cloud.endpoints = endpoints
        self.notify()
        self.assertEqual(1, len(self.cloud.started()))

    def test_url_without_version(self):
        self.cloud.endpoints[0]['public'] = 'http://mistral.test/workflow'
        versions = ksa_fixture.DiscoveryList(v2=False, v3=False)
        versions.add_microversion(href=MISTRAL, id='v2.0')
        self.cloud.http.get('http://mistral.test/workflow', json=versions)
        self.notify()
        self.assertEqual(1, len(self.cloud.started()))

    def test_no_version_2(self):
        self.cloud.endpoints[0]['public'] = 'http://mistral.test/workflow'
        versions = ksa_fixture.DiscoveryList(v2=False, v3=False)
        versions.add_microversion(href='http://mistral.test/v1', id='v1.0')
        self.cloud.http.get('http://mistral.test/workflow', json=versions)
        self.notify()
        self.assertEqual([], self.cloud.started())
        self.assertLogged('not started', 'no usable public endpoint of '
                          'workflowv2 in region RegionOne')

    def test_verification(self):
        """The configured certificate authority, not the system's."""
        authority = self.useFixture(fixtures.TempDir()).join('ca.pem')
        with open(authority, 'w') as stream:
            stream.write('a certificate')
        self.configure(cafile=authority, certfile='cert.pem',
                       keyfile='key.pem')
        self.start_over_tls()
        request, = self.cloud.asked('POST')
        self.assertEqual(authority, request.verify)
        self.assertEqual(('cert.pem', 'key.pem'), request.cert)

    def test_no_verification(self):
        self.configure(insecure=True)
        self.start_over_tls()
        request, = self.cloud.asked('POST')
        self.assertIs(False, request.verify)

    def start_over_tls(self):
        self.cloud = self.useFixture(FakeCloud('https://mistral.test/v2'))
        self.notify()


class DuplicateTest(NotifierTestCase):
    """The same workflow with the same input."""

    def test_while_one_is_active(self):
        for state in ('IDLE', 'RUNNING', 'PAUSED', 'DELAYED', 'WAITING'):
            self.assertTrue(self.refused(execution(state)), state)
        self.assertLogged('not started again', 'execution-1 is RUNNING')

    def test_before_its_first_change(self):
        """Mistral has set no time of change yet."""
        self.assertTrue(self.refused(execution('IDLE', updated_at=None)))

    def test_just_ended_well(self):
        self.assertTrue(self.refused(execution('SUCCESS', 90, 30)))
        self.assertLogged('execution-1 ended well 3')

    def test_ended_well_some_time_ago(self):
        self.assertFalse(self.refused(execution('SUCCESS', 90, 61)))

    def test_window(self):
        self.config.config(group='mistral', duplicate_window=10)
        self.assertTrue(self.refused(execution('SUCCESS', 90, 7)))
        self.assertFalse(self.refused(execution('SUCCESS', 90, 12)))

    def test_no_window(self):
        self.config.config(group='mistral', duplicate_window=0)
        self.assertFalse(self.refused(execution('SUCCESS', 90, 0)))
        self.assertTrue(self.refused(execution('RUNNING')))

    def test_ended_badly(self):
        """A workflow that ended badly may be tried again at once."""
        for state in ('ERROR', 'CANCELLED'):
            self.assertFalse(self.refused(execution(state)), state)

    def test_lost(self):
        """No execution is at work for longer than the workflow may take."""
        for state in ('RUNNING', 'PAUSED', 'IDLE', 'DELAYED', 'WAITING'):
            self.assertTrue(self.refused(execution(state, 650)), state)
            self.assertFalse(self.refused(execution(state, 670)), state)
        self.config.config(group='mistral', duplicate_running_limit=60)
        self.assertFalse(self.refused(execution('PAUSED', 61)))

    def test_lost_one_among_others(self):
        """A lost one hides neither one that works nor the lack of one."""
        lost = execution('RUNNING', 700)
        self.assertFalse(self.refused(execution('ERROR', 300, 20), lost))
        self.assertTrue(self.refused(
            execution('RUNNING', 10, id='execution-2'), lost))

    def test_limit_is_what_the_workflow_may_take(self):
        hot = template_format.parse(templates.read(templates.APPLICATION))
        heal_time, step_time = (
            hot['parameters'][name]['default']
            for name in ('heal_time', 'heal_step_time'))
        self.assertEqual(heal_time + 2 * step_time,
                         cfg.CONF.mistral.duplicate_running_limit)

    def test_bounds(self):
        """No bound may be a value that nobody can mean."""
        for name, wrong in (('duplicate_running_limit', 0),
                            ('duplicate_running_limit', 86401),
                            ('duplicate_window', -1),
                            ('duplicate_window', 86401),
                            ('start_timeout', -1), ('start_timeout', 3601),
                            ('request_timeout', 0),
                            ('request_timeout', 601)):
            self.assertRaises(
                ValueError, self.config.config, group='mistral',
                **{name: wrong})

    def test_one_among_others(self):
        """A later execution that failed does not hide the one that runs."""
        self.assertTrue(self.refused(
            execution('ERROR', id='execution-2'), execution('RUNNING')))

    def test_other_input(self):
        for different in ({'server_id': 'server-2', 'stack_id': 'stack-1'},
                          {'server_id': 'server-1'},
                          dict(INPUT, force=True), {}):
            changed = execution('RUNNING', input=json.dumps(different))
            self.assertFalse(self.refused(changed), different)

    def test_defaults_added_by_mistral(self):
        """An execution of ours is known by more than its input."""
        self.assertFalse(self.refused())
        self.cloud.executions[0]['input'] = json.dumps(
            dict(INPUT, timeout=30))
        self.assertTrue(self.refused(*self.cloud.executions))

    def test_order_of_the_input(self):
        self.assertFalse(self.refused())
        turned = dict(reversed(INPUT.items()))
        self.assertTrue(self.refused(
            *self.cloud.executions,
            request={'workflow': 'heal', 'input': turned}))

    def test_storm(self):
        """Many threads at once, as oslo.messaging runs them."""
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: self.notify(), range(32)))
        self.assertEqual(1, len(self.cloud.started()))
        self.assertEqual(31, self.logger.output.count('not started again'))

    def test_storm_of_different_requests(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: self.notify(
                {'workflow': 'heal', 'input': {'server_id': number % 8}}),
                range(32)))
        self.assertEqual(set(range(8)), {
            json.loads(request['input'])['server_id']
            for request in self.cloud.started()})
        self.assertEqual(8, len(self.cloud.started()))


class ClockTest(NotifierTestCase):
    """Moments that clocks have made, which somebody sets."""

    def test_stamped_by_a_clock_that_is_ahead(self):
        """No execution is an obstacle before it was there."""
        for state, ahead, refused in (
                ('RUNNING', 3600, False), ('RUNNING', 10, True),
                ('IDLE', 3600, False), ('SUCCESS', 3600, False),
                ('SUCCESS', 10, True)):
            self.assertEqual(
                refused, self.refused(execution(state, -ahead, -ahead)),
                (state, ahead))

    def test_own_execution_and_a_clock_that_is_wrong(self):
        """This process knows how long ago it has started it."""
        for wrong in (-7200, -40, 700, 7200):
            self.assertFalse(self.refused())
            self.cloud.executions[0]['created_at'] = ago(wrong)
            self.assertTrue(self.refused(*self.cloud.executions), wrong)
            self.notifier = vitrage_notifier.MistralNotifier()

    def test_own_execution_that_is_lost(self):
        """Whatever Mistral says of its beginning."""
        self.config.config(group='mistral', duplicate_running_limit=1)
        self.assertFalse(self.refused())
        self.cloud.executions[0]['created_at'] = ago(0)
        key, = self.notifier._started
        begin, execution_id = self.notifier._started[key]
        self.notifier._started[key] = (begin - 2, execution_id)
        self.assertFalse(self.refused(*self.cloud.executions))

    def test_moments_that_nobody_can_read(self):
        for moment in (None, '', 'yesterday', 5):
            self.assertFalse(self.refused(execution(
                'RUNNING', created_at=moment)), moment)
            self.assertFalse(self.refused(execution(
                'SUCCESS', updated_at=moment)), moment)

    def test_with_a_zone(self):
        """As another version of Mistral may write it."""
        moment = ago(5).replace(' ', 'T')
        for zone in ('Z', '+00:00'):
            self.assertTrue(self.refused(execution(
                'RUNNING', created_at=moment + zone)), zone)

    def test_one_that_nobody_can_read_hides_no_other(self):
        for strange in ('{', '[]', 'null', None):
            self.assertTrue(self.refused(
                execution('RUNNING', input=strange, created_at=None),
                execution('RUNNING')), strange)


class AwayTest(NotifierTestCase):
    """Mistral, or Keystone, is away for some time: Vitrage asks once."""

    def setUp(self):
        super().setUp()
        for name in ('_FIRST_PAUSE', '_LONGEST_PAUSE'):
            self.useFixture(fixtures.MonkeyPatch(
                '%s.%s' % (vitrage_notifier.__name__, name), 0.01))

    def answer(self, *answers):
        """Set what Mistral answers to a start, and then that it starts."""
        self.cloud.http.post(MISTRAL + '/executions', [
            *answers, {'status_code': 201, 'json': execution('RUNNING')}])

    def test_comes_back(self):
        for name, answer in (
                ('refused', {'exc': requests.exceptions.ConnectionError}),
                ('reset', {'exc': requests.exceptions.ChunkedEncodingError}),
                ('no route', {'exc': requests.exceptions.ConnectTimeout}),
                ('silent', {'exc': requests.exceptions.ReadTimeout}),
                ('RPC timeout', {'status_code': 500, 'text': 'timed out'}),
                ('proxy', {'status_code': 502, 'text': '<html>'}),
                ('haproxy', {'status_code': 503}),
                ('gateway', {'status_code': 504}),
                ('overloaded', {'status_code': 429}),
                ('slow', {'status_code': 408})):
            self.answer(answer, answer, answer)
            before = len(self.cloud.started())
            self.notify({'workflow': 'heal', 'input': {'server_id': name}})
            self.assertEqual(before + 4, len(self.cloud.started()), name)
        self.assertLogged('not started yet, next try in',
                          'started: execution execution-1')

    def test_refused_for_good(self):
        """A request that Mistral has understood is not sent twice."""
        for status in (400, 403, 404, 409):
            self.answer({'status_code': status,
                         'json': {'faultstring': 'no, %d' % status}})
            before = len(self.cloud.started())
            self.notify({'workflow': 'heal', 'input': {'server_id': status}})
            self.assertEqual(before + 1, len(self.cloud.started()), status)
            self.assertLogged('no, %d' % status)

    def test_away_for_good(self):
        """The request is given up, and the next one is not held up."""
        self.config.config(group='mistral', start_timeout=0)
        self.answer({'status_code': 503, 'text': 'away'})
        self.notify()
        self.assertEqual(1, len(self.cloud.started()))
        self.assertLogged('Workflow heal', 'not started', 'away')
        self.notify()
        self.assertEqual(2, len(self.cloud.started()))
        self.assertLogged('started: execution execution-1')

    def test_keystone_comes_back(self):
        tokens = KEYSTONE + '/auth/tokens'
        for name, answer in (
                ('refused', {'exc': requests.exceptions.ConnectionError}),
                ('unavailable', {'status_code': 503})):
            self.notifier = vitrage_notifier.MistralNotifier()
            self.cloud.http.post(tokens, [answer, answer, {
                'json': self.cloud._token,
                'headers': {'X-Subject-Token': 'secret-token'}}])
            before = len(self.cloud.started())
            self.notify({'workflow': 'heal', 'input': {'server_id': name}})
            self.assertEqual(before + 1, len(self.cloud.started()), name)

    def test_started_by_a_try_without_an_answer(self):
        """The execution of that try may be lost: it is no obstacle."""
        def take(request, context):
            self.cloud.executions.append(execution('RUNNING', 0))
            raise requests.exceptions.ReadTimeout()

        self.answer({'text': take})
        self.notify()
        self.assertEqual(2, len(self.cloud.started()))
        self.assertLogged('started: execution execution-1')

    def test_others_wait_for_the_same_start(self):
        """And find it, as soon as Mistral is back."""
        away = [{'exc': requests.exceptions.ConnectionError}] * 5
        self.cloud.http.post(MISTRAL + '/executions', [*away, {
            'status_code': 201, 'json': self.cloud._create}])
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: self.notify(), range(8)))
        self.assertEqual(6, len(self.cloud.started()))
        self.assertEqual(1, len(self.cloud.executions))

    def test_notifier_restarted(self):
        """Its memory is gone; Mistral's is not."""
        self.notify()
        self.notifier = vitrage_notifier.MistralNotifier()
        self.notify()
        self.assertEqual(1, len(self.cloud.started()))

    def test_every_request_has_an_end(self):
        """A request that nobody answers must not end all healing."""
        self.notify()
        self.assertEqual({60}, {
            request.timeout for request in self.cloud.asked('GET')
            + self.cloud.asked('POST')})

    def test_end_of_a_request_by_option(self):
        for options, seconds in (({'timeout': 7}, 7), ({}, 90)):
            self.config.config(group='mistral', request_timeout=90)
            self.configure(**options)
            self.notifier = vitrage_notifier.MistralNotifier()
            before = len(self.cloud.asked('POST'))
            self.notify({'workflow': 'heal', 'input': options})
            self.assertEqual(seconds,
                             self.cloud.asked('POST')[before].timeout)

    def test_mistral_that_never_answers(self):
        """A real Mistral that takes the connection, and says nothing."""
        with socket.create_server(('127.0.0.1', 0)) as mute:
            url = 'http://127.0.0.1:%d/v2' % mute.getsockname()[1]
            self.cloud.endpoints = [{'public': url, 'region': 'RegionOne'}]
            self.cloud.http.register_uri(
                requests_mock.ANY, re.compile(re.escape(url)),
                real_http=True)
            self.config.config(group='mistral', request_timeout=1,
                               start_timeout=0)
            self.notify()
        self.assertLogged('Workflow heal', 'not started')


class LookAfterTest(NotifierTestCase):
    """What becomes of an execution: nobody else looks at it."""

    OWN_ERRORS = (
        'Failed to run task [error=Can not evaluate YAQL expression',
        'Failed to handle action completion [error=Can not evaluate YAQL',
        'Failed to handle action update [error=...',
        'Failed to complete task [error=Parse error: unexpected end',
        'Failed to check and complete [wf_ex_id=...')

    def started_one(self, **changes):
        """Start the workflow; then the execution and its tasks are so.

        :returns: how many were started after the notifier's next look
        """
        tasks = changes.pop('tasks', ['RUNNING'])
        age = changes.pop('age', 5)
        self.cloud.executions, self.timers = [], []
        self.notifier = vitrage_notifier.MistralNotifier()
        before = len(self.cloud.started())
        self.notify()
        key, = self.notifier._started
        self.notifier._started[key] = (
            self.notifier._started[key][0] - age, 'execution-1')
        made = dict(self.cloud.executions[0], **changes)
        url = '%s/executions/execution-1' % MISTRAL
        self.cloud.http.get(url, json=made)
        self.cloud.http.get(url + '/tasks', json={'tasks': [
            {'id': str(number), 'state': state}
            for number, state in enumerate(tasks)]})
        self.look()
        return len(self.cloud.started()) - before - 1

    def test_goes_on(self):
        """The execution is looked at as long as it may run."""
        for name, looks, changes in (
                ('runs', 1, {}), ('is slow', 1, {'age': 600}),
                ('waits for its first task', 1,
                 {'age': 50, 'tasks': ['IDLE', 'IDLE']}),
                ('is paused', 1, {'state': 'PAUSED', 'age': 300}),
                ('is lost', 0, {'age': 661}),
                ('ended well', 0, {'state': 'SUCCESS'}),
                ('was cancelled', 0, {'state': 'CANCELLED'})):
            self.assertEqual(0, self.started_one(**changes), name)
            self.assertEqual(looks, len(self.timers), name)

    def test_has_not_begun(self):
        """Mistral ended between the execution and its first task."""
        for tasks in (['IDLE', 'IDLE'], []):
            self.assertEqual(1, self.started_one(age=65, tasks=tasks), tasks)
        self.assertLogged('is started again: execution execution-1 has not '
                          'begun after 65 s')

    def test_has_begun(self):
        for tasks in (['RUNNING', 'IDLE'], ['DELAYED'], ['SUCCESS', 'IDLE'],
                      ['ERROR'], ['IDLE', 'DELAYED']):
            self.assertEqual(0, self.started_one(age=65, tasks=tasks), tasks)

    def test_spoilt_by_mistral(self):
        for info in self.OWN_ERRORS:
            self.assertEqual(1, self.started_one(
                state='ERROR', state_info=info), info)
        self.assertLogged('ended in an error of Mistral: Failed to run task')

    def test_failed_for_a_reason(self):
        """A second execution would fail for the same reason."""
        for info in ('the stack is UPDATE_FAILED: no valid host',
                     '40 steps have failed, the last one, find, with: Failed',
                     'Failure caused by error in tasks: work', '', None):
            self.assertEqual(0, self.started_one(
                state='ERROR', state_info=info), info)
            self.assertEqual([], self.timers)

    def test_not_again_and_again(self):
        spoilt = {'state': 'ERROR', 'state_info': self.OWN_ERRORS[0]}
        self.cloud.http.get(
            re.compile('%s/executions/execution-' % re.escape(MISTRAL)),
            json=execution(**spoilt))
        self.notify()
        while self.timers:
            self.look()
        self.assertEqual(3, len(self.cloud.started()))

    def test_deleted(self):
        """Its application is gone, and needs no healing."""
        self.notify()
        self.cloud.http.get(MISTRAL + '/executions/execution-1',
                            status_code=404, json={'faultstring': 'gone'})
        self.look()
        self.assertEqual(1, len(self.cloud.started()))
        self.assertEqual([], self.timers)

    def test_mistral_is_away_meanwhile(self):
        self.notify()
        self.cloud.http.get(MISTRAL + '/executions/execution-1', [
            {'exc': requests.exceptions.ConnectionError},
            {'status_code': 503},
            {'status_code': 404, 'text': 'default backend - 404'},
            {'json': execution('ERROR', state_info=self.OWN_ERRORS[0])}])
        for _ in range(4):
            self.look()
        self.assertEqual(2, len(self.cloud.started()))
        self.assertLogged('Cannot tell what becomes of execution')

    def test_in_a_thread_of_its_own(self):
        """The real timer: the listener has other things to do."""
        looked = threading.Event()
        self.useFixture(fixtures.MonkeyPatch(
            '%s.threading.Timer' % vitrage_notifier.__name__, TIMER))
        self.useFixture(fixtures.MonkeyPatch(
            '%s._LOOK_INTERVAL' % vitrage_notifier.__name__, 0.01))

        def tell(request, context):
            looked.set()
            return execution('SUCCESS')

        self.cloud.http.get(MISTRAL + '/executions/execution-1', json=tell)
        self.notify()
        self.assertTrue(looked.wait(60))


class ListingFailsTest(NotifierTestCase):
    """Mistral does not say what runs."""

    def setUp(self):
        super().setUp()
        self.cloud.http.get(MISTRAL + '/executions', status_code=403,
                            json={'faultstring': 'listing is forbidden'})

    def test_starts_all_the_same(self):
        self.notify()
        self.assertEqual(1, len(self.cloud.started()))
        self.assertLogged('Cannot tell whether workflow heal',
                          'listing is forbidden')

    def test_own_memory(self):
        self.notify()
        self.notify()
        self.assertEqual(1, len(self.cloud.started()))
        self.assertLogged('not started again: execution execution-1 was '
                          'started')

    def test_own_memory_ends(self):
        self.config.config(group='mistral', duplicate_window=0)
        self.notify()
        self.notify()
        self.assertEqual(2, len(self.cloud.started()))


class VitrageTest(NotifierTestCase):
    """The place that it takes in Vitrage."""

    def test_vitrage_loads_it(self):
        """By the class path, next to the options of Vitrage's own."""
        plugins = service.VitrageNotifierService.get_notifier_plugins()
        self.notifier, = plugins
        self.assertIsInstance(self.notifier, vitrage_notifier.MistralNotifier)
        self.assertEqual('mistral', self.notifier.get_notifier_name())
        self.assertTrue(self.notifier.use_private_topic())
        self.notify()
        self.assertEqual(1, len(self.cloud.started()))

    def test_why_vitrage_needs_it(self):
        """Once this fails, Vitrage's own notifier works again."""
        self.notifier = mistral_notifier.MistralNotifier()
        self.notify()
        self.assertEqual([], self.cloud.started())
        self.assertLogged('missing field "workflow_identifier"')

    def test_without_tempest(self):
        """Where Vitrage is installed, neither Tempest nor Heat's client is.

        A fresh interpreter: here both have been imported long ago.
        """
        blocked = dict.fromkeys(('tempest', 'heatclient', 'vitrageclient',
                                 'testtools'))
        subprocess.run(
            [sys.executable, '-W', 'ignore', '-c',
             'import sys; sys.modules.update(%r); import %s' % (
                 blocked, vitrage_notifier.__name__)],
            check=True, capture_output=True)
