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

"""Plans: data that survives JSON, and what each kind of fault plans."""

import dataclasses
import json
import pathlib
import shlex
import time

import hypothesis
from hypothesis import strategies
from tempest.lib.common.utils import data_utils
from tempest.lib import exceptions
import testtools

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.config.options import compute
from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.faults import nics
from self_healing_tempest_plugin.faults import packets
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import power
from self_healing_tempest_plugin.faults import remains
from self_healing_tempest_plugin.faults import services
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin import waiting

_TEXT = strategies.text()
_COMMANDS = strategies.builds(
    plans.Command, transport=_TEXT, target=_TEXT, argv=strategies.lists(
        _TEXT, min_size=1, max_size=3).map(tuple))
_CHECKS = strategies.builds(
    plans.Check, what=_TEXT, command=_COMMANDS, pattern=_TEXT,
    opposite=_TEXT, holds=strategies.booleans())


def _tuples(strategy):
    return strategies.lists(strategy, max_size=2).map(tuple)


PLANS = strategies.builds(
    plans.Plan, id=_TEXT, kind=_TEXT, host=_TEXT, description=_TEXT,
    look_at=_TEXT, checks=_tuples(_CHECKS), inject=_tuples(_COMMANDS),
    witnesses=_tuples(_CHECKS), revert=_tuples(_COMMANDS),
    arm=_tuples(_COMMANDS), disarm=_tuples(_COMMANDS),
    timer=strategies.floats(0, 1e6))


class PlanTest(testtools.TestCase):
    """faults.plans."""

    @hypothesis.given(PLANS)
    @hypothesis.settings(max_examples=50, deadline=None)
    def test_round_trip(self, plan):
        """A plan comes back from JSON as it was, surrogates and all."""
        text = json.dumps(plans.to_dict(plan))
        self.assertEqual(plan, plans.from_dict(json.loads(text)))

    def sample(self):
        return json.loads(json.dumps(plans.to_dict(host_samples.file_plan(
            '/tmp/x', arm=(host_samples.sh('true'),)))))

    def test_missing_field(self):
        """Each field without a default is needed."""
        for name in ('id', 'kind', 'host', 'description', 'look_at', 'checks',
                     'inject', 'witnesses', 'revert', 'arm', 'disarm',
                     'timer'):
            values = self.sample()
            del values[name]
            self.assertRaises(ValueError, plans.from_dict, values)

    def test_bad_data(self):
        for bad in (None, [], 'x', 7, {}):
            self.assertRaises(ValueError, plans.from_dict, bad)
        for name in ('checks', 'inject', 'witnesses', 'revert', 'arm',
                     'disarm'):
            for bad in (None, 7, ['x'], [{}], [None], [{'argv': ['x']}]):
                values = dict(self.sample(), **{name: bad})
                self.assertRaises(ValueError, plans.from_dict, values)

    def test_bad_timer(self):
        for bad in ('soon', None, []):
            self.assertRaises(ValueError, plans.from_dict,
                              dict(self.sample(), timer=bad))

    def test_bad_command(self):
        """A command must not turn into another one by its characters."""
        for argv in ('rm', [], None, ['x', 7], [['x']], {}):
            values = self.sample()
            values['revert'][0]['argv'] = argv
            self.assertRaises(ValueError, plans.from_dict, values)

    def test_unknown_field(self):
        """What a newer version has added is passed over.

        Were it needed the format would be another.
        """
        plain = plans.from_dict(dict(self.sample(), id='f1'))
        for place in (lambda values: values,
                      lambda values: values['checks'][0],
                      lambda values: values['checks'][0]['command'],
                      lambda values: values['inject'][0]):
            values = dict(self.sample(), id='f1')
            place(values).update(colour='red', processes=[{'pgid': 7}])
            self.assertEqual(plain, plans.from_dict(values))

    def test_strange_values(self):
        """Values that no plan has are no plan."""
        for change in ({'timer': 'soon'}, {'timer': float('nan')},
                       {'timer': float('inf')}, {'timer': -1},
                       {'timer': None}, {'id': 7}, {'kind': ['x']},
                       {'host': None}, {'description': {}},
                       {'revert': None}, {'revert': 'rm -rf /'},
                       {'inject': [{'argv': 'rm'}]}, {'checks': [7]},
                       {'revert': [{'transport': 'local', 'target': 7,
                                    'argv': ['x']}]},
                       {'revert': [{'transport': 'local', 'target': '',
                                    'argv': [7]}]}):
            self.assertRaises(ValueError, plans.from_dict,
                              dict(self.sample(), **change))

    def test_ids(self):
        """Fit for units, tables and files, and never the same."""
        ids = {plans.new_id() for _ in range(100)}
        self.assertEqual(100, len(ids))
        for plan_id in ids:
            self.assertRegex(plan_id, '^[0-9a-f]{8}$')

    def test_command_as_text(self):
        self.assertEqual("ssh: 192.0.2.1 sh -c 'a b'", str(plans.Command(
            'ssh', '192.0.2.1', ('sh', '-c', 'a b'))))
        self.assertEqual('local: true', str(plans.Command(
            'local', '', ('true',))))


