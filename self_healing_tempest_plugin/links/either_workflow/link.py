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

"""The execution of one of two workflows, whoever starts it.

The application is wired both ways: a rule of Vitrage starts one workflow, a
message in a queue the other. Each does what the other does.
"""

import dataclasses

from self_healing_tempest_plugin.links.mistral_workflow import (
    link as mistral_workflow)
from self_healing_tempest_plugin.links.tenant_workflow import (
    link as tenant_workflow)
from self_healing_tempest_plugin.model import links

_RULE, _MESSAGE = mistral_workflow.LINK, tenant_workflow.LINK

LINK = dataclasses.replace(
    _RULE,
    words=dataclasses.replace(
        _RULE.words,
        arrow='Vitrage, or Zaqar → Mistral',
        expected='Mistral execution whose input or message names server '
                 '{server_id}',
        look_at='%s; %s' % (_RULE.words.look_at, _MESSAGE.words.look_at)),
    limit=links.Limit(
        started=_RULE.limit.started,
        look_at='%s; %s' % (_RULE.limit.look_at, _MESSAGE.limit.look_at),
        ways=2),
    kit='self_healing_tempest_plugin.links.either_workflow.kit:KIT')
