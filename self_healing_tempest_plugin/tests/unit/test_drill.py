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

"""The whole scenario, by Tempest itself, against a cloud of our own.

The power commands are real commands; the chain behind them is a script.
"""

import configparser
import datetime
import glob
import json
import os
import threading
import time

import fixtures
import testtools
from testtools import content

from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_healing_cloud
from self_healing_tempest_plugin.tests.unit import fake_host
from self_healing_tempest_plugin.tests.unit import fake_ssh_host
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import ready_processes
from self_healing_tempest_plugin import waiting

SCENARIOS = 'self_healing_tempest_plugin.tests.scenario.'
CRASH = SCENARIOS + 'test_host_power.HostCrashTest.test_host_crash'
UNHEALED = (SCENARIOS + 'test_host_power.UnhealedHostCrashTest.'
            'test_unhealed_host_crash')
NIC = SCENARIOS + 'test_data_nic.DataNicDownTest.test_data_nic_down'
SYNTHETIC = (SCENARIOS + 'test_synthetic_alarm.SyntheticAlarmTest.'
             'test_synthetic_alarm')

LINKS = ('alarm', 'deduction', 'execution', 'stack', 'application')

LIFE = ['planned', 'armed', 'injected', 'witnessed', 'reverted', 'verified']

# How often the server has to be looked at after a step, before the next one.
LOOKS = {'alarm': 2, 'deduction': 1}
# Seconds after which nobody looks any more: the watch is over.
NOTICED = 5.0


class DrillTestCase(testtools.TestCase):
    """Tempest runs one scenario."""

    test = CRASH
    clouds = fake_cloud.FakeCloud

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(self.clouds())
        self.directory = self.useFixture(fixtures.TempDir()).path
        self.off = os.path.join(self.directory, 'compute-1.off')
        self.chain = Chain(self.cloud, lambda: os.path.exists(self.off))
        self.addCleanup(self.chain.stop)
        self.journal = journals.Journal(
            os.path.join(self.directory, 'self_healing'))

    def assert_untouched(self):
        """Fail if anything was created or broken."""
        self.assertEqual([], self.cloud.asked('POST', '/stacks'))
        self.assertEqual([], self.cloud.asked('PUT', '/template'))
        self.assertFalse(self.chain.was_off)

    def tempest(self, available='true', runner=('testtools.run',),
                **options):
        """Run the scenario in a process of its own.

        :param available: [service_available] self_healing
        :param runner: module and arguments that run the test
        :param options: options of [self_healing] other than the usual
        """
        config = os.path.join(self.directory, 'tempest.conf')
        self.write(config, available, options)
        environment = dict(
            os.environ, TEMPEST_CONFIG_DIR=self.directory,
            TEMPEST_CONFIG='tempest.conf', OS_STDOUT_CAPTURE='0',
            OS_STDERR_CAPTURE='0')
        run = ready_processes.run(*runner, self.test, merged=True,
                                  environment=environment)
        self.addDetail('tempest', content.text_content(run.stdout))
        return run

    def document(self):
        """Return the timeline that the run has written."""
        path, = glob.glob(os.path.join(self.directory, '%s-2*.json' % (
            self.test.rsplit('.', 1)[-1])))
        with open(path, encoding='utf-8') as stream:
            return json.load(stream)

    def write(self, path, available, options):
        parser = configparser.ConfigParser(interpolation=None)
        status = 'test -e %s.off && echo off || echo on' % os.path.join(
            self.directory, '$0')
        parser.read_dict({
            'DEFAULT': {'log_file': os.path.join(self.directory, 'log')},
            'oslo_concurrency': {'lock_path': self.directory},
            'auth': {'admin_username': 'admin', 'admin_password': 'pass',
                     'admin_project_name': 'admin',
                     'admin_domain_name': 'Default'},
            'identity': {'uri_v3': self.cloud.url + '/identity/v3',
                         'region': 'RegionOne'},
            'compute': {'image_ref': 'guest', 'flavor_ref': 'm1.nano'},
            'network': {'public_network_id': 'public'},
            'service_available': {'self_healing': available},
            'self_healing_feature_enabled': {
                'host_crash': 'true', 'unhealed_host_crash': 'true',
                'data_nic_down': 'true', 'synthetic_alarm': 'true'},
            'self_healing': dict({
                'application_port': str(self.cloud.port),
                'allow_faults': 'true', 'fault_hosts': 'compute-1',
                'host_power_off_command':
                    'touch %s/{host}.off' % self.directory,
                'host_power_on_command':
                    'rm -f %s/{host}.off' % self.directory,
                'host_power_status_command':
                    "sh -c '%s' {host}" % status,
                'host_witness_port': str(self.chain.witness_port),
                'poll_interval': '0.1', 'witness_timeout': '2',
                'alarm_timeout': '2', 'deduction_timeout': '2',
                'workflow_timeout': '2', 'stack_timeout': '3',
                'application_timeout': '5', 'host_return_timeout': '5',
                'graph_timeout': '3', 'template_timeout': '3',
                'quiet_time': '5', 'return_watch_time': '1',
                'artifacts_dir': self.directory}, **options)})
        with open(path, 'w', encoding='utf-8') as stream:
            parser.write(stream)


