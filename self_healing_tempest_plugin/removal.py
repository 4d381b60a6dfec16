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

"""The removal of what a run has created in the cloud, as the journal has it.

A run cleans up by it, and so does ``self-healing-tempest revert`` after a run
that was killed. So it takes nothing for granted: what is to be removed may
never have been created, may be about to be, may be half there or half gone.
"""

import contextlib
import math

from oslo_log import log

from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import stack_trusts
from self_healing_tempest_plugin import waiting

LOG = log.getLogger(__name__)

State = journals.State

STACK, TEMPLATE = 'stack', 'template'
ACCESS, PROJECT = 'access to project', 'project'
CLOSED_HOSTS = 'closed hosts'

# Where a creation got no answer: seconds after it was written down until
# which it may still happen. That is Heat's own rpc_response_timeout.
UNDER_WAY = 60.0

# How often a deletion that has failed is asked for again, and seconds before
# that. As long again Heat is watched where it was at work when it was asked.
DELETIONS, DELETION_INTERVAL = 6, 5.0

# How often a service is asked that has no answer, and seconds in between: one
# that is started again is back then. Heat answers 500 to the deletion of a
# stack of which an update has just exchanged the trust.
ATTEMPTS, ATTEMPT_INTERVAL = 4, 5.0


class Removal:
    """Removes what the journal has, and records that it is gone."""

    def __init__(self, clients, journal, times, transports=None,
                 owners=None):
        """Keep the arguments; nothing is asked yet.

        :param clients: :class:`.services.clients.Clients` of the
            administrator
        :param journal: :class:`.faults.journals.Journal`, held
        :param times: :class:`.config.Timeouts`
        :param transports: :class:`.faults.transports.Transports`, for what
            is left on a host; None leaves it there
        :param owners: returns the clients of another project, of its id; None
            where nothing belongs to another one
        """
        self._clients, self._journal = clients, journal
        self._times, self._transports = times, transports
        self._owners = owners
        self._kinds = {STACK: self._remove_stack,
                       TEMPLATE: self._remove_template,
                       ACCESS: self._remove_access,
                       PROJECT: self._remove_project,
                       CLOSED_HOSTS: self._open_hosts}

    def remove(self, object_id):
        """Remove one object; one that is gone is fine.

        :param object_id: id of its entry in the journal
        :raises .services.errors.ServiceError: when a service did not do it
        :raises .waiting.WaitError: when it is not seen that it is gone
        :raises .faults.journals.JournalError: when that is not on the disk
        """
        entry = self._entry(object_id)
        if not entry.open:
            return
        try:
            remove = self._kinds[entry.object.kind]
        except KeyError:
            raise journals.JournalError(
                'this version cannot remove %s' % entry.description) from None
        patiently(lambda: remove(entry))
        self._journal.record(object_id, State.REMOVED)

    def forget(self, object_id, detail):
        """Record that an object was never created.

        :param detail: the reason, for people
        """
        self._journal.record(object_id, State.REMOVED, detail)

    def _remove_stack(self, entry):
        name = entry.object.name
        broken = self._broken(entry)
        with _collected() as attempt:
            # Its token knows nothing of a role that was lost for a while.
            with attempt():
                self._owner(entry).renew()
            # Executions first: a running one would work on the dying stack.
            with attempt():
                self._delete_executions(entry)
            for host in sorted(broken.intersection(_hosts(entry))):
                with attempt(waiting.WaitError):
                    self._wait_host_back(host)
            with attempt():
                self._delete_stack(entry, attempt)
            with attempt():
                self._delete_executions(entry)
            # Heat does not know what it got no answer for.
            with attempt():
                self._delete_templates(
                    lambda template: template['name'].startswith(_own(name)))
            for remains in _remains(entry):
                with attempt():
                    self._clear_host(remains, broken)
            with attempt():
                self._delete_trusts(entry)

    def _delete_executions(self, entry):
        prefix = _own(entry.object.name)
        workflow = entry.object.known.get('workflow') or prefix
        self._owner(entry).mistral.delete_executions(
            prefix if workflow.startswith(prefix) else workflow)

    def _delete_stack(self, entry, attempt):
        identifier = self._identifier(entry)
        heat = self._owner(entry).heat
        stack = self._await_creation(entry, lambda: heat.stack(identifier))
        if stack is None:
            return
        with attempt():
            self._note_trusts(entry)
        at_work = _status(stack).endswith('_IN_PROGRESS')
        heat.delete(identifier)
        overtaken = self._wait_deleted(entry)
        if at_work or overtaken:
            # An update that was at work may have made a resource after the
            # others were deleted: DELETE_FAILED follows DELETE_COMPLETE.
            waiting.pause(DELETION_INTERVAL)
            self._wait_deleted(entry)

    def _wait_deleted(self, entry):
        """Wait for the deletion; return whether an update was in its way."""
        deletion = _Deletion(self._owner(entry).heat,
                             self._identifier(entry))
        self._wait(
            deletion.look, lambda stack: stack is None,
            what='stack %s deleted' % entry.object.name,
            timeout=self._times.stack, describe=_stack_state,
            abort=lambda stack: deletion.failed,
            look_at="'openstack stack failures list %s'" % entry.object.name)
        return deletion.overtaken

    def _owner(self, entry):
        """Return the clients of the project that an object belongs to."""
        project = entry.object.known.get('project')
        return self._owners(project) if project else self._clients

    def _identifier(self, entry):
        # Name and id together spare Heat a redirection.
        known = entry.object.known.get('id')
        return '%s/%s' % (entry.object.name, known) if known else (
            entry.object.name)

    def _note_trusts(self, entry):
        """Write down what tells later which trusts the stack has left.

        Nobody can tell that of a stack that is gone: it waits for a service
        that stumbles, but not for ever.
        """
        try:
            patiently(lambda: self._note_trusts_of_triggers(entry))
        except errors.ServiceUnavailable as error:
            LOG.warning(
                'Trusts that Zaqar has for the triggers of stack %s may be '
                'left, see its member in "openstack trust list": %s',
                entry.object.name, error)

    def _note_trusts_of_triggers(self, entry):
        # A stack that is half deleted has lost its triggers.
        trusts = {*entry.object.known.get('trusts', ()),
                  *stack_trusts.of_triggers(self._owner(entry),
                                            self._identifier(entry))}
        self._journal.created(entry.id, trusts=sorted(trusts))

    def _delete_trusts(self, entry):
        """Delete the trusts that would outlive the stack."""
        known = self._entry(entry.id).object.known
        trusts = self._owner(entry).trusts
        for trust_id in known.get('trusts', ()):
            trusts.delete(trust_id)
        if 'trusts_before' in known:
            for trust_id in stack_trusts.forgotten(
                    self._clients, known['stacks_before'],
                    known['trusts_before']):
                self._clients.trusts.delete(trust_id)

    def _clear_host(self, plan, broken):
        """Take away what a broken host still has of a server."""
        if plan.host not in broken or self._transports is None:
            return
        checks.wait(plan.checks, self._transports, what=plan.description,
                    timeout=self._times.host_return,
                    interval=self._times.poll_interval, look_at=plan.look_at)
        for command in plan.revert:
            self._transports.run(command).check()

    def _wait_host_back(self, host):
        """Wait until a host's own nova-compute can delete the server.

        Nova deletes it without the host otherwise, and the guest lives on.
        """
        self._wait(
            lambda: self._clients.nova.compute_service(host),
            lambda service: service is None or (
                service['state'] == 'up' and not service['forced_down']),
            what='nova-compute on host %s up, and not forced down' % host,
            timeout=self._times.host_return, describe=_service_state,
            look_at="vitrage-notifier's log for the host that it un-forces")

    def _remove_access(self, entry):
        revoke(self._clients.keystone, entry.object.known)

    def _open_hosts(self, entry):
        open_hosts(self._clients.nova, entry.id, entry.object.known)

    def _remove_project(self, entry):
        """Delete what Tempest has made for a run, and would have deleted.

        :raises .faults.journals.JournalError: as long as anything is in it
        """
        keystone, known = self._clients.keystone, entry.object.known
        if known.get('named'):
            remove_named(self._clients, entry.object.name)
            return
        inside = stacks_in(self._journal, known['project'])
        if inside:
            raise journals.JournalError('%s is still in it' % ', '.join(
                inside))
        keystone.delete_user(known['user'])
        self._clients.neutron.delete_default_groups(known['project'])
        keystone.delete_project(known['project'])

    def _remove_template(self, entry):
        name = entry.object.name
        self._await_creation(entry, lambda: next(filter(
            lambda template: template['name'] == name,
            self._clients.vitrage.templates()), None))
        self._wait_undone(entry)
        self._delete_templates(lambda template: template['name'] == name)

    def _wait_undone(self, entry):
        """Wait until Vitrage has undone what the template has done.

        Vitrage does not undo what a deleted template has done.
        """
        try:
            self._wait_hosts_well(entry)
        except waiting.WaitTimeout:
            # A Vitrage that was started again has forgotten what it has done.
            if self._alarms(entry):
                raise
            for service in self._forced(entry):
                self._clients.nova.unforce(service)
            self._wait_hosts_well(entry)

    def _wait_hosts_well(self, entry):
        self._wait(
            lambda: self._not_well(entry), lambda problem: not problem,
            what='the hosts as before %s' % entry.description,
            timeout=self._times.host_return,
            look_at="the monitor's alerts, and vitrage-notifier's log for "
                    'the host that it un-forces')

    def _not_well(self, entry):
        problems = ['host %s is forced down' % service['host']
                    for service in self._forced(entry)]
        return '; '.join(problems + self._alarms(entry))

    def _forced(self, entry):
        """Return the services that are forced down and were not before."""
        before = entry.object.known.get('forced_down', ())
        return [service for service in self._clients.nova.compute_services()
                if service['forced_down'] and service['host'] not in before]

    def _alarms(self, entry):
        """Return which alarms of the template are on hosts that matter."""
        known = entry.object.known
        hosts = {*self._broken(entry),
                 *(service['host'] for service in self._forced(entry))}
        vitrage = self._clients.vitrage
        places = {entity['vitrage_id']: name
                  for name, entity in vitrage.hosts().items() if name in hosts}
        return ['alarm %s is on host %s' % (
            alarm['name'], places[alarm['vitrage_resource_id']])
            for alarm in vitrage.active_alarms(known['datasource'])
            if alarm['name'] == known['alarm']
            and alarm.get('vitrage_resource_id') in places]

    def _delete_templates(self, ours):
        deletion = _TemplateDeletion(self._clients.vitrage, ours)
        self._wait(
            deletion.look, lambda templates: not templates,
            what='template deleted', timeout=self._times.template,
            describe=_template_states, look_at="vitrage-graph's log")

    def _broken(self, entry):
        """Return the hosts that were to be broken since an object was made.

        In the order of the journal: clocks may be set.
        """
        entries = self._journal.read()[0]
        since = [record.id for record in entries].index(entry.id)
        return {record.plan.host for record in entries[since:] if record.plan}

    def _await_creation(self, entry, find):
        """Return an object, None when it is not there and will not be.

        :param find: returns the object, or None
        """
        left = 0.0 if State.CREATED in entry.states else (
            entry.since + UNDER_WAY - waiting.CLOCK.wall())
        if left > 0:
            with contextlib.suppress(waiting.WaitTimeout):
                return self._wait(
                    find, lambda created: created is not None,
                    what='%s created' % entry.description,
                    timeout=min(left, UNDER_WAY))
        # Who does not answer has not said that it is not there.
        return find()

    def _entry(self, object_id):
        for entry in self._journal.read()[0]:
            if entry.id == object_id and entry.object:
                return entry
        raise journals.JournalError('%s has no object %s' % (
            self._journal.path, object_id))

    def _wait(self, observe, accept, **options):
        return waiting.wait_for(
            observe, accept, interval=self._times.poll_interval,
            tolerate=errors.ServiceUnavailable, **options)


