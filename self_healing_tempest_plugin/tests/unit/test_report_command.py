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

"""``self-healing-tempest report``, as people call it."""

import contextlib
import errno
import io
import json
import os
import stat
import subprocess
import sys
from unittest import mock

import fixtures
import testtools

from self_healing_tempest_plugin.cmd import main
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.tests.unit import ready_processes
from self_healing_tempest_plugin.tests.unit import report_samples
from self_healing_tempest_plugin.tests.unit import test_config


class CommandTestCase(testtools.TestCase):
    """A directory with documents, and no tempest.conf."""

    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path
        self.runs = os.path.join(self.directory, 'runs')
        os.mkdir(self.runs)
        self.useFixture(fixtures.EnvironmentVariable(
            'TEMPEST_CONFIG_DIR', self.directory))
        self.useFixture(fixtures.EnvironmentVariable('TEMPEST_CONFIG'))

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, kind='HEALED', **changes):
        """Write a document, and return its path."""
        path = self.path('runs', name)
        with open(path, 'w', encoding='utf-8') as stream:
            json.dump(report_samples.document(kind, **changes), stream)
        return path

    def report(self, *arguments):
        """Call the command; return exit code, output and errors."""
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), (
                contextlib.redirect_stderr(errors)):
            try:
                code = main.main(['report', *arguments])
            except SystemExit as error:
                code = error.code
        return code, output.getvalue(), errors.getvalue()

    def read(self, path):
        with open(path, encoding='utf-8') as stream:
            return stream.read()


class ReportTest(CommandTestCase):
    """What it prints, and its exit code."""

    def test_good(self):
        code, output, errors = self.report(self.write('a.json'))
        self.assertEqual((0, ''), (code, errors))
        self.assertRegex(output, r'test_host_crash +2026-11-23T23:08:58.123Z'
                                 r' +HEALED +30.6 s +29.0–30.2 s')
        self.assertRegex(output, r'alarm +1 +4.3–5.0 s +– +4.3–5.0 s +–'
                                 r' +4.3–5.0 s\n')

    def test_bad_verdict(self):
        self.write('a.json')
        self.write('b.json', 'BROKEN')
        code, output, _ = self.report(self.runs)
        self.assertEqual(1, code)
        self.assertIn('BROKEN at link workflow', output)

    def test_runs_of_one_scenario(self):
        """Runs are told apart by when they began, and counted."""
        for second in range(6):
            self.write('%d.json' % second,
                       began='2026-11-23T23:08:5%d.000Z' % second)
        code, output, _ = self.report(self.runs)
        self.assertEqual(0, code)
        for second in range(6):
            self.assertIn('2026-11-23T23:08:5%d.000Z' % second, output)
        # Six are enough to say between which times the median is.
        self.assertRegex(output, r'alarm +6 +4.3–5.0 s +4.3–5.0 s +4.3–5.0 s'
                                 r' +–')

    def test_objective(self):
        path = self.write('a.json')
        code, output, _ = self.report(path, '--slo', 'stack=10')
        self.assertEqual(1, code)
        self.assertIn('MISSED (≤ 10 s)', output)
        code, output, _ = self.report(path, '--slo', 'stack=60')
        self.assertEqual(0, code)
        self.assertIn('UNDECIDED (≤ 60 s)', output)

    def test_met(self):
        for number in range(59):
            self.write('%d.json' % number,
                       began='2026-11-23T23:%02d:50.000Z' % number)
        code, output, _ = self.report(self.runs, '--slo', 'healing=31')
        self.assertEqual(0, code)
        self.assertRegex(output, r'healing +59 .* MET \(≤ 31 s\)')

    def test_html(self):
        self.write('a.json')
        self.write('b.json', 'BROKEN')
        path = self.path('page.html')
        self.report(self.runs, '--html', path, '--slo', 'stack=10')
        page = self.read(path)
        self.assertIn('1 of 2 runs as expected', page)
        self.assertIn('How long each link takes', page)
        self.assertIn('<b>MISSED</b> ≤ 10 s', page)

    def test_html_of_what_cannot_be_drawn(self):
        """It is left out, and named; the schema has nothing against it."""
        self.write('a.json')
        odd = report_samples.document('HEALED')
        for row in odd['links']:
            row['end'] = None
        self.write('b.json', links=odd['links'])
        odd['application']['outage']['seconds'] = None
        self.write('c.json', application=odd['application'],
                   began='2026-11-24T23:08:58.123Z')
        path = self.path('page.html')
        self.assertEqual((0, ''), self.report(
            self.runs, '--html', path)[::2])
        page = self.read(path)
        for day in (23, 24):
            self.assertIn('of 2026-11-%dT23:08:58.123Z cannot be drawn'
                          % day, page)
        self.assertIn('Healed by this chain', page)

    def test_html_of_one(self):
        """Of one run there is nothing to count."""
        path = self.path('page.html')
        self.report(self.write('a.json'), '--html', path)
        self.assertNotIn('How long each link takes', self.read(path))

    def test_json(self):
        """The file may lie beside the runs, and is passed over."""
        self.write('a.json')
        path = self.path('runs', 'report.json')
        for _ in range(2):
            self.assertEqual(0, self.report(self.runs, '--json', path)[0])
        report = json.loads(self.read(path))
        self.assertEqual((1, 1), (report['report'], len(report['runs'])))
        self.assertEqual('HEALED', report['runs'][0]['verdict']['kind'])
        alarm = report['links'][0]
        self.assertEqual(
            ('alarm', 1, [4.3, 5.0], [4.3, None], None),
            tuple(alarm[key] for key in ('step', 'n', 'p95', 'p95_between',
                                         'state')))


