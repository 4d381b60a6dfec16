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

"""The second reverter: a timer on the host itself, armed before the fault.

It repairs the host when the runner cannot, because it was killed or cut off.
With systemd it is a transient unit, elsewhere a process of its own session;
either is gone after a reboot, and so is the fault.
"""

from self_healing_tempest_plugin.faults import plan
from self_healing_tempest_plugin.faults import transports

# Arguments of both scripts: name, seconds, the line that repairs. systemd
# would expand a "$" in that line, so it has none. The PID file goes before the
# repair: a timer that is at work is not to be killed.
_ARM = """
if [ -d /run/systemd/system ]; then
    exec systemd-run --unit="$1" --on-active="$2" \\
        --timer-property=AccuracySec=100ms --collect -- sh -c "$3"
fi
setsid sh -c 'sleep "$2"; rm -f "/run/$1.pid"; eval "$3"' "$0" "$@" \\
    </dev/null >/dev/null 2>&1 &
echo $! >"/run/$1.pid"
"""

_DISARM = """
if [ -d /run/systemd/system ]; then
    systemctl stop "$1.timer" 2>/dev/null || true
    ! systemctl --quiet is-active "$1.timer"
elif [ -e "/run/$1.pid" ]; then
    kill -- "-$(cat "/run/$1.pid")" || true
    rm -f "/run/$1.pid"
fi
"""


def arm(fault_id, target, seconds, script):
    """Return the command that starts the timer of a fault.

    :param fault_id: id of the fault
    :param target: address of the host
    :param seconds: until it repairs
    :param script: the line for the host's shell that repairs
    :returns: :class:`.plan.Command`
    """
    return _command(target, _ARM, fault_id, '%g' % seconds, script)


def disarm(fault_id, target):
    """Return the command that stops the timer of a fault, if it is there.

    :returns: :class:`.plan.Command`
    """
    return _command(target, _DISARM, fault_id)


def second_reverter(fault_id, target, script):
    """Return the fields of a plan whose host repairs itself, as a dict.

    :param fault_id: id of the fault
    :param target: :class:`.targets.Target`
    :param script: the line for the host's shell that repairs
    """
    seconds = target.settings.timeouts.host_timer
    return {'arm': (arm(fault_id, target.address, seconds, script),),
            'disarm': (disarm(fault_id, target.address),),
            'timer': seconds}


def _command(target, script, fault_id, *arguments):
    return plan.Command(transports.SSH, target, (
        'sh', '-c', script.strip(), 'sh', 'self-healing-%s' % fault_id,
        *arguments))
