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

"""The hands on the lab: its services, its controller, its files."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
from urllib import parse
from urllib import request

from keystoneauth1 import exceptions as keystone_exceptions
from openstack import config as openstack_config

from tools import waiting

#: Where the supervisors' sockets are: lab_run_dir of the playbooks.
RUN_DIR = pathlib.Path('/run/shl')
#: Seconds that one command or one request may take.
TIMEOUT = 60
#: Nova 2.53: its services have UUIDs. Nova 2.74: a server can name its host.
COMPUTE_VERSION = 'compute 2.74'
#: Ports of the monitor on the controller.
PROMETHEUS, ALERTMANAGER = 9090, 9093
#: The metric that tells when a program has read its file, by program.
RELOADED = {
    'prometheus': 'prometheus_config_last_reload_success_timestamp_seconds',
    'alertmanager':
        'alertmanager_config_last_reload_success_timestamp_seconds'}
PORTS = {'prometheus': PROMETHEUS, 'alertmanager': ALERTMANAGER}


class LabError(Exception):
    """The lab did not do what it was asked for."""


def wait(observe, what, seconds=TIMEOUT, interval=0.3):
    """Ask until the answer is true, once more at the deadline.

    :param observe: asks; called without arguments
    :param what: what is waited for, for the message
    :param seconds: until the last question
    :param interval: seconds between two questions
    :returns: the answer
    :raises LabError: when it did not come
    """
    try:
        return waiting.until(observe, what, seconds, interval)
    except waiting.TimeUp:
        raise LabError('%s: not seen in %g s' % (what, seconds)) from None


class Lab:
    """A lab that runs.

    :ivar etc: the controller's /etc
    :ivar state: what outlives a run is kept here
    """

    def __init__(self, directory):
        """Take the lab.

        :param directory: of the lab, a :class:`pathlib.Path`
        """
        self.directory = directory
        self.etc = directory / 'hosts' / 'controller' / 'etc'
        self.state = directory / 'state'
        self.state.mkdir(mode=0o700, exist_ok=True)
        region = openstack_config.OpenStackConfig(
            config_files=[str(directory / 'clouds.yaml')],
            load_envvars=False).get_one('lab', api_timeout=TIMEOUT)
        self.controller = parse.urlsplit(
            region.get_auth_args()['auth_url']).hostname
        self._session = region.get_session()

    def ask(self, service, path, method='GET', **options):
        """Ask a service of OpenStack as administrator.

        :param service: its type in the catalog
        :param path: after the address in the catalog
        :param options: of :meth:`keystoneauth1.session.Session.request`
        :returns: what the JSON of the answer says, None where it has none
        :raises LabError: when it refuses
        """
        headers = {'OpenStack-API-Version': COMPUTE_VERSION,
                   **options.pop('headers', {})}
        try:
            answer = self._session.request(
                path, method, headers=headers,
                endpoint_filter={'service_type': service}, **options)
        except keystone_exceptions.ClientException as error:
            raise LabError('%s %s %s: %s' % (
                service, method, path, error)) from error
        try:
            return answer.json()
        except ValueError:
            return None

    def insist(self, *question, **options):
        """Ask a service until it does not refuse, see :meth:`ask`."""
        def ask():
            with contextlib.suppress(LabError):
                self.ask(*question, **options)
                return True

        wait(ask, 'no refusal of %s' % ' '.join(question), interval=1)

    def ask_monitor(self, program, path, body=None):
        """Ask Prometheus or Alertmanager.

        :param body: what is posted as JSON; None: nothing is posted
        :returns: the answer as text
        """
        data = None if body is None else json.dumps(body).encode()
        asked = request.Request(
            'http://%s:%d%s' % (self.controller, PORTS[program], path), data,
            {'Content-Type': 'application/json'})
        # A proxy of the environment does not know the lab.
        opener = request.build_opener(request.ProxyHandler({}))
        try:
            with opener.open(asked, timeout=TIMEOUT) as response:
                return response.read().decode()
        except OSError as error:
            raise LabError('%s: %s' % (asked.full_url, error)) from error

    def alerts(self):
        """Return how many alerts the monitor has, pending ones too."""
        rules = json.loads(self.ask_monitor('prometheus', '/api/v1/alerts'))
        sent = json.loads(self.ask_monitor('alertmanager', '/api/v2/alerts'))
        return len(rules['data']['alerts']) + len(sent)

    def enter(self, *command):
        """Return the command line that runs a command on the controller."""
        return [str(self.directory / 'bin' / 'enter'), 'controller', *command]

    def run(self, *command):
        """Run a command on the controller.

        :returns: what it prints
        :raises LabError: when it fails
        """
        return run(self.enter(*command))

    def control(self, action, program, host='controller'):
        """Have a program of a host started, stopped or signalled.

        :param action: words of supervisorctl, e.g. ``signal HUP``
        :param program: its name, without its group
        """
        return run([*self._supervisor(host), *action.split(),
                    self._full_name(program, host)])

    def runs(self, program, host='controller'):
        """Return whether a program of a host runs."""
        # Exit status 3: it does not.
        return 'RUNNING' in run([*self._supervisor(host), 'status',
                                 self._full_name(program, host)], good=(0, 3))

    def pids(self, program):
        """Return the processes of a program: its own first, children last.

        :returns: list of process ids on the controller
        """
        found = [int(self.control('pid', program))]
        pairs = [tuple(map(int, line.split())) for line in
                 self.run('ps', '-A', '-o', 'pid=,ppid=').splitlines()]
        for parent in found:
            found.extend(pid for pid, ppid in pairs if ppid == parent)
        return found

    def reload(self, program):
        """Have a program of the monitor read its files again.

        :raises LabError: when it does not
        """
        before = self._reloaded(program)
        self.control('signal HUP', program)
        wait(lambda: self._reloaded(program) > before,
             '%s has read its files' % program, 15)

    def queued(self, beginning):
        """Return how many messages wait in RabbitMQ's queues.

        :param beginning: of the names of the queues
        """
        listed = self.run(
            'env', 'HOME=/var/lib/rabbitmq', '/usr/lib/rabbitmq/bin/'
            'rabbitmqctl', '-q', 'list_queues', 'name', 'messages')
        return sum(int(line.split()[1]) for line in listed.splitlines()
                   if line.startswith(beginning))

    @contextlib.contextmanager
    def rhythm(self, program, runs, sleeps):
        """Let a program run and freeze it in turn.

        :param runs: seconds that it runs, each time
        :param sleeps: seconds that it is frozen in between
        """
        # It ends with its standard input, and so with this process.
        script = ("trap 'kill -CONT %(pids)s' EXIT; while :; do "
                  'kill -STOP %(pids)s; read -t %(sleeps)g; '
                  '[ $? -gt 128 ] || exit; kill -CONT %(pids)s; '
                  'read -t %(runs)g; [ $? -gt 128 ] || exit; done')
        pids = ' '.join(map(str, self.pids(program)))
        process = subprocess.Popen(
            self.enter('bash', '-c', script % {
                'pids': pids, 'runs': runs, 'sleeps': sleeps}),
            stdin=subprocess.PIPE)
        try:
            yield
        finally:
            process.communicate()

    def mac(self, url):
        """Return the MAC address of the floating address in a URL."""
        address = parse.urlsplit(url).hostname
        found = self.ask('network', '/v2.0/ports?fixed_ips=ip_address%%3D%s'
                         % address)
        return found['ports'][0]['mac_address']

    def alarms(self, name):
        """Return the alarms that Vitrage has of a name."""
        found = self.ask('rca', '/v1/alarm/?vitrage_id=all&all_tenants=1')
        return [one for one in found if one['name'] == name]

    def switch_port(self, host):
        """Return the port of the data network's switch that a host is at."""
        text = (self.directory / 'hosts' / host / 'host.env').read_text()
        values = dict(re.findall(r'^(\w+)=(\S+)$', text, re.MULTILINE))
        return '%(PREFIX)s-%(SHORT)s-d' % values

    def compute_service(self, host):
        """Return the id of a host's nova-compute."""
        found = self.ask('compute', '/os-services?binary=nova-compute')
        return next(one['id'] for one in found['services']
                    if one['host'] == host)

    def _reloaded(self, program):
        metrics = self.ask_monitor(program, '/metrics')
        return float(re.search(r'^%s (\S+)$' % RELOADED[program], metrics,
                               re.MULTILINE).group(1))

    def _full_name(self, program, host):
        # Exit status 3: some program does not run, as it may be.
        listed = run([*self._supervisor(host), 'status'], good=(0, 3))
        return next(line.split()[0] for line in listed.splitlines()
                    if line.split()[0].rpartition(':')[2] == program)

    def _supervisor(self, host):
        return [str(self.directory / 'venv/openstack/bin/supervisorctl'),
                '-s', 'unix://%s' % (RUN_DIR / ('%s.sock' % host))]


def run(command, good=(0,)):
    """Run a command on this machine.

    :param good: exit codes that are no failure
    :returns: what it prints
    :raises LabError: when it fails
    """
    # Python would find this package's modules in the lab's own programs.
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith('PYTHON')}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT,
        env=environment, check=False)
    if done.returncode not in good:
        raise LabError('%s: exit code %d: %s%s' % (
            ' '.join(command), done.returncode, done.stdout, done.stderr))
    return done.stdout
