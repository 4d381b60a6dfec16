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

"""Where Tempest runs in a lab, and the environment that has the plugin."""

import configparser
import io
import os
import subprocess

import tools
from tools.lab import children
from tools import private_files


class Workspace:
    """Tempest's workspace of a lab.

    :ivar directory: that Tempest is run in
    :ivar conf: path of its tempest.conf
    """

    def __init__(self, lab_directory):
        """Take where the lab is."""
        self.directory = lab_directory / 'tempest'
        self.conf = self.directory / 'etc' / 'tempest.conf'
        self._bin = lab_directory / 'venv' / 'tempest' / 'bin'

    def program(self, name):
        """Return the path of a program that is installed with Tempest."""
        return self._bin / name

    def settings(self):
        """Return tempest.conf as a :class:`configparser.ConfigParser`."""
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(self.conf)
        return parser

    def configure(self, directory, options, **groups):
        """Write another tempest.conf.

        :param directory: where it goes, a :class:`pathlib.Path`
        :param options: of [self_healing], other than those of the lab
        :param groups: the same of further groups, a dict each
        :returns: the environment of a process that shall use it
        """
        parser = self.settings()
        for group, changed in {'self_healing': options, **groups}.items():
            parser[group].update(changed)
        path = directory / 'tempest.conf'
        text = io.StringIO()
        parser.write(text)
        private_files.write(path, text.getvalue())
        return {'PATH': os.environ['PATH'], 'PYTHONPATH': _python_path(),
                'TEMPEST_CONFIG': path.name,
                'TEMPEST_CONFIG_DIR': str(directory)}

    def start(self, command, output, environment=None):
        """Start a command, which Ctrl-C at this terminal does not end.

        :param output: where both of its outputs go
        :param environment: its own, instead of that of this process
        :returns: :class:`subprocess.Popen`
        """
        return subprocess.Popen(
            command, cwd=self.directory, env=environment or _environment(),
            text=True, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=children.interruptible)

    def run(self, command, timeout, environment=None):
        """Run a command to its end.

        :param timeout: seconds that it may take
        :param environment: its own, instead of that of this process
        :returns: :class:`subprocess.CompletedProcess`; both outputs are one
        :raises subprocess.TimeoutExpired: when it is not over then
        """
        return subprocess.run(
            command, cwd=self.directory, env=environment or _environment(),
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=timeout, check=False)

    def revert(self, timeout, *options):
        """Have the plugin take back what a run has left.

        :param timeout: seconds that it may take
        :returns: see :meth:`run`
        """
        return self.run([
            self.program('python'), '-m',
            'self_healing_tempest_plugin.cmd.main', 'revert',
            '--config-file', self.conf, *options], timeout)

    def reverting(self):
        """Return the same as the words of a command line, for a person."""
        return [str(self.program('self-healing-tempest')), 'revert',
                '--config-file', str(self.conf)]

    def stestr(self):
        """Return what stestr needs in its environment, as a mapping.

        It hands the path of its Python to a shell as it is, unless there is
        the variable ``PYTHON``, which it hands over as it is, too.
        """
        return {'PYTHON': 'python', 'PATH': os.pathsep.join(
            (str(self._bin), os.environ.get('PATH', os.defpath)))}


def _python_path():
    # What is tried is the checkout that the tools belong to.
    return os.pathsep.join(filter(None, (
        str(tools.SOURCE), os.environ.get('PYTHONPATH'))))


def _environment():
    return dict(os.environ, PYTHONPATH=_python_path())
