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

"""The lab on this machine, step by step.

A thin hand on the playbooks below playbooks/lab, which do the same on a node
of a CI system, and on ``tempest run``.
"""

import argparse
import os
import re
import subprocess
import sys
import time

from tools.lab import errors
from tools.lab import labs
from tools.lab import services

TESTS = 'self_healing'


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tox -e lab --', description='A real, small OpenStack on this '
        'machine, and the self-healing tests on it.')
    parser.add_argument(
        'step', nargs='?', choices=sorted(STEPS),
        help='up: bring up what is not up; run: run the tests; status: list '
             'the services; down: stop everything, keep the files; destroy: '
             'stop everything, remove the files. Without a step: up and run.')
    labs.add_option(parser)
    parser.add_argument(
        '-e', dest='variables', action='append', default=[],
        metavar='NAME=VALUE',
        help='a variable of playbooks/lab/group_vars/all.yaml')
    parser.add_argument(
        '-r', dest='tests', default=TESTS, metavar='REGEX',
        help='the tests to run (default: %(default)s)')
    return parser.parse_args(arguments)


def play(name, options):
    """Run a playbook; return its exit code."""
    return options.lab.play(name, options.variables)


def up(options):
    """Bring up what is not up."""
    code = play('up', options)
    if code:
        try:
            print(services.describe_dead(services.services(options.lab)))
        except errors.LabDown:
            # The lab did not come so far; Ansible has said why.
            pass
    return code


def run(options):
    """Run the tests in the lab's Tempest workspace.

    :returns: 0 when at least one test passed and none failed
    """
    workspace = options.lab.workspace
    if not workspace.conf.exists():
        print('There is no lab in %s: `tox -e lab -- up` makes one.'
              % options.lab.directory, file=sys.stderr)
        return 1
    started = time.time()
    command = [workspace.program('tempest'), 'run', '--concurrency', '1',
               '-r', options.tests]
    code, output = tee(command, workspace.directory)
    passed = re.search(r'^ - Passed: (\d+)$', output, re.MULTILINE)
    for timeline in timelines(options.lab, started):
        print('\n' + timeline.read_text('utf-8'))
    if not (passed and int(passed.group(1))):
        print('No test passed.', file=sys.stderr)
        return code or 1
    return code


def timelines(lab, since):
    """Return the tables that the tests have written since a moment.

    :param since: seconds since the epoch
    """
    return sorted(table for table in lab.artifacts.glob('*.txt')
                  if table.stat().st_mtime >= since)


def tee(command, directory):
    """Run a command, show and return what it prints.

    :returns: its exit code and its output
    """
    lines = []
    environment = dict(os.environ, PYTHONUNBUFFERED='1')
    with subprocess.Popen(
            command, cwd=directory, env=environment, text=True,
            errors='backslashreplace', stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            print(line, end='', flush=True)
            lines.append(line)
    return process.returncode, ''.join(lines)


def status(options):
    """List the services.

    :returns: 0 when all that should run does
    """
    try:
        listed = services.services(options.lab)
    except errors.LabDown as error:
        print('The lab is down: %s.' % error)
        return 1
    print(services.table(listed))
    dead = services.describe_dead(listed)
    if dead:
        print(dead)
    return 1 if dead else 0


def down(options):
    """Stop everything, keep the files."""
    return play('down', options)


def destroy(options):
    """Stop everything, remove the files."""
    return play('destroy', options)


def up_and_run(options):
    """What ``tox -e lab`` does."""
    code = up(options) or run(options)
    if (options.lab.directory / 'bin').exists():
        print('The lab goes on running. `tox -e lab -- down` stops it, '
              '`tox -e lab -- destroy` removes it.')
    return code


STEPS = {'up': up, 'run': run, 'status': status, 'down': down,
         'destroy': destroy}


def main(arguments=None):
    """Run one step, or up and run.

    :returns: the exit code
    """
    options = parse(arguments)
    return STEPS.get(options.step, up_and_run)(options)
