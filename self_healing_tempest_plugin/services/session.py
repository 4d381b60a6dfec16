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

"""The Keystone session of a project, and what services tell of themselves.

python-heatclient, python-vitrageclient and python-mistralclient share one
session of a project. Vitrage starts workflows in the project of its own
service credentials, so that stacks that it heals itself must be in that one.
"""

from email.utils import parsedate_to_datetime
import re

from keystoneauth1 import discover
from keystoneauth1 import exceptions as ksa_exc
from keystoneauth1.identity import v3
from keystoneauth1 import session as ksa_session

from self_healing_tempest_plugin.redaction import runtime


class _Password(v3.Password):
    """Whose tokens are known to be secret."""

    def get_auth_ref(self, session, **kwargs):
        """Return what Keystone answers."""
        access = super().get_auth_ref(session, **kwargs)
        runtime.learn([access.auth_token])
        return access


def of_project(cloud, credentials, project_id=None):
    """Return a Keystone session of one project.

    :param cloud: :class:`..config.Cloud`
    :param credentials: Tempest's credentials of the project, identity v3
    :param project_id: another project in which the user has a role
    """
    project = {'project_id': project_id} if project_id else {
        'project_name': credentials.project_name,
        'project_domain_id': credentials.project_domain_id,
        'project_domain_name': credentials.project_domain_name}
    auth = _Password(
        auth_url=cloud.auth_url, username=credentials.username,
        password=credentials.password,
        user_domain_id=credentials.user_domain_id,
        user_domain_name=credentials.user_domain_name, **project)
    return ksa_session.Session(auth=auth, verify=cloud.verify,
                               timeout=cloud.request_timeout)


def version(keystone, cloud, service_type):
    """Return the newest version of a service's API as text.

    :param keystone: Keystone session
    :param cloud: :class:`..config.Cloud`
    :param service_type: type of the service in the catalog
    """
    return newest_version(keystone, root(keystone, cloud, service_type))


def newest_version(keystone, url):
    """Return the newest version of an API as text.

    :param keystone: Keystone session
    :param url: of the version document
    """
    versions = discover.Discover(keystone, url).version_data()
    return 'v' + discover.version_to_string(versions[-1]['version'])


def date(keystone, cloud, service_type):
    """Return the time that a service bears in its answer.

    :param keystone: Keystone session
    :param cloud: :class:`..config.Cloud`
    :param service_type: type of the service in the catalog
    :returns: seconds since the epoch, None where it bears none, or where
        there is no such service
    """
    try:
        url = root(keystone, cloud, service_type)
    except ksa_exc.EndpointNotFound:
        return None
    # Whatever the service answers, it says when.
    answer = keystone.get(url, authenticated=False, raise_exc=False)
    return _epoch(answer.headers.get('Date'))


def root(keystone, cloud, service_type):
    """Return the URL of a service that is above all versions of its API.

    :param keystone: Keystone session
    :param cloud: :class:`..config.Cloud`
    :param service_type: type of the service in the catalog
    :raises keystoneauth1.exceptions.EndpointNotFound: when it is not there
    """
    url = keystone.get_endpoint(
        service_type=service_type, interface=cloud.endpoint_type,
        region_name=cloud.region)
    if url is None:
        raise ksa_exc.EndpointNotFound(
            '%s endpoint for %s service in the catalog not found' % (
                cloud.endpoint_type, service_type))
    # The version document is above the version, wherever that is.
    return re.split(r'/v\d', url)[0].rstrip('/') + '/'


def roles(keystone):
    """Return the names of the roles that a session has in its project.

    :param keystone: Keystone session
    """
    return frozenset(keystone.auth.get_access(keystone).role_names)


def _epoch(date):
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return None
