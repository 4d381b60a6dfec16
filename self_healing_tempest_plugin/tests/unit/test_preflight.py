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

"""Preflight: every row, against a cloud over HTTP."""

import configparser
import dataclasses
import ipaddress
import json
import os
import re

import fixtures
import testtools
from testtools import content

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.links.application import stack_checks
from self_healing_tempest_plugin.links import judging
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.preflight import examine
from self_healing_tempest_plugin.preflight import hosts
from self_healing_tempest_plugin.preflight import options
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import glance
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_host
from self_healing_tempest_plugin.tests.unit import fake_ssh_host
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import ready_processes
from self_healing_tempest_plugin.tests.unit import service_samples
from self_healing_tempest_plugin.tests.unit import test_config

AVAILABLE = {'self_healing': True, 'nova': True, 'neutron': True}
HOSTS = ('compute-1', 'compute-2')
# Seconds after which preflight has ended, whoever is silent: the docs say so.
PROMISED = 15


def healthy(cloud):
    """Fill a cloud in which the suite could run."""
    cloud.entities = [fake_cloud.host_entity(),
                      dict(fake_cloud.host_entity(), id='compute-2',
                           vitrage_id='vid-2'), fake_cloud.server_entity()]
    cloud.alarms = [fake_cloud.alarm('past', end='then')]
    cloud.services = [fake_cloud.compute_service(host) for host in HOSTS] + [
        fake_cloud.compute_service('controller', binary='nova-conductor')]
    cloud.hypervisors = [fake_cloud.hypervisor(host, '127.0.0.1', number)
                         for number, host in enumerate(HOSTS)]
    cloud.places = [fake_cloud.provider(number) for number in range(2)]
    cloud.flavors = [fake_cloud.flavor('m1.nano')]
    cloud.images = [{'id': 'i1', 'name': 'guest', 'status': 'active'}]
    cloud.networks = [{'id': 'n1', 'name': 'public'}]
    cloud.resource_types, cloud.actions = map(list, templates.needs(
        templates.APPLICATION))


class CloudTestCase(testtools.TestCase):
    """A healthy cloud, and the settings for it.

    :cvar auth: the group [auth], which nobody asks where no member is needed
    """

    auth = None

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        healthy(self.cloud)
        self.host = fake_host.FakeHost()
        self.addCleanup(self.host.close)
        self.directory = self.useFixture(fixtures.TempDir()).path
        self.values = {
            ('identity', 'uri_v3'): self.cloud.url + '/identity/v3',
            ('identity', 'region'): 'RegionOne',
            ('compute', 'image_ref'): 'guest',
            ('compute', 'flavor_ref'): 'm1.nano',
            ('network', 'public_network_id'): 'public',
            ('self_healing', 'allow_faults'): 'true',
            ('self_healing', 'fault_hosts'): ','.join(HOSTS),
            ('self_healing', 'host_power_off_command'): 'false {host}',
            ('self_healing', 'host_power_on_command'): 'false {host}',
            ('self_healing', 'host_power_status_command'):
                'echo {host} is on',
            ('self_healing', 'host_witness_port'): str(self.host.port),
            ('self_healing', 'state_dir'):
                os.path.join(self.directory, 'state')}

    def override(self, option, value):
        self.values['self_healing', option] = value

    def settings(self):
        conf = test_config.new_conf()
        for (group, option), value in self.values.items():
            if option == 'fault_hosts':
                value = [part for part in value.split(',') if part]
            conf.set_override(option, value, group)
            # A group of options is one object for all that register it.
            self.addCleanup(conf.clear_override, option, group)
        return config.settings(conf)

    def examine(self, features=('host_crash',), available=AVAILABLE,
                chain=vitrage.CHAIN, more=()):
        """Return the findings by what was looked at."""
        self.found = {}
        for row in examine.examine(
                self.settings(), features, available,
                lambda: service_samples.Manager(self.cloud.url),
                (chain, *more), self.auth):
            self.found.setdefault(row.what, []).append(row)
        return self.found

    def states(self):
        return {what: {row.finding.state.value for row in group}
                for what, group in self.found.items()}

    def wrong(self):
        """Return what is a no, with its texts."""
        return {what: '; '.join(row.finding.text for row in group
                                if row.finding.state is rows.State.NO)
                for what, group in self.found.items()
                if 'no' in self.states()[what]}


