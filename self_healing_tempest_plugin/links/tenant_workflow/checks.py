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

"""What preflight asks about Mistral, and what a member may use."""

from self_healing_tempest_plugin.links import mistral_checks
from self_healing_tempest_plugin.links import rows

_OF_ALL = ('public', 'community')


def _flavor(settings, flavor):
    if flavor is None:
        return rows.no('there is no %s' % settings.application.flavor)
    if not flavor.get('disk'):
        return rows.no('%s has no disk: Nova lets administrators only boot an '
                       'image on it' % flavor['name'])
    if flavor.get('os-flavor-access:is_public') is False:
        return rows.unknown('%s is private: whether the member has it is not '
                            'known' % flavor['name'])
    return rows.yes('%s is public, with a disk of %s GB' % (
        flavor['name'], flavor['disk']))


def _image(settings, image):
    visibility = image.get('visibility') if isinstance(image, dict) else None
    if visibility is None:
        return rows.unknown('Glance does not tell who sees %s'
                            % settings.application.image)
    text = '%s is %s' % (settings.application.image, visibility)
    return rows.yes(text) if visibility in _OF_ALL else rows.unknown(
        '%s: whether the member sees it is not known' % text)


CHECKS = (
    mistral_checks.SERVICE,
    rows.Check('workflow', 'message pipeline', (), rows.unseen(
        'Zaqar does not tell whether it notifies anybody'),
        'set [storage] message_pipeline = zaqar.notification.notifier, '
        '[trustee] and [signed_url] secret_key in zaqar.conf'),
    rows.Check('workflow', 'trusts', (), rows.unseen(
        'whether a member may hand on its roles shows when it does'),
        'the member needs the roles that [DEFAULT] trusts_delegated_roles '
        'of Heat names'),
    mistral_checks.ACTIONS,
    rows.Check('stack', 'flavor of a member', ('flavor',), _flavor,
               'set [self_healing] flavor_ref to one with a disk'),
    rows.Check('stack', 'image of a member', ('image',), _image,
               'set [self_healing] image_ref to a public image'),
)
