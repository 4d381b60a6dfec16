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

"""How code is mutated: operators of Cosmic Ray, and those that it lacks.

Each operator has examples, which the tests try.
"""

import functools

from cosmic_ray import ast
from cosmic_ray.operators import operator
from cosmic_ray import plugins
import parso

#: What elements stand in, with commas between them.
_DISPLAYS = ('testlist_comp', 'dictorsetmaker', 'testlist_star_expr',
             'testlist', 'exprlist')

#: Functions that are easily taken for each other.
_SWAPS = {'min': 'max', 'max': 'min', 'any': 'all', 'all': 'any'}


def _span(node):
    return node.start_pos, node.end_pos


def _without(children, index):
    """Return children without one child and the separator beside it."""
    gone = {index, index - 1 if index else index + 1}
    kept = [child for place, child in enumerate(children)
            if place not in gone]
    if index == 0 and kept:
        # The child that moves to the front takes over the blanks there.
        first = kept[0].get_first_leaf()
        first.prefix = children[0].get_first_leaf().prefix
    return kept


class DropOperand(operator.Operator):
    """Drops one operand of ``and`` or ``or``."""

    def mutation_positions(self, node):
        if node.type in ('and_test', 'or_test'):
            for operand in node.children[::2]:
                yield _span(operand)

    def mutate(self, node, index):
        node.children = _without(node.children, 2 * index)
        return node

    @classmethod
    def examples(cls):
        return (operator.Example('x = a and b', 'x = b'),
                operator.Example('x = a and b', 'x = a', occurrence=1),
                operator.Example('x = a or b or c', 'x = a or c',
                                 occurrence=1))


class DropElement(operator.Operator):
    """Drops an element of a tuple, list, set or dict of several."""

    def mutation_positions(self, node):
        # All at once: they are asked for further after the mutation.
        yield from [(node.children[first].start_pos,
                     node.children[last].end_pos)
                    for first, last in self._elements(node)]

    def mutate(self, node, index):
        first, last = list(self._elements(node))[index]
        kept = [child for place, child in enumerate(node.children)
                if not first <= place <= last + 1]
        if not kept:
            return None
        if first == 0:
            kept[0].get_first_leaf().prefix = (
                node.children[0].get_first_leaf().prefix)
        if sum(child == ',' for child in kept) == 0:
            # Of two elements one is left, which is still a tuple.
            kept.append(parso.python.tree.Operator(',', kept[-1].end_pos))
        node.children = kept
        return node

    def _elements(self, node):
        """Return first and last child of each element."""
        if node.type not in _DISPLAYS or ',' not in node.children:
            return []
        if node.parent is not None and node.parent.type in (
                'for_stmt', 'sync_comp_for', 'del_stmt'):
            return []
        if self._is_counted(node):
            return []
        ends = [place for place, child in enumerate(node.children)
                if child == ',']
        if ends[-1] != len(node.children) - 1:
            ends.append(len(node.children))
        begins = [0, *(end + 1 for end in ends)]
        return [(begin, end - 1) for begin, end in zip(begins, ends)]

    @staticmethod
    def _is_counted(node):
        """Return whether the number of elements is fixed by what is beside.

        Any test notices a tuple that does not fit its names or its format.
        """
        whole = node.parent if node.parent is not None and (
            node.parent.type == 'atom') else node
        outer = whole.parent
        if outer is None:
            return False
        if outer.type == 'term':
            return '%' in outer.children
        return outer.type == 'expr_stmt' and (
            outer.children[-1] is not whole
            or any(',' in getattr(child, 'children', ())
                   for child in outer.children[:-1]))

    @classmethod
    def examples(cls):
        return (operator.Example('x = (a, b, c)', 'x = (b, c)'),
                operator.Example('x = (a, b)', 'x = (a,)', occurrence=1),
                operator.Example('x = [a, b,]', 'x = [b,]'),
                operator.Example('x = {1: a, 2: b}', 'x = {2: b,}'),
                operator.Example('x = a, b', 'x = b,'),
                # Neither a target, nor what is handed out to targets.
                operator.Example('x, y = a, b\nz = a, b',
                                 'x, y = a, b\nz = b,'),
                operator.Example("x = '%s%s' % (a, b)\nz = a, b",
                                 "x = '%s%s' % (a, b)\nz = b,"))


class DropCall(operator.Operator):
    """Drops a call whose result nobody wants."""

    def mutation_positions(self, node):
        if self._is_call(node):
            yield _span(node)

    def mutate(self, node, index):
        leaf = node.get_first_leaf()
        return parso.python.tree.Keyword('pass', leaf.start_pos,
                                         leaf.prefix)

    @staticmethod
    def _is_call(node):
        if node.type != 'atom_expr' or node.parent is None or (
                node.parent.type not in ('simple_stmt', 'suite')):
            return False
        last = node.children[-1]
        return last.type == 'trailer' and last.children[0] == '('

    @classmethod
    def examples(cls):
        return (operator.Example('a.b(c)\n', 'pass\n'),
                operator.Example('if x:\n    f()\n',
                                 'if x:\n    pass\n'))


