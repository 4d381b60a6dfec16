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

"""The suites of the services: settings, results, explanations."""

import configparser
import io
import pathlib
import re
import stat
import types

import fixtures
from openstack import exceptions
import subunit
import testtools

import tools
from tools.lab import errors as lab_errors
from tools.upstream import command
from tools.upstream import configuration
from tools.upstream import explanations
from tools.upstream import ground
from tools.upstream import listing
from tools.upstream import results
from tools.upstream import suites

SUITE = suites.Suite('toy', 'toy-tempest-plugin', 'toy.', 60)

LAB = """
[auth]
admin_username = admin
admin_password = s3cret%
admin_project_name = admin
admin_domain_name = Default
admin_user_domain_name = Users
[identity]
uri_v3 = http://192.0.2.1:5000/v3
region = RegionOne
[network]
floating_network_name = external
[oslo_concurrency]
lock_path = /of/the/lab
[service_available]
cinder = false
self_healing = true
[self_healing]
allow_faults = true
[self_healing_feature_enabled]
host_crash = true
"""


def stream(*events):
    """Return a stream in which these events are, as pairs or triples."""
    output = io.BytesIO()
    writer = subunit.StreamResultToBytes(output)
    for test, status, *attached in events:
        for name, text in attached:
            writer.status(test_id=test, file_name=name, eof=True,
                          file_bytes=text.encode(), mime_type='text/plain')
        writer.status(test_id=test, test_status=status)
    return io.BytesIO(output.getvalue())


def judged(outcomes, failing=None, left_out=None, tests=()):
    """Return a suite that has come to this."""
    return explanations.Judged(
        SUITE, '1.0', (*outcomes, *tests), outcomes,
        explanations.Explanations(left_out or {}, failing or {}))


def outcomes(passed=0, failed=(), skipped=()):
    """Return so many passed tests, and the others by name."""
    return {**{'toy.A.test_%d' % number: results.Outcome(results.PASSED)
               for number in range(passed)},
            **{test: results.Outcome(results.FAILED, 'boom')
               for test in failed},
            **{test: results.Outcome(results.SKIPPED, 'no toy')
               for test in skipped}}


class ConfigurationTest(testtools.TestCase):
    """tempest.conf."""

    def setUp(self):
        super().setUp()
        lab = configparser.ConfigParser(interpolation=None)
        lab.read_string(LAB)
        self.made = configuration.made(
            lab, 'small', 'guest', 'pass%word', '/of/ours')

    def test_lab(self):
        """It is the lab's, but for what is about us."""
        self.assertEqual('s3cret%', self.made['auth']['admin_password'])
        self.assertEqual('/of/ours',
                         self.made['oslo_concurrency']['lock_path'])
        self.assertEqual([], [name for name in self.made.sections()
                              if name.startswith('self_healing')])
        self.assertNotIn('self_healing', self.made['service_available'])

    def test_services(self):
        """The suites skip what wants a service that is not there."""
        available = self.made['service_available']
        self.assertEqual(
            {'aodh', 'heat', 'mistral', 'zaqar'},
            {name for name in available if available.getboolean(name)})

    def test_heat(self):
        """Its tests have credentials of their own, and no large image."""
        heat = self.made['heat_plugin']
        self.assertEqual(
            ('http://192.0.2.1:5000/v3', suites.MEMBER, 'pass%word', 'Users',
             'Default', 's3cret%', 'small', 'guest', 'external'),
            tuple(heat[name] for name in (
                'auth_url', 'username', 'password', 'user_domain_name',
                'project_domain_name', 'admin_password',
                'minimal_instance_type', 'minimal_image_ref',
                'floating_network_name')))
        self.assertNotIn('image_ref', heat)

    def test_private(self):
        """Nobody else reads the passwords, whatever was there before."""
        path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'tempest.conf'
        path.touch(mode=0o644)
        path.chmod(0o644)
        configuration.write(path, self.made)
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        self.assertIn('pass%word', path.read_text())


