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

"""Whether the unit tests notice when the code that judges is wrong.

Changes one thing at a time in a copy of the tree, and runs the unit tests
that are about it. A mutant that no test notices has survived: that is a test
that is missing, or a change that makes no difference, and then
mutation_equivalents.yaml has to say why.
"""

import argparse
import ast
import concurrent.futures
import csv
import dataclasses
import difflib
import json
import os
import pathlib
import platform
import queue
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

from cosmic_ray import ast as trees
from cosmic_ray import mutating
from cosmic_ray import testing
from cosmic_ray import work_item
import prettytable
import yaml

import tools
from tools.measure import mutation_operators
from tools import tables

SOURCE = tools.SOURCE
PACKAGE = 'self_healing_tempest_plugin'

# The tests that judge whole timelines.
_JUDGING = ('verdict', 'hostile_verdict', 'chains', 'healing', 'stopping')

#: The modules that are mutated, and the unit tests that are about each, the
#: quick ones first.
MODULES = {
    'model/verdicts.py': (*_JUDGING, 'toy_chain', 'timeline', 'diagnosis'),
    'model/expectations.py': (*_JUDGING, 'toy_chain', 'timeline', 'watchers',
                              'diagnosis'),
    'model/stopping.py': (*_JUDGING, 'timeline', 'report_document',
                          'report_live'),
    'model/chains.py': (*_JUDGING, 'toy_chain', 'report_document'),
    'model/healing.py': (*_JUDGING, 'timeline'),
    'model/links.py': (*_JUDGING, 'toy_chain', 'config_timing'),
    'model/timelines.py': (*_JUDGING, 'outage', 'clocks', 'timeline',
                           'diagnosis_details', 'watchers', 'probing'),
    'model/outages.py': ('outage', 'report_document'),
    'model/stamps.py': ('clocks', 'timeline', 'watchers',
                        'diagnosis_details'),
    **dict.fromkeys((
        'links/monitor_alarm/link.py', 'links/vitrage_deduction/link.py',
        'links/mistral_workflow/link.py', 'links/heat_stack/link.py',
        'links/application/link.py'), (
            *_JUDGING, 'timeline', 'config_timing', 'watchers', 'diagnosis',
            'diagnosis_bisect')),
    **dict.fromkeys((
        'links/event_alarm/link.py', 'links/message/link.py',
        'links/tenant_workflow/link.py'), (
            *_JUDGING, 'config_timing', 'tenant_watchers', 'tenant_diagnosis',
            'tenant_bisect')),
    'watching/recorders.py': ('timeline', 'clocks', 'watchers'),
    'faults/journals.py': ('private_files', 'journal', 'removal', 'revert'),
    'faults/lifecycle.py': ('lifecycle', 'processes', 'revert'),
}

#: Where it is argued that a survivor makes no difference.
EQUIVALENTS = pathlib.Path(__file__).with_name('mutation_equivalents.yaml')

SURVIVED, KILLED, ARGUED = 'survived', 'killed', 'equivalent'


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change.

    :ivar module: path of the module in the package
    :ivar kind: what was done, a key of ``mutation_operators.KINDS``
    :ivar operator: name of the operator's class
    :ivar occurrence: which of the places where the operator does something
    :ivar function: where that is
    :ivar line: its number
    :ivar before: the lines that it changes, on one line
    :ivar after: what they become
    :ivar code: the whole module, changed
    """

    module: str
    kind: str
    operator: str
    occurrence: int
    function: str
    line: int
    before: str
    after: str
    code: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of a mutant.

    :ivar outcome: :data:`KILLED`, :data:`SURVIVED` or :data:`ARGUED`
    :ivar why: the test that noticed, or why none can
    """

    mutant: Mutant
    outcome: str
    why: str
    seconds: float


def places(code, kind):
    """Return all that one kind can do, as pairs of operator and occurrence."""
    nodes = list(trees.ast_nodes(trees.get_ast(code)))
    return [(operator, occurrence)
            for operator in mutation_operators.made(kind)
            for occurrence in range(sum(
                len(list(operator.mutation_positions(node)))
                for node in nodes))]


