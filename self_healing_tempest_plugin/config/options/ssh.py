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

"""How commands get to the hosts."""

from oslo_config import cfg
from oslo_config import types

OPTIONS = [
    cfg.Opt(
        'host_addresses', type=types.Dict(types.String()), default={},
        help='Addresses that hosts are reached at over SSH, as '
             '"host:address,...". A host that is not in the list is reached '
             'at the address that Nova knows of its hypervisor.'),
    cfg.StrOpt(
        'host_ssh_user', default='root',
        help='User of the hosts. It must be root, or host_ssh_sudo be set.'),
    cfg.StrOpt(
        'host_ssh_key_file',
        help='File with the private key of that user, without passphrase. '
             'Needed by every fault but the host crash.'),
    cfg.StrOpt(
        'host_ssh_known_hosts_file',
        help='File with the public keys of the hosts, and of the jump host, '
             'as OpenSSH has it: what ssh-keyscan prints, patterns, hashed '
             'names, @revoked keys, @cert-authority of hosts that show a '
             'certificate. A host that is not in it, or shows another key, '
             'is not talked to. Needed with host_ssh_key_file.'),
    cfg.PortOpt(
        'host_ssh_port', default=22, min=1,
        help='TCP port of the SSH server of the hosts.'),
    cfg.StrOpt(
        'host_ssh_jump_host',
        help='Host that the hosts are reached through, as '
             '"[user@]host[:port]", or several with commas between, the one '
             'that is reached first before the others. The user and the port '
             'default to those of the hosts, the key is the same. '
             'host_witness_port is knocked at from the last of them, too, so '
             'it must let TCP through to that port.'),
    cfg.BoolOpt(
        'host_ssh_sudo', default=False,
        help='Whether commands on the hosts are run by "sudo -n", which asks '
             'no password. It must allow "sh", which runs all of them.'),
    cfg.IntOpt(
        'host_ssh_timeout', default=10, min=1, max=600,
        help='Seconds until an SSH connection must stand.'),
]
