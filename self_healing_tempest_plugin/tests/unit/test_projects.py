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

from tempest.lib import auth

from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin import projects
from self_healing_tempest_plugin.tests.unit import host_samples

MEMBER = auth.KeystoneV3Credentials(
    username='m', password='p', project_name='tempest-member',
    project_id='p2', user_id='u2')


class MadeTest(host_samples.JournalTestCase):
    """projects.planned(), projects.made() and projects.unmade()."""

    def stack(self, project):
        """Write down a stack that is about to be created."""
        planned = journals.Object(plans.new_id(), 'stack', 'app',
                                  {'project': project})
        self.journal.plan_object(planned)
        return planned.id

    def unmade(self, made):
        """Return how often Tempest was to delete what it had made."""
        deletions = []
        projects.unmade(made, self.journal, lambda: deletions.append(1), None)
        return len(deletions)

    def made(self):
        """Return the entry of what Tempest has made."""
        made = projects.planned('tempest-member', self.journal)
        projects.made(made, MEMBER, self.journal)
        return made

    def test_deleted(self):
        made = self.made()
        self.stack('p3')
        self.assertEqual(1, self.unmade(made))
        self.assertNotIn(made, [entry.id for entry
                                in self.journal.open_entries()])

    def test_stack_that_stays(self):
        """Nobody could get at what is left in a project that is gone."""
        made = self.made()
        stack = self.stack('p2')
        self.assertEqual(0, self.unmade(made))
        self.assertEqual([stack, made], [
            entry.id for entry in self.journal.open_entries()])
        self.journal.record(stack, journals.State.REMOVED)
        self.assertEqual(1, self.unmade(made))
        self.assertEqual((), self.journal.open_entries())

    def test_deletion_that_fails(self):
        """It is there still, for whoever takes back what was left."""
        made = self.made()

        def fail():
            raise RuntimeError

        self.assertRaises(RuntimeError, projects.unmade, made, self.journal,
                          fail, None)
        self.assertEqual([made], [entry.id for entry
                                  in self.journal.open_entries()])
