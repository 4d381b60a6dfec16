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

"""The document of a run: what is in it, and its schema."""

import copy
import dataclasses
import json
import os

import fixtures
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies
import jsonschema
import testtools

from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin.model import expectations
from self_healing_tempest_plugin.model import healing
from self_healing_tempest_plugin.model import links
from self_healing_tempest_plugin.model import stopping
from self_healing_tempest_plugin.model import timelines
from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import loading
from self_healing_tempest_plugin.report import saving
from self_healing_tempest_plugin.report import schemas
from self_healing_tempest_plugin.tests.unit import report_samples
from self_healing_tempest_plugin.tests.unit import samples

Link, Mark = vitrage, links.Mark
EXPECTED = samples.expected()


def loaded(*run, **more):
    """Return a document as its readers get it."""
    return json.loads(saving.dumps(documents.document(*run, **more)))


def row(document, link, mark='finished'):
    """Return the row of one link."""
    return next(entry for entry in document['links']
                if (entry['link'], entry['mark']) == (link, mark))


class DocumentTest(testtools.TestCase):
    """documents.document()."""

    def test_times_count_from_the_origin(self):
        document = loaded(samples.healthy(), EXPECTED)
        alarm = document['evidence'][0]
        self.assertEqual(('alarm', 'finished', 15.0, 14.0), (
            alarm['link'], alarm['mark'], alarm['seen_at'],
            alarm['not_before']))
        self.assertEqual('HEALED', document['verdict']['kind'])
        self.assertEqual(10, document['expectation']['timeouts']['workflow'])
        self.assertEqual(9.0, document['watched']['stack']['last_begin'])
        self.assertEqual((5, 5), (document['format'], schemas.FORMAT))

    def test_names(self):
        document = loaded(samples.healthy(began=1795475338.1236), EXPECTED,
                          name='test_x', story='A story.')
        self.assertEqual(('test_x', 'A story.', '2026-11-23T23:08:58.123Z'),
                         (document['name'], document['story'],
                          document['began']))

    def test_expectation(self):
        """What was expected goes with what was seen."""
        document = loaded(samples.deduced(concluded=140.0),
                          samples.untouched(alive=True))
        self.assertEqual(50.0, document['concluded'])
        expected = document['expectation']
        self.assertEqual(
            ('data NIC eth1 of host compute-1 down', 'the power commands',
             30.0, True), tuple(expected[key] for key in (
                 'fault', 'fault_look_at', 'quiet', 'alive')))
        alarm = {'link': 'alarm', 'mark': 'finished'}
        self.assertEqual(
            [dict(alarm, after=None),
             {'link': 'deduction', 'mark': 'finished', 'after': alarm}],
            expected['steps'])
        self.assertEqual(samples.IDS, expected['ids'])
        self.assertEqual(47.0, document['watched']['stack']['answered'])

    def test_ended_early(self):
        """A run that ended early has no conclusion, but a reason."""
        document = loaded(samples.healthy(
            concluded=None, ended='it was interrupted'), EXPECTED)
        self.assertEqual((None, 'it was interrupted', 'INVALID'), (
            document['concluded'], document['ended'],
            document['verdict']['kind']))
        self.assertEqual('', loaded(samples.healthy(), EXPECTED)['ended'])

    def test_broken_names_its_link(self):
        document = loaded(samples.healthy(without=[Link.STACK]), EXPECTED)
        self.assertEqual(('stack', False), (document['verdict']['link'],
                                            document['verdict']['good']))

    def test_probes(self):
        """Whether something answered is no time."""
        document = loaded(*report_samples.healed())
        probes = document['probes']
        self.assertEqual({True, False}, {kind['answered']
                                         for kind in probes['kinds']})
        self.assertEqual(36.8, probes['stretches'][0]['begin'])
        self.assertEqual(36800, answers.whole(probes)[0].begin)