class ReadTest(testtools.TestCase):
    """What a subunit stream says."""

    def test_kinds(self):
        """A failure says its last line; what has not ended is one."""
        self.assertEqual({
            'toy.A.test_1[id-1,smoke]': results.Outcome(results.PASSED),
            'toy.A.test_2[id-2]': results.Outcome(
                results.FAILED, 'ValueError: no'),
            'toy.A.test_3[id-3]': results.Outcome(results.SKIPPED, 'no toy'),
            'toy.A.test_4[id-4]': results.Outcome(
                results.FAILED, 'the run ended while it ran'),
        }, results.read(stream(
            ('toy.A.test_1[id-1,smoke]', 'exists'),
            ('toy.A.test_1[id-1,smoke]', 'inprogress'),
            ('toy.A.test_1[id-1,smoke]', 'success'),
            ('toy.A.test_2[id-2]', 'fail', (
                'traceback', 'Traceback:\n  File\nValueError: no\n\n')),
            ('toy.A.test_3[id-3]', 'skip', ('reason', 'no\ntoy')),
            ('toy.A.test_4[id-4]', 'inprogress'))))

    def test_again(self):
        """A second list of the tests takes nothing back."""
        found = results.read(stream(('toy.A.test_1', 'success'),
                                    ('toy.A.test_1', 'exists')))
        self.assertEqual(results.PASSED, found['toy.A.test_1'].kind)

    def test_complete(self):
        """A test without a result has that of its class, or none came."""
        found = results.read(stream(
            ('setUpClass (toy.B)', 'skip', ('reason', 'no toy')),
            ('setUpClass (toy.C)', 'fail', ('traceback', 'KeyError: c')),
            ('toy.A.test_1', 'success')))
        self.assertEqual({
            'toy.A.test_1': results.Outcome(results.PASSED),
            'toy.A.test_2': results.Outcome(results.FAILED,
                                            'the run ended before it'),
            'toy.B.test_1[id-1.2]': results.Outcome(results.SKIPPED, 'no toy'),
            'toy.C.test_1': results.Outcome(results.FAILED, 'KeyError: c'),
        }, results.complete(('toy.A.test_1', 'toy.A.test_2',
                             'toy.B.test_1[id-1.2]', 'toy.C.test_1'), found))


class ExplanationsTest(testtools.TestCase):
    """Whether a suite is as it is explained."""

    def problems(self, *arguments, **options):
        return list(judged(*arguments, **options).problems())

    def test_good(self):
        self.assertEqual([], self.problems(
            outcomes(97, ['toy.B.test_1'], ['toy.C.test_1']),
            {'toy.B.test_1': 'why'}, {'toy.D': 'why'}, ['toy.D.test_1']))

    def test_unexplained(self):
        self.assertEqual(
            ['toy.B.test_1 fails, and nobody says why: boom'],
            self.problems(outcomes(97, ['toy.B.test_1'])))

    def test_passes(self):
        """An explanation that is no longer true is a problem."""
        for test, said in (('toy.A.test_0', 'passed'),
                           ('toy.C.test_1', 'skipped'),
                           ('toy.D.test_1', 'it is not run')):
            self.assertEqual(
                ['%s is said to fail: %s' % (test, said)], self.problems(
                    outcomes(9, skipped=['toy.C.test_1']), {test: 'why'}))

    def test_left_out(self):
        """What is left out is there, and is no other with such a name."""
        self.assertEqual(
            ['toy.D is left out, and there is none'], self.problems(
                outcomes(9), left_out={'toy.D': 'why'},
                tests=['toy.DE.test_1']))

    def test_why_left_out(self):
        said = explanations.Explanations(
            {'toy.A': 'a', 'toy.B.test_1': 'b'}, {})
        self.assertEqual(
            ['a', 'a', None, 'b', None],
            [said.why_left_out(test) for test in (
                'toy.A', 'toy.A.test_1', 'toy.AB.test_1', 'toy.B.test_1',
                'toy.B.test_10')])

    def test_ids(self):
        """An explanation is for all tests of a name, which may be two."""
        self.assertEqual(
            ['66.7 % of what runs passes, which is less than 97 %'],
            self.problems({
                'toy.A.test_1[id-1]': results.Outcome(results.PASSED),
                'toy.A.test_1[id-2]': results.Outcome(results.FAILED),
                'toy.A.test_2[id-3]': results.Outcome(results.PASSED)},
                {'toy.A.test_1': 'why'}, {'toy.B.test_1': 'why'},
                ['toy.B.test_1[id-4]']))

    def test_rate(self):
        """What is skipped has not run, and explanations do not help."""
        failing = ['toy.B.test_%d' % number for number in range(4)]
        self.assertEqual(
            ['96.0 % of what runs passes, which is less than 97 %'],
            self.problems(outcomes(96, failing, ['toy.C.test_1']),
                          dict.fromkeys(failing, 'why')))

    def test_nothing(self):
        """That nothing ran is not good."""
        self.assertEqual(
            ['0.0 % of what runs passes, which is less than 97 %'],
            self.problems({}))

    def test_file(self):
        """Each suite is there, its tests are its own, and all is said."""
        loaded = explanations.load()
        self.assertEqual({suite.name for suite in suites.SUITES},
                         set(loaded))
        for suite in suites.SUITES:
            for names in (loaded[suite.name].left_out,
                          loaded[suite.name].failing):
                for name, why in names.items():
                    self.assertTrue(name.startswith(suite.tests), name)
                    self.assertTrue(why.strip(), name)


