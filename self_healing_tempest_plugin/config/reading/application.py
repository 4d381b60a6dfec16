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

"""The parts that the application is made of."""

from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types


def settings(conf):
    """Return the :class:`..types.ApplicationSettings`.

    :param conf: an oslo.config object with the options of Tempest and of
        this plugin
    """
    own = conf.self_healing
    flavor = values.either(own, 'flavor_ref', conf.compute,
                           '[compute] flavor_ref')
    return types.ApplicationSettings(
        image=values.either(own, 'image_ref', conf.compute,
                            '[compute] image_ref'),
        flavor=flavor, member_flavor=own.member_flavor_ref or flavor,
        external_network=own.external_network or values.required(
            conf.network, 'public_network_id', group='network',
            hint=' or [self_healing] external_network'),
        port=own.application_port)
