#!/usr/bin/python
# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.
"""What every cloud offers its users: an image, flavors, a way out."""

import hashlib

from ansible.module_utils.basic import AnsibleModule
import openstack
from openstack import exceptions
from openstack import utils

DOCUMENTATION = r"""
module: lab_resources
short_description: Image, flavors, external network and hosts of the lab
description:
  - Waits until the compute hosts can take instances.
  - Makes what is missing.  An image whose file changed is made again.
options:
  cloud:
    description: Arguments of openstack.connect().
    type: dict
    required: true
  images:
    description: Images, each with I(name), I(path), I(format) and
      I(properties), a property of which may be C(image:NAME), the id of
      another one before it.
    type: list
    elements: dict
    required: true
  flavors:
    description: Flavors, each with I(name), I(ram) in MiB, I(vcpus) and
      I(disk) in GiB.
    type: list
    elements: dict
    required: true
  network:
    description: I(name), I(physical_network), I(cidr), I(gateway) and the
      first (I(start)) and last (I(end)) floating IP.
    type: dict
    required: true
  compute_hosts:
    description: Names of the hosts to wait for.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds to wait for the hosts.
    type: int
    default: 120
"""

RETURN = r"""
images:
  description: Ids by name.
  type: dict
flavors:
  description: Ids by name.
  type: dict
network:
  description: Id of the external network.
  type: str
"""


def sha512_of(path):
    """Return the checksum that Glance keeps of a file, in hexadecimal."""
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha512').hexdigest()


class Resources:
    """Finds or makes resources and notes whether it made any."""

    def __init__(self, cloud):
        self.cloud = openstack.connect(**cloud)
        self.changed = False

    def wait_for_hosts(self, names, timeout):
        """Wait until each host is up and Nova would schedule to it.

        :raises openstack.exceptions.ResourceTimeout: if one is not
        """
        missing = set(names)
        for _ in utils.iterate_timeout(
                timeout, 'Compute hosts not ready after %d s' % timeout,
                wait=1):
            missing = set(names) - self._hosts_ready()
            if not missing:
                return

    def _hosts_ready(self):
        """Return the hosts that are up and mapped to a cell."""
        up = {service.host for service
              in self.cloud.compute.services(binary='nova-compute')
              if service.state == 'up'}
        mapped = {hypervisor.name for hypervisor
                  in self.cloud.compute.hypervisors()}
        return up & mapped

    def image(self, name, path, disk_format, properties):
        present = self.cloud.image.find_image(name)
        if present and self._same(present, path, properties):
            return present.id
        if present:
            self.cloud.image.delete_image(present)
        self.changed = True
        return self.cloud.create_image(
            name, filename=path, wait=True, visibility='public',
            disk_format=disk_format,
            container_format='bare' if disk_format == 'raw' else disk_format,
            allow_duplicates=True, meta=properties).id

    def _same(self, image, path, properties):
        # As Glance has it: the library renames some properties.
        kept = self.cloud.image.get('/images/%s' % image.id).json()
        return kept.get('os_hash_value') == sha512_of(path) and all(
            kept.get(key) == value for key, value in properties.items())

    def flavor(self, name, ram, vcpus, disk):
        present = self.cloud.compute.find_flavor(name)
        if present and (present.ram, present.vcpus, present.disk) == (
                ram, vcpus, disk):
            return present.id
        if present:
            self.cloud.compute.delete_flavor(present)
        self.changed = True
        return self.cloud.compute.create_flavor(
            name=name, ram=ram, vcpus=vcpus, disk=disk).id

    def external_network(self, name, physical_network, cidr, gateway, start,
                         end):
        present = self.cloud.network.find_network(name)
        if present and present.subnet_ids:
            return present.id
        self.changed = True
        network = present or self.cloud.network.create_network(
            name=name, is_router_external=True, is_shared=False,
            provider_network_type='flat',
            provider_physical_network=physical_network)
        self.cloud.network.create_subnet(
            network_id=network.id, name=name, ip_version=4, cidr=cidr,
            gateway_ip=gateway, is_dhcp_enabled=False,
            allocation_pools=[{'start': start, 'end': end}])
        return network.id


def make_images(resources, images):
    """Make images in order; return their ids by name."""
    ids = {}
    for image in images:
        properties = {
            key: (ids[value[len('image:'):]]
                  if str(value).startswith('image:') else str(value))
            for key, value in (image.get('properties') or {}).items()}
        ids[image['name']] = resources.image(
            image['name'], image['path'], image['format'], properties)
    return ids


def main():
    module = AnsibleModule(argument_spec={
        'cloud': {'type': 'dict', 'required': True, 'no_log': True},
        'images': {'type': 'list', 'elements': 'dict', 'required': True},
        'flavors': {'type': 'list', 'elements': 'dict', 'required': True},
        'network': {'type': 'dict', 'required': True},
        'compute_hosts': {
            'type': 'list', 'elements': 'str', 'required': True},
        'timeout': {'type': 'int', 'default': 120},
    })
    wanted = module.params
    resources = Resources(wanted['cloud'])
    try:
        result = {
            'images': make_images(resources, wanted['images']),
            'flavors': {flavor['name']: resources.flavor(**flavor)
                        for flavor in wanted['flavors']},
            'network': resources.external_network(**wanted['network']),
        }
        resources.wait_for_hosts(wanted['compute_hosts'], wanted['timeout'])
    except exceptions.SDKException as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=resources.changed, **result)


if __name__ == '__main__':
    main()
