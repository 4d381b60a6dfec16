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

"""Whom the links ask, and about what."""

import dataclasses
import types
import typing


# What a member that owns an application is asked as; all else is asked as the
# administrator.
_AS_OWNER = frozenset({'Aodh', 'Heat', 'Keystone', 'Mistral', 'Zaqar'})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The cloud around one application, as far as links need it.

    :ivar clients: :class:`..services.clients.Clients` of the administrator
    :ivar owner: the same of the project that owns the application, which may
        be a plain member's
    :ivar settings: :class:`..config.Settings`
    :ivar monitor: :class:`..monitors.monitor.Monitor`
    :ivar company: how many applications are watched, this one included
    :ivar bus: :class:`..services.rabbitmq.RabbitMQ`, None where it is not
        asked
    :ivar alarm: :class:`..config.Alarm` of the scenario
    :ivar application: :class:`..application.Application` in use, None as
        long as there is none
    :ivar learned: what the links have learned so far, by name
    :ivar journal: :class:`..faults.journals.Journal`, held; without a journal
        there is no bisect
    :ivar transports: :class:`..faults.transports.Transports`
    """

    clients: typing.Any
    owner: typing.Any
    settings: typing.Any
    monitor: typing.Any
    alarm: typing.Any
    application: typing.Any = None
    learned: typing.Mapping = dataclasses.field(default_factory=dict)
    journal: typing.Any = None
    transports: typing.Any = None
    bus: typing.Any = None
    company: int = 1

    def knowing(self, **learned):
        """Return the same, with more learned.

        :param learned: what a link has learned, by name
        """
        return dataclasses.replace(self, learned=types.MappingProxyType(
            {**self.learned, **learned}))

    def shut_out(self, error):
        """Return whether a member that owns the application may not ask.

        It may have lost its roles by the fault. That the administrator may
        not ask is an error of who has configured it.

        :param error: :class:`..services.errors.ServiceError`
        """
        return (self.owner is not self.clients and error.code in (401, 403)
                and error.service in _AS_OWNER)
