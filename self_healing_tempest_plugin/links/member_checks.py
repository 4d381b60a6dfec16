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

"""What is asked as the member that the application of a chain belongs to.

By preflight, and by a drill before it creates anything. Nothing is changed by
it: what cannot be known that way is no refusal.
"""

import dataclasses
import typing

from self_healing_tempest_plugin import application
from self_healing_tempest_plugin.links.application import stack_checks
from self_healing_tempest_plugin.links import judging
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import templates

# The role that policies of services call an administrator's, and the one that
# they let create something.
ADMIN, MEMBER = 'admin', 'member'

# The stack that nobody creates.
PREVIEWED = 'self-healing-preview'

# While the server is replaced, the project has two.
SERVERS = 2

# How much the application takes of Neutron's quotas, at least. A new project
# gets more of it, of which it is not the cause.
_OF_NEUTRON = {'network': 1, 'subnet': 1, 'router': 1, 'floatingip': 1,
               'security_group': 1, 'security_group_rule': 4,
               'port': SERVERS + 1}

_REFUSED = object()


@dataclasses.dataclass(frozen=True)
class Membership:
    """The member, as Keystone has it.

    :ivar user: name of the user
    :ivar project: name of the project
    :ivar roles: names of the roles in it
    """

    user: str
    project: str
    roles: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Asked:
    """Whom to ask, and about what.

    :ivar owner: returns :class:`..services.clients.Clients` of the member
    :ivar clients: the same of the administrator
    :ivar settings: :class:`..config.Settings`
    :ivar applications: file name of each HOT that a member creates, to the
        parameters that its chain adds
    """

    owner: typing.Callable
    clients: typing.Any
    settings: typing.Any
    applications: typing.Mapping


def questions(asked):
    """Return the questions, by name.

    :param asked: :class:`Asked`
    :returns: what :func:`..services.asking.ask` takes
    """
    return {name: asking.Question(service, ask)
            for service, by_name in _by_service(asked).items()
            for name, ask in by_name.items()}


def _by_service(asked):
    wanted, owner = asked.settings.application, asked.owner
    return {
        judging.TEMPEST: {judging.TEMPEST: lambda: _membership(owner())},
        judging.KEYSTONE: {'trusts of the member': lambda: _unless_refused(
            lambda: owner().trusts.given())},
        'Aodh': {'alarms of the member': lambda: owner().aodh.alarms()},
        'Zaqar': {'queues of the member': lambda: owner().zaqar.queues()},
        'Mistral': {
            'workflows of the member': lambda: owner().mistral.workflows()},
        'Nova': {
            'flavor of the member':
                lambda: owner().nova.flavor(wanted.member_flavor),
            'limits of the member': lambda: owner().nova.limits()},
        'Neutron': {
            'network of the member':
                lambda: owner().neutron.external_network(
                    wanted.external_network),
            'quotas of the member':
                lambda: asked.clients.neutron.quotas(owner().project_id)},
        'Glance': {
            'image of the member': lambda: owner().image(wanted.image)},
        'Heat': {'preview': lambda: _unless_refused(
            lambda: _previewed(owner().heat, asked))}}


def _membership(owner):
    user, project = owner.names()
    return Membership(user, project, owner.trusts.roles())


def _unless_refused(ask):
    """Return an answer, or that nobody may ask for it."""
    try:
        return ask()
    except errors.ServiceRefused as refusal:
        # Heat names the type of a resource that a member may not create.
        if refusal.code != 403 or 'OS::' in str(refusal):
            raise
        return _REFUSED


def _previewed(heat, asked):
    """Return the types of all resources of all applications, as a set."""
    return {resource['resource_type']
            for template, parameters in asked.applications.items()
            for resource in heat.preview(
                PREVIEWED, templates.read(template),
                templates.files_of(template),
                application.parameters(asked.settings.application,
                                       member=True, **parameters))}


def _member(settings, member):
    del settings
    text = '%s, project %s, roles: %s' % (
        member.user, member.project, _named(member.roles))
    if ADMIN in member.roles:
        return rows.no('%s: that is an administrator' % text)
    if MEMBER not in member.roles:
        return rows.unknown('%s: what services let it create without the '
                            'role %s is not known' % (text, MEMBER))
    return rows.yes(text)


def _named(names):
    return ', '.join(sorted(names))


def _listed(settings, listed):
    del settings
    return rows.yes('the member sees its own, %d' % len(listed))


def _trusts(settings, given):
    del settings
    if given is _REFUSED:
        return rows.unknown('Keystone does not list those of the member')
    if given is None:
        return rows.no('Keystone has none (OS-TRUST)')
    return rows.yes('the member has given %d' % len(given))


def _delegated(settings, member):
    del settings
    return rows.unknown('Heat does not tell its trusts_delegated_roles; the '
                        'member can hand on %s' % _named(member.roles))


def _flavor(settings, flavor):
    wanted = settings.application.member_flavor
    if flavor is None:
        return rows.no('the member sees no %s' % wanted)
    if not flavor.get('disk'):
        return rows.no('%s has no disk: Nova lets only administrators boot an '
                       'image on it' % flavor['name'])
    return rows.yes('%s, with a disk of %s GB' % (
        flavor['name'], flavor['disk']))


