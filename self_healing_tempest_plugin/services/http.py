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

"""HTTP on the way that Tempest's own clients take.

They go through ``[service-clients] proxy_url``, or straight where there is
none, whatever the environment says: neither ``http_proxy`` nor ``no_proxy``,
``REQUESTS_CA_BUNDLE`` or a ``.netrc`` counts (``tempest.lib.common.http``,
which is urllib3). The certificates that they trust without ``[identity]
ca_certificates_file`` are the system's, as OpenSSL finds them.
"""

import functools
import os
import ssl

from keystoneauth1 import session as ksa_session
import requests


class _Adapter(ksa_session.TCPKeepAliveAdapter):
    """Trusts whom the system trusts, beside those that requests brings."""

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, ssl_context=_context(), **kwargs)

    def proxy_manager_for(self, proxy, **kwargs):
        return super().proxy_manager_for(
            proxy, **dict(kwargs, ssl_context=_context()))


def _context():
    return _system_context(*map(
        os.environ.get, ('SSL_CERT_FILE', 'SSL_CERT_DIR')))


# To read and parse all certificates of a system takes longer than many a
# request, and each service of each project has a session. Here it is done
# once for each place in which OpenSSL looks for them.
@functools.lru_cache
def _system_context(file, directory):
    del file, directory
    return ssl.create_default_context()


def session(proxy_url, verify):
    """Return a session of requests that takes the way of Tempest's clients.

    :param proxy_url: URL of the proxy of all requests, None without one
    :param verify: whether certificates are verified, or the file of those
        that are trusted
    """
    way = requests.Session()
    way.trust_env = False
    if proxy_url:
        way.proxies = {'http': proxy_url, 'https': proxy_url}
    adapter = _Adapter() if verify is True else (
        ksa_session.TCPKeepAliveAdapter())
    for scheme in tuple(way.adapters):
        way.mount(scheme, adapter)
    return way
