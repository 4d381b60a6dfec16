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

"""Pictures of the report for the documentation, from the JSON of real runs.

It runs in the environment of "tox -e browser", with Debian's chromium and
chromium-driver::

    .tox/browser/bin/python tools/measure report_pictures \
        doc/source/user/images/report-healthy.png RUN.json...

A picture shows the page from its top to the end of the diagnosis, or of the
chart where there is none, in the few colours that it has.
"""

import argparse
import os
import pathlib
import sys
import tempfile

from PIL import Image

from self_healing_tempest_plugin.report import loading
from self_healing_tempest_plugin.report import page
from self_healing_tempest_plugin.report import statistics
from self_healing_tempest_plugin.tests.browser import browser

# Bytes that a picture in a repository may have.
LARGEST = 200 * 1024

COLOURS = 256
MARGIN = 24


def main(arguments=None):
    """Make one picture; returns the exit code."""
    options = parse(arguments)
    try:
        runs, _ = loading.read_all(options.files)
    except loading.BadDocument as error:
        print(error, file=sys.stderr)
        return 2
    steps = statistics.of(runs, {})
    html = page.html(runs, steps if any(
        step.n > 1 for step in steps) else ())
    picture = photograph(html, options.width, options.dark)
    # The colours of the page are few and far apart; dithering would cost.
    os.makedirs(options.picture.parent, exist_ok=True)
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE,
                     dither=Image.Dither.NONE).save(
        options.picture, optimize=True)
    size = options.picture.stat().st_size
    print('%s: %d x %d, %d bytes' % (options.picture, *picture.size, size))
    if size > LARGEST:
        print('more than %d bytes' % LARGEST, file=sys.stderr)
        return 1
    return 0


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tools/measure report_pictures',
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('picture', type=pathlib.Path, metavar='PICTURE.png')
    parser.add_argument('files', nargs='+', metavar='RUN.json')
    parser.add_argument('--width', type=int, default=1180,
                        help='of the window, in pixels')
    parser.add_argument('--dark', action='store_true',
                        help='as those see it who prefer it dark')
    return parser.parse_args(arguments)


def photograph(html, width, dark):
    """Return the top of a page as a Pillow image."""
    with tempfile.TemporaryDirectory() as directory, (
            browser.Browser()) as chromium:
        path = pathlib.Path(directory, 'index.html')
        path.write_text(html, 'utf-8')
        chromium.open(path, width, 900, 'dark' if dark else 'light')
        return chromium.screenshot(
            chromium.end_of('.diagnosis', '.chart') + MARGIN)
