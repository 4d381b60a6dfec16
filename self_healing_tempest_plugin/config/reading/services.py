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

"""How the services of OpenStack are reached."""

import ssl
from urllib import parse

from tempest.lib import exceptions

from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types

# Tempest waits for ever with 0; here everything has an end.
_LONGEST = 600

# What Tempest takes off, where it stands there.
_TOKENS = '/auth/tokens'


def cloud(conf):
    """Return the :class:`..types.Cloud` that the options describe.

    How the services are reached are options of Tempest, because its own
    clients reach Nova, Neutron and Keystone by them.

    :param conf: an oslo.config object with the options of Tempest and of
        this plugin
    :raises tempest.lib.exceptions.InvalidConfiguration: also where Tempest's
        own clients would break
    """
    own, identity = conf.self_healing, conf.identity
    ways = getattr(conf, 'service-clients')
    return types.Cloud(
        endpoint_type=own.endpoint_type.removesuffix('URL'),
        region=own.region or identity.region or None,
        any_region=not own.region,
        vitrage_catalog_type=values.required(own, 'vitrage_catalog_type'),
        mistral_catalog_type=values.required(own, 'mistral_catalog_type'),
        heat_catalog_type=values.required(own, 'heat_catalog_type'),
        aodh_catalog_type=values.required(own, 'aodh_catalog_type'),
        zaqar_catalog_type=values.required(own, 'zaqar_catalog_type'),
        request_timeout=own.request_timeout or _timeout(ways),
        auth_url=values.required(
            identity, 'uri_v3', group='identity').rstrip('/').removesuffix(
                _TOKENS),
        verify=_verification(identity),
        proxy_url=_proxy(ways))


def _timeout(ways):
    if ways.http_timeout < 0:
        raise exceptions.InvalidConfiguration(
            '[service-clients] http_timeout must not be less than 0: %d'
            % ways.http_timeout)
    return ways.http_timeout or _LONGEST


def _proxy(ways):
    """Return the URL of the proxy, None without one.

    It may hold a password, so nothing of it is shown.
    """
    url = ways.proxy_url
    if not url:
        return None
    try:
        parts = parse.urlsplit(url)
        named = parts.hostname and (parts.port or True)
    except ValueError:
        named = None
    if not named or parts.scheme not in ('http', 'https'):
        raise exceptions.InvalidConfiguration(
            '[service-clients] proxy_url must be http://HOST:PORT or '
            "https://HOST:PORT: Tempest's own clients take no other")
    return url


def _verification(identity):
    """Return what requests is told of certificates: see its ``verify``."""
    if identity.disable_ssl_certificate_validation:
        return False
    path = identity.ca_certificates_file
    if not path:
        return True
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:
        # Of ssl.SSLError, too, which has no file.
        raise exceptions.InvalidConfiguration(
            '[identity] ca_certificates_file %s cannot be used: %s%s' % (
                path, error.strerror if isinstance(error, OSError) and (
                    error.strerror) else error,
                '; Tempest takes "~" as it stands there'
                if path.startswith('~') else '')) from None
    return path
