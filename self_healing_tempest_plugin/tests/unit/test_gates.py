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

"""Who may be hurt."""

import dataclasses

import testtools

from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.tests.unit import host_samples


def service(host, binary='nova-compute'):
    """Return a service as far as the gates look at it."""
    return {'host': host, 'binary': binary}


class GateTest(testtools.TestCase):
    """faults.gates."""

    def check(self, host='c1', projects=('mine',), services=(), **changes):
        settings = dataclasses.replace(
            host_samples.SETTINGS, **dict({'fault_hosts': ('c1',)},
                                          **changes))
        gates.check(host, [{'tenant_id': project} for project in projects],
                    [service('c1'), service('ctl', 'nova-conductor'),
                     *services], {'mine'}, settings)

    def test_projects(self):
        """The administrator's servers may be hurt, and the member's."""
        for projects in (['mine'], ['mine', 'member'], []):
            gates.check('c1', [{'tenant_id': project} for project in projects],
                        [service('c1')], {'mine', 'member'},
                        dataclasses.replace(host_samples.SETTINGS,
                                            fault_hosts=('c1',)))

    def refused(self, **options):
        """Return the one line that refuses."""
        text = str(self.assertRaises(gates.FaultRefused, self.check,
                                     **options))
        self.assertEqual(1, len(text.splitlines()))
        self.assertIn('[self_healing] ', text)
        return text

    def test_open(self):
        self.check()
        self.check(projects=())

    def test_not_allowed(self):
        self.assertIn('[self_healing] allow_faults is false',
                      self.refused(allow_faults=False))

    def test_host_not_named(self):
        self.assertIn('host c2 is not in [self_healing] fault_hosts (c1)',
                      self.refused(host='c2'))

    def test_nobody_named(self):
        self.assertIn('fault_hosts (empty)', self.refused(fault_hosts=()))

    def test_part_of_a_name(self):
        """compute-1 does not allow compute-11, nor the other way round."""
        for host, named in (('compute-11', 'compute-1'),
                            ('compute-1', 'compute-11')):
            self.assertIn('%s is not in' % host, self.refused(
                host=host, fault_hosts=(named,)))

    def test_control_plane(self):
        """Any other service of Nova makes a host part of it."""
        text = self.refused(services=(
            service('c1', 'nova-scheduler'), service('c1', 'nova-conductor')))
        self.assertIn('host c1 runs the control plane (nova-conductor, '
                      'nova-scheduler)', text)
        self.assertIn('[self_healing] fault_hosts', text)

    def test_control_plane_elsewhere(self):
        self.check(services=(service('c11', 'nova-scheduler'),))

    def test_no_option_allows_the_control_plane(self):
        self.refused(services=(service('c1', 'nova-scheduler'),),
                     allow_foreign_servers=True)

    def test_foreign_servers(self):
        text = self.refused(projects=('mine', 'theirs', 'hers'))
        self.assertIn('servers of other projects (hers, theirs)', text)
        self.assertIn('allow_foreign_servers', text)

    def test_foreign_servers_allowed(self):
        self.check(projects=('mine', 'theirs'), allow_foreign_servers=True)

    def test_foreign_servers_allow_nothing_else(self):
        self.refused(allow_foreign_servers=True, allow_faults=False)
        self.refused(allow_foreign_servers=True, host='c2')
