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

import contextlib
import functools
import secrets

import fixtures
from oslo_log import log
from tempest.lib.common.utils import data_utils

from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin import probing
from self_healing_tempest_plugin import projects
from self_healing_tempest_plugin import removal
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import stack_trusts
from self_healing_tempest_plugin import stacks
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin import waiting

LOG = log.getLogger(__name__)


class Application(fixtures.Fixture):
    """An application that is there while the fixture is in use.

    :ivar stack: :class:`.stacks.Stack`
    :ivar server_id: the server that runs it
    :ivar host: the compute host of that server
    :ivar boot: boot id of its guest, empty where nobody asks it
    :ivar resources: physical ids of the stack's resources, by their names
    :ivar workflow: name of the workflow that heals it
    :ivar url: where it answers
    :ivar answers: whether a guest runs that does
    :ivar healing: whether it has the rule that starts the healing
    :ivar entry_id: of its entry in the journal
    """

    def __init__(self, clients, settings, healing=True, answers=True, *,
                 owner=None, template=templates.APPLICATION, parameters=None,
                 journal=None, transports=None, left=None):
        """Prepare; nothing is created yet.

        :param clients: :class:`.services.clients.Clients` of the
            administrator
        :param settings: :class:`.config.Settings`
        :param healing: whether it gets the rule that starts the healing
        :param answers: whether a guest will run that can be asked
        :param owner: :class:`.services.clients.Clients` of the project that
            gets it; None: that of the administrator
        :param template: file name of the HOT, see :mod:`.templates`
        :param parameters: further parameters of it, a dict or None
        :param journal: :class:`.faults.journals.Journal`, held; None: that of
            [self_healing] state_dir
        :param transports: :class:`.faults.transports.Transports`, for what
            the application leaves on a host that is broken
        :param left: returns what that is as a :class:`.faults.plans.Plan`, or
            None, of its server's id and host; None: nobody looks
        """
        super().__init__()
        self._clients, self._settings = clients, settings
        self._owner = owner or clients
        self._journal, self._transports = journal, transports
        self._left, self._places, self._remains = left, [], []
        self.healing, self.answers = healing, answers
        self._template, self._parameters = template, dict(parameters or {})
        self._times = settings.timeouts
        self.stack = self.server_id = self.host = None
        self.workflow = self.url = None
        self.resources = {}
        self.boot = ''

    def _setUp(self):
        name = data_utils.rand_name('self-healing-application',
                                    prefix=self._settings.name_prefix)
        entry = journals.Object(plans.new_id(), removal.STACK, name,
                                {**self._of_project(), **self._before()})
        journal = _journal(self._journal, self._settings)
        removing = self._removal(journal, lambda _: self._owner)
        self.entry_id = entry.id
        # Both come first: a creation that got no answer may have happened.
        journal.plan_object(entry)
        self.addCleanup(self._remove, entry.id, journal, removing)
        try:
            self.stack = stacks.Stack(name, self._create(name))
        except errors.ServiceRefused as refusal:
            removing.forget(entry.id, str(refusal))
            raise
        journal.created(entry.id, id=self.stack.id)
        self._wait_created()
        self._record = functools.partial(journal.created, entry.id)
        self.learn()

    def _removal(self, journal, owners):
        return removal.Removal(self._clients, journal, self._times,
                               self._transports, owners)

    def _remove(self, entry_id, journal, removing):
        """Remove it, as the administrator where its owner may not any more."""
        try:
            removing.remove(entry_id)
        except errors.ServiceRefused as refusal:
            if self._owner is self._clients or refusal.code not in (401, 403):
                raise
            LOG.warning('The owner may not remove it any more, its '
                        'administrator does: %s', refusal)
            with contextlib.ExitStack() as held:
                self._removal(journal, functools.cache(
                    lambda project: projects.way_in(
                        project, self._clients, journal, held))).remove(
                            entry_id)

    def sound(self):
        """Return whether its stack is complete, and Nova has its server."""
        status = _status(self._owner.heat.stack(self.stack.identifier))
        if status not in ('CREATE_COMPLETE', 'UPDATE_COMPLETE'):
            return False
        server_id = stacks.server_of(self._owner.heat.resources(
            self.stack.identifier))
        return bool(server_id) and (
            self._clients.nova.server(server_id) is not None)

    def learn(self):
        """Learn which server it has now, and where it is; see it answer.

        The journal knows it, too: by that the removal looks for what is left.

        :raises .waiting.WaitTimeout: when it does not answer
        """
        self._learn()
        self._record(**self._known())
        if self.answers:
            self.boot = self._wait_answer().boot

    def probe(self, now):
        """Ask the application to repeat a fresh nonce.

        :param now: returns seconds on the runner's monotonic clock
        :returns: :class:`.model.timelines.Probe`
        """
        return probing.probe(self.url, secrets.token_hex(8), now)

    def _create(self, name):
        return self._owner.heat.create(
            name, templates.read(self._template),
            templates.files_of(self._template),
            parameters(self._settings.application,
                       member=self._owner is not self._clients,
                       healing=self.healing, **self._parameters),
            self._times.stack)

    def _wait_created(self):
        self._wait(
            lambda: self._owner.heat.stack(self.stack.identifier),
            lambda stack: _status(stack) == 'CREATE_COMPLETE',
            what='stack %s CREATE_COMPLETE' % self.stack.id,
            timeout=self._times.stack, describe=_stack_state,
            abort=lambda stack: _status(stack) != 'CREATE_IN_PROGRESS',
            look_at="'openstack stack failures list %s'" % self.stack.name)

    def _learn(self):
        stack = self._owner.heat.stack(self.stack.identifier, outputs=True)
        outputs = {output['output_key']: output['output_value']
                   for output in stack['outputs']}
        resources = self._owner.heat.resources(self.stack.identifier)
        self.resources = {resource['resource_name']:
                          resource['physical_resource_id']
                          for resource in resources}
        self.server_id = stacks.server_of(resources)
        self.workflow = stacks.physical_id(resources,
                                           'OS::Mistral::Workflow')
        server = self._clients.nova.server(self.server_id)
        self.host = server['OS-EXT-SRV-ATTR:host']
        self.url = 'http://%s:%d/' % (
            outputs['address'], self._settings.application.port)

    def _of_project(self):
        """Return whose it is, where it is not the administrator's."""
        return {} if self._owner is self._clients else {
            'project': self._owner.project_id}

    def _before(self):
        """Return what tells later which trusts Heat has left.

        Those of a member are deleted with its user, or are of nobody else.
        """
        return {} if self._owner is not self._clients else (
            stack_trusts.before(self._clients))

    def _known(self):
        """Return the facts that the removal needs, fit for JSON.

        They are of all servers that it has had: each may have left something
        on its host.
        """
        place = self.server_id, self.host
        if place not in self._places:
            self._places.append(place)
            left = self._left and self._left(*place)
            self._remains.extend([plans.to_dict(left)] if left else [])
        hosts = dict.fromkeys(host for _, host in self._places)
        return {'server': self.server_id, 'hosts': list(hosts),
                'workflow': self.workflow, 'remains': list(self._remains),
                **self._of_project()}

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


def parameters(wanted, member=False, **further):
    """Return the parameters of an application's template, a dict.

    :param wanted: :class:`.config.ApplicationSettings`
    :param member: whether a plain member owns it
    :param further: parameters that its chain adds
    """
    return {'image': wanted.image,
            'flavor': wanted.member_flavor if member else wanted.flavor,
            'external_network': wanted.external_network,
            'application_port': wanted.port, **further}


def _journal(given, settings):
    return given or journals.Journal(settings.state_dir)


def _status(stack):
    return 'DELETE_COMPLETE' if stack is None else stack['stack_status']


def _stack_state(stack):
    if stack is None:
        return 'deleted'
    return '%(stack_status)s: %(stack_status_reason)s' % stack
