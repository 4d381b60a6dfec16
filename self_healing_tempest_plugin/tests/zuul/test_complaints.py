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

"""Our checks have nothing to complain of, and notice what they are for."""

import pathlib
import re
import shutil

import fixtures
import testtools

from self_healing_tempest_plugin.tests.zuul import broken
from self_healing_tempest_plugin.tests.zuul import complaints
from self_healing_tempest_plugin.tests.zuul import layout as layouts


class ComplaintsTest(testtools.TestCase):
    """Structure of our jobs, beyond what Zuul itself looks at."""

    def test_ours(self):
        """There is nothing to complain of."""
        self.assertEqual([], complaints.all_complaints(layouts.ours()))

    def test_broken(self):
        """Each variant is complained of, by its own check and no other."""
        for name, variant in broken.STRUCTURE:
            layout = layouts.ours().changed(
                variant.change, self.repository(variant.files))
            told = complaints.all_complaints(layout)
            said = '%s: %s' % (variant.name, told)
            self.assertNotEqual([], told, said)
            self.assertIsNotNone(re.search(variant.complaint, told[0]), said)
            self.assertEqual(told, getattr(complaints, name)(layout), said)

    def repository(self, files):
        """Return the root of a copy with other files, None without any."""
        if not files:
            return None
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for name in ('playbooks', 'roles'):
            shutil.copytree(layouts.ROOT / name, root / name)
        for name, text in files.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text)
        return root

    def test_every_check_is_proven(self):
        """No check is there that nothing can fail."""
        self.assertEqual(
            {check.__name__ for check in complaints.CHECKS},
            {name for name, _ in broken.STRUCTURE})


class LayoutTest(testtools.TestCase):
    """How jobs inherit, as Zuul does it."""

    def setUp(self):
        super().setUp()
        self.layout = layouts.Layout(
            [{'job': {'name': 'child', 'parent': 'parent', 'vars': {
                'a': {'x': 1}, 'b': 2}, 'required-projects': ['p/two']}},
             {'job': {'name': 'parent', 'timeout': 5, 'vars': {
                 'a': {'x': 0, 'y': 0}}, 'required-projects': [
                     {'name': 'p/one'}]}}],
            around=layouts.Surroundings((), {}))

    def test_inheritance(self):
        job = self.layout.job('child')
        self.assertEqual({'a': {'x': 1, 'y': 0}, 'b': 2}, job.merged('vars'))
        self.assertEqual(5, job.get('timeout'))
        self.assertEqual(['p/one', 'p/two'], job.projects())
        self.assertIsNone(self.layout.job('nobody'))

    def test_no_change_of_the_original(self):
        changed = self.layout.changed(lambda items: items.clear())
        self.assertEqual([], changed.jobs())
        self.assertEqual(2, len(self.layout.jobs()))
