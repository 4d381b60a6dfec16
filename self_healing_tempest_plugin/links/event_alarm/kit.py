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

"""What binds link event_alarm to Aodh, and to Nova."""

from self_healing_tempest_plugin.links.event_alarm import checks
from self_healing_tempest_plugin.links.event_alarm import details
from self_healing_tempest_plugin.links.event_alarm import handover
from self_healing_tempest_plugin.links.event_alarm import link
from self_healing_tempest_plugin.links.event_alarm import questions
from self_healing_tempest_plugin.links.event_alarm import readiness
from self_healing_tempest_plugin.links.event_alarm import watcher
from self_healing_tempest_plugin.links import kit


def _watcher(around):
    return watcher.EventAlarmWatcher(
        around.owner.aodh, around.learned['event_alarms'],
        around.application.server_id)


KIT = kit.Kit(
    link=link.LINK, prepare=readiness.prepare, watcher=_watcher,
    unmet=readiness.unmet, inquiries=questions.inquiries,
    details=details.details, handover=handover.HANDOVER,
    questions=checks.questions, checks=checks.CHECKS)