def _image(settings, image):
    return stack_checks.image_row(settings, image, 'the member sees no %s')


def _network(settings, network):
    return stack_checks.network_row(
        settings, network, 'the member sees no external network %s')


def _limits(settings, flavor, limits):
    del settings
    if flavor is None:
        return rows.unknown('what the server takes: there is no flavor')
    return _short((
        (name, limits.get(most, -1), limits.get(used, 0), needed)
        for name, most, used, needed in (
            ('instances', 'maxTotalInstances', 'totalInstancesUsed', SERVERS),
            ('cores', 'maxTotalCores', 'totalCoresUsed',
             SERVERS * flavor['vcpus']),
            ('MiB of RAM', 'maxTotalRAMSize', 'totalRAMUsed',
             SERVERS * flavor['ram']),
            ('server groups', 'maxServerGroups', 'totalServerGroupsUsed', 1),
            ('members of a server group', 'maxServerGroupMembers', '',
             SERVERS))))


def _quotas(settings, quotas):
    del settings
    if quotas is None:
        return rows.unknown('Neutron does not tell what is used of them')
    return _short((
        (name.replace('_', ' ') + 's', quotas[name]['limit'],
         quotas[name]['used'] + int(quotas[name].get('reserved', 0)), needed)
        for name, needed in _OF_NEUTRON.items() if name in quotas))


def _short(resources):
    """Return a no for what a quota has no room for.

    :param resources: name, limit (-1: none), how much is used and how much
        more is needed, of each
    """
    short = ['%s: %d of %d used, %d more needed' % (name, used, most, needed)
             for name, most, used, needed in resources
             if 0 <= most < used + needed]
    return rows.no('; '.join(short)) if short else rows.yes(
        'room for the application, and for its server a second time')


def _template(settings, types):
    del settings
    if types is _REFUSED:
        return rows.unknown('Heat lets the member preview no stack')
    return rows.yes('Heat would let the member create all %d types'
                    % len(types))


_CHECKS = (
    rows.Check(
        'member', judging.TEMPEST, (judging.TEMPEST,), _member,
        'look at [auth] use_dynamic_credentials, tempest_roles and '
        'test_accounts_file'),
    rows.Check(
        'event_alarm', 'Aodh, as the member', ('alarms of the member',),
        _listed, 'look at [self_healing] aodh_catalog_type, and at the policy '
        "of Aodh for the member's roles"),
    rows.Check(
        'message', 'Zaqar, as the member', ('queues of the member',),
        _listed, 'look at [self_healing] zaqar_catalog_type, and at the '
        "policy of Zaqar for the member's roles"),
    rows.Check(
        'workflow', 'Mistral, as the member', ('workflows of the member',),
        _listed, 'look at [self_healing] mistral_catalog_type, and at the '
        "policy of Mistral for the member's roles"),
    rows.Check(
        'workflow', 'trusts', ('trusts of the member',), _trusts,
        'Heat, Aodh, Zaqar and Mistral work for the member by them: look at '
        '[trust] in keystone.conf'),
    rows.Check(
        'workflow', 'delegated roles', (judging.TEMPEST,), _delegated,
        'the member needs the roles that [DEFAULT] trusts_delegated_roles '
        'of Heat names: look at [auth] tempest_roles'),
    rows.Check(
        'stack', 'flavor of the member', ('flavor of the member',), _flavor,
        'set [self_healing] member_flavor_ref, or else flavor_ref, to one '
        'with a disk that the member may use'),
    rows.Check(
        'stack', 'image of the member', ('image of the member',), _image,
        'set [self_healing] image_ref to an image that the member may use'),
    rows.Check(
        'stack', 'network of the member', ('network of the member',),
        _network, 'set [self_healing] external_network to one that the '
        'member may use'),
    rows.Check(
        'stack', 'quotas of Nova', ('flavor of the member',
                                    'limits of the member'), _limits,
        "raise the quotas of the member's project, or set a smaller "
        '[self_healing] member_flavor_ref'),
    rows.Check(
        'stack', 'quotas of Neutron', ('quotas of the member',), _quotas,
        "raise the quotas of the member's project"),
    rows.Check(
        'stack', 'template, as the member', ('preview',), _template,
        'look at the policy of Heat for the type, at the service in the '
        'catalog, or at the option that the property comes from'),
)


def checks(chain):
    """Return what is asked as the owner of a chain's application.

    Whoever that is, the services of its template have to be there; roles,
    and a flavor of its own, has a member alone.

    :param chain: :class:`..model.chains.Chain`
    :returns: tuple of :class:`.rows.Check`
    """
    if chain.member:
        return CHECKS
    services = {kind.split('::')[1]
                for kind in templates.needs(chain.template)[0]}
    return tuple(
        dataclasses.replace(check, what='%s, as the owner' % service,
                            todo=check.todo.replace("member's", "owner's"))
        for check in _CHECKS for service in [check.what.split(',')[0]]
        if service in services)


CHECKS = tuple(dataclasses.replace(check, asker=judging.TEMPEST)
               for check in _CHECKS)
