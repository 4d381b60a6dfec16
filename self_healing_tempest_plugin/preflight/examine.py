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

"""Whether the suite could run, found out without changing anything."""

import dataclasses
import os

from tempest.lib.common import api_microversion_fixture

from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.links import judging
from self_healing_tempest_plugin.links.monitor_alarm import (
    link as monitor_alarm)
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin import members
from self_healing_tempest_plugin import monitors
from self_healing_tempest_plugin.preflight import cloud
from self_healing_tempest_plugin.preflight import hosts
from self_healing_tempest_plugin.preflight import options
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import nova
from self_healing_tempest_plugin.services import placement
from self_healing_tempest_plugin.services import rabbitmq
from self_healing_tempest_plugin import waiting

# Seconds after the start until which Keystone, the services and the hosts
# are waited for: an operator wants to know soon, even if some do not answer.
KEYSTONE_UNTIL, SERVICES_UNTIL, HOSTS_UNTIL = 4.0, 9.0, 12.5

# The same of what is asked as a member, which Tempest may have to make first.
# The rest is for giving it back.
MEMBER_UNTIL = 11.0

# Seconds that one request, one SSH connection, and all tries of one question
# to a BMC may take.
REQUEST_TIMEOUT, SSH_TIMEOUT, POWER_TIMEOUT = 8, 3, 4


def patient(settings):
    """Return the settings with timeouts that are short enough.

    :param settings: :class:`..config.Settings`
    """
    cloud, access = settings.cloud, settings.access
    return dataclasses.replace(
        settings,
        cloud=dataclasses.replace(cloud, request_timeout=min(
            cloud.request_timeout, REQUEST_TIMEOUT)),
        access=dataclasses.replace(
            access, timeout=min(access.timeout, SSH_TIMEOUT),
            local_timeout=min(access.local_timeout, POWER_TIMEOUT)))


def examine(settings, features, available, connect, chains, auth=None):
    """Ask everything, and return a list of :class:`..links.rows.Row`.

    :param settings: :class:`..config.Settings`
    :param features: names of the enabled scenarios
    :param available: dict of service to [service_available]
    :param connect: returns Tempest's ``clients.Manager`` of the project;
        asks Keystone for that
    :param chains: :class:`..model.chains.Chain` objects that heal
    :param auth: the group [auth] of Tempest's ``CONF``, which says who the
        member of some chains is
    """
    begin = waiting.CLOCK.now()

    def left(until):
        return begin + until - waiting.CLOCK.now()

    settings = patient(settings)
    with api_microversion_fixture.APIMicroversionFixture(
            compute_microversion=nova.COMPUTE_MICROVERSION,
            placement_microversion=placement.PLACEMENT_MICROVERSION), (
                members.Guest(auth, settings.cloud, journals.Journal(
                    settings.state_dir), connect)) as guest:
        answers = _services(settings, connect, chains, left, guest,
                            _alarms(settings, features))
        # While the hosts are asked, the services answer.
        broken = _hosts(settings, features, answers, left)
        of_services = cloud.examine(answers, settings, chains)
    return [*options.examine(settings, features, available), *of_services,
            *broken, _journal(settings)]


def _alarms(settings, features):
    """Return the names of the alarms that the scenarios wait for."""
    return tuple(dict.fromkeys(
        (settings.nic_alarm if scenario.nic_alarm
         else settings.host_alarm).name
        for scenario in scenarios.of(features)
        if scenario.fault and any(
            step.link is monitor_alarm.LINK for step in scenario.steps)))


def _services(settings, connect, chains, left, guest, alarms):
    def enter():
        manager = connect()
        services = clients.Clients(settings.cloud, manager)
        return manager, services, services.project_id

    entered = asking.ask(
        {judging.KEYSTONE: asking.Question(judging.KEYSTONE, enter)},
        left(KEYSTONE_UNTIL))
    error = entered.error(judging.KEYSTONE)
    if error:
        return asking.Refusal(error)
    manager, services, project = entered[judging.KEYSTONE]
    asked = cloud.Cloud(
        services, manager, settings, monitors.of(settings),
        tuple(dict.fromkeys(chain.template for chain in chains)),
        bus=rabbitmq.of(settings), alarms=alarms, member=guest.clients)
    questions = cloud.questions(asked, chains)
    questions[judging.KEYSTONE] = asking.Question(
        judging.KEYSTONE, services.keystone_version)
    questions['project'] = asking.Question(judging.KEYSTONE, lambda: project)
    questions['our projects'] = asking.Question(judging.KEYSTONE, lambda: {
        project, *(guest.provisioned() if any(
            chain.member for chain in chains) else ())})
    return asking.Several(
        asking.ask(questions, left(SERVICES_UNTIL)),
        asking.ask(cloud.member_questions(asked, chains),
                   left(MEMBER_UNTIL)))


def _hosts(settings, features, answers, left):
    addresses = types = None
    if not answers.error('hypervisors'):
        addresses, types = (
            {hypervisor['service']['host']: hypervisor[key]
             for hypervisor in answers['hypervisors']}
            for key in ('host_ip', 'hypervisor_type'))
    return [
        *hosts.guests(settings, features, types),
        *hosts.Hosts(
            settings, features, addresses,
            transports.Transports(settings.access)
        ).examine(lambda: left(HOSTS_UNTIL))]


def _journal(settings):
    journal = journals.Journal(settings.state_dir)
    try:
        entries, damages = journal.read()
    except journals.JournalError as error:
        finding = rows.no(rows.one_line(error))
    else:
        finding = _entries(journal, entries, damages)
    return rows.Row('journal', 'faults', finding[0],
                    'run: %s; look at [self_healing] state_dir'
                    % journals.REVERT)


def _entries(journal, entries, damages):
    left = [entry.description for entry in entries if entry.open]
    if left:
        return rows.no('may still be there: %s' % '; '.join(left))
    if damages:
        return rows.no('%d damaged lines in %s' % (len(damages),
                                                   journal.path))
    if not _writable(journal.directory):
        return rows.no('%s cannot be written' % journal.directory)
    return rows.yes('none open in %s' % journal.directory)


def _writable(directory):
    """Return whether a directory can be written, or made where it is not.

    :param directory: absolute path
    """
    while not os.path.exists(directory):
        directory = os.path.dirname(directory)
    return os.path.isdir(directory) and os.access(
        directory, os.W_OK | os.X_OK)
