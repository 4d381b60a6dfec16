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
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import trusts as keystone_trusts

Clue = context.Clue

# Under which name it is learned which trusts there are for a service.
TRUSTS = 'trusts of %s'


def token(case):
    """Does the owner get a token at all? Nothing is said where it does."""
    try:
        case.owner.trusts.roles()
    except errors.ServiceRefused as refusal:
        if refusal.code != 401:
            raise
        return (Clue(
            False, 'the owner gets no token',
            'the roles of the owner: Keystone gives no token without a role '
            "in the project of stack %s ('openstack role assignment list "
            "--names'), nor to a user that is disabled or has another "
            'password' % case.around.application.stack.name),)
    return ()


OWNER = context.Inquiry('Keystone', 'a token for the owner', token)


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


def own_of(name, around):
    """Return the ids of the trusts that the owner has for a service.

    :param name: see :func:`for_user`
    :param around: :class:`.surroundings.Surroundings`
    """
    return keystone_trusts.given_to(name, around.owner.trusts.given() or (),
                                    around.clients.keystone)


def remembered(name, around):
    """Return what :func:`for_user` knows of before the fault, a dict."""
    try:
        return {TRUSTS % name: tuple(own_of(name, around))}
    except errors.ServiceError:
        return {}


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
    own = own_of(name, case.around)
    known = case.around.learned.get(TRUSTS % name, own)
    gone = len(set(known) - set(own))
    if gone or len(own) < count:
        # Without one that was there, the user may have another name; and
        # of more than it needs, one of another stack may be gone.
        told = len(known) == count if gone else bool(own)
        return [Clue(
            False if told else None,
            'the owner has %d trusts for %s, which needs %d for %s%s' % (
                len(own), name.capitalize(), count, what,
                '; %d are gone since before the fault' % gone if gone else ''),
            'who deleted the trusts of %s: %s gets no token without' % (
                what, name.capitalize()) if known else '')]
    roles = trusts.roles()
    return list(dict.fromkeys(
        handed_on(trusts.trust(trust_id), roles, what, name.capitalize())
        for trust_id in own[:count]))
