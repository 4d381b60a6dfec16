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

"""Neutron: networks, ports and floating addresses, by Tempest's clients."""

import contextlib
import functools

from tempest.lib import exceptions as lib_exc

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import lists


def _own(error):
    # neutron.api.api_common: NeutronError
    return {'type', 'message'} <= errors.body(error).keys()


_calling = functools.partial(errors.calling, 'Neutron', dialect=errors.Dialect(
    own=_own))


class Neutron:
    """Networks, by Tempest's clients."""

    def __init__(self, manager):
        self._networks = manager.networks_client
        self._versions = manager.network_versions_client
        self._manager = manager

    def version(self):
        """Return its newest version as text."""
        with _calling('show its version'):
            return lists.version(
                lambda: lists.current(
                    self._versions.list_versions()['versions'])['id'],
                lambda: self._networks.list_networks(limit=1), 'v2.0')

    def external_network(self, network):
        """Return an external network as a dict, or None.

        :param network: its id or its name
        """
        with _calling('list external networks'):
            networks = self._networks.list_networks(
                **{'router:external': True})['networks']
            return lists.by_id_or_name(networks, network)

    def ports(self, server_id):
        """Return the ports of a server as dicts."""
        with _calling('list ports of server %s' % server_id):
            return self._manager.ports_client.list_ports(
                device_id=server_id)['ports']

    def quotas(self, project_id):
        """Return the quotas of a project and what is used, as a dict.

        :param project_id: its id
        :returns: name of a resource to ``limit``, ``used`` and ``reserved``;
            None where Neutron does not tell
        """
        with _calling('show the quotas of project %s' % project_id):
            try:
                return self._manager.network_quotas_client.show_quota_details(
                    project_id)['quota']
            except lib_exc.NotFound:
                return None

    def delete_default_groups(self, project_id):
        """Delete the security groups that Neutron has made for a project.

        It leaves them where the project is deleted.

        :param project_id: its id
        """
        groups = self._manager.security_groups_client
        with _calling('delete the default security group of project %s'
                      % project_id):
            for group in groups.list_security_groups(
                    project_id=project_id, name='default')['security_groups']:
                with contextlib.suppress(errors.NotThere), _calling(
                        'delete security group %s' % group['id']):
                    groups.delete_security_group(group['id'])

    def floating_address(self, address):
        """Return a floating address as a dict, or None.

        :param address: the address itself
        """
        with _calling('find floating address %s' % address):
            return next(iter(
                self._manager.floating_ips_client.list_floatingips(
                    floating_ip_address=address)['floatingips']), None)
