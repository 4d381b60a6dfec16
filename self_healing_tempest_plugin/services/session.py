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

import contextlib
from email.utils import parsedate_to_datetime

from keystoneauth1 import discover
from keystoneauth1 import exceptions as ksa_exc
from keystoneauth1.identity import v3
from keystoneauth1 import session as ksa_session

from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.services import endpoints
from self_healing_tempest_plugin.services import http


class _Password(v3.Password):
    """Whose tokens are known to be secret, and who finds what Tempest finds.

    :ivar any_region: whether a service that is not in the region may be in
        another one
    """

    any_region = False

    def get_auth_ref(self, session, **kwargs):
        """Return what Keystone answers."""
        access = super().get_auth_ref(session, **kwargs)
        runtime.learn([access.auth_token])
        return access

    def get_endpoint_data(self, session, **kwargs):
        """Return where a service is; see the library."""
        try:
            return super().get_endpoint_data(session, **kwargs)
        except ksa_exc.EndpointNotFound:
            if not self.any_region:
                raise
            # tempest.lib.auth: no matching region, take the first endpoint.
            with contextlib.suppress(ksa_exc.EndpointNotFound):
                return super().get_endpoint_data(
                    session, **dict(kwargs, region_name=None))
            raise


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
    auth.any_region = cloud.any_region
    return ksa_session.Session(
        auth=auth, verify=cloud.verify, timeout=cloud.request_timeout,
        session=http.session(cloud.proxy_url, cloud.verify))


def version(keystone, cloud, service_type, known, ask):
    """Return the newest version of a service's API as text.

    What is above the versions may be a page for people, or of another service
    behind the same address: then the service is asked for something else, as
    all that matters is that it answers.

    :param keystone: Keystone session
    :param cloud: :class:`..config.Cloud`
    :param service_type: type of the service in the catalog
    :param known: the version that the client asks by, e.g. ``v1``
    :param ask: what asks the service for something by that version
    :raises Exception: of ``ask``, where the service does not answer that
    """
    top = endpoints.root(keystone, cloud, service_type)
    return newest_version(keystone, (top, top + known), known, ask)


def newest_version(keystone, urls, known, ask):
    """Return the newest version of an API as text.

    :param keystone: Keystone session
    :param urls: where its version document may be
    :param known: see :func:`version`
    :param ask: see :func:`version`
    """
    told = next(filter(None, (_told(keystone, url) for url in urls)), None)
    if told:
        return told
    ask()
    return '%s answers; its endpoint lists no versions' % known


def _told(keystone, url):
    """Return the newest version that a document tells, None without one.

    :raises keystoneauth1.exceptions.ConnectTimeout: to ask again would take
        as long
    """
    try:
        versions = discover.Discover(keystone, url).version_data()
        return 'v' + discover.version_to_string(versions[-1]['version'])
    except ksa_exc.ConnectTimeout:
        raise
    except Exception:
        # It may be anybody's page, or send us to another host.
        return None


def date(keystone, cloud, service_type):
    """Return the time that a service bears in its answer.

    :param keystone: Keystone session
    :param cloud: :class:`..config.Cloud`
    :param service_type: type of the service in the catalog
    :returns: seconds since the epoch, None where it bears none, where a proxy
        has kept the answer, or where there is no such service
    """
    try:
        url = endpoints.root(keystone, cloud, service_type)
    except ksa_exc.EndpointNotFound:
        return None
    # Whatever the service answers, it says when; whom it sends us to does not
    # say it of the service.
    answer = keystone.get(url, authenticated=False, raise_exc=False,
                          redirect=False,
                          headers={'Cache-Control': 'no-cache'})
    if answer.headers.get('Age', '0').strip() != '0':
        return None
    return _epoch(answer.headers.get('Date'))


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
