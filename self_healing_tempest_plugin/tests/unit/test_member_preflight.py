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

"""Preflight of the chains of tenants, with the member that Tempest gives."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import types

import fixtures
from oslo_concurrency.fixture import lockutils
from tempest.lib.common import preprov_creds
import yaml

from self_healing_tempest_plugin.chains import autohealing
from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin import members
from self_healing_tempest_plugin import removal
from self_healing_tempest_plugin.services import clients
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import fake_tenant_cloud
from self_healing_tempest_plugin.tests.unit import ready_processes
from self_healing_tempest_plugin.tests.unit import service_samples
from self_healing_tempest_plugin.tests.unit import test_preflight
from self_healing_tempest_plugin import waiting

# What only a member can be asked for.
OF_MEMBER = ('Aodh, as the member', 'Zaqar, as the member',
             'Mistral, as the member', 'trusts', 'flavor of the member',
             'image of the member', 'network of the member',
             'quotas of Nova', 'quotas of Neutron',
             'template, as the member')


# Another process that holds the lock until its input ends.
HOLD = """
import sys
from self_healing_tempest_plugin.faults import journals
with journals.Journal(sys.argv[1]).held():
    print('held', flush=True)
    sys.stdin.read()
"""


class Given:
    """A provider of Tempest that gives the member of the fake cloud."""

    def __init__(self):
        self.cleared = 0

    def get_primary_creds(self):
        """Return what has the credentials."""
        return types.SimpleNamespace(credentials=None)

    def clear_creds(self):
        """Take them back."""
        self.cleared += 1


class Manager(fake_tenant_cloud.MemberManager):
    """Tempest's client manager of the member."""

    def __init__(self, url):
        super().__init__(url)
        self.auth_provider = types.SimpleNamespace(set_auth=lambda: None)


def tenants(case):
    """Give a test case a cloud with Aodh, Zaqar, and all that they need."""
    case.cloud = case.useFixture(fake_tenant_cloud.FakeTenantCloud())
    test_preflight.healthy(case.cloud)
    case.cloud.flavors[0].update(
        {'disk': 1, 'os-flavor-access:is_public': True})
    case.cloud.images[0]['visibility'] = 'public'
    case.cloud.resource_types, case.cloud.actions = map(
        list, templates.needs(templates.TENANT, templates.APPLICATION))
    case.values['identity', 'uri_v3'] = case.cloud.url + '/identity/v3'


class PreflightTestCase(test_preflight.CloudTestCase):
    """A cloud in which a member's application could be healed."""

    auth = types.SimpleNamespace(use_dynamic_credentials=True,
                                 test_accounts_file=None)

    def setUp(self):
        super().setUp()
        tenants(self)
        self.provider = Given()
        self.useFixture(fixtures.MockPatchObject(
            members.credentials_factory, 'get_credentials_provider',
            lambda *args, **options: self.provider))
        self.useFixture(fixtures.MockPatchObject(
            members.tempest_clients, 'Manager',
            lambda credentials: Manager(self.cloud.url)))

    def journal(self):
        """Return all entries of the journal."""
        return journals.Journal(self.settings().state_dir).read()[0]


