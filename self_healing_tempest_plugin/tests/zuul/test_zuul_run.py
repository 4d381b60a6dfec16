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

"""What ``tox -e zuul-run`` compares: it can fail, and says no in one line."""

import dataclasses
import os
import pathlib
import socket
import subprocess
import sys

import fixtures
import psutil
import testtools

from self_healing_tempest_plugin.tests.zuul import broken
from self_healing_tempest_plugin.tests.zuul import layout as layouts
from tools.zuul import freezing
from tools.zuul import ground
from tools.zuul import local_conf
from tools.zuul import places
from tools.zuul import running

# Prints the port that it listens at.
_LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


def frozen(name):
    """Return a job as Zuul's API would have it, from the tenant's files."""
    layout = layouts.ours()
    job = layout.job(name)
    nodeset = layout.nodeset(job)
    required = set(job.projects())
    return {
        'nodeset': {'nodes': nodeset['nodes'],
                    'groups': nodeset.get('groups', [])},
        'override_checkout': job.get('override-checkout'),
        'timeout': job.get('timeout'),
        'vars': job.merged('vars'), 'extra_vars': job.merged('extra-vars'),
        'host_vars': {}, 'group_vars': job.merged('group-vars'),
        'projects': [{'name': project} for project in required],
        'pre_playbooks': [], 'playbooks': [], 'post_playbooks': [],
        'zuul': {
            'project': {'short_name': 'self-healing-tempest-plugin'},
            'projects': {project: {'short_name': layouts.short_name(project),
                                   'required': True} for project in required},
            '_inheritance_path': ['<Job %s explicit' % ancestor['name']
                                  for ancestor in reversed(job.ancestry)]}}


def without_playbooks(expected):
    """Return an expectation without what only Zuul itself can order."""
    return dataclasses.replace(expected, playbooks=())


class FreezingTest(testtools.TestCase):
    """Frozen jobs are compared."""

    def setUp(self):
        super().setUp()
        self.expected = next(
            without_playbooks(job) for job in freezing.EXPECTED
            if job.name == broken.FULL)
        self.frozen = frozen(broken.FULL)

    def differences(self):
        return freezing.differences(self.frozen, self.expected)

    def test_ours(self):
        self.assertEqual([], self.differences())

    def test_another_release(self):
        self.frozen['override_checkout'] = 'master'
        self.assertEqual(["override is 'master', not 'stable/2025.2'"],
                         self.differences())

    def test_parent_left_out(self):
        del self.frozen['zuul']['_inheritance_path'][3]
        self.assertEqual(['ancestry: devstack-minimal is missing'],
                         self.differences())

    def test_playbook_too_much(self):
        self.frozen['playbooks'] = [
            {'project': 'p', 'path': 'x.yaml', 'branch': 'master'}]
        self.assertEqual(['playbooks: p x.yaml master is too much'],
                         self.differences())

    def test_variables(self):
        """A variable that is missing, and one that has another value."""
        del self.frozen['vars']['tempest_concurrency']
        self.frozen['group_vars']['subnode']['devstack_plugins']['heat'] = 'x'
        self.assertEqual(
            ['variables.tempest_concurrency is not there',
             "groups.subnode.devstack_plugins.heat is 'x', not ''"],
            self.differences())

    def test_project_left_out(self):
        self.frozen['projects'] = [
            project for project in self.frozen['projects']
            if project['name'] != 'openstack/vitrage']
        self.assertEqual(['project openstack/vitrage is not brought'],
                         self.differences())


class LocalConfTest(testtools.TestCase):
    """Each node's local.conf is compared."""

    def setUp(self):
        super().setUp()
        self.sources = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        settings = self.sources / 'ours' / 'devstack' / 'settings'
        settings.parent.mkdir(parents=True)
        settings.write_text(''.join(
            'plugin_requires self-healing-tempest-plugin %s\n' % service
            for service in ('aodh', 'ceilometer', 'heat', 'mistral',
                            'vitrage', 'zaqar')))

    def differences(self, node, job=broken.FULL, change=lambda job: None):
        """Return the differences of a node, after a change of its job."""
        job_frozen = frozen(job)
        change(job_frozen)
        expected = next(conf for conf in local_conf.EXPECTED
                        if (conf.job, conf.node) == (job, node))
        return local_conf.differences(
            local_conf.render(job_frozen, node, self.sources), expected)

    def test_ours(self):
        for conf in local_conf.EXPECTED:
            self.assertEqual([], self.differences(conf.node, conf.job))

    def test_all_plugins_on_the_subnode(self):
        """What a job's variables do where the group says nothing."""
        differences = self.differences('compute1', change=lambda job: job[
            'group_vars']['subnode'].pop('devstack_plugins'))
        self.assertIn("'enable_plugin heat https://opendev.org/openstack/"
                      "heat' is there", differences)

    def test_service_of_the_parent(self):
        differences = self.differences('compute1', change=lambda job: job[
            'group_vars']['subnode']['devstack_services'].update(
                {'tls-proxy': True}))
        self.assertEqual(["'disable_service tls-proxy' is not there"],
                         differences)

    def test_misspelt_fact(self):
        """A variable that Ansible would not know is an error."""
        self.assertRaises(
            local_conf.jinja2.UndefinedError, self.differences, 'controller',
            change=lambda job: job['vars']['devstack_localrc'].update(
                X="{{ hostvars['compute2']['ansible_nodename'] }}"))

    def test_plugin_that_is_not_named(self):
        """As devstack does: what is required must be there."""
        self.assertRaises(
            KeyError, self.differences, 'compute1', change=lambda job: job[
                'group_vars']['subnode']['devstack_plugins'].pop('heat'))

    def test_actions_of_mistral(self):
        differences = self.differences('controller', change=lambda job: job[
            'zuul']['projects'].pop('openstack/mistral-extra'))
        self.assertEqual(1, len(differences))
        self.assertIn('mistral-extra is not in LIBS_FROM_GIT', differences[0])


