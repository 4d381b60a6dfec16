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


"""The table of the lab's services: ours, and broken ones."""

import re

import testtools
import yaml

from self_healing_tempest_plugin.tests.unit.tools import lab_table
import tools

LOCK = tools.SOURCE / 'roles' / 'lab_openstack' / 'files'


def entry(services, name):
    """Return the entry of a service."""
    return next(service for service in services if service['name'] == name)


def program(services, name):
    """Return a program of any entry."""
    return next(program for service in services
                for program in service['programs'] if program['name'] == name)


#: Check, what breaks the table, and what has to be said of it.
BROKEN = (
    ('misshapen', lambda services: program(services, 'zaqar').update(
        anwsers='/'), r'anwsers'),
    ('misshapen', lambda services: program(services, 'aodh-api').pop('port'),
     r'is not valid under any'),
    ('misshapen', lambda services: entry(services, 'redis').pop('programs'),
     r"'programs' is a required property"),
    ('repeated', lambda services: program(services, 'zaqar').update(
        port=8042), r'^port 8042: there are 2$'),
    ('repeated', lambda services: program(services, 'heat-api-cfn')[
        'endpoint'].pop('name'), r'^name in the catalog heat: there are 2$'),
    ('repeated', lambda services: entry(services, 'aodh')[
        'databases'].append('heat'), r'^database heat: there are 2$'),
    ('unknown_groups', lambda services: entry(services, 'aodh').update(
        group='alarming'), r'^aodh: there is no group alarming$'),
    ('unknown_switches', lambda services: program(
        services, 'haproxy').update(switch='lab_balanced'),
     r'^haproxy: there is no switch lab_balanced$'),
    ('unknown_switches', lambda services: entry(
        services, 'alertmanager')['settings'][-1].update(switch='lab_pair'),
     r'^etc/prometheus/haproxy.cfg: there is no switch lab_pair$'),
    ('missing_ports', lambda services: program(
        services, 'aodh-listener').update(needs='redis'),
     r'^aodh-listener: redis has no port$'),
    ('missing_ports', lambda services: program(services, 'mistral').pop(
        'port'), r'^mistral: mistral has no port$'),
    ('unnamed_templates', lambda services: entry(
        services, 'ceilometer')['settings'].pop(),
     r'^etc/ceilometer/event_pipeline.yaml: no entry names it$'),
    ('unwritable', lambda services: entry(services, 'zaqar').pop('secrets'),
     r"^etc/zaqar/zaqar.conf: .*'zaqar_signed_url'"),
    ('unwritable', lambda services: entry(services, 'aodh').pop('projects'),
     r"^etc/aodh/aodh.conf: .*'aodh'"),
    ('unwritable', lambda services: entry(services, 'zaqar')[
        'settings'].append({'dest': 'etc/zaqar/gone'}),
     r'^etc/zaqar/gone: .*gone.j2'),
    ('missing_databases', lambda services: entry(services, 'aodh').pop(
        'databases'), r'^etc/aodh/aodh.conf: there is no database aodh$'),
)
#: What stands in a template, and what has to be said of it.
UNREADABLE = {
    'etc/aodh/aodh.conf': ('[a]\nb = 1\n[a]\n', r"section 'a' already"),
    'etc/heat/heat.conf': ('[a]\nb = 1\nb = 2\n', r"option 'b' in section"),
    'etc/ceilometer/event_pipeline.yaml': ('a: [', r'expected the node'),
}


class LabTableTest(testtools.TestCase):
    """A wrong entry is noticed before a lab is brought up with it."""

    def test_ours(self):
        self.assertEqual(
            [], lab_table.complaints(lab_table.Table(lab_table.ours())))

    def test_switches(self):
        """Without any, what is there needs nothing that is not."""
        self.assertEqual([], lab_table.complaints(
            lab_table.Table(lab_table.ours(), on=())))

    def test_pair(self):
        """Prometheus tells both, and a port is before both of them."""
        name = 'lab_alertmanager_pair'
        for on, ports in (((), [9093]), ((name,), [9093, 9193])):
            table = lab_table.Table(lab_table.ours(), on=on)
            told = table.rendered('etc/prometheus/prometheus.yml')
            self.assertEqual(
                ['10.77.0.2:%d' % port for port in ports],
                yaml.safe_load(told)['alerting']['alertmanagers'][0][
                    'static_configs'][0]['targets'])
        self.assertEqual(
            ['10.77.0.2:%d' % port for port in ports],
            re.findall(r'^    server \S+ (\S+) ', table.rendered(
                'etc/prometheus/haproxy.cfg'), re.MULTILINE))

    def test_broken(self):
        """The first check that complains is the one that is meant."""
        for name, change, complaint in BROKEN:
            services = lab_table.ours()
            change(services)
            self.told(name, complaint, lab_table.Table(services))

    def test_unreadable(self):
        for path, (text, complaint) in UNREADABLE.items():
            self.told('unreadable', complaint, lab_table.Table(
                lab_table.ours(), {'%s.j2' % path: text}))

    def told(self, name, complaint, table):
        told = lab_table.complaints(table)
        self.assertEqual(1, len(told), told)
        self.assertEqual(told, getattr(lab_table, name)(table))
        self.assertIsNotNone(re.search(complaint, told[0]), told[0])

    def test_every_check_is_proven(self):
        self.assertEqual({check.__name__ for check in lab_table.CHECKS},
                         {name for name, _, _ in BROKEN} | {'unreadable'})


class LockTest(testtools.TestCase):
    """What is installed is what was resolved."""

    def test_every_package_is_locked(self):
        """At its version, where it says one."""
        locked = dict(re.findall(r'^([\w.-]+)==(\S+)',
                                 (LOCK / 'openstack.txt').read_text(),
                                 re.MULTILINE))
        for name, version in re.findall(
                r'^([\w.-]+)(?:==(\S+))?', (LOCK / 'openstack.in').read_text(),
                re.MULTILINE):
            normal = re.sub('[-_.]+', '-', name).lower()
            self.assertIn(normal, locked)
            self.assertIn(version, ('', locked[normal]), name)
