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

"""The template in Vitrage that deduces, while an application is there."""

import secrets

import fixtures

from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.links import vitrage_templates
from self_healing_tempest_plugin import removal
from self_healing_tempest_plugin import templates

# The options that name a template of the cloud, by the file of the tests' own
# that is added without them.
OPTIONS = {templates.HOST_DOWN: 'host_template',
           templates.NIC_DOWN: 'nic_template'}


class DeductionTemplate(fixtures.Fixture):
    """The Vitrage template that deduces instance alarms from host alarms.

    A template of the cloud is only looked at: when it is missing or wrong,
    the chain is broken there, and the drill is to show that. Otherwise the
    tests' own is there while the fixture is in use. It outlives the alarms
    that it reacts to, see :mod:`..removal`.

    :ivar uuid: the template, None when there is none
    :ivar problem: why it will deduce nothing, empty when it may well
    """

    def __init__(self, clients, settings, datasource, alarm, journal=None,
                 file=None):
        """Prepare; nothing is added yet.

        :param clients: :class:`...services.clients.Clients`
        :param settings: :class:`..config.Settings`
        :param datasource: ``vitrage_type`` of the monitor's alarms
        :param alarm: :class:`..config.Alarm` that it deduces from
        :param journal: :class:`..faults.journals.Journal`, held; None: that of
            [self_healing] state_dir
        :param file: the template that is added where the cloud has none;
            None: that of the alarm
        """
        super().__init__()
        self._file = file or alarm.file
        self._clients, self._vitrage = clients, clients.vitrage
        self._settings = settings
        self._journal = journal
        self._datasource, self._alarm = datasource, alarm
        self.uuid, self.problem = None, ''

    @property
    def learned(self):
        """Return what the link learns by it."""
        return {'template': self.uuid}

    def _setUp(self):
        if self._alarm.template:
            self._look_at(self._alarm.template)
            return
        self.uuid = self._add()
        vitrage_templates.wait_active(self._vitrage, self.uuid,
                                      self._settings.timeouts)

    def _look_at(self, name):
        template = vitrage_templates.of_name(self._vitrage.templates(), name)
        option = '[self_healing] %s' % OPTIONS[self._alarm.file]
        if template is None:
            self.problem = ('Vitrage has no template %s, which %s names'
                            % (name, option))
            return
        self.uuid = template['uuid']
        if template['status'] != 'ACTIVE':
            self.problem = 'the template of %s is not active: %s' % (
                option, vitrage_templates.state(template))

    def _add(self):
        entry = journals.Object(
            plans.new_id(), removal.TEMPLATE, self._fresh_name(), {
                'datasource': self._datasource, 'alarm': self._alarm.name,
                'forced_down': [
                    service['host']
                    for service in self._clients.nova.compute_services()
                    if service['forced_down']]})
        journal = self._journal or journals.Journal(
            self._settings.state_dir)
        removing = removal.Removal(self._clients, journal,
                                   self._settings.timeouts)
        journal.plan_object(entry)
        self.addCleanup(removing.remove, entry.id)
        added = self._vitrage.add_template(
            templates.read(self._file), {
                'template_name': entry.name,
                'host_alarm_type': self._datasource,
                'host_alarm_name': self._alarm.name,
                'instance_alarm_name': self._settings.deduced_alarm_name})
        journal.created(entry.id, id=added['uuid'])
        return added['uuid']

    def _fresh_name(self):
        # Vitrage compares names by their beginnings, so that none may be
        # the beginning of another: the random part has a fixed length.
        kind = self._alarm.file.split('.')[0]
        return 'self_healing_%s_%s' % (kind, secrets.token_hex(4))
