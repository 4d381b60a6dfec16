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

"""One version of a service's API, as JSON over the session of a project.

For services that need no more than that: the timeouts, the TLS and the tokens
are the session's, and every failure is one that :mod:`.errors` knows.
"""

from self_healing_tempest_plugin.services import endpoints
from self_healing_tempest_plugin.services import session


class Api:
    """One version of the API of one service."""

    def __init__(self, keystone, cloud, service_type, version, headers=None):
        """Prepare; nothing is asked yet.

        :param keystone: Keystone session
        :param cloud: :class:`..config.Cloud`
        :param service_type: type of the service in the catalog
        :param version: how the version is named in URLs, e.g. ``v2``
        :param headers: of each request, a dict or None
        """
        self._keystone, self._cloud = keystone, cloud
        self._service_type, self._version = service_type, version
        self._headers = dict(headers or {})

    def newest(self, ask):
        """Return the newest version of the service's API as text.

        :param ask: what asks the service for something else, see
            :func:`.session.version`
        """
        return session.version(self._keystone, self._cloud,
                               self._service_type, self._version, ask)

    def get(self, path, **query):
        """Return what is at a path, parsed.

        :param path: behind the version, e.g. ``queues``
        :param query: its arguments
        """
        return self._keystone.get(self._url(path), params=query,
                                  headers=self._headers).json()

    def post(self, path, body):
        """Post something, and return the answer, parsed.

        :param path: see :meth:`get`
        :param body: fit for JSON
        """
        return self._keystone.post(self._url(path), json=body,
                                   headers=self._headers).json()

    def _url(self, path):
        return '%s/%s' % (endpoints.versioned(
            self._keystone, self._cloud, self._service_type, self._version),
            path)
