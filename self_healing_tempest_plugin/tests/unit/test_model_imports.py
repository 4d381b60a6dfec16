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

"""Who imports whom: the model nobody but itself, and each layer only down."""

import ast
import graphlib
import json
import pathlib
import subprocess
import sys

import fixtures
import testtools

from self_healing_tempest_plugin.tests.unit import import_graph

GRAPH = import_graph.Graph()

# What the model, the links and the chains may use of the standard library.
PURE = {'abc', 'dataclasses', 'datetime', 'enum', 'functools', 'math', 're',
        'typing'}

# What finds the chains, and nothing else may.
FINDERS = {'importlib', 'pkgutil'}

# What would make a verdict depend on the cloud, or on when it is made.
IMPURE = ('heatclient', 'keystoneauth1', 'mistralclient', 'oslo_config',
          'requests', 'socket', 'ssl', 'subprocess', 'tempest', 'threading',
          'urllib3', 'vitrageclient')

# What says the time: no name of the model's own.
CLOCKS = {'monotonic', 'now', 'perf_counter', 'time_ns', 'today', 'utcnow'}

# Each layer may import itself and those before it.
LAYERS = (('model',), ('services', 'watching'),
          ('links', 'monitors', 'faults'), ('diagnosis', 'preflight'),
          ('drill',), ('tests.scenario',))

TESTS = ('tests.unit', 'tests.browser', 'tests.mutation', 'tests.zuul')


def pure_links():
    return [module for module in GRAPH.under('links')
            if module.endswith('.link')]


def product():
    """Return all modules but those that test."""
    return sorted(set(GRAPH.files) - set(GRAPH.under(*TESTS)))


class PureTest(testtools.TestCase):
    """model/, links/*/link.py and chains/ know nothing of the cloud."""

    def reached(self, modules):
        self.assertNotEqual([], modules)
        return set(GRAPH.reached(modules))

    def test_model(self):
        """The model imports nothing but itself."""
        self.assertEqual(set(), self.reached(GRAPH.under('model'))
                         - set(GRAPH.under('model')))

    def test_links(self):
        """A link knows the model; the package around it is empty."""
        allowed = {*GRAPH.under('model'), *self.with_packages(pure_links())}
        self.assertEqual(set(), self.reached(pure_links()) - allowed)

    def test_chains(self):
        """A chain knows its links and the model."""
        allowed = {*GRAPH.under('model', 'chains'),
                   *self.with_packages(pure_links())}
        self.assertEqual(set(), self.reached(GRAPH.under('chains')) - allowed)

    def with_packages(self, modules):
        return {*modules, import_graph.NAME + '.links', *(
            module.removesuffix('.link') for module in modules)}

    def test_packages(self):
        """Nothing happens by importing a package of links."""
        for module in self.with_packages(pure_links()) - set(pure_links()):
            self.assertEqual([], GRAPH.own(module) + GRAPH.foreign(module))

    def test_standard_library(self):
        """The modules that it takes from elsewhere are a short list."""
        modules = self.reached([*GRAPH.under('model', 'chains'),
                                *pure_links()])
        for module in sorted(modules):
            finds = module == import_graph.NAME + '.chains'
            self.assertEqual(
                set(), set(GRAPH.foreign(module)) - PURE
                - (FINDERS if finds else set()), module)

    def test_no_clock(self):
        """Nobody asks a class of the standard library for the time."""
        for module in [*GRAPH.under('model', 'chains'), *pure_links()]:
            called = {node.func.attr for node in ast.walk(GRAPH.tree(module))
                      if isinstance(node, ast.Call)
                      and isinstance(node.func, ast.Attribute)}
            self.assertEqual(set(), called & CLOCKS, module)

    def test_no_other_way(self):
        """Nothing is opened, and nothing is imported behind our back."""
        for module in [*GRAPH.under('model'), *pure_links()]:
            names = {node.id for node in ast.walk(GRAPH.tree(module))
                     if isinstance(node, ast.Name)}
            self.assertEqual(set(), names & {
                '__import__', 'compile', 'eval', 'exec', 'globals', 'input',
                'open', 'print'}, module)