class TargetTest(testtools.TestCase):
    """faults.targets."""

    def target(self, addresses, known=()):
        access = dataclasses.replace(host_samples.ACCESS,
                                     addresses=addresses)
        settings = dataclasses.replace(
            host_samples.SETTINGS, access=access,
            fault_hosts=('c1', 'c2', 'c3'))
        return targets.target('c1', settings, dict(known).get)

    def test_addresses(self):
        """The option wins over Nova; the host is no peer of its own."""
        target = self.target({'c1': '192.0.2.1'}, {
            'c1': '10.0.0.1', 'c2': '10.0.0.2', 'c3': '10.0.0.3'})
        self.assertEqual(('192.0.2.1', ('10.0.0.2', '10.0.0.3')),
                         (target.address, target.peers))

    def test_no_address(self):
        """Neither the host nor a peer may be without one."""
        known = {'c1': '192.0.2.1', 'c2': '192.0.2.2', 'c3': '192.0.2.3'}
        for name in known:
            error = self.assertRaises(
                exceptions.InvalidConfiguration, self.target, {},
                dict(known, **{name: None}))
            self.assertIn('no address of host %s' % name, str(error))
            self.assertIn('[self_healing] fault_hosts and host_addresses',
                          str(error))

    def test_no_peer(self):
        target = targets.Target('c1', '192.0.2.1', (), host_samples.SETTINGS)
        self.assertIsNone(target.peer_ssh('true'))


class KindTestCase(host_samples.HostTestCase):
    """A kind of fault on a host whose NICs are files."""

    def make(self, kind, **changes):
        """Return a plan.

        :param changes: to the settings
        """
        return kinds.KINDS[kind](self.target(**changes), self.transports)

    def invalid(self, kind, **changes):
        return str(self.assertRaises(exceptions.InvalidConfiguration,
                                     self.make, kind, **changes))

    def run_all(self, of_plan):
        for command in of_plan:
            self.transports.run(command).check()

    def holds(self, wanted):
        """Return which checks hold, by their texts."""
        return [check.what for check in wanted
                if not lifecycle.checks.complaint(check, self.transports)]

    def whats(self, wanted):
        return [check.what for check in wanted]

    def assert_breaks_and_repairs(self, plan, state):
        """Go through the life of a fault, and twice through its end.

        :param state: returns what must be the same before and after
        """
        before = state()
        self.assertEqual((), lifecycle.unmet(plan, self.transports))
        self.assertEqual([], self.holds(plan.witnesses))
        self.run_all((*plan.arm, *plan.inject))
        # A process is stopped a moment after it was told so.
        waiting.wait_for(
            lambda: self.holds(plan.witnesses),
            lambda held: held == self.whats(plan.witnesses),
            what='the witnesses', timeout=5, interval=0.1)
        self.assertNotEqual((), lifecycle.unmet(plan, self.transports))
        for _ in range(2):
            self.run_all(reversed(plan.revert))
            self.assertEqual((), lifecycle.unmet(plan, self.transports))
            self.assertEqual(before, state())
        self.run_all(plan.disarm)
        stored = plans.from_dict(json.loads(json.dumps(
            plans.to_dict(plan))))
        self.assertEqual(plan, stored)

    def assert_timer_repairs(self, kind, state):
        """Inject, and let nobody but the timer repair."""
        before = state()
        # Longer than it takes until the fault is there.
        plan = self.make(kind, timeouts=self.times(host_timer=1.5))
        self.assertEqual(1.5, plan.timer)
        self.run_all(plan.arm)
        self.run_all(plan.inject)
        waiting.wait_for(
            lambda: lifecycle.unmet(plan, self.transports),
            lambda unmet: not unmet and state() == before,
            what='the repair', timeout=30, interval=0.1)
        self.run_all(plan.disarm)


