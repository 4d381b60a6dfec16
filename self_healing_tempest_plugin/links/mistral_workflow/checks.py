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

"""What preflight asks about Mistral, and who starts its workflows."""

from self_healing_tempest_plugin.links import mistral_checks
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.links import vitrage_checks

_NOTIFIER = 'VitrageNotifierService'


def questions(cloud):
    """Return what to ask; see :class:`..kit.Kit`."""
    vitrage = cloud.clients.vitrage
    return {**mistral_checks.questions(cloud), 'Vitrage': {
        'processes': lambda: vitrage_checks.processes(vitrage)}}


CHECKS = (
    mistral_checks.SERVICE,
    rows.Check('workflow', 'vitrage-notifier', ('processes',),
               vitrage_checks.process(_NOTIFIER), 'start vitrage-notifier'),
    rows.Check('workflow', 'notifier class', (), rows.unseen(
        'Vitrage does not tell it, and with its own it starts no workflow'),
        'look at [DEFAULT] notifiers (mistral, nova) and [mistral] notifier '
        'in vitrage.conf'),
    mistral_checks.ACTIONS,
)