def mutants(module, code, number, seed):
    """Return so many mutants of a module, by chance: always the same.

    The kinds take turns, so that the frequent ones do not take all.

    :param module: path of the module in the package
    :param code: its text
    :param number: how many; fewer where there are no more
    """
    rng = random.Random('%s/%s' % (seed, module))
    left = {kind: places(code, kind) for kind in mutation_operators.KINDS}
    for candidates in left.values():
        rng.shuffle(candidates)
    made = {}
    while len(made) < number and any(left.values()):
        kinds = [kind for kind in left if left[kind]]
        rng.shuffle(kinds)
        for kind in kinds[:number - len(made)]:
            mutant = _next(module, code, kind, left[kind], made)
            if mutant is not None:
                made[mutant.code] = mutant
    return sorted(made.values(), key=lambda mutant: (mutant.line, mutant.kind,
                                                     mutant.occurrence))


def _next(module, code, kind, left, known):
    """Return the next mutant that is Python, other code, and new, or None."""
    while left:
        operator, occurrence = left.pop()
        new = mutating.mutate_code(code, operator, occurrence)
        if new is not None and new not in known and _differs(code, new):
            return described(module, code, new, kind, operator, occurrence)
    return None


def _differs(code, new):
    try:
        return ast.dump(ast.parse(code)) != ast.dump(ast.parse(new))
    except SyntaxError:
        return False


def described(module, code, new, kind, operator, occurrence):
    """Return a mutant with the place where it differs."""
    lines, new_lines = code.splitlines(), new.splitlines()
    changes = [change for change in difflib.SequenceMatcher(
        None, lines, new_lines, autojunk=False).get_opcodes()
        if change[0] != 'equal']
    begin, end = changes[0][1], changes[-1][2]
    begin_new, end_new = changes[0][3], changes[-1][4]
    return Mutant(module, kind, type(operator).__name__, occurrence,
                  function_at(code, begin + 1), begin + 1,
                  _flat(lines[begin:end]), _flat(new_lines[begin_new:end_new]),
                  new)


def _flat(lines):
    return ' '.join(line.strip() for line in lines)


def function_at(code, line):
    """Return the dotted name of the innermost function or class of a line.

    :returns: empty at the level of the module
    """
    names, body = [], ast.parse(code).body
    while True:
        inner = next((node for node in body if isinstance(
            node, (ast.FunctionDef, ast.ClassDef))
            and node.lineno <= line <= node.end_lineno), None)
        if inner is None:
            return '.'.join(names)
        names.append(inner.name)
        body = inner.body


def equivalents(text):
    """Return why some mutants make no difference.

    :param text: YAML, a list of dicts with the keys module, function,
        before, after and why
    :returns: dict of the reason by the other four, as a tuple
    :raises SystemExit: when an entry is not as it should be
    """
    keys = ('module', 'function', 'before', 'after')
    reasons = {}
    for entry in yaml.safe_load(text) or ():
        if set(entry) != {*keys, 'why'}:
            sys.exit('%s: an entry needs %s and why: %s' % (
                EQUIVALENTS.name, ', '.join(keys), entry))
        reasons[tuple(entry[key] for key in keys)] = entry['why'].strip()
    return reasons


class Trees:
    """Copies of the tree, for one mutant at a time each."""

    def __init__(self, source, directory, number):
        """Copy what git knows or would know, so many times."""
        listed = subprocess.run(
            ['git', '-C', source, 'ls-files', '-z', '--cached', '--others',
             '--exclude-standard'], check=True, capture_output=True,
            text=True).stdout
        self._free = queue.SimpleQueue()
        for place in range(number):
            copy = pathlib.Path(directory, str(place))
            for name in filter(None, listed.split('\0')):
                _copy(source / name, copy / name)
            self._free.put(copy)

    def use(self, act):
        """Return the result of an act with one of the copies."""
        copy = self._free.get()
        try:
            return act(copy)
        finally:
            self._free.put(copy)


def _copy(source, target):
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


