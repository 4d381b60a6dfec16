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

"""Questions of several that are put as one."""

import threading

import fixtures
import testtools

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import gathering
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import service_samples
from self_healing_tempest_plugin import waiting

OTHER_VID = '0d1e2f00-0000-4000-8000-000000000007'


def at_once(*calls):
    """Make calls that begin at the same moment; return their answers."""
    ready = threading.Barrier(len(calls))

    def make(call):
        ready.wait()
        return call()

    return waiting.side_by_side(*(
        (lambda call=call: make(call)) for call in calls))


class GatheredTest(testtools.TestCase):
    """gathering.Gathered."""

    def test_one_question(self):
        """All who ask at the same time get an answer of one question."""
        asked = []

        def ask(keys):
            asked.append(keys)
            return {key: key.upper() for key in keys}

        gathered = gathering.Gathered(ask, window=0.5)
        self.assertEqual(['A', 'B', 'A'], at_once(*(
            (lambda key=key: gathered(key)) for key in 'aba')))
        self.assertEqual([{'a', 'b'}], [*map(set, asked)])
        # What was answered before is asked again.
        self.assertEqual('A', gathered('a'))
        self.assertEqual(('a',), asked[1])

    def test_question_began_later(self):
        """No answer is of before its question."""
        began, asked = [], []

        def ask(keys):
            asked.append(waiting.CLOCK.now())
            return dict.fromkeys(keys)

        gathered = gathering.Gathered(ask, window=0.2)

        def call():
            began.append(waiting.CLOCK.now())
            gathered('a')

        at_once(call, call, call)
        self.assertLess(max(began), min(asked))

    def test_breaks(self):
        """Each of them learns what it broke over."""
        def ask(keys):
            raise errors.ServiceUnavailable('Heat', 'list', 'no')

        gathered, broke = gathering.Gathered(ask, window=0.2), []

        def call():
            try:
                gathered('a')
            except errors.ServiceUnavailable as error:
                broke.append(str(error))

        at_once(call, call)
        self.assertEqual(['Heat: list: no'] * 2, broke)

    def test_many(self):
        """A question is of so many at most."""
        asked = []

        def ask(keys):
            asked.append(len(keys))
            return dict.fromkeys(keys, True)

        gathered = gathering.Gathered(ask, window=1.0)
        most = gathering.MOST
        answers = at_once(*(
            (lambda key=key: gathered(key)) for key in range(most + 3)))
        self.assertEqual([True] * (most + 3), answers)
        self.assertEqual([3, most], sorted(asked))


class ClientsTest(service_samples.ClientTestCase):
    """gathering.Clients."""

    def setUp(self):
        super().setUp()
        # However slow this machine is.
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.services.gathering.WINDOW', 0.5))
        self.together = gathering.Clients(self.clients, fake_cloud.HOST_VID)

    def test_vitrage(self):
        """Host and servers by one question, a server elsewhere by its own."""
        other = dict(fake_cloud.server_entity(), vitrage_id=OTHER_VID,
                     id='elsewhere')
        self.cloud.entities = [fake_cloud.host_entity(),
                               fake_cloud.server_entity(), other]
        self.cloud.edges = [(fake_cloud.HOST_VID, 'contains',
                             fake_cloud.SERVER_VID)]
        self.cloud.alarms = [fake_cloud.alarm('a1'), fake_cloud.deduced('d1'),
                             fake_cloud.alarm('a2', end='now')]
        ids = (fake_cloud.HOST_VID, fake_cloud.SERVER_VID, OTHER_VID, 'gone')
        host, server, elsewhere, gone = at_once(*(
            (lambda id=id: self.together.vitrage.around(id)) for id in ids))
        self.assertEqual(('compute-1', ['a1']), (
            host.entity['id'], [alarm['vitrage_id'] for alarm
                                in host.alarms]))
        self.assertEqual(['d1'], [alarm['vitrage_id'] for alarm
                                  in server.alarms])
        self.assertEqual('elsewhere', elsewhere.entity['id'])
        self.assertIsNone(gone)
        roots = [body['root'] for _, _, _, body in self.cloud.asked(
            'POST', 'topology')]
        self.assertEqual([fake_cloud.HOST_VID, *sorted((OTHER_VID, 'gone'))],
                         [roots[0], *sorted(roots[1:])])

    def test_one_of_vitrage(self):
        """Who asks alone asks as if there were nobody else."""
        self.cloud.entities = [fake_cloud.host_entity()]
        self.assertEqual('compute-1', self.together.vitrage.around(
            fake_cloud.HOST_VID).entity['id'])
        self.assertEqual([1], [body['depth'] for _, _, _, body
                               in self.cloud.asked('POST', 'topology')])

    def test_mistral(self):
        mine = fake_cloud.execution(id='e1')
        yours = dict(fake_cloud.execution(id='e2'), workflow_name='other')
        self.cloud.executions = [mine, yours, dict(
            fake_cloud.execution(id='e3'), workflow_name='third')]
        executions = self.together.mistral.executions
        self.assertEqual([['e1'], ['e2'], []], [
            [execution['id'] for execution in found] for found in at_once(
                lambda: executions(mine['workflow_name']),
                lambda: executions('other'), lambda: executions('none'))])
        self.assertEqual(1, len(self.cloud.asked('GET', '/executions')))

    def test_heat(self):
        """Without their outputs; and one that is gone is none."""
        for number in (1, 2):
            self.cloud.stacks['s%d' % number] = {
                'id': 's%d' % number, 'stack_name': 'app-%d' % number,
                'stack_status': 'UPDATE_COMPLETE', 'updated_time': 'then',
                'outputs': []}
        stack = self.together.heat.stack
        one, two, gone = at_once(
            lambda: stack('app-1/s1'), lambda: stack('app-2/s2'),
            lambda: stack('app-3/s3'))
        self.assertEqual(('app-1', 'app-2', None),
                         (one['stack_name'], two['stack_name'], gone))
        self.assertEqual(1, len(self.cloud.asked('GET', '/stacks')))
        self.assertEqual([], stack('app-1/s1', outputs=True)['outputs'])

    def test_all_else(self):
        """What is not gathered is asked as ever."""
        self.cloud.services = [fake_cloud.compute_service('compute-1')]
        self.assertEqual('compute-1', self.together.nova.compute_service(
            'compute-1')['host'])
        self.assertEqual(self.clients.project_id, self.together.project_id)
