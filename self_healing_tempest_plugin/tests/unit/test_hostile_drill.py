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

"""Drills in a hostile world: interrupted, or spoiled when all is over."""

import contextlib
import os
import signal

from testtools import content

from self_healing_tempest_plugin.tests.unit import fake_cloud
from self_healing_tempest_plugin.tests.unit import ready_processes
from self_healing_tempest_plugin.tests.unit import test_drill
from self_healing_tempest_plugin import waiting


class InterruptedTest(test_drill.DrillTestCase):
    """A run that does not reach its end has no verdict but INVALID."""

    @contextlib.contextmanager
    def running(self, **environment):
        """Start the scenario, and wait until the host is off."""
        config = os.path.join(self.directory, 'tempest.conf')
        self.write(config, 'true', {'alarm_timeout': '60'})
        with ready_processes.Process(
                'testtools.run', self.test, merged=True,
                environment=dict(
                    os.environ, TEMPEST_CONFIG_DIR=self.directory,
                    TEMPEST_CONFIG='tempest.conf', **environment)) as run:
            try:
                waiting.wait_for(
                    lambda: self.cloud.asked('GET', '/executions')
                    and os.path.exists(self.off) or run.poll() is not None,
                    what='the fault', timeout=60, interval=0.05)
                yield run
                output = run.communicate(timeout=90)[0]
            finally:
                run.kill()
        self.addDetail('tempest', content.text_content(output))

    def invalid(self, why):
        document = self.document()
        self.assertEqual(
            ('INVALID', None, 'the watch ended early: %s' % why),
            tuple(document['verdict'][key] for key in ('kind', 'link',
                                                       'why')))
        self.assertEqual((why, None), (document['ended'],
                                       document['concluded']))
        self.assertFalse(os.path.exists(self.off))
        self.assertEqual((), self.journal.open_entries())

    def test_by_the_operator(self):
        """Ctrl-C after the fault: nothing is said of the cloud."""
        self.chain.start(())
        with self.running() as run:
            run.send_signal(signal.SIGINT)
        self.assertNotEqual(0, run.returncode)
        self.invalid('it was interrupted')

    def test_by_the_time_of_the_test(self):
        self.chain.start(())
        with self.running(OS_TEST_TIMEOUT='3'):
            pass
        self.invalid('the time of the test was over (OS_TEST_TIMEOUT)')


class AfterwardsTest(test_drill.DrillTestCase):
    """What comes after the conclusion changes nothing."""

    def healed(self, **options):
        run = self.tempest(**options)
        self.assertEqual(0, run.returncode, run.stdout)
        return run

    def test_nova_is_away(self):
        """Nova answers 503 for a while, when the application is back."""
        self.chain.start(test_drill.LINKS)
        services, left = self.cloud.list_services, [3]

        def away(query, body):
            if (self.cloud.answer or ('',))[0] == fake_cloud.NEW_SERVER and (
                    left[0]):
                left[0] -= 1
                return 503, {'description': 'away'}, {}
            return services(query, body)

        self.cloud.list_services = away
        self.healed()
        self.assertEqual(0, left[0])
        self.assertEqual('HEALED', self.document()['verdict']['kind'])

    def test_nothing_can_be_written(self):
        """The directory of the artifacts is none: the verdict stands."""
        self.chain.start(test_drill.LINKS)
        path = os.path.join(self.directory, 'file')
        with open(path, 'w', encoding='utf-8'):
            pass
        self.healed(artifacts_dir=os.path.join(path, 'below'))
        with open(os.path.join(self.directory, 'log'),
                  encoding='utf-8') as log:
            text = log.read()
        self.assertIn('HEALED: by this chain', text)
        self.assertIn('The artifacts of this run are not complete', text)

    def test_nothing_can_be_written_of_a_broken_one(self):
        """The verdict is told all the same, in the failure."""
        self.chain.start(('alarm', 'deduction'))
        path = os.path.join(self.directory, 'file')
        with open(path, 'w', encoding='utf-8'):
            pass
        run = self.tempest(artifacts_dir=os.path.join(path, 'below'))
        self.assertEqual(1, run.returncode)
        self.assertIn('BROKEN at link workflow', run.stdout)
        self.assertIn('Not all of this run is in [self_healing] '
                      'artifacts_dir', run.stdout)
