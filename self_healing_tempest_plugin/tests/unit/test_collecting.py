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

"""What is collected after a run: the programs of the role, as it calls them.

They are no part of the package, and live with the role
collect_self_healing_artifacts.
"""

import base64
import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
from urllib import parse

import fixtures
import testtools
import yaml

from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import fake_monitor
from self_healing_tempest_plugin.tests.unit import secret_forms

PROGRAMS = (pathlib.Path(__file__).resolve().parents[3] / 'roles'
            / 'collect_self_healing_artifacts' / 'files')

PASSWORD = 'zaphod-beeblebrox'
TOKEN = 'gAAAAABo' + 'xyz0123456789-_' * 4

CONFIGURATION = """\
[DEFAULT]
admin_password = {password}
transport_url = rabbit://openstack:marvin-the-android@192.0.2.1:5672//
log_file = /var/log/one.log
token_expiration = 3600
[database]
connection = mysql+pymysql://heat:slartibartfast@127.0.0.1/heat
[keystone_authtoken]
memcache_secret_key=42424242
# password = in a comment
short_password = abc
""".format(password=PASSWORD)

LOG = """\
connected as admin with {password}
X-Auth-Token: {token}
{{"auth": {{"password": "vogon\\"poetry", "name": "admin"}}}}
Authorization: Basic YWRtaW46cGFzcw==
retry of abc in 3600 seconds, mysql said slartibartfast
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAA
-----END OPENSSH PRIVATE KEY-----
the end
""".format(password=PASSWORD, token=TOKEN)


def run(program, *arguments, cwd=None):
    """Run a program of the role."""
    subprocess.run(
        [sys.executable, PROGRAMS / program, *map(str, arguments)], cwd=cwd,
        capture_output=True, timeout=100, check=True)


def bring(directory):
    """Bring what the role brings to its node; return what is run there.

    :param directory: of the node, a :class:`pathlib.Path`
    """
    tasks = yaml.safe_load((PROGRAMS.parent / 'tasks' / 'main.yml').read_text(
        encoding='utf-8'))[0]['block']
    loop = next(task['loop'] for task in tasks
                if task['name'] == 'Bring what redacts')
    for item in loop:
        source = PROGRAMS / item['src'].replace(
            '{{ role_path }}', str(PROGRAMS.parent))
        target = directory / item['dest']
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(
                '__pycache__'))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return directory / 'copy_redacted.py'


