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

"""A stack of Heat, and the servers among its resources."""

import dataclasses

from oslo_utils import uuidutils


@dataclasses.dataclass(frozen=True)
class Stack:
    """Name and id of a stack; together they spare Heat a redirection."""

    name: str
    id: str

    @property
    def identifier(self):
        """Return name and id as Heat's URLs have them."""
        return '%s/%s' % (self.name, self.id)


def server_of(resources):
    """Return the id of the server among a stack's resources, or None.

    :param resources: list of dicts, as Heat lists them
    """
    return next((resource['physical_resource_id'] for resource in resources
                 if resource['resource_type'] == 'OS::Nova::Server'), None)


def servers_of(resources, events):
    """Return the ids of all servers that a stack has had, sorted.

    :param resources: list of dicts, as Heat lists them
    :param events: of the stack and its resources, list of dicts
    """
    names = {resource['resource_name'] for resource in resources
             if resource['resource_type'] == 'OS::Nova::Server'}
    # The event of a server that is not made yet has its name in place of it.
    return tuple(sorted({entry['physical_resource_id']
                         for entry in (*resources, *events)
                         if entry['resource_name'] in names
                         and uuidutils.is_uuid_like(
                             entry.get('physical_resource_id'))}))


def physical_id(resources, resource_type):
    """Return the id of the first resource of a type, or None.

    :param resources: list of dicts, as Heat lists them
    :param resource_type: e.g. ``OS::Nova::Server``
    """
    return next((resource['physical_resource_id'] for resource in resources
                 if resource['resource_type'] == resource_type), None)