def patiently(remove):
    """Remove something; try again where a service has no answer.

    :param remove: leaves alone what is gone; called without arguments
    :raises .services.errors.ServiceUnavailable: when the last try fails
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return remove()
        except errors.ServiceUnavailable as error:
            LOG.info('Trying again, %s', error)
            waiting.pause(ATTEMPT_INTERVAL)
    return remove()


def stacks_in(journal, project_id):
    """Return which stacks may still be in a project, in words.

    :param journal: :class:`.faults.journals.Journal`
    :param project_id: the project of a member
    :returns: list of descriptions
    """
    return [entry.description for entry in journal.open_entries()
            if entry.object and entry.object.kind == STACK
            and entry.object.known.get('project') == project_id]


def remove_named(clients, name):
    """Delete the projects and users that Tempest has made in a name.

    :param clients: :class:`.services.clients.Clients` of the administrator
    :param name: how their names begin, before a hyphen; nothing else's do
    """
    for user_id in clients.keystone.users_named('%s-' % name):
        clients.keystone.delete_user(user_id)
    for project_id in clients.keystone.projects_named('%s-' % name):
        clients.neutron.delete_default_groups(project_id)
        clients.keystone.delete_project(project_id)


def revoke(keystone, known):
    """Take away the roles that were given in a project.

    :param keystone: :class:`.services.keystone.Keystone`
    :param known: ``project``, ``user`` and ``roles``, as the journal has them
    """
    for role_id in known['roles']:
        keystone.revoke(role_id, known['user'], known['project'])


def closed_for(entry_id):
    """Return what Nova is told of a host that gets no servers for a while.

    :param entry_id: of the entry in the journal
    """
    return 'self-healing drill %s' % entry_id


def open_hosts(nova, entry_id, known):
    """Let Nova put servers again on hosts that were closed by a run.

    A host that somebody else has closed meanwhile stays closed.

    :param nova: :class:`.services.nova.Nova`
    :param entry_id: of the entry in the journal
    :param known: ``services``, the ids of those of the hosts
    """
    for service in nova.compute_services():
        if (service['id'] in known['services']
                and service.get('disabled_reason') == closed_for(entry_id)):
            nova.enable(service['id'])


class _Deletion:
    """Asks again for a deletion that has failed, or was overtaken.

    An update that is asked for at the same moment, as by a workflow that
    begins late, goes on in place of the deletion, and ends as if nobody had
    asked for one.

    :ivar failed: whether it has failed for the last time
    :ivar overtaken: whether it had to be asked for again for an update
    """

    def __init__(self, heat, identifier):
        self._heat, self._identifier = heat, identifier
        self._left, self._failed_next = DELETIONS, -math.inf
        # Heat takes a moment to begin with what it was asked for.
        self._next = waiting.CLOCK.now() + DELETION_INTERVAL
        self.failed = self.overtaken = False

    def look(self):
        """Return the stack, None when it is deleted."""
        stack = self._heat.stack(self._identifier)
        status, now = _status(stack), waiting.CLOCK.now()
        if status == 'DELETE_FAILED' and now >= self._failed_next:
            self._failed_next = now + DELETION_INTERVAL
            self.failed = not self._left
            if not self.failed:
                self._left -= 1
                self._heat.delete(self._identifier)
        elif stack is not None and not status.startswith('DELETE_') and (
                now >= self._next):
            self._next = now + DELETION_INTERVAL
            self.overtaken = True
            self._heat.delete(self._identifier)
        return stack


class _TemplateDeletion:
    """Asks again for the deletion of templates that come back.

    A template that is deleted while Vitrage loads it may be active afterwards.
    """

    def __init__(self, vitrage, ours):
        self._vitrage, self._ours = vitrage, ours
        self._next = -math.inf

    def look(self):
        """Return the templates that are left, as dicts."""
        left = [template for template in self._vitrage.templates()
                if self._ours(template)]
        now = waiting.CLOCK.now()
        if now >= self._next:
            self._next = now + DELETION_INTERVAL
            for template in left:
                if template['status'] != 'DELETING':
                    self._vitrage.delete_template(template['uuid'])
        return left


@contextlib.contextmanager
def _collected():
    """Go on past errors; at the end the first of them is raised."""
    failures = []

    @contextlib.contextmanager
    def attempt(*tolerated):
        try:
            yield
        except tolerated:
            pass
        except Exception as error:
            failures.append(error)

    yield attempt
    if failures:
        raise failures[0]


def _hosts(entry):
    """Return the hosts that servers of a stack have been on.

    Before, a journal had the last one alone.
    """
    known = entry.object.known
    return known.get('hosts', [known['host']] if 'host' in known else [])


def _remains(entry):
    """Return what servers of a stack may have left on their hosts, as plans.

    Before, a journal had that of the last one alone.
    """
    known = entry.object.known
    remains = known.get('remains', [known['left']] if known.get('left')
                        else [])
    return [plans.from_dict(left) for left in remains]


def _own(name):
    """Return how the names begin that Heat gives to resources of a stack."""
    return '%s-' % name


def _status(stack):
    return 'DELETE_COMPLETE' if stack is None else stack['stack_status']


def _stack_state(stack):
    if stack is None:
        return 'deleted'
    return '%(stack_status)s: %(stack_status_reason)s' % stack


def _service_state(service):
    return 'it is %s%s' % (service['state'], ', forced down' if (
        service['forced_down']) else '')


def _template_states(templates):
    return '; '.join('%(name)s %(status)s %(status details)s' % template
                     for template in templates)
