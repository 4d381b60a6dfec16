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
from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.report import drawing
from self_healing_tempest_plugin.report import formatting
from self_healing_tempest_plugin.report import lookup
from self_healing_tempest_plugin.report import multiples
from self_healing_tempest_plugin.report import terminal
from self_healing_tempest_plugin.report import together
from self_healing_tempest_plugin.report import trends

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


# Runs that are shown in full, beside the last one of each scenario: more make
# the page too long to be read, or sent.
MOST_IN_FULL = 20


def html(runs, statistics=(), left_out=()):
    """Return the page.

    Where a scenario has run several times the newest runs come first, and
    the page shows how the times of its links went.

    :param runs: documents, see :mod:`.documents`, in the order in which they
        began
    :param statistics: :class:`.statistics.Statistic` of each scenario and
        step, to show how long they take
    :param left_out: why other files are not on the page, as lines
    """
    # A run of an older version may hold what this version does not write.
    told = [runtime.data(answers.without_singles(run)) for run in runs]
    shown = [_Run(index, run) for index, run in enumerate(told, 1)]
    last = list({(run.name, run.number): run for run in shown}.values())
    if len(last) < len(shown):
        shown.reverse()
    return _environment().get_template('page.html').render(
        runs=shown, last=last, groups=_groups(shown),
        in_full=_in_full(shown, last),
        trends=multiples.of(trends.of(told)), least=2 * trends.EACH,
        statistics=statistics,
        left_out=runtime.data(list(left_out))).strip()


def _in_full(runs, last):
    """Return the runs that are shown in full, in their order."""
    ids = {run.id for run in last}
    others = [run.id for run in runs if run.id not in ids]
    ids.update(others if len(runs) == len(last) else others[:MOST_IN_FULL])
    return [run for run in runs if run.id in ids]


def _groups(shown):
    """Return the groups of runs, each with its runs as templates want it."""
    by_document = {id(run.document): run for run in shown}
    return [(group, [by_document[id(run)] for run in group.runs])
            for group in together.of([run.document for run in shown])]


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
        self.zero = lookup.zero(run)
        self.headline = headline(run['verdict'])
        self.name = run['name'] or 'run %d' % index
        self.number = (run.get('joint') or {}).get('number')
        self.began = run['began'].replace('T', ' ').replace('Z', ' UTC')
        self.away_for = terminal.away_for(run['application'])
        self.away = terminal.away(run['application'], self.zero)
        self.asked = terminal.asked(run['application'])
        self.state = 'good' if run['verdict']['good'] else (
            'unknown' if run['verdict']['kind'] == 'INVALID' else 'bad')
        self._run = run

    @property
    def document(self):
        """Return the document."""
        return self._run

    def __getattr__(self, name):
        try:
            return self._run[name]
        except KeyError:
            raise AttributeError(name) from None

    @functools.cached_property
    def picture(self):
        """Return the picture of the run."""
        return drawing.picture(self._run)

    @property
    def told(self):
        """Return the names of links of which there is something to tell."""
        run = self._run
        return tuple(dict.fromkeys(
            record['link'] for key in ('links', 'evidence', 'details',
                                       'failures') for record in run[key]))

    @property
    def executions(self):
        """Return the objects of the links that may come only so often."""
        return [object_id for link in self._run['limited']
                for object_id in self._run['objects'].get(link, ())]

    def of(self, key, link):
        """Return what a part of the document tells of one link."""
        return [record for record in self._run[key]
                if record['link'] == link]

    def arrow(self, link):
        """Return the two sides of a link, as text."""
        return lookup.arrow(self._run, link)

    def came(self, record):
        """Return what an object did by coming, in a word."""
        return record['mark'] if lookup.lasting(
            self._run, record['link']) else 'came'

    def between(self, record):
        """Return begin and end of something, after the fault."""
        return formatting.between(*(
            None if record[key] is None else record[key] - self.zero
            for key in ('begin', 'end')))

    def after(self, seconds):
        """Return a moment, after the fault."""
        return formatting.after(None if seconds is None
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
        sentence_of=multiples.sentence, span=formatting.span,
        count=formatting.count,
        unknown=formatting.UNKNOWN, looks=drawing.ANSWERS,
        works=terminal.works, bisected=terminal.bisected,
        summary=terminal.summary, together_of=together)
    environment.filters.update(per_cent='{:.3f}%'.format, shown=_shown)
    environment.tests['finite'] = _is_finite
    return environment


def _shown(value):
    return value if isinstance(value, str) else json.dumps(
        value, ensure_ascii=False)


def _is_finite(bounds):
    return bounds is not None and bounds.high != float('inf')
