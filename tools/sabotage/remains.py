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

"""Removes what a run leaves in the cloud that was killed."""

from tools.lab import errors
from tools.lab import labs

#: What the names of the plugin's own stacks and templates have in them.
STACK, TEMPLATE = 'self-healing-application', 'self_healing_host_down_'


def remove(lab):
    """Remove applications with their executions, and deduction templates.

    :param lab: :class:`tools.lab.labs.Lab`
    :returns: what could not be removed, as a list of text
    """
    problems = []
    for step in (_executions, _stacks, _templates):
        try:
            step(lab)
        except errors.LabError as error:
            problems.append(str(error))
    return problems


def _executions(lab):
    answer = lab.cloud.ask('workflowv2', '/executions?all_projects=true')
    for execution in answer['executions']:
        if STACK in execution['workflow_name']:
            lab.cloud.ask('workflowv2', '/executions/%s?force=true'
                          % execution['id'], 'DELETE')


def _stacks(lab):
    for stack in _left_stacks(lab):
        lab.cloud.ask('orchestration', '/stacks/%(stack_name)s/%(id)s' % stack,
                      'DELETE')
    labs.wait(lambda: not _left_stacks(lab), 'no stack of an application',
              120)


def _left_stacks(lab):
    return [stack
            for stack in lab.cloud.ask('orchestration', '/stacks')['stacks']
            if STACK in stack['stack_name']]


def _templates(lab):
    ids = [template['uuid']
           for template in lab.cloud.ask('rca', '/v1/template/')
           if template['name'].startswith(TEMPLATE)]
    if ids:
        lab.cloud.ask('rca', '/v1/template/', 'DELETE', json={'id': ids})
