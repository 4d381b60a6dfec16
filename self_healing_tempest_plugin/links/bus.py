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

"""What RabbitMQ tells of services that have no API: Ceilometer, and Aodh's.

The names of the queues are those that come without any setting: Ceilometer
reads the topic ``notifications`` of Nova, Aodh's listener ``alarm.all`` of
Ceilometer ([listener] event_alarm_topic), and its notifier ``alarming`` of the
listener ([DEFAULT] notifier_topic). Where they are others, there are no such
queues, and nothing is known.
"""

import functools

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.services import asking

Clue, Inquiry = context.Clue, context.Inquiry

NOTIFICATIONS = 'notifications.info'
EVENTS = 'alarm.all.sample'
ALARMS = 'alarming.sample'

QUEUES = (NOTIFICATIONS, EVENTS, ALARMS)

#: Seconds that all of its answers may take before the fault.
PATIENCE = 10.0


def counted(around):
    """Return how many messages have come into each queue so far.

    Without an answer it is not known: nobody waits for RabbitMQ for longer
    than :data:`PATIENCE`, and no run ends because of it.

    :param around: :class:`.surroundings.Surroundings`
    :returns: dict of the queues of which it is known
    """
    if around.bus is None:
        return {}
    answers = asked(around.bus, QUEUES, PATIENCE)
    queues = [answers[name] for name in QUEUES if not answers.error(name)]
    return {queue.name: queue.arrived for queue in queues
            if queue is not None and queue.arrived is not None}


def asked(bus, names, seconds):
    """Ask for some queues, side by side.

    :param bus: :class:`..services.rabbitmq.RabbitMQ`
    :param names: of the queues
    :param seconds: until a missing answer is an error
    :returns: :class:`..services.asking.Answers` by the names
    """
    return asking.ask({
        name: asking.Question(bus.service, functools.partial(bus.queue, name))
        for name in names}, seconds)


def inquiry(what, name, reader, writer):
    """Return the inquiry about one queue.

    :param what: what is in it, for people
    :param name: of the queue
    :param reader: the program that reads it
    :param writer: where to look when nothing comes into it
    """
    def ask(case):
        queue = case.around.bus.queue(name)
        if queue is None:
            return (Clue(None, 'there is no queue %s' % name),)
        return (_clue(queue, _new(case, queue), reader, writer),)

    return Inquiry('RabbitMQ', what, ask)


def _new(case, queue):
    """Return how many messages have come since before the fault, or None."""
    before = case.around.learned.get('on_the_bus', {}).get(queue.name)
    if before is None or queue.arrived is None:
        return None
    # A queue that was made anew counts from nothing.
    return queue.arrived - (before if before <= queue.arrived else 0)


def _clue(queue, new, reader, writer):
    text = 'queue %s: %s' % (queue.name, described(queue))
    if new is not None:
        text += ', %d have come since before the fault' % new
    if queue.readers == 0:
        return Clue(False, text, '%s: nobody reads queue %s' % (
            reader, queue.name))
    if queue.waiting:
        return Clue(None, text, '%s: it reads queue %s, in which %d messages '
                    'wait' % (reader, queue.name, queue.waiting))
    if new == 0:
        return Clue(False, text, writer)
    return Clue(new and True, text)


def described(queue):
    """Return who reads a queue, and how many messages wait in it.

    :param queue: :class:`..services.rabbitmq.Queue`
    """
    return '%s readers, %s messages wait' % tuple(
        'unknown' if count is None else count
        for count in (queue.readers, queue.waiting))