class ExamineTest(CloudTestCase):
    """examine.examine(), in this process."""

    def broken(self, what, text, **options):
        """Expect that exactly one thing is a no, with a hint."""
        self.examine(**options)
        self.assertEqual([what], list(self.wrong()), self.wrong())
        self.assertIn(text, self.wrong()[what])
        for row in self.found[what]:
            self.assertTrue(row.todo)
            self.assertNotIn('\n', row.finding.text + row.todo)

    def test_healthy(self):
        self.examine()
        self.assertEqual({}, self.wrong())
        unknown = {what for what, states in self.states().items()
                   if states != {'yes'}}
        self.assertEqual({'snapshots', 'notifier class', 'stack domain',
                          'its address', 'monitor asked'}, unknown)
        self.assertEqual('compute-1, compute-2: in the graph',
                         self.found['hosts'][0].finding.text)

    def test_chain_without_the_stack(self):
        """The application is a stack all the same."""
        self.examine()
        rows_of_stack = {what: group for what, group in self.found.items()
                         if what == 'Heat' or group[0].link == 'stack'}
        self.assertEqual(8, len(rows_of_stack), rows_of_stack)
        self.examine(chain=dataclasses.replace(
            vitrage.CHAIN, links=(vitrage.ALARM, vitrage.APPLICATION)))
        self.assertEqual(rows_of_stack, {
            what: self.found.get(what) for what in rows_of_stack})

    def test_nothing_is_changed(self):
        """Nothing but questions, and no directory is made."""
        self.examine()
        changing = [request[:2] for request in self.cloud.requests
                    if request[0] != 'GET' and not re.search(
                        '/auth/tokens|/v1/resources/', request[1])]
        self.assertEqual([], changing)
        self.assertEqual([], os.listdir(self.directory))

    def test_options(self):
        self.override('allow_faults', 'false')
        self.examine()
        self.assertEqual({'allow_faults', 'may be broken'},
                         set(self.wrong()))

    def test_not_available(self):
        self.broken('[service_available]', 'false for self_healing',
                    available=dict(AVAILABLE, self_healing=False))

    def test_no_scenario(self):
        self.broken('scenarios', 'none is enabled', features=())

    def test_scenario_without_its_options(self):
        self.broken('data_nic_down', 'without a host_ssh_key_file that can '
                    'be read', features=('host_crash', 'data_nic_down'))

    def test_guests(self):
        """An alarm without a fault is for hosts that run none."""
        features = ('host_crash', 'synthetic_alarm')
        self.broken('synthetic-alarm', 'the guests of host compute-1 would '
                    'live on', features=features)
        for hypervisor in self.cloud.hypervisors:
            hypervisor['hypervisor_type'] = 'fake'
        self.examine(features=features)
        self.assertEqual({}, self.wrong())
        self.assertEqual('compute-1, compute-2: runs no guests',
                         self.found['synthetic-alarm'][0].finding.text)

    def test_no_fault_hosts(self):
        self.override('fault_hosts', '')
        self.assertIn('fault_hosts', self.examine())
        self.assertIn('fault_hosts', self.wrong())

    def test_host_not_in_graph(self):
        self.cloud.entities.pop(1)
        self.broken('hosts', 'compute-2: not in the graph')

    def test_alarm_is_active(self):
        self.cloud.alarms.append(fake_cloud.alarm('now'))
        self.broken('active alarms', 'compute-1: active: HostDown')

    def test_monitor_never_alarmed(self):
        self.cloud.alarms = []
        self.examine()
        self.assertEqual({'unknown'}, self.states()['monitor'])
        self.assertEqual({}, self.wrong())

    def test_no_server_in_graph(self):
        self.cloud.entities.pop()
        self.examine()
        self.assertEqual({'unknown'}, self.states()['servers'])
        self.cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1'}}
        self.broken('servers', 'the fault hosts run servers')

    def test_template_of_the_cloud(self):
        self.override('host_template', 'mine')
        self.broken('templates', 'HostDown: mine is not there')
        self.cloud.templates = [{'name': 'mine', 'status': 'ERROR'}]
        self.broken('templates', 'mine is ERROR')
        self.cloud.templates[0]['status'] = 'ACTIVE'
        self.assertNotIn('no', self.examine() and self.states()['templates'])

    def test_notifier_is_not_there(self):
        self.cloud.processes.pop()
        self.broken('vitrage-notifier', 'not among the processes')

    def test_no_coordination(self):
        """Without it, Vitrage does not list its processes."""
        self.cloud.processes = None
        self.examine()
        self.assertEqual({'unknown'}, self.states()['vitrage-notifier'])
        self.assertEqual({}, self.wrong())

    def test_action_is_missing(self):
        self.cloud.actions.remove('heat.resources_mark_unhealthy')
        self.broken('actions', 'without heat.resources_mark_unhealthy')

    def test_resource_type_is_missing(self):
        self.cloud.resource_types.remove('OS::Vitrage::Template')
        self.broken('resource types', 'without OS::Vitrage::Template')

    def test_glance_is_not_declared(self):
        """Then Tempest has no client of it."""
        answers = asking.ask({'image': asking.Question(
            'Glance', lambda: glance.find(object(), 'guest'))}, 5)
        row, = judging.judged(
            [check for check in stack_checks.CHECKS if check.what == 'image'],
            answers, self.settings())
        self.assertEqual(rows.State.UNKNOWN, row.finding.state)

    def test_image(self):
        self.cloud.images[0]['status'] = 'queued'
        self.broken('image', 'guest (i1) is queued')
        self.cloud.images = []
        self.broken('image', 'there is no guest')

    def test_flavor(self):
        self.cloud.flavors = []
        self.examine()
        self.assertEqual({'flavor', 'room'}, set(self.wrong()))

    def test_network(self):
        self.cloud.networks = []
        self.broken('network', 'no external network public')

    def test_no_room_elsewhere(self):
        self.cloud.places.pop()
        self.broken('room', 'compute-1: no room on any other host')

    def test_no_room_at_all(self):
        self.cloud.places = []
        self.broken('room', 'on no fault host')

    def test_hosts(self):
        self.cloud.services[0] = fake_cloud.compute_service(
            'compute-1', forced_down=True)
        self.examine()
        self.assertIn('compute-1: nova-compute is up and enabled, forced '
                      'down', self.wrong()['nova-compute'])
        self.assertIn('compute-2: no other compute host',
                      self.wrong()['another host'])

    def test_control_plane_host(self):
        self.cloud.services[2] = fake_cloud.compute_service(
            'compute-1', binary='nova-conductor')
        self.broken('may be broken', 'control plane (nova-conductor)')

    def test_foreign_servers(self):
        self.cloud.servers = {fake_cloud.SERVER: {
            'id': fake_cloud.SERVER, 'host': 'compute-1',
            'tenant_id': 'other'}}
        self.broken('may be broken', 'servers of other projects (other)')
        self.override('allow_foreign_servers', 'true')
        self.examine()
        self.assertEqual({}, self.wrong())

    def test_power(self):
        """Each says it in its way: the power, and the fault."""
        self.examine()
        self.assertEqual(
            'compute-1, compute-2: on (host_power_status_command)',
            self.found['power'][0].finding.text)
        for command, of_power, of_fault in (
                ('echo {host} is off', 'compute-1, compute-2: off',
                 'not so: host compute-1 has power'),
                ('echo {host} is running',
                 "it says 'compute-1 is running', neither on nor off",
                 'unknown whether host compute-1 has power'),
                ('%s/missing {host}' % self.directory, 'No such file',
                 'No such file')):
            self.override('host_power_status_command', command)
            self.examine()
            wrong = self.wrong()
            self.assertEqual({'power', 'host-crash'}, set(wrong))
            self.assertIn(of_power, wrong['power'])
            self.assertIn(of_fault, wrong['host-crash'])

    def test_fault_without_ssh(self):
        """Who injects in another way needs no host that lets him in."""
        path = os.path.join(self.directory, 'broken')
        self.useFixture(fixtures.MockPatchObject(hosts.kinds, 'KINDS', {
            'tripped': lambda target, transports: host_samples.file_plan(
                path, host=target.host)}))
        self.useFixture(fixtures.MockPatchObject(scenarios, 'SCENARIOS', (
            scenarios.Scenario(feature='trip', fault='tripped', help='',
                               chain=vitrage.CHAIN),)))
        self.examine(features=('trip',))
        self.assertEqual('compute-1, compute-2: as it must be before',
                         self.found['tripped'][0].finding.text)
        self.assertNotIn('SSH', self.found)

    def test_witness_is_silent(self):
        self.host.power(False)
        self.broken('host-crash', 'port %d answers' % self.host.port)

    def test_slow_power_command(self):
        """The command may take longer than preflight has: not known."""
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.preflight.examine.HOSTS_UNTIL', 2.0))
        self.override('host_power_status_command', "sh -c 'sleep 3' {host}")
        self.examine()
        self.assertEqual({'unknown'}, self.states()['host-crash'])

    def test_slow_bmc(self):
        """The same, where the command is given up before."""
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.preflight.examine.POWER_TIMEOUT',
            0.3))
        self.override('host_power_status_command', "sh -c 'sleep 3' {host}")
        self.examine()
        for name in ('power', 'host-crash'):
            self.assertEqual({'unknown'}, self.states()[name])
        self.assertIn('no end after 0.3 s',
                      self.found['power'][0].finding.text)

    def test_journal(self):
        entries = journals.Journal(self.settings().state_dir)
        entries.plan(plans.Plan(
            id='f1', kind='host-crash', host='compute-1', look_at='it',
            description='host compute-1 without power', checks=(),
            inject=(), witnesses=(), revert=()))
        self.broken('faults', 'may still be there: host compute-1 without')
        self.assertIn('self-healing-tempest revert',
                      self.found['faults'][0].todo)
        entries.record('f1', journals.State.VERIFIED)
        entries.plan_object(journals.Object('o1', 'stack', 'tempest-app'))
        self.broken('faults', 'may still be there: stack tempest-app')
        entries.record('o1', journals.State.REMOVED)
        self.examine()
        self.assertEqual({}, self.wrong())
        with open(entries.path, 'a', encoding='utf-8') as stream:
            stream.write('{\n')
        self.broken('faults', '1 damaged lines')

    def test_state_dir_cannot_be_written(self):
        self.override('state_dir', '/dev/null/none')
        self.broken('faults', '/dev/null/none')


