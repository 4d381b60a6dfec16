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

"""The page: well-formed for any input, and right in what it draws."""

import copy
from html import parser
import importlib.resources
import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies
import testtools

from self_healing_tempest_plugin.model import verdicts
from self_healing_tempest_plugin import report
from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.report import documents
from self_healing_tempest_plugin.report import drawing
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import scale
from self_healing_tempest_plugin.report import statistics
from self_healing_tempest_plugin.tests.unit import report_samples
from self_healing_tempest_plugin.tests.unit import samples

# What would do something if it were not escaped.
EVIL = ('<script>alert(1)</script>', '"><img src=x onerror=alert(1)>',
        "'><svg/onload=alert(1)>", '</style><script>', '{{ 7 * 7 }}', '&lt;',
        ']]>', '\x00\x1b[2J', '\ud800', '\uffff', 'x' * 3000)

TEXTS = strategies.one_of(
    strategies.sampled_from(EVIL), strategies.text(),
    strategies.text(alphabet=strategies.characters()))

# Keys whose values are words of the format, not text.
WORDS = {'link', 'mark', 'kind', 'state', 'began', 'missing', 'name'}


NO_ANSWERS = answers.coded((), None)


def poisoned(values, texts, key=''):
    """Return a document with every free text replaced."""
    if isinstance(values, dict):
        if key == 'payload':
            return {next(texts): next(texts), 'deep': {next(texts): [1]}}
        return {name: poisoned(value, texts, name)
                for name, value in values.items()}
    if isinstance(values, list):
        return [poisoned(value, texts, key) for value in values]
    if isinstance(values, str) and key not in WORDS:
        return next(texts)
    return values


def parse(html):
    """Return the tree of a page that is well-formed XML, too."""
    return ElementTree.fromstring(html.encode('utf-8'))


def text_of(element):
    return ' '.join(' '.join(element.itertext()).split())


