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

"""What Aodh tells of the alarms of the stack when all is over."""

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links.event_alarm import link
from self_healing_tempest_plugin.model import stamps
from self_healing_tempest_plugin.services import asking


def details(seen, expectation, around):
    """Return what to ask; see :class:`..kit.Kit`."""
    del expectation
    aodh = around.owner.aodh
    return {'history of event alarm %s' % name: asking.Question(
        'Aodh', lambda alarm_id=alarm_id, name=name: _fired(
            seen, name, aodh.transitions(alarm_id)))
            for alarm_id, name in around.learned['event_alarms'].items()}


def _fired(seen, name, changes):
    return [detail for change in changes
            if stamps.after_fault(seen, 'Aodh', change['timestamp'])
            for event in (aodh_events.of_reason(change['reason']),) if event
            for detail in context.details(
                link.LINK, 'Aodh alarm', event.id,
                '%s fired by %s of server %s' % (
                    name, event.type, event.server_id),
                'Aodh', change['timestamp'])]