class DeadServiceTest(CloudTestCase):
    """Services that do not answer, in either way of not answering."""

    # What each of them makes unknown.
    SERVICES = {
        'orchestration': ('Heat', {'resource types'}),
        'workflowv2': ('Mistral', {'actions'}),
        'rca': ('Vitrage', {'hosts', 'servers', 'monitor', 'active alarms',
                            'graph', 'vitrage-persistor',
                            'vitrage-notifier'}),
        'compute': ('Nova', {'servers', 'flavor', 'another host', 'room',
                             'nova-compute', 'may be broken', 'host-crash'}),
        'network': ('Neutron', {'network'}),
    }

    def test_nobody_listens(self):
        closed = fake_host.FakeHost()
        closed.close()
        url = 'http://127.0.0.1:%d' % closed.port
        for kind, (service, unknown) in self.SERVICES.items():
            self.cloud.elsewhere = {kind: url}
            self.examine()
            self.assertEqual([service], list(self.wrong()), service)
            for what in unknown:
                self.assertEqual('unknown', self.found[
                    what][0].finding.state.value, what)
                self.assertIn('%s does not answer' % service, self.found[
                    what][0].finding.text)

    def until(self, name, seconds):
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.preflight.examine.%s' % name,
            seconds))

    def test_deadlines(self):
        """Deadlines follow each other, and the last leaves time to end."""
        self.assertLess(examine.KEYSTONE_UNTIL, examine.SERVICES_UNTIL)
        self.assertLess(examine.SERVICES_UNTIL, examine.HOSTS_UNTIL)
        self.assertLess(examine.HOSTS_UNTIL, PROMISED)

    def test_hang(self):
        """Preflight comes to an end although no service ever answers."""
        self.until('SERVICES_UNTIL', 2.0)
        self.cloud.silent = '/(heat|mistral|rca|nova|neutron)/'
        self.examine()
        self.assertEqual({'Heat', 'Mistral', 'Vitrage', 'Nova', 'Neutron'},
                         set(self.wrong()))
        self.assertIn('no answer in time', self.wrong()['Nova'])

    def test_one_answer_is_late(self):
        """A service that is there, and had no time, has said no no."""
        self.until('SERVICES_UNTIL', 2.0)
        self.cloud.silent = '/mistral/v2/actions'
        self.examine()
        self.assertEqual({}, self.wrong())
        self.assertEqual('unknown',
                         self.found['actions'][0].finding.state.value)

    def test_answer_without_graph(self):
        """vitrage-api answers, and nobody behind it."""
        self.cloud.broken = '/rca/v1/'
        self.examine()
        self.assertEqual({'yes'}, self.states()['Vitrage'])
        self.assertIn('Vitrage: show its status', self.wrong()['graph'])

    def test_no_glance(self):
        self.cloud.broken = '/glance'
        self.examine()
        self.assertIn('Glance: find image guest', self.wrong()['image'])

    def test_keystone_hangs(self):
        """Then nobody is asked, and nothing is known."""
        self.until('KEYSTONE_UNTIL', 1.0)
        self.cloud.silent = '/identity'
        self.examine()
        self.assertEqual(['Keystone'], list(self.wrong()))
        self.assertEqual('Keystone does not answer',
                         self.found['room'][0].finding.text)

    def test_keystone_refuses(self):
        def refuse(*args):
            raise fake_cloud.Reply(401, {'error': {'message': 'wrong'}})
        self.cloud.handle = refuse
        self.examine()
        self.assertEqual(['Keystone'], list(self.wrong()))
        self.assertEqual('Keystone refuses to answer',
                         self.found['image'][0].finding.text)


