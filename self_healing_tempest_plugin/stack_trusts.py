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
    options = (subscription.get('options') for queue in queues
               for subscription in owner.zaqar.subscriptions(queue))
    return [given['trust_id'] for given in options
            if isinstance(given, dict) and given.get('trust_id')]


def of_project(clients):
    """Return the trusts of all users in the project, as dicts by their ids.

    :param clients: :class:`.services.clients.Clients` of an administrator
    :returns: None where Keystone does not tell
    """
    project_id = clients.project_id
    try:
        users = clients.keystone.users_in(project_id)
        return {trust['id']: trust for user_id in users
                for trust in clients.trusts.given_by(user_id) or ()
                if trust['project_id'] == project_id}
    except errors.ServiceError as error:
        LOG.warning('Trusts that Heat may leave cannot be told: %s', error)
        return None


def forgotten(clients, before, since):
    """Return the ids of the trusts that Heat has forgotten, as a list.

    A trust tells nothing of its stack. So it is one of a stack that is gone
    only if nobody else has made or updated one in the project meanwhile.

    :param clients: :class:`.services.clients.Clients` of an administrator
    :param before: ids of the trusts before the stack was made
    :param since: when the stack was made, as Heat tells it
    """
    names, found = {}, []
    for trust_id, trust in (of_project(clients) or {}).items():
        trustee = trust['trustee_user_id']
        if trust_id in before:
            continue
        if trustee not in names:
            names[trustee] = clients.keystone.user_name(trustee) or ''
        if names[trustee].startswith('heat'):
            found.append(trust_id)
    if not found:
        return []
    waiting.pause(LISTED_AFTER)
    others = [stack['stack_name'] for stack in clients.heat.stacks() if max(
        stack['creation_time'], stack.get('updated_time') or '') >= since]
    if others:
        LOG.warning(
            'The trusts %s may be of the stacks %s, or Heat has forgotten '
            'them: they stay', ', '.join(found), ', '.join(others))
        return []
    return found
