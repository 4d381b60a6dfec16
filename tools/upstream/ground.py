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

import json
import re
import secrets

from keystoneauth1 import exceptions as keystone_exceptions
from openstack import config as openstack_config
from openstack import connection
from openstack import exceptions
from tempest.lib.common.utils import data_utils

from tools.lab import errors
from tools.lab import labs
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

#: How Zaqar's store is asked.
REDIS = ('redis-cli', '-s', '/run/redis/redis.sock')

# Of a project that is gone, nobody can ask Zaqar any more.
_QUEUE_KEY = re.compile(r'(?P<project>[0-9a-f]{32})\.')


class Ground:
    """The project of Heat's tests, and those that Tempest makes."""

    def __init__(self, lab, known):
        """Take where the lab is; nothing is made yet.

        :param lab: :class:`tools.lab.labs.Lab`
        :param known: path of a file that outlives a run which is killed: what
            was there before it
        :raises LabDown: when there is none, or nobody answers
        """
        clouds = lab.directory / 'clouds.yaml'
        if not clouds.exists():
            raise errors.LabDown('%s is missing' % clouds)
        self._lab = lab
        region = openstack_config.OpenStackConfig(
            config_files=[str(clouds)], load_envvars=False).get_one('lab')
        self._cloud = connection.Connection(config=region)
        try:
            self._cloud.authorize()
        except (exceptions.SDKException,
                keystone_exceptions.ClientException) as error:
            raise errors.LabDown(str(error)) from error
        self._file = known
        self._known = remembered(known, [
            entry.id for entry in (*self._cloud.identity.projects(),
                                   *self._cloud.identity.users())])

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
                'network_id': network.find_network(
                    external, ignore_missing=False).id})
        network.add_interface_to_router(router, subnet_id=subnet.id)
        return password

    def remove(self):
        """Remove our project, and those of Tempest that are new."""
        identity = self._cloud.identity
        projects = [project for project in identity.projects()
                    if project.name == suites.PROJECT]
        projects += self._dynamic(identity.projects())
        users = [user for user in identity.users()
                 if user.name == suites.MEMBER]
        users += self._dynamic(identity.users())
        for project in projects:
            self._empty(project)
        for user in users:
            for pair in self._cloud.compute.keypairs(user_id=user.id):
                self._cloud.compute.delete_keypair(pair, user_id=user.id)
            identity.delete_user(user)
        for project in projects:
            identity.delete_project(project)
        self._forget_queues()
        self._file.unlink(missing_ok=True)

    def _dynamic(self, listed):
        """Return what Tempest has made, but for what was there before."""
        return [entry for entry in listed if entry.name.startswith(DYNAMIC)
                and entry.id not in self._known]

    def _empty(self, project):
        """Remove all that is in a project, as its administrator."""
        identity = self._cloud.identity
        identity.assign_project_role_to_user(
            project, self._cloud.current_user_id, identity.find_role('admin'))
        within = self._cloud.connect_as_project(project)
        within.project_cleanup(dry_run=False, wait_timeout=REMOVAL)
        for service, path, key, field in OTHERS:
            remove_all(within.session, project.id, service, path, key, field)

    def _forget_queues(self):
        """Remove what Zaqar keeps of projects that are gone.

        Its tests leave queues and subscriptions behind, and Heat does of a
        server that has been signalled by a queue.
        """
        kept = orphans(
            self._lab.run(labs.CONTROLLER, *REDIS, '--scan').split(),
            {project.id for project in self._cloud.identity.projects()})
        if kept:
            self._lab.run(labs.CONTROLLER, *REDIS, 'del', *kept)


def remembered(path, found):
    """Return what was there before a run, and write it down.

    :param path: of a file, which is there when a run was killed: then that
        run's is returned, so that what it has left is known to be new
    :param found: ids of what is there now
    :returns: set of ids
    """
    if not path.exists():
        # Whole or not at all: half a file would be half of what is known.
        whole = path.with_suffix('.new')
        whole.write_text(json.dumps(found))
        whole.rename(path)
    return set(json.loads(path.read_text()))


def orphans(keys, projects):
    """Return those of Zaqar's keys that belong to no project.

    :param keys: of its store; some belong to queues, and begin with the id of
        the project, others end by themselves
    :param projects: ids of those that there are
    """
    found = [(key, _QUEUE_KEY.match(key)) for key in keys]
    return [key for key, match in found
            if match and match['project'] not in projects]


def remove_all(session, project, service, path, key, field):
    """Remove what a service has of a project.

    It lists more to the project: what is public, and is the service's own.

    :param session: :class:`keystoneauth1.session.Session` in the project
    :param project: its id
    :param service: its type in the catalog
    :param path: of the list
    :param key: of the list in the answer, None where that is the list
    :param field: of an item that names it
    :raises SDKException: when it refuses
    """
    # Zaqar wants to know which client asks.
    options = {'endpoint_filter': {'service_type': service},
               'headers': {'Client-ID': data_utils.rand_uuid(),
                           'Accept': 'application/json'}}
    found = session.get(path, **options).json()
    for item in found[key] if key else found:
        if item.get('project_id', project) != project:
            continue
        answer = session.delete('%s/%s' % (path, item[field]),
                                raise_exc=False, **options)
        # Another one, or its owner, may have been quicker.
        if answer.status_code not in (200, 202, 204, 404):
            raise exceptions.SDKException('%s %s/%s: %d' % (
                service, path, item[field], answer.status_code))
