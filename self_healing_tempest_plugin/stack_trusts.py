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

"""The trusts of Keystone that outlive a stack.

Zaqar makes one for each trigger, and keeps it when the trigger is deleted.
Heat makes another one when somebody else than before updates a stack, and
deletes the one that it had; where two of them do so at once, as a workflow
of Vitrage and one of Aodh may, it forgets one of the new ones.
"""

from oslo_log import log as logging

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import trusts
from self_healing_tempest_plugin.services import zaqar
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin import waiting

LOG = logging.getLogger(__name__)

# Seconds between the trust that Heat makes for a stack and the moment from
# which it lists the stack, and more.
LISTED_AFTER = 5.0


def of_triggers(owner, identifier):
    """Return the ids of the trusts of the triggers of a stack, as a list.

    :param owner: :class:`.services.clients.Clients` of its project
    :param identifier: of the stack
    """
    queues = stacks.physical_ids(owner.heat.resources(identifier),
                                 'OS::Zaqar::Queue')
    try:
        return [trust_id for queue in queues
                for trust_id in map(zaqar.trust_of,
                                    owner.zaqar.subscriptions(queue))
                if trust_id]
    except errors.NotInCatalog:
        # Without Zaqar nobody has made a trigger.
        return []


def before(clients):
    """Return what has to be known before a stack is made, fit for JSON.

    The stacks come first: one whose trust is not in the list is not in theirs
    either, since Heat makes the trust before it lists the stack.

    :param clients: :class:`.services.clients.Clients` of an administrator
    :returns: what :func:`forgotten` takes, as a dict; empty where the
        services do not tell
    """
    try:
        return {'stacks_before': _stacks(clients),
                'trusts_before': sorted(_trusts(clients))}
    except errors.ServiceError as error:
        LOG.warning('Trusts that Heat may leave cannot be told: %s', error)
        return {}


def forgotten(clients, stacks_before, trusts_before):
    """Return the ids of the trusts that Heat has forgotten, as a list.

    A trust tells nothing of its stack. So it is one of a stack that is gone
    only if nobody else has made or updated one in the project meanwhile.

    :param clients: :class:`.services.clients.Clients` of an administrator
    :param stacks_before: see :func:`before`
    :param trusts_before: see :func:`before`
    """
    new = [trust for trust_id, trust in _trusts(clients).items()
           if trust_id not in trusts_before]
    found = trusts.given_to('heat', new, clients.keystone)
    if not found:
        return []
    waiting.pause(LISTED_AFTER)
    others = [stack_id for stack_id, updated in _stacks(clients).items()
              if (stack_id, updated) not in stacks_before.items()]
    if others:
        LOG.warning(
            '%d trusts for Heat may be of the stacks %s, or Heat has '
            'forgotten them: they stay', len(found), ', '.join(others))
        return []
    return found


def _stacks(clients):
    """Return when each stack of the project was updated, by their ids."""
    return {stack['id']: stack.get('updated_time')
            for stack in clients.heat.stacks()}


def _trusts(clients):
    """Return the trusts of all users in the project, by their ids."""
    project_id = clients.project_id
    return {trust['id']: trust
            for user_id in clients.keystone.users_in(project_id)
            for trust in clients.trusts.given_by(user_id) or ()
            if trust['project_id'] == project_id}
