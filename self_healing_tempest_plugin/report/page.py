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

"""Documents as one page of HTML that needs nothing but itself.

No script, nothing from elsewhere; it is well-formed XML, too. All that comes
from a document is escaped by Jinja, and what no page can hold is replaced.
"""

import functools
import json
import re

import jinja2
import markupsafe

from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.report import drawing
from self_healing_tempest_plugin.report import texts
from self_healing_tempest_plugin.report import times

HEADLINES = {
    'HEALED': 'Healed by this chain',
    'REPAIRED': 'Repaired by this chain; the application was not asked',
    'UNTOUCHED': 'Left alone, as it should be',
    'BROKEN': 'Broken',
    'NOT_HEALED_BY_THIS_CHAIN': 'Not healed by this chain',
    'UNEXPECTED_HEALING': 'Healed, and should not have been',
    'SPLIT_BRAIN': 'Split brain',
    'EXECUTION_STORM': 'Healed, but by too many executions',
    'INVALID': 'No fire drill: the run is invalid',
}

# Where the headline names the link: elsewhere the link tells nothing more.
_AT_LINK = ('BROKEN', 'NOT_HEALED_BY_THIS_CHAIN', 'UNEXPECTED_HEALING')

# XML 1.0 knows no other characters, and files no halves of surrogates.
_IMPOSSIBLE = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd'
                         '\U00010000-\U0010ffff]')
_REPLACEMENT = '\ufffd'


def html(runs, rows=(), left_out=()):
    """Return the page.

    :param runs: documents, see :mod:`.documents`
    :param rows: :class:`.merged.Row` of each scenario and step, to show how
        long they take
    :param left_out: why other files are not on the page, as lines
    """
    return _environment().get_template('page.html').render(
        # A run of an older version may hold what this one would not write.
        runs=[_Run(index, runtime.data(one))
              for index, one in enumerate(runs, 1)],
        rows=rows, left_out=runtime.data(list(left_out))).strip()


def headline(verdict):
    """Return the verdict as a headline, e.g. "Broken at link workflow".

    :param verdict: that part of a document
    """
    text = HEADLINES[verdict['kind']]
    if verdict['kind'] == 'HEALED' and verdict['seconds'] is not None:
        return '%s in %.1f s' % (text, verdict['seconds'])
    if verdict['kind'] in _AT_LINK and verdict['link'] is not None:
        return '%s at link %s' % (text, verdict['link'])
    return text


class _Run:
    """A document, as the templates want it."""

    def __init__(self, index, run):
        self.id = 'run-%d' % index
        self.zero = drawing.zero(run)
        self.headline = headline(run['verdict'])
        self.name = run['name'] or 'run %d' % index
        self.began = run['began'].replace('T', ' ').replace('Z', ' UTC')
        self.away_for = texts.away_for(run['application'])
        self.away = texts.away(run['application'], self.zero)
        self.asked = texts.asked(run['application'])
        self.state = 'good' if run['verdict']['good'] else (
            'unknown' if run['verdict']['kind'] == 'INVALID' else 'bad')
        self._run = run

    def __getattr__(self, name):
        try:
            return self._run[name]
        except KeyError:
            raise AttributeError(name) from None

    @functools.cached_property
    def picture(self):
        """Return what is drawn."""
        return drawing.picture(self._run)

    @property
    def labels(self):
        """Return the links of which there is something to tell."""
        run = self._run
        return tuple(dict.fromkeys(
            one['link'] for key in ('links', 'evidence', 'details',
                                    'failures') for one in run[key]))

    def of(self, key, label):
        """Return what a part of the document tells of one link."""
        return [one for one in self._run[key] if one['link'] == label]

    def between(self, one):
        """Return begin and end of something, after the fault."""
        return times.between(
            None if one['begin'] is None else one['begin'] - self.zero,
            None if one['end'] is None else one['end'] - self.zero)

    def after(self, seconds):
        """Return a moment, after the fault."""
        return times.after(None if seconds is None
                           else seconds - self.zero)


def _plain(value):
    """Return what Jinja puts into the page, before it is escaped."""
    if isinstance(value, markupsafe.Markup):
        return value
    return _IMPOSSIBLE.sub(_REPLACEMENT, str(value))


@functools.cache
def _environment():
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__), autoescape=True,
        undefined=jinja2.StrictUndefined, finalize=_plain,
        trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(
        span=times.span, count=times.count, unknown=times.UNKNOWN,
        works=texts.works, bisected=texts.bisected, summary=texts.summary,
        looks=drawing.ANSWERS, arrows=drawing.ARROWS, lasting=drawing.LASTING)
    environment.filters.update(per_cent='{:.3f}%'.format, shown=_shown)
    environment.tests['finite'] = _is_finite
    return environment


def _shown(value):
    return value if isinstance(value, str) else json.dumps(
        value, ensure_ascii=False)


def _is_finite(span):
    return span is not None and span.high != float('inf')