class NicTest(KindTestCase):
    """faults.nics."""

    def state(self):
        return self.host.nic('eth1'), self.host.nic('eth0')

    def restore(self, plan):
        """Return the script that repairs."""
        (command,) = plan.revert
        self.assertEqual(('sh', '-s'), command.argv[:2])
        return command.stdin

    def test_data_nic_down(self):
        plan = self.make('data-nic-down')
        self.assertEqual(
            ('data-nic-down', 'c1', 'data NIC eth1 of host c1 down', 60),
            (plan.kind, plan.host, plan.description, plan.timer))
        self.assert_breaks_and_repairs(plan, self.state)

    def test_timer_repairs(self):
        self.assert_timer_repairs('data-nic-down', self.state)

    def test_nothing_to_restore(self):
        """A NIC without anything of its own is brought up."""
        self.host.add_nic('eth2')
        plan = self.make('data-nic-down', network=self.network(
            data_nic='eth2', data_addresses={}))
        self.assert_breaks_and_repairs(plan, lambda: self.host.nic('eth2'))

    def test_timer_has_the_same_script(self):
        plan = self.make('data-nic-down')
        self.assertEqual(self.restore(plan), plan.arm[0].stdin)
        name = 'self-healing-%s' % plan.id
        self.assertEqual([name] * 3, [
            plan.arm[0].argv[-2], plan.disarm[0].argv[-1],
            plan.revert[0].argv[-1]])

    def test_neighbour_is_a_witness(self):
        """Where there is a neighbour and an address, and not elsewhere."""
        link, ping = self.make('data-nic-down').witnesses
        self.assertEqual('NIC eth1 of c1 is down', link.what)
        self.assertEqual('192.0.2.5 does not answer a ping of 127.0.0.2',
                         ping.what)
        self.assertEqual('127.0.0.2', ping.command.target)
        for changes in ({'network': self.network(data_addresses={})},
                        {'fault_hosts': ('c1',)}):
            plan = self.make('data-nic-down', **changes)
            self.assertEqual(['NIC eth1 of c1 is down'],
                             self.whats(plan.witnesses))
            self.assertEqual(['NIC eth1 of c1 is up',
                              'network of host c1 is as before'],
                             self.whats(plan.checks))

    def test_neighbour_sees_what_the_link_does_not(self):
        """A liar's NIC is down, and yet it answers."""
        plan = self.make('data-nic-down')
        self.run_all((*plan.arm, *plan.inject))
        (self.host.wire / '192.0.2.5').unlink()
        self.assertEqual(['NIC eth1 of c1 is down'],
                         self.holds(plan.witnesses))

    def test_missing_options(self):
        for kind, option in (
                ('data-nic-down', 'data_nic'), ('data-nic-blip', 'data_nic'),
                ('management-nic-down', 'management_nic'),
                ('host-isolated', 'management_nic'),
                ('host-isolated', 'data_nic')):
            self.assertIn(
                '[self_healing] host_%s must be set' % option,
                self.invalid(kind, network=self.network(**{option: None})))

    def test_wrong_nic(self):
        error = self.assertRaises(
            commands.CommandFailed, self.make, 'data-nic-down',
            network=self.network(data_nic='eth9'))
        self.assertIn('eth9', str(error))
        self.assertIn('host_data_nic', str(error))

    def test_unmet_names_nic_and_option(self):
        plan = self.make('data-nic-down')
        self.host.run('ip link set dev eth1 down')
        text = '; '.join(lifecycle.unmet(plan, self.transports))
        self.assertIn('not so: NIC eth1 of c1 is up', text)
        self.assertIn('host_data_nic', text)
        self.assertIn('NIC eth1 of host c1', text)

    def test_blip(self):
        """The host ends it by itself, and its count witnesses it."""
        plan = self.make('data-nic-blip')
        self.assertEqual((), lifecycle.unmet(plan, self.transports))
        self.assertEqual([], self.holds(plan.witnesses))
        before = self.state()
        self.run_all((*plan.arm, *plan.inject))
        self.assertEqual(['link of NIC eth1 has changed'],
                         self.holds(plan.witnesses))
        self.assertEqual(before, self.state())
        self.assertEqual((), lifecycle.unmet(plan, self.transports))

    def test_blip_count_is_whole(self):
        """4 changes are not 40, and 14 are not 4."""
        plan = self.make('data-nic-blip')
        (check,) = plan.witnesses
        changes = pathlib.Path(self.host.network.root, check.command.argv[1]
                               .lstrip('/'))
        blips = changes.read_text().strip()
        own = self.host.root / 'sys/class/net/eth1'
        own.unlink()
        own.mkdir()
        for count, seen in ((blips, 0), (blips + '0', 1), ('1' + blips, 1),
                            (str(int(blips) + 2), 1)):
            (own / 'carrier_changes').write_text(count + '\n')
            self.assertEqual(seen, len(self.holds(plan.witnesses)), count)

    def test_blip_has_no_count(self):
        (self.host.root / 'sys/class/net/eth1').unlink()
        error = self.assertRaises(commands.CommandFailed, self.make,
                                  'data-nic-blip')
        self.assertIn('carrier_changes', str(error))

    def test_management_nic_down(self):
        """The SSH session ends first; then the host is silent."""
        plan = self.make('management-nic-down')
        self.assertEqual(['127.0.0.1 port %d is silent' % self.host.port],
                         self.whats(plan.witnesses))
        self.assertEqual((), lifecycle.unmet(plan, self.transports))
        begin = time.monotonic()
        self.run_all((*plan.arm, *plan.inject))
        waiting.wait_for(lambda: not self.host.nic('eth0')['up'],
                         what='the NIC down', timeout=3, interval=0.02)
        self.assertGreater(time.monotonic() - begin, 0.2)
        self.run_all(plan.revert)
        self.assertTrue(self.host.nic('eth0')['up'])

    def test_host_isolated(self):
        """Both NICs go, and the line that restores has both."""
        plan = self.make('host-isolated')
        self.run_all((*plan.arm, *plan.inject))
        waiting.wait_for(
            lambda: not (self.host.nic('eth0')['up']
                         or self.host.nic('eth1')['up']),
            what='the NICs down', timeout=3, interval=0.05)
        self.assertEqual(
            ['192.0.2.5 does not answer a ping of 127.0.0.2'],
            self.holds(plan.witnesses))
        self.run_all(plan.revert)
        self.assertEqual((), lifecycle.unmet(plan, self.transports))

    def test_missing_program(self):
        """A NIC nobody can look at is no NIC that is down."""
        (self.host.root / 'bin/ip').write_text('#!/bin/sh\nexit 127\n')
        link = nics.plans.Check(
            'x', self.target().ssh('ip', 'link'), 'UP', holds=False)
        self.assertIn('unknown whether x',
                      lifecycle.checks.complaint(link, self.transports))


