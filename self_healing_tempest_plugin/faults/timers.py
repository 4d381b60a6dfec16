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

Beside it lies a token, which a command that breaks the host needs. A repair
takes it away first, and waits for commands that have begun: nothing breaks the
host behind its repair, neither a command whose connection broke nor one that
acts a moment later.
"""

from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import transports

# Seconds that a repair waits for what is under way, and then does without.
PATIENCE = 20

# Of a fault's files in /run: "repair" is the script, "armed" the token, and
# "over" the token that was taken away; a command that acts has a lock on it,
# whatever its name is by then.
#
# Arguments: name, seconds; standard input: the script. The token comes last:
# with it there is a way back. The PID file goes before the repair: a timer
# that is at work is not to be killed.
_ARM = """
umask 077
base=/run/$1
cat >"$base.repair" || exit
if [ -d /run/systemd/system ]; then
    systemd-run --unit="$1" --on-active="$2" \\
        --timer-property=AccuracySec=100ms --collect -- \\
        sh "$base.repair" || exit
else
    setsid sh -c 'sleep "$1"; rm -f "$2.pid"; exec sh "$2.repair"' \\
        "$0" "$2" "$base" </dev/null >/dev/null 2>&1 &
    echo $! >"$base.pid" || exit
fi
: >"$base.armed"
"""

_DISARM = """
base=/run/$1 status=0
if [ -d /run/systemd/system ]; then
    systemctl stop "$1.timer" 2>/dev/null || true
    ! systemctl --quiet is-active "$1.timer" || status=1
elif [ -e "$base.pid" ]; then
    kill -- "-$(cat "$base.pid")" || true
    rm -f "$base.pid"
fi
if [ -e "$base.over" ] && command exec 9<"$base.over"; then
    flock -w %d 9 || { echo 'its repair is still at work' >&2; exit 1; }
fi
[ "$status" -ne 0 ] || rm -f "$base.armed" "$base.over" "$base.repair"
exit "$status"
""" % PATIENCE

# Arguments: name, the line that breaks the host. What the line leaves behind
# does not keep the lock.
_ACT = """
base=/run/$1
if ! { [ -e "$base.armed" ] && command exec 9<"$base.armed" &&
       flock -w %d 9 && [ -e "$base.armed" ]; }; then
    echo "it is taken back already: there is no $base.armed" >&2
    exit 75
fi
( eval "$2" ) 9<&-
""" % PATIENCE

# Arguments: name, seconds, the line. It keeps the lock until it is done.
_ACT_LATER = _ACT.replace('( eval "$2" ) 9<&-\n', """
setsid sh -c 'sleep "$2"; [ ! -e "$1.armed" ] || eval "$3"' \\
    "$0" "$base" "$2" "$3" </dev/null >/dev/null 2>&1 9<&9 &
""".lstrip())

# A shell that is cut off in the middle of the script runs none of it, and one
# whose connection breaks goes on.
_REPAIR = """
main() {
trap '' HUP PIPE
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin
base=/run/%(name)s late=0
mv -f "$base.armed" "$base.over" 2>/dev/null
if [ -e "$base.over" ]; then
    command exec 9<"$base.over" && flock -w %(patience)d 9 || late=1
fi
( repair ) 9<&-
status=$?
if [ "$late" -ne 0 ]; then
    echo 'what breaks the host is still at work' >&2
    status=1
fi
exit "$status"
}
repair() {
%(line)s
}
main
"""


def repair(fault_id, line):
    """Return the script that repairs, for the runner and for the timer.

    :param fault_id: id of the fault
    :param line: lines for the host's shell that repair; they may be run at
        any time and any number of times
    """
    return _REPAIR.lstrip() % {
        'name': _name(fault_id), 'patience': PATIENCE, 'line': line.strip()}


def revert(fault_id, target, script):
    """Return the command that runs a script of :func:`repair`.

    :param target: :class:`.targets.Target`
    """
    return plans.Command(transports.SSH, target.address,
                         ('sh', '-s', _name(fault_id)), script)


def act(fault_id, target, line):
    """Return the command that breaks the host, while that is not over.

    :param fault_id: id of the fault
    :param target: :class:`.targets.Target`
    :param line: for the host's shell
    """
    return _command(target.address, _ACT, fault_id, line)


def act_later(fault_id, target, seconds, line):
    """Return the command after which a line breaks the host on its own.

    :param seconds: that the line waits; then it looks whether it still may
    """
    return _command(target.address, _ACT_LATER, fault_id, '%g' % seconds,
                    line)


def arm(fault_id, target, seconds, script):
    """Return the command that starts the timer of a fault.

    :param fault_id: id of the fault
    :param target: address of the host
    :param seconds: until it repairs
    :param script: for the host's shell, see :func:`repair`
    :returns: :class:`.plans.Command`
    """
    return _command(target, _ARM, fault_id, '%g' % seconds, stdin=script)


def disarm(fault_id, target):
    """Return the command that stops the timer of a fault, if it is there.

    :returns: :class:`.plans.Command`
    """
    return _command(target, _DISARM, fault_id)


def reverters(fault_id, target, line):
    """Return the fields of a plan that repair: at once, and by the timer.

    :param fault_id: id of the fault
    :param target: :class:`.targets.Target`
    :param line: see :func:`repair`
    """
    seconds = target.settings.timeouts.host_timer
    script = repair(fault_id, line)
    return {'revert': (revert(fault_id, target, script),),
            'arm': (arm(fault_id, target.address, seconds, script),),
            'disarm': (disarm(fault_id, target.address),),
            'timer': seconds}


def _name(fault_id):
    return 'self-healing-%s' % fault_id


def _command(target, script, fault_id, *arguments, stdin=''):
    return plans.Command(transports.SSH, target, (
        'sh', '-c', script.strip(), 'sh', _name(fault_id), *arguments), stdin)
