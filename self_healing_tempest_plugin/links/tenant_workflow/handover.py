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

"""An execution of the workflow that we start ourselves, with a message."""

import contextlib

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links import handover


@contextlib.contextmanager
def _execution(case, recorder):
    handover.fenced(case)
    begin = recorder.now()
    ids = case.ids
    alarm_id = next(iter(case.around.learned['event_alarms']))
    case.owner.mistral.start(
        ids['workflow'], {'stack_id': ids['stack_id']},
        'Started by the %s' % handover.WHO,
        env={'notification': {
            'queue_name': ids['queue'], 'Message_Type': 'Notification',
            'body': aodh_events.body(alarm_id, ids['server_id'])}})
    handover.handed_over(recorder, begin)
    yield


HANDOVER = handover.Handover(
    what='an execution that we started ourselves', hand_over=_execution,
    ours='the workflow works when we start it (%s); whether Zaqar would '
         'start it was not tried')
