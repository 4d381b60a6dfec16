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

"""Quantiles of a few values, and how sure they are.

Nothing is assumed of how the values are distributed: a confidence interval
lies between two of the values themselves, sorted. That the quantile p is
between the r-th and the s-th of n values has at least the probability that
of n tosses, each a success with probability p, at least r and fewer than s
succeed: H. A. David and H. N. Nagaraja, Order Statistics, third edition,
Wiley 2003, section 7.1. The values must come from runs that do not depend on
each other.
"""

import fractions
import functools
import itertools
import math

P50 = fractions.Fraction(50, 100)
P95 = fractions.Fraction(95, 100)

CONFIDENCE = fractions.Fraction(95, 100)


def rank(n, p):
    """Return which of ``n`` sorted values is their quantile, from 1 on.

    That is the smallest that a share of ``p`` does not exceed: the inverse
    of the empirical distribution function.

    :param n: how many values, at least one
    :param p: a :class:`fractions.Fraction` between 0 and 1
    """
    return max(1, math.ceil(n * p))


@functools.cache
def confidence_ranks(n, p):
    """Return between which of ``n`` sorted values the quantile is.

    Of all pairs with enough confidence it is the narrowest that has two
    ends, or where ``n`` is too small for two, the narrowest with one. All is
    computed in whole numbers.

    :param n: how many values
    :param p: a :class:`fractions.Fraction` between 0 and 1
    :returns: two ranks; 0 and ``n`` + 1 stand for no bound at all
    """
    fails, times = p.denominator - p.numerator, p.denominator
    # below[k]: in how many of all cases fewer than k of n succeed
    below = list(itertools.accumulate((
        math.comb(n, k) * p.numerator ** k * fails ** (n - k)
        for k in range(n + 1)), initial=0))
    enough = CONFIDENCE * times ** n
    pairs, low = [], 0
    for high in range(1, n + 2):
        while low + 1 < high and below[high] - below[low + 1] >= enough:
            low += 1
        if below[high] - below[low] >= enough:
            pairs.append((low, high))
    return min(pairs, key=lambda pair: (
        (pair[0] == 0) + (pair[1] == n + 1), pair[1] - pair[0], pair))


def pick(values, number):
    """Return the value of a rank.

    :param values: sorted
    :param number: the rank, from 1 on
    :returns: minus infinity below the first, infinity beyond the last
    """
    if number < 1:
        return -math.inf
    return values[number - 1] if number <= len(values) else math.inf