class BadInputTest(CommandTestCase):
    """One line that says which file, and where it is wrong."""

    def refused(self, expected, *arguments):
        code, output, errors = self.report(*arguments)
        self.assertEqual((2, ''), (code, output))
        line, = errors.splitlines()
        self.assertIn(expected, line)

    def test_no_file(self):
        self.refused('/no/such.json: No such file', '/no/such.json')

    def test_empty_directory(self):
        self.refused('%s: holds no JSON' % self.runs, self.runs)
        with open(self.path('runs', 'half.json'), 'w') as stream:
            stream.write('{"format":')
        self.refused('half.json: is no JSON', self.runs)

    def test_damaged_in_a_directory(self):
        """It costs none of the others; who names it is refused."""
        self.write('a.json')
        path = self.write('b.json', format=2)
        code, output, errors = self.report(
            self.runs, '--html', self.path('page.html'))
        self.assertEqual(2, code)
        self.assertIn('HEALED', output)
        line, = errors.splitlines()
        self.assertIn('%s: format 2 cannot be read' % path, line)
        self.assertIn('b.json: format 2', self.read(self.path('page.html')))
        self.refused('b.json: format 2', self.runs, path)

    def test_older_format(self):
        path = self.write('a.json', format=2)
        self.refused(
            '%s: format 2 cannot be read, only 3, 4 and 5' % path, path)

    def test_no_json(self):
        path = self.path('a.json')
        with open(path, 'wb') as stream:
            stream.write(b'{"format": 4,')
        self.refused('%s: is no JSON: ' % path, path)

    def test_invalid(self):
        run = report_samples.document('HEALED')
        path = self.write('a.json', links=[dict(run['links'][0], state=7)])
        self.refused('%s: $.links[0].state: 7 is not one of' % path, path)

    def test_cannot_write(self):
        path = self.write('a.json')
        for option in ('--html', '--json'):
            code, _, errors = self.report(path, option, '/no/such/file')
            self.assertEqual(2, code)
            self.assertIn('/no/such/file: No such file', errors)

    def test_what_is_no_file(self):
        """A link stays one, and a pipe is written into."""
        run = self.write('a.json')
        target, link, pipe = map(self.path, ('real', 'link', 'pipe'))
        os.symlink(target, link)
        for _ in range(2):
            self.assertEqual(0, self.report(run, '--json', link)[0])
            self.assertTrue(os.path.islink(link))
            self.assertIn('report', json.loads(self.read(target)))
        os.mkfifo(pipe)
        code, _, errors = self.report(run, '--json', pipe)
        self.assertEqual((2, '%s: nobody reads from it\n' % pipe),
                         (code, errors))
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.assertEqual(0, self.report(run, '--json', pipe)[0])
        self.assertEqual(self.read(target).encode(),
                         os.read(reader, 1 << 16))
        self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))

    def test_wrong_objective(self):
        for wrong in ('stack', 'stack=', 'stack=x', 'stack=-1', 'stack=nan',
                      'stack=inf', '=3'):
            code, _, errors = self.report('x', '--slo', wrong)
            self.assertEqual(2, code)
            self.assertIn('is not LINK=SECONDS', errors)

    def test_objective_of_what_no_run_has(self):
        """The fault is no link that anybody waits for."""
        for name in ('fault', 'evacuation', 'Stack'):
            self.refused(
                '--slo %s: no run has such a link, only: alarm, deduction, '
                'workflow, stack, application, healing' % name,
                self.write('a.json'), '--slo', name + '=3')

    def test_nothing_named(self):
        self.assertEqual(2, self.report()[0])