class PacketTest(KindTestCase):
    """faults.packets."""

    def tables(self):
        return sorted(path.name for path in (self.host.root / 'nft').iterdir())

    def test_packets_dropped(self):
        (self.host.root / 'nft' / 'filter').write_text('somebody else\n')
        plan = self.make('packets-dropped')
        self.assert_breaks_and_repairs(plan, self.tables)
        self.assertEqual('somebody else\n', (
            self.host.root / 'nft' / 'filter').read_text())

    def test_timer_repairs(self):
        self.assert_timer_repairs('packets-dropped', self.tables)

    def test_ruleset(self):
        """Both ways, before any other rule, in the family of the address."""
        plan = self.make('packets-dropped')
        (command,) = plan.inject
        table = 'inet self_healing_%s' % plan.id
        self.assertEqual(['nft', '; '.join((
            'add table ' + table,
            'add chain %s input { type filter hook input priority -300; }'
            % table,
            'add rule %s input ip saddr 198.51.100.7 drop' % table,
            'add rule %s input ip6 saddr fd00::7 drop' % table,
            'add chain %s output { type filter hook output priority -300; }'
            % table,
            'add rule %s output ip daddr 198.51.100.7 drop' % table,
            'add rule %s output ip6 daddr fd00::7 drop' % table))],
            shlex.split(command.argv[-1]))

    def test_own_table_only(self):
        """Another run's table is not this one's, nor is a longer name."""
        plan = self.make('packets-dropped')
        there = plan.witnesses[0]
        for name in ('self_healing_%sf' % plan.id, 'self_healing_0',
                     'x_self_healing'):
            (self.host.root / 'nft' / name).touch()
        self.assertEqual([], self.holds([there]))
        (self.host.root / 'nft' / ('self_healing_%s' % plan.id)).touch()
        self.assertEqual([there.what], self.holds([there]))

    def test_all_must_be_silent(self):
        plan = self.make('packets-dropped')
        self.run_all((*plan.arm, *plan.inject))
        (table,) = (self.host.root / 'nft').iterdir()
        table.write_text(table.read_text().replace('daddr fd00::7', 'nobody'))
        self.assertEqual(2, len(self.holds(plan.witnesses)))

    def test_missing_option(self):
        self.assertIn(
            '[self_healing] control_plane_addresses must be set',
            self.invalid('packets-dropped',
                         network=self.network(control_plane=())))

    def test_unmet_names_the_option(self):
        (self.host.wire / '198.51.100.7').touch()
        text = '; '.join(lifecycle.unmet(self.make('packets-dropped'),
                                         self.transports))
        self.assertIn('198.51.100.7 answers a ping of host c1', text)
        self.assertIn('[self_healing] control_plane_addresses', text)


