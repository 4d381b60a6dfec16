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

"""A lab on this machine: where it is, its hosts, and what runs on them.

The one place that knows. What is asked over the network is asked by
:attr:`Lab.cloud` and :attr:`Lab.monitor`.
"""

import argparse
import functools
import json
import os
import pathlib
import subprocess
import sys

import tools
from tools.lab import children
from tools.lab import errors
from tools.lab import monitors
from tools.lab import places
from tools.lab import workspaces
from tools import waiting

PLAYBOOKS = tools.SOURCE / 'playbooks' / 'lab'
#: Where the supervisors' sockets are: lab_run_dir of the playbooks.
RUN_DIR = pathlib.Path('/run/shl')
#: Seconds that one command or one request may take.
TIMEOUT = 60
CONTROLLER = 'controller'
#: In the place of a host: the supervisor of the hosts, and of their BMCs.
MACHINE = 'supervisor'
#: What the name of a BMC begins with, before that of its host.
BMC = 'bmc-'


class Lab:
    """A lab, whether it runs or not.

    :ivar directory: where it keeps its files
    """

    def __init__(self, directory, timeout=TIMEOUT):
        """Take where it is; nothing is asked yet.

        :param directory: a path
        :param timeout: seconds that one command on one of its hosts, or one
            request to it, may take
        """
        self.directory = pathlib.Path(directory).absolute()
        self._timeout = timeout

    @property
    def etc(self):
        """Return the controller's /etc."""
        return self.directory / 'hosts' / CONTROLLER / 'etc'

    @property
    def state(self):
        """Return the directory of the files that outlive a run."""
        return self.directory / 'state'

    @property
    def artifacts(self):
        """Return the directory of the reports."""
        return self.directory / 'artifacts'

    @functools.cached_property
    def workspace(self):
        """Return where Tempest runs, a :class:`.workspaces.Workspace`."""
        return workspaces.Workspace(self.directory)

    @property
    def compute_hosts(self):
        """Return the names of the hosts that have servers, in order."""
        return sorted(path.name
                      for path in (self.directory / 'hosts').iterdir()
                      if path.name.startswith('compute-'))

    @functools.cached_property
    def cloud(self):
        """Return its OpenStack, a :class:`.clouds.Cloud`.

        :raises LabDown: when there is none
        """
        # Zuul's environment has no openstacksdk, and does not ask.
        from tools.lab import clouds
        return clouds.Cloud(self.directory / 'clouds.yaml', self._timeout)

    @functools.cached_property
    def monitor(self):
        """Return its :class:`.monitors.Monitor`.

        :raises LabDown: when there is none
        """
        return monitors.Monitor(self.directory / 'monitors.json',
                                self._timeout)

    def play(self, name, variables=(), lock=None):
        """Run a playbook.

        :param variables: mapping of its variables, all of them text
        :param lock: file descriptor, see :func:`.children.running`
        :returns: its exit code
        """
        command = [sys.executable, '-m', 'ansible', 'playbook',
                   str(PLAYBOOKS / ('%s.yaml' % name))]
        # As JSON: of NAME=VALUE, Ansible takes what is before the first blank.
        command += ['-e', json.dumps(dict(
            variables, lab_dir=os.fsencode(self.directory).decode()))]
        # Ansible, and what it starts, read and write UTF-8 wherever they run.
        environment = dict(
            os.environ, ANSIBLE_CONFIG=str(PLAYBOOKS / 'ansible.cfg'),
            LC_ALL='C.UTF-8')
        with children.running(command, env=environment, lock=lock,
                              cwd=tools.SOURCE) as process:
            pass
        return process.returncode

    def enter(self, host, *command):
        """Return the command line that runs a command on a host."""
        return [str(self.directory / 'bin' / 'enter'), host, *command]

    def entered(self, host, *command, **options):
        """Run a command on a host, see :func:`done`."""
        return done(self.enter(host, *command),
                    **{'timeout': self._timeout, **options})

    def run(self, host, *command):
        """Run a command on a host, see :func:`run`."""
        return run(self.enter(host, *command), timeout=self._timeout)

    def control(self, action, program, host=CONTROLLER):
        """Have a program of a host started, stopped or signalled.

        :param action: words of supervisorctl, e.g. ``signal HUP``
        :param program: its name, without its group
        :returns: what it prints
        :raises LabError: when that fails
        """
        return run([*self._supervisor(host), *action.split(),
                    self._full_name(program, host)])

    def runs(self, program, host=CONTROLLER):
        """Return whether a program of a host runs."""
        # Exit status 3: it does not.
        return 'RUNNING' in run([*self._supervisor(host), 'status',
                                 self._full_name(program, host)], good=(0, 3))

    def pids(self, program):
        """Return the processes of a program: its own first, children last.

        :returns: list of process ids on the controller
        """
        family = [int(self.control('pid', program))]
        pairs = [tuple(map(int, line.split())) for line in self.run(
            CONTROLLER, 'ps', '-A', '-o', 'pid=,ppid=').splitlines()]
        for parent in family:
            family.extend(pid for pid, ppid in pairs if ppid == parent)
        return family

    def signal(self, name, program):
        """Send a signal to all processes of a program, parents first.

        :param name: of the signal, e.g. ``STOP``
        """
        self.run(CONTROLLER, 'kill', '-%s' % name,
                 *map(str, self.pids(program)))

    def _full_name(self, program, host):
        # Exit status 3: some program does not run, as it may be.
        listed = run([*self._supervisor(host), 'status'], good=(0, 3))
        return next(line.split()[0] for line in listed.splitlines()
                    if line.split()[0].rpartition(':')[2] == program)

    def _supervisor(self, host):
        return [str(self.directory / 'venv/openstack/bin/supervisorctl'),
                '-s', 'unix://%s' % (RUN_DIR / ('%s.sock' % host))]


