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

"""A server that we put into ERROR in Nova, as the deduction would."""

import contextlib

from self_healing_tempest_plugin.links import handover


@contextlib.contextmanager
def _state(case, recorder):
    handover.fenced(case)
    begin = recorder.now()
    nova, server_id = case.clients.nova, case.ids['server_id']
    server = nova.server(server_id)
    if server is not None and server['status'] == 'ERROR':
        # Nova notifies of a change only.
        nova.reset_state(server_id, 'active')
        begin = recorder.now()
    nova.reset_state(server_id)
    handover.handed_over(recorder, begin)
    yield


# Nobody takes that back: Heat replaces a server in ERROR, as it should, and
# one that it does not replace belongs to a stack that goes with the run.
HANDOVER = handover.Handover(
    what='the state ERROR that we gave the server in Nova',
    hand_over=_state)
