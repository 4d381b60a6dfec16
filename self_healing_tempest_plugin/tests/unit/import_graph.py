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

"""Which module imports which: read from the sources, nothing is imported."""

import ast
import collections
import pathlib

NAME = 'self_healing_tempest_plugin'
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Graph:
    """The modules of a package, and what each of them imports.

    :ivar files: name of a module to its path
    """

    def __init__(self, root=ROOT, name=NAME):
        """Find the modules.

        :param root: folder of the package
        :param name: of the package
        """
        self.name = name
        self.files = {_name(root, name, path): path
                      for path in sorted(root.rglob('*.py'))}
        self._trees = {}

    def under(self, *packages):
        """Return the names of some modules and of all that is below them.

        :param packages: names below the package, e.g. ``model``
        """
        return [module for module in self.files
                if _below(module, ['%s.%s' % (self.name, package)
                                   for package in packages])]

    def tree(self, module):
        """Return the syntax of a module."""
        if module not in self._trees:
            self._trees[module] = ast.parse(self.files[module].read_text())
        return self._trees[module]

    def imports(self, module, deferred=True):
        """Return what a module imports, as a set of names of modules.

        With a module come the packages that it is in, but for those that the
        importing one is in itself: they are there already.

        :param module: name of it
        :param deferred: whether also what it imports within functions
        """
        tree = self.tree(module)
        nodes = ast.walk(tree) if deferred else _at_import(tree)
        named = {name for node in nodes for name in self._named(node)}
        parents = {parent for name in named & self.files.keys()
                   for parent in _parents(name)
                   if parent in self.files and not _below(module, [parent])}
        return named | parents

    def _named(self, node):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError('relative import in line %d' % node.lineno)
            for alias in node.names:
                whole = '%s.%s' % (node.module, alias.name)
                ours = whole in self.files or (
                    node.module == self.name)
                yield whole if ours else node.module

    def own(self, module, deferred=True):
        """Return what a module imports of the package, sorted."""
        return sorted(self.imports(module, deferred) & self.files.keys())

    def foreign(self, module):
        """Return what a module imports from elsewhere, sorted."""
        return sorted(name for name in self.imports(module)
                      if not _below(name, [self.name]))

    def lost(self, module):
        """Return what a module imports of the package and is not there."""
        return sorted(name for name in self.imports(module)
                      if _below(name, [self.name])
                      and name not in self.files)

    def reached(self, modules):
        """Return all that some modules bring along, each with a way to it.

        :param modules: names of modules
        :returns: dict of the name of a module to the tuple of modules from
            one of the given ones to it; of several ways a shortest one
        """
        ways = {module: (module,) for module in modules}
        waiting = collections.deque(ways)
        while waiting:
            module = waiting.popleft()
            for name in self.own(module):
                if name not in ways:
                    ways[name] = (*ways[module], name)
                    waiting.append(name)
        return ways

    def ways(self, lower, higher):
        """Yield how modules come to know others, as text.

        :param lower: names of modules
        :param higher: names of modules
        """
        for module, way in sorted(self.reached(lower).items()):
            for name in () if higher.intersection(way) else self.own(module):
                if name in higher:
                    yield ' -> '.join(part.removeprefix(self.name + '.')
                                      for part in (*way, name))


def _name(root, name, path):
    parts = path.relative_to(root).with_suffix('').parts
    return '.'.join((name, *(parts[:-1] if parts[-1] == '__init__'
                             else parts)))


def _below(module, packages):
    return any(module == package or module.startswith(package + '.')
               for package in packages)


def _parents(module):
    parts = module.split('.')
    return ('.'.join(parts[:end]) for end in range(1, len(parts)))


def _at_import(node):
    """Yield the nodes that run when a module is imported."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef,
                                  ast.Lambda)):
            yield child
            yield from _at_import(child)
