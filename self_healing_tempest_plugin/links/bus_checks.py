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

"""What preflight asks RabbitMQ about services that have no API."""

import functools

from self_healing_tempest_plugin.links import bus
from self_healing_tempest_plugin.links import rows

#: Seconds that one of its answers may take: fewer than preflight waits.
PATIENCE = 4.0


def questions(cloud, *names):
    """Return what to ask about queues; see :class:`.kit.Kit`.

    The suite runs without RabbitMQ's answers, so that an error is an answer,
    too, and no failure. Where RabbitMQ is not asked, the answer is None.

    :param cloud: :class:`..preflight.cloud.Cloud`
    :param names: of the queues, which are those of the questions
    """
    return {'RabbitMQ': {name: functools.partial(_queue, cloud.bus, name)
                         for name in names}}


def _queue(asked, name):
    if asked is None:
        return None
    answers = bus.asked(asked, (name,), PATIENCE)
    return answers.error(name) or answers[name]


def read(settings, name, answer, program, unasked):
    """Return whether somebody reads a queue, as findings.

    :param settings: :class:`..config.Settings`
    :param name: of the queue
    :param answer: to the question of that name
    :param program: that should read it
    :param unasked: what is unknown where RabbitMQ is not asked
    """
    if settings.bus is None:
        return rows.unknown(unasked)
    if isinstance(answer, Exception):
        return rows.unknown(rows.one_line(answer))
    if answer is None:
        return rows.no('%s: there is no queue %s: it has never run, or reads '
                       'another one' % (program, name))
    if answer.readers == 0:
        return rows.no('%s: nobody reads queue %s' % (program, name))
    state = rows.unknown if answer.readers is None else rows.yes
    return state('%s: queue %s, %s' % (program, name, bus.described(answer)))


def filled(settings, name, answer, unasked):
    """Return whether messages have ever come into a queue, as findings.

    That none have is no failure: they come when something happens.

    :param settings: see :func:`read`
    :param name: see there
    :param answer: see there
    :param unasked: see there
    """
    if settings.bus is None:
        return rows.unknown(unasked)
    if isinstance(answer, Exception):
        return rows.unknown(rows.one_line(answer))
    if answer is None or not answer.arrived:
        return rows.unknown('none are known to have come into queue %s'
                            % name)
    return rows.yes('%d have come into queue %s' % (answer.arrived, name))
