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

"""What the services answer: questions, and their meaning, link by link."""

import dataclasses
import typing

from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.links import judging
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links import member_checks
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import neutron

# Rows that say of a service whether it answers at all come first.
_SERVICES = 'services'


@dataclasses.dataclass(frozen=True)
class Cloud:
    """Whom preflight asks.

    :ivar clients: :class:`..services.clients.Clients`
    :ivar manager: Tempest's ``clients.Manager``
    :ivar settings: :class:`..config.Settings`
    :ivar monitor: :class:`..monitors.monitor.Monitor`
    :ivar templates: file names of the HOTs of the applications
    :ivar bus: :class:`..services.rabbitmq.RabbitMQ`, None where it is not
        asked
    :ivar alarms: names of the alarms of the monitor that are waited for
    :ivar member: returns the clients of the member that scenarios have;
        others wait meanwhile
    """

    clients: clients.Clients
    manager: typing.Any
    settings: typing.Any
    monitor: typing.Any
    templates: tuple[str, ...] = ()
    bus: typing.Any = None
    alarms: tuple[str, ...] = ()
    member: typing.Callable = None


def questions(cloud, chains):
    """Return all questions to the services, by name.

    The name of a service is the question whether it answers at all.

    :param cloud: :class:`Cloud`
    :param chains: :class:`..model.chains.Chain` objects
    :returns: what :func:`..services.asking.ask` takes
    """
    asked = [_questions(cloud), *(link_kit.questions(cloud)
                                  for link_kit in _kits(chains))]
    return {name: asking.Question(service, ask)
            for by_service in asked
            for service, by_name in by_service.items()
            for name, ask in by_name.items()}


def member_questions(cloud, chains):
    """Return all questions that are asked as a member, by name.

    :param cloud: :class:`Cloud`
    :param chains: :class:`..model.chains.Chain` objects
    :returns: what :func:`..services.asking.ask` takes; nothing where no
        application is a member's
    """
    of_members = [chain for chain in chains if chain.member]
    return member_checks.questions(member_checks.Asked(
        cloud.member, cloud.clients, cloud.settings, {
            chain.template: kit.parameters(chain, cloud.settings)
            for chain in of_members})) if of_members else {}


def _kits(chains):
    """Return the kits of several chains, of each link once."""
    return tuple({link: kit.of(link) for chain in chains
                  for link in chain.links}.values())


def _questions(cloud):
    nova, hosts = cloud.clients.nova, cloud.settings.fault_hosts
    return {
        'Nova': {
            'Nova': nova.version,
            'services': nova.services,
            'hypervisors': nova.hypervisors,
            'servers': lambda: {host: nova.servers_on(host)
                                for host in hosts}},
        'Neutron': {'Neutron': neutron.Neutron(cloud.manager).version}}


def examine(answers, settings, chains):
    """Return the rows of the services, of all links, and of the hosts.

    :param answers: :class:`..services.asking.Answers`
    :param settings: :class:`..config.Settings`
    :param chains: :class:`..model.chains.Chain` objects
    """
    # Two links of one name may have some in common.
    of_links = dict.fromkeys(check for link_kit in _kits(chains)
                             for check in link_kit.checks)
    services = [check for check in of_links if check.link == _SERVICES]
    further = [check for check in of_links if check.link != _SERVICES]
    # A question that nobody has asked has no answer.
    of_member = member_checks.CHECKS if any(
        chain.member for chain in chains) else ()
    return judging.judged((*_ENTRANCE, *services, *further, *of_member,
                           *_HOSTS), answers, settings)


def _keystone(settings, text, project):
    return rows.yes('%s, project %s' % (text, project))


def _compute(settings, services):
    known = {service['host']: service for service in services
             if service['binary'] == 'nova-compute'}
    return rows.by_host({host: _service(known.get(host))
                         for host in settings.fault_hosts})


def _service(service):
    if service is None:
        return rows.no('Nova knows no nova-compute there')
    text = 'nova-compute is %s and %s%s' % (
        service['state'], service['status'],
        ', forced down' if service['forced_down'] else '')
    return rows.yes(text) if readiness.usable(service) else rows.no(text)


def _allowed(settings, projects, services, servers):
    findings = {}
    for host in settings.fault_hosts:
        try:
            gates.check(host, servers[host], services, projects, settings)
        except gates.FaultRefused as error:
            findings[host] = rows.no(rows.one_line(error))
        else:
            findings[host] = rows.yes('allowed')
    return rows.by_host(findings)


_ENTRANCE = (
    rows.Check('services', judging.KEYSTONE, (judging.KEYSTONE, 'project'),
               _keystone, 'look at [identity] uri_v3 and [auth] admin_*'),
    rows.Check('services', 'Nova', ('Nova',), rows.told,
               'look at [compute] catalog_type, and at nova-api'),
    rows.Check('services', 'Neutron', ('Neutron',), rows.told,
               'look at [network] catalog_type, and at neutron-server'),
)

_HOSTS = (
    rows.Check('hosts', 'nova-compute', ('services',), _compute,
               'look at [self_healing] fault_hosts, and at: openstack '
               'compute service list'),
    rows.Check('hosts', 'may be broken',
               ('our projects', 'services', 'servers'), _allowed,
               'look at [self_healing] fault_hosts'),
)
