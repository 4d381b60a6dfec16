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

"""What binds link message to Zaqar, and to Aodh."""

from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links.message import checks
from self_healing_tempest_plugin.links.message import details
from self_healing_tempest_plugin.links.message import handover
from self_healing_tempest_plugin.links.message import link
from self_healing_tempest_plugin.links.message import questions
from self_healing_tempest_plugin.links.message import readiness
from self_healing_tempest_plugin.links.message import watcher
from self_healing_tempest_plugin.links import trust_clues


def _ids(around):
    return {'queue': readiness.queue(around)}


def _watcher(around):
    return watcher.MessageWatcher(
        around.owner.zaqar, readiness.queue(around),
        around.application.server_id)


def _remember(around):
    return trust_clues.remembered('aodh', around)


KIT = kit.Kit(
    link=link.LINK, ids=_ids, remember=_remember, watcher=_watcher,
    unmet=readiness.unmet,
    inquiries=questions.inquiries, details=details.details,
    handover=handover.HANDOVER, questions=checks.questions,
    checks=checks.CHECKS)
