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

"""Where the services are: what the catalog says, and what is above it.

An endpoint may end with a version (``/v1``), with a version and the id of the
project (``/v1/PROJECT``), or with neither. What looks like a version in the
name of the host, or within the path, is none.
"""

import re
from urllib import parse

from keystoneauth1 import exceptions as ksa_exc

_VERSION = re.compile(r'v\d+(?:\.\d+)?', re.ASCII)


def endpoint(keystone, cloud, service_type):
    """Return the URL of a service, as the catalog has it.

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
            '%s endpoint for %s service in %s region not found' % (
                cloud.endpoint_type, service_type, cloud.region or 'any'))
    return url


def root(keystone, cloud, service_type):
    """Return the URL of a service that is above all versions of its API.

    :param keystone: Keystone session
    :param cloud: :class:`..config.Cloud`
    :param service_type: type of the service in the catalog
    :returns: with a slash at its end
    :raises keystoneauth1.exceptions.EndpointNotFound: when it is not there
    """
    return above_versions(endpoint(keystone, cloud, service_type),
                          keystone.get_project_id())


def versioned(keystone, cloud, service_type, version):
    """Return the URL of one version of a service's API.

    :param keystone: Keystone session
    :param cloud: :class:`..config.Cloud`
    :param service_type: type of the service in the catalog
    :param version: how it is named in URLs, e.g. ``v2``
    :returns: without a slash at its end
    :raises keystoneauth1.exceptions.EndpointNotFound: when it is not there
    """
    return root(keystone, cloud, service_type) + version


def of_project(keystone, cloud, service_type, version):
    """Return the URL of one version of a service's API for the project.

    :param keystone: Keystone session
    :param cloud: :class:`..config.Cloud`
    :param service_type: type of the service in the catalog
    :param version: how it is named in URLs, e.g. ``v1``
    :returns: what the catalog has, where that ends with the project; without
        a slash at its end
    :raises keystoneauth1.exceptions.EndpointNotFound: when it is not there
    """
    url = endpoint(keystone, cloud, service_type).rstrip('/')
    project_id = keystone.get_project_id()
    return url if url.endswith(project_id) else '%s/%s' % (
        versioned(keystone, cloud, service_type, version), project_id)


def above_versions(url, project_id=None):
    """Return what is above all versions of the API at an endpoint.

    :param url: of the endpoint
    :param project_id: id of the project whose catalog it is of, which may
        stand behind the version
    :returns: URL with a slash at its end
    """
    parts = parse.urlsplit(url)
    steps = parts.path.rstrip('/').split('/')
    if project_id and steps[-1].endswith(project_id) and _VERSION.fullmatch(
            steps[-2] if len(steps) > 1 else ''):
        steps = steps[:-1]
    if _VERSION.fullmatch(steps[-1]):
        steps = steps[:-1]
    return parse.urlunsplit((
        parts.scheme, parts.netloc, '/'.join(steps) + '/', '', ''))
