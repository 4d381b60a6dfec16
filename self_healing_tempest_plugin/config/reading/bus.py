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

from self_healing_tempest_plugin.config.reading import access
from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types


def settings(own):
    """Return the :class:`..types.MessageBus`, None when it is not asked.

    :param own: the group [self_healing]
    :raises tempest.lib.exceptions.InvalidConfiguration: when the user or the
        password is missing, or is set without a URL
    """
    url = values.url(own, 'rabbitmq_api_url')
    files = access.files(own, 'rabbitmq_api')
    if url is None:
        _refuse_unused(own, files)
        return None
    if 'password_file' in files and own.rabbitmq_api_password:
        raise exceptions.InvalidConfiguration(
            '[self_healing] rabbitmq_api_password and '
            'rabbitmq_api_password_file are both set')
    wanted = [('username', 'rabbitmq_api_username'),
              ('vhost', 'rabbitmq_vhost')]
    if 'password_file' not in files:
        wanted.insert(1, ('password', 'rabbitmq_api_password'))
    given = {
        field: values.required(own, option, hint=', with rabbitmq_api_url,')
        for field, option in wanted}
    return types.MessageBus(url=url, files=files,
                            **dict({'password': None}, **given))


def _refuse_unused(own, files):
    for option in ('rabbitmq_api_username', 'rabbitmq_api_password',
                   *('rabbitmq_api_%s' % name for name in files)):
        if getattr(own, option):
            raise exceptions.InvalidConfiguration(
                '[self_healing] %s is set, and rabbitmq_api_url is not: '
                'nobody is asked' % option)
