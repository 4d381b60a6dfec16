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

"""What is asked of a host, what services list, and what differs."""

import subprocess

import testtools

from tools.lab import errors
from tools.lab.fingerprint import answers
from tools.lab.fingerprint import differences
from tools.lab.fingerprint import hosts
from tools.lab.fingerprint import listings
from tools.lab.fingerprint import readers

SERVICE = {
    'id': 'a7', 'binary': 'nova-compute', 'host': 'compute-1', 'zone': 'nova',
    'state': 'up', 'status': 'enabled', 'forced_down': False,
    'disabled_reason': None, 'updated_at': '2026-01-01T00:00:07.000000'}


def describe(section, *listed):
    """Return what describes what a service lists."""
    return listings.described(listed, listings.CLOUD[section][-1])


class AnswersTest(testtools.TestCase):
    """What was not answered."""

    def test_answer(self):
        self.assertEqual({'a': 1}, answers.answer(lambda: {'a': 1}))

    def test_reason(self):
        """On one line, and the end of it."""
        def ask():
            raise errors.LabError('x' * 200 + '\n  no   route\nto host')

        reason = answers.answer(ask)[answers.UNANSWERED]
        self.assertEqual(answers.LONG, len(reason))
        self.assertEqual('xx no route to host', reason[-19:])

    def test_defect(self):
        """A defect of ours is no reason."""
        self.assertRaises(ZeroDivisionError, answers.answer, lambda: 1 / 0)


class HostsTest(testtools.TestCase):
    """Commands by one shell, and what they have printed."""

    def sections(self, commands):
        printed = subprocess.run(
            ['bash'], input=hosts.script(commands), text=True, check=True,
            capture_output=True).stdout
        return hosts.sections(printed, commands)

    def test_every_command_is_read(self):
        self.assertEqual(
            set(readers.READERS),
            {*hosts.HOST_COMMANDS, *hosts.COMPUTE_COMMANDS,
             *hosts.QUEUE_COMMANDS})

    def test_in_a_shell(self):
        """What one prints does not end up at another; quotes are kept."""
        self.assertEqual(
            {'files': {"it's": 2}, 'domains': {'u-1': 'shut off'},
             'bridges': {}},
            self.sections({'files': 'echo "it\'s"; echo "it\'s"',
                           'domains': 'echo u-1 shut off',
                           'bridges': 'true'}))

    def test_command_that_fails(self):
        """The command says why it failed, and the others are read."""
        self.assertEqual(
            {'domains': {answers.UNANSWERED: 'exit code 3: no connection'},
             'files': {'x': 1}},
            self.sections({'domains': 'echo no connection >&2; exit 3',
                           'files': 'echo x'}))

    def test_cut_off(self):
        """Nothing of what a shell printed that did not end is taken."""
        commands = {'files': 'echo x', 'bridges': 'echo y'}
        for printed in ('', 'x\n', 'x\n\x000\x00y\n', 'x\n\x000\x00y\n\x000'):
            self.assertIsNone(hosts.sections(printed, commands), printed)
        self.assertEqual({'files': {'x': 1}, 'bridges': {'y': {}}},
                         hosts.sections('x\n\x000\x00y\n\x000\x00', commands))


class FakeLab:
    """A lab on whose hosts every command fails, or the shell itself."""

    def __init__(self, printed='bad\x001\x00', complaint=''):
        self._printed, self._complaint = printed, complaint
        self.seconds = {}

    def entered(self, host, *command, input, timeout):
        self.seconds[host] = timeout
        return subprocess.CompletedProcess(
            command, 1, self._printed * input.count('timeout '),
            self._complaint)


class AllHostsTest(testtools.TestCase):
    """hosts.hosts()."""

    PROGRAMS = {
        'lab': {'controller': 'RUNNING', 'compute-1': 'RUNNING',
                'compute-2': 'STOPPED'},
        'controller': {'nova-api': 'RUNNING', 'redis': 'RUNNING'},
        'compute-1': {'nova-compute': 'STOPPED'}}

    def test_what_is_asked(self):
        """More where a program is, and nothing of a host that is off."""
        lab = FakeLab()
        failed = {answers.UNANSWERED: 'exit code 1: bad'}
        every = dict.fromkeys(hosts.HOST_COMMANDS, failed)
        self.assertEqual(
            {'controller': every | dict.fromkeys(hosts.QUEUE_COMMANDS,
                                                 failed),
             'compute-2': 'off',
             'compute-1': every | dict.fromkeys(hosts.COMPUTE_COMMANDS,
                                                failed)},
            hosts.hosts(lab, self.PROGRAMS))
        # Time for every command, and for the way there.
        self.assertEqual(
            {'controller': hosts.TIMEOUT * 11,
             'compute-1': hosts.TIMEOUT * 12}, lab.seconds)

    def test_host_that_cannot_be_entered(self):
        """The host says why, where it says anything."""
        for complaint, reason in (('no such\nhost', 'no such host'),
                                  ('\n', 'it was cut off')):
            answer = hosts.hosts(FakeLab('', complaint), self.PROGRAMS)
            self.assertEqual({answers.UNANSWERED: reason},
                             answer['controller'])


