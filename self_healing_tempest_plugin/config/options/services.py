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

"""The services of OpenStack that are asked."""

from oslo_config import cfg

# The options of Vitrage, Mistral and Heat that say whether they are there
# belong to their own plugins: registering another plugin's option with
# another help text raises DuplicateOptError, which Tempest logs and swallows
# together with the groups that would have come after it.
AVAILABLE = [
    cfg.BoolOpt(
        'self_healing', default=False,
        help='Whether Heat, Mistral, Vitrage and a monitor are there and '
             'wired up to heal an application. Without it every self-healing '
             'test is skipped.'),
]

OPTIONS = [
    cfg.StrOpt(
        'endpoint_type', default='public',
        choices=['public', 'internal', 'admin',
                 'publicURL', 'internalURL', 'adminURL'],
        help='Endpoint type (interface) of Heat, Mistral, Vitrage, Aodh '
             'and Zaqar.'),
    cfg.StrOpt(
        'region',
        help='Region of Heat, Mistral, Vitrage, Aodh and Zaqar. Empty: '
             '[identity] region; and, as for Tempest itself, the first one in '
             'the catalog for a service that is not in that.'),
    cfg.StrOpt(
        'vitrage_catalog_type', default='rca',
        help='Service type of Vitrage in the catalog.'),
    cfg.StrOpt(
        'mistral_catalog_type', default='workflowv2',
        help='Service type of Mistral in the catalog.'),
    cfg.StrOpt(
        'heat_catalog_type', default='orchestration',
        help='Service type of Heat in the catalog.'),
    cfg.StrOpt(
        'aodh_catalog_type', default='alarming',
        help='Service type of Aodh in the catalog.'),
    cfg.StrOpt(
        'zaqar_catalog_type', default='messaging',
        help='Service type of Zaqar in the catalog.'),
    cfg.IntOpt(
        'request_timeout', min=1, max=600,
        help='Seconds after which a request to one of them that got no '
             'answer is given up. The wait that it belongs to goes on. '
             'Empty: [service-clients] http_timeout.'),
]
