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

"""What preflight asks about the stack of the application: Heat, and room.

The application is one whatever heals it, with the link of its stack or
without.
"""

from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.model import listing
from self_healing_tempest_plugin import readiness
from self_healing_tempest_plugin.services import glance
from self_healing_tempest_plugin.services import neutron
from self_healing_tempest_plugin.services import placement
from self_healing_tempest_plugin import templates


def questions(cloud):
    """Return what to ask; see :class:`..kit.Kit`."""
    heat, nova, wanted = (cloud.clients.heat, cloud.clients.nova,
                          cloud.settings.application)
    types = templates.needs(*cloud.templates)[0]
    return {
        'Heat': {
            'Heat': lambda: _version(cloud),
            'resource types': lambda: rows.presence(
                types, heat.resource_types())},
        'Nova': {'flavor': lambda: nova.flavor(wanted.flavor)},
        'Neutron': {
            'network': lambda: neutron.Neutron(
                cloud.manager).external_network(wanted.external_network)},
        'Glance': {
            'image': lambda: glance.find(cloud.manager, wanted.image)},
        'Placement': {'room': lambda: _room(cloud)}}


def _version(cloud):
    heat = cloud.clients.heat
    return '%s, build %s' % (heat.version(), heat.build())


def _room(cloud):
    flavor = cloud.clients.nova.flavor(cloud.settings.application.flavor)
    return placement.Placement(cloud.manager).places(flavor) if (
        flavor) else set()


def _types(settings, present):
    return rows.absent(present) or rows.yes(
        'all %d of the application' % len(present))


def _image(settings, image):
    return image_row(settings, image, 'there is no %s')


def image_row(settings, image, missing):
    """Return what an image means for whoever is to boot it.

    :param settings: :class:`...config.Settings`
    :param image: as a dict of Glance, None or :data:`..glance.UNASKED`
    :param missing: says that there is none, of its name
    """
    if image is glance.UNASKED:
        return rows.unknown('[service_available] glance is false')
    if image is None:
        return rows.no(missing % settings.application.image)
    named = '%s (%s)' % (image['name'], image['id'])
    if image['status'] != 'active':
        return rows.no('%s is %s' % (named, image['status']))
    return rows.yes(named)


def _flavor(settings, flavor):
    if flavor is None:
        return rows.no('there is no %s' % settings.application.flavor)
    return rows.yes('%s (%s)' % (flavor['name'], flavor['id']))


def _network(settings, network):
    return network_row(settings, network, 'there is no external network %s')


def network_row(settings, network, missing):
    """Return what a network means for whoever is to use it.

    :param settings: :class:`...config.Settings`
    :param network: as a dict of Neutron, or None
    :param missing: says that there is none, of its name
    """
    if network is None:
        return rows.no(missing % settings.application.external_network)
    return rows.yes('%s (%s)' % (network['name'], network['id']))


def _usable_hosts(services):
    return {service['host'] for service in services
            if service['binary'] == 'nova-compute'
            and readiness.usable(service)}


def _others(settings, services):
    usable = _usable_hosts(services)
    findings = {}
    for host in settings.fault_hosts:
        other_hosts = sorted(usable - {host})
        findings[host] = rows.yes(
            'there is %s' % listing.some(other_hosts, 3)) if (
            other_hosts) else rows.no(
                'no other compute host is up and enabled')
    return rows.by_host(findings)


def _places(settings, services, hypervisors, room):
    usable = _usable_hosts(services)
    hosts = {hypervisor['service']['host'] for hypervisor in hypervisors
             if hypervisor['id'] in room} & usable
    if not hosts & set(settings.fault_hosts):
        return rows.no('on no fault host is room for the application')
    findings = {}
    for host in settings.fault_hosts:
        other_hosts = sorted(hosts - {host})
        findings[host] = rows.yes(
            'room on %s' % listing.some(other_hosts, 3)) if (
            other_hosts) else rows.no('no room on any other host')
    return rows.by_host(findings)


CHECKS = (
    rows.Check('services', 'Heat', ('Heat',), rows.told,
               'look at [self_healing] heat_catalog_type, and at heat-api '
               'and heat-engine'),
    rows.Check('stack', 'resource types', ('resource types',), _types,
               'look at the plug-ins of Heat, and whether its catalog has '
               'the service'),
    rows.Check('stack', 'stack domain', (), rows.unseen(
        'Heat does not tell its stack_user_domain_id, which '
        'OS::Mistral::Workflow needs'),
        'look at stack_user_domain_id and stack_domain_admin in heat.conf'),
    rows.Check('stack', 'image', ('image',), _image,
               'set [self_healing] image_ref'),
    rows.Check('stack', 'flavor', ('flavor',), _flavor,
               'set [self_healing] flavor_ref'),
    rows.Check('stack', 'network', ('network',), _network,
               'set [self_healing] external_network'),
    rows.Check('stack', 'another host', ('services',), _others,
               'bring up and enable a second compute host'),
    rows.Check('stack', 'room', ('services', 'hypervisors', 'room'), _places,
               'make room, or set a smaller [self_healing] flavor_ref'),
)