def run_there(program, *arguments):
    """Run a program with Python, and nothing that is installed beside it."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith('PYTHON')}
    return subprocess.run(
        [sys.executable, '-S', '-B', program, *map(str, arguments)],
        capture_output=True, text=True, timeout=100, check=False,
        env=environment)


class CollectingTestCase(testtools.TestCase):
    """A directory to collect from, and one to collect to."""

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        self.target = self.directory / 'target'

    def missing(self):
        """Return the lines that say what could not be had."""
        return (self.target / 'missing.txt').read_text().splitlines()

    def write(self, name, content):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding='utf-8')
        return path


class CopyRedactedTest(CollectingTestCase):
    """Files are copied, secrets are not."""

    def copy(self, *sources, secrets=(), limit=20 << 20):
        options = [word for path in secrets for word in ('--secrets', path)]
        options.append('--limit=%d' % limit)
        program = bring(self.directory / 'program')
        done = run_there(program, '--to', self.target, *options, *sources)
        self.assertEqual(('', 0), (done.stderr, done.returncode))
        return self.missing()

    def read(self, name):
        return (self.target / name).read_text('utf-8')

    def test_secrets_of_a_configuration(self):
        """Every kind of secret goes, from its own file and from others."""
        conf = self.write('etc/one.conf', CONFIGURATION)
        self.write('log/one.log', LOG)
        missing = self.copy(
            'etc=%s' % conf, 'log=%s/log/*.log' % self.directory,
            secrets=[conf])
        self.assertEqual([], missing)
        both = self.read('etc/one.conf') + self.read('log/one.log')
        for secret in (PASSWORD, 'marvin-the-android', 'slartibartfast',
                       '42424242', 'in a comment', TOKEN, 'vogon', 'poetry',
                       'YWRtaW46', 'b3BlbnNz', 'password = abc'):
            self.assertNotIn(secret, both)
        for kept in ('admin_password = ***', 'token_expiration = 3600',
                     'rabbit://openstack:***@192.0.2.1:5672//',
                     'log_file = /var/log/one.log', 'in 3600 seconds',
                     'connected as admin with ***', 'the end'):
            self.assertIn(kept, both)
        # Too short to be looked for anywhere but at its option.
        self.assertIn('retry of abc', both)

    def test_json_of_secrets(self):
        """Every value of secrets.json is one, whatever its name."""
        secrets = self.write('secrets.json', json.dumps(
            {'heat': 'deep-thought', 'more': ['magrathea-1', 42]}))
        page = self.write('a.html', '<b>deep-thought</b> magrathea-1 heat')
        self.copy('.=%s' % page, secrets=[secrets])
        self.assertEqual('<b>***</b> *** heat', self.read('a.html'))

    def test_json_without_lines(self):
        """JSON keeps its form."""
        answer = {'inputs': [{'os_password': 'a"b\\c', 'name': 'x'}]}
        path = self.write('a.json', json.dumps(answer))
        self.copy('.=%s' % path)
        self.assertEqual(
            {'inputs': [{'os_password': '***', 'name': 'x'}]},
            json.loads(self.read('a.json')))

    def test_places(self):
        """Wildcards keep what is below them, a directory what it holds."""
        self.write('hosts/c1/log/a.log', 'a')
        self.write('hosts/c2/log/deep/b.log', 'b')
        self.write('state/journal.jsonl', '{}')
        self.copy('log=%s/hosts/*/log' % self.directory,
                  '.=%s/state' % self.directory)
        self.assertEqual(
            ['journal.jsonl', 'log/c1/log/a.log', 'log/c2/log/deep/b.log'],
            sorted(str(path.relative_to(self.target))
                   for path in self.target.rglob('*')
                   if path.is_file() and path.name != 'missing.txt'))

    def test_what_cannot_be_copied(self):
        """A line for each, and the others are there."""
        self.write('a.log', 'a')
        self.write('b.log', b'\0\1')
        (self.directory / 'c.log').symlink_to('/etc/hostname')
        unread = self.write('d/secrets.json', '{')
        missing = self.copy(
            '.=%s/*.log' % self.directory, '.=%s/none' % self.directory,
            secrets=[unread])
        self.assertEqual([
            '%s: its secrets are not known: JSONDecodeError' % unread,
            '%s/b.log: it is no text' % self.directory,
            '%s/none: there is none' % self.directory], missing)
        self.assertEqual(['a.log', 'missing.txt'], sorted(
            path.name for path in self.target.iterdir()))

    def test_earlier_lines(self):
        """Lines about files that other roles missed are in the same file."""
        self.write('raw/missing.txt', 'heat: out of order\n')
        self.assertEqual(
            ['heat: out of order', '/none: there is none'],
            self.copy('.=%s/raw' % self.directory, '.=/none'))

    def test_every_form(self):
        """No form of a secret is in any file that is copied."""
        samples = [form.sample() for form in secret_forms.FORMS]
        for number, sample in enumerate(samples):
            self.write('log/%d.log' % number, sample.text)
        self.assertEqual([], self.copy('log=%s/log' % self.directory))
        for number, sample in enumerate(samples):
            self.assertEqual(
                '', sample.seen_in(self.read('log/%d.log' % number)),
                sample.name)

    def test_harmless(self):
        """A line without a secret is copied as it is."""
        text = '\n\n'.join(secret_forms.HARMLESS) + '\n'
        self.copy('.=%s' % self.write('a.log', text))
        self.assertEqual(text, self.read('a.log'))

    def test_json_as_it_was(self):
        """JSON without secrets is not written anew."""
        text = '{"b":1,\n   "a": [1.50, "x"]}'
        self.copy('.=%s' % self.write('a.json', text))
        self.assertEqual(text, self.read('a.json'))

    def test_learned_encodings(self):
        """A known secret goes in whatever way it is written."""
        secret = 'Ford/Pre+fect"42'
        conf = self.write('a.conf', 'admin_password = %s\n' % secret)
        lines = [json.dumps({'note': secret}), parse.quote(secret, safe=''),
                 base64.b64encode(b'admin:' + secret.encode()).decode(),
                 repr([secret]), html.escape(secret)]
        log = self.write('a.log', '\n'.join(lines))
        self.copy('.=%s' % log, secrets=[conf])
        for part in ('Ford', 'fect', 'Rm9yZC'):
            self.assertNotIn(part, self.read('a.log'))

    def test_key_that_the_limit_cuts(self):
        """Of a key that begins before the limit its end is no better."""
        key = secret_forms.body(64, 300)()
        text = 'x' * 100 + '\n' + key + (
            '\n-----END PRIVATE KEY-----\nlast\n')
        filler = ('%063d\n' % 0) * 1000
        self.write('a.log', 'cut' + text + filler)
        self.copy('.=%s/a.log' % self.directory,
                  limit=len(filler) + 164)
        copied = self.read('a.log')
        self.assertIn('\nlast\n', copied)
        self.assertNotIn(key[-40:], copied)

    def test_end_of_a_long_file(self):
        """Of a file that is too long the end is copied, in whole lines."""
        line = 'password = %s\n' % ('q' * 1000)
        self.write('a.log', line * 25 + 'last\n')
        self.copy('.=%s/a.log' % self.directory, limit=20480)
        copied = self.read('a.log')
        self.assertTrue(copied.startswith('(the last 20480 bytes of '))
        self.assertTrue(copied.endswith('\npassword = ***\nlast\n'))
        self.assertNotIn('q', copied)

    def test_no_source(self):
        """A wrong source is one line, and an exit code."""
        done = run_there(bring(self.directory / 'program'), '--to',
                         self.target, 'log=relative')
        self.assertEqual(2, done.returncode)
        self.assertIn("'log=relative' is not PLACE=GLOB", done.stderr)


class Cloud(fake_cloud.FakeCloud):
    """Answers to questions that only the collecting asks."""

    MORE = {
        'GET /heat/v1/%s/stacks' % fake_cloud.PROJECT: 'list_stacks',
        'POST /rca/v1/topology/': 'whole_topology',
        'GET /mistral/v2/executions': 'all_executions',
    }

    def handle(self, method, path, query, body):
        name = self.MORE.get('%s %s' % (method, path))
        if name is None:
            return super().handle(method, path, query, body)
        if self.broken and re.search(self.broken, path):
            return 503, {}, {}
        return 200, getattr(self, name)(query, body), {}

    def list_stacks(self, query, body):
        assert query['show_deleted'] == ['true']
        return {'stacks': [
            {'stack_name': stack['stack_name'], 'id': stack['id']}
            for stack in self.stacks.values()]}

    def whole_topology(self, query, body):
        assert body['all_tenants'] is True
        return {'nodes': self.entities, 'links': []}

    def all_executions(self, query, body):
        assert query['all_projects'] == ['true']
        return {'executions': self.executions[::-1]}


class AskServicesTest(CollectingTestCase):
    """The services are asked over real sockets, by a real tempest.conf."""

    def setUp(self):
        super().setUp()
        self.cloud = self.useFixture(Cloud())
        self.monitor = self.useFixture(fake_monitor.FakeMonitor())
        self.conf = self.write('tempest.conf', textwrap.dedent("""\
            [oslo_concurrency]
            lock_path = %(directory)s/lock
            [auth]
            admin_username = admin
            admin_password = pass
            admin_project_name = admin
            admin_domain_name = Default
            [identity]
            uri_v3 = %(url)s/identity/v3
            auth_version = v3
            region = RegionOne
            [compute]
            image_ref = i
            flavor_ref = f
            [network]
            public_network_id = n
            [self_healing]
            prometheus_url = %(monitor)s
            """ % {'directory': self.directory, 'url': self.cloud.url,
                   'monitor': self.monitor.url}))
        self.fill()

    def fill(self):
        """Let the cloud have something of everything."""
        self.cloud.entities.append(fake_cloud.host_entity())
        self.cloud.alarms.append(fake_cloud.alarm('alarm-1'))
        self.cloud.executions += [
            fake_cloud.execution(id='first'),
            fake_cloud.execution(id='second', state='ERROR')]
        self.cloud.tasks.append(
            fake_cloud.task('heal', state='ERROR', execution='second'))
        self.cloud.stacks['app'] = {
            'stack_name': 'app', 'id': fake_cloud.STACK}
        self.cloud.events.append(fake_cloud.event('COMPLETE'))
        self.monitor.targets.append(fake_monitor.target('c1'))

    def ask(self):
        """Ask; return the lines that say what could not be had."""
        self.target.mkdir()
        run('ask_services.py', self.conf, self.target, cwd=self.directory)
        return self.missing()

    def path(self, name):
        return self.target / 'services' / (name + '.json')

    def read(self, name):
        return json.loads(self.path(name).read_text())

    def test_everything(self):
        """Each service's answer is a file, with what belongs to it."""
        missing = self.ask()
        self.assertEqual([fake_cloud.host_entity()],
                         self.read('vitrage-topology')['nodes'])
        self.assertEqual(['alarm-1'], [
            alarm['vitrage_id'] for alarm in self.read('vitrage-alarms')])
        self.assertEqual(1, len(self.read('vitrage-alarm-history')))
        self.assertEqual(
            [('first', []), ('second', ['heal'])],
            [(execution['id'], [task['name'] for task in execution['tasks']])
             for execution in self.read('mistral-executions')])
        self.assertEqual(
            [('app', 1)], [(stack['stack_name'], len(stack['events']))
                           for stack in self.read('heat-stacks')])
        self.assertEqual({'services': []}, self.read('nova-services'))
        self.assertEqual(1, len(self.read(
            'prometheus-targets')['data']['activeTargets']))
        # What the fake monitor does not know, and what is not configured.
        self.assertEqual(
            ['alertmanager-alerts', 'alertmanager-silences',
             'prometheus-alerts'],
            sorted(line.partition(':')[0] for line in missing))
        self.assertIn(
            'alertmanager-alerts: Alertmanager: GET /api/v2/alerts: its URL '
            'is not in tempest.conf', missing)

    def test_services_out_of_order(self):
        """One line for each service that fails; the others are still asked."""
        self.cloud.broken = '/rca/|/tasks'
        missing = self.ask()
        self.assertEqual(1, len(self.read('heat-stacks')))
        lost = {line.partition(':')[0]: line for line in missing}
        for name in ('vitrage-topology', 'vitrage-alarms',
                     'vitrage-templates', 'mistral-executions'):
            self.assertIn('503', lost[name])
            self.assertFalse(self.path(name).exists())

    def test_no_cloud(self):
        """Without a Keystone there is one line for all of them."""
        self.cloud.broken = '/identity'
        missing = self.ask()
        self.assertEqual(1, len(missing), missing)
        self.assertIn('all services: ', missing[0])

    def test_no_configuration(self):
        """A tempest.conf that says too little is one line."""
        self.write('tempest.conf', '[DEFAULT]\n')
        missing = self.ask()
        self.assertEqual(1, len(missing), missing)
        self.assertRegex(missing[0], r'^all services: .*must be set')
