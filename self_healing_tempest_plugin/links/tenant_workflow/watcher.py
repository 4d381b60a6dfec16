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

"""Looks for the executions that messages about the server have started."""

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links import mistral_executions
from self_healing_tempest_plugin.links.tenant_workflow import link
from self_healing_tempest_plugin.model import stamps


def event(execution):
    """Return the event in the message of an execution, or None.

    :param execution: a dict of Mistral
    :returns: :class:`..aodh_events.Event`
    """
    try:
        message = execution['params']['env']['notification']
        return aodh_events.of_body(message['body'])
    except (KeyError, TypeError):
        return None


def whose(execution):
    """Return the server that the message of an execution names, or None.

    :param execution: a dict of Mistral
    """
    told = event(execution)
    return told and told.server_id


class WorkflowWatcher(mistral_executions.ExecutionWatcher):
    """The Mistral executions whose message names the server."""

    link = link.LINK

    def whose(self, execution):
        """Return the server that an execution is for, or None."""
        return whose(execution)

    def told(self, execution):
        """Return which event has led to an execution."""
        return {'event_id': event(execution).id}

    def causes(self, execution):
        """Return when Nova notified of it, to the microsecond."""
        return stamps.not_before('Nova', event(execution).generated)
