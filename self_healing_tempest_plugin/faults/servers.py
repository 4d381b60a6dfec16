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

"""Faults of one server, on a host that lives.

Its guest is killed on the host, or the API of Nova is used behind the back of
who owns it. None of them is taken back: a server that nobody replaces is
deleted with its stack.
"""

from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import steps
from self_healing_tempest_plugin.faults import targets

# QEMU as libvirt starts it, and neither whoever looks for it nor another
# guest that has the id in the path of a disk.
_GUEST = '^([^ ]*/)?(qemu|kvm)[^ /]* (.* )?-uuid %s( |$)'

_KILL = """
found=$(pgrep --full --count "$1")
test "$found" -eq 1 || {
    echo "$found processes are the guest: pgrep --full '$1'" >&2; exit 1; }
exec pkill --signal KILL --full "$1"
""".strip()

# What the API is asked by, in a process of its own.
_API = 'self_healing_tempest_plugin.server_faults'


def guest_killed(target, transports):
    """Plan to kill the guest of a server, as the kernel does without memory.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`
    :returns: :class:`.plans.Plan`
    """
    targets.probe(target, transports)
    pattern = _GUEST % target.server_id
    return _plan(
        target, 'guest-killed', 'guest of server %s killed',
        'the processes of host %s, and libvirtd there' % target.host,
        checks=(target.alive(),),
        inject=target.ssh('sh', '-c', _KILL, 'sh', pattern),
        witness=plans.Check(
            'no process of host %s is the guest of server %s' % (
                target.host, target.server_id),
            target.ssh('pgrep', '--full', pattern), holds=False))


def server_deleted(target, transports):
    """Plan to delete a server behind Heat's back.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`
    :returns: :class:`.plans.Plan`
    """
    return _by_api(target, 'delete', 'server-deleted', 'deleted')


def server_stopped(target, transports):
    """Plan to stop a server by the API of Nova.

    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`
    :returns: :class:`.plans.Plan`
    """
    return _by_api(target, 'stop', 'server-stopped', 'stopped')


def _by_api(target, step, kind, word):
    def command(step):
        return steps.command(_API, step, target.settings.config_file,
                             target.server_id)

    return _plan(
        target, kind, 'server %%s %s behind the back of its stack' % word,
        "'openstack server event list %s', and nova-api's log"
        % target.server_id, checks=(), inject=command(step),
        witness=plans.Check('server %s is %s' % (target.server_id, word),
                            command('is-%s' % word)))


def _plan(target, kind, description, look_at, *, checks, inject, witness):
    # Without a server there is only the host to look at: the pattern would
    # be that of every guest.
    return plans.Plan(
        id=plans.new_id(), kind=kind, host=target.host,
        description=description % target.server_id, look_at=look_at,
        checks=checks, inject=(inject,) if target.server_id else (),
        witnesses=(witness,), revert=())