class Shell:
    """Transports that run all commands here, by programs of a directory."""

    def __init__(self, directory):
        self._directory, self.commands = directory, []

    def program(self, name, script):
        """Write a program."""
        path = os.path.join(self._directory, name)
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write('#!/bin/sh\n%s\n' % script)
        os.chmod(path, 0o755)

    def run(self, command):
        """Run a command as the real ones would, SSH without a network."""
        self.commands.append(command)
        if command.transport == transports.TCP:
            return commands.Result(command.argv, 0, '', '')
        path = os.path.join(self._directory, command.argv[0])
        argv = (path, *command.argv[1:]) if os.path.exists(
            path) else command.argv
        return commands.run(argv, 10)


class HostsTest(CloudTestCase):
    """preflight.hosts, with programs that answer for the hosts."""

    FEATURES = ('data_nic_down', 'host_isolated', 'management_nic_down',
                'packets_dropped', 'compute_service_stopped')

    def setUp(self):
        super().setUp()
        key = os.path.join(self.directory, 'key')
        with open(key, 'w', encoding='utf-8'):
            pass
        for option in ('host_ssh_key_file', 'host_ssh_known_hosts_file'):
            self.override(option, key)
        self.override('host_management_nic', 'eth0')
        self.override('host_data_nic', 'eth1')
        self.override('control_plane_addresses', ['192.0.2.1'])
        self.shell = Shell(self.directory)
        for name, script in (
                ('id', 'echo 0'), ('ping', 'true'), ('nft', 'true'),
                ('sh', self.sh('active'))):
            self.shell.program(name, script)
        self.nics('eth0', 'eth1')

    def sh(self, state):
        """Return what a shell does: programs of the host are those here."""
        return ('case "$*" in *MainPID*|*SSH_CONNECTION*) ;; '
                '*systemctl*) echo %s ;; '
                '*) PATH=%s:$PATH exec /bin/sh "$@" ;; esac' % (
                    state, self.directory))

    def nics(self, *names):
        """Let these be the NICs of the hosts, with nothing else on them."""
        listing = json.dumps([{'ifname': name, 'flags': ['UP']}
                              for name in names])
        self.shell.program('ip', (
            'case "$*" in "-j -d link show") echo \'%s\' ;; '
            '*link*) echo "<BROADCAST,UP>" ;; esac') % listing)

    def ask(self, features=FEATURES, addresses=True):
        known = dict.fromkeys(HOSTS, '127.0.0.1') if addresses else None
        self.found = {}
        for row in hosts.Hosts(
                self.settings(), features, known, self.shell).examine(
                    lambda: 10.0):
            self.found.setdefault(row.what, []).append(row)
        return self.wrong()

    def test_fine(self):
        self.assertEqual({}, self.ask())
        self.assertEqual(
            {'SSH', 'data-nic-down', 'host-isolated', 'management-nic-down',
             'packets-dropped', 'compute-service-stopped'}, set(self.found))

    def test_same_question_once(self):
        """The hosts are at one address here: each command runs once."""
        self.ask()
        self.assertEqual(len(set(self.shell.commands)),
                         len(self.shell.commands))

    def test_nothing_is_changed(self):
        self.ask()
        words = ' '.join(str(command) for command in self.shell.commands)
        for word in (' down', ' stop ', 'systemd-run', 'add table'):
            self.assertNotIn(word, words)

    def test_no_root(self):
        self.shell.program('id', 'echo 1000')
        self.assertEqual(['SSH'], list(self.ask()))
        self.assertIn('commands run as user id 1000', self.wrong()['SSH'])
        self.assertEqual('compute-1, compute-2: SSH does not work',
                         self.found['data-nic-down'][0].finding.text)

    def test_no_connection(self):
        self.shell.program('id', 'exit 255')
        self.assertIn('exit status 255', self.ask()['SSH'])

    def test_no_nic(self):
        self.nics('eth0')
        wrong = self.ask()
        self.assertEqual({'data-nic-down', 'host-isolated'}, set(wrong))
        self.assertIn('there is no NIC eth1', wrong['data-nic-down'])

    def test_service_is_unknown(self):
        self.shell.program('sh', self.sh('inactive'))
        self.assertEqual(['compute-service-stopped'], list(self.ask()))

    def test_runner_would_be_cut_off(self):
        self.override('control_plane_addresses', ['127.0.0.1'])
        self.assertIn('SSH comes from 127.0.0.1',
                      self.ask()['packets-dropped'])

    def test_no_address(self):
        self.assertEqual({}, self.ask(addresses=False))
        self.assertIn('Nova does not answer',
                      self.found['SSH'][0].finding.text)
        self.override('host_addresses', dict.fromkeys(HOSTS, '127.0.0.1'))
        self.ask(addresses=False)
        self.assertEqual({'yes'}, self.states()['SSH'])

    def test_jump_host_would_be_cut_off(self):
        """It is the host who knows where SSH comes from, not a name here."""
        self.override('host_ssh_jump_host', 'bastion')
        self.override('control_plane_addresses', ['192.0.2.7', 'fd00::7'])
        for seen in ('192.0.2.7', 'fd00:0::7', '::ffff:192.0.2.7'):
            self.shell.program('sh', (
                'case "$*" in *SSH_CONNECTION*) echo %s ;; '
                '*) exec /bin/sh "$@" ;; esac') % seen)
            self.assertIn('SSH comes from %s' % ipaddress.ip_address(
                seen.removeprefix('::ffff:')),
                self.ask(('packets_dropped',))['packets-dropped'])


