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

"""What binds link workflow to Mistral, and to the rule in Vitrage."""

from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links import mistral_details
from self_healing_tempest_plugin.links import mistral_executions
from self_healing_tempest_plugin.links.mistral_workflow import checks
from self_healing_tempest_plugin.links.mistral_workflow import handover
from self_healing_tempest_plugin.links.mistral_workflow import link
from self_healing_tempest_plugin.links.mistral_workflow import questions
from self_healing_tempest_plugin.links.mistral_workflow import readiness
from self_healing_tempest_plugin.links.mistral_workflow import watcher


KIT = kit.Kit(
    link=link.LINK, ids=mistral_executions.ids,
    parameters=readiness.parameters, prepare=readiness.prepare,
    watcher=watcher.WorkflowWatcher.of, unmet=readiness.unmet,
    inquiries=questions.INQUIRIES.inquiries,
    at_work=questions.INQUIRIES.at_work, others=questions.INQUIRIES.others,
    details=mistral_details.of(link.LINK), handover=handover.HANDOVER,
    questions=checks.questions, checks=checks.CHECKS)
