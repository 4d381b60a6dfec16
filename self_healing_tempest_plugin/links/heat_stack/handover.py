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

"""An update of the stack that we start ourselves, as the workflow would."""

import contextlib

from self_healing_tempest_plugin.links import handover
from self_healing_tempest_plugin.services import errors


@contextlib.contextmanager
def _update(case, recorder):
    handover.fenced(case)
    begin = recorder.now()
    server, stack = case.ids['server_id'], case.around.application.stack
    # As the workflow does it, which also goes on when this is refused.
    with contextlib.suppress(errors.ServiceError):
        case.clients.nova.reset_state(server)
    case.owner.heat.mark_unhealthy(stack, server,
                                   'Marked by the %s' % handover.WHO)
    case.owner.heat.update(stack)
    handover.handed_over(recorder, begin)
    yield


HANDOVER = handover.Handover(
    what='an update of the stack that we started ourselves',
    hand_over=_update)
