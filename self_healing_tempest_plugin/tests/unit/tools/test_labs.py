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

"""A lab of files: how its hosts are entered, and what it is asked."""

import argparse
import contextlib
from http import server
import json
import os
import pathlib
import signal
import stat
import textwrap
import threading

import fixtures
from keystoneauth1 import fixture as ksa_fixture
from requests_mock.contrib import fixture as http_fixture
import testtools

import tools
from tools.lab import clouds
from tools.lab import errors
from tools.lab import labs
from tools.lab import monitors
from tools import logs

#: Says on which host it is, and runs the command.
ENTER = 'echo "$1" >>"$(dirname "$0")/entered"; shift; exec "$@"'
SUPERVISORCTL = """
case "$3 $4" in
    'status ') echo 'healing:mistral RUNNING pid 17'
               echo 'healing:vitrage-notifier STOPPED'; exit 3 ;;
    'status healing:mistral') echo 'healing:mistral RUNNING pid 17' ;;
    'status '*) echo "$4 STOPPED"; exit 3 ;;
    'pid '*) echo 17 ;;
    *) echo "$2 $3 $4 $5" ;;
esac
"""
PS = '  17  1\n  20 17\n  21 20\n  30  1\n'
CLOUDS = {'clouds': {'lab': {'region_name': 'RegionOne', 'auth': {
    'auth_url': 'http://10.77.0.2:5000/v3', 'username': 'admin',
    'password': 'p', 'project_name': 'admin', 'user_domain_id': 'default',
    'project_domain_id': 'default'}}}}


class LabTest(testtools.TestCase):
    """A directory with the programs of a lab."""

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        self.program('bin/enter', ENTER)
        self.program('venv/openstack/bin/supervisorctl', SUPERVISORCTL)
        self.lab = labs.Lab(self.directory)

    def program(self, name, script):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#!/bin/sh\n' + script)
        path.chmod(0o755)

    def assert_error(self, expected, call, *arguments):
        error = self.assertRaises(errors.LabError, call, *arguments)
        self.assertIn(expected, str(error))


class CommandsTest(LabTest):
    """On its hosts."""

    def test_run(self):
        self.assertEqual('x y\n', self.lab.run('compute-1', 'echo', 'x y'))
        self.assertEqual('compute-1\n', (
            self.directory / 'bin' / 'entered').read_text())

    def test_run_that_fails(self):
        """The error has command, exit code and what was said."""
        self.assert_error(
            'bin/enter compute-1 sh -c echo no >&2; exit 3: exit code 3: no',
            self.lab.run, 'compute-1', 'sh', '-c', 'echo no >&2; exit 3')

    def test_entered_that_fails(self):
        """A caller that asks for it gets the exit code."""
        self.assertEqual(3, self.lab.entered(
            'compute-1', 'sh', '-c', 'exit 3').returncode)

    def test_not_over_in_time(self):
        lab = labs.Lab(self.directory, timeout=0.1)
        self.assert_error('timed out after 0.1 seconds', lab.entered,
                          'compute-1', 'sleep', '10')

    def test_no_lab(self):
        lab = labs.Lab(self.directory / 'nowhere')
        self.assert_error('No such file', lab.run, 'compute-1', 'true')

    def test_python_of_the_lab(self):
        """Its programs do not find our modules."""
        self.useFixture(fixtures.EnvironmentVariable('PYTHONPATH', '/x'))
        self.useFixture(fixtures.EnvironmentVariable('PYTHON_Y', '/y'))
        self.assertNotIn('\nPYTHON', '\n%s' % self.lab.run(
            'controller', 'env'))

    def test_compute_hosts(self):
        for name in ('compute-2', 'controller', 'compute-1'):
            (self.directory / 'hosts' / name).mkdir(parents=True)
        self.assertEqual(['compute-1', 'compute-2'], self.lab.compute_hosts)


