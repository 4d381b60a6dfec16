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

"""Looks for the executions of both workflows."""

import dataclasses

from self_healing_tempest_plugin.links.either_workflow import link
from self_healing_tempest_plugin.links.mistral_workflow import (
    watcher as mistral_workflow)
from self_healing_tempest_plugin.links.tenant_workflow import (
    watcher as tenant_workflow)
from self_healing_tempest_plugin.watching import looks


class EitherWatcher:
    """The executions that the rule starts, and those that a message starts."""

    link, pace = link.LINK, looks.USUAL

    def __init__(self, around, by_rule, by_message):
        """Take the executions of before.

        :param around: :class:`..surroundings.Surroundings`
        :param by_rule: name of the workflow that the rule starts
        :param by_message: name of the one that the message starts
        """
        app, mistral = around.application, around.owner.mistral
        self._watchers = tuple(
            kind(mistral, workflow, app.server_id, app.stack.id)
            for kind, workflow in (
                (mistral_workflow.WorkflowWatcher, by_rule),
                (tenant_workflow.WorkflowWatcher, by_message)))

    def look(self, recorder):
        """Ask once for each; see :class:`..looks.Look`.

        Where one has failed, the other may still begin, and heal.
        """
        seen = [watcher.look(recorder) for watcher in self._watchers]
        begun = [look for look in seen if look.objects] or seen[:1]
        return dataclasses.replace(
            seen[0] if all(look.failure for look in seen) else looks.Look(''),
            state='; '.join(look.state for look in begun),
            sightings=tuple(sighting for look in seen
                            for sighting in look.sightings),
            objects=tuple(name for look in seen for name in look.objects),
            seen_at=max((look.seen_at for look in seen
                         if look.seen_at is not None), default=None))
