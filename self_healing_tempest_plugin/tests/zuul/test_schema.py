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

"""Keys and types of our configuration, by the schemas of Zuul itself."""

import copy

import testtools
import voluptuous
from zuul import configloader

from self_healing_tempest_plugin.tests.zuul import broken
from self_healing_tempest_plugin.tests.zuul import layout as layouts

# The schemas need nothing of the context that their parsers are handed.
_CONTEXT = None


def validate(items):
    """Check what a configuration holds.

    :param items: list of ``{kind: definition}``
    :returns: how many definitions were checked
    :raises voluptuous.Invalid: for the first one that is wrong
    :raises KeyError: for a kind that there is not here
    """
    nodesets = configloader.NodeSetParser(_CONTEXT)
    schemas = {
        'job': configloader.JobParser.schema,
        'nodeset': nodesets.schema,
        'project': configloader.ProjectParser(_CONTEXT).schema,
        'project-template':
            configloader.ProjectTemplateParser(_CONTEXT).schema,
    }
    for item in items:
        (kind, definition), = item.items()
        schemas[kind](definition)
        if isinstance(definition.get('nodeset'), dict):
            nodesets.anon_schema(definition['nodeset'])
    return len(items)


class SchemaTest(testtools.TestCase):
    """Zuul would take our files, as far as their form goes."""

    def test_ours(self):
        self.assertEqual(5, validate(layouts.ours().items))

    def test_surroundings(self):
        """What stands in for other projects is no worse."""
        # What a pipeline may hold depends on Zuul's connections.
        self.assertNotEqual(0, validate([
            item for item in layouts.surroundings().items
            if 'pipeline' not in item]))

    def broken(self, change):
        items = copy.deepcopy(layouts.ours().items)
        change(items)
        return self.assertRaises(voluptuous.Invalid, validate, items)

    def test_unknown_key(self):
        """A key that is misspelt is named."""
        error = self.broken(broken.job(broken.LAB, run_pre='x.yaml'))
        self.assertIn("extra keys not allowed @ data['run-pre']", str(error))

    def test_wrong_type(self):
        """So is a value of another type."""
        error = self.broken(broken.job(broken.LAB, timeout='an hour'))
        self.assertIn("data['timeout']", str(error))

    def test_wrong_nodeset(self):
        """Nodes have labels, also where a job names them itself."""
        error = self.broken(broken.job(
            broken.LAB, nodeset={'nodes': [{'name': 'lab'}]}))
        self.assertIn("data['nodes']", str(error))

    def test_wrong_project(self):
        """A list of jobs is a list of names."""
        error = self.broken(broken.project(
            lambda stanza: stanza['check'].update(jobs=[7])))
        self.assertIn("data['check']", str(error))
