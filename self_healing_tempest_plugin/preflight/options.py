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

"""What the options say by themselves, before any service is asked."""

import os

from self_healing_tempest_plugin.config import types
from self_healing_tempest_plugin.faults import passwords
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin import scenarios

_LINK = 'options'


def _file(path):
    return bool(path) and os.access(path, os.R_OK)


# The options of each need of a scenario: name, and how to see that it is
# there.
_NEEDS = {
    scenarios.POWER: (
        ('the host_power commands, or another host_power_driver',
         lambda own: own.power),),
    scenarios.SSH: (
        ('a host_ssh_key_file that can be read',
         lambda own: _file(own.access.key_file)),
        ('a host_ssh_known_hosts_file that can be read',
         lambda own: _file(own.access.known_hosts_file))),
    scenarios.MANAGEMENT_NIC: (
        ('host_management_nic', lambda own: own.network.management_nic),),
    scenarios.DATA_NIC: (
        ('host_data_nic', lambda own: own.network.data_nic),),
    scenarios.CONTROL_PLANE: (
        ('control_plane_addresses', lambda own: own.network.control_plane),),
    scenarios.EVENT_SOURCE: (
        ('a monitor in whose place an alarm can be raised',
         lambda own: monitors.kind(own.monitor).event_source),),
}


def missing(settings, feature):
    """Return what a scenario needs and has not, as a list of strings.

    :param settings: :class:`..config.Settings`
    :param feature: option of [self_healing_feature_enabled]
    """
    scenario, = scenarios.of((feature,))
    settings = settings.of(feature)
    return [name for need in scenario.needs for name, there in _NEEDS[need]
            if not there(settings)]


def powers(settings, features):
    """Return what switches the hosts in the enabled scenarios, each once.

    :param settings: :class:`..config.Settings`
    :param features: names of the enabled scenarios
    """
    found = []
    for scenario in scenarios.of(features):
        driver = settings.of(scenario.feature).power
        if scenarios.POWER in scenario.needs and driver and (
                driver not in found):
            found.append(driver)
    return found


def examine(settings, features, available):
    """Return the rows of the options.

    :param settings: :class:`..config.Settings`
    :param features: names of the enabled scenarios
    :param available: dict of service to [service_available]
    """
    groups = [
        _row('[service_available]', _available(available),
             'set it in tempest.conf'),
        _row('allow_faults', rows.yes('true') if settings.allow_faults
             else rows.no('false: every test is skipped'),
             'set [self_healing] allow_faults'),
        _row('fault_hosts', rows.yes(', '.join(settings.fault_hosts))
             if settings.fault_hosts else rows.no('empty'),
             'name compute hosts that may be broken'),
        *_features(settings, features),
        *_passwords(settings, features),
        *_times(settings, features)]
    return [row for group in groups for row in group]


def _row(what, findings, todo):
    return [rows.Row(_LINK, what, finding, todo) for finding in findings]


def _available(available):
    absent = sorted(name for name, there in available.items() if not there)
    if absent:
        return rows.no('false for %s: every test is skipped'
                       % ', '.join(absent))
    return rows.yes(', '.join(sorted(available)))


def _features(settings, features):
    if not features:
        return [_row('scenarios', rows.no('none is enabled'),
                     'enable some in [self_healing_feature_enabled]')]
    lacking = {name: missing(settings, name) for name in features}
    ready = [name for name, lacks in lacking.items() if not lacks]
    groups = [_row('scenarios', rows.yes(', '.join(ready)), '')] if (
        ready) else []
    return groups + [
        _row(name, rows.no('without %s' % ' and '.join(lacks)),
             'set it in [self_healing], or do not enable %s' % name)
        for name, lacks in lacking.items() if lacks]


def _passwords(settings, features):
    """Return the rows of the secrets of the BMCs."""
    switches = powers(settings, features)
    groups = [_row(option, rows.unknown(
        'a password in it, which shows in the list of processes'),
        'use host_power_password_file, as with "ipmitool -E"')
        for option in settings.power_secrets if any(
            isinstance(power, types.HostPower) for power in switches)]
    for power in switches:
        option, read, files = _SECRETS[type(power)](
            power, settings.fault_hosts)
        if files:
            groups.append(_row(_FILES, rows.by_host({
                host: _readable(read, path) for host, path in files.items()}),
                'write it into [self_healing] %s' % option))
    return groups


# A row that begins with "password" would have its first host hidden.
_FILES = 'files of the BMCs'


def _of_commands(power, names):
    path = power.password_file
    return passwords.PASSWORD_FILE, passwords.read, {
        host: path.replace('{host}', host) for host in names} if path else {}


def _of_ipmitool(power, names):
    return passwords.PASSWORD_FILE, passwords.read, _of_bmcs(power, names)


def _of_agent(power, names):
    return (passwords.PARAMETERS_FILE, passwords.parameters,
            _of_bmcs(power, names))


def _of_bmcs(power, names):
    return {host: power.bmcs[host].file for host in names}


# What is said of the secrets of each kind of power: the option, what reads a
# file, and the file of each host.
_SECRETS = {types.HostPower: _of_commands, types.Ipmitool: _of_ipmitool,
            types.FenceAgent: _of_agent}


def _readable(read, path):
    try:
        read(path)
    except passwords.UnfitFile as error:
        return rows.no(rows.one_line(error))
    return rows.yes('in %s' % path)


def _times(settings, features):
    times = settings.timeouts
    groups = [_row('snapshots', rows.unknown(
        'Vitrage does not tell its snapshots_interval; the deadlines follow '
        '[self_healing] vitrage_snapshots_interval'),
        'compare it with [datasources] in vitrage.conf')]
    wanted = scenarios.of(features)
    if any(scenario.timed for scenario in wanted):
        long_enough = times.host_timer >= times.healing
        groups.append(_row('host_timer', rows.yes(
            '%d s' % times.host_timer) if long_enough else rows.unknown(
            '%d s; the deadlines allow healing %d s' % (
                times.host_timer, times.healing)),
            'let it be longer than healing takes'))
    if any(scenario.compute_service == 'down' for scenario in wanted):
        groups.append(_row('quiet_time', rows.unknown(
            '%d s; Nova does not tell its service_down_time' % times.quiet),
            'let it be longer than service_down_time in nova.conf'))
    if 'data_nic_blip' in features:
        groups.append(_row('blip_time', rows.unknown(
            '%g s; how long the monitor waits is in its rules' % times.blip),
            "let it be shorter than the monitor's rule waits"))
    return groups
