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

"""How the message bus is asked."""

from tempest.lib import exceptions

from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types


def settings(own):
    """Return the :class:`..types.MessageBus`, None when it is not asked.

    :param own: the group [self_healing]
    :raises tempest.lib.exceptions.InvalidConfiguration: when the user or the
        password is missing, or is set without a URL
    """
    url = values.url(own, 'rabbitmq_api_url')
    if url is None:
        for option in ('rabbitmq_api_username', 'rabbitmq_api_password'):
            if getattr(own, option):
                raise exceptions.InvalidConfiguration(
                    '[self_healing] %s is set, and rabbitmq_api_url is not: '
                    'nobody is asked' % option)
        return None
    return types.MessageBus(url=url, **{
        field: values.required(own, option, hint=', with rabbitmq_api_url,')
        for field, option in (('username', 'rabbitmq_api_username'),
                              ('password', 'rabbitmq_api_password'),
                              ('vhost', 'rabbitmq_vhost'))})