class LinksTest(testtools.TestCase):
    """When each link came, how long it took, and when it would be late."""

    def test_took(self):
        """From the bounds of both, since the end of the injection."""
        document = loaded(samples.healthy(), EXPECTED)
        self.assertEqual({'low': 3.0, 'high': 4.0},
                         row(document, 'alarm')['took'])
        self.assertEqual({'low': 1.0, 'high': 3.0},
                         row(document, 'deduction')['took'])

    def test_took_no_time(self):
        """A link in another order took no time, and not less."""
        later = samples.evidence(Link.ALARM, Mark.FINISHED, 107.5, 0.5)
        seen = samples.healthy(without=[Link.ALARM])
        document = loaded(dataclasses.replace(
            seen, evidence=(later, *seen.evidence)), EXPECTED)
        self.assertEqual({'low': 0.0, 'high': 0.0},
                         row(document, 'deduction')['took'])

    def test_nobody_waits_for_the_end_of_the_execution(self):
        """The application waits for the stack, and so does that end."""
        document = loaded(samples.healthy(), EXPECTED)
        self.assertEqual({'low': 0.0, 'high': 0.0},
                         row(document, 'application')['took'])
        self.assertEqual({'low': 0.0, 'high': 2.0},
                         row(document, 'workflow')['took'])
        document = loaded(*report_samples.healed())
        self.assertEqual({'low': 1.3, 'high': 2.133},
                         row(document, 'application')['took'])

    def test_narrowed(self):
        """The services' own times are in it."""
        document = loaded(*report_samples.healed())
        stack, evidence = row(document, 'stack'), document['evidence'][4]
        self.assertEqual('stack', evidence['link'])
        self.assertEqual((stack['begin'], stack['end']),
                         (evidence['begin'], evidence['end']))
        self.assertLess(evidence['not_before'], evidence['begin'])

    def test_missing(self):
        document = loaded(*report_samples.broken())
        self.assertEqual(
            {'link': 'workflow', 'mark': 'started', 'state': 'missing',
             'after': {'link': 'deduction', 'mark': 'finished'},
             'begin': None, 'end': None, 'deadline': 75.4, 'took': None,
             'object_id': None}, row(document, 'workflow', 'started'))
        self.assertIsNone(row(document, 'stack')['took'])

    def test_took_after_a_missing_link(self):
        """Nobody knows how long something took that nothing preceded."""
        document = loaded(
            *report_samples.every_kind()['NOT_HEALED_BY_THIS_CHAIN'])
        self.assertEqual('came', row(document, 'stack')['state'])
        self.assertIsNone(row(document, 'stack')['took'])

    def test_deadlines_are_those_that_were_waited_for(self):
        seen, expected = report_samples.broken()
        deadlines = {(link['link'], link['mark']): link['deadline']
                     for link in loaded(seen, expected)['links']}
        pending = stopping.pending(seen, expected)
        self.assertEqual(4, len(pending))
        for link in pending:
            self.assertAlmostEqual(
                link.deadline - seen.origin,
                deadlines[link.step.link.name, link.step.mark.value], 3)
        # 60 s after the end of the injection, 30 s after the alarm.
        self.assertEqual((100.1, 75.1), (deadlines['alarm', 'finished'],
                                         deadlines['deduction', 'finished']))

    def test_absent(self):
        document = loaded(*report_samples.every_kind()['UNTOUCHED'])
        self.assertEqual(
            [('workflow', None, 'absent', 85.4), ('stack', None, 'absent',
                                                  85.4),
             ('application', None, 'absent', 85.4)],
            [(link['link'], link['mark'], link['state'], link['deadline'])
             for link in document['links'][2:]])

    def test_unwanted(self):
        """Of a forbidden link its first evidence is told."""
        document = loaded(*report_samples.every_kind()['UNEXPECTED_HEALING'])
        self.assertEqual(('came', report_samples.EXECUTION), tuple(
            row(document, 'workflow', 'started')[key]
            for key in ('state', 'object_id')))

    def test_nothing_injected(self):
        document = loaded(samples.healthy(transitions=()), EXPECTED)
        self.assertEqual({None},
                         {link['deadline'] for link in document['links']})
        self.assertEqual('INVALID', document['verdict']['kind'])