class FreshInterpreterTest(testtools.TestCase):
    """What is there after an import, and nothing before it."""

    def run_alone(self, script, *modules):
        # Without site-packages: a .pth file may bring anything.
        done = subprocess.run(
            [sys.executable, '-S', '-c', script, *modules],
            capture_output=True, text=True, timeout=60,
            env={'PYTHONPATH': str(import_graph.ROOT.parent)})
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        return json.loads(done.stdout)

    def brought(self, *modules):
        """Return the names of all modules that an import brings."""
        return self.run_alone(
            'import importlib, json, sys\n'
            'for name in sys.argv[1:]:\n'
            '    importlib.import_module(name)\n'
            'print(json.dumps(sorted(sys.modules)))\n', *modules)

    def assert_pure(self, *modules):
        brought = self.brought(*modules)
        for module in modules:
            self.assertIn(module, brought)
        self.assertEqual([], [name for name in brought
                              if name.split('.')[0] in IMPURE])

    def test_model(self):
        """Neither a client nor a socket; the library needs none itself."""
        self.assert_pure(*GRAPH.under('model'))

    def test_links_and_chains(self):
        self.assert_pure(*pure_links(), *GRAPH.under('chains'))

    def test_each_alone(self):
        """No module of them needs another to be imported first."""
        modules = (*GRAPH.under('model'), *pure_links())
        self.assertEqual(sorted(modules), self.run_alone(
            'import importlib, json, sys\n'
            'before, alone = set(sys.modules), []\n'
            'for name in sys.argv[1:]:\n'
            '    for other in set(sys.modules) - before:\n'
            '        del sys.modules[other]\n'
            '    alone.append(importlib.import_module(name).__name__)\n'
            'print(json.dumps(sorted(alone)))\n', *modules))


class LayersTest(testtools.TestCase):
    """Knowledge has one direction."""

    def test_nothing_is_lost(self):
        """Each module of the package that is imported is there."""
        self.assertEqual({}, {module: GRAPH.lost(module)
                              for module in product()
                              if GRAPH.lost(module)})

    def test_no_cycle(self):
        """What a module needs to be imported never needs that module."""
        edges = {module: GRAPH.own(module, deferred=False)
                 for module in GRAPH.files}
        self.assertEqual(len(edges), len(tuple(
            graphlib.TopologicalSorter(edges).static_order())))

    def test_layers(self):
        """A layer reaches none above it, by any way, late or early."""
        wrong = []
        for number, layer in enumerate(LAYERS):
            self.assertNotEqual([], GRAPH.under(*layer))
            higher = set(GRAPH.under(*(
                name for above in LAYERS[number + 1:] for name in above)))
            wrong += GRAPH.ways(GRAPH.under(*layer), higher)
        self.assertEqual([], wrong)

    def test_report_reads_documents(self):
        """A timeline is known to its live view and its documents only."""
        model = set(GRAPH.under('model'))
        self.assertEqual(set(), {
            module for module in GRAPH.under('report')
            if model.intersection(GRAPH.own(module))} - set(GRAPH.under(
                'report.documents', 'report.live')))

    def test_nobody_reports(self):
        """The watchers and the judge know nothing of the reports."""
        self.assertEqual([], list(GRAPH.ways(
            GRAPH.under('model', 'links', 'watching', 'chains'),
            set(GRAPH.under('report')))))

    def test_product_knows_no_test(self):
        """Only the scenarios, which Tempest runs, are no tests of ours."""
        self.assertEqual([], list(GRAPH.ways(
            product(), set(GRAPH.under(*TESTS)))))


class GraphTest(testtools.TestCase):
    """What the walk itself finds, in a package made for it."""

    FILES = {
        '__init__': '', 'a.__init__': '', 'b.__init__': 'from p import c\n',
        'a.x': 'import os.path\nfrom p.b import y\n',
        'b.y': 'def late():\n    from p.a import x\n    return x\n',
        'c': 'from json import dumps\nfrom p import gone\n'}

    def setUp(self):
        super().setUp()
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / 'p'
        for name, text in self.FILES.items():
            path = root.joinpath(*name.split('.')).with_suffix('.py')
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.graph = import_graph.Graph(root, 'p')

    def test_what_is_imported(self):
        self.assertEqual(['p.b', 'p.b.y'], self.graph.own('p.a.x'))
        self.assertEqual(['os.path'], self.graph.foreign('p.a.x'))
        self.assertEqual(['json'], self.graph.foreign('p.c'))
        self.assertEqual(['p.gone'], self.graph.lost('p.c'))

    def test_late_imports(self):
        """Late imports make no cycle, and are known all the same."""
        self.assertEqual(['p.a', 'p.a.x'], self.graph.own('p.b.y'))
        self.assertEqual([], self.graph.own('p.b.y', deferred=False))

    def test_ways(self):
        """By a package, and by a function."""
        self.assertEqual(['a.x -> b -> c'], list(self.graph.ways(
            ['p.a.x'], {'p.c'})))
        self.assertEqual(['b.y -> a', 'b.y -> a.x'], list(self.graph.ways(
            ['p.b.y'], {'p.a', 'p.a.x'})))

    def test_relative(self):
        """No module has a relative import, which would not be followed."""
        self.graph.files['p.c'].write_text('from . import a\n')
        self.assertRaises(ValueError, self.graph.imports, 'p.c')
