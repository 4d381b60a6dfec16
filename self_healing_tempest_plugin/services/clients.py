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

"""All services of one cloud, for one project."""

import functools

from self_healing_tempest_plugin.services import aodh
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import glance
from self_healing_tempest_plugin.services import heat
from self_healing_tempest_plugin.services import keystone
from self_healing_tempest_plugin.services import mistral
from self_healing_tempest_plugin.services import neutron
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin.services import session
from self_healing_tempest_plugin.services import trusts
from self_healing_tempest_plugin.services import vitrage
from self_healing_tempest_plugin.services import zaqar


class Clients:
    """All services of one cloud, for one project.

    :ivar heat: :class:`.heat.Heat`
    :ivar vitrage: :class:`.vitrage.Vitrage`
    :ivar mistral: :class:`.mistral.Mistral`
    :ivar nova: :class:`.nova.Nova`
    :ivar neutron: :class:`.neutron.Neutron`
    :ivar keystone: :class:`.keystone.Keystone`
    :ivar aodh: :class:`.aodh.Aodh`
    :ivar zaqar: :class:`.zaqar.Zaqar`
    :ivar trusts: :class:`.trusts.Trusts`
    """

    def __init__(self, cloud, manager, project_id=None):
        """Make the clients; nothing is asked yet.

        :param cloud: :class:`..config.Cloud`
        :param manager: Tempest's ``clients.Manager`` of the project
        :param project_id: another project in which the user has a role, for
            the services that Tempest has no clients for
        """
        self._session = session.of_project(cloud, manager.credentials,
                                           project_id)
        self._manager, self._cloud = manager, cloud
        self.heat = heat.Heat(self._session, cloud)
        self.vitrage = vitrage.Vitrage(self._session, cloud)
        self.mistral = mistral.Mistral(self._session, cloud)
        self.nova = nova.Nova(manager)
        self.neutron = neutron.Neutron(manager)
        self.keystone = keystone.Keystone(manager)
        self.aodh = aodh.Aodh(self._session, cloud)
        self.zaqar = zaqar.Zaqar(self._session, cloud)
        self.trusts = trusts.Trusts(self._session, cloud)

    @property
    def project_id(self):
        """Return the project of the session."""
        with errors.calling('Keystone', 'get a token'):
            return self._session.get_project_id()

    def names(self):
        """Return the names of the user and of its project."""
        with errors.calling('Keystone', 'get a token'):
            access = self._session.auth.get_access(self._session)
            return access.username, access.project_name

    def image(self, image):
        """Return an image as a dict; see :func:`.glance.find`."""
        return glance.find(self._manager, image)

    def roles(self):
        """Return the user's id, and the ids of its roles in the project."""
        with errors.calling('Keystone', 'get a token'):
            access = self._session.auth.get_access(self._session)
            return access.user_id, tuple(access.role_ids)

    def renew(self):
        """Have the next request get a new token: roles may have changed."""
        self._session.invalidate()

    def in_project(self, project_id):
        """Return clients of another project in which the user has a role.

        :param project_id: its id
        """
        return Clients(self._cloud, self._manager, project_id)

    def keystone_version(self):
        """Return the version of Keystone's API as text."""
        with errors.calling('Keystone', 'show its version'):
            return session.newest_version(
                self._session, (self._cloud.auth_url,), 'v3',
                lambda: self._session.get(
                    self._cloud.auth_url.rstrip('/') + '/auth/projects'))

    def dates(self):
        """Return how to ask the time of each service whose stamps are used.

        A service that the cloud has not got tells none.

        :returns: name of the service to a function, see :func:`.session.date`
        """
        cloud = self._cloud
        return {service: functools.partial(self._date, service, kind)
                for service, kind in (
                    ('Heat', cloud.heat_catalog_type),
                    ('Mistral', cloud.mistral_catalog_type),
                    ('Vitrage', cloud.vitrage_catalog_type),
                    ('Aodh', cloud.aodh_catalog_type),
                    ('Nova', 'compute'))}

    def _date(self, service, service_type):
        with errors.calling(service, 'tell its time'):
            return session.date(self._session, self._cloud, service_type)
