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

"""The OpenStack of a lab, asked by its administrator."""

from keystoneauth1 import exceptions as keystone_exceptions
from openstack import config as openstack_config

from tools.lab import errors

#: Nova 2.53: its services have UUIDs. Nova 2.64: a server group says its one
#: policy. Nova 2.74: a server can name its host.
COMPUTE_VERSION = 'compute 2.74'


class Cloud:
    """The services of OpenStack, to be asked."""

    def __init__(self, path, timeout):
        """Take where it is; nothing is asked yet.

        :param path: of a clouds.yaml with the cloud "lab"
        :param timeout: seconds that one request may take
        :raises LabDown: when there is no such file
        """
        if not path.exists():
            raise errors.LabDown('%s is missing' % path)
        region = openstack_config.OpenStackConfig(
            config_files=[str(path)], load_envvars=False).get_one(
                'lab', api_timeout=timeout)
        self._session = region.get_session()

    def ask(self, service, path, method='GET', **options):
        """Ask a service as administrator.

        :param service: its type in the catalog
        :param path: after the address in the catalog
        :param options: of :meth:`keystoneauth1.session.Session.request`
        :returns: what the JSON of the answer says, None where it has none
        :raises LabError: when it refuses
        """
        headers = {'OpenStack-API-Version': COMPUTE_VERSION,
                   **options.pop('headers', {})}
        try:
            answer = self._session.request(
                path, method, headers=headers,
                endpoint_filter={'service_type': service}, **options)
        except keystone_exceptions.ClientException as error:
            raise errors.LabError('%s %s %s: %s' % (
                service, method, path, error)) from error
        try:
            return answer.json()
        except ValueError:
            return None