class _Tags(parser.HTMLParser):
    """What a parser of HTML sees."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    handle_startendtag = handle_starttag


class EscapeTest(testtools.TestCase):
    """What comes from a cloud stays text."""

    def setUp(self):
        super().setUp()
        clean = _Tags(page.html([report_samples.document('BROKEN'),
                                 report_samples.document('HEALED')]))
        self.tags, self.attributes = clean.tags, clean.attributes

    @settings(deadline=None, max_examples=40)
    @given(strategies.lists(TEXTS, min_size=1, max_size=30),
           strategies.sampled_from(['BROKEN', 'HEALED', 'SPLIT_BRAIN']))
    def test_any_text(self, texts, kind):
        """No tag and no attribute more, as XML and as HTML."""
        endless = iter(texts * 100000)
        run = poisoned(report_samples.document(kind), endless)
        run['name'] = texts[0]
        run['watched'] = {'stack': dict(run['watched']['stack'])}
        html = page.html([run], left_out=texts)
        parse(html)
        parsed = _Tags(html)
        self.assertEqual(set(), parsed.tags - self.tags)
        self.assertEqual(set(), parsed.attributes - self.attributes)

    def test_shown_as_it_is(self):
        """Escaped, not left out."""
        for evil in EVIL[:7]:
            run = report_samples.document('BROKEN')
            run['verdict'] = dict(run['verdict'], why=evil)
            why, = [text_of(element)
                    for element in parse(page.html([run])).iter('p')
                    if element.get('class') == 'why']
            self.assertEqual('BROKEN %s' % evil, why)

    def test_impossible(self):
        """Characters that no page can hold are replaced."""
        html = page.html([report_samples.document(
            'HEALED', story='a\x00b\ud800c\uffffd')])
        self.assertIn('a\ufffdb\ufffdc\ufffdd', html)

    def test_no_times(self):
        """Whatever is not known is no reason to fail."""
        runs = [report_samples.document('HEALED', **{
            key: NO_ANSWERS if key == 'probes' else type(value)()
            if isinstance(value, (list, dict)) else None})
            for key, value in report_samples.document('HEALED').items()
            if key in ('transitions', 'evidence', 'links', 'probes',
                       'watched', 'clocks', 'concluded', 'objects',
                       'limited')]
        self.assertEqual(len(runs), len(list(parse(page.html(runs)).iter(
            'article'))))

    def test_nothing_was_recorded(self):
        empty = documents.document(samples.healthy(
            transitions=(), evidence=(), watched={}), samples.expected())
        self.assertIn('No fire drill', page.html([empty]))

    @settings(deadline=None, max_examples=60)
    @given(strategies.data())
    def test_any_time(self, data):
        """Times in any order and of any size stay inside the picture."""
        times = strategies.floats(-1e9, 1e9)
        run = copy.deepcopy(report_samples.document('HEALED'))
        for key in ('transitions', 'evidence', 'links', 'probes'):
            records = run[key]['stretches'] if key == 'probes' else run[key]
            for record in records[:4]:
                for name in ('begin', 'end', 'deadline', 'seen_at'):
                    if isinstance(record.get(name), float):
                        record[name] = data.draw(times)
        root = parse(page.html([run]))
        for element in root.iter():
            for name in ('x', 'x1', 'x2', 'width'):
                value = element.get(name, '0%')
                if value.endswith('%'):
                    self.assertTrue(0 <= float(value[:-1]) <= 100, value)


class PageTest(testtools.TestCase):
    """What is on it, and that it needs nothing else."""

    def test_headlines(self):
        """Each kind of verdict has a sentence of its own."""
        self.assertEqual({kind.value for kind in verdicts.Kind},
                         set(page.HEADLINES))
        self.assertEqual(
            ['Healed by this chain in 30.6 s', 'Broken at link workflow',
             'Repaired by this chain; the application was not asked',
             'Left alone, as it should be',
             'Not healed by this chain at link deduction',
             'Healed, and should not have been at link workflow',
             'Split brain', 'Healed, but by too many executions',
             'No fire drill: the run is invalid'],
            [page.headline(report_samples.document(kind)['verdict'])
             for kind in report_samples.every_kind()])

    def test_look_at(self):
        """The place to look at stands once, and the diagnosis wins."""
        run = report_samples.document('BROKEN')
        for run, said in (
                (run, run['diagnosis']['look_at']),
                (dict(run, diagnosis=None), run['verdict']['look_at'])):
            looks = [''.join(element.itertext()) for element
                     in parse(page.html([run])).iter('p')
                     if element.get('class') == 'look']
            self.assertEqual(['Look at ' + said], looks)

    def test_self_contained(self):
        """No script, no link but within the page, nothing to load."""
        runs = [report_samples.document(kind)
                for kind in report_samples.every_kind()]
        html = page.html(runs, statistics.of(runs, {'alarm': 5}))
        root = parse(html)
        for tag in ('script', 'link', 'img', 'iframe', 'object', 'image'):
            self.assertEqual([], list(root.iter(tag)), tag)
        for element in root.iter():
            for name, value in element.attrib.items():
                self.assertFalse(name.startswith('on'), (element.tag, name))
                if name in ('href', 'src'):
                    self.assertTrue(value.startswith('#'), value)
        self.assertNotIn('@import', html)
        self.assertEqual({'#hatch', '#gap', '#dots', '#mixed'},
                         set(re.findall(r'url\(([^)]*)\)', html)))
        self.assertIn("default-src 'none'", html)

    def test_ids_are_unique(self):
        runs = [report_samples.document('HEALED')] * 2
        root = parse(page.html(runs))
        ids = [element.get('id') for element in root.iter()
               if element.get('id')]
        self.assertEqual(len(set(ids)), len(ids))
        for element in root.iter():
            for name in element.get('aria-labelledby', '').split():
                self.assertIn(name, ids)

    def test_pictures_are_described(self):
        root = parse(page.html([report_samples.document('BROKEN')]))
        plots = [element for element in root.iter('svg')
                 if element.get('class') == 'plot'
                 and element.get('role') == 'img']
        self.assertEqual(7, len(plots))
        for element in plots:
            self.assertTrue(element.find('title').text)
            self.assertTrue(element.find('desc').text.strip())

    def test_evidence(self):
        """Ids, bounds, what the services said, and what they told."""
        body = text_of(parse(page.html([report_samples.document('HEALED')])))
        for text in (report_samples.ALARM, report_samples.EXECUTION,
                     'began +28.4 s', 'ended +29.0 s',
                     'Heat says', 'server CREATE_IN_PROGRESS',
                     'Asked 70 times, 1 without an answer',
                     '"stack_id": "%s"' % report_samples.STACK,
                     'host compute-1 without power',
                     '-0.041 to +0.033 s ahead'):
            self.assertIn(text, body)

    def test_one_run(self):
        """Its verdict is the headline, and there is no table of runs."""
        root = parse(page.html([report_samples.document('BROKEN')]))
        self.assertEqual(['good', 'Broken at link workflow'][1:], [
            text_of(element.find('span')) for element in root.iter('h1')])
        self.assertNotIn('overview', {element.get('class')
                                      for element in root.iter('header')})

    def test_several_runs(self):
        """The table is first, and each row leads to its run."""
        runs = [report_samples.document(kind, name=kind)
                for kind in report_samples.every_kind()]
        root = parse(page.html(runs))
        main = list(root.iter('main'))[0]
        self.assertEqual('overview', main[0].get('class'))
        links = [element.get('href') for element in main[0].iter('a')]
        articles = ['#' + element.get('id')
                    for element in root.iter('article')]
        self.assertEqual((9, articles), (len(links), links))

    def test_no_run(self):
        self.assertIn('There is no run to show', page.html([]))

    def test_statistics(self):
        runs = [report_samples.document(
            'HEALED', began='2026-11-23T23:08:5%d.000Z' % second)
            for second in range(2)]
        body = text_of(parse(page.html(runs, statistics.of(
            runs, {'stack': 10, 'alarm': 60}))))
        self.assertIn('MISSED ≤ 10 s', body)
        self.assertIn('UNDECIDED ≤ 60 s', body)


class StyleTest(testtools.TestCase):
    """The colours can be told apart."""

    def palettes(self):
        """Return the colours of light and dark mode."""
        css = importlib.resources.files(report).joinpath(
            'templates/style.css').read_text('utf-8')
        light, dark = re.findall(r':root \{([^}]*)\}', css)[:2]
        return [dict(re.findall(r'--(\w+): (#\w{6});', scheme))
                for scheme in (light, dark)]

    def test_same_names(self):
        light, dark = self.palettes()
        self.assertEqual(set(light), set(dark))
        self.assertGreater(len(light), 10)

    def test_contrast(self):
        """WCAG 2.2: 4.5 for text (1.4.3), 3 for what is drawn (1.4.11)."""
        for palette in self.palettes():
            for name, least in (('ink', 7), ('muted', 4.5), ('good', 4.5),
                                ('bad', 4.5), ('unknown', 4.5),
                                ('strong', 4.5), ('new', 3), ('old', 3)):
                self.assertGreaterEqual(contrast(
                    palette[name], palette['paper']), least, name)


def contrast(first, second):
    """Return the contrast of two colours, as WCAG 2.2 defines it."""
    low, high = sorted(map(_luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour):
    parts = [int(colour[index:index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class DrawingTest(testtools.TestCase):
    """What is where."""

    def lanes(self, kind):
        return {lane.link: lane for lane in drawing.picture(
            report_samples.document(kind)).lanes}

    def looks(self, lane):
        return [bar.look for bar in lane.bars]

    def test_healthy(self):
        lanes = self.lanes('HEALED')
        self.assertEqual({'came'}, {lane.state for lane in lanes.values()})
        self.assertEqual(['wait'], self.looks(lanes['alarm']))
        self.assertEqual(['wait', 'work'], self.looks(lanes['workflow']))
        self.assertEqual(['wait', 'work'], self.looks(lanes['stack']))
        self.assertEqual(drawing.Caption('came +4.6–5.3 s',
                                         'took 4.3–5.0 s of 60 s'),
                         lanes['alarm'].captions[0])

    def test_waits_for_an_end(self):
        """The application waits for the end of the stack, not its start."""
        lanes = self.lanes('HEALED')
        work, wait = lanes['stack'].bars[-1], lanes['application'].bars[0]
        self.assertAlmostEqual(work.x + work.width, wait.x)

    def test_a_bar_ends_within_its_whisker(self):
        for lane in self.lanes('HEALED').values():
            bar, whisker = lane.bars[-1], lane.whiskers[-1]
            self.assertTrue(whisker.x <= bar.x + bar.width
                            <= whisker.x + whisker.width, lane)

    def test_broken(self):
        lanes = self.lanes('BROKEN')
        self.assertEqual(
            ['came', 'came', 'missing', 'waiting', 'waiting'],
            [lane.state for lane in lanes.values()])
        bar, = lanes['workflow'].bars
        tick, = lanes['workflow'].deadlines
        self.assertEqual('vain', bar.look)
        self.assertAlmostEqual(tick.x, bar.x + bar.width)
        self.assertEqual((drawing.Caption('not started', 'by +35.6 s'),),
                         lanes['workflow'].captions)

    def test_unfinished(self):
        """What has started and does not end is waited for in vain, too."""
        seen = report_samples.run(report_samples.HEALTHY[:4], until=306)
        lane = drawing.picture(documents.document(
            seen, report_samples.expected())).lanes[3]
        self.assertEqual('stack', lane.link)
        self.assertEqual(['wait', 'vain'], self.looks(lane))

    def test_untouched(self):
        lanes = self.lanes('UNTOUCHED')
        self.assertEqual(['absent'] * 3, [
            lanes[link].state for link in ('workflow', 'stack',
                                           'application')])
        self.assertEqual('end of the quiet time +45.6 s',
                         lanes['stack'].deadlines[0].title)

    def test_unwanted(self):
        lane = self.lanes('UNEXPECTED_HEALING')['workflow']
        self.assertEqual(('unwanted', ['unwanted']),
                         (lane.state, self.looks(lane)))

    def test_answers(self):
        """Stretches without a hole, and who answered."""
        picture = drawing.picture(report_samples.document('SPLIT_BRAIN'))
        self.assertEqual(['old', 'silent', 'new', 'old', 'new', 'old', 'new'],
                         [bar.look for bar in picture.answers])
        for answer, following in zip(picture.answers, picture.answers[1:]):
            self.assertAlmostEqual(answer.x + answer.width, following.x)
        self.assertEqual(
            [('old', report_samples.OLD, 34), ('new', report_samples.NEW,
                                               245)],
            [(answerer.look, answerer.server, answerer.count)
             for answerer in picture.answerers])
        self.assertEqual('the old server answers again at +41.0 s',
                         picture.brain.title)

    def test_life(self):
        """The fault is there until it was taken back."""
        lane = drawing.picture(report_samples.document('HEALED')).fault
        looks = [bar.look for bar in lane.bars]
        self.assertEqual(['broken', 'step', 'step', 'step injected', 'step',
                          'step', 'step'], looks)
        self.assertAlmostEqual(lane.bars[0].x, lane.bars[3].x)
        self.assertAlmostEqual(lane.bars[0].x + lane.bars[0].width,
                               lane.bars[5].x + lane.bars[5].width)

    def test_far_deadline(self):
        """A far deadline does not squeeze the run."""
        ticks = self.lanes('HEALED')['stack'].deadlines
        self.assertEqual([True], [tick.outside for tick in ticks])


class ScaleTest(testtools.TestCase):
    """The axis."""

    MOMENTS = strategies.floats(-1e6, 1e6)

    @given(MOMENTS, MOMENTS, MOMENTS, MOMENTS, MOMENTS)
    def test_order(self, start, bend, end, first, second):
        """Later is never farther left, and nothing is outside."""
        axis = scale.of(start, bend, end)
        left, right = (axis.at(moment) for moment in sorted([first, second]))
        self.assertTrue(0 < left <= right < 100, (left, right))

    @given(MOMENTS, strategies.floats(0, 1e6), strategies.floats(0, 1e6),
           strategies.floats(0, 1))
    def test_ticks(self, start, run, back, share):
        """Ticks are in order, apart from each other and from the edges."""
        axis = scale.of(start, start + run, start + run + back)
        zero = start + share * run
        places = [axis.at(zero + tick) for tick in axis.ticks(zero)]
        self.assertLessEqual(len(places), 11)
        for place, following in zip(places, places[1:]):
            self.assertGreater(following - place, 6)
        self.assertTrue(all(0 < place <= 92 for place in places), places)

    def test_nice(self):
        self.assertEqual([0.5, 1, 2, 5, 10, 10, 20, 200], [
            scale.nice(value)
            for value in (0.3, 0.9, 1.1, 2.1, 6, 10, 11, 150)])

    def test_dense(self):
        """A long way back takes a fifth, a short one what it takes."""
        self.assertEqual(scale.BEND, scale.of(0, 100, 1000).at(100))
        self.assertEqual(50.0, scale.of(0, 90, 100).at(50))
