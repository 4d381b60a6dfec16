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

"""What is made of measurements."""

import ast
import contextlib
import io
import json
import os
import pathlib
import types

import fixtures
import testtools
from testtools import matchers

import tools
from tools.lab import errors
from tools.measure import command
from tools.measure import long_runs
from tools.measure import redaction
from tools.measure import suite
from tools.measure import watch
from tools.measure import workflow
from tools import tables

#: How a module that is none of the commands begins.
PARTS = ('__', 'command', 'mutation_')


def run(seconds=1.0, share=0.1, **requests):
    """Return the figures of one run of the host crash."""
    return {
        'requests_per_second': requests, 'resolution': {},
        'clock_uncertainty': {'nova': 0.01}, 'processor_share': share,
        'memory_mb': 90.0, 'verdict_after': {
            'answer_and_stack': [0.1, seconds],
            'answer_stack_and_execution': [-1.0, 0.5]}}


class CommandTest(testtools.TestCase):
    """``tools/measure``."""

    def test_modules(self):
        """Modules that can be named are there, and the others not."""
        directory = pathlib.Path(command.__file__).parent
        self.assertEqual(set(command.MODULES), {
            path.stem for path in directory.glob('*.py')
            if not path.name.startswith(PARTS)})

    def test_main(self):
        """Each main takes arguments, and returns the exit code."""
        for name in command.MODULES:
            path = tools.SOURCE / 'tools' / 'measure' / ('%s.py' % name)
            main = next(node for node in ast.parse(path.read_text()).body
                        if getattr(node, 'name', '') == 'main')
            self.assertEqual(['arguments'],
                             [argument.arg for argument in main.args.args],
                             name)

    def test_arguments(self):
        """Arguments are handed on, options and all."""
        seen = []
        self.useFixture(fixtures.MockPatchObject(
            watch, 'main', lambda arguments: seen.append(arguments) or 3))
        self.assertEqual(3, command.main(['watch', '--runs', '2', '-h']))
        self.assertEqual([['--runs', '2', '-h']], seen)


class LongRunsTest(testtools.TestCase):
    """What the report of a long run costs."""

    def test_small(self):
        """Each shape is measured, in a process of its own, and written."""
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).join('x.json'))
        # What the process has that starts it is none of its memory.
        held = b'x' * long_runs.LIMITS['memory']
        self.addCleanup(len, held)
        # However busy the machine is.
        self.useFixture(fixtures.MonkeyPatch(
            'tools.measure.long_runs.LIMITS',
            dict(long_runs.LIMITS, seconds=float('inf'))))
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.assertEqual(0, long_runs.main(
                ['40', '--json', str(path)]))
        rows = json.loads(path.read_text())['runs']
        self.assertEqual([('by turns', 40), ('whole', 40)], [
            (row['shape'], row['answers']) for row in rows])
        for row in rows:
            self.assertIn(' %d ' % row['memory'], printed.getvalue())
            self.assertThat(row['memory'], matchers.GreaterThan(10 << 20))
            self.assertThat(row['disk'], matchers.GreaterThan(1000))

    def test_too_much(self):
        """Whatever is too much is said, and the exit code tells it."""
        self.useFixture(fixtures.MonkeyPatch(
            'tools.measure.long_runs.LIMITS', {'disk': 7}))
        with (contextlib.redirect_stdout(io.StringIO()),
              contextlib.redirect_stderr(io.StringIO()) as errors_told):
            self.assertEqual(1, long_runs.main(['30']))
        self.assertRegex(errors_told.getvalue(),
                         r'disk of 30 answers, whole: \d+, at most 7\n')


class WatchTest(testtools.TestCase):
    """What watching costs."""

    def test_rates(self):
        """Of those between the two moments; a port has a name."""
        meter = watch.Meter()
        meter.requests = [(9.9, 8004), (10.0, 8004), (11.0, 8004),
                          (12.0, 5000), (14.0, 4711), (14.1, 5000)]
        self.assertEqual({'Heat': 0.5, 'Keystone': 0.25, '4711': 0.25},
                         meter.rates(10.0, 14.0))

    def test_process(self):
        """Its share between the two moments, and the most memory then."""
        meter = watch.Meter()
        meter.samples = [(9.0, 0.0, 500.0), (10.0, 1.0, 80.0),
                         (11.0, 1.25, 95.04), (14.0, 2.0, 90.0),
                         (15.0, 9.0, 500.0)]
        self.assertEqual((0.25, 95.0), meter.process(10.0, 14.0))

    def test_rows(self):
        """A service that a run did not ask counts as none."""
        rows = dict(watch.rows([run(Heat=2.0), run(Nova=1.5, share=0.3)]))
        self.assertEqual([2.0, 0],
                         rows['requests per second: Heat [requests/s]'])
        self.assertEqual([0, 1.5],
                         rows['requests per second: Nova [requests/s]'])
        self.assertEqual([0.1, 0.3], rows['processor share'])

    def test_verdict_after(self):
        """The most of it, not the least."""
        rows = dict(watch.rows([run(1.0), run(3.0)]))
        self.assertEqual([1.0, 3.0], rows[
            'verdict at most so long after answer and stack [s]'])

    def test_table(self):
        view = watch.table([run(share=0.5), run(share=0.1), run(share=0.2)])
        self.assertIn('processor share,0.1,0.2,0.5',
                      view.get_csv_string(lineterminator='\n').splitlines())


