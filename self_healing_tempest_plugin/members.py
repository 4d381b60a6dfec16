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

"""The plain member that Tempest gives: one of the accounts file, or a new one.

A scenario gets it by Tempest's base class. Preflight gets it in the same way,
and gives it back; what Tempest makes for that is in the journal before.
"""

import contextlib
import os
import threading

from oslo_log import log
from tempest import clients as tempest_clients
from tempest.common import credentials_factory
from tempest.lib import exceptions
import testtools
import yaml

from self_healing_tempest_plugin.faults import gates
from self_healing_tempest_plugin.faults import interrupts
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.links import judging
from self_healing_tempest_plugin import projects
from self_healing_tempest_plugin import removal
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import errors

LOG = log.getLogger(__name__)

# Seconds that are waited until Tempest has made what it was making, and has
# deleted it. What is left then is in the way of the next run.
PATIENCE = 20.0

# How the name begins of what is made for a preflight; Tempest puts its own
# prefix before it, and a number behind it.
_PREFIX, _NAME = 'tempest', 'self-healing-preflight-%s'

# The application has networks of its own.
_NO_NETWORK = dict.fromkeys(('network', 'router', 'subnet', 'dhcp'), False)


@contextlib.contextmanager
def named_errors(auth):
    """Say in one line, with its option, why Tempest gives no member.

    :param auth: the group [auth] of Tempest's ``CONF``
    :raises .services.errors.ServiceError: of "service" Tempest
    """
    try:
        yield
    except (errors.ServiceError, testtools.TestCase.skipException):
        raise
    except Exception as error:
        raise _named(auth, error) from error


def _named(auth, error):
    """Return an exception of Tempest as the error of a service."""
    if not auth.use_dynamic_credentials and not auth.test_accounts_file:
        return _error(errors.ServiceRefused, auth, 'neither of them is set')
    if isinstance(error, yaml.YAMLError):
        # What it quotes of the file may be a password.
        mark = getattr(error, 'problem_mark', None)
        return _error(errors.ServiceRefused, auth, 'it is no YAML%s' % (
            ', see line %d' % (mark.line + 1) if mark else ''))
    if 'Insufficient number of users' in str(error):
        return _error(errors.ServiceUnavailable, auth, _text(error))
    try:
        with errors.calling(judging.TEMPEST, _operation(auth)):
            raise error
    except errors.ClientDefect:
        return _error(errors.ServiceRefused, auth, _text(error))
    except errors.ServiceError as named:
        return _error(type(named), auth, _text(error))


def _text(error):
    if isinstance(error, exceptions.TempestException):
        # What stands before that is the same for all of a class.
        return str(error).split('Details: ')[-1]
    return '%s: %s' % (type(error).__name__, error)


def _error(kind, auth, problem):
    # Tempest puts its details on lines of their own.
    return kind(judging.TEMPEST, _operation(auth), ' '.join(problem.split()))


def _operation(auth):
    if auth.use_dynamic_credentials:
        way = 'use_dynamic_credentials, tempest_roles'
    elif auth.test_accounts_file:
        way = 'test_accounts_file %s' % auth.test_accounts_file
    else:
        way = 'use_dynamic_credentials, test_accounts_file'
    return 'give a plain member ([auth] %s)' % way


def provider(name):
    """Return Tempest's provider of credentials for one use of a member.

    :param name: nothing else's; what Tempest makes is named so, and what it
        claims of an accounts file
    """
    return credentials_factory.get_credentials_provider(
        name, network_resources=_NO_NETWORK)


def made_as(name):
    """Return how the names begin of what Tempest makes, before a hyphen.

    :param name: of the provider
    """
    return '%s-%s' % (_PREFIX, name)


class Another:
    """A member beside the one that Tempest gives a test.

    :ivar own: ids of what the journal has of it, a tuple
    """

    def __init__(self, auth, name, journal, administrator):
        """Keep the arguments; nobody is asked yet.

        :param auth: the group [auth] of Tempest's ``CONF``
        :param name: in which Tempest gives it; nothing else's
        :param journal: :class:`.faults.journals.Journal`
        :param administrator: returns the
            :class:`.services.clients.Clients` of the administrator
        """
        self._auth, self._name, self._journal = auth, name, journal
        self._administrator = administrator
        self._provider, self.own = None, ()

    def given(self):
        """Return Tempest's ``clients.Manager`` of it.

        :raises .services.errors.ServiceError: when it gives none
        """
        with named_errors(self._auth):
            self._provider = provider(self._name)
        if not self._auth.use_dynamic_credentials:
            return self._claimed()
        # Whoever takes back what is open would take this one, too.
        with self._journal.held():
            self.own = (projects.planned(made_as(self._provider.name),
                                         self._journal),)
            manager = self._claimed()
            projects.made(*self.own, manager.credentials, self._journal)
        return manager

    def _claimed(self):
        with named_errors(self._auth):
            credentials = self._provider.get_primary_creds().credentials
            manager = tempest_clients.Manager(credentials=credentials)
            # The accounts file has no ids.
            manager.auth_provider.set_auth()
            return manager

    def give_back(self):
        """Let Tempest delete what it has made, or free the account."""
        for entry_id in self.own:
            projects.unmade(entry_id, self._journal,
                            self._provider.clear_creds, self._administrator)
        if self._provider is not None and not self.own:
            self._provider.clear_creds()
            if not self._auth.use_dynamic_credentials:
                unclaim(self._provider)


