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

"""A message in the queue that we post ourselves, as Aodh would."""

import contextlib

from self_healing_tempest_plugin.links import aodh_events
from self_healing_tempest_plugin.links import handover


@contextlib.contextmanager
def _message(case, recorder):
    handover.fenced(case)
    begin = recorder.now()
    alarm_id = next(iter(case.around.learned['event_alarms']))
    case.owner.zaqar.post(case.ids['queue'], aodh_events.body(
        alarm_id, case.ids['server_id']))
    handover.handed_over(recorder, begin)
    yield


HANDOVER = handover.Handover(
    what='a message that we put into the queue ourselves',
    hand_over=_message,
    ours='the queue has what we put into it (%s); whether Aodh would put it '
         'there was not tried')
