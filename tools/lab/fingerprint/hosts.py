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

"""The questions to every host of a lab: commands, side by side."""

from concurrent import futures
import functools
import shlex

from tools.lab import errors
from tools.lab.fingerprint import answers
from tools.lab.fingerprint import readers

#: Seconds that one command may take.
TIMEOUT = 5

# What is asked on every host, and beside that on those with a program. The
# names are those of the sections of the fingerprint.
HOST_COMMANDS = {
    'links': 'ip -j -d address',
    # Each command prints one document.
    'routes': 'ip -j -4 route show table all && '
              'ip -j -6 route show table all',
    'rules': 'ip -j -4 rule && ip -j -6 rule',
    'nexthops': 'ip -j nexthop',
    'neighbours': 'ip -j neigh show nud permanent',
    'qdiscs': 'tc qdisc',
    'nftables': 'nft -s list ruleset',
    'processes': 'ps -A -o stat= -o args=',
    'files': "find /run -maxdepth 1 -name 'self-healing-*'",
}
COMPUTE_COMMANDS = {
    'bridges': 'bridges=$(ovs-vsctl list-br) || exit; '
               'for bridge in $bridges; do '
               'echo $bridge $(ovs-vsctl list-ports $bridge); done',
    'domains': 'domains=$(virsh list --all --uuid) || exit; '
               'for domain in $domains; do '
               'echo $domain $(virsh domstate $domain); done',
}
# Zaqar itself tells nobody of the queues of another project.
QUEUE_COMMANDS = {
    'queues': 'redis="redis-cli -s /run/redis/redis.sock"; '
              'sets=$($redis keys "*.queues_set" && '
              '$redis keys "*.subscriptions") || exit; '
              'for set in $sets; do '
              'echo $set $($redis zrange $set 0 -1); done',
}
COMMANDS_BESIDE = {'nova-compute': COMPUTE_COMMANDS, 'redis': QUEUE_COMMANDS}


def hosts(lab, programs):
    """Return the state of every host.

    :param lab: :class:`tools.lab.labs.Lab`
    :param programs: state of each program, by host; "lab" has the hosts
    """
    names = sorted(programs['lab'])
    with futures.ThreadPoolExecutor(len(names)) as pool:
        states = pool.map(functools.partial(_host, lab, programs), names)
        return dict(zip(names, states))


def _host(lab, programs, name):
    if programs['lab'][name] != 'RUNNING':
        return 'off'
    commands = dict(HOST_COMMANDS)
    for program, beside in COMMANDS_BESIDE.items():
        if program in programs.get(name, ()):
            commands.update(beside)
    return answers.answer(functools.partial(_entered, lab, name, commands))


def _entered(lab, host, commands):
    # By standard input: the processes that are looked for have their names
    # in their command lines, and this one should not.
    done = lab.entered(host, 'bash', input=script(commands),
                       timeout=TIMEOUT * (len(commands) + 1))
    answer = sections(done.stdout, commands)
    if answer is None:
        raise errors.LabError(
            answers.reason(done.stderr) or 'it was cut off')
    return answer


def script(commands):
    """Return the script that runs commands one after the other.

    :param commands: dict of section to a line for the shell
    :returns: text; it prints after each command its exit code, between NULs
    """
    return ''.join(
        'timeout %d sh -c %s 2>&1; printf "\\0%%d\\0" $?\n'
        % (TIMEOUT, shlex.quote(command)) for command in commands.values())


def sections(printed, commands):
    """Return the output of the commands of :func:`script`.

    :param printed: by the shell
    :param commands: as it was given them
    :returns: dict of section to what :data:`.readers.READERS` make of the
        output, or the reason where the command has failed; None where the
        shell has not come to its end
    """
    parts = printed.split('\0')
    if len(parts) != 2 * len(commands) + 1:
        return None
    return {section: answers.answer(functools.partial(
        _read, section, output, code)) for section, output, code
        in zip(commands, parts[::2], parts[1::2])}


def _read(section, output, code):
    if code != '0':
        raise errors.LabError('exit code %s: %s' % (
            code, answers.reason(output)))
    return readers.READERS[section](output)
