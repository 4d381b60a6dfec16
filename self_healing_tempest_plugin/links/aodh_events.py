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

"""Events of Nova, as Aodh tells of them: in reasons and in messages.

An alarm names the event that it has fired for in its ``state_reason``, and so
does its history, beside the conditions that the event has met. A message in a
queue has the event itself, as Ceilometer has made it of a notification.
"""

import dataclasses
import json
import re

from oslo_utils import uuidutils

from self_healing_tempest_plugin.links import handover
from self_healing_tempest_plugin.monitors import events
from self_healing_tempest_plugin import waiting

# aodh.evaluator.event: _fire_alarm
_REASON = re.compile(r'Event <id=(.+?),event_type=(.+?)> hits the query '
                     r'<query=(.*)>\.', re.DOTALL)

_SERVER = 'instance_id'

# The type of a trait that is text, as Ceilometer numbers them.
_TEXT = 1


@dataclasses.dataclass(frozen=True)
class Event:
    """What is known of an event.

    :ivar id: of the notification that it was made of
    :ivar type: e.g. ``compute.instance.update``
    :ivar server_id: the server that it is about, None where that is not told
    :ivar generated: when Nova notified, ISO 8601, None where that is not told
    """

    id: str
    type: str
    server_id: str | None = None
    generated: str | None = None


def of_reason(reason):
    """Return the event that an alarm has fired for, None for another reason.

    :param reason: why an alarm is in its state, as text
    """
    told = _REASON.match(reason) if isinstance(reason, str) else None
    if told is None:
        return None
    return Event(told[1], told[2], _asked_for(told[3]))


def _asked_for(query):
    """Return the server that a query asks for, or None.

    All conditions were met, so that the event is about that server.
    """
    try:
        return next((str(term['value']) for term in json.loads(query)
                     if term['field'] == 'traits.%s' % _SERVER
                     and term.get('op', 'eq') == 'eq'), None)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def of_body(body):
    """Return the event in the body of a message, None where there is none.

    :param body: anything that somebody may have put into a queue
    """
    try:
        event = body['reason_data']['event']
        return Event(str(event['message_id']), str(event['event_type']),
                     next((str(value) for name, _, value in event['traits']
                           if name == _SERVER), None), event.get('generated'))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def body(alarm_id, server_id):
    """Return the body of a message of our own, like those of Aodh.

    :param alarm_id: the alarm that it is said to be of
    :param server_id: the server that is said to be in ERROR
    """
    event_id = uuidutils.generate_uuid()
    reason = 'Event <id=%s,event_type=compute.instance.update> is none: %s' % (
        event_id, handover.WHO)
    return {
        'alarm_id': alarm_id, 'alarm_name': handover.WHO, 'severity': 'low',
        'previous': 'alarm', 'current': 'alarm', 'reason': reason,
        'reason_data': {'type': 'event', 'event': {
            'message_id': event_id, 'event_type': 'compute.instance.update',
            'generated': events.stamp(waiting.CLOCK.wall()), 'raw': {},
            'traits': [[_SERVER, _TEXT, server_id],
                       ['state', _TEXT, 'error']]}}}