class AwaitedTest(testtools.TestCase):
    """What each step waits for, and what nobody waits for."""

    def rows(self, document):
        """Return link, mark, and what they wait for, of each row."""
        return [(link['link'], link['mark'], link['after'] and '%s %s' % (
            link['after']['link'], link['after']['mark']))
            for link in document['links']]

    def test_chain(self):
        """The end of the execution is waited for by none."""
        self.assertEqual(
            [('alarm', 'finished', None),
             ('deduction', 'finished', 'alarm finished'),
             ('workflow', 'started', 'deduction finished'),
             ('stack', 'started', 'workflow started'),
             ('stack', 'finished', 'workflow started'),
             ('workflow', 'finished', 'stack finished'),
             ('application', 'finished', 'stack finished')],
            self.rows(loaded(*report_samples.healed())))

    def test_steps_say_the_same(self):
        for kind in report_samples.every_kind():
            document = report_samples.document(kind)
            for step in document['expectation']['steps']:
                self.assertEqual(step['after'], row(
                    document, step['link'], step['mark'])['after'])

    def test_part_of_a_chain(self):
        """What a step waits for elsewhere need not come here."""
        document = loaded(samples.healthy(), samples.expected(
            steps=vitrage.CHAIN.until(Link.WORKFLOW)))
        self.assertEqual(('workflow', 'finished', 'workflow started'),
                         self.rows(document)[3])
        self.assertEqual({'low': 12.0, 'high': 14.0},
                         row(document, 'workflow')['took'])

    def test_starts(self):
        """Each start of the stack has a row, before its end."""
        starts = tuple(samples.evidence(
            Link.STACK, Mark.STARTED, at, updated_time=at)
            for at in (110.0, 112.0))
        seen = samples.healthy()
        seen = dataclasses.replace(seen, evidence=tuple(
            evidence for evidence in seen.evidence
            if (evidence.link, evidence.mark) != (
                Link.STACK, Mark.STARTED)) + starts)
        document = loaded(seen, EXPECTED)
        self.assertEqual(
            [('started', 20.0), ('started', 22.0), ('finished', 30.0)],
            [(link['mark'], link['end']) for link in document['links']
             if link['link'] == 'stack'])
        for start in document['links'][3:5]:
            self.assertEqual(('came', None, None), (
                start['state'], start['took'], start['deadline']))

    def test_start_of_something_else(self):
        """Of another object, or of another stack, it is no start."""
        start = samples.evidence(Link.STACK, Mark.STARTED, 109.0)
        for stranger in (dataclasses.replace(start, object_id='other'),
                         samples.evidence(Link.STACK, Mark.STARTED, 109.0,
                                          stack_id='stack-2')):
            seen = samples.healthy()
            document = loaded(dataclasses.replace(
                seen, evidence=(stranger, *seen.evidence)), EXPECTED)
            self.assertEqual([20.0, 30.0], [
                link['end'] for link in document['links']
                if link['link'] == 'stack'])

    def test_start_without_an_end(self):
        document = loaded(samples.healthy(evidence=(
            samples.evidence(Link.STACK, Mark.STARTED, 110.0),)), EXPECTED)
        self.assertEqual(['came', 'missing'], [
            link['state'] for link in document['links']
            if link['link'] == 'stack'])

    def test_both_marks_of_a_forbidden_link(self):
        """In the order in which they came."""
        document = loaded(samples.deduced(
            samples.evidence(Link.WORKFLOW, Mark.FINISHED, 109.0),
            samples.evidence(Link.WORKFLOW, Mark.STARTED, 108.0)),
            samples.untouched())
        self.assertEqual(
            [('workflow', 'started', None), ('workflow', 'finished', None)],
            self.rows(document)[2:4])


