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

from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        'image_ref',
        help='Image of the application. It must run user data from the '
             'config drive. Empty: [compute] image_ref.'),
    cfg.StrOpt(
        'flavor_ref',
        help='Flavor of the application. Empty: [compute] flavor_ref.'),
    cfg.StrOpt(
        'member_flavor_ref',
        help='Flavor of the application where a plain member of a project '
             'owns it. Nova lets only administrators create servers of a '
             'flavor without a disk, unless its policy says otherwise. '
             'Empty: flavor_ref.'),
    cfg.StrOpt(
        'external_network',
        help="Network that the application's address comes from. Empty: "
             '[network] public_network_id.'),
    cfg.PortOpt(
        'application_port', default=80, min=1,
        help='TCP port on which the application answers HTTP.'),
    cfg.BoolOpt(
        'share_applications', default=False,
        help='Whether a scenario may break the application that another one '
             'has left as good as new. Else each has one of its own, which '
             'takes the longest part of its time.'),
]
