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

"""What preflight asks about Mistral, whoever starts its workflows."""

from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin import templates


def questions(cloud):
    """Return what to ask; see :class:`.kit.Kit`."""
    mistral = cloud.clients.mistral
    actions = templates.needs(*cloud.templates)[1]
    return {'Mistral': {
        'Mistral': mistral.version,
        'actions': lambda: rows.presence(actions, mistral.actions(actions))}}


def _actions(settings, present):
    return rows.absent(present) or rows.yes(', '.join(sorted(present)))


SERVICE = rows.Check(
    'services', 'Mistral', ('Mistral',), rows.told,
    'look at [self_healing] mistral_catalog_type, and at mistral-api')
ACTIONS = rows.Check(
    'workflow', 'actions', ('actions',), _actions,
    'install mistral-extra for API, engine and executor of Mistral')
