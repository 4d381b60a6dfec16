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

"""What Heat's tests stand on, and the removal of what tests have left.

Heat's tests have no projects of their own: a project, its member, and a
network with a router have to be there.
"""

import secrets
import uuid

from keystoneauth1 import exceptions as keystone_exceptions
from openstack import config as openstack_config
from openstack import connection
from openstack import exceptions

from tools.lab import errors
from tools.upstream import suites

CIDR = '10.99.0.0/24'

#: Seconds that the removal of what is in one project may take.
REMOVAL = 300

#: How the projects and users of Tempest's dynamic credentials are called.
DYNAMIC = 'tempest-'

#: What openstacksdk's clean-up of a project does not know, in the order of
#: removal: service, list, key of the list, field that names an item.
OTHERS = (
    ('workflowv2', '/executions', 'executions', 'id'),
    ('workflowv2', '/event_triggers', 'event_triggers', 'id'),
    ('workflowv2', '/cron_triggers', 'cron_triggers', 'name'),
    ('workflowv2', '/workbooks', 'workbooks', 'name'),
    ('workflowv2', '/workflows', 'workflows', 'id'),
    ('alarming', '/v2/alarms', None, 'alarm_id'),
    ('messaging', '/v2/queues', 'queues', 'name'),
)


class Ground:
    """The project of Heat's tests, and those that Tempest makes."""

    def __init__(self, clouds):
        """Take where the lab is; nothing is made yet.

        :param clouds: path of its clouds.yaml
        :raises LabDown: when there is none, or nobody answers
        """
        if not clouds.exists():
            raise errors.LabDown('%s is missing' % clouds)
        region = openstack_config.OpenStackConfig(
            config_files=[str(clouds)], load_envvars=False).get_one('lab')
        self._cloud = connection.Connection(config=region)
        try:
            self._cloud.authorize()
        except (exceptions.SDKException,
                keystone_exceptions.ClientException) as error:
            raise errors.LabDown(str(error)) from error
        self._projects = self._dynamic(self._cloud.identity.projects())
        self._users = self._dynamic(self._cloud.identity.users())

    def make(self, external):
        """Make what is not there.

        :param external: name of the network that the router leads to
        :returns: the password of the member
        """
        password = secrets.token_urlsafe(16)
        identity, network = self._cloud.identity, self._cloud.network
        project = identity.create_project(name=suites.PROJECT,
                                          domain_id='default')
        member = identity.create_user(
            name=suites.MEMBER, domain_id='default', password=password,
            default_project_id=project.id)
        identity.assign_project_role_to_user(
            project, member, identity.find_role('member'))
        made = network.create_network(name=suites.NETWORK,
                                      project_id=project.id)
        subnet = network.create_subnet(
            name=suites.SUBNET, network_id=made.id, project_id=project.id,
            ip_version=4, cidr=CIDR)
        router = network.create_router(
            name=suites.ROUTER, project_id=project.id, external_gateway_info={
                'network_id': network.find_network(external).id})
        network.add_interface_to_router(router, subnet_id=subnet.id)
        return password

    def remove(self):
        """Remove our project, and those of Tempest that are new."""
        identity = self._cloud.identity
        projects = [project for project in identity.projects()
                    if project.name == suites.PROJECT]
        projects += self._dynamic(identity.projects(), self._projects)
        users = [user for user in identity.users()
                 if user.name == suites.MEMBER]
        users += self._dynamic(identity.users(), self._users)
        for project in projects:
            self._empty(project)
        for user in users:
            for pair in self._cloud.compute.keypairs(user_id=user.id):
                self._cloud.compute.delete_keypair(pair, user_id=user.id)
            identity.delete_user(user)
        for project in projects:
            identity.delete_project(project)

    @staticmethod
    def _dynamic(listed, known=()):
        """Return what Tempest has made, but for what was known before."""
        ids = {entry.id for entry in known}
        return [entry for entry in listed
                if entry.name.startswith(DYNAMIC) and entry.id not in ids]

    def _empty(self, project):
        """Remove all that is in a project, as its administrator."""
        identity = self._cloud.identity
        identity.assign_project_role_to_user(
            project, self._cloud.current_user_id, identity.find_role('admin'))
        within = self._cloud.connect_as_project(project)
        within.project_cleanup(dry_run=False, wait_timeout=REMOVAL)
        for service, path, key, field in OTHERS:
            _remove_all(within.session, service, path, key, field)


def _remove_all(session, service, path, key, field):
    """Remove what a service lists in the project of a session."""
    # Zaqar wants to know which client asks.
    options = {'endpoint_filter': {'service_type': service},
               'headers': {'Client-ID': str(uuid.uuid4()),
                           'Accept': 'application/json'}}
    found = session.get(path, **options).json()
    for item in found[key] if key else found:
        answer = session.delete('%s/%s' % (path, item[field]),
                                raise_exc=False, **options)
        # Another one, or its owner, may have been quicker.
        if answer.status_code not in (200, 202, 204, 404):
            raise exceptions.SDKException('%s %s/%s: %d' % (
                service, path, item[field], answer.status_code))
