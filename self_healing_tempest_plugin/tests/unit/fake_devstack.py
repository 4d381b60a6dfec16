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

"""A DevStack below one directory, see ``fake_devstack.sh``."""

import configparser
import os
import pathlib
import shlex
import subprocess

import fixtures
import yaml

from self_healing_tempest_plugin.tests.unit import test_config

SCRIPT = pathlib.Path(__file__).with_suffix('.sh')
OURS = 'self-healing-tempest-plugin'
PASSWORD = 'not-to-be-seen'

PLUGINS = """
enable_plugin heat https://opendev.example/heat stable/2025.2
enable_plugin mistral https://opendev.example/mistral stable/2025.2
enable_plugin vitrage https://opendev.example/vitrage stable/2025.2
"""
OUR_PLUGIN = """
enable_plugin %s https://opendev.example/%s
""" % (OURS, OURS)

CONTROLLER = """
ENABLED_SERVICES=key,n-api,n-cond,n-cpu,q-svc,tempest
""" + PLUGINS + OUR_PLUGIN

SUBNODE = """
ENABLED_SERVICES=n-cpu,placement-client,ovn-controller
HOST_IP=192.0.2.11
""" + OUR_PLUGIN


class FakeDevStack(fixtures.Fixture):
    """One node.

    :ivar root: its directory
    """

    def __init__(self, localrc):
        """Take what local.conf says.

        :param localrc: text for bash
        """
        super().__init__()
        self._localrc = localrc

    def _setUp(self):
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.conf_dir = self.root / 'etc' / 'self-healing'
        self.state_dir = self.root / 'var/lib/self-healing-tempest/journal'
        for directory in ('bin', 'home/.ssh', 'opt/stack', 'etc'):
            (self.root / directory).mkdir(parents=True)
        uwsgi = self.root / 'bin' / 'uwsgi'
        uwsgi.touch(mode=0o755)
        self._write('vitrage.conf', {'service_credentials': {
            'username': 'vitrage', 'password': PASSWORD}})
        self._write('tempest.conf', self._tempest())
        self.say('')

    def say(self, localrc):
        """Change what local.conf says.

        :param localrc: text for bash, in the place of that of last time
        """
        (self.root / 'localrc').write_text(
            'SELF_HEALING_CONF_DIR=%s\nSELF_HEALING_STATE_DIR=%s\n%s\n%s' % (
                self.conf_dir, self.state_dir, self._localrc, localrc))

    def run(self, script):
        """Run one of DevStack's scripts.

        :param script: ``stack``, ``unstack`` or ``clean``
        :returns: :class:`subprocess.CompletedProcess`
        """
        (self.root / 'calls').write_text('')
        return subprocess.run(
            ['bash', SCRIPT, script, self.root], stdin=subprocess.DEVNULL,
            capture_output=True, text=True,
            env={'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'})

    def calls(self, name=None):
        """Return what was called in the last run, as lists of words.

        :param name: return only those of this function, without it
        """
        calls = [shlex.split(line) for line in (
            self.root / 'calls').read_text().splitlines()]
        return calls if name is None else [
            call[1:] for call in calls if call[0] == name]

    def ini(self, path):
        """Return a file as dict of sections, each one a dict.

        :param path: relative to the root, or absolute
        """
        # As in oslo.config, [DEFAULT] is a section like any other.
        parser = configparser.ConfigParser(interpolation=None,
                                           default_section='')
        parser.read_string((self.root / path).read_text())
        return {name: dict(parser[name]) for name in parser.sections()}

    def yaml(self, name):
        """Return what a file in the directory of the monitor says."""
        return yaml.safe_load((self.conf_dir / name).read_text())

    def variables(self):
        """Return what the rest of DevStack saw at the end, as a dict."""
        lines = (self.root / 'variables').read_text().splitlines()
        return {name: (shlex.split(value) or [''])[0] for name, value in (
            line.split('=', 1) for line in lines
            if line.startswith((
                'CEILOMETER_', 'DEVSTACK_PLUGINS', 'ENABLED_SERVICES',
                'LIBS_', 'MISTRAL_', 'NOVA_', 'SELF_HEALING_', 'TEMPEST_',
                'VITRAGE_', 'ZAQAR')) and '=(' not in line)}

    def files(self):
        """Return all files but DevStack's notes, as path to mode and text."""
        own = ('calls', 'localrc', 'variables')
        return {str(path.relative_to(self.root)): (
            '%o' % (path.stat().st_mode & 0o777), path.read_text())
            for path in self.root.rglob('*')
            if path.is_file() and path.name not in own}

    def directories(self):
        """Return all directories, relative to the root."""
        return {str(path.relative_to(self.root))
                for path in self.root.rglob('*') if path.is_dir()}

    def _tempest(self):
        sections = {}
        for (group, option), value in test_config.MINIMAL.items():
            if group != 'self_healing':
                sections.setdefault(group, {})[option] = value
        return sections

    def _write(self, name, sections):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_dict(sections)
        with open(self.root / name, 'w') as file:
            parser.write(file)