class OutputTest(CommandTestCase):
    """Nobody reads, or what is written has no place."""

    def report_to(self, stream):
        """Return exit code and errors; the page is written all the same."""
        errors = io.StringIO()
        page = self.path('page.html')
        with fixtures.MonkeyPatch('sys.stdout', stream), (
                fixtures.MonkeyPatch('sys.stderr', errors)):
            code = main.main(['report', self.write('a.json'),
                              '--html', page])
        self.assertIn('Healed by this chain', self.read(page))
        os.unlink(page)
        return code, errors.getvalue()

    def test_reader_that_has_seen_enough(self):
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, 'w') as stream:
            self.assertEqual((141, ''), self.report_to(stream))

    def test_no_room(self):
        stream = io.StringIO()
        stream.flush = mock.Mock(side_effect=OSError(errno.ENOSPC, 'Full'))
        self.assertEqual((2, 'The output cannot be written: Full\n'),
                         self.report_to(stream))

    def test_closed(self):
        self.assertEqual((2, 'The output cannot be written: it is closed\n'),
                         self.report_to(None))

    def test_interrupted(self):
        self.useFixture(fixtures.MockPatch(
            'self_healing_tempest_plugin.report.loading.read_all',
            side_effect=KeyboardInterrupt))
        self.assertEqual((130, '', 'Interrupted\n'),
                         self.report(self.runs))


class ImportTest(CommandTestCase):
    """What reads files needs no client of a service."""

    PROGRAM = (
        'import sys\n'
        'from self_healing_tempest_plugin.cmd import main\n'
        'code = main.main(sys.argv[1:])\n'
        'print(*sorted(sys.modules), sep="\\n", file=sys.stderr)\n'
        'sys.exit(code)\n')

    OTHERS = ('heatclient', 'mistralclient', 'vitrageclient',
              'self_healing_tempest_plugin.services',
              'self_healing_tempest_plugin.cmd.preflight',
              'self_healing_tempest_plugin.cmd.revert')

    def imported(self, *arguments):
        """Return the modules that a process has once the command has run."""
        done = subprocess.run(
            [sys.executable, '-c', self.PROGRAM, 'report', *arguments],
            cwd=self.directory, text=True, capture_output=True)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn('HEALED', done.stdout)
        return done.stderr.splitlines()

    def assert_light(self, modules):
        self.assertIn('self_healing_tempest_plugin.report.page', modules)
        for name in self.OTHERS:
            self.assertEqual([], [
                module for module in modules
                if module == name or module.startswith(name + '.')])

    def test_no_client(self):
        self.assert_light(self.imported(
            self.write('a.json'), '--html', self.path('page.html')))

    def test_no_client_with_a_tempest_conf(self):
        """Not even where Tempest loads its plugins."""
        with open(self.path('tempest.conf'), 'w') as stream:
            stream.write('[oslo_concurrency]\nlock_path = %s\n'
                         '[self_healing]\nslo_healing = 40\n'
                         % self.directory)
        self.assert_light(self.imported(self.write('a.json')))

    def test_formatting_needs_nothing(self):
        done = subprocess.run(
            [sys.executable, '-c',
             'import sys\n'
             'import self_healing_tempest_plugin.report.formatting\n'
             'print(*sorted(sys.modules))'],
            text=True, capture_output=True, check=True)
        ours = [module for module in done.stdout.split()
                if module.startswith('self_healing_tempest_plugin.')]
        self.assertEqual(['self_healing_tempest_plugin.report',
                          'self_healing_tempest_plugin.report.formatting'],
                         ours)

    def test_help_of_all(self):
        """Each command is told of, and has its options where it is named."""
        for arguments, expected in (
                (['--help'], [command.help[:40]
                              for command in main.COMMANDS]),
                (['report', '--help'], ['--slo LINK=SECONDS', '--html']),
                (['revert', '--help'], ['--dry-run', '--close ID']),
                (['preflight', '--help'], ['--config-file FILE'])):
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                self.assertRaises(SystemExit, main.parse, arguments)
            words = ' '.join(output.getvalue().split())
            for text in expected:
                self.assertIn(text, words)