class FakeCloud:
    """Heat and Mistral, as far as a patient asks them."""

    def __init__(self, status='UPDATE_COMPLETE', server='new'):
        self.status, self.server, self.state = status, 'old', 'RUNNING'
        self._next, self.deleted = server, []

    def ask(self, service, path, method='GET', **_):
        if method == 'DELETE':
            self.deleted.append(path)
        elif path.endswith('/tasks'):
            return {'tasks': [
                {'name': 'settle', 'state_info': 'Task timed out after 30 s'},
                {'name': 'settle', 'state_info': None}]}
        elif path.endswith('/resources'):
            return {'resources': [
                {'resource_name': 'server',
                 'physical_resource_id': self.server},
                {'resource_name': 'heal_instance',
                 'physical_resource_id': 'workflow'}]}
        elif service == 'workflowv2':
            return {'id': 'e1', 'state': self.state, 'state_info': 'x' * 90}
        elif method == 'POST':
            return {'stack': {'id': 'k1'}}
        return {'stack': {'stack_status': self.status}}

    def heal(self, state='SUCCESS'):
        self.state, self.server = state, self._next


class WorkflowTest(testtools.TestCase):
    """Who is healed when a program is away."""

    def patient(self, **values):
        self.cloud = FakeCloud(**values)
        patient = workflow.Patient(
            types.SimpleNamespace(cloud=self.cloud), 'w-0',
            {'parameters': {'heal_time': {}}})
        patient.start(102.0)
        return patient

    def test_template(self):
        """The template has the plugin's workflow, and needs nothing else."""
        stack = workflow.template(workflow.HOT)
        self.assertEqual({'heal_instance', 'server'}, set(stack['resources']))
        self.assertLessEqual(set(workflow.LIMITS), set(stack['parameters']))
        self.assertTrue(all(name.startswith('heal_')
                            for name in stack['parameters']))

    def test_healed(self):
        patient = self.patient()
        self.assertFalse(patient.look())
        self.cloud.heal()
        self.assertTrue(patient.look())
        patient.ended = 112.4
        self.assertEqual(
            ('w-0', '-1.5', 'SUCCESS', '10', 2, 'settle: 1', 'yes', 'x' * 70),
            patient.row(103.5))

    def test_same_server(self):
        """A workflow that ends well has not healed by that."""
        patient = self.patient(server='old')
        self.cloud.heal()
        self.assertEqual('NO', patient.row(100.0)[6])

    def test_update_that_failed(self):
        patient = self.patient(status='UPDATE_FAILED')
        self.cloud.heal()
        self.assertEqual('NO', patient.row(100.0)[6])

    def test_never_ended(self):
        self.assertEqual('-', self.patient().row(100.0)[3])

    def test_first_end_counts(self):
        patient = self.patient()
        self.cloud.heal('ERROR')
        patient.look()
        patient.ended = 110.0
        patient.look()
        self.assertEqual(110.0, patient.ended)

    def test_mistral_away(self):
        """Mistral is asked again."""
        patient = self.patient()

        def refuse(*_, **__):
            raise errors.LabError('503')

        patient._ask = refuse
        self.assertFalse(patient.look())

    def test_delete(self):
        """The execution before what its workflow belongs to."""
        self.patient().delete()
        self.assertEqual(['/executions/e1?force=true', '/stacks/w-0/k1'],
                         self.cloud.deleted)


