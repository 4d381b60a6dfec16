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

"""Whether the hosts are as each fault needs them, asked of the hosts."""

import contextlib
import functools
import ipaddress
import socket
import threading

from tempest.lib import exceptions

from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import kinds
from self_healing_tempest_plugin.faults import power_drivers
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.preflight import options
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors

_LINK = 'hosts'
_CRASH = 'host-crash'
_PACKETS = 'packets-dropped'
_POWER = 'power'

# Where a session comes from: sudo hides it from its commands, not from those
# who look at who has started them.
_FROM = """
pid=$$
while [ "$pid" -gt 1 ]; do
    from=$(tr '\\0' '\\n' <"/proc/$pid/environ" |
        sed -n 's/^SSH_CONNECTION=\\([^ ]*\\) .*/\\1/p')
    [ -z "$from" ] || { echo "$from"; exit; }
    pid=$(ps -o ppid= -p "$pid") && pid=$((pid)) || exit
done 2>/dev/null
""".strip()


def wanted(settings, features):
    """Return the kinds of faults of the enabled scenarios, in order.

    Scenarios whose options are not complete are left out.

    :param settings: :class:`..config.Settings`
    :param features: names of the enabled scenarios
    """
    ready = {scenario.fault for scenario in scenarios.of(features)
             if not options.missing(settings, scenario.feature)}
    return [name for name in kinds.KINDS if name in ready]


def guests(settings, features, types):
    """Return the rows of the scenarios that want hosts without guests.

    :param settings: :class:`..config.Settings`
    :param features: names of the enabled scenarios
    :param types: dict of host to what runs its guests, None where Nova does
        not answer
    """
    findings = rows.by_host({host: _without_guests(host, types)
                             for host in settings.fault_hosts})
    return [rows.Row(_LINK, scenario.feature.replace('_', '-'), finding,
                     'do not enable %s' % scenario.feature)
            for scenario in scenarios.of(features) if not scenario.guests
            for finding in findings]


def _without_guests(host, types):
    if types is None:
        return rows.unknown('Nova does not answer')
    try:
        gates.check_guests(host, types.get(host))
    except gates.FaultRefused as refusal:
        return rows.no(rows.one_line(refusal))
    return rows.yes('runs no guests')


def _needs_ssh(kind):
    return any(scenarios.SSH in scenario.needs
               for scenario in scenarios.SCENARIOS if scenario.fault == kind)


class Once:
    """Transports that run the same command only once.

    Several faults ask the same of a host, and no answer changes meanwhile.
    """

    def __init__(self, transports):
        """Take the real transports.

        :param transports: :class:`..faults.transports.Transports`
        """
        self._transports = transports
        self._lock, self._locks, self._seen = threading.Lock(), {}, {}

    def run(self, command):
        """Run a command, or return what it has returned before."""
        with self._lock:
            lock = self._locks.setdefault(command, threading.Lock())
        with lock:
            if command not in self._seen:
                self._seen[command] = self._run(command)
            result = self._seen[command]
        if isinstance(result, commands.CommandFailed):
            raise result
        return result

    def _run(self, command):
        try:
            return self._transports.run(command)
        except commands.CommandFailed as error:
            return error