class ListingTest(testtools.TestCase):
    """Tables."""

    def test_counts(self):
        self.assertEqual(
            ('toy', 'toy-tempest-plugin', '1.0', 6, 4, 3, 1, 1, 1, '75.0 %'),
            listing.counts(judged(
                outcomes(3, ['toy.B.test_1'], ['toy.C.test_1']),
                left_out={'toy.D': 'why'}, tests=['toy.D.test_1'])))

    def test_explained(self):
        """Tests of a class of which the same is said are one row."""
        self.assertEqual([
            ('toy.B.test_1', 1, 'failed', 'it is so'),
            ('toy.B.test_2', 1, 'failed', 'boom'),
            ('toy.C', 2, 'skipped', 'no toy'),
            ('toy.D.test_1', 1, 'left out', 'why'),
        ], listing.explained(judged(
            outcomes(1, ['toy.B.test_1', 'toy.B.test_2'],
                     ['toy.C.test_2', 'toy.C.test_1']),
            {'toy.B.test_1': 'it is so'}, {'toy.D': 'why'},
            ['toy.D.test_1'])))


class FakeSession:
    """A service that lists items, and deletes all but one of them."""

    def __init__(self, answer, refused=()):
        self.answer, self.refused, self.deleted = answer, refused, []

    def get(self, path, **_):
        return types.SimpleNamespace(json=lambda: self.answer)

    def delete(self, path, **_):
        self.deleted.append(path)
        return types.SimpleNamespace(
            status_code=403 if path in self.refused else 204)


class RemovalTest(testtools.TestCase):
    """What is removed, and what is not ours."""

    def remove(self, session, key):
        ground.remove_all(session, 'ours', 'toys', '/toys', key, 'name')
        return session.deleted

    def test_public(self):
        """A service lists what it offers to all, which stays."""
        self.assertEqual(['/toys/b'], self.remove(FakeSession({'toys': [
            {'name': 'a', 'project_id': '<default-project>'},
            {'name': 'b', 'project_id': 'ours'}]}), 'toys'))

    def test_bare(self):
        """A list may be all of the answer, and name no project."""
        self.assertEqual(['/toys/a', '/toys/b'], self.remove(FakeSession(
            [{'name': 'a'}, {'name': 'b'}]), None))

    def test_refused(self):
        """What is left is said."""
        error = self.assertRaises(
            exceptions.SDKException, self.remove,
            FakeSession([{'name': 'a'}], ['/toys/a']), None)
        self.assertIn('toys /toys/a: 403', str(error))

    def test_remembered(self):
        """What a killed run has left is not what was there before it."""
        path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'known.json'
        self.assertEqual({'a'}, ground.remembered(path, ['a']))
        self.assertEqual({'a'}, ground.remembered(path, ['a', 'b']))
        path.unlink()
        self.assertEqual({'a', 'b'}, ground.remembered(path, ['a', 'b']))

    def test_orphans(self):
        """Of a project that is there, all stays, and what is of none."""
        there, gone = 'a' * 32, 'b' * 32
        self.assertEqual(
            [gone + '.queues_set', gone + '.queue.claims'],
            ground.orphans([
                there + '.queues_set', gone + '.queues_set', 'msgset_index',
                gone + '.queue.claims', gone,
                'messages.5f649ac0-908e-40d8-bb09-160d19ad84af'], {there}))


