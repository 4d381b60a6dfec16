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


def servers_that_came_to_be(resources, events):
    """Return the ids of the servers that a stack has had, and used, sorted.

    What failed to be made is none of them: Heat tries again by itself.

    :param resources: see :func:`servers_of`
    :param events: see :func:`servers_of`
    """
    failed = {event.get('physical_resource_id') for event in events
              if event.get('resource_status') == 'CREATE_FAILED'}
    return tuple(server_id for server_id in servers_of(resources, events)
                 if server_id not in failed)


def update_that_made(server_id, stack, events):
    """Return the event with which the update began that made a server.

    Heat writes down that it begins with a resource before it knows the id,
    and lists events in the order in which they were written. An update that
    is asked for while another one is under way begins in its middle.

    :param server_id: of a server that is complete
    :param stack: :class:`Stack`
    :param events: of the stack and its resources, list of dicts, oldest
        first
    :returns: dict, None where the events do not tell
    """
    made = _last(events, physical_resource_id=server_id,
                 resource_status='CREATE_COMPLETE')
    if made is None:
        return None
    before = events[:events.index(made)]
    begun = _last(before, resource_name=made['resource_name'],
                  resource_status='CREATE_IN_PROGRESS')
    if begun is None:
        return None
    return _last(before[:before.index(begun)], resource_name=stack.name,
                 resource_status='UPDATE_IN_PROGRESS')


def _last(events, **fields):
    return next((event for event in reversed(events) if all(
        event.get(name) == value for name, value in fields.items())), None)


def physical_id(resources, resource_type):
    """Return the id of the first resource of a type, or None.

    :param resources: list of dicts, as Heat lists them
    :param resource_type: e.g. ``OS::Nova::Server``
    """
    return next(iter(physical_ids(resources, resource_type)), None)


def physical_ids(resources, resource_type):
    """Return the ids of all resources of a type that are there, as a list.

    :param resources: list of dicts, as Heat lists them
    :param resource_type: e.g. ``OS::Zaqar::Queue``
    """
    return [resource['physical_resource_id'] for resource in resources
            if resource['resource_type'] == resource_type
            and resource['physical_resource_id']]
