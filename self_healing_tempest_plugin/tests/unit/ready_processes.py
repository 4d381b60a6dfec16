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

"""Processes that find all imported that they need.

A new interpreter takes longer to import Tempest and the clients of services
than most tests take for all else. So one process imports them once, for all
that run tests side by side, and does nothing but fork those that run a module
or a program, as ``python -m`` and ``python -c`` do: with arguments,
environment, directory, signals and output of their own, and nothing of who
runs the tests. It ends with the last of those who have asked it.
"""

import contextlib
import hashlib
import importlib
import json
import os
import pathlib
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import types

from self_healing_tempest_plugin.faults import interrupts
from self_healing_tempest_plugin import waiting

# None of them is what is run: that is to be imported as the main module.
_IMPORTED = ('subunit', 'testtools', *(
    'self_healing_tempest_plugin.%s' % module for module in (
        'cmd.preflight', 'cmd.revert', 'drill',
        'tests.scenario.test_data_nic', 'tests.scenario.test_host_power',
        'tests.scenario.test_synthetic_alarm', 'tests.scenario.test_tenant',
        'tests.unit.host_samples')))

# Who runs tests side by side is of one process group, and has one name in the
# abstract namespace of the kernel, where no file is left.
_ADDRESS = '\0ready-processes-%d-%d-%s' % (
    os.getuid(), os.getpgrp(), hashlib.sha256(
        ('%s %s' % (sys.executable, __file__)).encode()).hexdigest()[:16])

# Seconds after which it ends where nobody has come.
NOBODY = 60

_SIGNALS = (*interrupts.SIGNALS, signal.SIGQUIT)


class _Server:
    """The one that forks, as those see it who ask.

    :ivar begun: it, where this process has started it
    :ivar told: a connection that says as long as it is open that somebody
        may ask
    """

    def __init__(self):
        self.begun, self.told = None, None

    def connect(self):
        """Return a connection to it; start it where there is none."""
        if self.told is None:
            self.told = waiting.wait_for(
                self._connected, what='ready processes', timeout=120,
                interval=0.05)
        return self._connected()

    def _connected(self):
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(_ADDRESS)
            # It is about to end, or still imports what it needs.
            if connection.recv(1):
                return connection
        except ConnectionError:
            if self.begun is None or self.begun.poll() is not None:
                self.begun = subprocess.Popen(
                    [sys.executable, '-m', __name__],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    env=dict(os.environ,
                             PYTHONPATH=os.pathsep.join(sys.path)))
        connection.close()
        return None


_SERVER = _Server()


class Process:
    """A process, much as :class:`subprocess.Popen`.

    :ivar pid: its id
    :ivar returncode: as that of Popen
    """

    def __init__(self, module, *arguments, program=None, environment=None,
                 directory=None, merged=False, ignored=()):
        """Start it.

        :param module: full name of what is run as ``python -m`` does it
        :param arguments: of the command line
        :param program: text that is run instead, as ``python -c`` does it
        :param environment: all of it, a dict; None: that of this process
        :param directory: where; None: where this process is
        :param merged: whether standard error goes to standard output
        :param ignored: signals that it ignores from its beginning, as with
            nohup; all others that end a run do so
        """
        self.returncode, self.args = None, (module or '-c', *arguments)
        self._outputs = tempfile.TemporaryDirectory()
        self._paths = [os.path.join(self._outputs.name, name)
                       for name in ('out', 'out' if merged else 'err')]
        self._connection = _SERVER.connect()
        self._answers = self._connection.makefile('r')
        self._connection.sendall(json.dumps({
            'module': module, 'arguments': arguments, 'program': program,
            'environment': dict(environment or os.environ),
            'directory': str(directory or os.getcwd()),
            'paths': self._paths, 'ignored': ignored}).encode() + b'\n')
        self.pid = int(self._answers.readline())

    def poll(self):
        """Return the exit status, None where it is not over."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=None):
        """Wait for its end, and return the exit status.

        :param timeout: seconds, None for ever
        :raises subprocess.TimeoutExpired: when it is not over by then
        """
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._connection.close()
        return self.returncode

    def communicate(self, timeout=None):
        """Wait for its end, and return what it has printed, two texts.

        :param timeout: see :meth:`wait`
        """
        self.wait(timeout)
        return tuple(pathlib.Path(path).read_text() for path in self._paths)

    def send_signal(self, number):
        """Send it a signal, unless it is over."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        """End it at once, unless it is over."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.wait()


def run(module, *arguments, timeout=100, **options):
    """Run a module as a process of its own.

    :param module: its full name
    :param arguments: of the command line
    :param timeout: seconds
    :param options: see :class:`Process`
    :returns: :class:`subprocess.CompletedProcess`, with texts
    :raises subprocess.TimeoutExpired: when it is not over by then
    """
    with Process(module, *arguments, **options) as process:
        try:
            texts = process.communicate(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(
        process.args, process.returncode, *texts)


def _serve(listener):
    """Fork whatever is asked for; return what to be, in a fork.

    :param listener: socket on which it is asked for
    :returns: what was asked for; None in the server itself, when nobody is
        there any more who could ask
    """
    # Nobody has to wait for those that look after the others.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select(NOBODY):
            connection = key.fileobj
            if connection is listener:
                connection, _ = listener.accept()
                connection.sendall(b'!')
                selector.register(connection, selectors.EVENT_READ)
                continue
            selector.unregister(connection)
            asked = connection.makefile('r').readline()
            if asked and not os.fork():
                for other in selector.get_map().values():
                    other.fileobj.close()
                return _looked_after(connection, json.loads(asked))
            connection.close()
        if len(selector.get_map()) == 1:
            return None


def _looked_after(connection, asked):
    """Fork once more, and tell who asked of the fork's id and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    pid = os.fork()
    if not pid:
        connection.close()
        return asked
    with contextlib.suppress(OSError):
        connection.sendall(b'%d\n' % pid)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(OSError):
        connection.sendall(b'%d\n' % status)
    os._exit(0)


def _begin(asked):
    """Be the process that was asked for, but for its program."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN if number in asked['ignored']
                      else signal.SIG_DFL)
    if signal.SIGINT not in asked['ignored']:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, path in enumerate(asked['paths'], 1):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(asked['directory'])
    os.environ.clear()
    os.environ.update(asked['environment'])
    sys.argv = [asked['module'] or '-c', *asked['arguments']]


def main():
    """Serve until nobody may ask any more.

    :returns: in a fork, what was asked for, else None
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(_ADDRESS)
    except OSError:
        # Somebody else was faster.
        return None
    listener.listen(64)
    for module in _IMPORTED:
        importlib.import_module(module)
    return _serve(listener)


if __name__ == '__main__':
    # An exception that nobody handles has to come to the interpreter itself.
    _asked = main()
    if _asked is not None:
        _begin(_asked)
        if _asked['program'] is None:
            runpy.run_module(_asked['module'], run_name='__main__',
                             alter_sys=True)
        else:
            sys.modules['__main__'] = types.ModuleType('__main__')
            exec(_asked['program'], vars(sys.modules['__main__']))
