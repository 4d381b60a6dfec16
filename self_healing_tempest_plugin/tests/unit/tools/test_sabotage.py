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

"""The catalog of sabotage, how a case is judged, and what is told of it."""

import ast
import collections
import contextlib
import copy
import csv
import dataclasses
import inspect
import io
import json
import pathlib
import types

import fixtures
import jinja2
import testtools

from self_healing_tempest_plugin.chains import tenant
from self_healing_tempest_plugin.chains import vitrage
from self_healing_tempest_plugin import config
from self_healing_tempest_plugin import scenarios
import tools
from tools.lab import errors
from tools.sabotage import acts
from tools.sabotage import arguments as command_line
from tools.sabotage import breakages
from tools.sabotage import case as cases
from tools.sabotage import catalog
from tools.sabotage import judging
from tools.sabotage import results
from tools.sabotage import working

KINDS = {'HEALED', 'BROKEN', 'NOT_HEALED_BY_THIS_CHAIN', 'SPLIT_BRAIN',
         'EXECUTION_STORM', 'INVALID'}
LINKS = {link.name for chain in (tenant.CHAIN, vitrage.CHAIN)
         for link in chain.links}
FILES = tools.SOURCE / 'roles' / 'lab_controller' / 'templates' / 'etc'


def rendered(path):
    """Return a file of the controller as the playbooks write it, nearly."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(
        [FILES, tools.SOURCE / 'playbooks' / 'lab' / 'templates']))
    return environment.get_template('%s.j2' % path).render(
        lab_controller_address='10.77.0.2', lab_data_nic='eth1',
        lab_controller_ports=collections.defaultdict(lambda: 8999),
        lab_secrets=collections.defaultdict(lambda: 'secret'),
        lab_cloud={'auth_url': 'http://10.77.0.2:5000/v3'})


class FakeMonitor:
    """Has no alerts, and reads its files when it is told."""

    def __init__(self):
        self.read = 1

    def alerts(self):
        return {'prometheus': [], 'alertmanager': []}

    def programs(self, kind):
        return [kind]

    def reloaded(self, program):
        return self.read


class FakeLab:
    """A directory that is like a lab's, with the files that are edited."""

    PATHS = sorted({
        breakage.path for case in catalog.CASES for breakage in case.before
        if isinstance(breakage, (breakages.EditedFile,
                                 breakages.EditedSettings))})

    def __init__(self, directory):
        self.etc, self.state = directory / 'etc', directory / 'state'
        self.monitor = FakeMonitor()
        for path in FakeLab.PATHS:
            (self.etc / path).parent.mkdir(parents=True, exist_ok=True)
            (self.etc / path).write_text(rendered(path))

    def control(self, action, program):
        self.monitor.read += action in ('signal HUP', 'restart')


