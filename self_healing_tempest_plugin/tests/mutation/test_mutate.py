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

"""Mutants: that they are what they are called, and what comes of them."""

import ast
import json
import pathlib
import subprocess
import sys
import textwrap

from cosmic_ray import mutating
import fixtures
import testtools
from testtools import matchers

from tools.measure import mutate
from tools.measure import mutation_operators

#: Something for each kind.
CODE = textwrap.dedent("""\
    LIMITS = (3, 4, True)


    class Look:
        def judge(self, seen, more):
            try:
                if seen is None and not more:
                    self.note(seen)
                    return min(one - 1 for one in seen if one or more)
            except ValueError:
                return seen
            return len(seen) + 2 in LIMITS
    """)


def mutant(**values):
    """Return a mutant of which only some values matter."""
    return mutate.Mutant(**{
        'module': 'model/verdicts.py', 'kind': 'call dropped',
        'operator': 'DropCall', 'occurrence': 0, 'function': 'f', 'line': 3,
        'before': 'f()', 'after': 'pass', 'code': '', **values})


class OperatorTest(testtools.TestCase):
    """What the operators do."""

    def test_examples(self):
        """Each has an example at least, and does what that says."""
        for kind in mutation_operators.KINDS:
            for operator in mutation_operators.made(kind):
                examples = list(operator.examples())
                self.assertTrue(examples, operator)
                for example in examples:
                    self.assertEqual(
                        example.post_mutation_code, mutating.mutate_code(
                            example.pre_mutation_code, operator,
                            example.occurrence), (operator, example))

    def test_no_more_than_there_is(self):
        """There is no mutant behind the last example of an operator."""
        for operator in mutation_operators.OPERATORS:
            self.assertIsNone(mutating.mutate_code('x = 1\n', operator(), 0),
                              operator)

    def test_left_alone(self):
        """Names that are given a value are no elements."""
        for code in ('a, b = f()\n', 'for a, b in c:\n    d\n',
                     '[a for b, c in d]\n', 'del a, b\n', 'f(a, b)\n',
                     'def f(a, b):\n    c\n', "'%s%s' % (a, b)\n"):
            self.assertIsNone(mutating.mutate_code(
                code, mutation_operators.DropElement(), 0), code)

    def test_docstring_is_no_call(self):
        self.assertIsNone(mutating.mutate_code(
            'def f():\n    """Do."""\n', mutation_operators.DropCall(), 0))


class MutantsTest(testtools.TestCase):
    """Which mutants are made of a module."""

    def mutants(self, number=1000, seed=1):
        return mutate.mutants('model/verdicts.py', CODE, number, seed)

    def test_every_kind(self):
        """All kinds of mutants come, rare ones before the second of others."""
        self.assertEqual(set(mutation_operators.KINDS),
                         {mutated.kind for mutated in self.mutants()})
        few = self.mutants(len(mutation_operators.KINDS))
        self.assertEqual(set(mutation_operators.KINDS),
                         {mutated.kind for mutated in few})

    def test_always_the_same(self):
        self.assertEqual(self.mutants(9), self.mutants(9))
        self.assertNotEqual(self.mutants(9), self.mutants(9, seed=2))

    def test_number(self):
        self.assertEqual(5, len(self.mutants(5)))

    def test_other_code(self):
        """Each mutant is Python, unlike the original and the others."""
        trees = [ast.dump(ast.parse(mutated.code))
                 for mutated in self.mutants()]
        self.assertEqual(len(trees), len(set(trees)))
        self.assertNotIn(ast.dump(ast.parse(CODE)), trees)

    def test_described(self):
        """The place and the lines are told."""
        by_kind = {mutated.kind: mutated for mutated in self.mutants()}
        dropped = by_kind['call dropped']
        self.assertEqual(
            ('Look.judge', 8, 'self.note(seen)', 'pass'),
            (dropped.function, dropped.line, dropped.before, dropped.after))
        self.assertEqual('', by_kind['element dropped'].function)

    def test_no_python(self):
        """Code that cannot be compiled is no mutant."""
        self.assertFalse(mutate._differs('x = 1', 'x = = 1'))
        self.assertFalse(mutate._differs('x = 1', 'x  =  1'))
        self.assertTrue(mutate._differs('x = 1', 'x = 2'))

    def test_real_modules(self):
        """The modules with code yield as many as are asked for by default.

        A link is mostly words: it yields what there is.
        """
        number = mutate.parse([]).number
        made = {}
        for module in mutate.MODULES:
            code = (mutate.SOURCE / mutate.PACKAGE / module).read_text()
            made[module] = len(mutate.mutants(module, code, number, seed=3))
        self.assertGreaterEqual(min(made.values()), 1, made)
        for module in ('verdicts', 'expectations', 'stopping', 'chains'):
            self.assertEqual(number, made['model/%s.py' % module], module)
        self.assertGreaterEqual(sum(made.values()), 60, made)

    def test_tests_exist(self):
        tests = mutate.SOURCE / mutate.PACKAGE / 'tests' / 'unit'
        for names in mutate.MODULES.values():
            for name in names:
                self.assertThat(str(tests / ('test_%s.py' % name)),
                                matchers.FileExists())


