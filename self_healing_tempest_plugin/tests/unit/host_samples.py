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

"""Hosts on the loopback, and the settings that reach them."""

import dataclasses
import pathlib
import types

import fixtures
import testtools

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.tests.unit import fake_ssh_host
from self_healing_tempest_plugin.watching import recorders

TIMES = config.Timeouts(
    poll_interval=0.05, blip=0.1, quiet=1, host_timer=60, witness=0.5,
    links=types.MappingProxyType(dict.fromkeys((
        'alarm', 'deduction', 'workflow', 'stack', 'application'), 1)),
    host_return=0.5, return_watch=1, template=1, graph=1, healing=6)

ACCESS = config.HostAccess(
    addresses=types.MappingProxyType({}), user=fake_ssh_host.USER,
    key_file=None, known_hosts_file=None, port=22, jump_host=None, sudo=False,
    timeout=5, local_timeout=5)

NETWORK = config.HostNetwork(
    management_nic='eth0', data_nic='eth1',
    data_addresses=types.MappingProxyType({'c1': '192.0.2.5'}),
    control_plane=('198.51.100.7', 'fd00::7'))

SETTINGS = config.Settings(
    cloud=None, application=None, power=None, access=ACCESS, network=NETWORK,
    service_manager='supervisor', compute_service='nova-compute',
    timeouts=TIMES, monitor='prometheus', host_alarm=None, nic_alarm=None,
    deduced_alarm_name='Instance down', allow_faults=True,
    allow_foreign_servers=False, fault_hosts=('c1', 'c2'), witness_port=22,
    state_dir='/nowhere', artifacts_dir='/nowhere', name_prefix='')

# Of the data NIC, as words for "ip".
ADDRESSES = ('192.0.2.5/24', 'fd00:1::5/64')
ROUTES = ('default via 192.0.2.1 proto static metric 100',
          '203.0.113.0/24 via 192.0.2.9 table 7', '10.9.0.0/16 scope link')
ROUTES6 = ('default via fe80::1 metric 5',)


def sh(line):
    """Return a command that runs a line on the runner."""
    return plans.Command(transports.LOCAL, '', ('sh', '-c', line))


def file_plan(path, **changes):
    """Return a fault that is a file on the runner: there is none without.

    :param path: of the file, which also stands for its host
    """
    there = sh('test -e %s' % path)
    values = dict(
        id=plans.new_id(), kind='host-crash', host='c1',
        description='file %s' % path, look_at='file %s' % path,
        checks=(plans.Check('no file', there, holds=False),),
        inject=(sh('touch %s' % path),),
        witnesses=(plans.Check('file', there),),
        revert=(sh('rm -f %s' % path),))
    return plans.Plan(**dict(values, **changes))


class JournalTestCase(testtools.TestCase):
    """A journal, and a file that is the fault."""

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        self.file = self.directory / 'fault'
        self.state_dir = self.directory / 'state'
        self.journal = journals.Journal(str(self.state_dir))
        self.transports = transports.Transports(ACCESS)
        self.recorder = recorders.Recorder()

    def plan(self, **changes):
        """Return a fault that is a file, see :func:`file_plan`."""
        return file_plan(self.file, **changes)

    def states(self):
        """Return the states of the newest fault in the journal."""
        return [state.value for state in self.journal.read()[0][-1].states]

    def lines(self):
        """Return the lines of the journal, of the bytes on the disk."""
        return pathlib.Path(self.journal.path).read_bytes().splitlines()


class HostTestCase(JournalTestCase):
    """Two hosts with two NICs each, on one network."""

    def setUp(self):
        super().setUp()
        # A server whose clients go away says so aloud.
        self.useFixture(fixtures.FakeLogger('paramiko'))
        self.host = self.useFixture(fake_ssh_host.FakeSshHost())
        self.peer = self.useFixture(fake_ssh_host.FakeSshHost(
            '127.0.0.2', self.host.port, self.host.wire))
        self.host.add_nic('eth0', ('198.51.100.5/24',))
        self.host.add_nic('eth1', ADDRESSES, ROUTES, ROUTES6, ('192.0.2.5',))
        self.key_file = self.directory / 'key'
        fake_ssh_host.USER_KEYS[0].write_private_key_file(str(self.key_file))
        self.known_hosts = self.directory / 'known_hosts'
        self.known_hosts.write_text(
            self.host.known_host() + self.peer.known_host())
        self.access = dataclasses.replace(
            ACCESS, key_file=str(self.key_file), port=self.host.port,
            known_hosts_file=str(self.known_hosts),
            addresses={'c1': '127.0.0.1', 'c2': '127.0.0.2'})
        self.settings = dataclasses.replace(
            SETTINGS, access=self.access, witness_port=self.host.port)
        self.transports = transports.Transports(self.access)

    def ssh(self, *argv, **changes):
        """Run a command on the host.

        :param changes: to the access
        """
        access = dataclasses.replace(self.access, **changes)
        return transports.Transports(access).run(
            plans.Command(transports.SSH, self.host.address, argv))

    def target(self, **changes):
        """Return the host as a target.

        :param changes: to the settings
        """
        settings = dataclasses.replace(self.settings, **changes)
        return targets.target('c1', settings, lambda host: None)

    def network(self, **changes):
        """Return the network settings with changes."""
        return dataclasses.replace(NETWORK, **changes)

    def times(self, **changes):
        """Return the timeouts with changes."""
        return dataclasses.replace(TIMES, **changes)
