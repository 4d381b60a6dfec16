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

"""Link message: Aodh's action as the sender, Zaqar's queue behind it."""

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links import bus
from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import trust_clues
from self_healing_tempest_plugin.services import errors

Clue, Inquiry = context.Clue, context.Inquiry

# Messages that are shown, the newest.
_MESSAGES = 5


def actions(case):
    """Whom do the alarms that have fired tell?"""
    queue, listed = case.ids['queue'], case.owner.aodh.alarms()
    names = case.around.learned['event_alarms']
    fired = [(names[alarm_id], alarm) for alarm_id, alarm in listed.items()
             if alarm_id in names and aodh_events.of_reason(
                 alarm.get('state_reason'))]
    if not fired:
        return (Clue(False, 'no event alarm of the stack has fired'),)
    return [_action(name, alarm, queue) for name, alarm in fired]


def _action(name, alarm, queue):
    # Aodh shows an action without the trust that is in it.
    told = alarm.get('alarm_actions') or []
    text = 'event alarm %s tells: %s' % (name, ', '.join(told) or 'nobody')
    if any('queue_name=%s' % queue in action for action in told):
        return Clue(True, text)
    return Clue(False, text, 'alarm_actions of event alarm %s: queue %s is '
                'not among them' % (name, queue))


def there(case):
    """Is the queue there, and how many messages has it?"""
    queue = case.ids['queue']
    try:
        there = case.owner.zaqar.queue(queue)
    except errors.ServiceUnavailable as error:
        return (Clue(None, 'Zaqar does not answer: %s' % error,
                     'Zaqar, which does not answer'),)
    if there is None:
        # It comes into being with its first message.
        return (Clue(
            False, 'there is no queue %s' % queue,
            "'openstack messaging queue list': there is no %s" % queue),)
    stats = case.owner.zaqar.stats(queue)
    newest = stats.get('newest') or {}
    return (Clue(bool(stats['total']), 'queue %s has %d messages%s' % (
        queue, stats['total'],
        ', the newest of %s' % newest['created'] if (
            'created' in newest) else '')),)


def messages(case):
    """About which servers are the messages?"""
    server = case.ids['server_id']
    return [_message(message, server) for message
            in case.owner.zaqar.messages(case.ids['queue'])[-_MESSAGES:]]


def _message(message, server):
    event = aodh_events.of_body(message['body'])
    text = 'message %s, %s s old, ' % (message['id'], message['age'])
    if event is None:
        return Clue(None, text + 'has no event')
    return Clue(event.server_id == server or None,
                '%sis about %s of server %s' % (text, event.type,
                                                event.server_id))


def trusts(case):
    """May Aodh still act for the owner, by the trusts of its alarms?

    Aodh shows no trust, but makes one for each alarm that has an action of
    that kind, for the user of its own credentials.
    """
    return trust_clues.for_user(
        case, 'aodh', len(case.around.learned['event_alarms']),
        'the event alarms')


_INQUIRIES = (
    Inquiry('Aodh', 'actions of its alarms', actions),
    Inquiry('Keystone', 'trusts of the owner', trusts),
    Inquiry('Zaqar', 'the queue', there),
    Inquiry('Zaqar', 'messages in the queue', messages),
)
_ON_THE_BUS = (
    bus.inquiry('alarms of the listener', bus.ALARMS, 'aodh-notifier',
                'aodh-listener: it has told the notifier of no alarm',
                source=bus.EVENTS),
)


def inquiries(case):
    """Return what to ask when there is no message about the server.

    :param case: :class:`..context.Case`
    """
    return (*(_ON_THE_BUS if case.around.bus else ()), *_INQUIRIES)
