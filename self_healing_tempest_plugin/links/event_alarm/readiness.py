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

"""Whether Aodh knows the event alarms of the stack, and none has fired."""

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links import bus
from self_healing_tempest_plugin.links.event_alarm import link
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting


def prepare(around):
    """Wait until Aodh and its listener know the alarms of the stack.

    The listener keeps those of a project for a while, see the option
    ``event_alarm_cache_ttl``: what comes before it has a new one is lost for
    good, and nobody shows what it has.

    :param around: :class:`..surroundings.Surroundings`
    :returns: ``event_alarms``, their names in the stack, by id, and
        ``on_the_bus``, see :func:`..bus.counted`
    :raises ..waiting.WaitTimeout: when Aodh has none of them
    """
    app, times = around.application, around.settings.timeouts

    def names():
        listed = around.owner.aodh.alarms()
        return {alarm_id: name for name, alarm_id in app.resources.items()
                if alarm_id in listed}

    known = waiting.wait_for(
        names, what='event alarms of stack %s in Aodh' % app.stack.name,
        timeout=times.links[link.LINK.name], interval=times.poll_interval,
        tolerate=errors.ServiceUnavailable,
        look_at="'openstack stack resource list %s': which of them are "
                'OS::Aodh::EventAlarm' % app.stack.name)
    waiting.pause(times.alarm_cache)
    return {'event_alarms': known, 'on_the_bus': bus.counted(around)}


def unmet(around):
    """Return that an alarm was fired for the server already.

    :param around: :class:`..surroundings.Surroundings`
    """
    listed = around.owner.aodh.alarms()
    for alarm_id, name in around.learned['event_alarms'].items():
        event = aodh_events.of_reason(
            listed.get(alarm_id, {}).get('state_reason'))
        if event and event.server_id == around.application.server_id:
            return 'event alarm %s was fired for server %s before the ' \
                   'fault' % (name, event.server_id)
    return ''