class ServiceTest(KindTestCase):
    """faults.services with supervisor."""

    manager = 'supervisor'
    start = 'supervisorctl start nova-compute'
    stop = 'supervisorctl stop nova-compute'

    def setUp(self):
        super().setUp()
        self.settings = dataclasses.replace(
            self.settings, service_manager=self.manager)
        self.host.run(self.start)

    def state(self):
        """Return whether the service runs, and is not frozen."""
        line = 'ps -o state= -p "$(cat /run/nova-compute.pid)"'
        return self.host.run(line).stdout.strip() not in (b'', b'T')

    def test_stopped(self):
        self.assertTrue(self.state())
        plan = self.make('compute-service-stopped')
        self.assertEqual('nova-compute on host c1 stopped', plan.description)
        self.assert_breaks_and_repairs(plan, self.state)

    def test_frozen(self):
        """The main process is stopped for real, and goes on."""
        plan = self.make('compute-service-frozen')
        self.assertEqual('nova-compute on host c1 frozen', plan.description)
        self.assert_breaks_and_repairs(plan, self.state)

    def test_stopped_repaired_by_the_timer(self):
        self.assert_timer_repairs('compute-service-stopped', self.state)

    def test_frozen_repaired_by_the_timer(self):
        self.assert_timer_repairs('compute-service-frozen', self.state)

    def test_unmet(self):
        """A service that does not run cannot be stopped."""
        self.host.run(self.stop)
        for kind in ('compute-service-stopped', 'compute-service-frozen'):
            text = '; '.join(lifecycle.unmet(self.make(kind), self.transports))
            self.assertIn('not so: service nova-compute on host c1 runs',
                          text)
            self.assertIn('[self_healing] service_manager and '
                          'compute_service', text)

    def test_name_is_no_state(self):
        plan = self.make('compute-service-stopped',
                         compute_service='active-run')
        self.assertEqual(1, len(lifecycle.unmet(plan, self.transports)))

    def test_other_name(self):
        plan = self.make('compute-service-stopped',
                         compute_service='devstack@n-cpu')
        self.assertEqual(1, len(lifecycle.unmet(plan, self.transports)))
        self.host.run(self.start.replace('nova-compute', 'devstack@n-cpu'))
        self.assert_breaks_and_repairs(plan, lambda: None)
        self.assertTrue(self.state())


class SystemdServiceTest(ServiceTest):
    """faults.services with systemd."""

    manager = 'systemd'
    start = 'systemctl start nova-compute'
    stop = 'systemctl stop nova-compute'

    def test_managers(self):
        """There are those that the option offers."""
        (option,) = (one for one in compute.OPTIONS
                     if one.name == 'service_manager')
        self.assertEqual(set(option.type.choices), set(services.MANAGERS))

    def test_launcher(self):
        """All that a unit runs is frozen, whatever its main process is."""
        self.host.run(self.stop)
        (self.host.root / 'run/nova-compute.program').write_text(
            'nova-compute 600\n:\n')
        self.host.run(self.start)
        plan = self.make('compute-service-stopped')
        self.assertEqual(2, len(plan.witnesses))
        self.assert_breaks_and_repairs(plan, lambda: None)


# What runs a container, as its main process is called.
CLIENTS = (
    '/usr/bin/podman start -a nova_compute',
    '/usr/bin/docker start -a nova-compute',
    '/usr/bin/conmon --api-version 1 -n nova_compute -l journald',
    '/usr/bin/docker-compose up nova-compute')