class GroundTest(testtools.TestCase):
    """The ground refuses before anything is changed."""

    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.places = places.Places(self.root / 'zuul')
        self.useFixture(fixtures.MonkeyPatch(
            'tools.zuul.ground._packages', lambda: ()))
        self.useFixture(fixtures.MonkeyPatch('os.geteuid', lambda: 0))

    def refused(self):
        return str(self.assertRaises(
            ground.Refused, ground.check, self.places))

    def test_port_in_use(self):
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind((places.ADDRESS, 0))
        listener.listen()
        port = listener.getsockname()[1]
        self.assertTrue(ground.listens(port))
        refused = self.assertRaises(
            ground.Refused, ground.check_ports, places.Ports(port))
        self.assertIn('port %d of 127.0.0.1, for ZooKeeper, is in use: stop '
                      'what listens there' % port, str(refused))

    def test_directory_of_others(self):
        self.places.root.mkdir()
        (self.places.root / 'letter').touch()
        self.assertIn('is not ours', self.refused())
        self.assertTrue((self.places.root / 'letter').exists())

    def test_not_root(self):
        self.useFixture(fixtures.MonkeyPatch('os.geteuid', lambda: 1000))
        self.assertIn('must be run as root', self.refused())

    def test_long_path(self):
        self.places = places.Places(self.root / ('x' * 80))
        self.assertIn('too long a path for sockets', self.refused())

    def test_two_runs(self):
        """The second run is refused, and takes nothing from the first."""
        with ground.held(self.places), ground.fresh(self.places):
            (self.places.run / 'here').touch()
            with testtools.ExpectedException(
                    ground.Refused, '.*another run is going on'):
                ground.held(self.places).__enter__()
            self.assertTrue((self.places.run / 'here').exists())
        self.assertFalse(self.places.run.exists())
        self.assertTrue(self.places.log.exists())

    def killed_run(self, began):
        """Return a process that listens as Zuul's console does.

        It is there when a killed run has left its files.

        :param began: how many seconds after it that run has begun
        """
        process = subprocess.Popen(
            [sys.executable, '-c', _LISTEN], stdout=subprocess.PIPE,
            stdin=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.useFixture(fixtures.MonkeyPatch(
            'tools.zuul.places.CONSOLE_PORT',
            int(process.stdout.readline())))
        with ground.fresh(self.places):
            mark = self.places.run / 'began'
        mark.parent.mkdir()
        mark.touch()
        moment = psutil.Process(process.pid).create_time() + began
        os.utime(mark, (moment, moment))
        with ground.held(self.places):
            self.assertFalse(self.places.run.exists())
        return process

    def test_console_of_a_killed_run(self):
        self.assertFalse(psutil.pid_exists(self.killed_run(began=-1).pid))

    def test_console_of_others(self):
        """A console that is older than the run is not ours."""
        self.assertTrue(psutil.pid_exists(self.killed_run(began=1).pid))


class ExamineTest(testtools.TestCase):
    """A build without a report is no success."""

    def setUp(self):
        super().setUp()
        self.places = places.Places(pathlib.Path(
            self.useFixture(fixtures.TempDir()).path))
        self.places.builds.mkdir(parents=True)

    def examine(self, **changes):
        build = dict({'job_name': 'lab', 'uuid': 'u', 'result': 'SUCCESS',
                      'artifacts': []}, **changes)
        return str(self.assertRaises(
            running.RunError, running.examine, build, self.places))

    def test_failure(self):
        """The end of its output is shown."""
        (self.places.builds / 'u').mkdir()
        (self.places.builds / 'u' / 'job-output.txt').write_text('at last\n')
        self.assertEqual('lab: FAILURE\n    at last',
                         self.examine(result='FAILURE'))

    def test_no_report(self):
        self.assertIn('lab has 0 reports among its artifacts', self.examine(
            artifacts=[{'name': 'x', 'url': 'u', 'metadata': {}}]))
