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

"""No secret is told: forms, known values, and every way out."""

import ast
import contextlib
import dataclasses
import io
import json
import logging
import os
import pathlib
import subprocess
import sys
import textwrap
from xml.sax import saxutils

import fixtures
import testtools

from self_healing_tempest_plugin.cmd import main
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin import redaction
from self_healing_tempest_plugin.redaction import forms
from self_healing_tempest_plugin.redaction import known
from self_healing_tempest_plugin.redaction import learning
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import live
from self_healing_tempest_plugin.report import saving
from self_healing_tempest_plugin.report import terminal
from self_healing_tempest_plugin.tests.unit import ready_processes
from self_healing_tempest_plugin.tests.unit import report_samples
from self_healing_tempest_plugin.tests.unit import secret_forms
from self_healing_tempest_plugin.tests.unit import test_config

SECRET = "Ford'Prefect/42+\"Dent"


class FormsTest(testtools.TestCase):
    """Secrets that nobody knows, but by their form."""

    def test_how_many(self):
        """There are enough of them, each with a name of its own."""
        names = {form.name for form in secret_forms.FORMS}
        self.assertEqual(len(secret_forms.FORMS), len(names))
        self.assertGreaterEqual(len(names), 120)
        self.assertGreaterEqual(len(secret_forms.HARMLESS), 60)

    def test_every_form(self):
        """No part of a secret is left; the text around it has its mark."""
        redact = redaction.Redactor()
        for form in secret_forms.FORMS:
            for _ in range(3):
                sample = form.sample()
                redacted = redact(sample.text)
                self.assertEqual(
                    '', sample.seen_in(redacted), '%s:\n%s\n%s' % (
                        form.name, sample.text, redacted))
                self.assertIn(redaction.REPLACEMENT, redacted, form.name)

    def test_no_form_is_idle(self):
        """Take one out, and a secret of the corpus is seen."""
        whole = forms.FORMS
        for number, form in enumerate(whole):
            self.patch(forms, 'FORMS', whole[:number] + whole[number + 1:])
            redact = redaction.Redactor()
            samples = (form.sample() for _ in range(4)
                       for form in secret_forms.FORMS)
            self.assertTrue(any(
                sample.seen_in(redact(sample.text)) for sample in samples
                if form.needle in sample.text.lower()), form.needle)

    def test_twice(self):
        """A redacted text is not changed again, by whatever reads it."""
        redact = redaction.Redactor()
        for form in secret_forms.FORMS:
            once = redact(form.sample().text)
            self.assertEqual(once, redact(once), form.name)

    def test_among_others(self):
        """A form is found in the midst of a log, too."""
        redact = redaction.Redactor()
        harmless = '\n'.join(secret_forms.HARMLESS)
        samples = [form.sample() for form in secret_forms.FORMS]
        redacted = redact('\n\n'.join(
            [harmless, *(hidden.text for hidden in samples), harmless]))
        for sample in samples:
            self.assertEqual('', sample.seen_in(redacted), sample.name)

    def test_harmless(self):
        """Ids, addresses, names and words stay."""
        redact = redaction.Redactor()
        for line in secret_forms.HARMLESS:
            self.assertEqual(line, redact(line))

    def test_around_a_secret(self):
        """Words that help to understand a line stay in it."""
        for text, redacted in (
                ('mysql+pymysql://heat:a/b@c@127.0.0.1/heat',
                 'mysql+pymysql://heat:***@127.0.0.1/heat'),
                ('rabbit://a:x1@192.0.2.1:5672,b:x2@192.0.2.2:5672//',
                 'rabbit://a:***@192.0.2.1:5672,b:***@192.0.2.2:5672//'),
                ("{'adminPass': 'x', 'id': 'c1'}",
                 "{'adminPass': '***', 'id': 'c1'}"),
                ('ipmitool -H c1-bmc -P x power on',
                 'ipmitool -H c1-bmc -P *** power on'),
                ('GET /a?token=x&b=1', 'GET /a?token=***&b=1'),
                ('<password>x</password><a>1</a>',
                 '<password>***</password><a>1</a>'),
                ('password: |\n  x\n  y\nb: 1',
                 'password: |\n  ***\n  ***\nb: 1'),
                ('curl -u ops:x http://h/', 'curl -u ops:*** http://h/')):
            self.assertEqual(redacted, redaction.Redactor()(text))

    def test_structure(self):
        """Values under a secret name go, all else and the types stay."""
        given = {'name': 'x', 'adminPass': SECRET, 'passwords': [SECRET, ''],
                 'secrets': {'heat': SECRET}, 'token': None,
                 'pin_password': 1, 'tokens': 5,
                 'deep': [{'api_key': SECRET}, 1.5, True]}
        self.assertEqual(
            {'name': 'x', 'adminPass': '***', 'passwords': ['***', ''],
             'secrets': {'heat': '***'}, 'token': None, 'pin_password': '***',
             'tokens': 5, 'deep': [{'api_key': '***'}, 1.5, True]},
            redaction.Redactor().data(given))

    def test_long_lines(self):
        """What one rule would look at again and again is looked at once."""
        for unit in ('-', '=', '"', "'", '\\', '://', '://a:b@', 'password',
                     'password="', 'QUJD', 'key=AAAA', 'Cookie: ',
                     '<password>',
                     '-----BEGIN PRIVATE KEY-----', 'ipmitool -P '):
            redacted = redaction.Redactor()(unit * (50000 // len(unit)))
            self.assertLessEqual(len(redacted), 50000 + 3)


class KnownTest(testtools.TestCase):
    """Secrets that are known, in all the ways that they are written."""

    def ways(self, secret):
        """Yield name and text of each way."""
        data = secret.encode()
        run = functools_run
        yield 'as it is', 'x%sx' % secret
        yield 'JSON', json.dumps(secret)
        yield 'JSON in JSON', json.dumps(json.dumps(secret))
        yield 'repr', repr(secret)
        yield 'repr of bytes', repr(data)
        for shift in range(3):
            yield 'base64, %d' % shift, run('base64', b'.' * shift + data)
        yield 'base64, in the midst', run('base64', b'u:' + data + b'\nxyz')
        yield 'hex', run('xxd', data)
        yield 'URL', run('quote', data)
        yield 'form', run('quote_plus', data)
        yield 'shell', run('shlex', data)
        yield 'printf', subprocess.run(
            ['bash', '-c', 'printf %q "$1"', '-', secret], text=True,
            capture_output=True, check=True).stdout
        yield 'XML', saxutils.escape(secret)
        yield 'XML attribute', saxutils.quoteattr(secret)
        yield 'YAML', "'%s'" % secret.replace("'", "''")

    def test_every_way(self):
        for secret in (SECRET, 'zaphod-beeblebrox', 'a b&c<d>%e$f', 'ümläüt&ß',
                       "it's\\so good"):
            redact = redaction.Redactor([secret])
            for name, text in self.ways(secret):
                redacted = redact(text)
                self.assertIn('***', redacted, '%s of %r: %s' % (
                    name, secret, text))
                self.assertNotIn(secret, redacted)
                self.assertLess(len(redacted), len(text) - len(secret) + 8,
                                '%s of %r: %s' % (name, secret, redacted))

    def test_short(self):
        """A short secret goes where it stands alone, a word by its name."""
        redact = redaction.Redactor(['a1b2c', 'secret', 'abc', 'openstack'])
        self.assertEqual('is *** xa1b2cx a secret abc openstack',
                         redact('is a1b2c xa1b2cx a secret abc openstack'))

    def test_learned_from_a_file(self):
        secrets = learning.secrets_of(
            '[DEFAULT]\nadmin_password = "Marvin42"\nx_token = ab cd\n'
            'url = rabbit://a:Deep-Thought@h,b:Magrathea1@h2/\n')
        self.assertLessEqual({'Marvin42', 'ab cd', 'Deep-Thought',
                              'Magrathea1'}, secrets)

    def test_learned_from_a_command(self):
        for words in (('bmc.sh', '{host}', '-P', 'Marvin42'),
                      ('ipmitool', '-PMarvin42', '-H', '{host}'),
                      ('env', 'BMC_PASSWORD=Marvin42', 'power', '{host}'),
                      ('x', '--password=Marvin42'),
                      ('x', '--pass', 'Marvin42'),
                      ('curl', '-u', 'ops:Marvin42', 'http://{host}/')):
            self.assertIn('Marvin42', learning.of_command(words), words)
        self.assertEqual(set(), learning.of_command(
            ('ipmitool', '-H', '{host}', '-f', '{password_file}')))


def functools_run(way, data):
    """Return what another program than ours makes of data."""
    code = {'base64': 'base64.b64encode(d).decode()', 'xxd': 'd.hex()',
            'quote': 'urllib.parse.quote(d, safe="")',
            'quote_plus': 'urllib.parse.quote_plus(d)',
            'shlex': 'shlex.quote(d.decode())'}[way]
    names = {}
    exec('import base64, shlex, urllib.parse', names)  # noqa: S102
    return eval(code, names, {'d': data})  # noqa: S307


class WindowTest(testtools.TestCase):
    """A long text is looked through piece by piece."""

    def test_across_the_border(self):
        """Wherever a value begins, it is found, and nothing else is."""
        secret, size = 'Marvin-and-Ford-42', known._WINDOW
        values = known.Known([secret, 'Zaphod-Beeblebrox-and-Trillian-23'])
        for before in (0, 1, *range(size - len(secret) - 1, size + 2),
                       2 * size - 3):
            text = '.' * before + secret + '.' * size
            self.assertEqual({(before, before + len(secret))},
                             set(values.find(text)))
            self.assertNotIn(secret[:8], redaction.Redactor([secret])(text))

    def test_at_the_end(self):
        text = '.' * (known._WINDOW - 4) + 'Marvin-42'
        self.assertEqual([(len(text) - 9, len(text))],
                         list(known.Known(['Marvin-42']).find(text)))


class AloneTest(testtools.TestCase):
    """The package needs nothing but Python: nodes have no more."""

    def test_imports(self):
        for path in pathlib.Path(redaction.__file__).parent.glob('*.py'):
            for node in ast.walk(ast.parse(path.read_text())):
                for name in _imported(node):
                    first = name.split('.')[0]
                    self.assertTrue(
                        name.startswith('self_healing_tempest_plugin')
                        or first in sys.stdlib_module_names,
                        '%s imports %s' % (path.name, name))


def _imported(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module]
    return []


class ProcessTestCase(testtools.TestCase):
    """Secrets that the process knows are forgotten afterwards."""

    def setUp(self):
        super().setUp()
        self.addCleanup(runtime.forget)

    def assert_untold(self, samples, told, way):
        for sample in samples:
            self.assertEqual('', sample.seen_in(told), '%s in %s' % (
                sample.name, way))


class ReportTest(ProcessTestCase):
    """JSON, text, page and terminal."""

    def samples(self):
        return [form.sample() for form in secret_forms.FORMS]

    def run_with(self, samples):
        """Return a run that has texts wherever texts come from."""
        # A form that has a line of its own has one.
        texts = tuple('\n' + sample.text for sample in samples)
        payload = {'input': {'note': texts[0]}, 'errors': texts}
        seen = report_samples.run(
            report_samples.HEALTHY[:2], unmet=texts, remarks=texts,
            objects={})
        state = '\n\n'.join(texts)
        return dataclasses.replace(
            seen, evidence=tuple(
                dataclasses.replace(evidence, payload=payload)
                for evidence in seen.evidence),
            watched={link: dataclasses.replace(watched, state=state)
                     for link, watched in seen.watched.items()})

    def test_documents(self):
        """Neither the JSON, nor the text, nor the line has it."""
        samples = self.samples()
        document = documents.document(self.run_with(samples),
                                      report_samples.expected())
        for way in (saving.dumps, terminal.text, terminal.line):
            told = way(document)
            self.assertIn('***', told)
            self.assert_untold(samples, told, way.__name__)

    def test_page(self):
        """The page has none of all, nor of a run that an older one wrote."""
        directory = self.useFixture(fixtures.TempDir()).path
        samples = self.samples()
        document = report_samples.document('BROKEN')
        document['verdict']['why'] = '\n'.join(
            sample.text + '\n' for sample in samples)
        document['unmet'] = [sample.text for sample in samples]
        with open(os.path.join(directory, 'a.json'), 'w') as stream:
            json.dump(document, stream)
        with open(saving.render(directory), encoding='utf-8') as stream:
            told = stream.read()
        self.assertIn('***', told)
        self.assert_untold(samples, told, 'the page')

    def test_live(self):
        """A state that is cut is redacted first."""
        runtime.learn([SECRET])
        self.useFixture(fixtures.EnvironmentVariable('COLUMNS', '300'))
        stream = io.StringIO()
        seen = self.run_with([secret_forms.Sample(
            'cut', SECRET, 'y' * 45 + SECRET)])
        with live.Progress(report_samples.expected(), stream=stream,
                           enabled=True) as progress:
            progress(seen)
        self.assertIn('yyyy', stream.getvalue())
        self.assertNotIn(SECRET[:6], stream.getvalue())

    def test_ids_stay(self):
        """A document without secrets is not changed."""
        for kind in report_samples.every_kind():
            document = report_samples.document(kind)
            told = json.dumps(document)
            self.assertNotIn('***', told, kind)
            self.assertEqual(document, runtime.data(document))
        self.assertIn(report_samples.NEW_BOOT,
                      json.dumps(report_samples.document('HEALED')))

    def test_rows_of_preflight(self):
        """A row is redacted before it is cut."""
        runtime.learn([SECRET])
        told = rows.one_line('x' * 190 + ' ' + SECRET)
        self.assertNotIn(SECRET[:5], told)
        for sample in self.samples():
            self.assertEqual('', sample.seen_in(
                rows.no(sample.text)[0].text), sample.name)


class LogTest(ProcessTestCase):
    """Every handler of the log, in a process of its own, at debug."""

    PROGRAM = textwrap.dedent("""\
        import json, logging, sys
        from tempest import config
        config.CONF.set_config_path(sys.argv[1])
        config.CONF.self_healing.state_dir
        from oslo_log import log
        LOG = log.getLogger('self_healing_tempest_plugin.x')
        late = logging.StreamHandler(sys.stderr)
        logging.getLogger().addHandler(late)
        for text in json.load(open(sys.argv[2])):
            LOG.debug('said:\\n%s', text)
            logging.getLogger('keystoneauth').warning('\\n' + text)
            try:
                raise ValueError('\\n' + text)
            except ValueError:
                LOG.exception('broke over %s', {'password': 'Marvin %s'})
        LOG.info('bad %d %s', 'password=Marvin')
        """)

    def test_everything(self):
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        samples = [form.sample() for form in secret_forms.FORMS]
        (directory / 'texts').write_text(json.dumps(
            [sample.text for sample in samples]))
        values = {
            'host_power_off_command': 'ipmitool -H {host} -P Marvin-off42 x',
            'host_power_on_command': 'bmc --pw {host} -P Marvin-on42',
            'rabbitmq_api_password': 'Marvin-bus42',
            'prometheus_url': 'http://ops:Marvin-url42@192.0.2.1:9090'}
        (directory / 'tempest.conf').write_text(
            '[DEFAULT]\ndebug = true\nlog_file = %s/tempest.log\n'
            '[auth]\nadmin_password = Marvin-admin42\n'
            '[oslo_concurrency]\nlock_path = %s\n[self_healing]\n%s' % (
                directory, directory, ''.join(
                    '%s = %s\n' % pair for pair in values.items())))
        done = subprocess.run(
            [sys.executable, '-c', self.PROGRAM, directory / 'tempest.conf',
             directory / 'texts'], capture_output=True, text=True,
            check=False, cwd=directory)
        self.assertEqual(0, done.returncode, done.stderr[-2000:])
        told = '\n'.join(path.read_text() for path in directory.glob('*.log'))
        self.assertIn('self_healing.host_power_off_command', told)
        self.assertIn('prometheus_url', told)
        for name, text in (('log', told), ('console', done.stderr)):
            self.assertIn('said:', text, name)
            self.assertIn('ValueError', text, name)
            self.assertNotIn('Marvin', text, name)
            self.assert_untold(samples, text, name)

    def test_others_are_kept(self):
        """Records without secrets are those that were logged."""
        runtime.guard_log()
        self.addCleanup(logging.setLogRecordFactory, logging.LogRecord)
        self.assertTrue(logging.getLogRecordFactory().without_secrets)
        made = logging.getLogger('x').makeRecord(
            'x', 10, 'f', 1, 'a %s', ('b',), None)
        self.assertEqual(('a %s', ('b',)), (made.msg, made.args))


WRONG_OPTIONS = (
    ('prometheus_url', 'ftp://ops:Marvin42@h'),
    ('prometheus_url', 'http://ops:Mar/vin42@h:9090'),
    ('prometheus_url', 'http://h/?token=Marvin42'),
    ('alertmanager_url', 'http://ops:Marvin42@h'),
    ('rabbitmq_api_url', 'amqp://ops:Marvin42@h'),
    ('rabbitmq_api_url', 'http://ops:Mar/vin42@h:15672'),
    ('rabbitmq_api_password', 'Marvin42'),
    ('host_power_off_command', 'ipmitool -P Marvin42'),
    ('host_power_off_command', "bmc {host} 'Marvin42"),
    ('host_ssh_jump_host', 'ops:Marvin42@h:x'))


class CommandsTest(ProcessTestCase):
    """What commands print, and how they break."""

    def test_error_lines(self):
        for text in ('http://ops:%s@192.0.2.1', 'password = %s'):
            with contextlib.redirect_stderr(io.StringIO()) as stream, \
                    contextlib.redirect_stdout(io.StringIO()) as output:
                runtime.learn([SECRET])
                print('x', text % SECRET, file=runtime.Stream(sys.stdout))
                self.assertEqual(2, main.main(
                    ['revert', '--config-file', '/none/' + text % SECRET]))
            self.assertNotIn('Prefect', stream.getvalue() + output.getvalue())
            self.assertIn('There is no /none/', stream.getvalue())

    def test_wrong_options(self):
        """A value that is refused is not shown, in a real process."""
        directory = self.useFixture(fixtures.TempDir()).path
        files = []
        for number, (option, value) in enumerate(WRONG_OPTIONS):
            files.append(os.path.join(directory, '%d.conf' % number))
            pathlib.Path(files[-1]).write_text(
                '[DEFAULT]\nlog_dir = %s\n[identity]\nuri_v3 = http://h\n'
                '[compute]\nimage_ref = i\nflavor_ref = f\n[network]\n'
                'public_network_id = n\n[oslo_concurrency]\nlock_path = %s\n'
                '[self_healing]\n%s = %s\n' % (
                    directory, directory, option, value))
        for (option, _), path in zip(WRONG_OPTIONS, files, strict=True):
            done = ready_processes.run(
                'self_healing_tempest_plugin.cmd.main', 'preflight',
                '--config-file', path, merged=True)
            self.assertGreater(done.returncode, 0, done.stdout)
            self.assertIn(option, done.stdout)
            self.assertNotIn('in42', done.stdout)

    def test_message_of_a_command(self):
        """A power command that fails does not tell its password."""
        result = commands.Result(
            ('ipmitool', '-H', 'c1', '-P', 'Marvin42', 'power', 'on'), 1, '',
            'password Marvin42 is wrong')
        runtime.learn(learning.of_command(result.argv))
        error = self.assertRaises(commands.CommandFailed, result.check)
        self.assertIn('ipmitool -H c1 -P *** power on', str(error))
        self.assertNotIn('Marvin', str(error))


class OptionsTest(ProcessTestCase):
    """What is learned from options."""

    def test_learned(self):
        conf = test_config.new_conf()
        conf.set_override('admin_password', 'Marvin-admin', 'auth')
        conf.set_override('host_power_off_command',
                          'x {host} -P Marvin-power', 'self_healing')
        conf.set_override('uri_v3', 'http://u:Marvin-url1@h/v3', 'identity')
        conf.set_override('rabbitmq_api_password', 'Marvin-bus',
                          'self_healing')
        self.assertLessEqual(
            {'Marvin-admin', 'Marvin-power', 'Marvin-url1', 'Marvin-bus'},
            config.secrets(conf))

    def test_secret_options(self):
        """oslo.config masks them itself, wherever it shows values."""
        for option in config.SELF_HEALING_OPTIONS:
            self.assertEqual(option.name.startswith('host_power_')
                             and option.name.endswith('_command')
                             or option.name.endswith(
                                 ('_password', '_token', '_headers')),
                             option.secret, option.name)


class SubunitTest(ProcessTestCase):
    """The stream that a failing test leaves."""

    PROGRAM = textwrap.dedent("""\
        import json, logging, sys
        import testtools
        from testtools import content
        from self_healing_tempest_plugin.redaction import runtime
        from self_healing_tempest_plugin.tests import discreet

        TEXTS = json.load(open(%r))
        runtime.learn([%r])


        class Broken(discreet.Discreet, testtools.TestCase):
            def test(self):
                self.addDetail('note', content.text_content(
                    '\\n\\n'.join(TEXTS)))
                self.addDetail('cut', content.Content(
                    content.UTF8_TEXT, lambda: [b'%s', b'%s']))
                try:
                    raise ValueError('\\n\\n'.join(['', *TEXTS]))
                except ValueError as error:
                    raise OSError('\\n\\n'.join(['', *TEXTS])) from error


        class Early(discreet.Discreet, testtools.TestCase):
            @classmethod
            def setUpClass(cls):
                super().setUpClass()

            def test(self):
                pass


        class Base(testtools.TestCase):
            @classmethod
            def setUpClass(cls):
                raise ValueError('\\n\\n'.join(['', *TEXTS]))


        class EarlyBroken(discreet.Discreet, Base):
            def test(self):
                pass
        """)

    def test_failures(self):
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        # As text, so that no sample ends the quotes of another.
        samples = [form.sample() for form in secret_forms.FORMS]
        (directory / 'texts').write_text(json.dumps(
            [sample.text for sample in samples]))
        (directory / 'broken.py').write_text(self.PROGRAM % (
            str(directory / 'texts'), SECRET, 'Ford\\\'Prefect/',
            '42+"Dent'))
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(
            [str(directory), *sys.path]))
        done = subprocess.run(
            [sys.executable, '-m', 'subunit.run', 'broken'],
            capture_output=True, check=False, cwd=directory, env=environment)
        told = done.stdout.decode('utf-8', 'replace') + done.stderr.decode()
        self.assertIn('OSError', told)
        self.assertIn('FailedWithSecrets', told)
        self.assertNotIn('Prefect', told)
        self.assert_untold(samples, told.replace('\x00', ''), 'subunit')
