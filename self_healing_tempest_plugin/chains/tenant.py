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

"""Vitrage deduces and tells Nova; all else is of the tenant's own stack.

fault → alarm (monitor) → deduction (Vitrage) → event_alarm (Aodh) → message
(Zaqar) → workflow (Mistral) → stack (Heat) → application
"""

from self_healing_tempest_plugin.links.application import link as application
from self_healing_tempest_plugin.links.event_alarm import link as event_alarm
from self_healing_tempest_plugin.links.heat_stack import link as heat_stack
from self_healing_tempest_plugin.links.message import link as message
from self_healing_tempest_plugin.links.monitor_alarm import (
    link as monitor_alarm)
from self_healing_tempest_plugin.links.tenant_workflow import (
    link as tenant_workflow)
from self_healing_tempest_plugin.links.vitrage_deduction import (
    link as vitrage_deduction)
from self_healing_tempest_plugin.model import chains
from self_healing_tempest_plugin.model import links

ALARM, DEDUCTION = monitor_alarm.LINK, vitrage_deduction.MARKING
EVENT_ALARM, MESSAGE = event_alarm.LINK, message.LINK
WORKFLOW, STACK = tenant_workflow.LINK, heat_stack.LINK
APPLICATION = application.LINK

_RAISED = chains.Step(ALARM)
_DEDUCED = chains.Step(DEDUCTION, after=_RAISED)
_FIRED = chains.Step(EVENT_ALARM, after=_DEDUCED)
_POSTED = chains.Step(MESSAGE, after=_FIRED)
_STARTED = chains.Step(WORKFLOW, links.Mark.STARTED, after=_POSTED)
_UPDATED = chains.Step(STACK, after=_STARTED)

CHAIN = chains.Chain(
    name='tenant',
    links=(ALARM, DEDUCTION, EVENT_ALARM, MESSAGE, WORKFLOW, STACK,
           APPLICATION),
    steps=(
        _RAISED, _DEDUCED, _FIRED, _POSTED, _STARTED, _UPDATED,
        # An execution ends after the stack that it waits for, and nobody
        # waits for its end.
        chains.Step(WORKFLOW, after=_UPDATED),
        chains.Step(APPLICATION, after=_UPDATED)),
    repair=STACK,
    template='tenant.hot.yaml',
    member=True)
