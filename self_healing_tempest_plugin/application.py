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

"""The application that is to be healed: a Heat stack and an address."""

import dataclasses
import secrets

import fixtures
from tempest.lib.common.utils import data_utils

from self_healing_tempest_plugin.chain import watchers
from self_healing_tempest_plugin.faults import journal as journals
from self_healing_tempest_plugin.faults import plan as plans
from self_healing_tempest_plugin import probing
from self_healing_tempest_plugin import removal
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin import waiting

# Seconds that the workflow gives each of its steps at least, Mistral's
# scheduler alone needs some of them; and which part of the time for the stack
# it is where that is more.
HEAL_STEP_TIME, HEAL_STEPS = 30, 10

# The options that name a template of the cloud, by the file of the tests' own
# that is added without them.
TEMPLATE_OPTIONS = {templates.HOST_DOWN: 'host_template',
                    templates.NIC_DOWN: 'nic_template'}


@dataclasses.dataclass(frozen=True)
class Stack:
    """Name and id of a stack; together they spare Heat a redirection."""

    name: str
    id: str

    @property
    def identifier(self):
        """Return what Heat's URLs take."""
        return '%s/%s' % (self.name, self.id)


class Application(fixtures.Fixture):
    """An application that is there while the fixture is in use.

    :ivar stack: :class:`Stack`
    :ivar server_id: the server that runs it
    :ivar host: the compute host of that server
    :ivar boot: boot id of its guest, empty where nobody asks it
    :ivar workflow: name of the workflow that heals it
    :ivar url: where it answers
    :ivar answers: whether a guest runs that does
    """

    def __init__(self, clients, settings, healing=True, answers=True, *,
                 journal=None, transports=None, left=None):
        """Prepare; nothing is created yet.

        :param clients: :class:`.services.clients.Clients`
        :param settings: :class:`.config.Settings`
        :param healing: whether it gets the rule that starts the healing
        :param answers: whether a guest will run that can be asked
        :param journal: :class:`.faults.journal.Journal`, held; None: that of
            [self_healing] state_dir
        :param transports: :class:`.faults.transports.Transports`, for what
            the application leaves on a host that is broken
        :param left: returns what that is as a :class:`.faults.plan.Plan`, or
            None, of its server's id and host; None: nobody looks
        """
        super().__init__()
        self._clients, self._settings = clients, settings
        self._journal, self._transports = journal, transports
        self._left = left
        self._healing, self.answers = healing, answers
        self._times = settings.timeouts
        self.stack = self.server_id = self.host = None
        self.workflow = self.url = None
        self.boot = ''

    def _setUp(self):
        name = data_utils.rand_name('self-healing-application',
                                    prefix=self._settings.name_prefix)
        entry = journals.Object(plans.new_id(), removal.STACK, name)
        journal = _journal(self._journal, self._settings)
        removing = removal.Removal(self._clients, journal, self._times,
                                   self._transports)
        # Both come first: a creation that got no answer may have happened.
        journal.plan_object(entry)
        self.addCleanup(removing.remove, entry.id)
        try:
            self.stack = Stack(name, self._create(name))
        except errors.ServiceRefused as refusal:
            removing.forget(entry.id, str(refusal))
            raise
        journal.created(entry.id, id=self.stack.id)
        self._wait_created()
        self._learn()
        journal.created(entry.id, **self._known())
        if self._healing:
            self._wait_rule_active()
        if self.answers:
            self.boot = self._wait_answer().boot

    def probe(self, now):
        """Ask the application to repeat a fresh nonce.

        :param now: returns seconds on the runner's monotonic clock
        :returns: :class:`.chain.timeline.Probe`
        """
        return probing.probe(self.url, secrets.token_hex(8), now)

    def _create(self, name):
        wanted = self._settings.application
        return self._clients.heat.create(
            name, templates.read(templates.APPLICATION),
            templates.application_files(), {
                'image': wanted.image, 'flavor': wanted.flavor,
                'external_network': wanted.external_network,
                'application_port': wanted.port,
                'instance_alarm_name': self._settings.deduced_alarm_name,
                'healing': self._healing,
                'heal_time': 2 * self._times.stack,
                'heal_step_time': max(
                    HEAL_STEP_TIME, self._times.stack // HEAL_STEPS),
            }, self._times.stack)

    def _wait_created(self):
        self._wait(
            lambda: self._clients.heat.stack(self.stack.identifier),
            lambda stack: _status(stack) == 'CREATE_COMPLETE',
            what='stack %s CREATE_COMPLETE' % self.stack.id,
            timeout=self._times.stack, describe=_stack_state,
            abort=lambda stack: _status(stack) != 'CREATE_IN_PROGRESS',
            look_at="'openstack stack failures list %s'" % self.stack.name)

    def _learn(self):
        stack = self._clients.heat.stack(self.stack.identifier, outputs=True)
        outputs = {one['output_key']: one['output_value']
                   for one in stack['outputs']}
        resources = self._clients.heat.resources(self.stack.identifier)
        self.server_id = watchers.server_of(resources)
        self.workflow = _physical_id(resources, 'OS::Mistral::Workflow')
        server = self._clients.nova.server(self.server_id)
        self.host = server['OS-EXT-SRV-ATTR:host']
        self.url = 'http://%s:%d/' % (
            outputs['address'], self._settings.application.port)

    def _known(self):
        """Return what the removal needs to know, fit for JSON."""
        left = self._left and self._left(self.server_id, self.host)
        return dict({'server': self.server_id, 'host': self.host,
                     'workflow': self.workflow},
                    **{'left': plans.to_dict(left)} if left else {})

    def _wait_rule_active(self):
        # Heat calls the resource complete even where Vitrage has refused
        # the template, and does not wait until it is loaded.
        resources = self._clients.heat.resources(self.stack.identifier)
        uuid = _physical_id(resources, 'OS::Vitrage::Template')
        if not uuid:
            raise errors.ServiceRefused(
                'Vitrage', 'add the healing rule of stack %s'
                % self.stack.name, "it did not take it, see heat-engine's "
                "log for 'Failed to add template to Vitrage'")
        wait_template_active(self._clients.vitrage, uuid, self._times)

    def _wait_answer(self):
        return self._wait(
            lambda: self.probe(waiting.CLOCK.now), lambda probe: probe.ok,
            what='answer of the new application at %s' % self.url,
            timeout=self._times.application,
            describe=lambda probe: probe.error,
            look_at="'openstack console log show %s'" % self.server_id)

    def _wait(self, observe, accept, **options):
        return waiting.wait_for(
            observe, accept, interval=self._times.poll_interval,
            tolerate=errors.ServiceUnavailable, **options)


class DeductionTemplate(fixtures.Fixture):
    """The Vitrage template that deduces instance alarms from host alarms.

    One that the cloud has is only looked at: when it is missing or wrong,
    the chain is broken there, and the drill is to show that. Otherwise the
    tests' own is there while the fixture is in use. It outlives the alarms
    that it reacts to, see :mod:`.removal`.

    :ivar uuid: the template, None when there is none
    :ivar problem: why it will deduce nothing, empty when it may well
    """

    def __init__(self, clients, settings, datasource, alarm, journal=None):
        """Prepare; nothing is added yet.

        :param clients: :class:`.services.clients.Clients`
        :param settings: :class:`.config.Settings`
        :param datasource: ``vitrage_type`` of the monitor's alarms
        :param alarm: :class:`.config.Alarm` that it deduces from
        :param journal: see :class:`Application`
        """
        super().__init__()
        self._clients, self._vitrage = clients, clients.vitrage
        self._settings = settings
        self._journal = journal
        self._datasource, self._alarm = datasource, alarm
        self.uuid, self.problem = None, ''

    def _setUp(self):
        if self._alarm.template:
            self._look_at(self._alarm.template)
            return
        self.uuid = self._add()
        wait_template_active(self._vitrage, self.uuid,
                             self._settings.timeouts)

    def _look_at(self, name):
        found = template_of(self._vitrage.templates(), name)
        option = '[self_healing] %s' % TEMPLATE_OPTIONS[self._alarm.file]
        if found is None:
            self.problem = ('Vitrage has no template %s, which %s names'
                            % (name, option))
            return
        self.uuid = found['uuid']
        if found['status'] != 'ACTIVE':
            self.problem = 'the template of %s is not active: %s' % (
                option, _template_state(found))

    def _add(self):
        entry = journals.Object(
            plans.new_id(), removal.TEMPLATE, self._fresh_name(), {
                'datasource': self._datasource, 'alarm': self._alarm.name,
                'forced_down': [
                    one['host'] for one
                    in self._clients.nova.compute_services()
                    if one['forced_down']]})
        journal = _journal(self._journal, self._settings)
        removing = removal.Removal(self._clients, journal,
                                   self._settings.timeouts)
        journal.plan_object(entry)
        self.addCleanup(removing.remove, entry.id)
        added = self._vitrage.add_template(
            templates.read(self._alarm.file), {
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


def _journal(given, settings):
    return given or journals.Journal(settings.state_dir)


def template_of(templates, name):
    """Return the template of a name that counts, or None.

    :param templates: list of dicts, as Vitrage lists them
    """
    found = [one for one in templates if one['name'] == name]
    return next((one for one in found if one['status'] == 'ACTIVE'),
                found[-1] if found else None)


def wait_template_active(vitrage, uuid, times):
    """Wait until Vitrage has loaded a template.

    :param vitrage: :class:`.services.vitrage.Vitrage`
    :param uuid: the template
    :param times: :class:`.config.Timeouts`
    :raises .waiting.WaitAborted: when Vitrage finds it wrong
    """
    waiting.wait_for(
        lambda: vitrage.template(uuid),
        lambda template: template and template['status'] == 'ACTIVE',
        what='template %s ACTIVE' % uuid, timeout=times.template,
        interval=times.poll_interval, describe=_template_state,
        abort=lambda template: template and template['status'] == 'ERROR',
        tolerate=errors.ServiceUnavailable,
        look_at="'vitrage template list' and vitrage-graph's log")


def _template_state(template):
    if template is None:
        return 'not in the list'
    return '%(name)s %(status)s %(status details)s' % template


def _status(stack):
    return 'DELETE_COMPLETE' if stack is None else stack['stack_status']


def _stack_state(stack):
    if stack is None:
        return 'deleted'
    return '%(stack_status)s: %(stack_status_reason)s' % stack


def _physical_id(resources, resource_type):
    return next((one['physical_resource_id'] for one in resources
                 if one['resource_type'] == resource_type), None)
