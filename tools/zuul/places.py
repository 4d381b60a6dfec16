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

"""Where everything is, and which ports it listens on."""

import dataclasses
import pathlib
import sys

import tools

ROOT = tools.SOURCE
TENANT_FILES = pathlib.Path(__file__).with_name('tenant')

TENANT = 'openstack'
#: The name of Zuul's connection, and what projects are qualified with.
HOST = 'opendev.org'
#: This repository, as other projects name it.
PROJECT = 'openstack/self-healing-tempest-plugin'
#: Where Zuul's processes and everything else listen.
ADDRESS = '127.0.0.1'
#: Where Zuul brings the output of a task from the node.
CONSOLE_PORT = 19885

#: A longer path makes those of sockets longer than the system allows.
_LONGEST = 75


@dataclasses.dataclass(frozen=True)
class Ports:
    """Consecutive ports on :data:`ADDRESS`.

    :ivar first: the first port
    """

    first: int

    @property
    def zookeeper(self):
        return self.first

    @property
    def web(self):
        return self.first + 1

    @property
    def finger(self):
        return self.first + 2

    @property
    def ssh(self):
        return self.first + 3

    @property
    def logs(self):
        return self.first + 4

    def named(self):
        """Return the services that listen there, by port."""
        return {self.zookeeper: 'ZooKeeper', self.web: 'zuul-web',
                self.finger: 'the log stream of zuul-executor',
                self.ssh: 'the SSH server of the node',
                self.logs: 'the web server of the logs',
                CONSOLE_PORT: "Zuul's console on the node"}


@dataclasses.dataclass(frozen=True)
class Places:
    """Directories and files below one directory of our own.

    All below :attr:`run` is gone after a run, :attr:`result` stays until
    the next one, :attr:`ansible` until all is removed.

    :ivar root: the directory
    """

    root: pathlib.Path

    @property
    def mark(self):
        """Return the file that says whose directory it is."""
        return self.root / '.zuul-run'

    @property
    def ansible(self):
        return self.root / 'ansible'

    @property
    def run(self):
        return self.root / 'run'

    @property
    def result(self):
        return self.root / 'result'

    @property
    def log(self):
        return self.result / 'log'

    @property
    def builds(self):
        return self.result / 'builds'

    @property
    def git(self):
        return self.run / 'git'

    @property
    def node(self):
        """Return the home directory of the node."""
        return self.run / 'node'

    @property
    def conf(self):
        return self.run / 'zuul.conf'

    def program(self, name):
        """Return the path of a program that is installed beside Python."""
        return pathlib.Path(sys.executable).parent / name

    def too_long(self):
        """Return whether sockets could not have their names here."""
        return len(str(self.run)) > _LONGEST
