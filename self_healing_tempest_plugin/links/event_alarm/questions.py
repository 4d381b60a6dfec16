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

"""Link event_alarm: Nova as its sender, Aodh as its receiver.

Between them is Ceilometer, which has no API: whether Nova has notified, and
whether Ceilometer has made an event of it, the message bus tells, where it can
be asked.
"""

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links import bus
from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.model import stamps

Clue, Inquiry = context.Clue, context.Inquiry


def state(case):
    """Does Nova know that something is wrong with the server?"""
    server_id = case.ids['server_id']
    server = case.clients.nova.server(server_id)
    if server is None:
        return (Clue(True, 'server %s is deleted in Nova' % server_id),)
    text = 'server %s is %s in Nova since %s' % (
        server_id, server['status'], server.get('updated'))
    if server['status'] == 'ACTIVE' and _changed(case, server):
        # It may have been another state meanwhile.
        return (Clue(None, text + ', after the fault'),)
    if server['status'] == 'ACTIVE':
        return (Clue(False, text, _unnoticed(case)),)
    return (Clue(True, text),)


def _changed(case, server):
    """Return whether Nova has changed a server since the fault."""
    timeline = case.timeline
    injected = timeline.transition('injected')
    return bool(timeline.began and injected) and any(
        stamp.low >= timeline.began + injected.begin - timeline.origin
        for stamp in stamps.at('Nova', server.get('updated')))


def _unnoticed(case):
    """Return where to look when Nova takes the server for well."""
    server_id = case.ids['server_id']
    if case.expectation.chain.link('deduction') is None:
        return ("nova-compute on host %s, and its [DEFAULT] "
                'sync_power_state_interval: Nova takes server %s for ACTIVE'
                % (case.ids['host'], server_id))
    return ("mark_down on the instance in the host template, and "
            "vitrage-notifier's log of its notifier nova ([DEFAULT] "
            'notifiers): server %s is ACTIVE in Nova' % server_id)


def alarms(case):
    """Are the alarms there, enabled, and about this server and queue?"""
    listed = case.owner.aodh.alarms()
    return [_alarm(case, name, listed.get(alarm_id)) for alarm_id, name
            in case.around.learned['event_alarms'].items()]


def _alarm(case, name, alarm):
    if alarm is None:
        return Clue(False, 'event alarm %s is gone' % name,
                    'who deleted event alarm %s of stack %s' % (
                        name, case.around.application.stack.name))
    wrong = _wrong(case, alarm)
    text = 'event alarm %s is in state %s: %s' % (
        name, alarm.get('state'), alarm.get('state_reason'))
    return Clue(not wrong and (_fired(case, alarm) or None),
                '%s%s' % (text, wrong and '; %s' % wrong),
                wrong and 'event alarm %s of stack %s: %s' % (
                    name, case.around.application.stack.name, wrong))


def _fired(case, alarm):
    """Return whether an event of this server has fired an alarm."""
    event = aodh_events.of_reason(alarm.get('state_reason'))
    return event is not None and event.server_id == case.ids['server_id']


def _wrong(case, alarm):
    """Return why an alarm cannot fire for the server, or not to the queue."""
    rule = alarm.get('event_rule') or {}
    servers = [term.get('value') for term in rule.get('query') or ()
               if term.get('field') == 'traits.instance_id']
    if not alarm.get('enabled'):
        return 'it is not enabled'
    if not alarm.get('alarm_actions'):
        return 'it has no action'
    if alarm.get('state') == 'alarm' and not alarm.get('repeat_actions'):
        return ('it is in state alarm already, and repeat_actions is false: '
                'it never fires again')
    if servers != [case.ids['server_id']] and not _fired(case, alarm):
        return 'it asks for server %s, not for %s' % (
            ', '.join(map(str, servers)) or 'unknown', case.ids['server_id'])
    return ''


def age(case):
    """May Aodh's listener have kept alarms of before these?"""
    seconds = case.around.settings.timeouts.alarm_cache
    cache = ('[DEFAULT] event_alarm_cache_ttl in aodh.conf, which '
             '[self_healing] event_alarm_cache_ttl says is %d s; ' % seconds)
    return (Clue(
        None, 'its listener is said to keep alarms for %d s' % seconds,
        cache + _FORMAT + (
            '' if case.around.learned.get('on_the_bus') else _UNSEEN)),)


# Others notify by the same queue: that some came tells nothing of Nova.
_FORMAT = ('[notifications] notification_format in every nova.conf: '
           'Ceilometer reads the unversioned ones')
_UNSEEN = ("; then the log of ceilometer-agent-notification, and of "
           "aodh-listener at debug level ('Evaluating event'): did the "
           'notification of Nova arrive')

_INQUIRIES = (
    Inquiry('Nova', 'the server', state),
    Inquiry('Aodh', 'event alarms of the stack', alarms),
)
_ON_THE_BUS = (
    bus.inquiry('notifications of Nova', bus.NOTIFICATIONS,
                'ceilometer-agent-notification',
                '[notifications] notification_format in every nova.conf: '
                'Ceilometer reads the unversioned ones, and Nova has sent '
                'none'),
    bus.inquiry('events of Ceilometer', bus.EVENTS, 'aodh-listener',
                "the publisher notifier://?topic=alarm.all in Ceilometer's "
                'event_pipeline.yaml: of what Ceilometer has read, it has '
                'published no event', source=bus.NOTIFICATIONS),
)
_LISTENER = Inquiry('Aodh', 'its listener', age)


def inquiries(case):
    """Return what to ask when no event alarm has fired.

    :param case: :class:`..context.Case`
    """
    return (*_INQUIRIES, *(_ON_THE_BUS if case.around.bus else ()), _LISTENER)
