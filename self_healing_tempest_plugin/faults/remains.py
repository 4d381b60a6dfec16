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

"""The remains of a deleted server on the host that it was on."""

from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import plans

_LOOK_AT = ('running_deleted_instance_poll_interval of nova-compute on host '
            '%s, and its log')


def wait_gone(server_id, target, transports):
    """Wait until no process of a host runs the guest of a deleted server.

    Where hosts are not reached over SSH nobody can know.

    :param server_id: its id in Nova, which libvirt takes for the guest
    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`
    :raises ..waiting.WaitTimeout: when it stays
    """
    settings = target.settings
    if not settings.access.key_file:
        return
    gone = _gone(server_id, target)
    checks.wait(
        (gone,), transports, what=gone.what,
        timeout=settings.timeouts.host_return,
        interval=settings.timeouts.poll_interval,
        look_at=_LOOK_AT % target.host)


def left(server_id, ports, target):
    """Return the remains on a broken host of a server that is deleted then.

    nova-compute leaves its ports in the bridge of Open vSwitch where the
    guest was deleted while its host was cut off, or was not running: Neutron
    has no such ports any more.

    :param server_id: its id in Nova, which libvirt takes for the guest
    :param ports: ids of its ports in Neutron
    :param target: :class:`.targets.Target`
    :returns: :class:`.plans.Plan` of no fault: its checks hold when the guest
        is gone, and then its revert takes the ports away; None where hosts
        are not reached over SSH, and nobody can know
    """
    if not target.settings.access.key_file:
        return None
    return plans.Plan(
        id=plans.new_id(), kind='guest-left', host=target.host,
        description='what is left of server %s on host %s' % (
            server_id, target.host),
        look_at=_LOOK_AT % target.host, checks=(_gone(server_id, target),),
        inject=(), witnesses=(), revert=tuple(
            _unplugged(port, target) for port in ports))


def _gone(server_id, target):
    # The brackets keep the pattern from matching the one who looks for it.
    pattern = '[%s]%s' % (server_id[0], server_id[1:])
    return plans.Check(
        'the guest of server %s has left host %s' % (server_id, target.host),
        target.ssh('pgrep', '--full', pattern), holds=False)


def _unplugged(port, target):
    # The name of the device is Nova's: that much of the id fits in.
    return target.ssh(
        'sh', '-c', 'ovs-vsctl --timeout=10 show >/dev/null 2>&1 || '
        'exit 0; exec ovs-vsctl --timeout=10 --if-exists del-port "$1"',
        'sh', 'tap%s' % port[:11])
