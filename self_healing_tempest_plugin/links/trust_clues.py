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

"""What Keystone's trusts tell: who may still act for the owner of a stack."""

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.services import trusts as keystone_trusts

Clue = context.Clue


def handed_on(trust, roles, what, sufferer):
    """Return what a trust means, now that the owner has these roles.

    Keystone gives no token by a trust of which the owner has lost a role.

    :param trust: as Keystone shows it, None when it is gone
    :param roles: names of the roles that the owner has
    :param what: what the trust is of, for people
    :param sufferer: whose work ends without it
    :returns: :class:`.context.Clue`
    """
    if trust is None:
        return Clue(
            False, 'the trust of %s is gone' % what,
            'who deleted the trust of %s: %s gets no token by it' % (
                what, sufferer))
    wanted = sorted(role['name'] for role in trust.get('roles') or ())
    missing = [role for role in wanted if role not in roles]
    text = 'the trust of %s hands on: %s' % (what, ', '.join(wanted))
    if not missing:
        return Clue(True, text)
    return Clue(
        False, '%s; the owner has lost: %s' % (text, ', '.join(missing)),
        'the roles of the owner: without %s the trust of %s gives %s no '
        'token' % (', '.join(missing), what, sufferer))


def for_user(case, name, count, what):
    """Return what the trusts mean that the owner has for a service.

    The service does not tell which they are: the name of its user does.

    :param case: :class:`.context.Case`
    :param name: of the service, which that of its user begins with
    :param count: how many it needs
    :param what: what they are of, for people
    :returns: list of :class:`.context.Clue`
    """
    trusts = case.owner.trusts
    own = keystone_trusts.given_to(name, trusts.given() or (),
                                   case.clients.keystone)
    if len(own) < count:
        return [Clue(
            None if not own else False,
            'the owner has %d trusts for %s, which needs %d for %s' % (
                len(own), name.capitalize(), count, what),
            'who deleted the trusts of %s: %s gets no token without' % (
                what, name.capitalize()))]
    roles = trusts.roles()
    return list(dict.fromkeys(
        handed_on(trusts.trust(trust_id), roles, what, name.capitalize())
        for trust_id in own[:count]))