class ListingsTest(testtools.TestCase):
    """What services list."""

    def test_nova_service(self):
        """When it reported last is not what it is like."""
        self.assertEqual({'nova-compute on compute-1': {
            'state': 'up', 'status': 'enabled', 'forced_down': False},
        }, describe('nova services', SERVICE))

    def test_forced_down(self):
        self.assertNotEqual(
            describe('nova services', SERVICE),
            describe('nova services', dict(SERVICE, forced_down=True)))

    def test_agent(self):
        self.assertEqual(
            {'OVN Controller agent on compute-1': {
                'alive': False, 'admin_state_up': True}},
            describe('neutron agents', {
                'agent_type': 'OVN Controller agent', 'host': 'compute-1',
                'alive': False, 'admin_state_up': True, 'heartbeat': 'x'}))

    def test_server(self):
        """The same one on another host differs."""
        self.assertEqual(
            {'s1': {'status': 'ACTIVE', 'host': 'compute-2'}},
            describe('servers', {
                'id': 's1', 'status': 'ACTIVE', 'updated': 'x',
                'OS-EXT-SRV-ATTR:host': 'compute-2'}))

    def test_default_security_group(self):
        """Neutron makes it itself."""
        self.assertEqual({'g2': 'web'}, describe(
            'security groups', {'id': 'g1', 'name': 'default'},
            {'id': 'g2', 'name': 'web'}))

    def test_port(self):
        self.assertEqual(
            {'p1': {'device_owner': 'compute:nova', 'status': 'DOWN'}},
            describe('ports', {
                'id': 'p1', 'device_owner': 'compute:nova', 'status': 'DOWN',
                'revision_number': 7}))

    def test_fields(self):
        """By some of its fields, and by nothing else of it."""
        for section, item, expected in (
                ('server groups', {'policy': 'soft-anti-affinity'},
                 'n soft-anti-affinity'),
                ('networks', {}, 'n s'), ('routers', {}, 'n s'),
                ('subnets', {'cidr': '10.0.0.0/24'}, 'n 10.0.0.0/24'),
                ('floating ips', {'floating_ip_address': '10.78.0.100'},
                 '10.78.0.100 s'),
                ('stacks', {'stack_name': 'app', 'stack_status': 'FAILED'},
                 'app FAILED'),
                ('vitrage templates', {'uuid': 'i'}, 'n s'),
                ('mistral executions', {'workflow_name': 'heal',
                                        'state': 'ERROR'}, 'heal ERROR'),
                ('mistral workflows', {}, 'n'),
                ('aodh alarms', {'alarm_id': 'i', 'state': 'alarm'},
                 'n alarm'),
                ('trusts', {'project_id': 'p', 'trustor_user_id': 'u1',
                            'trustee_user_id': 'u2'}, 'p u1 u2')):
            self.assertEqual({'i': expected}, describe(section, {
                'id': 'i', 'name': 'n', 'status': 's', 'updated_at': 'x',
                **item}), section)

    def test_questions(self):
        """Of what service, where, and where in its answer the list is."""
        services = {'alarming', 'compute', 'identity', 'network',
                    'orchestration', 'rca', 'workflowv2'}
        lists = {}
        for service, path, key, _ in listings.CLOUD.values():
            self.assertIn(service, services)
            self.assertTrue(path.startswith('/'), path)
            lists.setdefault(service, []).append(key)
        self.assertEqual({
            'alarming': [None],
            'compute': ['services', 'servers', 'server_groups'],
            'identity': ['trusts'],
            'network': ['agents', 'networks', 'routers', 'subnets',
                        'security_groups', 'ports', 'floatingips'],
            'orchestration': ['stacks'], 'rca': [None, None],
            'workflowv2': ['executions', 'workflows']}, lists)

    def test_alarm(self):
        """One on nothing is one, too."""
        self.assertEqual(
            {'prometheus v1': 'HostDown on v9', 'zabbix v2': 'x on None'},
            describe('vitrage alarms',
                     {'vitrage_type': 'prometheus', 'vitrage_id': 'v1',
                      'name': 'HostDown', 'vitrage_resource_id': 'v9'},
                     {'vitrage_type': 'zabbix', 'vitrage_id': 'v2',
                      'name': 'x'}))

    def test_alerts(self):
        """By all their labels; a pending one is another than a firing one."""
        labels = {'hostname': 'compute-1', 'alertname': 'HostDown'}
        name = 'alertname=HostDown hostname=compute-1'
        self.assertEqual(
            {'prometheus': {name: 'pending'}, 'alertmanager': {
                name: 'active'}, 'alertmanager-2': {}},
            listings.alerts({
                'prometheus': [{'labels': labels, 'state': 'pending'}],
                'alertmanager': [{'labels': labels,
                                  'status': {'state': 'active'}}],
                'alertmanager-2': []}))

    def test_open_entries(self):
        """The last state of an entry counts."""
        self.assertEqual({'b': 'injected', 'c': 'created'},
                         listings.open_entries(
            '{"id": "a", "state": "planned"}\n'
            '{"id": "b", "state": "planned"}\n'
            '{"id": "a", "state": "verified"}\n'
            '{"id": "b", "state": "injected"}\n'
            '{"id": "c", "state": "created"}\n'
            '{"id": "d", "state": "removed"}\n'
            '{"id": "e", "state": "closed"}\n'))

    def test_entries_not_to_be_read(self):
        """Such entries are named, and hide none of the others."""
        self.assertEqual(
            dict.fromkeys(('line 1', 'line 2', 'line 4'), 'not to be read')
            | {'a': 'armed'},
            listings.open_entries('{"id": "a\n{"id": "b"}\n'
                                  '{"id": "a", "state": "armed"}\n[]\n'))