class ClientTest(KindTestCase):
    """A service whose main process is the client of a container."""

    def refusal(self, kind, **changes):
        return str(self.assertRaises(commands.Hopeless, self.make, kind,
                                     **changes))

    def test_clients(self):
        """Refused, by all: nova-compute would run on."""
        for line, manager, kind in zip(
                CLIENTS, ('systemd', 'supervisor') * 2,
                ('compute-service-frozen', 'compute-service-frozen',
                 'compute-service-stopped', 'compute-service-stopped'),
                strict=True):
            (self.host.root / 'run/nova-compute.program').write_text(
                'exec bash -c \'exec -a "$0" sleep 600\' %s\n'
                % shlex.quote(line))
            self.host.run('systemctl start nova-compute')
            text = self.wait_refusal(kind, manager)
            self.assertIn(
                'the main process of service nova-compute on host c1 is not '
                'nova-compute: %s' % line, text)
            self.assertIn('[self_healing] service_manager and '
                          'compute_service: podman or docker', text)
            self.host.run('systemctl stop nova-compute')

    def wait_refusal(self, kind, manager):
        # A program has another name until it is run.
        return waiting.wait_for(
            lambda: self.refusal(kind, service_manager=manager),
            lambda text: 'bash' not in text and ': sh ' not in text,
            what='the client', timeout=120, interval=0.1)

    def test_launcher(self):
        """One that gets the signal itself, and does not pass it on."""
        (self.host.root / 'run/nova-compute.program').write_text(
            'nova-compute 600\n:\n')
        self.host.run('supervisorctl start nova-compute')
        self.assertIn('is not nova-compute: sh ', self.refusal(
            'compute-service-frozen', service_manager='supervisor'))

    def test_another_program(self):
        (self.host.root / 'run/nova-compute.program').write_text(
            'exec sleep 600\n')
        self.host.run('podman start nova-compute')
        text = self.refusal('compute-service-frozen',
                            service_manager='podman')
        self.assertIn('is not nova-compute', text)
        self.assertIn('compute_service: the name of the container', text)


class InterpreterTest(KindTestCase):
    """Python is called nova-compute by its arguments only."""

    def test_python(self):
        for line, good in (
                ('python3 {0}/bin/nova-compute --config-file /x', True),
                ('python3 -u -W ignore {0}/nova.cmd.compute', True),
                ('python3 {0}/privsep-helper --config-file '
                 '{0}/nova-compute.conf', False),
                ('python3 {0}/nova-compute-monitor', False)):
            words = shlex.split(line.format(self.directory))
            (program,) = (word for word in words
                          if word.startswith(str(self.directory))
                          and not word.endswith('.conf'))
            pathlib.Path(program).parent.mkdir(exist_ok=True)
            pathlib.Path(program).write_text('import time\ntime.sleep(60)\n')
            (self.host.root / 'run/nova-compute.program').write_text(
                'exec %s\n' % shlex.join(words))
            self.host.run('supervisorctl start nova-compute')
            if good:
                self.wait_made()
            else:
                self.assertRaises(commands.Hopeless, self.make,
                                  'compute-service-stopped')
            self.host.run('supervisorctl stop nova-compute')

    def wait_made(self):
        def made():
            try:
                return self.make('compute-service-stopped')
            except commands.Hopeless as error:
                return str(error)

        return waiting.wait_for(
            made, lambda plan: not isinstance(plan, str), what='a plan',
            describe=str, timeout=120, interval=0.1)


UNITS = """\
Id=ssh.service
ActiveState=active
ExecStart={ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D nova_compute ; \
ignore_errors=no ; pid=1 }

ActiveState=inactive
Id=container-nova_compute.service
ExecStart={ path=/usr/bin/podman ; argv[]=/usr/bin/podman start nova_compute \
; ignore_errors=no ; pid=0 }

ActiveState=active
Id=kolla-nova_compute-container.service
ExecStart={ path=/usr/bin/podman ; argv[]=/usr/bin/podman start -a \
nova_compute ; ignore_errors=no ; pid=7 }

ActiveState=active
Id=kolla-nova_libvirt-container.service
ExecStart={ path=/usr/bin/podman ; argv[]=/usr/bin/podman start -a \
nova_libvirt ; ignore_errors=no ; pid=8 }
"""


class UnitTest(testtools.TestCase):
    """Which unit keeps a container running."""

    def test_unit(self):
        for container, engine, unit in (
                ('nova_compute', 'podman',
                 'kolla-nova_compute-container.service'),
                ('nova_libvirt', 'podman',
                 'kolla-nova_libvirt-container.service'),
                ('nova_compute', 'docker', ''), ('nova', 'podman', ''),
                ('compute', 'podman', '')):
            self.assertEqual(unit, services.unit_of(container, engine,
                                                    UNITS))
        self.assertEqual('', services.unit_of('nova_compute', 'podman', ''))

    def unit(self, words, state='active'):
        """Return the unit of container x, where one runs some words."""
        return services.unit_of('x', 'podman', (
            'Id=a.service\nActiveState=%s\nExecStart={ path=/p ; '
            'argv[]=/usr/bin/%s ; ignore_errors=no }\n') % (state, words))

    def test_keeper(self):
        """As Quadlet, "podman generate systemd --new" and people write it."""
        for words in ('podman run --name=x --rm image',
                      'podman run --rm --name x image',
                      'podman --log-level debug container start --attach x',
                      'sh -c "podman start -a x"', 'sh -c podman start -a x',
                      "sh -c 'podman rm -f x; exec podman run --name x i'",
                      'env A=b /usr/bin/podman start x'):
            self.assertEqual('a.service', self.unit(words), words)
        self.assertEqual('a.service', self.unit('podman start -a x',
                                                'activating'))

    def test_no_keeper(self):
        """It names the container, and starts it not."""
        for words in ('podman logs -f x', 'podman wait x',
                      'podman exec --user root x start x',
                      'podman run --name y --volumes-from x image',
                      'podman pod start x', 'podman start y',
                      'podman compose up x', 'sh -c "podman stop x; start x"',
                      'podman rm x && podman start y'):
            self.assertEqual('', self.unit(words), words)
        self.assertEqual('', self.unit('podman start -a x', 'deactivating'))


