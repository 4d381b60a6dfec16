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
import shlex
import subprocess
import sys
import time

from tools.lab import children
from tools.lab import errors
from tools.lab import labs
from tools.lab import locks
from tools.lab import places
from tools.lab import services
from tools import regexes

TESTS = 'self_healing'
#: Seconds that the tests have to take back what they have broken.
PATIENCE = 240
#: Goes before tempest.conf, in the environment of a run.
FRESH = {'OS_SELF_HEALING__SHARE_APPLICATIONS': 'false'}
#: What must not be open to everybody says so itself; what the services of the
#: lab read, also those that are not root, is closed by nothing else.
UMASK = 0o022
#: A name of Ansible's.
NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='./drill', description='A real, small OpenStack on this '
        'machine, and the self-healing tests on it.')
    parser.add_argument(
        'step', nargs='?', choices=sorted(STEPS),
        help='up: bring up what is not up; run: run the tests; status: list '
             'the services; down: stop everything, keep the files; destroy: '
             'stop everything, remove the files. Without a step: up and run.')
    labs.add_option(parser)
    parser.add_argument(
        '-e', dest='variables', action='append', default=[],
        type=_variable, metavar='NAME=VALUE',
        help='a variable of playbooks/lab/group_vars/all.yaml')
    parser.add_argument(
        '-r', dest='tests', default=TESTS, type=regexes.regex,
        metavar='REGEX',
        help='the tests to run (default: %(default)s)')
    parser.add_argument(
        '--fresh', action='store_true',
        help='run: make an application for each scenario, instead of one for '
             'several')
    # The lock, where a step takes it.
    parser.set_defaults(lock=None)
    return parser.parse_args(arguments)


def _variable(text):
    """Return a variable of the command line as a pair of name and value."""
    name, equals, value = text.partition('=')
    if not equals or not NAME.fullmatch(name):
        raise argparse.ArgumentTypeError('%r is not NAME=VALUE' % text)
    if name == 'lab_dir':
        raise argparse.ArgumentTypeError(
            'lab_dir is what --dir says: use that')
    return name, value


def play(name, options):
    """Run a playbook; return its exit code."""
    return options.lab.play(name, dict(options.variables), options.lock)


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
        print('There is no lab in %s: `%s` makes one.' % (
            options.lab.directory, again('up', options)), file=sys.stderr)
        return 1
    started = time.time()
    command = [workspace.program('tempest'), 'run', '--concurrency', '1',
               '-r', options.tests]
    code, output = tee(command, workspace.directory, options.lock,
                       workspace.stestr() | (FRESH if options.fresh else {}))
    passed = re.search(r'^ - Passed: (\d+)$', output, re.MULTILINE)
    for timeline in timelines(options.lab, started):
        print('\n' + timeline.read_text(encoding='utf-8'))
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


def tee(command, directory, lock=None, environment=()):
    """Run a command, show and return what it prints.

    :param lock: file descriptor, see :func:`.children.running`
    :param environment: mapping of what differs from that of this process
    :returns: its exit code and its output
    """
    lines = []
    environment = dict(os.environ, PYTHONUNBUFFERED='1', **dict(environment))
    with children.running(
            command, PATIENCE, lock, cwd=directory, env=environment,
            text=True, encoding='utf-8', errors='backslashreplace',
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        with process.stdout:
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
    """What ``./drill`` does."""
    code = up(options) or run(options)
    if (options.lab.directory / 'bin').exists():
        print('The lab goes on running. `%s` stops it, `%s` removes it.' % (
            again('down', options), again('destroy', options)))
    return code


def again(step, options):
    """Return the command line of a step, for this lab."""
    words = ['./drill', step]
    if options.lab.directory != places.directory(places.from_environment()):
        words += ['--dir', str(options.lab.directory)]
    return shlex.join(words)


STEPS = {'up': up, 'run': run, 'status': status, 'down': down,
         'destroy': destroy}


def main(arguments=None):
    """Run one step, or up and run.

    :returns: the exit code
    """
    for stream in (sys.stdout, sys.stderr):
        # What a terminal cannot show must not end a step.
        stream.reconfigure(errors='backslashreplace')
    options = parse(arguments)
    os.umask(UMASK)
    try:
        with children.requests_heard():
            return step(options)
    except children.Stopped as stopped:
        print(interrupted(options), file=sys.stderr)
        return stopped.code
    except errors.LabError as error:
        print(error, file=sys.stderr)
        return 1


def step(options):
    """Run the step of a command line, alone where it changes anything.

    :returns: the exit code
    :raises LabError: when somebody else works on the lab
    """
    if options.step == 'status':
        return status(options)
    with locks.held('`%s` of %s' % (
            options.step or 'up', options.lab.directory)) as options.lock:
        return STEPS.get(options.step, up_and_run)(options)


def interrupted(options):
    """Return what is left to do after a step did not come to its end."""
    if options.step in ('down', 'destroy', 'status'):
        return 'Interrupted: `%s` goes on.' % again(options.step, options)
    if options.step == 'run':
        return ('Interrupted: what the tests have broken and could not take '
                'back is taken back by `%s`.' % shlex.join(
                    options.lab.workspace.reverting()))
    return 'Interrupted: `%s` goes on, `%s` removes the lab.' % (
        again(options.step or 'up', options), again('destroy', options))