class ConfigurationTest(CommandTestCase):
    """tempest.conf, where there is one."""

    def conf(self, name='tempest.conf', **options):
        path = self.path(name)
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write('[oslo_concurrency]\nlock_path = %s\n'
                         '[self_healing]\n' % self.directory)
            stream.writelines('%s = %s\n' % pair for pair in options.items())
        return path

    def run_apart(self, *arguments):
        """Call the command in a process of its own, with its own CONF."""
        return ready_processes.run(
            'self_healing_tempest_plugin.cmd.main', 'report',
            self.write('a.json'), *arguments, directory=self.directory)

    def test_objectives_of_the_file(self):
        self.conf(slo_stack=10, slo_alarm=60)
        done = self.run_apart()
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn('MISSED (≤ 10 s)', done.stdout)
        self.assertIn('UNDECIDED (≤ 60 s)', done.stdout)

    def test_flags_win(self):
        path = self.conf('other.conf', slo_stack=10)
        done = self.run_apart('--config-file', path, '--slo', 'stack=70')
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn('(≤ 70 s)', done.stdout)

    def test_wrong_option(self):
        self.conf(slo_stack='soon')
        done = self.run_apart()
        self.assertEqual(2, done.returncode)
        line, = done.stderr.splitlines()
        self.assertIn('slo_stack', line)

    def test_what_is_no_business_of_it(self):
        """Tempest breaks over any "$"; the objectives are there."""
        with open(self.conf(slo_stack=10), 'a') as stream:
            stream.write('[auth]\nadmin_password = pa$sw0rd\n')
        done = self.run_apart()
        self.assertEqual((1, ''), (done.returncode, done.stderr))
        self.assertIn('MISSED (≤ 10 s)', done.stdout)

    def test_log(self):
        """Tempest begins with it, before anybody can ask for an option."""
        for line, told in (
                ('log_dir = /tmp/$USER/x',
                 'write "$$" for each "$" in [DEFAULT] log_dir '),
                ('log_dir = ${HOME}/$$x\nlog_file = $log_dir/x',
                 'write "$$" for each "$" in [DEFAULT] log_dir '),
                ('log_file = /no/such/file', 'the log cannot be written to '
                 '/no/such/file: No such file or directory'),
                ('log_dir = /no/such', 'the log cannot be written to '
                 '/no/such/'),
                ('log_config_append = /no/such', 'Error loading logging '
                 'config /no/such')):
            with open(self.conf(), 'a') as stream:
                stream.write('[DEFAULT]\n%s\n' % line)
            done = self.run_apart()
            self.assertEqual(2, done.returncode, line)
            line, = done.stderr.splitlines()
            self.assertIn(told, line)

    def test_named_file_is_missing(self):
        code, _, errors = self.report(
            self.write('a.json'), '--config-file', '/no/such.conf')
        self.assertEqual(2, code)
        self.assertIn('There is no /no/such.conf', errors)

    def test_no_file(self):
        """The file is not needed, and not looked for twice."""
        self.assertIsNone(main.parse(['report', 'x']).config_file)
        self.assertEqual(0, self.report(self.write('a.json'))[0])

    def test_objectives(self):
        conf = test_config.new_conf(self.conf(slo_healing=31.5))
        self.assertEqual({'healing': 31.5}, config.objectives(conf))
        self.assertEqual({}, config.objectives(test_config.new_conf()))
