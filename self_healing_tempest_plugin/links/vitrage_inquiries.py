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

"""What Vitrage is asked about more than one link."""

from self_healing_tempest_plugin.links import context

Clue = context.Clue


def status(case):
    """Does vitrage-graph say that it is well?"""
    return (Clue(True, 'its status is %s'
                 % case.clients.vitrage.status()),)


def judged(found, name, what):
    """Return what the state of a template means, as clues.

    :param found: the template in Vitrage's list, as a list of one or none
    :param name: of the template, for when it is not in the list
    :param what: what it is for, for people
    """
    if not found:
        return (Clue(
            False, '%s %s is not in the list' % (what, name),
            "'vitrage template list': %s %s is not in it" % (what, name)),)
    return [_state(template, what) for template in found]


def _state(template, what):
    details = template.get('status details') or 'no details'
    text = '%s %s is %s' % (what, template['name'], template['status'])
    if template['status'] == 'ACTIVE':
        return Clue(True, text)
    return Clue(
        False, '%s: %s' % (text, details),
        "'vitrage template show %s': %s %s is in %s: %s" % (
            template['uuid'], what, template['name'], template['status'],
            details))
