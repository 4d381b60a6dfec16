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

"""What preflight asks about Zaqar."""

from self_healing_tempest_plugin.links import bus
from self_healing_tempest_plugin.links import bus_checks
from self_healing_tempest_plugin.links import rows


def questions(cloud):
    """Return what to ask; see :class:`..kit.Kit`."""
    return {'Zaqar': {'Zaqar': cloud.clients.zaqar.version},
            **bus_checks.questions(cloud, bus.ALARMS)}


def _notifier(settings, queue):
    return bus_checks.read(settings, bus.ALARMS, queue, 'aodh-notifier',
                           'Aodh does not tell whether it runs')


CHECKS = (
    rows.Check('services', 'Zaqar', ('Zaqar',), rows.told,
               'look at [self_healing] zaqar_catalog_type, and at the API of '
               'Zaqar'),
    rows.Check('message', 'aodh-notifier', (bus.ALARMS,), _notifier,
               'run aodh-notifier, with [service_types] zaqar in aodh.conf'),
)