class CrashTest(DrillTestCase):
    """Tempest runs the host crash scenario."""

    def test_healed(self):
        """All links come, the host returns, nothing is left."""
        self.chain.start(LINKS)
        run = self.tempest()
        document = self.document()
        self.assertEqual('HEALED', document['verdict']['kind'], run.stdout)
        self.assertEqual(0, run.returncode, run.stdout)
        self.assertEqual('The application is healed, by this chain.',
                         document['story'])
        self.assertEqual(LIFE, [transition['name']
                                for transition in document['transitions']])
        begin = document['transitions'][2]['begin']
        self.assertGreaterEqual(sum(
            answer.ok and answer.end < 1000 * begin
            for answer in answers.whole(document['probes'])), 5)
        entries, damages = self.journal.read()
        self.assertEqual(
            ([['planned', 'created', 'removed'],
              ['planned', 'created', 'created', 'created', 'removed'],
              LIFE], ()),
            ([[state.value for state in entry.states] for entry in entries],
             damages))
        self.assertFalse(os.path.exists(self.off))
        self.assertEqual([], self.cloud.executions)
        self.assertEqual([], [template for template in self.cloud.templates
                              if template['uuid'] == fake_cloud.TEMPLATE])
        self.assertEqual('DELETE_COMPLETE', self.cloud.stacks[
            fake_cloud.STACK]['stack_status'])

    def test_notifier_stopped(self):
        """Nothing comes after the deduced alarm: the link is named."""
        self.chain.start(('alarm', 'deduction'))
        run = self.tempest()
        verdict = self.document()['verdict']
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertEqual(('BROKEN', 'workflow'),
                         (verdict['kind'], verdict['link']))
        self.assertIn('the link Vitrage → Mistral is broken', run.stdout)
        self.assertIn("'Failed to execute Mistral action'", run.stdout)
        self.assertIn('within 2 s', verdict['why'])
        self.assertFalse(os.path.exists(self.off))

    def test_not_ready(self):
        """An alarm from before: INVALID, and nothing is broken."""
        self.chain.start(())
        self.cloud.alarms.append(fake_cloud.alarm('stale'))
        run = self.tempest()
        document = self.document()
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertEqual('INVALID', document['verdict']['kind'])
        self.assertIn('HostDown is active on host compute-1', run.stdout)
        self.assertEqual([], document['transitions'])

    def test_no_answers_before_the_fault(self):
        """Nobody would know what the fault has done: INVALID."""
        self.chain.start(())
        self.cloud.answers_left = 5
        run = self.tempest()
        verdict = self.document()['verdict']
        self.assertEqual('INVALID', verdict['kind'], run.stdout)
        self.assertIn('5 good answers of the application', verdict['why'])
        self.assertFalse(self.chain.was_off)

    def test_liar(self):
        """The power command does nothing: INVALID."""
        self.chain.start(())
        run = self.tempest(host_power_off_command='true {host}')
        verdict = self.document()['verdict']
        self.assertEqual(('INVALID', 'fault'),
                         (verdict['kind'], verdict['link']), run.stdout)
        self.assertEqual(1, run.returncode)

    def test_host_not_allowed(self):
        """The application's host is not in fault_hosts: one clear line."""
        self.chain.start(())
        run = self.tempest(fault_hosts='compute-20')
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertIn('Fault refused: host compute-1 is not in '
                      '[self_healing] fault_hosts (compute-20)', run.stdout)
        self.assertFalse(self.chain.was_off)

    def test_skipped(self):
        """A cloud without self-healing: skipped with the option."""
        run = self.tempest(available='false',
                           runner=('unittest', '--verbose'))
        # 5: nothing has run. Python 3.12.1 says so of a class that is
        # skipped, the versions before it and after it do not.
        self.assertIn(run.returncode, (0, 5), run.stdout)
        self.assertIn('skipped=1', run.stdout)
        self.assertIn('[service_available] self_healing is false',
                      run.stdout)
        self.assertEqual([], self.cloud.requests)

    def test_open_fault(self):
        """The fault of an earlier run is taken back first, by a command."""
        self.journal.plan(host_samples.file_plan('/x', description='before'))
        self.chain.start(LINKS)
        run = self.tempest()
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertIn('may still be there (before); run: '
                      'self-healing-tempest revert', run.stdout)
        self.assert_untouched()

    def test_two_at_once(self):
        """The second run is refused; the first one goes on."""
        self.chain.start(LINKS)
        with self.journal.held():
            run = self.tempest()
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertIn('Fault refused: another run holds', run.stdout)
        self.assertIn('[self_healing] state_dir', run.stdout)
        self.assert_untouched()

    def test_control_plane(self):
        """A host that runs more than nova-compute is not broken."""
        self.chain.start(LINKS)
        self.cloud.services.append(dict(
            fake_cloud.compute_service('compute-1'), id='f0000000-0000-4000-'
            '8000-000000000099', binary='nova-scheduler'))
        run = self.tempest()
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertIn('host compute-1 runs the control plane '
                      '(nova-scheduler)', run.stdout)
        self.assertFalse(self.chain.was_off)
        self.assertEqual(['template', 'stack'], [
            entry.object.kind for entry in self.journal.read()[0]])
        self.assertEqual((), self.journal.open_entries())


