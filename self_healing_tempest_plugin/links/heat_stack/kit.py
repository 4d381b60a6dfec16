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

"""What binds link stack to Heat and Nova."""

from self_healing_tempest_plugin.links.heat_stack import details
from self_healing_tempest_plugin.links.heat_stack import handover
from self_healing_tempest_plugin.links.heat_stack import link
from self_healing_tempest_plugin.links.heat_stack import questions
from self_healing_tempest_plugin.links.heat_stack import readiness
from self_healing_tempest_plugin.links.heat_stack import watcher
from self_healing_tempest_plugin.links import kit


def _ids(around):
    return {'stack_id': around.application.stack.id}


def _watcher(around):
    app = around.application
    return watcher.StackWatcher(around.owner.heat, around.clients.nova,
                                app.stack, app.server_id)


KIT = kit.Kit(
    link=link.LINK, ids=_ids, watcher=_watcher, unmet=readiness.unmet,
    inquiries=questions.inquiries, others=questions.others,
    details=details.details, handover=handover.HANDOVER)
