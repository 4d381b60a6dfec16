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

"""The page of the report, in a browser: narrow, wide, in the dark."""

import pathlib

import fixtures
import testtools
from testtools import content

from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import statistics
from self_healing_tempest_plugin.tests.browser import browser
from self_healing_tempest_plugin.tests.unit import report_samples

# A phone, a tablet and a wide screen, in pixels.
WINDOWS = ((360, 640), (800, 900), (1600, 900))

LINKS = ['fault', 'alarm', 'deduction', 'workflow', 'stack', 'application',
         'answers']

HEALTHY = 'Healed by this chain in 30.6 s'
BROKEN = 'Broken at link workflow'


class PageTestCase(testtools.TestCase):
    """A browser, and a directory for pages."""

    def setUp(self):
        super().setUp()
        self.browser = self.useFixture(browser.Browser())
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)

    def open(self, html, width=800, height=900, scheme='light',
             media='screen'):
        """Open a page and return what is seen."""
        path = self.directory / 'index.html'
        path.write_text(html, 'utf-8')
        self.browser.open(path, width, height, scheme, media)
        return self.browser.look()

    def healthy(self):
        return page.html([report_samples.document('HEALED')])

    def broken(self):
        return page.html([report_samples.document('BROKEN')])

    def several(self):
        """Return a page of every kind of verdict, with ids that are long."""
        runs = [report_samples.document(
            kind, name='test_%s_%s' % (kind.lower(), 'x' * 60))
            for kind in report_samples.every_kind()]
        return page.html(runs, statistics.of(runs, {'alarm': 5}),
                         ['/a/file.json: is no JSON'])

    def complaints(self, seen, headline):
        """Return what is wrong with any page, as lines."""
        return [*_headline_complaints(seen, headline),
                *_layout_complaints(seen), *_plot_complaints(seen),
                *self.browser.complaints(),
                *('asked for %s' % url for url in self.browser.requests()
                  if not url.startswith(self.directory.as_uri()))]


def _headline_complaints(seen, text):
    if [heading['text'] for heading in seen['headlines']] != [text]:
        yield 'headlines are %s' % seen['headlines']
        return
    headline, = seen['headlines']
    left, top, right, bottom = headline['box']
    if not (headline['seen'] and left >= 0 and top >= 0
            and right <= seen['width'] and bottom <= seen['height'] / 2):
        yield 'the verdict is not in the first screen'
    if headline['size'] < 20:
        yield 'the verdict is small'


def _layout_complaints(seen):
    if seen['content'] > seen['width']:
        yield 'the page is %d wide' % seen['content']
    for key in ('beyond', 'small', 'clipped', 'overlaps', 'unnamed'):
        for element in seen[key][:5]:
            yield '%s: %s' % (key, element)


def _plot_complaints(seen):
    if not all(2 <= ticks <= 9 for ticks in seen['ticks']):
        yield 'the axes have %s ticks' % seen['ticks']
    for row in seen['rows']:
        left, top, right, bottom = row['plot']
        if right - left < 200 or bottom - top < 30:
            yield '%s is small' % row['name']
        if not row['value']:
            yield '%s says nothing' % row['name']
        marks = [bar['box'] for bar in row['bars']] + row['whiskers'] + (
            row['deadlines'])
        for mark in marks:
            if (mark[0] < left - 1 or mark[1] < top - 1
                    or mark[2] > right + 1 or mark[3] > bottom + 1):
                yield '%s is drawn outside: %s' % (row['name'], mark)


def looks(row):
    """Return the looks of a row's bars that have a width."""
    return [bar['look'][-1] for bar in row['bars']
            if bar['box'][2] > bar['box'][0]]


def rows(seen):
    """Return the rows of the picture by name."""
    return {row['name']: row for row in seen['rows']}


