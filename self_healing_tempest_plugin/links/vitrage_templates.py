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

"""Templates in Vitrage: which of a name counts, and whether it is loaded."""

from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import waiting


def of_name(templates, name):
    """Return the template of a name that counts, or None.

    :param templates: list of dicts, as Vitrage lists them
    """
    named = [template for template in templates if template['name'] == name]
    return next((template for template in named
                 if template['status'] == 'ACTIVE'),
                named[-1] if named else None)


def wait_active(vitrage, uuid, times):
    """Wait until Vitrage has loaded a template.

    :param vitrage: :class:`..services.vitrage.Vitrage`
    :param uuid: the template
    :param times: :class:`..config.Timeouts`
    :raises ..waiting.WaitAborted: when Vitrage finds it wrong
    """
    waiting.wait_for(
        lambda: vitrage.template(uuid),
        lambda template: template and template['status'] == 'ACTIVE',
        what='template %s ACTIVE' % uuid, timeout=times.template,
        interval=times.poll_interval, describe=state,
        abort=lambda template: template and template['status'] == 'ERROR',
        tolerate=errors.ServiceUnavailable,
        look_at="'vitrage template list' and vitrage-graph's log")


def state(template):
    """Return how a template is, for people.

    :param template: a dict as Vitrage lists it, or None
    """
    if template is None:
        return 'not in the list'
    return '%(name)s %(status)s %(status details)s' % template
