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

"""The processes: each a program of one supervisor, which dies with us."""

import configparser
import contextlib
import pathlib
import subprocess
import sys
import xmlrpc.client

import psutil

from tools import logs
from tools import supervisors
from tools import waiting

_JAVA = pathlib.Path('/usr/share/java')
# The manifest of Debian's ZooKeeper has no netty-codec, without which TLS
# fails at the first connection.
_JARS = ('zookeeper', 'slf4j-log4j12', 'log4j-1.2', 'netty-codec',
         'netty-resolver', 'netty-transport-native-unix-common')
_ZUUL = ('scheduler', 'merger', 'executor', 'web', 'launcher')

#: Seconds that a process is given to end in an orderly way.
_PATIENCE = 15
#: Seconds until supervisor itself must answer, and end, and what runs by SSH.
_START, _STOP, _SESSIONS = 20, 60, 5
#: How many lines of a log are shown.
_LINES = 15


class ProcessError(Exception):
    """A process is not what it should be."""


class Processes:
    """The programs that run, by their names in supervisor."""

    def __init__(self, places, ports):
        """Take where everything is.

        :param places: :class:`.places.Places`
        :param ports: :class:`.places.Ports`
        """
        self._places, self._ports = places, ports

    @property
    def _socket(self):
        return self._places.run / 'supervisor.sock'

    @property
    def _supervisor(self):
        return supervisors.ask(self._socket)

    @contextlib.contextmanager
    def supervised(self):
        """Have a supervisor, and nothing of it afterwards."""
        path = self._places.run / 'supervisord.conf'
        with path.open('w') as stream:
            self._configuration().write(stream)
        # When we are killed, it is told to stop everything.
        process = subprocess.Popen([
            'setpriv', '--pdeathsig', 'TERM', sys.executable, '-m',
            'supervisor.supervisord', '--nodaemon', '--silent',
            '--configuration', str(path)], start_new_session=True)
        try:
            self._wait_for_supervisor(process)
            yield self
        finally:
            # First who starts something on the node, then what runs there.
            with contextlib.suppress(OSError, xmlrpc.client.Error):
                self.stop('executor')
            self._end_sessions(process.pid)
            process.terminate()
            try:
                process.wait(_STOP)
            except subprocess.TimeoutExpired:
                self._kill(process.pid)

    @staticmethod
    def _kill(pid):
        """Kill a process with all that it has started."""
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                process.kill()

    @staticmethod
    def _end_sessions(pid):
        # What runs on the node by SSH is in sessions of its own, and does not
        # end with the SSH server.
        terminated = []
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if 'sshd' in (parent.name() for parent in child.parents()):
                        child.terminate()
                        terminated.append(child)
        for process in psutil.wait_procs(terminated, _SESSIONS)[1]:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _wait_for_supervisor(self, process):
        def answers():
            if process.poll() is not None:
                raise ProcessError('supervisord has ended with exit code %d, '
                                   'see %s' % (process.returncode, self.log(
                                       'supervisord')))
            with contextlib.suppress(OSError):
                return bool(self._supervisor.getState())
        waiting.until(answers, 'supervisord to answer', _START)

    def start(self, *names):
        """Start programs; those that run are left alone.

        :raises ProcessError: when one of them ends at once
        """
        for name in names:
            try:
                self._supervisor.startProcess(name)
            except xmlrpc.client.Fault as fault:
                if 'ALREADY_STARTED' not in fault.faultString:
                    raise ProcessError(self.describe(name)) from None

    def stop(self, name):
        """Stop a program that runs."""
        self._supervisor.stopProcess(name)

    def check(self):
        """Look whether all programs run.

        :raises ProcessError: when one of them does not
        """
        dead = [process['name'] for process
                in self._supervisor.getAllProcessInfo()
                if process['statename'] in ('BACKOFF', 'EXITED', 'FATAL')]
        if dead:
            raise ProcessError('\n'.join(map(self.describe, dead)))

    def log(self, name):
        """Return the path of a program's log."""
        return self._places.log / ('%s.log' % name)

    def describe(self, name):
        """Return the problem of a program, with the end of its log."""
        return '%s does not run; the end of %s:\n%s' % (
            name, self.log(name), logs.end(self.log(name), _LINES))

    def _configuration(self):
        conf = configparser.ConfigParser(interpolation=None)
        conf['supervisord'] = {
            'logfile': self.log('supervisord'), 'umask': '022',
            'pidfile': self._places.run / 'supervisord.pid',
            'directory': self._places.run}
        conf['unix_http_server'] = {'file': self._socket, 'chmod': '0700'}
        conf['rpcinterface:supervisor'] = {
            'supervisor.rpcinterface_factory':
                'supervisor.rpcinterface:make_main_rpcinterface'}
        for name, command in self._commands().items():
            conf['program:%s' % name] = {
                # A percent sign is a variable's beginning there.
                'command': ' '.join(map(str, command)).replace('%', '%%'),
                'autostart': 'false', 'autorestart': 'false',
                'startsecs': 1, 'startretries': 0, 'stopasgroup': 'true',
                'killasgroup': 'true', 'stopwaitsecs': _PATIENCE,
                # Nothing of what they know is needed any more.
                'stopsignal': 'KILL',
                'redirect_stderr': 'true', 'stdout_logfile': self.log(name),
                'stdout_logfile_maxbytes': '20MB',
                'stdout_logfile_backups': 1}
        # The executor ends its builds first, whose node must still be there.
        conf['program:executor'].update(
            {'stopsignal': 'TERM', 'priority': '2000'})
        conf['program:sshd']['stopsignal'] = 'TERM'
        return conf

    def _commands(self):
        places = self._places
        commands = {
            'zookeeper': ['java', '-Xmx256m', '-cp', ':'.join([
                str(places.run), *(str(_JAVA / ('%s.jar' % jar))
                                   for jar in _JARS)]),
                'org.apache.zookeeper.server.quorum.QuorumPeerMain',
                places.run / 'zoo.cfg'],
            # The SSH server insists on its full path.
            'sshd': ['/usr/sbin/sshd', '-D', '-e', '-f',
                     places.run / 'sshd_config'],
            'logs': [sys.executable, pathlib.Path(__file__).with_name(
                'log_server.py'), places.builds, self._ports.logs],
        }
        commands.update({
            name: [places.program('zuul-%s' % name), '-f', '-c', places.conf]
            for name in _ZUUL})
        return commands