def add_option(parser):
    """Add ``--dir`` to a command line, which becomes a :class:`Lab`.

    :param parser: :class:`argparse.ArgumentParser`; what it parses has the
        attribute ``lab``
    """
    parser.add_argument(
        '--dir', dest='lab', type=_lab, metavar='DIRECTORY',
        default=places.from_environment(),
        help='where the lab keeps its files (default: LAB_DIR of the '
             'environment, or %(default)s)')


def _lab(text):
    try:
        return Lab(places.directory(text))
    except errors.LabError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def done(command, timeout=TIMEOUT, **options):
    """Run a command on this machine to its end.

    :param timeout: seconds that it may take
    :param options: of :func:`subprocess.run`
    :returns: :class:`subprocess.CompletedProcess`, with text
    :raises LabError: when it cannot be run, or is not over then
    """
    # Python would find what is beside us in the lab's own programs.
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith('PYTHON')}
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors='replace',
            timeout=timeout, env=environment, check=False, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise errors.LabError('%s: %s' % (' '.join(command), error)) from error


def run(command, good=(0,), timeout=TIMEOUT):
    """Run a command on this machine that must succeed.

    :param good: exit codes that are no failure
    :param timeout: seconds that it may take
    :returns: what it prints
    :raises LabError: when it fails
    """
    finished = done(command, timeout)
    if finished.returncode not in good:
        raise errors.LabError('%s: exit code %d: %s%s' % (
            ' '.join(command), finished.returncode, finished.stdout,
            finished.stderr))
    return finished.stdout


def wait(observe, what, seconds=TIMEOUT, interval=0.3):
    """Wait for something in the lab, see :func:`tools.waiting.until`.

    :raises LabError: when it did not come
    """
    try:
        return waiting.until(observe, what, seconds, interval)
    except waiting.TimeUp:
        raise errors.LabError('%s: not seen in %g s' % (
            what, seconds)) from None
