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

"""What binds link alarm to Vitrage and to the monitor."""

from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links.monitor_alarm import checks
from self_healing_tempest_plugin.links.monitor_alarm import link
from self_healing_tempest_plugin.links.monitor_alarm import questions
from self_healing_tempest_plugin.links.monitor_alarm import readiness
from self_healing_tempest_plugin.links.monitor_alarm import watcher


def _ids(around):
    return {'host_alarm': around.alarm.name,
            'monitor_look_at': around.monitor.look_at}


def _remember(around):
    return {'sent': around.monitor.sent()}


def _watcher(around):
    return watcher.AlarmWatcher(
        around.clients.vitrage, around.learned['host'],
        around.monitor, around.alarm.name)


def _details(seen, expectation, around):
    return around.monitor.details(seen, expectation, around)


KIT = kit.Kit(
    link=link.LINK, ids=_ids, prepare=readiness.prepare, remember=_remember,
    watcher=_watcher, unmet=readiness.unmet, not_back=readiness.active,
    inquiries=questions.inquiries, details=_details,
    questions=checks.questions, checks=checks.CHECKS)
