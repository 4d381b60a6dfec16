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
than most tests take for all else. So one process for each that runs tests
imports them once, and does nothing but fork those that run a module, as
``python -m`` does: with arguments, environment, directory and output of their
own, and nothing of who runs the tests.
"""

import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile

_SERVER = multiprocessing.get_context('forkserver')
# None of them is what is run: that is to be imported as the main module.
_SERVER.set_forkserver_preload([__name__, *(
    'self_healing_tempest_plugin.%s' % module for module in (
        'cmd.preflight', 'cmd.revert', 'drill',
        'tests.scenario.test_data_nic', 'tests.scenario.test_host_power',
        'tests.scenario.test_synthetic_alarm', 'tests.scenario.test_tenant'))])


def run(module, *arguments, environment=None, directory=None, merged=False,
        timeout=100):
    """Run a module as a process of its own.

    :param module: its full name
    :param arguments: of the command line
    :param environment: all of it, a dict; None: that of this process
    :param directory: where; None: where this process is
    :param merged: whether standard error goes to standard output
    :param timeout: seconds
    :returns: :class:`subprocess.CompletedProcess`, with texts
    :raises subprocess.TimeoutExpired: when it is not over by then
    """
    with tempfile.TemporaryDirectory() as outputs:
        paths = [os.path.join(outputs, name)
                 for name in ('out', 'out' if merged else 'err')]
        process = _SERVER.Process(target=_begin, args=(
            module, arguments, dict(environment or os.environ),
            directory or os.getcwd(), paths))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(module, timeout)
        texts = [pathlib.Path(path).read_text() for path in paths]
    return subprocess.CompletedProcess(
        (module, *arguments), process.exitcode, *texts)


def _begin(module, arguments, environment, directory, paths):
    for number, path in enumerate(paths, 1):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name='__main__', alter_sys=True)