class Runner:
    """Runs unit tests in a copy."""

    def __init__(self, python, timeout):
        """Take the interpreter, and the seconds for one run."""
        self._python, self._timeout = python, timeout

    def command(self, copy, *arguments):
        """Return the words of a command of Python, in a copy and for it.

        Where it is CI, hypothesis tries the same examples each time. Python
        keeps no compiled code, which it would take for that of a mutant of
        the same size that is written within the same second.
        """
        return ['nice', '-n', '10', 'env', '-C', str(copy), 'CI=true',
                'PYTHONDONTWRITEBYTECODE=1', 'PYTHONPATH=%s' % copy,
                'OS_TEST_TIMEOUT=120', self._python, *arguments]

    def imported(self, copy, module):
        """Return which file the tests would import as a module."""
        name = '.'.join((PACKAGE, *module.removesuffix('.py').split('/')))
        return subprocess.run(self.command(
            copy, '-c', 'import sys, importlib; print(importlib.import_module('
            'sys.argv[1]).__file__)', name), check=True,
            capture_output=True, text=True).stdout.strip()

    def run(self, copy, tests):
        """Run tests.

        :param tests: names of their modules, as in :data:`MODULES`
        :returns: whether they pass, and the output
        """
        outcome, output = testing.run_tests(shlex.join(self.command(
            copy, '-m', 'testtools.run', '--failfast', *(
                '%s.tests.unit.test_%s' % (PACKAGE, name)
                for name in tests))), self._timeout)
        if outcome is work_item.TestOutcome.INCOMPETENT:
            raise RuntimeError('the tests could not be run: %s' % output)
        return outcome is work_item.TestOutcome.SURVIVED, output

    def try_out(self, mutant, argued, copy):
        """Return the :class:`Result` of a mutant."""
        target = copy / PACKAGE / mutant.module
        original, begin = target.read_text(), time.monotonic()
        target.write_text(mutant.code)
        try:
            survived, output = self.run(copy, MODULES[mutant.module])
        finally:
            target.write_text(original)
        return judged(mutant, survived, output, argued,
                      round(time.monotonic() - begin, 1))


def judged(mutant, survived, output, argued, seconds):
    """Return the :class:`Result` of a mutant."""
    if not survived:
        return Result(mutant, KILLED, killer(output), seconds)
    why = argued.get((mutant.module, mutant.function, mutant.before,
                      mutant.after))
    return Result(mutant, SURVIVED if why is None else ARGUED, why or '',
                  seconds)


def killer(output):
    """Return which test has noticed a mutant, from the output of testtools."""
    match = re.search(r'^(?:FAIL|ERROR|UNEXPECTED SUCCESS): (\S+)', output,
                      re.MULTILINE)
    if match is None:
        return output if output == 'timeout' else 'no test could be loaded'
    return match[1].removeprefix('%s.tests.unit.' % PACKAGE)


def try_all(found, options, argued):
    """Yield the result of each mutant, as they come."""
    runner = Runner(options.python, options.timeout)
    with tempfile.TemporaryDirectory(prefix='mutation-') as directory:
        copies = Trees(SOURCE, directory, options.jobs)
        modules = dict.fromkeys(mutant.module for mutant in found)
        copies.use(lambda copy: _check(runner, copy, modules))
        pool = concurrent.futures.ThreadPoolExecutor(options.jobs)
        try:
            waiting = [pool.submit(
                copies.use, lambda copy, mutant=mutant: runner.try_out(
                    mutant, argued, copy)) for mutant in found]
            for done in concurrent.futures.as_completed(waiting):
                yield done.result()
        finally:
            # An interrupt waits for no more than has begun.
            pool.shutdown(cancel_futures=True)


def _check(runner, copy, modules):
    """Exit unless the tests are of the copy, and pass without a mutant.

    Modules have tests in common, which are run once.
    """
    for module in modules:
        seen = pathlib.Path(runner.imported(copy, module))
        if seen != copy / PACKAGE / module:
            sys.exit('the tests would import %s, not that of the copy' % seen)
    for test in dict.fromkeys(test for module in modules
                              for test in MODULES[module]):
        passed, output = runner.run(copy, (test,))
        if not passed:
            sys.exit('test_%s fails without a mutant: %s\n%s' % (
                test, killer(output), output[-2000:]))


def rows(results):
    """Yield the rows of the table for the documents."""
    for result in results:
        yield (result.mutant.module, result.mutant.function or '(module)',
               result.mutant.kind, _literal(result.mutant.before),
               _literal(result.mutant.after), result.outcome, result.why)


def known(path, results):
    """Return the rows of a table on modules that were not tried now."""
    if not path.exists():
        return []
    tried = {result.mutant.module for result in results}
    with path.open(newline='') as file:
        return [row for row in list(csv.reader(file))[1:]
                if row[0] in MODULES and row[0] not in tried]


