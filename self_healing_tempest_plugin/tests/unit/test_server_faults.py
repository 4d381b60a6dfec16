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

import contextlib
import io
import os
import re
import subprocess

import fixtures

from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import steps
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin import server_faults
from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import service_samples

SERVER = fake_cloud.SERVER


class PlanTest(host_samples.JournalTestCase):
    """The plans of faults of one server."""

    def plan(self, kind, server=SERVER):
        """Return the plan of a fault of a kind."""
        return kinds.KINDS[kind](targets.Target(
            'compute-1', '127.0.0.1', (), host_samples.SETTINGS, server),
            _SilentShell())

    def test_no_server_yet(self):
        """A plan that only asks whether the host is fit can hurt nobody."""
        for kind in kinds.OF_SERVERS:
            self.assertEqual((), self.plan(kind, '').inject)

    def test_each(self):
        """Each names its server, and there is nothing to take back."""
        for kind in kinds.OF_SERVERS:
            plan = self.plan(kind)
            self.assertEqual((kind, 'compute-1', ()),
                             (plan.kind, plan.host, plan.revert))
            self.assertIn(SERVER, plan.description)
            for command in (*plan.inject, *(
                    check.command for check in plan.witnesses)):
                self.assertIn(SERVER, ' '.join(command.argv))

    def test_guest(self):
        """The pattern is of QEMU's command line, and not of who looks."""
        plan = self.plan('guest-killed')
        kill, look = plan.inject[0].argv, plan.witnesses[0].command.argv
        self.assertEqual(kill[-1], look[-1])
        for line in ('/usr/bin/qemu-system-x86_64 -name guest=instance-1,'
                     'debug-threads=on -uuid %s -display none',
                     '/usr/libexec/qemu-kvm -uuid %s'):
            self.assertTrue(re.search(kill[-1], line % SERVER), line)
        for line in ('/usr/bin/qemu-system-x86_64 -uuid other',
                     ' '.join(kill), 'sh -c %s' % ' '.join(look),
                     'virsh qemu-monitor-command %s --hmp info' % SERVER,
                     'tail -f /var/log/libvirt/qemu/x.log -uuid %s' % SERVER,
                     '/usr/bin/qemu-system-x86_64 -uuid other -drive '
                     'file=/mnt/%s/disk' % SERVER):
            self.assertFalse(re.search(kill[-1], line), line)
        self.assertFalse(plan.witnesses[0].holds)

    def test_one_guest(self):
        """It is killed where there is exactly one, and nothing else is."""
        directory = self.useFixture(fixtures.TempDir()).path
        for count in (0, 1, 2):
            for name, does in (('pgrep', 'echo %d' % count),
                               ('pkill', 'echo "$@"')):
                path = os.path.join(directory, name)
                with open(path, 'w', encoding='utf-8') as stream:
                    stream.write('#!/bin/sh\n%s\n' % does)
                os.chmod(path, 0o755)
            done = subprocess.run(
                self.plan('guest-killed').inject[0].argv, text=True,
                capture_output=True, env=dict(os.environ, PATH='%s:%s' % (
                    directory, os.environ['PATH'])))
            self.assertEqual(count == 1, done.returncode == 0, done)
            self.assertEqual(count == 1, SERVER in done.stdout, done)
            self.assertEqual(count != 1, '%d processes are the guest' % count
                             in done.stderr, done)


class _SilentShell:
    """A host whose shell does as it is told."""

    def run(self, command):
        return transports.commands.Result(
            command.argv, 0, targets._STRANGE + '\n', '')


class ApiTest(service_samples.ClientTestCase):
    """server_faults, as the commands of a plan run it."""

    def setUp(self):
        super().setUp()
        self.cloud.servers[SERVER] = {'id': SERVER, 'host': 'compute-1',
                                      'status': 'ACTIVE'}
        self.useFixture(fixtures.MockPatchObject(
            server_faults, '_nova', lambda: self.clients.nova))
        self.useFixture(fixtures.MockPatchObject(
            steps.tempest_config.CONF, 'set_config_path'))

    def step(self, *words):
        """Return the exit code of a step, and what it says."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            return server_faults.main(
                [*words, '--config-file', '/t.conf', SERVER]), said.getvalue()

    def test_deleted(self):
        self.assertEqual((1, ''), self.step('is-deleted'))
        # Another time it is gone already, and that is as well.
        for _ in range(2):
            self.assertEqual((0, ''), self.step('delete'))
        self.assertEqual((0, ''), self.step('is-deleted'))

    def test_kept_for_a_while(self):
        """With reclaim_instance_interval Nova deletes it later."""
        self.cloud.servers[SERVER]['status'] = 'SOFT_DELETED'
        for step in ('is-deleted', 'is-stopped'):
            self.assertEqual((0, ''), self.step(step))

    def test_something_else(self):
        """What is neither stopped nor gone is no witness."""
        for status in ('ERROR', 'PAUSED', 'REBUILD', 'HARD_REBOOT'):
            self.cloud.servers[SERVER]['status'] = status
            for step in ('is-deleted', 'is-stopped'):
                self.assertEqual((1, ''), self.step(step), status)

    def test_stopped(self):
        self.assertEqual((1, ''), self.step('is-stopped'))
        for _ in range(2):
            self.assertEqual((0, ''), self.step('stop'))
        self.assertEqual((0, ''), self.step('is-stopped'))

    def test_refused(self):
        """One line, and neither a yes nor a no."""
        self.cloud.broken = '/servers/'
        for step in server_faults.STEPS:
            code, said = self.step(step)
            self.assertEqual(2, code)
            self.assertRegex(said, r'^Nova: .*server %s.*\n$' % SERVER)
