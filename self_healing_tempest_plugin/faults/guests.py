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

"""What is left of a deleted server on the host that it was on."""

from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import plan


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
    # The brackets keep the pattern from matching the one who looks for it.
    pattern = '[%s]%s' % (server_id[0], server_id[1:])
    gone = plan.Check(
        'the guest of server %s has left host %s' % (server_id, target.host),
        target.ssh('pgrep', '--full', pattern), holds=False)
    checks.wait(
        (gone,), transports, what=gone.what,
        timeout=settings.timeouts.host_return,
        interval=settings.timeouts.poll_interval,
        look_at='running_deleted_instance_poll_interval of nova-compute on '
                'host %s, and its log' % target.host)


def unplug(ports, target, transports):
    """Take a deleted server's ports out of Open vSwitch, where one runs.

    nova-compute leaves it in the bridge where the guest was deleted while its
    host was cut off, or was not running: Neutron has no such port any more.

    :param ports: ids that the ports had in Neutron
    :param target: :class:`.targets.Target`
    :param transports: :class:`.transports.Transports`
    :raises .commands.CommandFailed: when that fails
    """
    if not target.settings.access.key_file:
        return
    for port in ports:
        # The name of the device is Nova's: that much of the id fits in.
        transports.run(target.ssh(
            'sh', '-c', 'ovs-vsctl --timeout=10 show >/dev/null 2>&1 || '
            'exit 0; exec ovs-vsctl --timeout=10 --if-exists del-port "$1"',
            'sh', 'tap%s' % port[:11])).check()
