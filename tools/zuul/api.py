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

"""Zuul's web API, as far as it is asked."""

import requests

from tools import waiting
from tools.zuul import places as where

#: Seconds that one request may take, and Zuul to load its tenant.
_TIMEOUT, _LOADING = 120, 300


class ApiError(Exception):
    """Zuul gave no answer, or a wrong one."""


class Api:
    """The API of Zuul, for its one tenant."""

    def __init__(self, ports):
        """Take where it is; nothing is asked yet.

        :param ports: :class:`.places.Ports`
        """
        self.url = 'http://%s:%d' % (where.ADDRESS, ports.web)

    def get(self, path, **params):
        """Return the answer to a request.

        :param path: below the tenant
        :raises ApiError: when there is none
        """
        url = '%s/api/tenant/%s/%s' % (self.url, where.TENANT, path)
        try:
            answer = requests.get(url, params=params, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise ApiError('%s: %s' % (url, error)) from None
        if answer.status_code != 200:
            raise ApiError('%s: HTTP %d' % (url, answer.status_code))
        return answer.json()

    def wait(self, processes):
        """Wait until the tenant is loaded.

        :param processes: :class:`.processes.Processes`, which must run
        :returns: the errors in its configuration, as a list
        """
        def errors():
            processes.check()
            try:
                return [self.get('config-errors')]
            except ApiError:
                return None
        return waiting.until(errors, 'Zuul to load its tenant', _LOADING)[0]

    def frozen(self, pipeline, job):
        """Return a job as it would run for our project.

        :param pipeline: name of a pipeline that it is in
        :param job: its name
        """
        return self.get(self._frozen(pipeline) + 'freeze-job/' + job)

    def jobs(self, pipeline):
        """Return the names of our jobs in a pipeline, as a list."""
        jobs = self.get(self._frozen(pipeline) + 'freeze-jobs')
        return [job['name'] for job in jobs]

    @staticmethod
    def _frozen(pipeline):
        return 'pipeline/%s/project/%s/branch/master/' % (
            pipeline, where.PROJECT)

    def build(self, job, pipeline):
        """Return the newest build of a job in a pipeline, or None."""
        builds = self.get('builds', job_name=job, pipeline=pipeline,
                          project=where.PROJECT, limit=1)
        return next(iter(builds), None)

    def running(self, pipeline):
        """Return the jobs of a pipeline that run, as text for people."""
        status = self.get('status')
        return ', '.join(
            '%s %s' % (job['name'], job['result'] or (
                'runs' if job['start_time'] else 'waits'))
            for shown in status['pipelines'] if shown['name'] == pipeline
            for queue in shown['change_queues'] for head in queue['heads']
            for item in head for job in item['jobs'])
