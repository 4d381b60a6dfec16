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

from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.links import vitrage_checks
from self_healing_tempest_plugin import templates

_NOTIFIER = 'VitrageNotifierService'


def questions(cloud):
    """Return what to ask; see :class:`..kit.Kit`."""
    mistral, vitrage = cloud.clients.mistral, cloud.clients.vitrage
    actions = templates.needs(*cloud.templates)[1]
    return {
        'Mistral': {
            'Mistral': mistral.version,
            'actions': lambda: rows.presence(
                actions, mistral.actions(actions))},
        'Vitrage': {
            'processes': lambda: vitrage_checks.processes(vitrage)}}


def _actions(settings, present):
    return rows.absent(present) or rows.yes(', '.join(sorted(present)))


CHECKS = (
    rows.Check('services', 'Mistral', ('Mistral',), rows.told,
               'look at [self_healing] mistral_catalog_type, and at '
               'mistral-api'),
    rows.Check('workflow', 'vitrage-notifier', ('processes',),
               vitrage_checks.process(_NOTIFIER), 'start vitrage-notifier'),
    rows.Check('workflow', 'notifier class', (), rows.unseen(
        'Vitrage does not tell it, and with its own it starts no workflow'),
        'look at [DEFAULT] notifiers (mistral, nova) and [mistral] notifier '
        'in vitrage.conf'),
    rows.Check('workflow', 'actions', ('actions',), _actions,
               'install mistral-extra for API, engine and executor of '
               'Mistral'),
)