class RedactionTest(testtools.TestCase):
    """What redaction finds."""

    def setUp(self):
        super().setUp()
        # In these a secret stands as it is.
        self.useFixture(fixtures.MockPatchObject(
            redaction.secret_forms, 'FORMS', [
                form for form in redaction.secret_forms.FORMS
                if form.name in ('ini, no blanks', 'ini, quoted')]))

    def test_nothing(self):
        """A redactor that changes nothing leaves every secret, every line."""
        self.assertEqual(
            {'forms': 2, 'samples': 6, 'forms_seen': 2, 'samples_seen': 6},
            redaction.found_by(lambda text: text, 3))
        self.assertEqual(0, redaction.harmless(str)['changed'])

    def test_everything(self):
        figures = redaction.found_by(lambda text: '', 1)
        self.assertEqual((0, 0), (figures['forms_seen'],
                                  figures['samples_seen']))
        self.assertEqual(redaction.harmless(lambda text: '')['lines'],
                         redaction.harmless(lambda text: '')['changed'])

    def test_filled(self):
        self.assertEqual('abcabca', redaction.filled('abc', 7))
        self.assertEqual('ab', redaction.filled('abc', 2))


class TablesTest(testtools.TestCase):
    """tables.write()."""

    def test_write(self):
        """As git and the documents want it."""
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, 'a.csv')
        tables.write(path, ('a', 'b'), [(1, 'x, y'), (2, 'z')])
        self.assertEqual(b'a,b\n1,"x, y"\n2,z\n', path.read_bytes())


def drilled(name, seconds, verdict='HEALED', good=True):
    """Return what a report of the healthy suite says."""
    return {'name': name, 'verdict': verdict, 'good': good,
            'seconds': seconds}


class SuiteTest(testtools.TestCase):
    """The healthy suite, again and again."""

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        self.begun = []

    def run_it(self, *arguments, outcomes=()):
        """Return exit code and output, where each run has an outcome."""
        outcomes = iter(outcomes)

        def once(lab, words):
            self.begun.append(words)
            return next(outcomes)

        self.useFixture(fixtures.MonkeyPatch('tools.measure.suite.once',
                                             once))
        with contextlib.redirect_stdout(io.StringIO()) as said:
            with contextlib.redirect_stderr(said):
                code = suite.main([str(self.directory / 'f.json'),
                                   '--dir', '/nowhere', *arguments])
        return code, said.getvalue()

    def outcome(self, code=0, left=(), **changes):
        return {'began': '2026-01-01T00:00:00+00:00', 'seconds': 900.0,
                'code': code, 'left': list(left), 'scenarios': [
                    drilled('test_a', 25.0), drilled(
                        'test_b', None, 'UNTOUCHED', **changes)]}

    def test_good(self):
        code, said = self.run_it('--runs', '2', '-r', 'x', '--fresh',
                                 outcomes=[self.outcome(), self.outcome()])
        self.assertEqual(0, code, said)
        self.assertEqual([['-r', 'x', '--fresh']] * 2, self.begun)
        self.assertIn('2 runs, 2 good, 900 s each', said)

    def test_goes_on(self):
        """What has run already is not run again."""
        self.run_it('--runs', '1', outcomes=[self.outcome()])
        code, said = self.run_it('--runs', '2', outcomes=[self.outcome()])
        self.assertEqual((0, 2), (code, len(self.begun)))
        self.assertIn('2 runs', said)

    def test_bad(self):
        """A red test, a bad verdict, or something that is left."""
        for outcome, told in (
                (self.outcome(code=1), 'exit code 1'),
                (self.outcome(left=['routes/x: 1']), 'routes/x: 1'),
                (self.outcome(good=False), 'nothing is left')):
            (self.directory / 'f.json').unlink(missing_ok=True)
            code, said = self.run_it('--runs', '1', outcomes=[outcome])
            self.assertEqual(1, code)
            self.assertIn(told, said)
            self.assertIn('1 runs, 0 good', said)

    def test_rows(self):
        runs = [{'scenarios': [drilled('test_a', seconds),
                               drilled('test_b', None, 'UNTOUCHED')]}
                for seconds in (20.0, 31.0, 25.0)]
        self.assertEqual(
            [('a', 3, 'HEALED', '20.0 to 31.0', '25.0'),
             ('b', 3, 'UNTOUCHED', '-', '-')], list(suite.rows(runs)))

    def test_reports(self):
        """Those of this run, not of the nights before."""
        for name, moment in (('old', 100), ('new', 300)):
            path = self.directory / ('%s.json' % name)
            path.write_text(json.dumps({'name': name, 'verdict': {
                'kind': 'HEALED', 'good': True, 'seconds': 1.5}}))
            os.utime(path, (moment, moment))
        self.assertEqual([drilled('new', 1.5)],
                         suite.scenarios(self.directory, 200))
