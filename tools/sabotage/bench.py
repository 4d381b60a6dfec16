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

"""The lab, and all that a case is run with."""

import contextlib
import json
import shutil
import signal
import subprocess
import time

from tools.lab.fingerprint import taking
from tools.lab import labs
from tools.sabotage import breakages
from tools.sabotage import judging
from tools.sabotage import remains
from tools.sabotage import results

SCENARIO = 'tools.sabotage.scenario.SabotageTest'

#: Seconds that a case's clean-up may take when it is interrupted.
CLEAN_UP = 180
#: Seconds that the lab is given to be what it was.
SETTLE = 120
#: Options for all cases: what the old guest does when its host is back is the
#: matter of one case only, which sets its own time.
OPTIONS = {'return_watch_time': '1'}


class Bench:
    """Where cases are run, one after the other."""

    def __init__(self, lab):
        """Bring the lab in order, and learn what it is like.

        :param lab: :class:`tools.lab.labs.Lab`
        """
        self._lab = lab
        self._notes = breakages.Notes(lab)
        self.tidy()
        self._before = labs.wait(
            self._at_rest, 'the lab at rest: every host up, no stack, no '
            'alert, nothing that changes', SETTLE)

    def run(self, case, number):
        """Run a case.

        :param case: :class:`.case.Case`
        :param number: of the round
        :returns: :class:`.results.Result`
        """
        begin = time.monotonic()
        artifacts = self._lab.artifacts / 'sabotage' / (
            '%s-%d' % (case.name, number))
        shutil.rmtree(artifacts, ignore_errors=True)
        artifacts.mkdir(parents=True)
        try:
            code = self._drill(case, artifacts)
        except KeyboardInterrupt:
            print('\n'.join(['interrupted, undoing', *self.tidy()]),
                  flush=True)
            raise
        report, *others = read_reports(artifacts) or [{}]
        output = (artifacts / 'output.log').read_text(errors='replace')
        problems = [
            *judging.judge(case, code, report, output),
            *judging.judge_others(case, others),
            *('not undone: %s' % note for note in self._notes.left())]
        if problems:
            problems.extend(self.tidy())
        problems.extend(taking.settle(self._lab, self._before, SETTLE)[1])
        return results.Result(
            case, number, report.get('verdict'), report.get('diagnosis'),
            time.monotonic() - begin, tuple(problems))

    def tidy(self):
        """Take back what a run has left that did not come to its end.

        :returns: what could not be taken back, as a list of text
        """
        done = self._lab.workspace.revert(judging.RUN)
        problems = self._notes.undo_all() + remains.remove(self._lab)
        if done.returncode:
            problems.append('revert: %s' % done.stdout[-500:])
        return problems

    def _at_rest(self):
        """Return the fingerprint of the lab, None when it is not at rest."""
        taken = taking.take(self._lab)
        up = all(service == {'state': 'up', 'status': 'enabled',
                             'forced_down': False}
                 for service in taken['nova services'].values())
        if not up or taken['stacks'] or any(taken['alerts'].values()):
            return None
        changed = taking.settle(self._lab, taken, 0)[1]
        return None if changed else taken

    def _drill(self, case, artifacts):
        """Run the scenario; return its exit code, None without an end."""
        workspace = self._lab.workspace
        environment = workspace.configure(artifacts, {
            **OPTIONS, **case.settings, 'artifacts_dir': str(artifacts)})
        environment.update(LAB_DIR=str(self._lab.directory),
                           SABOTAGE_CASE=case.name)
        with (artifacts / 'output.log').open('w') as output:
            process = workspace.start(
                [workspace.program('python'), '-m', 'testtools.run',
                 SCENARIO], output, environment)
            with ended(process):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(judging.RUN)
        return None


@contextlib.contextmanager
def ended(process):
    """Interrupt a process at the end of the ``with``; it cleans up then."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(CLEAN_UP)
            finally:
                process.kill()
                process.wait()


def read_reports(artifacts):
    """Return the reports of a run, first one that is not as expected.

    :param artifacts: directory that it has left them in
    :returns: list of dicts, empty where there is none
    """
    documents = [json.loads(path.read_text('utf-8'))
                 for path in sorted(artifacts.glob('*.json'))]
    return sorted((document for document in documents
                   if 'verdict' in document),
                  key=lambda document: document['verdict']['good'])