class OutcomeTest(testtools.TestCase):
    """What comes of a mutant."""

    def test_killer(self):
        for expected, output in (
                ('test_a.B.test_c', '=====\nFAIL: self_healing_tempest_plugin.'
                 'tests.unit.test_a.B.test_c\n-----\nTraceback'),
                ('test_a.B.test_c', 'ERROR: self_healing_tempest_plugin.'
                 'tests.unit.test_a.B.test_c\nFAIL: later'),
                ('timeout', 'timeout'),
                ('no test could be loaded', 'Traceback: SyntaxError')):
            self.assertEqual(expected, mutate.killer(output))

    def test_judged(self):
        mutated = mutant()
        argued = {('model/verdicts.py', 'f', 'f()', 'pass'): 'no matter'}
        for expected, survived, arguments in (
                (('killed', 'test_a.B'), False, argued),
                (('survived', ''), True, {}),
                (('equivalent', 'no matter'), True, argued)):
            result = mutate.judged(mutated, survived, 'FAIL: test_a.B\n',
                                   arguments, 1.0)
            self.assertEqual(expected, (result.outcome, result.why))

    def test_argument_is_of_one_place(self):
        """The same line in another function is another mutant."""
        argued = {('model/verdicts.py', 'f', 'f()', 'pass'): 'no matter'}
        for elsewhere in (mutant(function='g'), mutant(after='f(1)'),
                          mutant(before='g()'),
                          mutant(module='faults/lifecycle.py')):
            self.assertEqual('survived', mutate.judged(
                elsewhere, True, '', argued, 1.0).outcome)

    def test_equivalents(self):
        entry = {'module': 'm', 'function': 'f', 'before': 'b', 'after': 'a',
                 'why': ' w\n'}
        self.assertEqual({('m', 'f', 'b', 'a'): 'w'},
                         mutate.equivalents(json.dumps([entry])))
        self.assertEqual({}, mutate.equivalents(''))
        for broken in ({**entry, 'line': 1}, {'module': 'm'}):
            self.assertRaises(SystemExit, mutate.equivalents,
                              json.dumps([broken]))

    def test_equivalents_are_of_our_modules(self):
        for module, *_ in mutate.equivalents(mutate.EQUIVALENTS.read_text()):
            self.assertIn(module, mutate.MODULES)

    def test_files(self):
        """A row for each, with code as such, and all of it as JSON."""
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        options = mutate.parse(['--csv', str(directory / 'a.csv'),
                                '--json', str(directory / 'a.json')])
        mutate.write([mutate.Result(mutant(after=''), 'killed', 'test_a', 2),
                      mutate.Result(mutant(function=''), 'survived', '', 3)],
                     options)
        self.assertEqual(
            'Module,Function,Mutation,Before,After,Outcome,"Noticed by, or '
            'why nothing can"\n'
            'model/verdicts.py,f,call dropped,``f()``,(nothing),killed,'
            'test_a\n'
            'model/verdicts.py,(module),call dropped,``f()``,``pass``,'
            'survived,\n', (directory / 'a.csv').read_text())
        self.assertThat(str(directory / 'a.json'), matchers.FileContains(
            matcher=matchers.MatchesAll(
                matchers.Contains('"seed": 12'),
                matchers.Contains('"outcome": "survived"'))))

    def test_other_modules_stay(self):
        """A table may be made of several runs, in the order of modules."""
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        options = mutate.parse(['--csv', str(directory / 'a.csv')])
        for module, test in (('faults/lifecycle.py', 'test_a'),
                             ('model/verdicts.py', 'test_b'),
                             ('faults/lifecycle.py', 'test_c')):
            mutate.write([mutate.Result(mutant(module=module), 'killed', test,
                                        1)], options)
        lines = (directory / 'a.csv').read_text().splitlines()
        self.assertEqual(
            [('model/verdicts.py', 'test_b'),
             ('faults/lifecycle.py', 'test_c')],
            [(line.split(',')[0], line.split(',')[-1])
             for line in lines[1:]])

    def test_summary(self):
        text = str(mutate.summary([
            mutate.Result(mutant(), outcome, '', 1)
            for outcome in ('killed', 'killed', 'equivalent', 'survived')]))
        self.assertThat(text, matchers.MatchesRegex(
            r'(?s).*all +\| +4 \| +2 \| +1 \| +1 \|'))

    def test_unknown_module(self):
        self.assertRaises(SystemExit, mutate.parse, ['model/verdict.py'])