class ServiceTest(testtools.TestCase):
    """What services and users say."""

    def test_clocks(self):
        """Their wall clock less ours; the origin drops out."""
        seen = samples.healthy(began=5000.0, clocks={
            'Heat': timelines.Offset(4910.2, 4910.7)})
        self.assertEqual({'Heat': {'low': 0.2, 'high': 0.7, 'width': 0.5}},
                         loaded(seen, EXPECTED)['clocks'])

    def test_details(self):
        """On our clock where theirs is known, in order."""
        def detail(text, service, low):
            return timelines.Detail(
                Link.STACK, 'Heat event', text, text,
                timelines.Stamp(service, low, low + 1))
        seen = samples.healthy(clocks={'Heat': timelines.Offset(1000, 1000)},
                               details=(detail('never', 'Nova', 0.0),
                                        detail('later', 'Heat', 1120.0),
                                        detail('first', 'Heat', 1110.0)))
        self.assertEqual(
            [('first', 20.0, 21.0), ('later', 30.0, 31.0),
             ('never', None, None)],
            [(detail['text'], detail['begin'], detail['end'])
             for detail in loaded(seen, EXPECTED)['details']])

    def test_stamps(self):
        """A stamp without a begin has none in JSON, either."""
        alarm = dataclasses.replace(
            samples.evidence(Link.ALARM, Mark.FINISHED, 105.0),
            stamps=(timelines.Stamp('Vitrage', -float('inf'), 7.5),))
        document = loaded(samples.healthy(evidence=(alarm,)), EXPECTED)
        self.assertEqual([{'service': 'Vitrage', 'low': None, 'high': 7.5}],
                         document['evidence'][0]['stamps'])

    def test_outage(self):
        application = loaded(*report_samples.healed())['application']
        self.assertEqual((580, 1),
                         (application['probes'], application['wrong']))
        self.assertEqual({'low': 29.0, 'high': 30.22},
                         application['outage']['seconds'])
        self.assertIsNone(loaded(
            *report_samples.broken())['application']['outage']['end'])

    def test_split_brain(self):
        document = loaded(*report_samples.every_kind()['SPLIT_BRAIN'])
        self.assertEqual({'new': 70.12, 'begin': 80.8, 'old': 80.82,
                          'boot': report_samples.OLD_BOOT},
                         document['application']['split_brain'])

    def test_diagnosis(self):
        """Records are taken by their attributes; links may be labels."""
        diagnosis = loaded(*report_samples.broken(),
                           diagnosis=report_samples.DIAGNOSIS)['diagnosis']
        self.assertEqual(('workflow', {
            'link': 'deduction', 'object_id': report_samples.DEDUCED}),
            (diagnosis['missing'], diagnosis['last_good']))
        self.assertEqual([True, False, None],
                         [fact['good'] for fact in diagnosis['facts']])
        self.assertEqual(
            [('stack', True), ('application', None)],
            [(works['link'], works['works']) for works in diagnosis['bisect']])
        self.assertIsNone(loaded(*report_samples.broken())['diagnosis'])

    def test_remarks_are_those_of_the_verdict(self):
        seen, expected = report_samples.every_kind()['EXECUTION_STORM']
        document = loaded(seen, expected)
        self.assertEqual(list(verdicts.remarks(seen, expected)),
                         document['remarks'])
        self.assertEqual(['workflow'], document['limited'])
        self.assertEqual(3, len(document['objects']['workflow']))

    def test_objects(self):
        """All that was seen of any link, and which of them is counted."""
        seen = samples.healthy(objects={Link.ALARM: ('a', 'b'),
                                        Link.STACK: ('s',)})
        document = loaded(seen, EXPECTED)
        self.assertEqual({'alarm': ['a', 'b'], 'stack': ['s']},
                         document['objects'])
        self.assertEqual(['workflow'], document['limited'])

    def test_chain(self):
        """What the links are called, from the fault to the application."""
        chain = loaded(samples.healthy(), EXPECTED)['chain']
        self.assertEqual(('vitrage', 'replaced'), (chain['name'],
                                                   chain['healed']))
        self.assertEqual(
            ['fault', 'alarm', 'deduction', 'workflow', 'stack',
             'application'], [link['name'] for link in chain['links']])
        self.assertEqual(['workflow', 'stack'], [
            link['name'] for link in chain['links'] if link['lasting']])
        self.assertEqual(
            {'name': 'alarm', 'arrow': 'monitor → Vitrage',
             'lasting': False, 'came': 'raised'}, chain['links'][1])

    def test_guest_of_before(self):
        """What healed means says whose answer it was."""
        for chain, before in (
                (vitrage.CHAIN, [True, True, False]),
                (dataclasses.replace(vitrage.CHAIN, healed=healing.MOVED),
                 [True, False, False])):
            document = loaded(samples.healthy(probes=(
                samples.probe(91.0, 'old'),
                samples.probe(92.0, 'old', boot='boot-2'),
                samples.probe(93.0, 'new'))), samples.expected(chain=chain))
            self.assertEqual(before, [
                probe.of_before
                for probe in answers.whole(document['probes'])])
            self.assertEqual(chain.healed.name, document['chain']['healed'])


