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

from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types


def cloud(conf):
    """Return the :class:`..types.Cloud` that the options describe.

    :param conf: an oslo.config object with the options of Tempest and of
        this plugin
    """
    own, identity = conf.self_healing, conf.identity
    verify = identity.ca_certificates_file or True
    if identity.disable_ssl_certificate_validation:
        verify = False
    return types.Cloud(
        endpoint_type=own.endpoint_type,
        region=own.region or identity.region or None,
        vitrage_catalog_type=values.required(own, 'vitrage_catalog_type'),
        mistral_catalog_type=values.required(own, 'mistral_catalog_type'),
        heat_catalog_type=values.required(own, 'heat_catalog_type'),
        aodh_catalog_type=values.required(own, 'aodh_catalog_type'),
        zaqar_catalog_type=values.required(own, 'zaqar_catalog_type'),
        request_timeout=own.request_timeout,
        auth_url=values.required(identity, 'uri_v3', group='identity'),
        verify=verify)
