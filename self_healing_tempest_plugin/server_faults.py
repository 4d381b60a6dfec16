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

"""What somebody does to a server by the API of Nova, as an administrator.

The commands of the journal run this module in a process of its own::

    python -m self_healing_tempest_plugin.server_faults \\
        delete|stop|is-deleted|is-stopped --config-file FILE SERVER

The questions have the exit code 0 for a yes, and 1 for a no.
"""

import sys

from tempest import clients as tempest_clients
from tempest.common import credentials_factory
from tempest.lib.common import api_microversion_fixture

from self_healing_tempest_plugin.faults import steps
from self_healing_tempest_plugin.services import nova


def _delete(services, server_id):
    services.delete(server_id)
    return 0


def _stop(services, server_id):
    services.stop(server_id)
    return 0


def _is_deleted(services, server_id):
    return int(not nova.is_deleted(services.server(server_id)))


def _is_stopped(services, server_id):
    # It may be replaced already, and gone.
    server = services.server(server_id)
    return int(not nova.is_deleted(server) and server['status'] != 'SHUTOFF')


STEPS = {'delete': _delete, 'stop': _stop, 'is-deleted': _is_deleted,
         'is-stopped': _is_stopped}


def main(arguments=None):
    """Take one step in a process of its own.

    :param arguments: list of words, or None for those of the process
    :returns: its exit code
    """
    return steps.main(__doc__.splitlines()[0], STEPS, _take, arguments)


def _take(step, server_id):
    with api_microversion_fixture.APIMicroversionFixture(
            compute_microversion=nova.COMPUTE_MICROVERSION):
        return STEPS[step](_nova(), server_id)


def _nova():
    return nova.Nova(tempest_clients.Manager(
        credentials_factory.get_configured_admin_credentials(
            identity_version='v3')))


if __name__ == '__main__':
    sys.exit(main())
