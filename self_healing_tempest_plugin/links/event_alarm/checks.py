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

"""What preflight asks about Aodh, and who tells it of Nova's events."""

from self_healing_tempest_plugin.links import bus
from self_healing_tempest_plugin.links import bus_checks
from self_healing_tempest_plugin.links import rows


def questions(cloud):
    """Return what to ask; see :class:`..kit.Kit`."""
    aodh = cloud.clients.aodh
    return {'Aodh': {'Aodh': aodh.version, 'event alarms': aodh.alarms},
            **bus_checks.questions(cloud, bus.NOTIFICATIONS, bus.EVENTS)}


def _notifications(settings, queue):
    return bus_checks.filled(
        settings, bus.NOTIFICATIONS, queue,
        'Nova does not tell whether it sends those that Ceilometer reads')


def _pipeline(settings, notifications, events):
    unasked = 'Ceilometer does not tell whether it runs, and whom it tells'
    return tuple(dict.fromkeys((
        *bus_checks.read(settings, bus.NOTIFICATIONS, notifications,
                         'ceilometer-agent-notification', unasked),
        *bus_checks.read(settings, bus.EVENTS, events, 'aodh-listener',
                         unasked))))


def _alarms(settings, alarms):
    del settings
    return rows.yes('its API lists them; the project of the administrator '
                    'has %d' % len(alarms))


def _cache(settings):
    seconds = settings.timeouts.alarm_cache
    return rows.yes('a new one is left alone for %d s' % seconds) if (
        seconds) else rows.unknown(
            'Aodh does not tell whether its listener keeps none')


CHECKS = (
    rows.Check('services', 'Aodh', ('Aodh',), rows.told,
               'look at [self_healing] aodh_catalog_type, and at aodh-api'),
    rows.Check('event_alarm', 'notifications', (bus.NOTIFICATIONS,),
               _notifications,
               'set [notifications] notification_format = both in every '
               'nova.conf, and [oslo_messaging_notifications] driver'),
    rows.Check('event_alarm', 'event pipeline',
               (bus.NOTIFICATIONS, bus.EVENTS), _pipeline,
               'run ceilometer-agent-notification, with the publisher '
               'notifier://?topic=alarm.all in event_pipeline.yaml, and '
               'aodh-listener'),
    rows.Check('event_alarm', 'event alarms', ('event alarms',), _alarms,
               'look at aodh-api'),
    rows.Check('event_alarm', 'alarm cache', (), _cache,
               'set [DEFAULT] event_alarm_cache_ttl = 0 in aodh.conf, or '
               '[self_healing] event_alarm_cache_ttl to what it is there'),
)