class Hosts:
    """The fault hosts of one cloud."""

    def __init__(self, settings, features, addresses, transports):
        """Take what to ask for.

        :param settings: :class:`..config.Settings`
        :param features: names of the enabled scenarios
        :param addresses: dict of host to the address that Nova knows, or
            None where Nova does not answer
        :param transports: :class:`..faults.transports.Transports`
        """
        self._settings, self._addresses = settings, addresses
        self._transports = Once(transports)
        self._kinds = wanted(settings, features)
        # The name of each row, and what is asked about.
        self._powers = {(_POWER, number): driver for number, driver
                        in enumerate(options.powers(settings, features))}

    def examine(self, left):
        """Ask the hosts, and return the rows.

        :param left: returns the seconds that are left
        """
        hosts = self._settings.fault_hosts
        over_ssh = [name for name in self._kinds if _needs_ssh(name)]
        ways = ['SSH'] if over_ssh else []
        first = [*ways, *self._powers, *(name for name in self._kinds
                                         if name not in over_ssh)]
        answers = self._ask(first, hosts, left() / 2)
        reached = [host for host in hosts if ways
                   and answers['SSH'][host][0].state is rows.State.YES]
        answers.update(self._ask(over_ssh, reached, left()))
        return [rows.Row(_LINK, _name(what), finding, _todo(what))
                for what, findings in answers.items()
                for finding in rows.by_host(dict.fromkeys(hosts, rows.unknown(
                    'SSH does not work')) | findings)]

    def _ask(self, names, hosts, seconds):
        answers = asking.ask({
            (name, host): asking.Question(host, functools.partial(
                self._finding, name, host))
            for name in names for host in hosts}, seconds)
        return {name: {host: _found(answers, name, host) for host in hosts}
                for name in names}

    def _finding(self, name, host):
        named = host in self._settings.access.addresses
        if self._addresses is None and not named:
            return rows.unknown('where it is: Nova does not answer')
        try:
            target = targets.target(host, self._settings,
                                    (self._addresses or {}).get)
            if name in self._powers:
                return self._power(self._powers[name], target)
            problems = self._problems(name, target)
        except (commands.CommandFailed,
                exceptions.InvalidConfiguration) as error:
            problems = (str(error),)
        if problems:
            # In the time that there is here: a BMC may be slow.
            judge = rows.unknown if all(map(
                checks.is_late, problems)) else rows.no
            return judge(rows.one_line('; '.join(problems)))
        return rows.yes('root by SSH' if name == 'SSH'
                        else 'as it must be before')

    def _power(self, power, target):
        """Return whether a host has power, and who says so."""
        driver = power_drivers.of(power, target)
        problem = checks.complaint(
            driver.on('host %s has power' % target.host), self._transports)
        if problem.startswith('not so'):
            return rows.no('off (%s)' % driver.name)
        if problem:
            judge = rows.unknown if checks.is_late(problem) else rows.no
            return judge(rows.one_line(problem))
        return rows.yes('on (%s)' % driver.name)

    def _problems(self, name, target):
        if name == 'SSH':
            uid = self._transports.run(target.ssh('id', '-u')).check().stdout
            return () if uid.strip() == '0' else (
                'commands run as user id %s' % uid.strip(),)
        if name == _PACKETS:
            own = _own_address(target, self._transports)
            if own in target.settings.network.control_plane:
                return ('SSH comes from %s, one of control_plane_addresses'
                        % own,)
        plan = kinds.KINDS[name](target, self._transports)
        return checks.complaints(plan.checks, self._transports)


def _found(answers, name, host):
    error = answers.error((name, host))
    if isinstance(error, errors.ServiceUnavailable):
        return rows.unknown('no answer in time')
    return rows.no(rows.one_line(error)) if error else answers[name, host]


def _own_address(target, transports):
    """Return the address that SSH reaches a host from.

    The host knows it best: a jump host may have another one on its other
    side, or a name.
    """
    access = target.settings.access
    seen = transports.run(target.ssh('sh', '-c', _FROM)).stdout.strip()
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(seen)
        return str(getattr(address, 'ipv4_mapped', None) or address)
    if access.jump_host:
        return access.jump_host.address
    family, kind, protocol, _, address = socket.getaddrinfo(
        target.address, access.port, type=socket.SOCK_DGRAM)[0]
    # Nothing is sent by that; the kernel looks at its routes.
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(address)
        return probe.getsockname()[0]


def _name(what):
    return what[0] if isinstance(what, tuple) else what


def _todo(what):
    if what == 'SSH':
        return ('look at host_addresses and the host_ssh options in '
                '[self_healing]')
    if _name(what) in (_CRASH, _POWER):
        return ('look at the host_power options and host_witness_port in '
                '[self_healing]')
    return ('repair the host, look at the options of the scenario, or do not '
            'enable it')
