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

"""What binds link application to the guest that answers."""

from self_healing_tempest_plugin.links.application import checks
from self_healing_tempest_plugin.links.application import link
from self_healing_tempest_plugin.links.application import questions
from self_healing_tempest_plugin.links.application import readiness
from self_healing_tempest_plugin.links.application import stack_checks
from self_healing_tempest_plugin.links.application import watcher
from self_healing_tempest_plugin.links import kit


def _watcher(around):
    app = around.application
    # Where no guest runs, nobody answers.
    return watcher.ApplicationWatcher(
        app, app.boot, around.clients.nova,
        around.company) if app.answers else None


KIT = kit.Kit(
    link=link.LINK, watcher=_watcher, unmet=readiness.unmet,
    inquiries=questions.inquiries, questions=stack_checks.questions,
    checks=(*stack_checks.CHECKS, *checks.CHECKS))
