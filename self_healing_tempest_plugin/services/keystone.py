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

"""Keystone: roles of a user in a project, by Tempest's clients."""

import contextlib
import functools

from self_healing_tempest_plugin.services import errors

_calling = functools.partial(
    errors.calling, 'Keystone', dialect=errors.Dialect(own=errors.with_code))


class Keystone:
    """Roles, users and projects, by Tempest's clients of an administrator."""

    def __init__(self, manager):
        self._roles = manager.roles_v3_client
        self._users = manager.users_v3_client
        self._projects = manager.projects_client
        self._assignments = manager.role_assignments_client

    def roles_of(self, user_id, project_id):
        """Return the ids of the roles of a user in a project, as a set."""
        with _calling('list roles of user %s in project %s' % (
                user_id, project_id)):
            return {role['id'] for role in
                    self._roles.list_user_roles_on_project(
                        project_id, user_id)['roles']}

    def grant(self, role_id, user_id, project_id):
        """Give a user a role in a project; one that is there is fine."""
        with _calling('grant role %s in project %s' % (role_id, project_id)):
            self._roles.create_user_role_on_project(
                project_id, user_id, role_id)

    def revoke(self, role_id, user_id, project_id):
        """Take a role away; one that is gone, with all else, is fine."""
        with contextlib.suppress(errors.NotThere), _calling(
                'revoke role %s in project %s' % (role_id, project_id)):
            self._roles.delete_role_from_user_on_project(
                project_id, user_id, role_id)

    def user_name(self, user_id):
        """Return the name of a user, None where there is no such user."""
        with contextlib.suppress(errors.NotThere), _calling(
                'show user %s' % user_id):
            return self._users.show_user(user_id)['user']['name']
        return None

    def users_in(self, project_id):
        """Return the ids of the users who have a role in a project, sorted.

        Also of those who have it by a group, or from a project above.
        """
        with _calling('list who has a role in project %s' % project_id):
            return sorted({
                assignment['user']['id'] for assignment
                in self._assignments.list_role_assignments(
                    effective=True, **{'scope.project.id': project_id})[
                        'role_assignments'] if 'user' in assignment})

    def users_named(self, beginning):
        """Return the ids of the users whose names begin so, as a list."""
        with _calling('list users'):
            return _named(self._users.list_users(
                name__startswith=beginning)['users'], beginning)

    def projects_named(self, beginning):
        """Return the ids of the projects whose names begin so, as a list."""
        with _calling('list projects'):
            return _named(self._projects.list_projects(
                {'name__startswith': beginning})['projects'], beginning)

    def delete_user(self, user_id):
        """Delete a user; one that is gone is fine."""
        with contextlib.suppress(errors.NotThere), _calling(
                'delete user %s' % user_id):
            self._users.delete_user(user_id)

    def delete_project(self, project_id):
        """Delete a project; one that is gone is fine."""
        with contextlib.suppress(errors.NotThere), _calling(
                'delete project %s' % project_id):
            self._projects.delete_project(project_id)


def _named(listed, beginning):
    # A Keystone that does not filter lists all.
    return [identity['id'] for identity in listed
            if identity['name'].startswith(beginning)]