class RunTest(testtools.TestCase):
    """Real mutants of a small package in a git repository, real tests."""

    def setUp(self):
        super().setUp()
        self.tree = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for name, text in {
                'plugin_of_test/__init__.py': '',
                'plugin_of_test/tests/__init__.py': '',
                'plugin_of_test/tests/unit/__init__.py': '',
                'plugin_of_test/sums.py': textwrap.dedent("""\
                    def more(number):
                        while number > 3:
                            number -= 1
                        return number + 2
                    """),
                'plugin_of_test/tests/unit/test_sums.py': textwrap.dedent("""\
                    import unittest
                    from plugin_of_test import sums

                    class SumsTest(unittest.TestCase):
                        def test_more(self):
                            self.assertEqual(5, sums.more(7))
                    """)}.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        subprocess.run(['git', 'init', '--quiet', str(self.tree)],
                       check=True)
        for name, value in (('PACKAGE', 'plugin_of_test'),
                            ('MODULES', {'sums.py': ('sums',)}),
                            ('SOURCE', self.tree)):
            self.useFixture(fixtures.MockPatchObject(mutate, name, value))

    def outcomes(self, *changes, timeout=60):
        """Return what comes of some replacements in the module."""
        code = (self.tree / 'plugin_of_test/sums.py').read_text()
        mutants = [mutate.described('sums.py', code, code.replace(*change),
                                    'kind', None, 0) for change in changes]
        options = mutate.parse(['--timeout', str(timeout),
                                '--python', sys.executable])
        return {result.mutant.after: (result.outcome, result.why)
                for result in mutate.try_all(mutants, options, {})}

    def test_killed_and_survived(self):
        """A mutant that the tests reach, one that hangs, one they miss."""
        before = (self.tree / 'plugin_of_test/sums.py').read_text()
        self.assertEqual({
            'return number - 2': ('killed', 'test_sums.SumsTest.test_more'),
            'number += 1': ('killed', 'timeout'),
            'while number >= 4:': ('survived', ''),
        }, self.outcomes(('+ 2', '- 2'), ('-= 1', '+= 1'),
                         ('> 3', '>= 4'), timeout=20))
        # The tree itself is never touched.
        self.assertEqual(
            before, (self.tree / 'plugin_of_test/sums.py').read_text())

    def test_no_compiled_code(self):
        """Compiled code would be taken for a mutant's of the same second."""
        self.useFixture(fixtures.EnvironmentVariable(
            'PYTHONDONTWRITEBYTECODE'))
        runner = mutate.Runner(sys.executable, timeout=60)
        self.assertEqual(str(self.tree / 'plugin_of_test/sums.py'),
                         runner.imported(self.tree, 'sums.py'))
        self.assertTrue(runner.run(self.tree, ('sums',))[0])
        self.assertEqual([], list(self.tree.rglob('*.pyc')))

    def test_tests_that_fail_anyway(self):
        """Nothing can be said where the tests fail without a mutant."""
        (self.tree / 'plugin_of_test/sums.py').write_text(
            'def more(number):\n    return 0\n')
        error = self.assertRaises(SystemExit, self.outcomes,
                                  ('return 0', 'return 1'))
        self.assertIn('test_sums fails without a mutant: '
                      'test_sums.SumsTest.test_more', str(error))
