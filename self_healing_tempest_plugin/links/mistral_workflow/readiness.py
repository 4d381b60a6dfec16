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

"""Whether the rule that starts the workflow is there, and nothing runs yet."""

from self_healing_tempest_plugin.links import healing_times
from self_healing_tempest_plugin.links import mistral_executions
from self_healing_tempest_plugin.links.mistral_workflow import watcher
from self_healing_tempest_plugin.links import vitrage_templates
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import stacks


def parameters(settings):
    """Return what the template of the application takes for the workflow.

    :param settings: :class:`..config.Settings`
    """
    return {'instance_alarm_name': settings.deduced_alarm_name,
            **healing_times.parameters(settings)}


def prepare(around):
    """Wait until Vitrage has loaded the rule that starts the workflow.

    Heat calls the resource complete even where Vitrage has refused the
    template, and does not wait until it is loaded.

    :param around: :class:`..surroundings.Surroundings`
    :returns: nothing that is to be known
    :raises ..services.errors.ServiceRefused: when Vitrage has refused the rule
    :raises ..waiting.WaitError: when it does not load it
    """
    app = around.application
    if app.healing:
        resources = around.owner.heat.resources(app.stack.identifier)
        uuid = stacks.physical_id(resources, 'OS::Vitrage::Template')
        if not uuid:
            raise errors.ServiceRefused(
                'Vitrage', 'add the healing rule of stack %s'
                % app.stack.name, "it did not take it, see heat-engine's "
                "log for 'Failed to add template to Vitrage'")
        vitrage_templates.wait_active(around.clients.vitrage, uuid,
                                      around.settings.timeouts)
    return {}


def unmet(around):
    """Return that the server is, or was, to be healed already.

    :param around: :class:`..surroundings.Surroundings`
    """
    return mistral_executions.started_before(around, watcher.whose)