class ProgramsTest(LabTest):
    """What runs on a host, by its supervisor."""

    def test_control(self):
        """By its full name, at the socket of the host."""
        self.assertEqual(
            'unix:///run/shl/compute-1.sock signal HUP healing:mistral\n',
            self.lab.control('signal HUP', 'mistral', 'compute-1'))

    def test_runs(self):
        self.assertTrue(self.lab.runs('mistral'))
        self.assertFalse(self.lab.runs('vitrage-notifier'))

    def test_pids(self):
        """With its children and theirs, and nobody else's."""
        self.program('bin/enter', "cat <<'END'\n%sEND\n" % PS)
        self.assertEqual([17, 20, 21], self.lab.pids('mistral'))

    def test_signal(self):
        self.program('bin/enter', '[ "$2" = ps ] && echo " 20 17" '
                     '|| echo "$@" >"$(dirname "$0")/told"')
        self.lab.signal('STOP', 'mistral')
        self.assertEqual('controller kill -STOP 17 20\n', (
            self.directory / 'bin' / 'told').read_text())


class OptionTest(testtools.TestCase):
    """``--dir``."""

    def lab(self, *arguments):
        parser = argparse.ArgumentParser()
        labs.add_option(parser)
        return parser.parse_args(arguments).lab.directory

    def test_given(self):
        self.useFixture(fixtures.EnvironmentVariable('LAB_DIR', '/a'))
        self.assertEqual(pathlib.Path('/b'), self.lab('--dir', '/b'))

    def test_relative(self):
        """Who changes directory finds it all the same."""
        self.assertEqual(pathlib.Path.cwd() / 'x', self.lab('--dir', 'x'))

    def test_environment(self):
        self.useFixture(fixtures.EnvironmentVariable('LAB_DIR', '/a'))
        self.assertEqual(pathlib.Path('/a'), self.lab())

    def test_default(self):
        self.useFixture(fixtures.EnvironmentVariable('LAB_DIR'))
        self.assertEqual(tools.SOURCE / '.lab', self.lab())


class WorkspaceTest(LabTest):
    """Tempest's."""

    def setUp(self):
        super().setUp()
        self.workspace = self.lab.workspace
        self.workspace.conf.parent.mkdir(parents=True)
        self.text = textwrap.dedent("""\
            [auth]
            tempest_roles = member
            [self_healing]
            fault_hosts = compute-1,compute-2
            host_power_off_command = /power off {host} 100%
            """)
        self.workspace.conf.write_text(self.text)
        self.other = self.directory / 'other'
        self.other.mkdir()

    def test_configure(self):
        """Only what is asked for differs; nobody else reads it."""
        environment = self.workspace.configure(
            self.other, {'fault_hosts': '', 'bisect': 'true'},
            auth={'tempest_roles': 'other'})
        path = self.other / 'tempest.conf'
        self.assertEqual(
            {'fault_hosts': '', 'bisect': 'true',
             'host_power_off_command': '/power off {host} 100%'},
            self.settings(path))
        self.assertEqual({'tempest_roles': 'other'},
                         self.settings(path, 'auth'))
        self.assertEqual(self.text, self.workspace.conf.read_text())
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        self.assertEqual(
            path, pathlib.Path(environment['TEMPEST_CONFIG_DIR'],
                               environment['TEMPEST_CONFIG']))

    def settings(self, path, group='self_healing'):
        workspace = labs.Lab(self.directory).workspace
        workspace.conf = path
        return dict(workspace.settings()[group])

    def test_what_is_tried(self):
        """The checkout is imported, before anything of the environment."""
        self.useFixture(fixtures.EnvironmentVariable('PYTHONPATH', '/x'))
        expected = '%s%s/x' % (tools.SOURCE, os.pathsep)
        self.assertEqual(expected, self.workspace.configure(
            self.other, {})['PYTHONPATH'])
        done = self.workspace.run(
            ['sh', '-c', 'pwd; echo $PYTHONPATH; echo bad >&2'], 30)
        self.assertEqual(
            [str(self.workspace.directory), expected, 'bad'],
            done.stdout.splitlines())

    def test_own_environment(self):
        """The environment is all that the process has."""
        done = self.workspace.run(['/usr/bin/env'], 30, {'A': 'b'})
        self.assertEqual('A=b\n', done.stdout)

    def test_run_that_fails(self):
        """Its exit code is the caller's to judge."""
        self.assertEqual(3, self.workspace.run(
            ['sh', '-c', 'exit 3'], 30).returncode)

    def test_revert(self):
        self.program('venv/tempest/bin/python', 'echo "$@"')
        self.assertEqual(
            '-m self_healing_tempest_plugin.cmd.main revert --config-file '
            '%s --x\n' % self.workspace.conf,
            self.workspace.revert(30, '--x').stdout)

    def start(self, script, environment=None):
        """Return what a process prints that is started."""
        path = self.directory / 'output'
        with path.open('w') as output:
            process = self.workspace.start(
                ['/bin/sh', '-c', script], output, environment)
            self.assertEqual(0, process.wait(30))
        return path.read_text()

    def test_start(self):
        """In the workspace, and in a session of its own."""
        directory, group, session = self.start(
            'pwd; echo $$; ps -o sid= -p $$ >&2').split()
        self.assertEqual(str(self.workspace.directory), directory)
        self.assertEqual(group, session)
        self.assertEqual('A=b\n', self.start(
            'env | grep ^A=', {'A': 'b', 'PATH': os.environ['PATH']}))

    def test_start_in_the_background(self):
        """Ctrl-C ends it, though whoever starts it ignores that."""
        for number in (signal.SIGINT, signal.SIGQUIT):
            self.addCleanup(signal.signal, number, signal.signal(
                number, signal.SIG_IGN))
        ignored = int(self.start('grep SigIgn /proc/self/status').split()[1],
                      16)
        for number in (signal.SIGINT, signal.SIGQUIT):
            self.assertFalse(ignored >> (number - 1) & 1, number)


