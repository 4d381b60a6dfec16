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

"""Whether nothing runs yet for the server."""

from self_healing_tempest_plugin.links import mistral_executions
from self_healing_tempest_plugin.links.tenant_workflow import watcher


def unmet(around):
    """Return that the server is, or was, to be healed already.

    :param around: :class:`..surroundings.Surroundings`
    """
    return mistral_executions.started_before(around, watcher.whose)
