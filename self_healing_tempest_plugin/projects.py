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

"""The project of a plain member: what Tempest made, and the way back into it.

A run that is killed leaves the member's stack, and nobody knows the member's
password any more. So whoever takes it back gives the administrator a role in
that project, for as long as it takes. What is given, and what Tempest has made
for the run, is in the journal, as all else.
"""

import contextlib

from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin import removal


@contextlib.contextmanager
def entered(project_id, keystone, journal, user_id, roles):
    """Give a user roles in a project as long as the ``with`` lasts.

    Roles that the user has there already stay as they are.

    :param project_id: the project
    :param keystone: :class:`.services.keystone.Keystone`
    :param journal: :class:`.faults.journals.Journal`, held
    :param user_id: of the administrator
    :param roles: ids of the roles
    """
    missing = sorted({*roles} - keystone.roles_of(user_id, project_id))
    if not missing:
        yield
        return
    entry = journals.Object(
        plans.new_id(), removal.ACCESS, project_id,
        {'project': project_id, 'user': user_id, 'roles': missing})
    journal.plan_object(entry)
    try:
        for role_id in missing:
            keystone.grant(role_id, user_id, project_id)
        yield
    finally:
        removal.patiently(lambda: removal.revoke(keystone, entry.known))
        journal.record(entry.id, journals.State.REMOVED)


def way_in(project_id, clients, journal, held):
    """Return clients of a project, with the roles that its removal takes.

    :param project_id: of a member that cannot be asked as, or not any more
    :param clients: :class:`.services.clients.Clients` of the administrator
    :param journal: :class:`.faults.journals.Journal`, held
    :param held: :class:`contextlib.ExitStack`, at whose end the roles go
    """
    user_id, roles = clients.roles()
    held.enter_context(entered(project_id, clients.keystone, journal,
                               user_id, roles))
    return clients.in_project(project_id)


def planned(name, journal):
    """Write down that Tempest is about to make a project and its user.

    :param name: how their names begin, before a hyphen; nothing else's do
    :param journal: :class:`.faults.journals.Journal`, held
    :returns: id of the entry
    """
    entry = journals.Object(plans.new_id(), removal.PROJECT, name,
                            {'named': True})
    journal.plan_object(entry)
    return entry.id


def made(entry_id, credentials, journal):
    """Write down what Tempest has made: from now on a stack may be in it.

    :param entry_id: what :func:`planned` has returned
    :param credentials: Tempest's credentials of the member
    :param journal: :class:`.faults.journals.Journal`
    """
    journal.created(entry_id, named=False, project=credentials.project_id,
                    user=credentials.user_id)


def unmade(entry_id, journal, delete, administrator):
    """Let Tempest delete what it has made, unless a stack is left in it.

    Nobody could get at that stack any more. ``self-healing-tempest revert``
    deletes the stack, and the project after it. Tempest forgets what it has
    made where it makes not all of it: that is found by its name.

    :param entry_id: what :func:`planned` has returned
    :param journal: :class:`.faults.journals.Journal`
    :param delete: does it
    :param administrator: returns the :class:`.services.clients.Clients` of
        the administrator
    """
    entry, = (entry.object for entry in journal.read()[0]
              if entry.id == entry_id)
    if entry.known['named']:
        removal.remove_named(administrator(), entry.name)
    elif removal.stacks_in(journal, entry.known['project']):
        return
    else:
        delete()
    journal.record(entry_id, journals.State.REMOVED)