FAULTS = tuple(scenario.feature for scenario in scenarios.SCENARIOS
               if scenario.fault)


class SshTest(CloudTestCase):
    """All scenarios, and a host behind a real SSH server."""

    def setUp(self):
        super().setUp()
        self.ssh = self.useFixture(fake_ssh_host.FakeSshHost())
        for nic in ('eth0', 'eth1'):
            self.ssh.add_nic(nic)
        program = self.ssh.root / 'bin' / 'id'
        program.write_text('#!/bin/sh\necho 0\n')
        program.chmod(0o700)
        self.ssh.run('supervisorctl start nova-compute')
        key = os.path.join(self.directory, 'key')
        fake_ssh_host.USER_KEYS[0].write_private_key_file(key)
        known = os.path.join(self.directory, 'known')
        with open(known, 'w', encoding='utf-8') as stream:
            stream.write(self.ssh.known_host())
        for option, value in (
                ('host_ssh_user', fake_ssh_host.USER),
                ('host_ssh_key_file', key),
                ('host_ssh_known_hosts_file', known),
                ('host_ssh_port', str(self.ssh.port)),
                ('host_management_nic', 'eth0'), ('host_data_nic', 'eth1'),
                ('control_plane_addresses', ['192.0.2.1']),
                ('service_manager', 'supervisor'),
                ('fault_hosts', 'compute-1')):
            self.override(option, value)

    def test_fine(self):
        self.examine(features=FAULTS)
        self.assertEqual({}, self.wrong())
        self.assertTrue(self.ssh.nic('eth1')['up'])
        for name in hosts.kinds.KINDS:
            self.assertEqual('compute-1: as it must be before',
                             self.found[name][0].finding.text)

    def test_where_ssh_comes_from(self):
        """Asked below sudo, too, which hides it from its commands."""
        self.override('host_ssh_sudo', True)
        self.ssh.client = '192.0.2.1'
        self.examine(features=('packets_dropped',))
        self.assertIn('SSH comes from 192.0.2.1, one of '
                      'control_plane_addresses',
                      self.wrong()['packets-dropped'])

    def test_refused(self):
        self.ssh.refuse()
        self.examine(features=FAULTS)
        self.assertEqual(['SSH'], list(self.wrong()))
        self.assertIn('[self_healing] host_addresses', self.wrong()['SSH'])

    def test_key_is_refused(self):
        key = os.path.join(self.directory, 'other')
        fake_ssh_host.USER_KEYS[1].write_private_key_file(key)
        self.override('host_ssh_key_file', key)
        self.examine(features=FAULTS)
        self.assertIn('host_ssh_key_file',
                      self.wrong()['SSH'])