class KilledTest(DrillTestCase):
    """Tempest is killed in the middle, and revert takes back what is left."""

    def killed(self, state):
        """Kill Tempest when the newest entry but the template's is so far.

        :returns: kinds of what is open, newest first
        """
        self.write(os.path.join(self.directory, 'tempest.conf'), 'true', {})
        with ready_processes.Process(
                'testtools.run', self.test, environment=dict(
                    os.environ, TEMPEST_CONFIG_DIR=self.directory,
                    TEMPEST_CONFIG='tempest.conf')) as process:
            try:
                waiting.wait_for(
                    self.journal.open_entries,
                    lambda entries: entries and entries[0].state is state
                    and (entries[0].plan or len(entries) > 1),
                    what='%s in the journal' % state, timeout=90,
                    interval=0.05, describe=repr)
            finally:
                process.kill()
        return [entry.object.kind if entry.object else 'fault'
                for entry in self.journal.open_entries()]

    def revert(self):
        done = ready_processes.run(
            'self_healing_tempest_plugin.cmd.main', 'revert', '--config-file',
            os.path.join(self.directory, 'tempest.conf'), merged=True)
        self.addDetail('revert', content.text_content(done.stdout))
        return done

    def test_in_its_fault(self):
        """Host, stack, executions and template are as before."""
        self.chain.start(LINKS[:3])
        self.assertEqual(['fault', 'stack', 'template'],
                         self.killed(journals.State.WITNESSED))
        # Vitrage does not undo that any more.
        self.cloud.services[0]['forced_down'] = True
        again = self.tempest()
        self.assertEqual(1, again.returncode)
        self.assertIn('run: self-healing-tempest revert', again.stdout)
        self.assertEqual(0, self.revert().returncode)
        self.assertFalse(os.path.exists(self.off))
        self.assertEqual('DELETE_COMPLETE', self.cloud.stacks[
            fake_cloud.STACK]['stack_status'])
        self.assertEqual(
            ([], ['rule'], False),
            (self.cloud.executions,
             [template['name'] for template in self.cloud.templates],
             self.cloud.services[0]['forced_down']))
        self.assertEqual((), self.journal.open_entries())
        self.assertIn('No open fault', self.revert().stdout)

    def test_while_it_deploys(self):
        """The stack is there, and nothing is broken."""
        self.chain.start(LINKS)
        self.cloud.answer = None
        self.assertEqual(['stack', 'template'],
                         self.killed(journals.State.CREATED))
        self.assertEqual(0, self.revert().returncode)
        self.assertEqual((), self.journal.open_entries())
        self.assertFalse(self.chain.was_off)


class UnhealedTest(DrillTestCase):
    """Tempest runs the scenario in which no rule heals."""

    test = UNHEALED

    def test_untouched(self):
        """Alarm and deduced alarm, and then nothing for the quiet time."""
        self.chain.start(LINKS[:2], healing=False)
        run = self.tempest()
        verdict = self.document()['verdict']
        self.assertEqual('UNTOUCHED', verdict['kind'], run.stdout)
        self.assertEqual(0, run.returncode, run.stdout)
        self.assertFalse(os.path.exists(self.off))
        self.assertEqual((), self.journal.open_entries())

    def test_healed_although(self):
        """Healing without a rule is noticed, and the fault is taken back."""
        self.chain.start(('alarm', 'deduction', 'stack'), healing=False)
        run = self.tempest()
        verdict = self.document()['verdict']
        self.assertEqual(('UNEXPECTED_HEALING', 'stack'),
                         (verdict['kind'], verdict['link']), run.stdout)
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertFalse(os.path.exists(self.off))
        self.assertEqual((), self.journal.open_entries())