class SchemaTest(testtools.TestCase):
    """schema/timeline-5.json."""

    def short(self):
        """Return a document with few of the many that are alike."""
        return report_samples.document('BROKEN')

    def test_it_is_one(self):
        jsonschema.Draft202012Validator.check_schema(schemas.schema())
        self.assertEqual('https://json-schema.org/draft/2020-12/schema',
                         schemas.schema()['$schema'])

    def test_every_kind(self):
        """The documents of all verdicts are valid, and no kind is left."""
        kinds = set()
        for name, run in report_samples.every_kind().items():
            document = loaded(*run, diagnosis=report_samples.DIAGNOSIS,
                              name=name)
            self.assertIsNone(loading.check(document, name))
            kinds.add(document['verdict']['kind'])
        self.assertEqual({kind.value for kind in verdicts.Kind}, kinds)

    def test_same_words(self):
        """What the code knows the schema knows, and no more."""
        defined = schemas.schema()['$defs']
        self.assertEqual([kind.value for kind in verdicts.Kind],
                         defined['verdict']['properties']['kind']['enum'])
        self.assertEqual({'type': 'string', 'minLength': 1},
                         {key: value for key, value
                          in defined['link'].items()
                          if key != 'description'})
        self.assertEqual(
            [healing.REPLACED.name, healing.MOVED.name],
            defined['chain']['properties']['healed']['enum'])
        self.assertEqual([mark.value for mark in Mark],
                         defined['mark']['enum'])
        for record, name in ((timelines.Transition, 'transition'),
                             (timelines.Failure, 'failure'),
                             (timelines.Watched, 'watched'),
                             (expectations.Expectation, 'expectation')):
            self.assertEqual(
                [field.name for field in dataclasses.fields(record)
                 if field.name not in ('link', 'chain')],
                [key for key in defined[name]['properties']
                 if key != 'link'], name)
        self.assertEqual(
            {field.name for field in dataclasses.fields(answers.Answer)}
            - {'nonce'}, set(defined['answer']['properties']) - {'count'})

    def test_strict(self):
        """Nothing else is allowed, and nothing may be left out."""
        whole = self.short()
        for path in _objects(whole):
            more, less = copy.deepcopy(whole), copy.deepcopy(whole)
            _at(more, path)['surplus'] = 1
            self.assertRaises(loading.BadDocument, loading.check, more, 'x')
            _at(less, path).popitem()
            self.assertRaises(loading.BadDocument, loading.check, less, 'x')

    @settings(deadline=None, max_examples=60)
    @given(strategies.data())
    def test_wrong_types(self, data):
        """A value of another kind is found, wherever it is."""
        whole = self.short()
        paths = [path for path in _leaves(whole) if 'payload' not in path]
        path = data.draw(strategies.sampled_from(paths))
        _at(whole, path[:-1])[path[-1]] = {'no': 'such'}
        error = self.assertRaises(loading.BadDocument, loading.check, whole,
                                  'a.json')
        self.assertEqual(1, len(str(error).splitlines()))
        self.assertIn('a.json: %s' % (
            'is no document' if path == ('format',) else '$'), str(error))


def _at(values, path):
    for key in path:
        values = values[key]
    return values


def _walk(values, path=()):
    yield path, values
    items = values.items() if isinstance(values, dict) else (
        enumerate(values[:2]) if isinstance(values, list) else ())
    for key, value in items:
        yield from _walk(value, (*path, key))


def _objects(values):
    """Return the paths of all objects with fixed keys."""
    return [path for path, value in _walk(values)
            if isinstance(value, dict) and value
            and not {'payload', 'timeouts'} & set(path)
            and path not in (('watched',), ('clocks',), ('objects',),
                             ('expectation', 'ids'))]


def _leaves(values):
    return [path for path, value in _walk(values)
            if not isinstance(value, (dict, list))]


