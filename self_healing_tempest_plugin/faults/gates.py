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

"""Who may be hurt: every refusal is one line that names the option."""

from tempest.lib import exceptions


class FaultRefused(exceptions.TempestException):
    """A fault that must not be injected here."""

    message = 'Fault refused: %(reason)s'

    def __init__(self, reason):
        super().__init__(reason=reason)


def check(host, servers, project_id, allow_faults, fault_hosts):
    """Refuse a fault on a host that must not be hurt.

    :param host: the Nova host name
    :param servers: all servers on it, as dicts of Nova
    :param project_id: the project whose servers may be hurt
    :param allow_faults: [self_healing] allow_faults
    :param fault_hosts: [self_healing] fault_hosts
    :raises FaultRefused: with the option that would allow it
    """
    if not allow_faults:
        raise FaultRefused('[self_healing] allow_faults is false')
    if host not in fault_hosts:
        raise FaultRefused(
            'host %s is not in [self_healing] fault_hosts (%s)'
            % (host, ', '.join(fault_hosts) or 'empty'))
    foreign = sorted({one['tenant_id'] for one in servers} - {project_id})
    if foreign:
        raise FaultRefused(
            'host %s carries servers of other projects (%s); name in '
            '[self_healing] fault_hosts only hosts without them'
            % (host, ', '.join(foreign)))