class NicTest(DrillTestCase):
    """Tempest breaks a NIC over SSH."""

    test = NIC

    def setUp(self):
        super().setUp()
        self.host = self.useFixture(fake_ssh_host.FakeSshHost())
        self.host.add_nic('eth1', host_samples.ADDRESSES,
                          host_samples.ROUTES)
        self.chain.broken = lambda: not self.host.nic('eth1')['up']
        # Its thread looks at the host, which is gone before the chain is.
        self.addCleanup(self.chain.stop)
        self.chain.cut_off = False
        self.chain.alarm_name = 'HostNicDown'
        key = os.path.join(self.directory, 'key')
        fake_ssh_host.USER_KEYS[0].write_private_key_file(key)
        known = os.path.join(self.directory, 'known_hosts')
        with open(known, 'w', encoding='utf-8') as stream:
            stream.write(self.host.known_host())
        self.options = {
            'host_ssh_user': fake_ssh_host.USER, 'host_ssh_key_file': key,
            'host_ssh_known_hosts_file': known,
            'host_ssh_port': str(self.host.port), 'host_data_nic': 'eth1',
            'host_witness_port': str(self.host.port), 'host_timer': '60'}

    def test_healed(self):
        """The host stays up in Nova; its timer and old port are gone."""
        (self.host.root / 'ports' / ('tap%s' % fake_cloud.PORT[:11])).touch()
        self.chain.start(LINKS)
        run = self.tempest(**self.options)
        document = self.document()
        self.assertEqual('HEALED', document['verdict']['kind'], run.stdout)
        self.assertEqual(0, run.returncode, run.stdout)
        self.assertEqual(LIFE, [transition['name']
                                for transition in document['transitions']])
        self.assertTrue(self.host.nic('eth1')['up'])
        for name in ('run', 'ports'):
            self.assertEqual([], list((self.host.root / name).iterdir()))

    def test_wrong_nic(self):
        """A NIC that is wrong is noticed before anything is created."""
        self.chain.start(())
        run = self.tempest(**dict(self.options, host_data_nic='eth9'))
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertIn('Fault refused: host compute-1', run.stdout)
        self.assertIn('eth9', run.stdout)
        self.assert_untouched()


class SyntheticAlarmTest(DrillTestCase):
    """Tempest raises an alarm of its own, and breaks nothing."""

    test = SYNTHETIC
    clouds = fake_healing_cloud.FakeHealingCloud

    def setUp(self):
        super().setUp()
        self.cloud.works = {'deduction', 'workflow', 'stack'}
        # Only its clock shows that what is in the history alone is new.
        self.cloud.tells_time = True
        self.chain.start(())
        # Nobody answers, before and after.
        self.cloud.answer = None
        for hypervisor in self.cloud.hypervisors:
            hypervisor['hypervisor_type'] = 'fake'

    def drill(self):
        """Run it with patience for the commands, which are processes."""
        return self.tempest(witness_timeout='20', alarm_timeout='20',
                            host_return_timeout='20')

    def test_repaired(self):
        """All links but the last come, and the alarm is cleared."""
        run = self.drill()
        document = self.document()
        self.assertEqual('REPAIRED', document['verdict']['kind'], run.stdout)
        self.assertEqual(0, run.returncode, run.stdout)
        self.assertEqual(LIFE, [transition['name']
                                for transition in document['transitions']])
        self.assertEqual(
            ['alarm', 'deduction', 'workflow', 'stack', 'stack', 'workflow'],
            [link['link'] for link in document['links']])
        self.assertEqual((0, None), (document['application']['probes'],
                                     document['application']['outage']))
        self.assertEqual(['firing', 'resolved'], [
            event['details']['alerts'][0]['status']
            for event in self.cloud.events_posted])
        self.assertEqual((), self.journal.open_entries())

    def test_notifier_stopped(self):
        """The link that is broken is named, without a bisect."""
        self.cloud.works = {'deduction'}
        run = self.drill()
        document = self.document()
        self.assertEqual(
            ('BROKEN', 'workflow'),
            (document['verdict']['kind'], document['verdict']['link']),
            run.stdout)
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertEqual([], document['diagnosis']['bisect'])
        self.assertEqual((), self.journal.open_entries())

    def test_guests(self):
        """Refused where guests run, before anything is created."""
        self.cloud.hypervisors[0]['hypervisor_type'] = 'QEMU'
        run = self.drill()
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertIn('the guests of host compute-1 would live on, its '
                      'hypervisor is QEMU', run.stdout)
        self.assertEqual([], self.cloud.events_posted)
        self.assert_untouched()


