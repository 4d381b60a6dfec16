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

"""Nova: servers, compute services and hypervisors, by Tempest's clients."""

import contextlib
import functools
import json

from tempest.lib import exceptions as lib_exc

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import lists

# Nova 2.53: services and hypervisors have UUIDs, hypervisors list their
# servers, services tell forced_down (2.11), servers still list everything.
COMPUTE_MICROVERSION = '2.53'

# Whose action it is where no user asked for it.
NOVA = 'none, but Nova itself'

# nova.api.openstack.wsgi: Fault
_calling = functools.partial(errors.calling, 'Nova', dialect=errors.Dialect(
    own=errors.with_code))


class Nova:
    """Servers, compute services and hypervisors, by Tempest's clients.

    The caller sets :data:`COMPUTE_MICROVERSION` by Tempest's
    ``APIMicroversionFixture``.
    """

    def __init__(self, manager):
        self._servers = manager.servers_client
        self._interfaces = manager.interfaces_client
        self._services = manager.services_client
        self._hypervisors = manager.hypervisor_client
        self._manager = manager

    def server(self, server_id):
        """Return a server as a dict, None when it is deleted."""
        with contextlib.suppress(errors.NotThere), _calling(
                'show server %s' % server_id):
            return self._servers.show_server(server_id)['server']
        return None

    def ports(self, server_id):
        """Return the ids of the ports of a server as a tuple."""
        with _calling('list interfaces of server %s' % server_id):
            interfaces = self._interfaces.list_interfaces(
                server_id)['interfaceAttachments']
            return tuple(interface['port_id'] for interface in interfaces)

    def actions(self, server_id):
        """Return the actions on a server, oldest first, as dicts.

        :returns: empty for a server that was never there
        """
        with contextlib.suppress(errors.NotThere), _calling(
                'list actions on server %s' % server_id):
            # Not by list_instance_actions(): what nova-compute does of
            # itself has no user, which Tempest takes for a wrong answer.
            _, body = self._servers.get(
                'servers/%s/os-instance-actions' % server_id)
            actions = json.loads(body)['instanceActions'][::-1]
            return [dict(action, user_id=action.get('user_id') or NOVA)
                    for action in actions]
        return []

    def console(self, server_id, lines):
        """Return the last lines of a server's console as text.

        :param lines: how many
        """
        with _calling('show the console of server %s' % server_id):
            return self._servers.get_console_output(
                server_id, length=lines)['output']

    def reset_state(self, server_id, state='error'):
        """Put a server into a state, as far as Nova's database goes.

        :param state: ``error`` or ``active``
        """
        with _calling('reset the state of server %s' % server_id):
            self._servers.reset_state(server_id, state=state)

    def delete(self, server_id):
        """Start to delete a server; one that is gone is fine."""
        with contextlib.suppress(errors.NotThere), _calling(
                'delete server %s' % server_id):
            self._servers.delete_server(server_id)

    def stop(self, server_id):
        """Start to stop a server; one that is stopped is fine."""
        with _calling('stop server %s' % server_id):
            try:
                self._servers.stop_server(server_id)
            except lib_exc.Conflict:
                if self._servers.show_server(server_id)['server'][
                        'status'] != 'SHUTOFF':
                    raise

    def servers_on(self, host):
        """Return the servers of all projects on a host, as dicts."""
        with _calling('list servers on %s' % host):
            return self._servers.list_servers(
                detail=True, all_tenants=True, host=host)['servers']

    def services(self):
        """Return all services of Nova as a list of dicts."""
        with _calling('list services'):
            return self._services.list_services()['services']

    def compute_services(self):
        """Return all nova-compute services as a list of dicts."""
        with _calling('list compute services'):
            return self._services.list_services(
                binary='nova-compute')['services']

    def compute_service(self, host):
        """Return the nova-compute service of a host as a dict, or None."""
        return next((service for service in self.compute_services()
                     if service['host'] == host), None)

    def unforce(self, service):
        """Let Nova decide again whether a service is up.

        :param service: as a dict of Nova
        """
        with _calling('un-force host %s' % service['host']):
            self._services.update_service(service['id'], forced_down=False)

    def disable(self, service_id, reason):
        """Put no more servers on the host of a service.

        :param service_id: of its nova-compute
        :param reason: for people
        """
        with _calling('disable service %s' % service_id):
            self._services.update_service(
                service_id, status='disabled', disabled_reason=reason)

    def enable(self, service_id):
        """Put servers on the host of a service again.

        :param service_id: of its nova-compute
        """
        with _calling('enable service %s' % service_id):
            self._services.update_service(service_id, status='enabled')

    def host_address(self, host):
        """Return the management address of a host, None when unknown."""
        return self._hypervisor(host).get('host_ip')

    def hypervisor_type(self, host):
        """Return the hypervisor type of a host, None when unknown.

        :returns: e.g. ``QEMU``, or ``fake`` where none runs
        """
        return self._hypervisor(host).get('hypervisor_type')

    def _hypervisor(self, host):
        return next((hypervisor for hypervisor in self.hypervisors()
                     if hypervisor['service']['host'] == host), {})

    def version(self):
        """Return its newest version, with microversions, as text."""
        with _calling('show its version'):
            return lists.version(self._newest, self.limits, 'v2.1')

    def _newest(self):
        answer = self._manager.compute_versions_client.list_versions()
        version = lists.current(answer['versions'])
        return '%s, microversions %s to %s' % (
            version['id'], version['min_version'], version['version'])

    def hypervisors(self):
        """Return all hypervisors with their details, as dicts."""
        with _calling('list hypervisors'):
            return self._hypervisors.list_hypervisors(
                detail=True)['hypervisors']

    def limits(self):
        """Return the limits of the project and what is used, as a dict."""
        with _calling('show the limits'):
            return self._manager.limits_client.show_limits()[
                'limits']['absolute']

    def flavor(self, flavor):
        """Return a flavor as a dict, or None.

        :param flavor: its id or its name
        """
        with _calling('list flavors'):
            # Without is_public an admin sees public flavors only.
            flavors = self._manager.flavors_client.list_flavors(
                detail=True, is_public='None')['flavors']
            return lists.by_id_or_name(flavors, flavor)


def is_deleted(server):
    """Return whether a server is deleted, or about to be.

    With [DEFAULT] reclaim_instance_interval Nova keeps it for a while.

    :param server: as a dict of Nova, None when it is gone
    """
    return (server is None or server['status'] == 'SOFT_DELETED'
            or server['OS-EXT-STS:task_state'] in ('deleting',
                                                   'soft-deleting'))
