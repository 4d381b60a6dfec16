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

"""Whether a program of the lab works again, after it was away."""

from oslo_utils import uuidutils

from tools.lab import errors
from tools.lab import labs
from tools.sabotage import questions


def wait(lab, program):
    """Wait until a program works, where that can be seen.

    :param lab: :class:`tools.lab.labs.Lab`
    :param program: its name
    :raises LabError: when it does not come to work
    """
    works = _WORKS.get(program)
    if works:
        labs.wait(lambda: works(lab), '%s works' % program)


def _lists(service, path, key):
    """Return a function that says whether a service lists something."""
    # Zaqar wants to know who asks.
    headers = {'Client-ID': uuidutils.generate_uuid()}

    def works(lab):
        try:
            return key in lab.cloud.ask(service, path, headers=headers)
        except errors.LabError:
            return False
    return works


def _reads(queue):
    """Return a function that says whether somebody reads a queue."""
    return lambda lab: questions.readers(lab, queue)


def _notifier(lab):
    # The notifier works off the events that came while it was away.
    return not questions.queued(lab, 'vitrage_evaluator')


_WORKS = {
    'heat-engine': _lists('orchestration', '/stacks?limit=1', 'stacks'),
    'mistral': _lists('workflowv2', '/workflows?limit=1', 'workflows'),
    'nova-api': _lists('compute', '/servers?limit=1', 'servers'),
    'zaqar': _lists('messaging', '/v2/queues?limit=1', 'queues'),
    'ceilometer-agent-notification': _reads('notifications.info'),
    'aodh-listener': _reads('alarm.all.sample'),
    'aodh-notifier': _reads('alarming.sample'),
    'vitrage-notifier': _notifier}