class ReplaceReturn(operator.Operator):
    """Returns None in place of a value."""

    def mutation_positions(self, node):
        if node.type == 'return_stmt' and len(node.children) > 1 and (
                not ast.is_none(node.children[1])):
            yield _span(node)

    def mutate(self, node, index):
        node.children[1] = parso.python.tree.Keyword(
            'None', node.children[1].start_pos, ' ')
        return node

    @classmethod
    def examples(cls):
        return (operator.Example('def f():\n    return a + b\n',
                                 'def f():\n    return None\n'),)


class SwapFunction(operator.Operator):
    """Calls max in place of min, all in place of any, and the reverse."""

    def mutation_positions(self, node):
        if node.type == 'name' and node.value in _SWAPS and (
                self._is_called(node)):
            yield _span(node)

    def mutate(self, node, index):
        node.value = _SWAPS[node.value]
        return node

    @staticmethod
    def _is_called(node):
        outer = node.parent
        return (outer is not None and outer.type == 'atom_expr'
                and outer.children[0] is node)

    @classmethod
    def examples(cls):
        return (operator.Example('x = min(a, b)', 'x = max(a, b)'),
                operator.Example('x = all(a)', 'x = any(a)'))


class SwapMembership(operator.Operator):
    """Looks for what is not in, in place of what is in."""

    def mutation_positions(self, node):
        if node.type == 'comparison':
            for place in self._places(node):
                yield _span(node.children[place])

    def mutate(self, node, index):
        place = self._places(node)[index]
        new = 'in' if node.children[place].type == 'comp_op' else 'not in'
        node.children[place] = parso.python.tree.Keyword(
            new, node.children[place].start_pos, ' ')
        return node

    @staticmethod
    def _places(node):
        return [place for place, child in enumerate(node.children)
                if child.get_code(include_prefix=False).split() in (
                    ['in'], ['not', 'in'])]

    @classmethod
    def examples(cls):
        return (operator.Example('x = a in b', 'x = a not in b'),
                operator.Example('x = a not in b', 'x = a in b'))


class DropFilter(operator.Operator):
    """Takes everything where a comprehension takes some."""

    def mutation_positions(self, node):
        if node.type == 'comp_if':
            yield _span(node)

    def mutate(self, node, index):
        return None

    @classmethod
    def examples(cls):
        return (operator.Example('x = [a for a in b if a]',
                                 'x = [a for a in b]'),)


class DisableHandler(operator.Operator):
    """Catches nothing. Cosmic Ray's knows no exception with a dot in it."""

    def mutation_positions(self, node):
        if node.type == 'except_clause':
            yield _span(node.children[1])

    def mutate(self, node, index):
        node.children[1] = parso.python.tree.Name(
            '()', node.children[1].start_pos, ' ')
        return node

    @classmethod
    def examples(cls):
        return (operator.Example(
            'try:\n    f()\nexcept a.B as c:\n    raise\n',
            'try:\n    f()\nexcept () as c:\n    raise\n'),)


OPERATORS = (DropOperand, DropElement, DropCall, ReplaceReturn, SwapFunction,
             SwapMembership, DropFilter, DisableHandler)


def _comparisons():
    # Cosmic Ray has one for each pair; these are the likely mistakes.
    for pair in ('Eq_NotEq', 'NotEq_Eq', 'Lt_LtE', 'Lt_GtE', 'LtE_Lt',
                 'LtE_Gt', 'Gt_GtE', 'Gt_LtE', 'GtE_Gt', 'GtE_Lt', 'Is_IsNot',
                 'IsNot_Is'):
        yield 'core/ReplaceComparisonOperator_%s' % pair


#: What is done to code: for people, and the operators that do it. A name is
#: one of Cosmic Ray's.
KINDS = {
    'comparison flipped': (*_comparisons(), SwapMembership),
    'and, or swapped': ('core/ReplaceAndWithOr', 'core/ReplaceOrWithAnd'),
    'operand dropped': (DropOperand,),
    'element dropped': (DropElement,),
    'not removed': ('core/ReplaceUnaryOperator_Delete_Not',),
    'condition negated': ('core/AddNot',),
    'constant changed': ('core/NumberReplacer', 'core/ReplaceTrueWithFalse',
                         'core/ReplaceFalseWithTrue'),
    'plus, minus swapped': ('core/ReplaceBinaryOperator_Add_Sub',
                            'core/ReplaceBinaryOperator_Sub_Add'),
    'return replaced': (ReplaceReturn,),
    'call dropped': (DropCall,),
    'function swapped': (SwapFunction,),
    'filter dropped': (DropFilter,),
    'handler disabled': (DisableHandler,),
}


@functools.cache
def made(kind):
    """Return the operators of a kind.

    :param kind: a key of :data:`KINDS`
    """
    return tuple((plugins.get_operator(entry) if isinstance(entry, str)
                  else entry)() for entry in KINDS[kind])
