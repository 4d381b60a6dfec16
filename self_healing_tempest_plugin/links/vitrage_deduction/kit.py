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

import dataclasses

from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links.vitrage_deduction import checks
from self_healing_tempest_plugin.links.vitrage_deduction import handover
from self_healing_tempest_plugin.links.vitrage_deduction import link
from self_healing_tempest_plugin.links.vitrage_deduction import questions
from self_healing_tempest_plugin.links.vitrage_deduction import readiness
from self_healing_tempest_plugin.links.vitrage_deduction import template
from self_healing_tempest_plugin.links.vitrage_deduction import watcher
from self_healing_tempest_plugin import templates

# What the tests add in place of a template, where servers are to be marked.
_MARKING = {templates.HOST_DOWN: templates.HOST_DOWN_TENANT,
            templates.NIC_DOWN: templates.NIC_DOWN_TENANT}

# Vitrage tells Nova at once, and puts the deduced alarm into the queue of its
# graph: seconds for which what Nova does may be there before that alarm is.
MARKING_LAG = 1.0


def _ids(around):
    return {'deduced_alarm': around.settings.deduced_alarm_name}


def _wire(around, files=None):
    file = around.alarm.file
    return template.DeductionTemplate(
        around.clients, around.settings, around.monitor.datasource,
        around.alarm, around.journal, (files or {}).get(file, file))


def _wire_marking(around):
    return _wire(around, _MARKING)


def _watcher(around, of=link.LINK, lag=0.0):
    return watcher.DeductionWatcher(
        around.clients.vitrage, around.learned['server'],
        around.settings.deduced_alarm_name, of, lag)


def _marking_watcher(around):
    return _watcher(around, link.MARKING, MARKING_LAG)


KIT = kit.Kit(
    link=link.LINK, ids=_ids, wire=_wire, prepare=readiness.prepare,
    watcher=_watcher, unmet=readiness.unmet, remains=readiness.remains,
    inquiries=questions.inquiries, handover=handover.HANDOVER,
    questions=checks.questions, checks=checks.CHECKS)

MARKING = dataclasses.replace(
    KIT, link=link.MARKING, wire=_wire_marking, watcher=_marking_watcher,
    checks=(*checks.CHECKS, checks.MARKED))
