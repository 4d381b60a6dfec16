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

"""What Mistral tells of the executions when all is over."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.services import asking

# Executions whose tasks are asked for: in a storm there are dozens.
EXECUTIONS = 3


def of(link):
    """Return what asks for the details of a workflow; see :class:`.kit.Kit`.

    :param link: :class:`..model.links.Link` of the workflow
    """
    def details(seen, expectation, around):
        del expectation
        mistral = around.owner.mistral
        return {'tasks of execution %s' % execution: asking.Question(
            'Mistral', lambda execution=execution: _tasks(
                link, mistral.tasks(execution)))
                for execution in seen.objects.get(link, ())[:EXECUTIONS]}
    return details


def _tasks(link, tasks):
    # A task that waits for something has begun long before its end.
    return [detail for task in tasks for word, time in (
        ('began', task.get('started_at') or task.get('created_at')),
        (task['state'], task.get('finished_at') or (
            task.get('updated_at')
            if task['state'] in ('SUCCESS', 'ERROR') else None)))
        for detail in context.details(
            link, 'Mistral task', task['id'],
            '%s %s' % (task['name'], word), 'Mistral', time)]
