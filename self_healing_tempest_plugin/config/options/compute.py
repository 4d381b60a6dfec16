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

"""The service nova-compute of the hosts."""

from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt(
        'service_manager', default='systemd',
        choices=['systemd', 'supervisor', 'podman', 'docker'],
        help='What runs nova-compute on the hosts: a manager of services, or '
             'the engine of its container. A unit of systemd that starts the '
             'container again, as Kolla has one for each, is found and '
             'stopped with it.'),
    cfg.StrOpt(
        'compute_service', default='nova-compute',
        help="Name of nova-compute in its service manager, in DevStack "
             '"devstack@n-cpu"; or of its container, in Kolla '
             '"nova_compute".'),
]
