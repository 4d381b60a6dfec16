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

"""A page as Chromium shows it: what is seen, asked for and complained of."""

import base64
import io
import json
import os
import pathlib
import shutil

import fixtures
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome import service

ARGUMENTS = (
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--hide-scrollbars')

LOOK = pathlib.Path(__file__).with_name('look.js')


class Browser(fixtures.Fixture):
    """Chromium without a window, gone at the end."""

    def _setUp(self):
        options = webdriver.ChromeOptions()
        options.binary_location = _installed('chromium')
        profile = self.useFixture(fixtures.TempDir()).path
        for argument in (*ARGUMENTS, '--user-data-dir=%s' % profile):
            options.add_argument(argument)
        options.set_capability('goog:loggingPrefs', {
            'browser': 'ALL', 'performance': 'ALL'})
        self._driver = webdriver.Chrome(
            options=options,
            service=service.Service(_installed('chromedriver')))
        self.addCleanup(self._driver.quit)

    def open(self, path, width, height, scheme='light', media='screen'):
        """Open a file.

        :param width: of the window, in pixels
        :param height: of the window, in pixels
        :param scheme: ``light`` or ``dark``, what the user prefers
        :param media: ``screen`` or ``print``
        """
        self._driver.get('about:blank')
        for kind in ('browser', 'performance'):
            self._driver.get_log(kind)
        self._do('Emulation.setDeviceMetricsOverride', width=width,
                 height=height, deviceScaleFactor=1, mobile=False)
        self._do('Emulation.setEmulatedMedia', media=media, features=[
            {'name': 'prefers-color-scheme', 'value': scheme}])
        self._driver.get(pathlib.Path(path).as_uri())

    def look(self):
        """Return what ``look.js`` sees, as a dict."""
        return self._driver.execute_script(LOOK.read_text('utf-8'))

    def end_of(self, *selectors):
        """Return where the first element ends that is there, in pixels.

        :param selectors: of CSS, in the order of preference
        """
        return self._driver.execute_script(
            'const element = arguments[0].map((selector) =>'
            ' document.querySelector(selector)).find(Boolean);'
            'return element.getBoundingClientRect().bottom + scrollY;',
            selectors)

    def complaints(self):
        """Return what stands in the console, as lines."""
        return [entry['message'] for entry in self._driver.get_log('browser')]

    def requests(self):
        """Return the addresses that were asked for, the page's too."""
        messages = [json.loads(entry['message'])['message']
                    for entry in self._driver.get_log('performance')]
        return [message['params']['request']['url'] for message in messages
                if message['method'] == 'Network.requestWillBeSent']

    def screenshot(self, height=None):
        """Return a picture of what is in the window.

        :param height: pixels from the top of the page; None: the window
        :returns: a Pillow image
        """
        clip = {} if height is None else {
            'captureBeyondViewport': True, 'clip': {
                'x': 0, 'y': 0, 'scale': 1, 'height': height,
                'width': self._driver.execute_script(
                    'return innerWidth')}}
        shot = self._do('Page.captureScreenshot', format='png', **clip)
        return Image.open(io.BytesIO(base64.b64decode(shot['data']))
                          ).convert('RGB')

    def _do(self, command, **arguments):
        return self._driver.execute_cdp_cmd(command, arguments)


def _installed(program):
    path = shutil.which(program)
    if path is None or not os.access(path, os.X_OK):
        raise RuntimeError('%s is not installed: see bindep.txt, profile '
                           '"browser"' % program)
    return path