class CloudTest(LabTest):
    """Its OpenStack, whose HTTP is simulated."""

    def setUp(self):
        super().setUp()
        (self.directory / 'clouds.yaml').write_text(json.dumps(CLOUDS))
        self.http = self.useFixture(http_fixture.Fixture())
        token = ksa_fixture.V3Token()
        token.set_project_scope()
        token.add_service('compute').add_standard_endpoints(
            public='http://nova/v2.1', region='RegionOne')
        self.http.get('http://10.77.0.2:5000/v3', json={
            'version': ksa_fixture.V3Discovery(
                'http://10.77.0.2:5000/v3')})
        self.http.post('http://10.77.0.2:5000/v3/auth/tokens', json=token,
                       headers={'X-Subject-Token': 't'})

    def test_ask(self):
        """As administrator, by a version of Nova that says it all."""
        asked = self.http.get('http://nova/v2.1/os-services',
                              json={'services': []})
        self.assertEqual({'services': []}, self.lab.cloud.ask(
            'compute', '/os-services'))
        headers = asked.last_request.headers
        self.assertEqual(('t', clouds.COMPUTE_VERSION), (
            headers['X-Auth-Token'], headers['OpenStack-API-Version']))
        self.assertEqual(60, asked.last_request.timeout)

    def test_headers(self):
        """Headers of a question are added to those of every question."""
        asked = self.http.get('http://nova/v2.1/x', json={})
        self.lab.cloud.ask('compute', '/x', headers={'A': 'b'})
        self.assertEqual('b', asked.last_request.headers['A'])

    def test_refused(self):
        self.http.delete('http://nova/v2.1/servers/1', status_code=409)
        self.assert_error('compute DELETE /servers/1', self.lab.cloud.ask,
                          'compute', '/servers/1', 'DELETE')

    def test_without_json(self):
        self.http.delete('http://nova/v2.1/servers/1', status_code=204)
        self.assertIsNone(self.lab.cloud.ask(
            'compute', '/servers/1', 'DELETE'))

    def test_down(self):
        lab = labs.Lab(self.directory / 'nowhere')
        self.assertRaises(errors.LabDown, lambda: lab.cloud)
        self.assertRaises(errors.LabDown, lambda: lab.monitor)


