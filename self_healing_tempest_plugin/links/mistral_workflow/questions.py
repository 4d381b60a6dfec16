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

"""Link workflow: Vitrage's rule and notifier, and Mistral."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import mistral_inquiries
from self_healing_tempest_plugin.links.mistral_workflow import link
from self_healing_tempest_plugin.links.mistral_workflow import watcher
from self_healing_tempest_plugin.links import vitrage_inquiries
from self_healing_tempest_plugin.services import errors

Clue, Inquiry = context.Clue, context.Inquiry

_NOTIFIER = 'VitrageNotifierService'


def rule(case):
    """Is the healing rule there, and did Vitrage load it?"""
    stack = case.around.application.stack
    rules = [
        resource for resource in case.owner.heat.resources(stack.identifier)
        if resource['resource_type'] == 'OS::Vitrage::Template']
    if not rules:
        return (Clue(False, 'stack %s has no healing rule' % stack.name,
                     'stack %s: it has no OS::Vitrage::Template'
                     % stack.name),)
    uuid = rules[0]['physical_resource_id']
    if not uuid:
        return (Clue(
            False, 'Vitrage has refused the healing rule of stack %s'
            % stack.name,
            "heat-engine's log for 'Failed to add template to Vitrage'"),)
    return vitrage_inquiries.judged(
        [template for template in case.clients.vitrage.templates()
         if template['uuid'] == uuid], uuid, 'healing rule')


def notifier(case):
    """Does vitrage-notifier run?"""
    try:
        processes = case.clients.vitrage.processes()
    except errors.ServiceError as error:
        if error.code is None:
            raise
        return (Clue(None, 'it lists its processes only with '
                     '[coordination] backend_url'),)
    if any(process.startswith(_NOTIFIER) for process in processes):
        return (Clue(True, 'vitrage-notifier is among its processes'),)
    return (Clue(
        False, 'vitrage-notifier is not among its processes: %s'
        % ', '.join(sorted(processes)),
        'vitrage-notifier: it does not run, see its log for why'),)


INQUIRIES = mistral_inquiries.Inquiries(
    link.LINK, watcher.whose, 'the input of execution {id}: it names server '
    '{target}, not {server}; see get_attr in the healing rule', (
        Inquiry('Vitrage', 'the healing rule', rule),
        Inquiry('Vitrage', 'its processes', notifier)))