class CatalogTest(testtools.TestCase):
    """Each case by itself, by what it says of itself."""

    def test_names(self):
        names = [case.name for case in catalog.CASES]
        self.assertEqual(len(names), len(set(names)))
        self.assertIs(catalog.CASES[3], catalog.find(names[3]))

    def test_expectations(self):
        """Every case has a verdict, and names a link where that does."""
        for case in catalog.CASES:
            self.assertIn(case.kind, KINDS, case.name)
            self.assertIn(case.link, (None, 'fault', *LINKS), case.name)
            self.assertTrue(case.broken, case.name)
            if case.kind == 'BROKEN':
                self.assertIsNotNone(case.link, case.name)
            if case.kind == 'HEALED':
                self.assertIsNone(case.link, case.name)
                self.assertTrue(case.broken.startswith('nothing:'),
                                case.name)

    def test_every_link_is_broken(self):
        self.assertEqual(LINKS, {
            case.link for case in catalog.CASES if case.kind == 'BROKEN'})
        self.assertEqual(KINDS, {case.kind for case in catalog.CASES})

    def test_something_is_done(self):
        for case in catalog.CASES:
            self.assertTrue(case.before or case.act or case.options
                            or not case.healing, case.name)

    def test_bisect(self):
        """Of the links after the one that is broken, all of them."""
        for case in catalog.CASES:
            if case.works:
                scenario, = scenarios.of((case.feature,))
                labels = [link.name for link in scenario.chain.links]
                self.assertEqual(labels[labels.index(case.link) + 1:],
                                 list(case.works), case.name)
            self.assertEqual({**case.options,
                              'bisect': 'true' if case.works else 'false'},
                             case.settings)

    def test_deadlines(self):
        self.assertEqual(LINKS, set(cases.DEADLINES))
        for case in catalog.CASES:
            self.assertLessEqual(set(case.deadlines), LINKS, case.name)

    def test_acts(self):
        """Each act is there, and none that no case asks for."""
        code = ast.parse(inspect.getsource(acts))
        self.assertEqual(
            {case.act for case in catalog.CASES if case.act},
            {node.name for node in code.body
             if isinstance(node, ast.FunctionDef)
             and not node.name.startswith('_')})

    def test_options(self):
        """The options of a case are options of the plugin."""
        known = {option.name for _, options in config.list_opts()
                 for option in options}
        for case in catalog.CASES:
            self.assertLessEqual(set(case.settings), known, case.name)

    def test_no_case_left(self):
        """What nobody asked for is not taken for a run without a case."""
        for arguments, why in (
                (['bmc-away', '--quick'], 'none is one of --quick'),
                (['-r', 'nothing'], 'none is found by --regex nothing'),
                (['-r', '('], "'(' is no regular expression: missing )")):
            with contextlib.redirect_stderr(io.StringIO()) as said:
                self.assertRaises(SystemExit, command_line.parse, arguments,
                                  'sabotage')
            self.assertIn(why, said.getvalue())

    def test_quick(self):
        """A few cases, and one that is no matter of the chain."""
        quick = [case.link for case in catalog.CASES if case.quick]
        self.assertIn('fault', quick)
        self.assertLess(len(quick), 6)

    def test_expected(self):
        self.assertEqual('BROKEN at workflow',
                         catalog.find('notifier-stopped').expected)
        self.assertEqual('HEALED', catalog.find('two-updates').expected)


class EditsTest(testtools.TestCase):
    """What is edited is in the files that the playbooks write."""

    def setUp(self):
        super().setUp()
        self.lab = FakeLab(pathlib.Path(
            self.useFixture(fixtures.TempDir()).path))
        self.notes = breakages.Notes(self.lab)

    def texts(self):
        return [(self.lab.etc / path).read_text()
                for path in FakeLab.PATHS]

    def test_every_edit(self):
        """Each edit finds its text, is read, and is undone."""
        edits = [breakage for case in catalog.CASES for breakage in case.before
                 if isinstance(breakage, (breakages.EditedFile,
                                          breakages.EditedSettings))]
        self.assertEqual(10, len(edits))
        self.useFixture(fixtures.MockPatchObject(
            working, 'wait', lambda lab, program: None))
        before = self.texts()
        for edit in edits:
            read = self.lab.monitor.read
            with self.notes.broken(edit):
                self.assertNotEqual(before, self.texts())
                self.assertEqual(read + 1, self.lab.monitor.read)
            self.assertEqual(before, self.texts())
            self.assertEqual(read + 2, self.lab.monitor.read)

    def test_edit_that_finds_nothing(self):
        """Such an edit is an error, and nothing is left of it."""
        edit = breakages.EditedFile(catalog.RULES, 'prometheus',
                                    (('no such line', ''),))
        self.assertRaises(errors.LabError,
                          self.notes.broken(edit).__enter__)
        self.assertEqual([], self.notes.left())


@dataclasses.dataclass(frozen=True)
class Broken:
    """A breakage that writes down what is done."""

    name: str
    words: tuple = ()

    def do(self, lab):
        lab.done.append((self.name, 'do', len(lab.notes.left())))

    def undo(self, lab):
        lab.done.append((self.name, 'undo', len(lab.notes.left())))
        if self.name == 'stuck':
            raise errors.LabError('it is stuck')


class NotesTest(testtools.TestCase):
    """The way back is on the disk before anything is done."""

    def setUp(self):
        super().setUp()
        self.lab = types.SimpleNamespace(done=[], state=pathlib.Path(
            self.useFixture(fixtures.TempDir()).path, 'state'))
        self.lab.notes = self.notes()
        self.useFixture(fixtures.MockPatchObject(
            breakages, 'KINDS', {'Broken': Broken}))

    def notes(self):
        return breakages.Notes(self.lab)

    def test_order(self):
        with self.notes().broken(Broken('a')):
            with self.notes().broken(Broken('b', (1, 2))):
                self.assertEqual(2, len(self.notes().left()))
        self.assertEqual([('a', 'do', 1), ('b', 'do', 2), ('b', 'undo', 2),
                          ('a', 'undo', 1)], self.lab.done)
        self.assertEqual([], self.notes().left())

    def test_of_a_killed_run(self):
        """Another process undoes it, the newest first, past errors."""
        (self.lab.state / 'sabotage.json').write_text(json.dumps([
            ['Broken', {'name': name, 'words': [1]}]
            for name in ('a', 'stuck', 'c')]))
        self.assertEqual(['it is stuck'], self.notes().undo_all())
        self.assertEqual(['c', 'stuck', 'a'],
                         [name for name, *_ in self.lab.done])
        self.assertEqual(1, len(self.notes().left()))


