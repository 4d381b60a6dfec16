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

"""What binds link deduction to Vitrage."""

from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links.vitrage_deduction import checks
from self_healing_tempest_plugin.links.vitrage_deduction import handover
from self_healing_tempest_plugin.links.vitrage_deduction import link
from self_healing_tempest_plugin.links.vitrage_deduction import questions
from self_healing_tempest_plugin.links.vitrage_deduction import readiness
from self_healing_tempest_plugin.links.vitrage_deduction import template
from self_healing_tempest_plugin.links.vitrage_deduction import watcher


def _ids(around):
    return {'deduced_alarm': around.settings.deduced_alarm_name}


def _parameters(settings):
    return {'instance_alarm_name': settings.deduced_alarm_name}


def _wire(around):
    return template.DeductionTemplate(
        around.clients, around.settings, around.monitor.datasource,
        around.alarm, around.journal)


def _watcher(around):
    return watcher.DeductionWatcher(
        around.clients.vitrage, around.learned['server'],
        around.settings.deduced_alarm_name)


KIT = kit.Kit(
    link=link.LINK, ids=_ids, parameters=_parameters, wire=_wire,
    prepare=readiness.prepare, watcher=_watcher, unmet=readiness.unmet,
    remains=readiness.remains, inquiries=questions.inquiries,
    handover=handover.HANDOVER, questions=checks.questions,
    checks=checks.CHECKS)