class Guest:
    """The member that preflight asks as, while the ``with`` lasts.

    Nobody is asked for it before it is needed. It is given back whatever
    happens, but for a signal that ends the process at once, and for what
    Tempest has not done in time: then it is in the journal.
    """

    def __init__(self, auth, cloud, journal, connect):
        """Keep the arguments.

        :param auth: the group [auth] of Tempest's ``CONF``
        :param cloud: :class:`.config.Cloud`
        :param journal: :class:`.faults.journals.Journal`
        :param connect: returns Tempest's ``clients.Manager`` of the
            administrator
        """
        self._auth, self._cloud, self._journal = auth, cloud, journal
        self._connect = connect
        self._name = _NAME % plans.new_id()
        self._lock, self._held = threading.Lock(), contextlib.ExitStack()
        self._provider = self._clients = self._failure = None
        self._entry_id, self._gone = None, False
        self._signals = interrupts.Interrupts(
            'the giving back of the member')

    def __enter__(self):
        """Let signals raise, so that it is given back."""
        self._signals.hold()
        self._signals.let_through()
        return self

    def __exit__(self, *error):
        """Give it back; what fails in that stays in the journal."""
        self._signals.hold()
        try:
            self._give_back()
        finally:
            self._signals.release()

    def clients(self):
        """Return the member's :class:`.services.clients.Clients`.

        Whoever comes first asks Tempest, and the others wait.

        :raises .services.errors.ServiceError: when it gives none
        """
        with self._lock:
            if self._clients is None and self._failure is None:
                try:
                    self._clients = self._given()
                except errors.ServiceError as error:
                    self._failure = error
            if self._failure is not None:
                raise self._failure
            return self._clients

    def provisioned(self):
        """Return the ids of the projects whose servers are the member's.

        :returns: tuple, empty where Tempest makes a project, or gives none
        """
        if self._auth.use_dynamic_credentials:
            return ()
        try:
            return (self.clients().project_id,)
        except errors.ServiceError:
            return ()

    def _given(self):
        with named_errors(self._auth):
            if self._gone:
                raise TimeoutError('preflight is over')
            if self._auth.use_dynamic_credentials:
                self._write_down()
            self._provider = provider(self._name)
            credentials = self._provider.get_primary_creds().credentials
            manager = tempest_clients.Manager(credentials=credentials)
            # The accounts file has no ids.
            manager.auth_provider.set_auth()
            return clients.Clients(self._cloud, manager)

    def _write_down(self):
        """Hold the journal, and write down what Tempest is about to make."""
        try:
            self._held.enter_context(self._journal.held())
            self._entry_id = projects.planned(made_as(self._name),
                                              self._journal)
        except (gates.FaultRefused, journals.JournalError) as refusal:
            raise _error(errors.ServiceUnavailable, self._auth,
                         str(refusal)) from refusal

    def _give_back(self):
        self._gone = True
        # What is not done in time is in the journal.
        thread = threading.Thread(target=self._done_with, daemon=True)
        thread.start()
        thread.join(PATIENCE)

    def _done_with(self):
        # Tempest may still be at work.
        with self._lock, self._held:
            try:
                self._delete()
            except Exception:
                LOG.exception('What Tempest has made is still there; run: %s',
                              journals.REVERT)

    def _delete(self):
        if self._provider is not None:
            self._provider.clear_creds()
            if self._entry_id is None:
                unclaim(self._provider)
        if self._entry_id is None:
            return
        if self._clients is None:
            # Tempest forgets what it has made where it makes not all of it.
            removal.remove_named(
                clients.Clients(self._cloud, self._connect()),
                made_as(self._name))
        self._journal.record(self._entry_id, journals.State.REMOVED)


def unclaim(accounts):
    """Free the account that Tempest has claimed, and could not give.

    :param accounts: its provider of pre-provisioned accounts
    """
    for account in accounts.hash_dict['creds']:
        path = os.path.join(accounts.accounts_dir, account)
        with contextlib.suppress(OSError):
            with open(path, encoding='utf-8') as claim:
                claimed = claim.read() == accounts.name
            if claimed:
                accounts.remove_hash(account)