class PictureTest(PageTestCase):
    """The picture of one run, in all windows."""

    def each(self, html, headline):
        """Yield what is seen in each window, and complain of none."""
        for width, height in WINDOWS:
            for scheme in ('light', 'dark'):
                seen = self.open(html, width, height, scheme)
                self.assertEqual([], self.complaints(seen, headline),
                                 (width, scheme))
                self.assertEqual(LINKS, [row['name']
                                         for row in seen['rows']])
                yield rows(seen)

    def test_healthy(self):
        for lanes in self.each(self.healthy(), HEALTHY):
            for link in LINKS[1:-1]:
                row = lanes[link]
                self.assertIn(looks(row)[-1], ('wait', 'work'))
                self.assertNotEqual([], row['whiskers'])
                self.assertNotEqual([], row['deadlines'])
            self.assertEqual(['old', 'silent', 'new', 'new', 'wrong'],
                             looks(lanes['answers']))
            self.assertEqual(2, len(lanes['answers']['whiskers']))
            self.assertEqual('broken', looks(lanes['fault'])[0])
            self.assertIn('injected', looks(lanes['fault']))

    def test_bars_follow_each_other(self):
        """The axis is the same for all, and time goes to the right."""
        for lanes in self.each(self.healthy(), HEALTHY):
            self.assertEqual(1, len({(lane['plot'][0], lane['plot'][2])
                                     for lane in lanes.values()}))
            ends = [lanes[link]['whiskers'][0][0] for link in (
                'alarm', 'deduction', 'workflow', 'stack', 'application')]
            self.assertEqual(sorted(ends), ends)

    def test_broken(self):
        for lanes in self.each(self.broken(), BROKEN):
            self.assertIn('missing', lanes['workflow']['classes'])
            self.assertEqual(['vain'], looks(lanes['workflow']))
            # The mark of the deadline stands where the wait ended.
            mark = lanes['workflow']['deadlines'][0]
            self.assertAlmostEqual(
                lanes['workflow']['bars'][0]['box'][2],
                (mark[0] + mark[2]) / 2, delta=1.5)
            for link in ('stack', 'application'):
                self.assertEqual([], looks(lanes[link]))
                self.assertIn('waiting', lanes[link]['classes'])
            self.assertEqual(['old', 'silent'], looks(lanes['answers']))

    def test_diagnosis(self):
        seen = self.open(self.broken())
        for text in ('vitrage-notifier', 'its log has no line',
                     'stack works on its own', 'application is unknown'):
            self.assertIn(text, seen['body'])

    def test_several(self):
        """The table comes first, and nothing is too wide."""
        for width, height in WINDOWS:
            seen = self.open(self.several(), width, height)
            self.assertEqual([], self.complaints(
                seen, '3 of 9 runs as expected'), width)
            # Who cannot be asked has no row of answers.
            self.assertEqual(7 * 9 - 1, len(seen['rows']))
            self.assertLess(seen['body'].index('UNEXPECTED_HEALING'),
                            seen['body'].index(HEALTHY))

    def test_colours(self):
        """Neither blank nor the same in the dark."""
        pictures = {}
        for scheme in ('light', 'dark'):
            self.open(self.broken(), 800, 900, scheme)
            pictures[scheme] = self.browser.screenshot()
        light, dark = (ground(pictures[scheme])
                       for scheme in ('light', 'dark'))
        self.assertGreater(min(light), 230)
        self.assertLess(max(dark), 60)
        for picture in pictures.values():
            self.assertGreater(drawn(picture), 0.02)
            self.assertLess(drawn(picture), 0.5)
            self.assertGreater(reddish(picture), 500)

    def test_print(self):
        """The page fits on paper, unfolded, white whatever the screen is."""
        seen = self.open(self.healthy(), 700, 900, 'dark', 'print')
        self.assertIn('first look with it', seen['body'])
        self.assertEqual([], list(_layout_complaints(seen)))
        self.assertEqual((255, 255, 255), ground(self.browser.screenshot()))


def ground(picture):
    """Return the colour that most of a picture has."""
    return max(_colours(picture))[1]


def drawn(picture):
    """Return the share of a picture that is not ground."""
    counts = _colours(picture)
    return 1 - max(counts)[0] / sum(count for count, _ in counts)


def reddish(picture):
    """Return how many pixels are as red as a bad verdict."""
    return sum(count for count, (red, green, blue) in _colours(picture)
               if red > 160 and red > 1.5 * max(green, blue))


def _colours(picture):
    return picture.getcolors(picture.width * picture.height)


class SabotageTest(PageTestCase):
    """What is wrong is seen: pages that are broken on purpose."""

    def check(self, expected, old, new, width=800):
        html = self.healthy()
        self.assertIn(old, html)
        seen = self.open(html.replace(old, new), width)
        complaints = self.complaints(seen, HEALTHY)
        self.addDetail('complaints',
                       content.text_content('\n'.join(complaints)))
        self.assertTrue(any(expected in complaint
                            for complaint in complaints), complaints)

    def style(self, expected, rule, width=800):
        self.check(expected, '</style>', '%s</style>' % rule, width)

    def test_no_verdict(self):
        self.check('headlines are', '<h1', '<h2')

    def test_hidden_verdict(self):
        self.style('not in the first screen', 'h1{visibility:hidden}')

    def test_late_verdict(self):
        self.style('not in the first screen', 'main{padding-top:900px}')

    def test_covered_verdict(self):
        self.style('not in the first screen',
                   'body::after{content:"";position:fixed;inset:0}')

    def test_small_verdict(self):
        self.style('the verdict is small', 'h1{font-size:12px}')

    def test_small_text(self):
        self.style('small: ', '.axis text{font-size:7px}')

    def test_too_wide(self):
        self.style('the page is', 'figcaption{width:900px}')

    def test_ids_do_not_wrap(self):
        self.style('beyond: ', '.why{white-space:nowrap}', width=360)

    def test_bar_outside(self):
        self.style('alarm is drawn outside',
                   '.alarm,.bar.wait{transform:translate(-300px,0)}')

    def test_texts_overlap(self):
        self.style('overlaps: ', '.axis text{transform:translate(0,30px)}'
                   '.label{margin-top:-12px}', width=360)

    def test_flat_plot(self):
        self.style('fault is small', '.row .plot{min-height:0;height:4px}')

    def test_no_axis(self):
        self.check('the axes have [0] ticks', '<text', '<g hidden=""')

    def test_unnamed_picture(self):
        self.check('unnamed: ', '<desc', '<desc hidden="" /><x-desc')

    def test_request(self):
        self.check('asked for http://127.0.0.1:9/x.png',
                   "default-src 'none';", 'default-src *;' + (
                       '" /><img src="http://127.0.0.1:9/x.png" alt="'))

    def test_console(self):
        self.check('Content Security Policy', '<main>',
                   '<main><img src="data:image/png;base64,AA==" alt="" />')

    def test_blank(self):
        self.open(self.healthy().replace('<main>', '<main hidden="">')
                  .replace('<footer>', '<footer hidden="">'))
        self.assertEqual(0, drawn(self.browser.screenshot()))

    def test_no_dark_mode(self):
        self.open(self.healthy().replace('prefers-color-scheme: dark',
                                         'prefers-color-scheme: none'),
                  scheme='dark')
        self.assertGreater(min(ground(self.browser.screenshot())), 230)