class DifferencesTest(testtools.TestCase):
    """differences.differences()."""

    def test_equal(self):
        fingerprint = {'hosts': {'compute-1': {'files': {}}}, 'journal': {}}
        self.assertEqual([],
                         differences.differences(fingerprint, {**fingerprint}))

    def test_added(self):
        self.assertEqual(
            ['stacks/k1: (none) → "app CREATE_COMPLETE"'],
            differences.differences(
                {'stacks': {}}, {'stacks': {'k1': 'app CREATE_COMPLETE'}}))

    def test_removed(self):
        """With all that was in it, as one line."""
        self.assertEqual(
            ['hosts/compute-1/links/eth1: {"mtu": 1500, "up": true} → '
             '(none)'],
            differences.differences(
                {'hosts': {'compute-1': {'links': {'eth1': {
                    'up': True, 'mtu': 1500}}}}},
                {'hosts': {'compute-1': {'links': {}}}}))

    def test_changed(self):
        """Each that changed has its own line, in order of the paths."""
        self.assertEqual(
            ['a: 1 → 2', 'servers/s1/host: "compute-1" → "compute-2"'],
            differences.differences(
                {'servers': {'s1': {'host': 'compute-1', 'status': 'A'}},
                 'a': 1},
                {'a': 2,
                 'servers': {'s1': {'host': 'compute-2', 'status': 'A'}}}))

    def test_another_kind_of_value(self):
        """A host that was on is off."""
        self.assertEqual(
            ['hosts/compute-1: {"files": {}} → "off"'],
            differences.differences(
                {'hosts': {'compute-1': {'files': {}}}},
                {'hosts': {'compute-1': 'off'}}))

    def test_not_answered(self):
        """A missing answer is never equal, not to itself, nor to an answer."""
        none = {'alerts': {answers.UNANSWERED: 'timed out'}}
        shown = '{"not answered": "timed out"}'
        self.assertEqual(['alerts: %s → %s' % (shown, shown)],
                         differences.differences(none, none))
        self.assertEqual(['alerts: {"prometheus": {}} → %s' % shown],
                         differences.differences(
                             {'alerts': {'prometheus': {}}}, none))
        self.assertEqual(['alerts: %s → (none)' % shown],
                         differences.differences(none, {}))

    def test_words(self):
        """They are shown as they are."""
        self.assertEqual(['a: "naïve" → (none)'],
                         differences.differences({'a': 'naïve'}, {}))

    def test_long_value(self):
        whole = {'a': 'x' * (answers.LONG - 2)}
        self.assertEqual(['a: "%(a)s" → (none)' % whole],
                         differences.differences(whole, {}))
        (line,) = differences.differences({'a': 'x' * 400}, {'a': 'y'})
        self.assertEqual(
            'a: "%s… → "y"' % ('x' * (answers.LONG - 1)), line)