class FakeCloud:
    """Keystone, Nova and a project's clean-up, of a lab."""

    current_user_id = 'admin'

    def __init__(self):
        self.there = {'projects': [], 'users': []}
        self.emptied, self.pairs = [], ['pair']
        self.identity = self.compute = self
        self.session = FakeSession({
            'executions': [], 'event_triggers': [], 'cron_triggers': [],
            'workbooks': [], 'workflows': [], 'queues': []})

    def add(self, kind, name):
        self.there[kind].append(types.SimpleNamespace(id=name, name=name))

    def names(self):
        return sorted(entry.name for entry in (*self.there['projects'],
                                               *self.there['users']))

    def projects(self):
        return list(self.there['projects'])

    def users(self):
        return list(self.there['users'])

    def authorize(self):
        pass

    find_role = assign_project_role_to_user = lambda *_: None

    def connect_as_project(self, project):
        self.emptied.append(project.name)
        return self

    def project_cleanup(self, dry_run, wait_timeout):
        assert not dry_run

    def keypairs(self, user_id):
        return list(self.pairs)

    def delete_keypair(self, pair, user_id):
        self.pairs.remove(pair)

    def delete_project(self, project):
        self.there['projects'].remove(project)

    def delete_user(self, user):
        self.there['users'].remove(user)


class GroundTest(testtools.TestCase):
    """Whose projects are removed."""

    def setUp(self):
        super().setUp()
        self.cloud = FakeCloud()
        self.useFixture(fixtures.MockPatchObject(
            ground.connection, 'Connection', lambda config: self.cloud))
        self.useFixture(fixtures.MockPatchObject(
            ground, 'OTHERS', [other for other in ground.OTHERS if other[2]]))
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (directory / 'clouds.yaml').write_text(
            'clouds: {lab: {auth: {auth_url: "http://192.0.2.1"}}}')
        self.lab = types.SimpleNamespace(
            directory=directory, run=lambda *_: '')
        self.known = directory / 'known.json'

    def ground(self):
        return ground.Ground(self.lab, self.known)

    def test_remove(self):
        """Ours, and those of Tempest that are new."""
        for name in ('admin', 'tempest-old'):
            self.cloud.add('projects', name)
            self.cloud.add('users', name)
        place = self.ground()
        for kind, name in (('projects', suites.PROJECT),
                           ('users', suites.MEMBER),
                           ('projects', 'tempest-new'),
                           ('users', 'tempest-new'), ('projects', 'other')):
            self.cloud.add(kind, name)
        place.remove()
        self.assertEqual(['admin', 'admin', 'other', 'tempest-old',
                          'tempest-old'], self.cloud.names())
        self.assertEqual([suites.PROJECT, 'tempest-new'], self.cloud.emptied)
        self.assertEqual([], self.cloud.pairs)

    def test_killed(self):
        """What a killed run has left, the next one removes, once."""
        self.ground()
        self.cloud.add('projects', 'tempest-left')
        self.ground().remove()
        self.assertEqual([], self.cloud.names())
        self.cloud.add('projects', 'tempest-other')
        self.ground().remove()
        self.assertEqual(['tempest-other'], self.cloud.names())

    def test_no_lab(self):
        (self.lab.directory / 'clouds.yaml').unlink()
        error = self.assertRaises(lab_errors.LabDown, self.ground)
        self.assertIn('clouds.yaml is missing', str(error))


class CommandTest(testtools.TestCase):
    """The command line."""

    def test_suites(self):
        """Those that are named, in our order; all without a name."""
        self.assertEqual(['zaqar', 'heat'], [
            suite.name for suite in command.parse(['heat', 'zaqar']).suites])
        self.assertEqual(list(suites.SUITES), command.parse([]).suites)

    def test_unknown(self):
        errors = self.useFixture(fixtures.StringStream('stderr'))
        with fixtures.MonkeyPatch('sys.stderr', errors.stream):
            self.assertRaises(SystemExit, command.parse, ['nova'])
        errors.stream.seek(0)
        self.assertIn('no such suite: nova', errors.stream.read())

    def test_pinned(self):
        """What the suites are is named with one version."""
        text = (tools.SOURCE / 'upstream-requirements.txt').read_text()
        for suite in suites.SUITES:
            self.assertTrue(re.search(
                r'^%s==[\d.]+ ' % suite.distribution, text, re.MULTILINE))
