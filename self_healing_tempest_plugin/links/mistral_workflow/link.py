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

"""The execution of the workflow that heals, in Mistral."""

from self_healing_tempest_plugin.model import links


def _ties(ids, payload):
    # A workflow that is not ours may call its input something else.
    return links.of_server(ids, payload) and payload.get(
        'stack_id') in (None, ids['stack_id'])


LINK = links.Link(
    name='workflow',
    words=links.Words(
        arrow='Vitrage → Mistral',
        arrived='execution of {workflow} was started for server {server_id}',
        expected='Mistral execution whose input names server {server_id}',
        look_at="vitrage-notifier's log for 'Failed to execute Mistral "
                "action' (its own notifier) or 'Workflow ... not started' "
                "(this package's), and the status of the healing rule in "
                "'vitrage template list'",
        unexpected="the execution in 'openstack workflow execution list': "
                   'who started it, and on which alarm'),
    lasting=True,
    # When Mistral did start, the arrow before it is fine.
    unfinished=links.Words(
        arrow='Mistral',
        arrived='',
        expected='execution of {workflow} in SUCCESS',
        look_at="'openstack workflow execution show' and the tasks of the "
                "execution, and mistral-engine's and mistral-executor's "
                'logs'),
    # Each execution works on the stack; the second is one too many.
    limit=links.Limit(
        started='executions of {workflow} were started for server '
                '{server_id}',
        look_at="vitrage-notifier's log: what it refuses to start again, and "
                "vitrage-graph's for the actions on server {server_id}"),
    deadline=links.Deadline(
        help='Seconds from what starts it, the deduced alarm or a message in '
             'a queue, to a Mistral execution, and from the healed stack to '
             'the end of that execution.',
        takes='the time from the deduced alarm or the message to a Mistral '
              'execution, and of that from the healed stack to the end of '
              'the execution,',
        seconds=30),
    ties=_ties,
    identity=('server_id', 'stack_id'),
    watched_on=True,
    kit='self_healing_tempest_plugin.links.mistral_workflow.kit:KIT')