class PartsTest(testtools.TestCase):
    """What needs no cloud."""

    def test_every_scenario_has_its_needs(self):
        self.assertEqual(
            [option.name for option in config.FEATURE_OPTIONS],
            [scenario.feature for scenario in scenarios.SCENARIOS])
        for scenario in scenarios.SCENARIOS:
            self.assertLessEqual(set(scenario.needs), set(options._NEEDS))

    def test_every_scenario_has_a_kind(self):
        """Each scenario but the one that breaks nothing."""
        self.assertEqual(set(hosts.kinds.KINDS), {
            scenario.fault for scenario in scenarios.SCENARIOS} - {''})

    def test_application(self):
        types, actions = templates.needs(templates.APPLICATION)
        self.assertLessEqual({'OS::Mistral::Workflow',
                              'OS::Vitrage::Template'}, types)
        self.assertLessEqual({'heat.stacks_update', 'heat.resources_list'},
                             actions)

    def test_checks(self):
        """Each check says what to do, unless nothing could be wrong."""
        checks = [check for link_kit in kit.of_chain(vitrage.CHAIN)
                  for check in link_kit.checks]
        self.assertGreaterEqual(len(checks), 20)
        for check in checks:
            self.assertTrue(check.todo, check.what)

    def test_writable(self):
        """A directory, or one that can be made."""
        directory = self.useFixture(fixtures.TempDir()).path
        self.assertTrue(examine._writable(directory))
        self.assertTrue(examine._writable(directory + '/a/b'))
        self.assertFalse(examine._writable('/dev/null/none'))

    def test_one_line(self):
        self.assertEqual('a b', rows.one_line(' a\n b '))
        self.assertEqual(200, len(rows.one_line('x' * 300)))

    def test_unexpected_error(self):
        """Even a mistake of ours is a row, no traceback."""
        answers = asking.ask({'x': asking.Question('Heat', lambda: 1 / 0)}, 5)
        self.assertIn('ZeroDivisionError', str(answers.error('x')))
        self.assertIsNone(answers.error('not asked'))