class PodmanTest(KindTestCase):
    """faults.services with a container, whose init does nothing but wait."""

    engine = 'podman'

    def setUp(self):
        super().setUp()
        self.settings = dataclasses.replace(
            self.settings, service_manager=self.engine,
            compute_service='nova_compute')
        (self.host.root / 'run/nova_compute.program').write_text(
            'nova-compute 600\n:\n')
        self.host.run('%s start nova_compute' % self.engine)
        self.wait_started()

    def wait_started(self):
        waiting.wait_for(
            self.started, lambda started: started,
            what='nova-compute', timeout=120, interval=0.1)

    def started(self):
        line = 'pgrep -g "$(cat /run/nova_compute.pid)" nova-compute'
        return self.host.run(line).returncode == 0

    def state(self):
        """Return whether the container runs, as its engine says."""
        return self.host.run(
            "%s ps --all --filter name='^nova_compute$' "
            "--format '{{.State}}'" % self.engine).stdout.decode().strip()

    def test_stopped(self):
        self.assertEqual('running', self.state())
        self.assert_breaks_and_repairs(self.make('compute-service-stopped'),
                                       self.state)

    def test_frozen(self):
        """The process itself is frozen, by its control group."""
        self.assert_breaks_and_repairs(self.make('compute-service-frozen'),
                                       self.state)

    def test_frozen_init(self):
        """An init that is stopped is no nova-compute that is frozen."""
        plan = self.make('compute-service-frozen')
        self.host.run('kill -STOP "$(cat /run/nova_compute.pid)"')
        self.assertEqual([], self.holds(plan.witnesses))
        self.host.run('kill -CONT "$(cat /run/nova_compute.pid)"')

    def test_frozen_repaired_by_the_timer(self):
        self.assert_timer_repairs('compute-service-frozen', self.state)

    def test_kept_by_a_unit(self):
        """Kolla's unit would start the container again at once."""
        (self.host.root / 'units').write_text(
            UNITS.replace('podman', self.engine))
        (self.host.root / 'run/systemd/system').mkdir(parents=True)
        plan = self.make('compute-service-stopped')
        self.assertIn('systemctl stop kolla-nova_compute-container.service',
                      plan.inject[0].argv)
        self.assert_breaks_and_repairs(plan, self.state)

    def test_no_such_container(self):
        plan = self.make('compute-service-frozen',
                         compute_service='nova-compute')
        text = '; '.join(lifecycle.unmet(plan, self.transports))
        self.assertIn('not so: service nova-compute on host c1 runs', text)
        self.assertIn('[self_healing] service_manager and compute_service',
                      text)


class DockerTest(PodmanTest):
    """The same with the other engine."""

    engine = 'docker'