class KindsTest(testtools.TestCase):
    """Breakages as data."""

    def test_all(self):
        """All that can be done and undone can be noted."""
        self.assertEqual(breakages.KINDS, {
            name: kind for name, kind in vars(breakages).items()
            if dataclasses.is_dataclass(kind)})

    def test_plain(self):
        """The record of a breakage makes the same breakage again."""
        for breakage in (breakage for case in catalog.CASES
                         for breakage in case.before):
            fields = json.loads(json.dumps(dataclasses.asdict(breakage)))
            again = breakages.KINDS[type(breakage).__name__](**fields)
            self.assertEqual(fields, json.loads(json.dumps(
                dataclasses.asdict(again))))


HEALED = {'verdict': {'kind': 'HEALED', 'link': None, 'why': 'all came',
                      'look_at': ''}, 'diagnosis': None}
REPORT = {'verdict': {'kind': 'BROKEN', 'link': 'stack', 'why': 'no update',
                      'look_at': 'heat-engine.log'}, 'diagnosis': None}
TRACEBACK = 'Traceback (most recent call last):\n  File "x", line 1\n%s\n'


class JudgeTest(testtools.TestCase):
    """What is wrong with how a case went."""

    def judge(self, code=1, output='FAILED', report=REPORT, **case):
        sabotaged = cases.Case(**{'name': 'a', 'broken': 'b', 'link': 'stack',
                                  **case})
        return list(judging.judge(sabotaged, code, report, output))

    def test_as_expected(self):
        self.assertEqual([], self.judge())

    def test_another_link(self):
        self.assertEqual(
            ['it should be BROKEN at workflow; BROKEN: no update; '
             'look at: heat-engine.log'], self.judge(link='workflow'))

    def test_another_kind(self):
        self.assertEqual(1, len(self.judge(kind='SPLIT_BRAIN')))

    def test_another_reason(self):
        self.assertEqual([], self.judge(says='no up'))
        self.assertEqual(
            ['it should say evacuate; BROKEN: no update; '
             'look at: heat-engine.log'], self.judge(says='evacuate'))

    def test_another_place(self):
        """Where the diagnosis says to look is what an operator goes to."""
        report = copy.deepcopy(REPORT)
        report['diagnosis'] = {'look_at': 'aodh-listener: nobody reads x'}
        self.assertEqual([], self.judge(report=report,
                                        points='^aodh-listener'))
        self.assertEqual(
            ['it should point at ^aodh-notifier; aodh-listener: nobody '
             'reads x'], self.judge(report=report, points='^aodh-notifier'))
        # The link's own place is not what is asked for.
        self.assertEqual(['it should point at heat-engine; '],
                         self.judge(points='heat-engine'))

    def test_exit_code(self):
        """The exit code has to be that of the verdict."""
        self.assertEqual(['the scenario says BROKEN and its exit code is 0'],
                         self.judge(code=0))
        healed = {'report': HEALED, 'kind': 'HEALED', 'link': None}
        self.assertEqual([], self.judge(code=0, **healed))
        self.assertEqual(['the scenario says HEALED and its exit code is 1'],
                         self.judge(code=1, **healed))

    def test_not_over(self):
        """Then there is no exit code that could be wrong."""
        self.assertEqual(['not over after 420 s'], self.judge(code=None))
        self.assertEqual(['not over after 420 s'], self.judge(
            code=None, report=HEALED, kind='HEALED', link=None))

    def test_nowhere_to_look(self):
        self.assertEqual(['it should be BROKEN at stack; HEALED: all came; '
                          'look at: nothing'],
                         self.judge(code=0, report=HEALED))

    def test_no_report(self):
        """Nothing else is asked of a run without a report."""
        self.assertEqual(['no report: x'], self.judge(report={}, output='x'))

    def test_broke(self):
        """A verdict that fails has no traceback."""
        output = TRACEBACK % 'KeyError: 1'
        self.assertEqual(['the scenario broke: %s' % output],
                         self.judge(output=output))

    def test_interrupted(self):
        """That traceback, and no other, where it was to be interrupted."""
        output = TRACEBACK % 'KeyboardInterrupt'
        self.assertEqual(1, len(self.judge(output=output)))
        self.assertEqual([], self.judge(output=output, interrupted=True))
        self.assertEqual(1, len(self.judge(
            output=output + TRACEBACK % 'KeyError: 1', interrupted=True)))

    def test_bisect(self):
        report = copy.deepcopy(REPORT)
        report['diagnosis'] = {'bisect': [
            {'link': 'application', 'works': True}]}
        self.assertEqual([], self.judge(
            report=report, works={'application': True}))
        self.assertEqual(
            ["the bisect says {'application': True}, not {}"],
            self.judge(report=report))
        self.assertEqual(
            ["the bisect says {}, not {'application': True}"],
            self.judge(works={'application': True}))