class CommandTestCase(CloudTestCase):
    """The command, in a process of its own."""

    features = ('host_crash',)

    def preflight(self):
        run = ready_processes.run(
            'self_healing_tempest_plugin.cmd.main', 'preflight',
            '--config-file', self.write(), merged=True)
        self.addDetail('preflight', content.text_content(run.stdout))
        return run

    def running(self):
        """Start the command, and return the process."""
        return ready_processes.Process(
            'self_healing_tempest_plugin.cmd.main', 'preflight',
            '--config-file', self.write(), merged=True)

    def write(self):
        """Write a tempest.conf, and return its path."""
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_dict({
            'DEFAULT': {'log_file': os.path.join(self.directory, 'log')},
            'auth': {'admin_username': 'admin', 'admin_password': 'Geheim',
                     'admin_project_name': 'admin',
                     'admin_domain_name': 'Default'},
            'service_available': {'self_healing': 'true'},
            'self_healing_feature_enabled': dict.fromkeys(
                self.features, 'true')})
        for (group, option), value in self.values.items():
            parser.read_dict({group: {option: value}})
        path = os.path.join(self.directory, 'tempest.conf')
        with open(path, 'w', encoding='utf-8') as stream:
            parser.write(stream)
        return path


class CommandTest(CommandTestCase):
    """What it prints, and its exit code."""

    def test_healthy(self):
        run = self.preflight()
        self.assertEqual(0, run.returncode, run.stdout)
        self.assertIn('The suite can run: ', run.stdout)
        self.assertIn('yes: v2.1, microversions 2.1 to 2.100', run.stdout)
        self.assertNotIn('Geheim', run.stdout)
        self.assertNotIn('Traceback', run.stdout)

    def test_vitrage_hangs(self):
        self.cloud.silent = '/rca/'
        run = self.preflight()
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertIn('unknown: Vitrage does not answer', run.stdout)
        self.assertIn('The suite cannot run: ', run.stdout)
        self.assertNotIn('Traceback', run.stdout)

    def test_option_is_missing(self):
        del self.values['network', 'public_network_id']
        run = self.preflight()
        self.assertEqual(1, run.returncode, run.stdout)
        self.assertIn('public_network_id or', run.stdout)
        self.assertEqual([], self.cloud.requests)
