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

"""The execution that a message has started, in Mistral.

It runs for the owner of the queue. Its input does not name the server: the
message does, which the execution has in its environment.
"""

import dataclasses

from self_healing_tempest_plugin.links.mistral_workflow import (
    link as mistral_workflow)
from self_healing_tempest_plugin.model import links

LINK = dataclasses.replace(
    mistral_workflow.LINK,
    words=dataclasses.replace(
        mistral_workflow.LINK.words,
        arrow='Zaqar → Mistral',
        expected='Mistral execution whose message names server {server_id}',
        look_at="Zaqar's log for 'webhook task got exception' and 'post "
                "request got exception'; [storage] message_pipeline in "
                'zaqar.conf (zaqar.notification.notifier), without which '
                'nobody gets a message',
        unexpected="the execution in 'openstack workflow execution list': "
                   'who started it, by which message'),
    limit=links.Limit(
        started=mistral_workflow.LINK.limit.started,
        look_at='the messages in queue {queue}: each of them starts an '
                'execution, and each event of Nova that an alarm asks for '
                'makes one'),
    # A message is told its subscribers before it has an id: what it tells of
    # has one.
    origins=(links.Origin('message', key='event_id', of='event_id'),),
    kit='self_healing_tempest_plugin.links.tenant_workflow.kit:KIT')