class ReadingTest(testtools.TestCase):
    """loading.read_all(): files and directories."""

    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path

    def write(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, 'wb') as stream:
            stream.write(content if isinstance(content, bytes)
                         else json.dumps(content).encode())
        return path

    def problem(self, content, name='bad.json'):
        """Return what is said of a file, without its path."""
        path = self.write(name, content)
        error = self.assertRaises(loading.BadDocument, loading.read_all,
                                  [path])
        self.assertTrue(str(error).startswith(path + ': '), str(error))
        self.assertEqual(1, len(str(error).splitlines()))
        return str(error)[len(path) + 2:]

    def test_in_order(self):
        late = self.write('a.json', report_samples.document('HEALED'))
        early = self.write('b.json', report_samples.document(
            'BROKEN', began='2026-11-23T23:08:58.122Z'))
        self.assertEqual(['BROKEN', 'HEALED'], [
            document['verdict']['kind'] for document in loading.read_all(
                [late, early])[0]])

    def test_twice_is_once(self):
        """A file and its directory, or a copy, is one run."""
        path = self.write('a.json', report_samples.document('HEALED'))
        self.write('copy.json', report_samples.document('HEALED'))
        self.assertEqual(1, len(
            loading.read_all([path, self.directory])[0]))

    def test_same_scenario_again_is_another_run(self):
        for second in (1, 2):
            self.write('%d.json' % second, report_samples.document(
                'HEALED', began='2026-11-23T23:08:5%d.122Z' % second))
        self.assertEqual(2, len(loading.read_all([self.directory])[0]))

    def test_older_format(self):
        self.assertEqual('format 2 cannot be read, only 3, 4 and 5: run '
                         'the scenario again', self.problem({'format': 2}))

    def test_no_document(self):
        for content in ({'a': 1}, [1], {'format': '5'}, {'format': True}):
            self.assertEqual('is no document of a run',
                             self.problem(content))

    def test_no_json(self):
        self.assertIn('is no JSON: Expecting value: line 1 column 1',
                      self.problem(b''))
        self.assertIn('is no JSON: ', self.problem(b'\xff\xfe'))
        self.assertIn('is no JSON: NaN is no number', self.problem(b'[NaN]'))
        self.assertIn('is no JSON', self.problem(b'[' * 200000))

    def test_where_it_is_wrong(self):
        run = report_samples.document('HEALED')
        run['links'][2]['took']['low'] = 'long\n' * 1000
        problem = self.problem(run)
        self.assertTrue(problem.startswith('$.links[2].took'), problem)
        self.assertLess(len(problem), 300)

    def test_much_that_is_wrong(self):
        """Nobody redacts megabytes to show a line of them."""
        text = self.useFixture(fixtures.MockPatch(
            'self_healing_tempest_plugin.redaction.runtime.text',
            wraps=runtime.text)).mock
        run = report_samples.document('HEALED')
        run['links'][2]['took']['low'] = 'long\n' * 1000000
        self.problem(run)
        self.assertLess(len(text.call_args_list[0].args[0]), 100000)

    def test_no_time(self):
        run = report_samples.document('HEALED')
        run['transitions'][0]['begin'] = 1e300
        self.assertIn('$.transitions[0].begin', self.problem(run))

    def test_directory(self):
        self.write('good.json', report_samples.document('HEALED'))
        self.write('report.json', {'report': 1})
        self.write('foreign.json', {'hosts': []})
        self.write('note.txt', b'nothing')
        runs, problems = loading.read_all([self.directory])
        self.assertEqual((1, []), (len(runs), problems))
        bad = [self.write('bad.json', {'format': 1}),
               self.write('empty.json', b''),
               self.write('half.json', b'{"format": 5, '),
               os.path.join(self.directory, 'lost.json')]
        os.symlink('/no/such', bad[-1])
        runs, problems = loading.read_all([self.directory])
        self.assertEqual((1, bad), (
            len(runs), [problem.path for problem in problems]))
        for path in bad:
            self.assertRaises(loading.BadDocument, loading.read_all,
                              [self.directory, path])

    def test_nothing_there(self):
        for path, problem in ((self.directory, 'holds no JSON of a run'),
                              ('/no/such.json', 'No such file')):
            error = self.assertRaises(loading.BadDocument, loading.read_all,
                                      [path])
            self.assertIn('%s: %s' % (path, problem), str(error))