def _literal(text):
    """Return code as reStructuredText."""
    return '``%s``' % text if text else '(nothing)'


HEADER = ('Module', 'Function', 'Mutation', 'Before', 'After', 'Outcome',
          'Noticed by, or why nothing can')


def summary(results):
    """Return how many of each module were killed, as a table."""
    view = prettytable.PrettyTable(['Module', 'Mutants', 'Killed',
                                    'Equivalent', 'Survived'])
    view.align, view.align['Module'] = 'r', 'l'
    for name in (*dict.fromkeys(result.mutant.module for result in results),
                 'all'):
        outcomes = [result.outcome for result in results
                    if name in ('all', result.mutant.module)]
        view.add_row([name, len(outcomes), *(
            outcomes.count(outcome)
            for outcome in (KILLED, ARGUED, SURVIVED))])
    return view


def told(result):
    """Return one line on a result."""
    mutant = result.mutant
    return '%-10s %s:%d %s, %s: %s -> %s (%s) %.0f s' % (
        result.outcome, mutant.module, mutant.line, mutant.function,
        mutant.kind, mutant.before, mutant.after or 'nothing', result.why,
        result.seconds)


def document(results, options):
    """Return all of it as plain values."""
    return {'seed': options.seed,
            'machine': {'processors': os.cpu_count(),
                        'python': platform.python_version()},
            'mutants': [{
                'outcome': result.outcome, 'why': result.why,
                'seconds': result.seconds,
                **{name: value for name, value in dataclasses.asdict(
                    result.mutant).items() if name != 'code'}}
                for result in results]}


def write(results, options):
    """Write the files that were asked for.

    Of modules that were not tried the rows of before stay in the table.
    """
    if options.csv:
        by_module = {module: [] for module in MODULES}
        for row in (*known(options.csv, results), *rows(results)):
            by_module[row[0]].append(row)
        tables.write(options.csv, HEADER, sum(by_module.values(), []))
    if options.json:
        options.json.write_text(json.dumps(document(results, options),
                                           indent=2) + '\n')


def parse(arguments):
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog='tox -e mutation --', description=__doc__)
    parser.add_argument('modules', nargs='*', metavar='MODULE',
                        help='which ones: %s (default: all)' % ', '.join(
                            MODULES))
    parser.add_argument('--number', type=int, default=16, metavar='N',
                        help='mutants of each module (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=12,
                        help='another one makes others (default: '
                             '%(default)s)')
    parser.add_argument('--jobs', type=int, default=1,
                        help='how many at a time (default: %(default)s)')
    parser.add_argument('--timeout', type=float, default=600.0,
                        help='seconds after which a mutant counts as killed '
                             '(default: %(default)s)')
    parser.add_argument('--python', default=sys.executable,
                        help='what runs the unit tests (default: this one)')
    parser.add_argument('--list', action='store_true',
                        help='show the mutants, and run nothing')
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE',
                        help='where all of it goes')
    parser.add_argument('--csv', type=pathlib.Path, metavar='FILE',
                        help='where the table for the documents goes')
    options = parser.parse_args(arguments)
    unknown = set(options.modules) - set(MODULES)
    if unknown:
        parser.error('no module to mutate: %s; there are: %s' % (
            ', '.join(sorted(unknown)), ', '.join(MODULES)))
    return options


def main(arguments=None):
    """Mutate, tell of each, write the files; 1 when one has survived."""
    options = parse(arguments)
    argued = equivalents(EQUIVALENTS.read_text())
    todo = [mutant for module in options.modules or MODULES
            for mutant in mutants(
                module, (SOURCE / PACKAGE / module).read_text(),
                options.number, options.seed)]
    if options.list:
        for mutant in todo:
            print('%s:%d %s, %s: %s -> %s' % (
                mutant.module, mutant.line, mutant.function, mutant.kind,
                mutant.before, mutant.after or 'nothing'))
        return 0
    results = {}
    for result in try_all(todo, options, argued):
        print(told(result), flush=True)
        results[result.mutant] = result
    results = [results[mutant] for mutant in todo]
    print(summary(results))
    write(results, options)
    return int(any(result.outcome == SURVIVED for result in results))
