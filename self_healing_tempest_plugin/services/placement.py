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

"""Placement: room for servers, by Tempest's client."""

from self_healing_tempest_plugin.services import errors

# Placement 1.16: candidates can be limited.
PLACEMENT_MICROVERSION = '1.16'


class Placement:
    """Room for servers, by Tempest's client.

    The caller sets :data:`PLACEMENT_MICROVERSION` by Tempest's
    ``APIMicroversionFixture``.
    """

    # There may be more; nobody needs that many places for one server.
    LIMIT = 1000

    def __init__(self, manager):
        self._placement = manager.placement_client

    def places(self, flavor):
        """Return where a server has room, as a set of ids of hypervisors.

        :param flavor: the flavor as a dict of Nova
        """
        disk = (flavor['disk'] + flavor['OS-FLV-EXT-DATA:ephemeral']
                + -(-(flavor['swap'] or 0) // 1024))
        wanted = {'VCPU': flavor['vcpus'], 'MEMORY_MB': flavor['ram'],
                  'DISK_GB': disk}
        with errors.calling('Placement', 'list allocation candidates'):
            candidates = self._placement.list_allocation_candidates(
                limit=self.LIMIT, resources=','.join(
                    '%s:%d' % item for item in wanted.items() if item[1]))
            return {provider for request in candidates['allocation_requests']
                    for provider in request['allocations']}