class ResultsTest(testtools.TestCase):
    """What is told of results."""

    def result(self, name, number, problems=(), verdict=REPORT['verdict']):
        return results.Result(catalog.find(name), number, verdict, None,
                              61.27, tuple(problems))

    def cells(self, text):
        """Return the cells of a table for people, row by row."""
        return [list(map(str.strip, line.strip('|').split('|')))
                for line in text.splitlines() if line.startswith('|')]

    def test_said(self):
        self.assertEqual('BROKEN at stack', self.result('drip', 1).said)
        self.assertEqual('none', self.result('drip', 1, verdict=None).said)

    def test_shown(self):
        self.assertIn('as expected', results.shown(self.result('drip', 1)))
        shown = results.shown(self.result('drip', 1, ['a', 'b']))
        self.assertIn('WRONG\n    a\n    b', shown)

    def test_document(self):
        document = self.result('no-room', 2, ['a']).document()
        self.assertEqual(
            (2, 61.3, False, ['a'], {'kind': 'BROKEN', 'link': 'stack'}),
            tuple(document[key] for key in (
                'round', 'seconds', 'ok', 'problems', 'expected')))

    def test_table(self):
        """Each result has its row, and says whether it was wrong."""
        text = results.table([self.result('drip', 1),
                              self.result('no-room', 1, ['a'])])
        self.assertEqual(
            [list(results.COLUMNS),
             ['drip', 'BROKEN at application', 'BROKEN at stack', '61',
              'yes'],
             ['no-room', 'BROKEN at stack', 'BROKEN at stack', '61', 'no']],
            self.cells(text))

    def test_listing(self):
        text = results.listing([catalog.find('injector-lies'),
                                catalog.find('no-room')])
        self.assertEqual(
            [['case', 'broken', 'expected', 'quick'],
             ['injector-lies', 'the power is not taken, though the command '
              'says so', 'INVALID at fault', 'yes'],
             ['no-room', 'no other host takes the new server',
              'BROKEN at stack', '']],
            self.cells(text))

    def test_json(self):
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, 'json')
        done = [self.result('drip', 1, ['→'])]
        results.write_json(path, done)
        self.assertEqual(
            {'format': 1, 'results': [result.document() for result in done]},
            json.loads(path.read_text()))
        self.assertIn('→', path.read_text())

    def test_csv(self):
        """A row for each case in their order, a column for each round."""
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, 'csv')
        results.write_csv(path, [
            self.result('drip', 2),
            self.result('no-room', 1), self.result('no-room', 2)])
        with path.open(newline='') as stream:
            header, *rows = csv.reader(stream)
        self.assertEqual(['Case', 'Broken', 'Expected', 'Round 1',
                          'Round 2'], header)
        said = 'BROKEN at stack, 61 s'
        self.assertEqual(
            [['no-room', said, said], ['drip', '', said]],
            [[row[0], *row[3:]] for row in rows])


class OneLabTest(testtools.TestCase):
    """What is not the sabotage's own."""

    def test_one_class(self):
        paths = [str(path.relative_to(tools.SOURCE)) for path
                 in (tools.SOURCE / 'tools').rglob('*.py')
                 if 'class Lab:' in path.read_text()]
        self.assertEqual(['tools/lab/labs.py'], paths)