class _Monitor(server.BaseHTTPRequestHandler):
    """Prometheus and Alertmanager in one."""

    answers = {
        '/api/v1/alerts': json.dumps({'data': {'alerts': [{'state': 'x'}]}}),
        '/api/v2/alerts': '[]', '/2/api/v2/alerts': '[1]',
        '/metrics': '# HELP\nprometheus_config_last_reload_success_'
                    'timestamp_seconds 1.7e+09\n',
        '/2/metrics': 'alertmanager_config_last_reload_success_'
                      'timestamp_seconds 1.8e+09\n'}

    def do_GET(self):
        text = self.answers.get(self.path)
        self.send_response(200 if text else 404)
        self.end_headers()
        self.wfile.write((text or '').encode())

    def do_POST(self):
        self.server.posted = json.loads(self.rfile.read(
            int(self.headers['Content-Length'])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


class MonitorTest(testtools.TestCase):
    """Prometheus and Alertmanager, over HTTP."""

    def setUp(self):
        super().setUp()
        clean = contextlib.ExitStack()
        self.addCleanup(clean.close)
        self.server = clean.enter_context(
            server.HTTPServer(('127.0.0.1', 0), _Monitor))
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        clean.callback(thread.join)
        clean.callback(self.server.shutdown)
        # A proxy does not know the lab.
        self.useFixture(fixtures.EnvironmentVariable(
            'http_proxy', 'http://127.0.0.1:9'))
        url = 'http://127.0.0.1:%d' % self.server.server_port
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, 'm')
        path.write_text(json.dumps({
            'prometheus': {'kind': 'prometheus', 'url': url},
            'alertmanager': {'kind': 'alertmanager', 'url': url},
            'alertmanager-2': {'kind': 'alertmanager', 'url': url + '/2'}}))
        self.monitor = monitors.Monitor(path, 30)

    def test_programs(self):
        self.assertEqual(['alertmanager', 'alertmanager-2'],
                         self.monitor.programs('alertmanager'))

    def test_alerts(self):
        """Of two, each has its own."""
        self.assertEqual({'prometheus': [{'state': 'x'}], 'alertmanager': [],
                          'alertmanager-2': [1]}, self.monitor.alerts())

    def test_posted(self):
        self.monitor.ask('alertmanager', '/api/v2/alerts', [{'a': 1}])
        self.assertEqual([{'a': 1}], self.server.posted)

    def test_reloaded(self):
        self.assertEqual(1.7e9, self.monitor.reloaded('prometheus'))
        self.assertEqual(1.8e9, self.monitor.reloaded('alertmanager-2'))

    def test_made_before(self):
        """By an older "up", or by none."""
        error = self.assertRaises(errors.LabDown, monitors.Monitor,
                                  pathlib.Path('/none/monitors.json'), 30)
        self.assertEqual('/none/monitors.json is missing: "up" writes it',
                         str(error))

    def test_refused(self):
        error = self.assertRaises(errors.LabError, self.monitor.ask,
                                  'prometheus', '/nothing')
        self.assertIn('/nothing: HTTP Error 404', str(error))

    def test_no_json(self):
        self.useFixture(fixtures.MockPatchObject(
            _Monitor, 'answers', dict(_Monitor.answers, **{
                '/api/v2/alerts': '<html>'})))
        self.assertRaises(errors.LabError, self.monitor.alerts)


class WaitTest(testtools.TestCase):
    """labs.wait()."""

    def test_in_vain(self):
        error = self.assertRaises(errors.LabError, labs.wait, lambda: 0,
                                  'no alerts', 0)
        self.assertEqual('no alerts: not seen in 0 s', str(error))


class LogsTest(testtools.TestCase):
    """logs.end()."""

    def test_end(self):
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, 'log')
        self.assertEqual('    (No such file or directory)',
                         logs.end(path, 2))
        path.write_text('a\nb\n' + 'x' * 300 + '\n')
        self.assertEqual('    b\n    %s' % ('x' * logs.COLUMNS),
                         logs.end(path, 2))