class PreflightTest(PreflightTestCase):
    """What preflight asks for the chains of tenants."""

    def test_healthy(self):
        for chain in (tenant.CHAIN, autohealing.CHAIN):
            self.examine(chain=chain)
            self.assertEqual({}, self.wrong())
        for what in ('Aodh', 'Zaqar', 'Mistral', 'event alarms', 'Tempest',
                     *OF_MEMBER):
            self.assertEqual({'yes'}, self.states()[what], what)
        self.assertIn('member, reader', self.found['delegated roles'][
            0].finding.text)
        for what in ('notifications', 'event pipeline', 'aodh-notifier',
                     'message pipeline', 'delegated roles'):
            self.assertEqual({'unknown'}, self.states()[what], what)
            self.assertTrue(self.found[what][0].todo)
        self.assertNotIn('vitrage-notifier', self.found)
        self.assertIn('yes', self.states()['alarm cache'])
        self.assertEqual(2, self.provider.cleared)
        self.assertEqual(['project', 'project'], [
            entry.object.kind for entry in self.journal()])
        self.assertFalse(any(entry.open for entry in self.journal()))

    def test_preview(self):
        """It is of the stack that a scenario would create."""
        self.override('member_flavor_ref', 'm1.nano')
        self.examine(chain=autohealing.CHAIN)
        _, path, _, body = self.cloud.asked('POST', '/stacks/preview')[0]
        self.assertIn(fake_tenant_cloud.TENANT, path)
        self.assertIn('OS::Zaqar::MistralTrigger', body['template'])
        self.assertEqual(('m1.nano', 'guest', 'public'), tuple(
            body['parameters'][name] for name in (
                'flavor', 'image', 'external_network')))
        self.assertEqual([], self.cloud.asked('POST', '/stacks$'))

    def test_no_member_is_needed(self):
        """Nobody is asked for one, and nothing is written down."""
        self.examine(chain=vitrage.CHAIN)
        self.assertEqual(0, self.provider.cleared)
        self.assertNotIn('Tempest', self.found)
        self.assertEqual((), self.journal())

    def test_not_in_the_catalog(self):
        self.cloud.catalog = {}
        self.examine(chain=autohealing.CHAIN)
        self.assertEqual({'Aodh', 'Zaqar'}, set(self.wrong()))
        self.assertIn('alarming', self.wrong()['Aodh'])

    def test_resource_type_that_heat_has_not(self):
        self.cloud.resource_types.remove('OS::Zaqar::MistralTrigger')
        self.examine(chain=autohealing.CHAIN)
        self.assertEqual({'resource types', 'template, as the member'},
                         set(self.wrong()))
        self.assertEqual('without OS::Zaqar::MistralTrigger',
                         self.wrong()['resource types'])

    def test_flavor(self):
        """Of the member it is asked, not of the administrator."""
        self.override('member_flavor_ref', 'm2')
        self.examine(chain=autohealing.CHAIN)
        self.assertEqual('the member sees no m2',
                         self.wrong()['flavor of the member'])
        self.cloud.flavors.append(dict(
            self.cloud.flavors[0], id='f2', name='m2', disk=0))
        self.examine(chain=autohealing.CHAIN)
        self.assertEqual(['flavor of the member'], list(self.wrong()))
        self.assertIn('m2 has no disk', self.wrong()['flavor of the member'])
        self.assertIn('member_flavor_ref',
                      self.found['flavor of the member'][0].todo)

    def test_image(self):
        self.cloud.images[0]['visibility'] = 'private'
        self.examine(chain=autohealing.CHAIN)
        self.assertEqual(['image of the member'], list(self.wrong()))

    def test_unknown(self):
        """What a member may not ask is not known."""
        self.cloud.preview_forbidden, self.cloud.quotas = True, None
        self.cloud.forbidden += ('GET /identity/v3/OS-TRUST/trusts',)
        self.cloud.roles = ['creator']
        self.examine(chain=autohealing.CHAIN)
        self.assertEqual({}, self.wrong())
        for what in ('template, as the member', 'quotas of Neutron',
                     'trusts', 'Tempest'):
            self.assertEqual({'unknown'}, self.states()[what], what)

    def test_late(self):
        """Heat may take its time: that is no reason to say no."""
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.preflight.examine.MEMBER_UNTIL',
            3.0))
        self.cloud.silent = '/stacks/preview$'
        self.examine(chain=autohealing.CHAIN)
        self.assertEqual({}, self.wrong())
        self.assertEqual({'unknown'}, self.states()['template, as the member'])

    def test_member_is_late(self):
        """Nothing is known then, and it is given back all the same."""
        self.useFixture(fixtures.MonkeyPatch(
            'self_healing_tempest_plugin.preflight.examine.MEMBER_UNTIL',
            1.0))
        given = self.provider.get_primary_creds

        def late():
            threading.Event().wait(2.0)
            return given()
        self.provider.get_primary_creds = late
        self.examine(chain=autohealing.CHAIN)
        self.assertEqual({}, self.wrong())
        self.assertEqual({'unknown'}, self.states()['Tempest'])
        for what in OF_MEMBER:
            self.assertEqual('Tempest gives no member',
                             self.found[what][0].finding.text)
        self.assertEqual(1, self.provider.cleared)
        self.assertFalse(any(entry.open for entry in self.journal()))

    def test_interrupted(self):
        """It does not go on until all have answered, and is given back."""
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(
            signal.SIGINT, signal.default_int_handler))
        reached = []

        def interrupted():
            with members.Guest(
                    self.auth, self.settings().cloud, journals.Journal(
                        self.settings().state_dir), None) as guest:
                reached.append(guest.clients().project_id)
                signal.raise_signal(signal.SIGINT)
                reached.append('the end')

        self.assertRaises(KeyboardInterrupt, interrupted)
        self.assertEqual([fake_tenant_cloud.TENANT], reached)
        self.assertEqual(1, self.provider.cleared)
        self.assertFalse(any(entry.open for entry in self.journal()))

    def test_another_run(self):
        """It has a member, and what it has made is none of ours."""
        with subprocess.Popen(
                [sys.executable, '-c', HOLD, self.settings().state_dir],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            other.stdout.readline()
            self.examine(chain=autohealing.CHAIN)
        self.assertEqual({}, self.wrong())
        self.assertIn('another run holds',
                      self.found['Tempest'][0].finding.text)
        for what in OF_MEMBER:
            self.assertEqual('Tempest gives no member',
                             self.found[what][0].finding.text)
        self.assertEqual((), self.journal())

    def test_giving_back_fails(self):
        """It is in the journal, and the run after this one knows."""
        def fail():
            raise errors.ServiceUnavailable('Keystone', 'delete', 'later')
        self.provider.clear_creds = fail
        self.examine(chain=autohealing.CHAIN)
        self.assertEqual(['faults'], list(self.wrong()))
        self.assertIn('project tempest-self-healing-preflight-',
                      self.wrong()['faults'])

    def test_alarm_cache(self):
        self.override('event_alarm_cache_ttl', 0)
        self.examine(chain=autohealing.CHAIN)
        self.assertEqual({'unknown'}, self.states()['alarm cache'])

    def test_template_of_the_cloud(self):
        """Whether it tells Nova nobody sees before an alarm comes."""
        self.examine(chain=tenant.CHAIN)
        self.assertEqual({'yes'}, self.states()['mark_down'])
        self.override('host_template', 'own')
        self.examine(chain=tenant.CHAIN)
        self.assertEqual({'unknown'}, self.states()['mark_down'])

    def test_several_chains(self):
        """What two links of one name have in common is said once."""
        self.examine(chain=vitrage.CHAIN,
                     more=(tenant.CHAIN, autohealing.CHAIN))
        for what in ('Mistral', 'actions', 'graph', 'vitrage-persistor',
                     'Tempest'):
            self.assertEqual(1, len(self.found[what]), what)
        self.assertEqual(1, self.provider.cleared)


class AccountsTest(test_preflight.CloudTestCase):
    """Accounts that somebody has provisioned, by Tempest's own provider."""

    def setUp(self):
        super().setUp()
        tenants(self)
        self.useFixture(lockutils.ExternalLockFixture())
        self.claims = os.path.join(self.directory, 'claims')
        self.path = os.path.join(self.directory, 'accounts.yaml')
        self.auth = types.SimpleNamespace(use_dynamic_credentials=False,
                                          test_accounts_file=self.path)
        self.account = {
            'username': 'member', 'password': 'Geheim', 'roles': ['member'],
            'project_name': 'tenant', 'domain_name': 'Default'}
        for module, name, value in (
                (members.credentials_factory, 'get_credentials_provider',
                 self.provider),
                (members.tempest_clients, 'Manager', self.manager),
                # It has its services of a tempest.conf, and none is asked.
                (preprov_creds.clients, 'ServiceClients',
                 lambda **options: types.SimpleNamespace(
                     network=types.SimpleNamespace(
                         NetworksClient=lambda: None)))):
            self.useFixture(fixtures.MockPatchObject(module, name, value))

    def provider(self, name, network_resources):
        return preprov_creds.PreProvisionedCredentialProvider(
            'v3', self.auth.test_accounts_file, self.claims, name,
            credentials_domain='Default', admin_role='admin',
            identity_uri=self.cloud.url + '/identity/v3')

    def manager(self, credentials):
        manager = Manager(self.cloud.url)
        manager.credentials = credentials
        return manager

    def write(self, *accounts):
        with open(self.path, 'w', encoding='utf-8') as stream:
            yaml.safe_dump(list(accounts), stream)

    def given(self):
        """Return what preflight says of the member, and whether it is so."""
        self.examine(chain=autohealing.CHAIN)
        finding = self.found['Tempest'][0].finding
        self.assertNotIn('Geheim', finding.text)
        # No account is in use any more, and Keystone has no new one.
        self.assertEqual([], os.listdir(self.claims) if os.path.isdir(
            self.claims) else [])
        self.assertEqual([], self.cloud.asked(
            'POST', '/identity/v3/(users|projects)'))
        return finding.state.value, finding.text

    def test_given(self):
        self.write(self.account)
        state, text = self.given()
        self.assertEqual(('yes', {}), (state, self.wrong()), text)
        self.assertEqual('member, project tenant, roles: member, reader',
                         text)

    def test_no_such_account(self):
        for accounts, text in (
                ([dict(self.account, roles=['reader'])],
                 'No credentials matching role: member'),
                ([dict(self.account, types=['admin'])],
                 'No users configured for type/roles'),
                ([{key: self.account[key] for key in (
                    'username', 'project_name', 'roles')}], 'password')):
            self.write(*accounts)
            state, said = self.given()
            self.assertEqual('no', state, said)
            self.assertIn('[auth] test_accounts_file %s' % self.path, said)
            self.assertIn(text, said)
            self.assertEqual(['Tempest'], list(self.wrong()))

    def test_administrator(self):
        """Whatever the file says, Keystone knows the roles."""
        self.write(self.account)
        self.cloud.roles = ['admin', 'member']
        state, said = self.given()
        self.assertEqual('no', state, said)
        self.assertIn('that is an administrator', said)

    def test_unfit_file(self):
        for text, said in (('- {username: [Geheim\n', 'it is no YAML'),
                           ('', 'NoneType'), ('- Geheim\n', '')):
            with open(self.path, 'w', encoding='utf-8') as stream:
                stream.write(text)
            state, found = self.given()
            self.assertEqual('no', state, found)
            self.assertIn('[auth] test_accounts_file', found)
            self.assertIn(said, found)

    def test_no_file(self):
        self.assertIn('could not be found', self.given()[1])
        self.auth.test_accounts_file = None
        self.assertEqual(
            'Tempest: give a plain member ([auth] use_dynamic_credentials, '
            'test_accounts_file): neither of them is set', self.given()[1])

    def test_its_servers(self):
        """They may be hurt as well as those of the administrator."""
        self.write(self.account)
        for project, allowed in ((fake_tenant_cloud.TENANT, True),
                                 ('other', False)):
            self.cloud.servers = {'s1': {
                'id': 's1', 'host': 'compute-1', 'tenant_id': project}}
            self.given()
            self.assertEqual(allowed, 'may be broken' not in self.wrong())

    def test_in_use(self):
        """Another run has it: that is no reason to say no."""
        self.write(self.account)
        self.provider('another', None).get_primary_creds()
        self.examine(chain=autohealing.CHAIN)
        finding = self.found['Tempest'][0].finding
        self.assertEqual('unknown', finding.state.value, finding)
        self.assertIn('another have allocated', finding.text)
        self.assertEqual(1, len(os.listdir(self.claims)))


class CommandTest(test_preflight.CommandTestCase):
    """The command, and the member that Tempest makes for it."""

    features = ('server_deleted',)

    def setUp(self):
        super().setUp()
        tenants(self)
        self.values.update({
            ('auth', 'use_dynamic_credentials'): 'true',
            ('auth', 'tempest_roles'): 'member',
            ('oslo_concurrency', 'lock_path'): self.directory})
        self.journal = journals.Journal(os.path.join(self.directory, 'state'))

    def nothing_left(self):
        """See that what was made is gone, and the journal closed."""
        self.assertEqual({'users': {}, 'projects': {}},
                         self.cloud.identities)
        self.assertEqual((), self.journal.open_entries())
        entry, = self.journal.read()[0]
        self.assertTrue(entry.description.startswith(
            'project tempest-self-healing-preflight-'), entry)

    def test_healthy(self):
        run = self.preflight()
        self.assertEqual(0, run.returncode, run.stdout)
        self.assertIn('yes: Heat would let the member create all', run.stdout)
        made, = self.cloud.asked('POST', '/identity/v3/projects')
        entry, = self.journal.read()[0]
        self.assertTrue(made[3]['project']['name'].startswith(
            entry.object.name + '-'), made)
        self.nothing_left()

    def test_interrupted(self):
        """Ctrl-C while the member is there: it is gone afterwards."""
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.journal.path)
            del self.cloud.requests[:]
            self.cloud.silent = '/stacks/preview$'
            with self.running() as run:
                waiting.wait_for(
                    lambda: self.cloud.asked('GET', '/OS-TRUST/trusts')
                    or run.poll() is not None, what='the member', timeout=60,
                    interval=0.05)
                self.assertNotEqual({}, self.cloud.identities['users'])
                run.send_signal(number)
                output = run.communicate(timeout=60)[0]
            self.assertNotEqual(0, run.returncode, output)
            self.assertNotIn('The suite can run', output)
            self.nothing_left()

    def test_half_made(self):
        """Tempest forgets a project whose user it could not make."""
        self.cloud.makes = ('projects',)
        run = self.preflight()
        self.assertEqual(1, run.returncode, run.stdout)
        said = ' '.join(run.stdout.split())
        self.assertIn('use_dynamic_credentials', said)
        self.assertIn('unknown: Tempest gives no member', said)
        self.assertEqual(1, len(self.cloud.asked('POST', '/projects')))
        self.nothing_left()

    def scenario(self):
        """Return the process of a scenario of a member."""
        return ready_processes.Process(
            'testtools.run',
            'self_healing_tempest_plugin.tests.scenario.test_tenant.'
            'ServerDeletedTest', merged=True,
            environment=dict(os.environ, TEMPEST_CONFIG_DIR=os.path.dirname(
                self.write()), TEMPEST_CONFIG='tempest.conf'))

    def said(self):
        """Return in which line a scenario says that it has no member."""
        with self.scenario() as run:
            said = run.communicate(timeout=120)[0]
        self.assertNotEqual(0, run.returncode, said)
        line, = [line for line in said.splitlines() if 'ServiceRe' in line]
        return line

    def test_scenario_without_a_member(self):
        """A scenario says so in one line, and asks nobody for anything."""
        self.values['auth', 'use_dynamic_credentials'] = 'false'
        self.assertIn(
            'Tempest: give a plain member ([auth] use_dynamic_credentials, '
            'test_accounts_file): neither of them is set', self.said())
        self.assertEqual([], self.cloud.requests)

    def test_scenario_with_an_unfit_account(self):
        """It can be had again, once its password is in the file."""
        path = os.path.join(self.directory, 'accounts.yaml')
        self.values.update({('auth', 'use_dynamic_credentials'): 'false',
                            ('auth', 'test_accounts_file'): path})
        with open(path, 'w', encoding='utf-8') as stream:
            yaml.safe_dump([{'username': 'member', 'roles': ['member'],
                             'project_name': 'tenant'}], stream)
        self.assertIn("test_accounts_file %s): KeyError: 'password'" % path,
                      self.said())
        self.assertEqual([], [name for name in os.listdir(self.directory)
                              if re.fullmatch('[0-9a-f]{32,}', name)])

    def test_scenario_half_made(self):
        """What Tempest forgets is deleted, and the reason is one line."""
        self.values['auth', 'tempest_roles'] = 'nosuch'
        self.assertIn('tempest_roles): No "nosuch" role found', self.said())
        self.assertEqual({'users': {}, 'projects': {}},
                         self.cloud.identities)
        entry, = self.journal.read()[0]
        self.assertFalse(entry.open)

    def test_scenario_killed(self):
        """What Tempest has made by then is in the journal, by its name."""
        self.cloud.silent = '/roles/'
        with self.scenario() as run:
            waiting.wait_for(
                lambda: self.cloud.identities['users']
                or run.poll() is not None, what='the user', timeout=60,
                interval=0.05)
            run.kill()
            run.communicate(timeout=60)
        entry, = self.journal.open_entries()
        for made in self.cloud.identities.values():
            (identity,) = made.values()
            self.assertTrue(identity['name'].startswith(
                entry.object.name + '-'), identity)
        removal.Removal(clients.Clients(
            service_samples.cloud_settings(self.cloud.url),
            service_samples.Manager(self.cloud.url)), self.journal,
            None).remove(entry.id)
        self.assertEqual({'users': {}, 'projects': {}},
                         self.cloud.identities)


class KilledTest(service_samples.ClientTestCase):
    """What a preflight has left that was killed."""

    def test_revert(self):
        """It is found by its name, which nothing else has."""
        cloud = self.cloud = self.useFixture(
            fake_tenant_cloud.FakeTenantCloud())
        journal = journals.Journal(os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'state'))
        journal.plan_object(journals.Object(
            'o1', removal.PROJECT, 'tempest-self-healing-preflight-o1',
            {'named': True}))
        names = ('tempest-self-healing-preflight-o1-123',
                 'tempest-self-healing-preflight-o2-456', 'mine')
        for kind, made in cloud.identities.items():
            made.update({name: {'id': name, 'name': name} for name in names})
        cloud.groups = {'g1': names[0], 'g2': names[2]}
        removal.Removal(clients.Clients(
            service_samples.cloud_settings(cloud.url),
            service_samples.Manager(cloud.url)), journal, None).remove('o1')
        for made in cloud.identities.values():
            self.assertEqual(set(names[1:]), set(made))
        self.assertEqual({'g2': names[2]}, cloud.groups)
        self.assertEqual((), journal.open_entries())
