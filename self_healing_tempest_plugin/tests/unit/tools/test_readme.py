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

"""``tools/README.rst`` says what is where."""

import testtools

import tools

DIRECTORY = tools.SOURCE / 'tools'


class ReadmeTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.text = (DIRECTORY / 'README.rst').read_text()

    def test_modules(self):
        """Each is named, but for what every product has."""
        for path in DIRECTORY.rglob('*.py'):
            if path.stem not in ('__init__', '__main__', 'command'):
                self.assertTrue(
                    '``%s``' % path.name in self.text
                    or 'tools/measure %s' % path.stem in self.text,
                    '%s is not named' % path)

    def test_products(self):
        """Each has a heading, and can be run."""
        for path in DIRECTORY.iterdir():
            if path.is_dir() and path.name != '__pycache__':
                self.assertIn('\n``%s/``\n===' % path.name, self.text)
                self.assertTrue((path / '__main__.py').exists(), path)
