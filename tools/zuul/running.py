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

"""The timer of the periodic pipeline starts a job on the static node."""

import contextlib
import json

import requests
import yaml

from tools import logs
from tools import waiting

PIPELINE = 'periodic'
REPORT = 'self_healing_report'

_PIPELINES = 'zuul.d/pipelines.yaml'
_PROJECT = 'zuul.d/project.yaml'
#: Every ten seconds. A buildset that is in the pipeline is not put there a
#: second time.
_SOON = '* * * * * */10'
#: Seconds until Zuul has read a change of its configuration, until the timer
#: has started the job, and between two looks at it.
_RECONFIGURATION, _TIMER, _LOOK = 180, 240, 5
#: Seconds that the web server of the logs may take.
_LOGS = 30
#: How much of the output of a build is shown.
_LINES = 40


class RunError(Exception):
    """The job did not do what it must."""


def limit(repository, job):
    """Let the periodic pipeline of our project have one job.

    The others need nodes that there are not here.

    :param repository: ours, a :class:`.repositories.Repository`
    :param job: its name
    """
    items = yaml.safe_load((repository.tree / _PROJECT).read_text())
    for item in items:
        item['project'][PIPELINE]['jobs'] = [job]
    repository.commit('One periodic job', {_PROJECT: yaml.safe_dump(items)})


@contextlib.contextmanager
def hurry(repository):
    """Let the timer of the periodic pipeline come soon, until the end.

    After that it is as before: the job is not started again.

    :param repository: of project-config, see :func:`limit`
    """
    before = (repository.tree / _PIPELINES).read_text()
    items = yaml.safe_load(before)
    for item in items:
        if item['pipeline']['name'] == PIPELINE:
            item['pipeline']['trigger']['timer'] = [{'time': _SOON}]
    repository.commit('Soon', {_PIPELINES: yaml.safe_dump(items)})
    yield
    repository.commit('As before', {_PIPELINES: before})


def run(api, processes, repositories, job, seconds, say):
    """Let the timer start a job, and wait for its end.

    :param api: :class:`.api.Api`
    :param processes: :class:`.processes.Processes`
    :param repositories: of our project and of project-config, see
        :func:`limit`
    :param job: its name
    :param seconds: that it may take
    :param say: prints a line
    :returns: the build, as Zuul's API has it
    :raises RunError: when it fails, or leaves no report
    """
    limit(repositories[0], job)
    waiting.until(lambda: api.jobs(PIPELINE) == [job],
                  'Zuul to know of one periodic job', _RECONFIGURATION)
    with hurry(repositories[1]):
        waiting.until(lambda: api.running(PIPELINE), 'the timer of %s'
                      % PIPELINE, _TIMER)
    say('the timer of %s has started %s' % (PIPELINE, job))
    return waiting.until(
        _Watch(api, processes, job, say), 'the end of %s' % job, seconds,
        _LOOK)


class _Watch:
    """Tells what is new of a build; returns it when it has ended."""

    def __init__(self, api, processes, job, say):
        self._api, self._processes, self._job = api, processes, job
        self._say, self._last = say, None

    def __call__(self):
        self._processes.check()
        now = self._api.running(PIPELINE)
        if now and now != self._last:
            self._say(now)
            self._last = now
        build = self._api.build(self._job, PIPELINE)
        return build if build and build['result'] else None


def examine(build, places):
    """Look whether a build has succeeded, and its report is there.

    :param build: as Zuul's API has it
    :param places: :class:`.places.Places`
    :returns: the URL of the report
    :raises RunError: when one of these is not so
    """
    (places.result / 'build.json').write_text(json.dumps(build, indent=2))
    if build['result'] != 'SUCCESS':
        raise RunError('%s: %s\n%s' % (
            build['job_name'], build['result'], _end(build, places)))
    reports = [artifact['url'] for artifact in build['artifacts']
               if (artifact.get('metadata') or {}).get('type') == REPORT]
    if len(reports) != 1:
        raise RunError('%s has %d reports among its artifacts: %s' % (
            build['job_name'], len(reports), build['artifacts']))
    answer = requests.get(reports[0], timeout=_LOGS)
    if answer.status_code != 200 or '<!doctype html' not in answer.text[
            :100].lower():
        raise RunError('%s is no page: HTTP %d' % (
            reports[0], answer.status_code))
    return reports[0]


def _end(build, places):
    """Return the last lines of the output of a build, as text."""
    path = places.builds / build['uuid'] / 'job-output.txt'
    if not path.exists():
        return 'It has left no output; see %s.' % places.log
    return logs.end(path, _LINES)
