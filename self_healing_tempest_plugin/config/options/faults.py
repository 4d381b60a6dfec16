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

"""What may be broken, and what is kept so that it is mended."""

from oslo_config import cfg
from oslo_config import types

OPTIONS = [
    cfg.BoolOpt(
        'allow_faults', default=False,
        help='Whether the tests may break something for real.'),
    cfg.ListOpt(
        'fault_hosts', default=[], item_type=types.String(),
        help='Compute hosts that may be broken, as [service] host names in '
             'Nova. A host that is not in the list is never touched, nor is '
             'one that runs another service of Nova than nova-compute.'),
    cfg.BoolOpt(
        'allow_foreign_servers', default=False,
        help='Whether a host may be broken that carries servers of other '
             'projects than the one of the tests.'),
    cfg.IntOpt(
        'applications', default=1, min=1, max=1000,
        help='How many applications are on a host that breaks, in the '
             'scenarios that allow several; each of a member is in a project '
             'of its own. While they are created, Nova is kept from putting '
             'servers on any other compute host: more than 1 is for clouds '
             'that bear that for a minute or two. The other hosts need room '
             'for all of them.'),
    cfg.BoolOpt(
        'bisect', default=False,
        help='Whether, when a link is broken, the later ones are tried on '
             'their own while the fault is still there. That hurts: it '
             'raises an alarm of its own on the broken host in Vitrage, '
             'starts the healing workflow, or updates the stack; and the '
             'fault lasts longer, by all deadlines of the later links.'),
    cfg.IntOpt(
        'max_executions', default=0, min=0, max=1000,
        help='How many executions of the healing workflow may be started '
             'for one server. More of them are the failure EXECUTION_STORM. '
             '0: any number.'),
    cfg.StrOpt(
        'state_dir',
        help='Directory of the journal of faults and of the lock that lets '
             'one run at a time break something, as an absolute path: '
             '"self-healing-tempest revert" must find it from anywhere. All '
             'runs against one cloud should share it, and it should outlive '
             'a reboot: lock_path is often below /tmp. Nobody else, nor a '
             'group, may write there, or in a directory above it that has no '
             'sticky bit: what the journal says is run. Empty: "self_healing" '
             'below [oslo_concurrency] lock_path.'),
    cfg.IntOpt(
        'host_timer', min=5, max=86400,
        help='Seconds after which a broken host repairs itself, whatever has '
             'become of the run; for a host that cannot be reached during '
             'its fault that is the only way back. It must be longer than '
             'healing takes. Empty: the sum of the deadlines from witness to '
             'application, with bisect twice that.'),
]
