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

"""Takes a program away while healing workflows run, and counts who heals.

Each workflow is the plugin's own, in a small stack of its own whose "server"
takes some seconds to be replaced. They are started one after the other, so
that one loss of the program hits each of them in another moment. Needs the
lab, and nothing else on it; run it by the Python of ``tox -e sabotage``.
"""

import argparse
import collections
import contextlib
import json
import pathlib
import time

import prettytable
import yaml

import tools
from tools.lab import errors
from tools.lab import labs
from tools.sabotage import breakages
from tools import waiting

HOT = (tools.SOURCE / 'self_healing_tempest_plugin' / 'templates'
       / 'application.hot.yaml')

#: Names of the stacks begin with it.
PREFIX = 'measured-workflow'
#: Seconds that Heat needs for the new "server".
REPLACING = 8
#: Seconds that the workflows are given, more than they give themselves.
PATIENCE = 300
#: Parameters of the workflow.
LIMITS = {'heal_time': 240, 'heal_step_time': 30}
#: States of an execution that ends no more.
ENDED = ('SUCCESS', 'ERROR', 'CANCELLED')

COLUMNS = ('stack', 'begun', 'execution', 'seconds', 'tasks', 'lost',
           'replaced', 'reason')


def template(path):
    """Return the stack: the plugin's workflow, and a server that is none.

    :param path: of the HOT that has the workflow
    """
    whole = yaml.safe_load(path.read_text())
    workflow = dict(whole['resources']['heal_instance'])
    # It comes after the network, of which there is none here.
    del workflow['depends_on']
    return {
        'heat_template_version': whole['heat_template_version'],
        'parameters': {name: parameter
                       for name, parameter in whole['parameters'].items()
                       if name.startswith('heal_')},
        'resources': {
            'heal_instance': workflow,
            'server': {'type': 'OS::Heat::TestResource', 'properties': {
                'value': 'a', 'wait_secs': 0,
                'action_wait_secs': {'create': REPLACING}}}}}


class Patient:
    """A stack with its workflow, and one execution of that."""

    def __init__(self, lab, name, stack):
        self._ask, self.name = lab.cloud.ask, name
        made = self._ask('orchestration', '/stacks', 'POST', json={
            'stack_name': name, 'template': stack, 'parameters': {
                limit: LIMITS[limit] for limit in LIMITS
                if limit in stack['parameters']}})
        self.stack_id = made['stack']['id']
        self._path = '/stacks/%s/%s' % (name, self.stack_id)
        self.execution = self.begun = self.ended = None

    def created(self):
        """Return whether the stack is there."""
        return self._status() == 'CREATE_COMPLETE'

    def start(self, now):
        """Start the workflow."""
        ids = {resource['resource_name']: resource['physical_resource_id']
               for resource in self._resources()}
        self.server = ids['server']
        self.execution = self._ask(
            'workflowv2', '/executions', 'POST', json={
                'workflow_name': ids['heal_instance'],
                'input': json.dumps({'stack_id': self.stack_id,
                                     'server_id': self.server})})['id']
        self.begun = now

    def look(self):
        """Return whether the execution has ended; Mistral may be away."""
        try:
            state = self._show()['state']
        except errors.LabError:
            return False
        if state in ENDED and self.ended is None:
            self.ended = time.monotonic()
        return state in ENDED

    def row(self, origin):
        """Return the outcome, one cell for each of the columns."""
        shown = self._show()
        tasks = self._ask('workflowv2', '/executions/%s/tasks'
                          % self.execution)['tasks']
        lost = collections.Counter(
            task['name'] for task in tasks
            if 'timed out' in (task['state_info'] or ''))
        return (self.name, '%+.1f' % (self.begun - origin), shown['state'],
                '-' if self.ended is None
                else '%.0f' % (self.ended - self.begun),
                len(tasks), ', '.join(map('%s: %d'.__mod__, lost.items())),
                'yes' if self._replaced() else 'NO',
                (shown['state_info'] or '')[:70])

    def delete(self):
        """Delete the stack, and its execution before it."""
        if self.execution:
            self._ask('workflowv2', '/executions/%s?force=true'
                      % self.execution, 'DELETE')
        self._ask('orchestration', self._path, 'DELETE')

    def gone(self):
        """Return whether the stack is deleted."""
        try:
            return self._status() == 'DELETE_COMPLETE'
        except errors.LabError:
            return True

    def _replaced(self):
        return self._status() == 'UPDATE_COMPLETE' and self.server not in [
            resource['physical_resource_id'] for resource in self._resources()]

    def _show(self):
        return self._ask('workflowv2', '/executions/%s' % self.execution)

    def _status(self):
        return self._ask('orchestration', self._path + (
            '?resolve_outputs=false'))['stack']['stack_status']

    def _resources(self):
        return self._ask('orchestration',
                         '%s/resources' % self._path)['resources']


def lose(lab, options):
    """Take the program away for some seconds."""
    stopped = breakages.StoppedProgram(options.program)
    if options.kill:
        lab.signal('KILL', options.program)
    try:
        stopped.do(lab)
        waiting.pause(options.away)
    finally:
        stopped.undo(lab)


def measure(lab, patients, options):
    """Start all, take the program away, wait for the ends.

    :returns: rows of the table
    """
    origin = time.monotonic() + options.every * len(patients)
    for patient in patients:
        patient.start(time.monotonic())
        waiting.pause(options.every)
    lose(lab, options)
    with contextlib.suppress(errors.LabError):
        # All of them at each look: else the end of a later one is seen late.
        labs.wait(lambda: all([patient.look() for patient in patients]),
                  'all executions ended', PATIENCE, 1)
    return [patient.row(origin) for patient in patients]


def main(arguments=None):
    """Measure; return 0 where everybody is healed."""
    options = parse(arguments)
    lab, patients, rows = options.lab, [], []
    try:
        # One after the other: Mistral, asked by several at the same time,
        # finds errors in expressions that have none.
        for number in range(options.count):
            patients.append(Patient(lab, '%s-%d' % (PREFIX, number),
                                    template(options.hot)))
            labs.wait(patients[-1].created, 'stack %d' % number)
        rows = measure(lab, patients, options)
    finally:
        for patient in patients:
            patient.delete()
        labs.wait(lambda: all(patient.gone() for patient in patients),
                  'no stacks')
    view = prettytable.PrettyTable(COLUMNS, align='l')
    view.add_rows(rows)
    healed = sum(row[2] == 'SUCCESS' and row[6] == 'yes' for row in rows)
    print('%s\n%d of %d healed' % (view, healed, len(rows)))
    return int(healed < len(rows))


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tools/measure workflow', description=__doc__)
    parser.add_argument('--program', default='mistral',
                        help='of the controller (default: %(default)s)')
    parser.add_argument('--kill', action='store_true',
                        help='by SIGKILL, not as a service manager stops it')
    parser.add_argument('--away', type=float, default=15, metavar='SECONDS',
                        help='how long (default: %(default)g)')
    parser.add_argument('--count', type=int, default=8,
                        help='of the workflows (default: %(default)s)')
    parser.add_argument('--every', type=float, default=1.3,
                        metavar='SECONDS',
                        help='between two starts (default: %(default)g)')
    parser.add_argument('--hot', type=pathlib.Path, default=HOT,
                        metavar='FILE', help='of another workflow')
    labs.add_option(parser)
    return parser.parse_args(arguments)
