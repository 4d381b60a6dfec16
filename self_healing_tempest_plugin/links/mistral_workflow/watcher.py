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

"""Looks for the executions that Vitrage starts for the server."""

from self_healing_tempest_plugin.links import mistral_executions
from self_healing_tempest_plugin.links.mistral_workflow import link


def whose(execution):
    """Return the server that the input of an execution names, or None.

    :param execution: a dict of Mistral
    """
    return execution['input'].get('server_id')


class WorkflowWatcher(mistral_executions.ExecutionWatcher):
    """The Mistral executions whose input names the server."""

    link = link.LINK

    def whose(self, execution):
        """Return the server that an execution is for, or None."""
        return whose(execution)