class PowerTest(host_samples.JournalTestCase):
    """faults.power."""

    def make(self, **changes):
        off = '%s/{host}.off' % self.directory
        status = 'test -e "$0" && echo Power is OFF || echo Power is on'
        settings = dataclasses.replace(
            host_samples.SETTINGS, power=config.HostPower(**dict({
                'off': ('touch', off), 'on': ('rm', '-f', off),
                'status': ('sh', '-c', status, off)}, **changes)))
        target = targets.Target('c1', '127.0.0.1', (), settings)
        return power.host_crash(target, self.transports)

    def status(self, plan):
        """Return whether power, and no power, are complained of."""
        return tuple(bool(lifecycle.checks.complaint(check, self.transports))
                     for check in (plan.checks[0], plan.witnesses[0]))

    def test_off_and_on(self):
        plan = self.make()
        self.assertEqual((False, True), self.status(plan))
        self.transports.run(plan.inject[0]).check()
        self.assertTrue((self.directory / 'c1.off').exists())
        self.assertEqual((True, False), self.status(plan))
        for _ in range(2):
            self.transports.run(plan.revert[0]).check()
            self.assertEqual((False, True), self.status(plan))

    def test_plan(self):
        plan = self.make()
        self.assertEqual(
            ('host c1 without power', 'c1', (), (), 0),
            (plan.description, plan.host, plan.arm, plan.disarm, plan.timer))
        self.assertEqual(
            [('tcp', '127.0.0.1', ('22',))] * 2,
            [(check.command.transport, check.command.target,
              check.command.argv)
             for check in (plan.checks[1], plan.witnesses[1])])
        self.assertIn('host_power commands and host_witness_port',
                      plan.look_at)
        self.assertEqual(plan, plans.from_dict(json.loads(json.dumps(
            plans.to_dict(plan)))))

    def test_unclear_status(self):
        """Neither on nor off is no answer, and never a guess."""
        for text in ('', 'unknown', 'offline', 'on fire', 'xon', 'turnoff'):
            plan = self.make(status=('echo', text))
            self.assertEqual((True, True), self.status(plan), text)

    def test_status_that_fails(self):
        """The last word of a command that fails is no answer."""
        plan = self.make(status=('sh', '-c', 'echo off; exit 1'))
        self.assertEqual((True, True), self.status(plan))

    def test_no_power_commands(self):
        settings = host_samples.SETTINGS
        target = targets.Target('c1', '127.0.0.1', (), settings)
        error = self.assertRaises(
            exceptions.InvalidConfiguration, power.host_crash, target,
            self.transports)
        self.assertIn('[self_healing] host_power_off_command must be set',
                      str(error))


class KindsTest(testtools.TestCase):
    """faults.kinds."""

    def test_features(self):
        """Every scenario's fault is a kind, and the other way round."""
        self.assertEqual({scenario.fault for scenario in scenarios.SCENARIOS
                          if scenario.fault}, set(kinds.KINDS))

    def test_packets_planner(self):
        self.assertIs(packets.packets_dropped,
                      kinds.KINDS['packets-dropped'])


class GuestTest(host_samples.HostTestCase):
    """faults.remains: real processes, seen by the real pgrep."""

    def setUp(self):
        super().setUp()
        # Others may look for processes of theirs at the same time.
        self.server = data_utils.rand_uuid()

    def wait_gone(self, **changes):
        remains.wait_gone(self.server, self.target(**changes),
                          self.transports)

    def test_gone(self):
        """The command that looks for a service is not taken for it."""
        self.wait_gone()
        self.assertIn('pgrep', self.host.commands[-1])

    def test_there(self):
        self.host.run('setsid sh -c "sleep 3; true" guest=%s '
                      '</dev/null >/dev/null 2>&1 &' % self.server)
        error = self.assertRaises(waiting.WaitTimeout, self.wait_gone)
        self.assertIn('the guest of server %s has left host c1'
                      % self.server, str(error))
        self.assertIn('running_deleted_instance_poll_interval', str(error))

    def test_without_ssh(self):
        """Where nobody can know, nobody asks."""
        access = dataclasses.replace(self.access, key_file=None)
        self.wait_gone(access=access)
        self.assertEqual([], self.host.commands)

    def unplug(self, **changes):
        plan = remains.left(
            self.server, ('0123456789abcdef', 'fedcba9876543210'),
            self.target(**changes))
        for command in plan.revert:
            self.transports.run(command).check()
        return sorted(path.name for path in
                      (self.host.root / 'ports').iterdir())

    def test_unplug(self):
        """The ports of the server go, all others stay."""
        for name in ('tap0123456789a', 'tapfedcba98765', 'tap0123456789b'):
            (self.host.root / 'ports' / name).touch()
        for _ in range(2):
            self.assertEqual(['tap0123456789b'], self.unplug())

    def test_unplug_without_ssh(self):
        self.assertIsNone(remains.left(self.server, (), self.target(
            access=dataclasses.replace(self.access, key_file=None))))

    def test_left(self):
        """As data, it outlives the run; nobody breaks anything by it."""
        plan = remains.left(self.server, ('a', 'b'), self.target())
        self.assertEqual((plan, (), 2), (
            plans.from_dict(plans.to_dict(plan)), plan.inject,
            len(plan.revert)))
        self.assertEqual((), checks.complaints(plan.checks,
                                               self.transports))

    def stub(self, line):
        (self.host.root / 'bin/ovs-vsctl').write_text('#!/bin/sh\n' + line)

    def test_unplug_fails(self):
        """A port that cannot be taken out is told."""
        self.stub('test "$2" = show\n')
        self.assertRaises(commands.CommandFailed, self.unplug)

    def test_unplug_without_open_vswitch(self):
        """Tools without a switch that runs: there is no port."""
        self.stub('exit 1\n')
        self.assertEqual([], self.unplug())
