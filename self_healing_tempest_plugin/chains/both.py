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

"""Both ways at once for one application: whichever comes first heals it.

fault → alarm (monitor) → deduction (Vitrage) → workflow (Mistral, by the rule
or by a message) → stack (Heat) → application
"""

from self_healing_tempest_plugin.links.application import link as application
from self_healing_tempest_plugin.links.either_workflow import (
    link as either_workflow)
from self_healing_tempest_plugin.links.heat_stack import link as heat_stack
from self_healing_tempest_plugin.links.monitor_alarm import (
    link as monitor_alarm)
from self_healing_tempest_plugin.links.vitrage_deduction import (
    link as vitrage_deduction)
from self_healing_tempest_plugin.model import chains
from self_healing_tempest_plugin.model import links

ALARM, DEDUCTION = monitor_alarm.LINK, vitrage_deduction.MARKING
WORKFLOW, STACK = either_workflow.LINK, heat_stack.LINK
APPLICATION = application.LINK

_RAISED = chains.Step(ALARM)
_DEDUCED = chains.Step(DEDUCTION, after=_RAISED)
_STARTED = chains.Step(WORKFLOW, links.Mark.STARTED, after=_DEDUCED)
_UPDATED = chains.Step(STACK, after=_STARTED)

CHAIN = chains.Chain(
    name='both',
    links=(ALARM, DEDUCTION, WORKFLOW, STACK, APPLICATION),
    steps=(
        _RAISED, _DEDUCED, _STARTED, _UPDATED,
        # An execution ends after the stack that it waits for, and nobody
        # waits for its end.
        chains.Step(WORKFLOW, after=_UPDATED),
        chains.Step(APPLICATION, after=_UPDATED)),
    repair=STACK, once=True,
    template='both.hot.yaml')
