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

"""The message bus, over which notifications and events go."""

from oslo_config import cfg

from self_healing_tempest_plugin.config.options import access

OPTIONS = [
    cfg.URIOpt(
        'rabbitmq_api_url', schemes=['http', 'https'],
        help="URL of the HTTP API of RabbitMQ's management plugin, such as "
             'http://192.0.2.1:15672, which is asked who reads the '
             'notifications of Nova and what becomes of them when no event '
             'alarm has fired: Ceilometer, and the listener and the notifier '
             'of Aodh, have nothing else to be asked by. User and password '
             'must not be in it. Unset: it is not asked.'),
    cfg.StrOpt(
        'rabbitmq_api_username',
        help='User of that API, with the tag "monitoring", and with a '
             'permission in rabbitmq_vhost that allows nothing ("^$" three '
             'times): without any, RabbitMQ shows no queue. Must be set with '
             'rabbitmq_api_url.'),
    cfg.StrOpt(
        'rabbitmq_api_password', secret=True,
        help='Password of that user. It, or rabbitmq_api_password_file, must '
             'be set with rabbitmq_api_url.'),
    *access.files('rabbitmq_api', 'RabbitMQ'),
    cfg.StrOpt(
        'rabbitmq_vhost', default='/',
        help="Virtual host of RabbitMQ that Nova's notifications, Ceilometer "
             'and Aodh use.'),
]