def now():
    """Return the time as Vitrage writes it."""
    return str(datetime.datetime.now(datetime.timezone.utc))


class Chain:
    """Heals, step by step, while the host is broken.

    :ivar broken: returns whether it is
    :ivar cut_off: whether nobody reaches the host meanwhile
    :ivar was_off: whether it ever was broken
    """

    def __init__(self, cloud, broken):
        self.cloud, self.broken = cloud, broken
        self.was_off, self.cut_off = False, True
        self.alarm_name = 'HostDown'
        self._done = threading.Event()
        self._thread = None
        self._host = fake_host.FakeHost()
        self.witness_port = self._host.port

    def start(self, steps, healing=True):
        """Deploy what an application has, and wait for the fault.

        :param steps: the links that work
        :param healing: whether with the rule that heals
        """
        cloud = self.cloud
        cloud.entities = [fake_cloud.host_entity(),
                          fake_cloud.server_entity()]
        cloud.edges = [(fake_cloud.HOST_VID, 'contains',
                        fake_cloud.SERVER_VID)]
        cloud.services = [fake_cloud.compute_service('compute-1'),
                          fake_cloud.compute_service('compute-20')]
        cloud.hypervisors = [fake_cloud.hypervisor(host, '127.0.0.1')
                             for host in ('compute-1', 'compute-20')]
        cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1'}}
        cloud.stack_resources = fake_cloud.resources()[:3 if healing else 1]
        cloud.templates = [{'uuid': 'rule-1', 'name': 'rule',
                            'status': 'ACTIVE', 'status details': 'ok'}]
        cloud.answer = (fake_cloud.SERVER, 'boot-1')
        self._thread = threading.Thread(target=self._run, args=(steps,))
        self._thread.start()

    def stop(self):
        """End the thread and the host."""
        self._done.set()
        if self._thread:
            self._thread.join()
        self._host.close()

    def _run(self, steps):
        while not self.broken():
            if self._done.wait(0.02):
                return
        self.was_off = True
        if self.cut_off:
            self._host.power(False)
        self.cloud.answer = None
        # The second look is the first that surely began after the fault.
        self._until_looked(fake_cloud.HOST_VID,
                           self._looks(fake_cloud.HOST_VID) + 2)
        for step in steps:
            with self.cloud.lock:
                before = self._looks(fake_cloud.SERVER_VID)
                getattr(self, step)()
            self._done.wait(0.15)
            self._until_looked(fake_cloud.SERVER_VID,
                               before + LOOKS.get(step, 0))
        while self.broken():
            if self._done.wait(0.02):
                return
        self._host.power(True)
        for alarm in self.cloud.alarms:
            alarm['end_timestamp'] = 'now'

    def _until_looked(self, root, looks):
        """Wait until an entity of the graph has been looked at so often.

        However slow this machine is: of what goes from the graph unseen only
        the history tells, and not when it came.
        """
        end = time.monotonic() + NOTICED
        while (self._looks(root) < looks and time.monotonic() < end
               and not self._done.wait(0.02)):
            pass

    def _looks(self, root):
        asked = tuple(self.cloud.requests)
        return sum(body.get('root') == root for _, path, _, body in asked
                   if path.endswith('/topology/'))

    def alarm(self):
        self.cloud.alarms.append(fake_cloud.alarm(
            'alarm-1', name=self.alarm_name, start=now()))

    def deduction(self):
        self.cloud.entities[1] = fake_cloud.server_entity('ERROR')
        self.cloud.alarms.append(fake_cloud.deduced(start=now()))

    def execution(self):
        self.cloud.executions = [fake_cloud.execution()]

    def stack(self):
        stack = self.cloud.stacks[fake_cloud.STACK]
        stack.update(stack_status='UPDATE_COMPLETE', updated_time='now')
        self.cloud.stack_resources = fake_cloud.resources(
            fake_cloud.NEW_SERVER)
        self.cloud.servers = {fake_cloud.NEW_SERVER: {
            'id': fake_cloud.NEW_SERVER, 'host': 'compute-20'}}
        self.cloud.entities.pop()

    def application(self):
        self.cloud.answer = (fake_cloud.NEW_SERVER, 'boot-2')
        self.cloud.executions = [fake_cloud.execution('SUCCESS')]
