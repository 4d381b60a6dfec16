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

"""Link workflow: Zaqar's subscription and its trust, and Mistral."""

import json

from self_healing_tempest_plugin.links import context
from self_healing_tempest_plugin.links import mistral_inquiries
from self_healing_tempest_plugin.links.tenant_workflow import link
from self_healing_tempest_plugin.links.tenant_workflow import watcher
from self_healing_tempest_plugin.links import trust_clues
from self_healing_tempest_plugin.services import zaqar

Clue, Inquiry = context.Clue, context.Inquiry


def trigger(case):
    """Is the subscription there that starts the workflow?"""
    queue, workflow = case.ids['queue'], case.ids['workflow']
    subscriptions = case.owner.zaqar.subscriptions(queue)
    if not subscriptions:
        return (Clue(
            False, 'nobody subscribes to queue %s' % queue,
            'stack %s: it has no OS::Zaqar::MistralTrigger, or its '
            'subscription to queue %s is gone' % (
                case.around.application.stack.name, queue)),)
    return [_subscription(subscription, workflow)
            for subscription in subscriptions]


def _subscription(subscription, workflow):
    started = _started(subscription)
    # Nothing but that is shown: the options have the id of the trust.
    text = 'subscription %s tells %s' % (
        subscription.get('id'), subscription.get('subscriber'))
    if started is None:
        return Clue(None, text + ', and starts no workflow')
    if started == workflow:
        return Clue(True, '%s to start %s' % (text, started))
    return Clue(
        False, '%s to start %s' % (text, started),
        'workflow_id of the OS::Zaqar::MistralTrigger: it is %s, not %s' % (
            started, workflow))


def _started(subscription):
    """Return the workflow that a subscription starts, or None."""
    try:
        return json.loads(subscription['options']['post_data'])['workflow_id']
    except (KeyError, TypeError, ValueError):
        return None


def trust(case):
    """May Zaqar still act for the owner, by the trust of the subscription?"""
    trusts = case.owner.trusts
    ids = [zaqar.trust_of(subscription) for subscription
           in case.owner.zaqar.subscriptions(case.ids['queue'])]
    roles = trusts.roles()
    return [trust_clues.handed_on(
        trusts.trust(trust_id), roles, 'the subscription', 'Zaqar')
        for trust_id in filter(None, ids)]


INQUIRIES = mistral_inquiries.Inquiries(
    link.LINK, watcher.whose, 'the message of execution {id}: it names '
    'server {target}, not {server}', (
        Inquiry('Zaqar', 'subscriptions to the queue', trigger),
        Inquiry('Keystone', 'the trust of the subscription', trust)))
