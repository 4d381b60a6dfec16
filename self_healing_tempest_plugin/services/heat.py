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

"""Heat: the stacks of one project, by python-heatclient."""

import contextlib
import functools

from heatclient import exc as heat_exc
from heatclient.v1 import client as heat_client

from self_healing_tempest_plugin.services import endpoints
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import session


def _own(error):
    # heat.api.middleware.fault; the library makes such a dict of all else.
    told = getattr(error, 'error', {}).get('error')
    return isinstance(told, dict) and 'type' in told


_calling = functools.partial(
    errors.calling, 'Heat', dialect=errors.Dialect(
        unreachable=(heat_exc.CommunicationError,),
        statuses={heat_exc.HTTPException: 'code'}, own=_own))


# What Heat says where a user has not the roles that it would hand on.
_NO_ROLES = 'Missing required credential: roles'


@contextlib.contextmanager
def _roles_named(name):
    """Say who names the roles that a stack's owner has not.

    Heat makes the trust before anything else, and of the option it says
    nothing.
    """
    try:
        yield
    except heat_exc.HTTPBadRequest as error:
        if _NO_ROLES not in str(error):
            raise
        raise errors.ServiceRefused(
            'Heat', 'create stack %s' % name, '%s; its owner needs the roles '
            'that [DEFAULT] trusts_delegated_roles in heat.conf names'
            % error, error.code) from error


class Heat:
    """Stacks of one project."""

    def __init__(self, keystone, cloud):
        self._keystone, self._cloud = keystone, cloud

    @functools.cached_property
    def _client(self):
        # The library takes the endpoint for one with version and project.
        return heat_client.Client(
            session=self._keystone, endpoint_override=endpoints.of_project(
                self._keystone, self._cloud, self._cloud.heat_catalog_type,
                'v1'))

    def create(self, name, template, files, parameters, timeout):
        """Start to create a stack.

        :param template: text of the HOT
        :param files: what the HOT gets by ``get_file``
        :param timeout: seconds after which Heat itself gives up
        :returns: the stack's id
        """
        with _calling('create stack %s' % name), _roles_named(name):
            return self._client.stacks.create(
                stack_name=name, template=template, files=files,
                parameters=parameters, disable_rollback=True,
                timeout_mins=max(1, -(-timeout // 60)))['stack']['id']

    def preview(self, name, template, files, parameters):
        """Return the resources that a stack would have, as a list of dicts.

        Heat does all but create it: it looks at its policy for each type, in
        the catalog for each service, and has each property validated by who
        asks, so that another's flavor, image or network is none. What a
        service allows, and quotas, it does not ask for.

        :param name: of the stack; one of that name must not be there
        :param template: see :meth:`create`
        :param files: see :meth:`create`
        :param parameters: see :meth:`create`
        """
        with _calling('preview stack %s' % name):
            return self._client.stacks.preview(
                stack_name=name, template=template, files=files,
                parameters=parameters).to_dict()['resources']

    def stack(self, stack_id, outputs=False):
        """Return a stack as a dict, None when it is deleted.

        :param outputs: whether Heat shall resolve the outputs too, for which
            it asks other services
        """
        with contextlib.suppress(errors.NotThere), _calling(
                'show stack %s' % stack_id):
            stack = self._client.stacks.get(
                stack_id, resolve_outputs=outputs).to_dict()
            if stack['stack_status'] != 'DELETE_COMPLETE':
                return stack
        return None

    def stacks_by_identifier(self, identifiers):
        """Return several stacks of the project, without their outputs.

        :param identifiers: of each its name, a slash and its id
        :returns: dict of each to the stack as a dict, None when it is deleted
        """
        ids = {identifier.rsplit('/', 1)[-1]: identifier
               for identifier in identifiers}
        with _calling('list %d stacks' % len(ids)):
            found = {stack.id: stack.to_dict() for stack
                     in self._client.stacks.list(
                         show_hidden=True, filters={'id': list(ids)})}
        return {identifier: found.get(stack_id)
                for stack_id, identifier in ids.items()}

    def stacks(self):
        """Return the stacks of the project, as a list of dicts.

        Hidden ones are among them, and none that is in another one.
        """
        with _calling('list stacks'):
            return [stack.to_dict() for stack
                    in self._client.stacks.list(show_hidden=True)]

    def resources(self, stack_id):
        """Return the resources of a stack as a list of dicts.

        A stack that is gone has none.
        """
        with contextlib.suppress(errors.NotThere), _calling(
                'list resources of stack %s' % stack_id):
            return [resource.to_dict() for resource
                    in self._client.resources.list(stack_id)]
        return []

    def updates(self, stack):
        """Return the events of a stack's own updates, oldest first.

        :param stack: :class:`.application.Stack`
        :returns: list of dicts; the stack's own events, not those of its
            resources; none of a stack that is gone
        """
        with contextlib.suppress(errors.NotThere), _calling(
                'list updates of stack %s' % stack.id):
            events = self._client.events.list(
                stack.identifier, sort_dir='asc', filters={
                    'resource_name': stack.name,
                    'resource_action': 'UPDATE'})
            return [event.to_dict() for event in events]
        return []

    def events(self, stack, limit=100):
        """Return the newest events of a stack and its resources, oldest first.

        :param stack: :class:`.application.Stack`
        :param limit: how many
        """
        with _calling('list events of stack %s' % stack.id):
            events = self._client.events.list(
                stack.identifier, limit=limit, sort_dir='desc')
            return [event.to_dict() for event in events][::-1]

    def mark_unhealthy(self, stack, resource, reason):
        """Let the next update of a stack replace a resource.

        :param stack: :class:`.application.Stack`
        :param resource: its name, or its physical id
        :param reason: for people
        """
        with _calling('mark %s unhealthy' % resource):
            self._client.resources.mark_unhealthy(
                stack.identifier, resource, True, reason)

    def update(self, stack):
        """Start to update a stack with its own template and parameters.

        :param stack: :class:`.application.Stack`
        """
        with _calling('update stack %s' % stack.id):
            self._client.stacks.update(stack.identifier, existing=True)

    def engines(self):
        """Return all heat-engines as a list of dicts."""
        with _calling('list its services'):
            return [engine.to_dict()
                    for engine in self._client.services.list()]

    def delete(self, stack_id):
        """Start to delete a stack; a stack that is gone is fine."""
        with contextlib.suppress(errors.NotThere), _calling(
                'delete stack %s' % stack_id):
            self._client.stacks.delete(stack_id)

    def version(self):
        """Return the newest version of its API as text."""
        with _calling('show its version'):
            return session.version(
                self._keystone, self._cloud, self._cloud.heat_catalog_type,
                'v1', self.build)

    def build(self):
        """Return the revision that the engine tells, e.g. ``unknown``."""
        with _calling('show its build'):
            return self._client.build_info.build_info()['engine']['revision']

    def resource_types(self):
        """Return the names of all resource types as a set."""
        with _calling('list resource types'):
            return {resource_type.resource_type
                    for resource_type in self._client.resource_types.list()}
