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

import base64
import json
import pathlib
import re
import ssl
from urllib import request

from tools.lab import errors

#: The metric that tells when a program has read its file, by its kind.
RELOADED = {
    'prometheus': 'prometheus_config_last_reload_success_timestamp_seconds',
    'alertmanager':
        'alertmanager_config_last_reload_success_timestamp_seconds'}


class Monitor:
    """Prometheus and Alertmanager, to be asked."""

    def __init__(self, path, timeout):
        """Take where they are; nothing is asked yet.

        :param path: of the lab's monitors.json: by program its kind, a key of
            :data:`RELOADED`, its url, and what it wants of who asks: ca_file,
            username and password_file
        :param timeout: seconds that one request may take
        :raises LabDown: when there is no such file
        """
        try:
            self._programs = json.loads(path.read_text())
        except FileNotFoundError as error:
            raise errors.LabDown(
                '%s is missing: "up" writes it' % path) from error
        self._timeout = timeout

    def programs(self, kind):
        """Return the names of the programs of a kind, of which it has one.

        :param kind: a key of :data:`RELOADED`
        """
        return [name for name, program in self._programs.items()
                if program['kind'] == kind]

    def ask(self, program, path, body=None):
        """Ask one of the programs.

        :param program: its name
        :param body: what is posted as JSON; None: nothing is posted
        :returns: the answer as text
        :raises LabError: when there is none
        """
        access = self._programs[program]
        data = None if body is None else json.dumps(body).encode()
        url = access['url'] + path
        try:
            asked = request.Request(url, data, {
                'Content-Type': 'application/json', **_authorization(access)})
            # A proxy of the environment does not know the lab.
            opener = request.build_opener(
                request.ProxyHandler({}), *_verifying(access))
            with opener.open(asked, timeout=self._timeout) as response:
                return response.read().decode()
        except (OSError, ValueError) as error:
            raise errors.LabError('%s: %s' % (url, error)) from error

    def alerts(self):
        """Return the alerts that each of them has, pending ones too.

        :returns: dict of the program to a list, as its API has them
        """
        return {name: self._alerts(name, program['kind'])
                for name, program in self._programs.items()}

    def reloaded(self, program):
        """Return when a program has read its file, in seconds since 1970."""
        metrics = self.ask(program, '/metrics')
        return float(re.search(
            r'^%s (\S+)$' % RELOADED[self._programs[program]['kind']],
            metrics, re.MULTILINE).group(1))

    def _alerts(self, program, kind):
        if kind == 'prometheus':
            return self._document(program, '/api/v1/alerts')['data']['alerts']
        return self._document(program, '/api/v2/alerts')

    def _document(self, program, path):
        try:
            return json.loads(self.ask(program, path))
        except ValueError as error:
            raise errors.LabError('%s: %s' % (program, error)) from error


def _authorization(access):
    """Return the header that shows who asks, nothing where nobody wants it."""
    if 'username' not in access:
        return {}
    password = pathlib.Path(access['password_file']).read_text().strip()
    pair = '%s:%s' % (access['username'], password)
    return {'Authorization': 'Basic %s' % base64.b64encode(
        pair.encode()).decode()}


def _verifying(access):
    if 'ca_file' not in access:
        return ()
    return (request.HTTPSHandler(context=ssl.create_default_context(
        cafile=access['ca_file'])),)
