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

"""Ansible takes every playbook, with the modules that Zuul brings."""

import os
import pathlib
import subprocess
import sys

import fixtures
import testtools
import zuul.ansible

from self_healing_tempest_plugin.tests.zuul import layout as layouts

#: The directory of Zuul's modules for the Ansible that it runs by default.
_MODULES = pathlib.Path(next(iter(zuul.ansible.__path__))) / '11'


def check(*playbooks):
    """Let Ansible read playbooks.

    :returns: :class:`subprocess.CompletedProcess`
    """
    environment = dict(
        os.environ, ANSIBLE_ROLES_PATH=str(layouts.ROOT / 'roles'),
        ANSIBLE_LIBRARY=str(_MODULES / 'library'),
        ANSIBLE_ACTION_PLUGINS=str(_MODULES / 'action'),
        ANSIBLE_NOCOLOR='1')
    # Only "localhost" is there, and no play is on it.
    return subprocess.run(
        [sys.executable, '-m', 'ansible', 'playbook', '--syntax-check',
         '--inventory', 'localhost,', *map(str, playbooks)],
        env=environment, capture_output=True, text=True, check=False)


class PlaybooksTest(testtools.TestCase):
    """Ours, and two that are broken."""

    def test_ours(self):
        playbooks = [
            path for path in (layouts.ROOT / 'playbooks').rglob('*.yaml')
            if path.parent.name != 'group_vars'
            and path.name != 'inventory.yaml']
        done = check(*playbooks)
        self.assertEqual(0, done.returncode, done.stderr)
        for path in playbooks:
            self.assertIn('playbook: %s' % path, done.stdout)

    def broken(self, text):
        path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path, 'broken.yaml')
        path.write_text(text)
        done = check(path)
        self.assertNotEqual(0, done.returncode)
        return done.stderr

    def test_unknown_module(self):
        self.assertIn("couldn't resolve module/action 'zuul_retrun'",
                      self.broken('[{hosts: all, tasks: [{zuul_retrun: }]}]'))

    def test_unknown_role(self):
        self.assertIn("the role 'gone' was not found",
                      self.broken('[{hosts: all, roles: [gone]}]'))
