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

"""Prometheus and Alertmanager of a lab, asked over HTTP."""

import json
import re
from urllib import request

from tools.lab import errors

#: Program to the port that it listens at on the controller.
PORTS = {'prometheus': 9090, 'alertmanager': 9093}
#: The metric that tells when a program has read its file, by program.
RELOADED = {
    'prometheus': 'prometheus_config_last_reload_success_timestamp_seconds',
    'alertmanager':
        'alertmanager_config_last_reload_success_timestamp_seconds'}


class Monitor:
    """Prometheus and Alertmanager, to be asked."""

    def __init__(self, address, timeout):
        """Take their address; nothing is asked yet.

        :param address: of the controller
        :param timeout: seconds that one request may take
        """
        self._address, self._timeout = address, timeout

    def ask(self, program, path, body=None):
        """Ask one of the two programs.

        :param program: a key of :data:`PORTS`
        :param body: what is posted as JSON; None: nothing is posted
        :returns: the answer as text
        :raises LabError: when there is none
        """
        data = None if body is None else json.dumps(body).encode()
        asked = request.Request(
            'http://%s:%d%s' % (self._address, PORTS[program], path), data,
            {'Content-Type': 'application/json'})
        # A proxy of the environment does not know the lab.
        opener = request.build_opener(request.ProxyHandler({}))
        try:
            with opener.open(asked, timeout=self._timeout) as response:
                return response.read().decode()
        except (OSError, ValueError) as error:
            raise errors.LabError('%s: %s' % (
                asked.full_url, error)) from error

    def alerts(self):
        """Return the alerts that each of them has, pending ones too.

        :returns: dict of the program to a list, as its API has them
        """
        rules = self._document('prometheus', '/api/v1/alerts')
        return {'prometheus': rules['data']['alerts'],
                'alertmanager': self._document('alertmanager',
                                               '/api/v2/alerts')}

    def reloaded(self, program):
        """Return when a program has read its file, in seconds since 1970."""
        metrics = self.ask(program, '/metrics')
        return float(re.search(r'^%s (\S+)$' % RELOADED[program], metrics,
                               re.MULTILINE).group(1))

    def _document(self, program, path):
        try:
            return json.loads(self.ask(program, path))
        except ValueError as error:
            raise errors.LabError('%s: %s' % (program, error)) from error
