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
"""What switches the power of hosts: options, plans, and real BMCs."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import textwrap

import fixtures

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import checks
from self_healing_tempest_plugin.faults import commands
from self_healing_tempest_plugin.faults import lifecycle
from self_healing_tempest_plugin.faults import passwords
from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import power
from self_healing_tempest_plugin.faults import targets
from self_healing_tempest_plugin.faults import transports
from self_healing_tempest_plugin.faults import tries
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.preflight import hosts
from self_healing_tempest_plugin.preflight import options
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.tests.unit import host_samples
from self_healing_tempest_plugin.tests.unit import test_config
from self_healing_tempest_plugin import waiting

PASSWORD = 'Marvin42'
CHASSIS = pathlib.Path(__file__).parents[3] / (
    'roles/lab_hosts/files/bmc/chassis')
MEDDLED = pathlib.Path(__file__).parents[3] / 'tools/sabotage/bmc'


class OptionsTest(test_config.SettingsTestCase):
    """[self_healing] host_power_*."""

    def setUp(self):
        super().setUp()
        self.override('fault_hosts', ['c1', 'c2'])

    def set(self, **values):
        for name, value in values.items():
            self.override('host_power_' + name, value)

    def ipmitool(self, **values):
        self.set(**{'driver': 'ipmitool', 'address': '{host}-bmc',
                    'user': 'ops', 'password_file': '/bmc/{host}', **values})

    def fence(self, **values):
        self.set(**{'driver': 'fence', 'fence_agent': 'fence_ipmilan',
                    'address': '{host}-bmc', 'parameters_file': '/bmc/all',
                    **values})

    def test_default(self):
        """What was configured before there were drivers works as before."""
        self.assertIsInstance(config.settings(self.conf).power,
                              config.HostPower)

    def test_ipmitool(self):
        self.ipmitool(addresses={'c2': '192.0.2.2:9002'}, cipher_suite=3)
        self.assertEqual(
            config.Ipmitool({
                'c1': config.Bmc('c1-bmc', None, '', '/bmc/c1'),
                'c2': config.Bmc('192.0.2.2', 9002, '', '/bmc/c2')},
                'ops', 3),
            config.settings(self.conf).power)

    def test_addresses(self):
        for written, address, port in (
                ('192.0.2.7', '192.0.2.7', 6230),
                ('192.0.2.7:623', '192.0.2.7', 623),
                ('fd00::7', 'fd00::7', 6230), ('[fd00::7]', 'fd00::7', 6230),
                ('[fd00::7]:623', 'fd00::7', 623),
                ('{host}.example.org:1', 'c1.example.org', 1)):
            self.ipmitool(addresses={'c1': written}, port=6230)
            bmc = config.settings(self.conf).power.bmcs['c1']
            self.assertEqual((address, port), (bmc.address, bmc.port))

    def test_wrong_addresses(self):
        for written in ('ops@bmc', 'bmc:0', 'bmc:70000', 'bmc:x', 'a b',
                        'http://bmc', '[fd00::7', 'bmc:1:2'):
            self.ipmitool(addresses={'c1': written})
            self.assertIn('[self_healing] host_power_addresses of host c1 is '
                          'not address or address:port', self.refused())

    def test_what_is_missing(self):
        """Each line names the option, and the driver that needs it."""
        for driver, name, problem in (
                (self.ipmitool, 'user', 'for the driver ipmitool'),
                (self.ipmitool, 'password_file', 'for the driver ipmitool'),
                (self.fence, 'fence_agent', 'for the driver fence'),
                (self.fence, 'parameters_file', 'for the driver fence')):
            driver()
            self.set(**{name: None})
            self.assertIn('[self_healing] host_power_%s %s must be set' % (
                name, problem), self.refused())
            driver()
        self.ipmitool(address=None)
        self.assertIn('[self_healing] the BMC of host c1 has no address: set '
                      'host_power_address', self.refused())

    def test_relative_paths(self):
        self.fence(parameters_file='bmc')
        self.assertIn('host_power_parameters_file must be an absolute path',
                      self.refused())

    def test_two_hosts_with_one_power(self):
        """What takes the power of one would take it of the other."""
        for values in ({'address': 'bmc'}, {
                'address': None, 'addresses': {'c1': 'a', 'c2': 'a'}}):
            self.ipmitool(password_file='/bmc', **values)
            self.assertIn('hosts c1 and c2 have the same power',
                          self.refused())
        self.fence(address='pdu', addresses={})
        self.assertIn('hosts c1 and c2 have the same power', self.refused())
        for values in ({'plug': '{host}'}, {'parameters_file': '/{host}'},
                       {'address': None, 'plug': 'node-{host}'}):
            self.fence(**{'address': 'pdu', **values})
            self.assertEqual(2, len(config.settings(self.conf).power.bmcs))

    def test_redfish(self):
        self.set(driver='redfish', address='{host}-bmc',
                 parameters_file='/bmc', user='ops')
        driver = config.settings(self.conf).power
        self.assertEqual(('fence_redfish', 'ops'),
                         (driver.agent, driver.user))

    def test_choices(self):
        for option, value in (
                ('driver', 'ipmi'), ('fence_agent', 'ipmilan'),
                ('fence_agent', 'sh -c fence_x'), ('cipher_suite', 0),
                ('cipher_suite', 18), ('port', 0)):
            self.assertRaises(ValueError, self.set, **{option: value})

    def test_single_scenarios(self):
        """Hosts that can be switched in two ways are drilled in both."""
        self.ipmitool()
        self.fence(driver='ipmitool',
                   drivers={'tenant_second_failure': 'fence'})
        settings = config.settings(self.conf)
        self.assertIsInstance(settings.of('host_crash').power,
                              config.Ipmitool)
        self.assertIsInstance(settings.of('tenant_second_failure').power,
                              config.FenceAgent)
        self.assertEqual(2, len(options.powers(
            settings, ['host_crash', 'tenant_host_crash',
                       'tenant_second_failure', 'host_isolated'])))
        self.set(drivers={'second_failure': 'fence'})
        self.assertIn('host_power_drivers: there is no scenario '
                      'second_failure', self.refused())


class ParametersTest(host_samples.JournalTestCase):
    """host_power_parameters_file."""

    def setUp(self):
        super().setUp()
        self.addCleanup(runtime.forget)

    def write(self, text, mode=0o600):
        path = self.directory / 'parameters'
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def test_good(self):
        path = self.write('# ours\n\nlanplus=1\r\npassword=Marvin 42=x\n'
                          ' username=ops')
        self.assertEqual('lanplus=1\npassword=Marvin 42=x\nusername=ops\n',
                         passwords.parameters(path))
        self.assertEqual('*** 1 ops', runtime.text('Marvin 42=x 1 ops'))

    def test_bad(self):
        for text, mode, problem in (
                ('', 0o600, 'it is empty'), ('# x\n', 0o600, 'it is empty'),
                ('a=1\nMarvin42\n', 0o600, 'line 2 is not NAME=VALUE'),
                ('action=off\n', 0o600, 'line 1 must go: action'),
                ('option=off\n', 0o600, 'line 1 must go: option'),
                ('a=1\n', 0o640, 'mode 0640); run: chmod 0600 on it')):
            path = self.write(text, mode)
            error = self.assertRaises(passwords.UnfitFile,
                                      passwords.parameters, path)
            self.assertIn('[self_healing] host_power_parameters_file %s: '
                          % path, str(error))
            self.assertIn(problem, str(error))
            self.assertNotIn('Marvin', str(error))


class ScriptTestCase(host_samples.JournalTestCase):
    """Drivers whose programs are small scripts, found by PATH."""

    def setUp(self):
        super().setUp()
        self.addCleanup(runtime.forget)
        self.useFixture(fixtures.MockPatchObject(tries, 'INTERVAL', 0.05))
        self.useFixture(fixtures.EnvironmentVariable('PATH', '%s:%s' % (
            self.directory, os.environ['PATH'])))
        self.secret = self.directory / 'secret'
        self.secret.write_text('password=%s\n' % PASSWORD)
        self.secret.chmod(0o600)
        # One that answers, as long as the host is alive.
        self.host = self.useFixture(Port())

    def program(self, name, script):
        path = self.directory / name
        path.write_text('#!/bin/sh\ncd %s\n%s' % (
            shlex.quote(str(self.directory)), textwrap.dedent(script)))
        path.chmod(0o755)

    def make(self, driver, timeout=5):
        """Return a plan as it comes back from the journal."""
        settings = dataclasses.replace(
            host_samples.SETTINGS, power=driver, witness_port=self.host.port)
        self.transports = transports.Transports(dataclasses.replace(
            host_samples.ACCESS, local_timeout=timeout))
        plan = power.host_crash(
            targets.Target('c1', '127.0.0.1', (), settings), self.transports)
        values = json.loads(json.dumps(plans.to_dict(plan)))
        self.assertNotIn('Marvin', json.dumps(values))
        self.assertEqual(plan, plans.from_dict(values))
        return plans.from_dict(values)

    def fence(self, **values):
        bmc = config.Bmc('192.0.2.7', None, '', str(self.secret))
        return config.FenceAgent('fence_fake', {
            'c1': dataclasses.replace(bmc, **values)}, 'ops')

    def ipmitool(self):
        self.secret.write_text('%s\n' % PASSWORD)
        return config.Ipmitool({'c1': config.Bmc(
            '192.0.2.7', 9001, '', str(self.secret))}, 'ops', 3)

    def read(self, name):
        return (self.directory / name).read_text()

    def complaint(self, check):
        return checks.complaint(check, self.transports)


# What every agent does: parameters from standard input, FenceAgentAPI's exit
# statuses. Off when the file "off" is there.
AGENT = '''
cat >>seen; echo "$@" >>arguments
action=$(sed -n 's/^action=//p' seen | tail -n 1)
case $action in
    status) [ ! -e off ] || { echo Status: OFF; exit 2; }; echo Status: ON ;;
    off) touch off ;;
    on) rm -f off ;;
esac
'''


class FenceTest(ScriptTestCase):
    """Any agent of fence-agents."""

    def test_on_and_off(self):
        """Exit status 2 is an answer: off."""
        self.program('fence_fake', AGENT)
        plan = self.make(self.fence(port=9001, plug='c1'))
        has_power, is_off = plan.checks[0], plan.witnesses[0]
        self.assertEqual('', self.complaint(has_power))
        self.assertEqual('not so: power of c1 is off (Status: ON)',
                         self.complaint(is_off))
        self.transports.run(plan.inject[0]).check()
        self.assertEqual('', self.complaint(is_off))
        self.assertEqual('not so: host c1 has power (Status: OFF)',
                         self.complaint(has_power))
        self.transports.run(plan.revert[0]).check()
        self.assertEqual('', self.complaint(has_power))
        self.assertIn('password=Marvin42\nip=192.0.2.7\nipport=9001\n'
                      'username=ops\nplug=c1\naction=off\n',
                      self.read('seen'))
        # No secret, and nothing else, among the arguments.
        self.assertEqual('', self.read('arguments').strip())

    def test_system_of_redfish(self):
        """It passes over a plug, and takes any system of the BMC."""
        plan = self.make(dataclasses.replace(
            self.fence(plug='/redfish/v1/Systems/c1'),
            agent='/usr/sbin/fence_redfish'))
        self.assertIn('\nsystems_uri=/redfish/v1/Systems/c1\n',
                      plan.inject[0].stdin)
        self.assertNotIn('plug', plan.inject[0].stdin)

    def test_ipv6(self):
        """In brackets for an agent that writes it into a URL."""
        for agent, address, ip in (
                ('/usr/sbin/fence_redfish', 'fd00::7', '[fd00::7]'),
                ('fence_redfish', '192.0.2.7', '192.0.2.7'),
                ('fence_ipmilan', 'fd00::7', 'fd00::7')):
            plan = self.make(dataclasses.replace(
                self.fence(address=address), agent=agent))
            self.assertIn('ip=%s\n' % ip, plan.inject[0].stdin)

    def test_as_a_line(self):
        """What "revert --dry-run" shows names the file, and no secret."""
        plan = self.make(self.fence())
        self.assertEqual(
            'local: fence_fake <(%s and ip=192.0.2.7 username=ops action=on)'
            % self.secret, str(plan.revert[0]))

    def test_failed(self):
        """Exit status 1 is no answer, and never "off"."""
        self.program('fence_fake', 'cat >/dev/null; echo no way >&2; exit 1')
        plan = self.make(self.fence(), timeout=3)
        for check in (plan.checks[0], plan.witnesses[0]):
            problem = self.complaint(check)
            self.assertIn('unknown whether %s: its BMC at 192.0.2.7 did not '
                          'answer: ' % check.what, problem)
            self.assertIn('no way', problem)
            self.assertFalse(checks.is_late(problem))

    def test_no_such_agent(self):
        """Nobody was asked: no BMC is accused."""
        problem = self.complaint(self.make(self.fence()).checks[0])
        self.assertIn('No such file', problem)
        self.assertNotIn('BMC', problem)

    def test_unfit_file(self):
        self.program('fence_fake', AGENT)
        plan = self.make(self.fence())
        self.secret.chmod(0o644)
        problem = self.complaint(plan.checks[0])
        self.assertIn('host_power_parameters_file', problem)
        self.assertNotIn('BMC', problem)
        self.assertFalse((self.directory / 'seen').exists())

    def test_password_that_an_agent_prints(self):
        self.program('fence_fake', 'cat >&2; exit 1')
        self.assertNotIn('Marvin', self.complaint(
            self.make(self.fence(), timeout=0.2).checks[0]))


class TriesTest(ScriptTestCase):
    """A BMC may need several tries; what counts is what is so."""

    FLAKY = '''
    n=$(($(cat tries 2>/dev/null || echo 0) + 1)); echo $n >tries
    [ $((n % 3)) = 0 ] || { echo "try $n" >&2; exit 1; }
    for action; do :; done
    case $action in
        status) [ -e off ] && echo "Chassis Power is off" ||
            echo "Chassis Power is on" ;;
        off) touch off ;;
        on) rm off ;;
    esac
    '''

    def test_third_try(self):
        self.program('ipmitool', self.FLAKY)
        plan = self.make(self.ipmitool())
        self.assertEqual('', self.complaint(plan.checks[0]))
        self.transports.run(plan.inject[0]).check()
        self.assertTrue((self.directory / 'off').exists())
        self.transports.run(plan.revert[0]).check()
        self.assertFalse((self.directory / 'off').exists())

    def test_each_try_is_journaled(self):
        self.program('ipmitool', self.FLAKY)
        seen = []
        plan = self.make(self.ipmitool())
        self.transports.run(dataclasses.replace(
            plan.inject[0], done=None), seen.append).check()
        self.assertEqual(3, len({process.group for process in seen}))

    def test_off_already(self):
        """A server that is off refuses to be switched off: fine."""
        self.program('ipmitool', '''
        case "$*" in
            *status) echo "Chassis Power is off" ;;
            *off) echo "not supported in present state" >&2; exit 1 ;;
        esac
        ''')
        self.assertEqual(0, self.transports.run(self.make(
            self.ipmitool()).inject[0]).check().exit_status)

    def test_on_already(self):
        self.program('ipmitool', '''
        case "$*" in
            *status) echo "Chassis Power is on" ;;
            *) exit 1 ;;
        esac
        ''')
        self.transports.run(self.make(self.ipmitool()).revert[0]).check()

    def test_bounded(self):
        """Tries end with the time of one command, the last one fails."""
        self.program('ipmitool', 'echo x >>tries; echo busy >&2; exit 1')
        plan = self.make(self.ipmitool(), timeout=1)
        begin = waiting.CLOCK.now()
        error = self.assertRaises(
            commands.CommandFailed,
            self.transports.run(dataclasses.replace(
                plan.inject[0], done=None)).check)
        self.assertLess(waiting.CLOCK.now() - begin, 10)
        self.assertIn('busy', str(error))
        self.assertLess(1, len(self.read('tries').splitlines()))

    def test_end_of_the_last_try(self):
        """One that was cut off does not hide what the others have said."""
        self.program('ipmitool', """
        [ ! -e tries ] || exec sleep 60
        touch tries; echo busy >&2; exit 1
        """)
        plan = self.make(self.ipmitool(), timeout=3)
        problem = self.complaint(plan.checks[0])
        self.assertIn('its BMC at 192.0.2.7 port 9001 did not answer: ',
                      problem)
        self.assertIn('busy', problem)

    def test_no_end(self):
        self.program('ipmitool', 'exec sleep 60')
        plan = self.make(self.ipmitool(), timeout=0.5)
        problem = self.complaint(plan.checks[0])
        self.assertIn('its BMC at 192.0.2.7 port 9001 did not answer: ',
                      problem)
        self.assertTrue(checks.is_late(problem))

    def test_neither_on_nor_off(self):
        """It may be anything: nobody says that it is off."""
        own = config.HostPower(('true',), ('true',), ('ipmitool',))
        for said, words in (
                ('Chassis Power is Unknown', "'Chassis Power is Unknown'"),
                ('running', "'running'"), ('', 'nothing'),
                ('{"PowerState":"On"}', '\'{"PowerState":"On"}\'')):
            self.program('ipmitool', 'echo %s' % shlex.quote(said))
            for driver in (self.ipmitool(), own):
                plan = self.make(driver)
                for check in (plan.checks[0], plan.witnesses[0]):
                    problem = self.complaint(check)
                    self.assertIn('unknown whether %s: ' % check.what,
                                  problem)
                    self.assertIn('it says %s, neither o' % words, problem)
                    self.assertNotIn('did not answer', problem)

    def test_words(self):
        """ipmitool is told all but the password among its arguments."""
        self.program('ipmitool', """
        echo "$*" "${IPMITOOL_PASSWORD-$IPMI_PASSWORD}"; echo on
        """)
        # Of another BMC: ipmitool takes it before the one of the file.
        self.useFixture(fixtures.EnvironmentVariable('IPMITOOL_PASSWORD',
                                                     'stale'))
        plan = self.make(self.ipmitool())
        self.assertEqual(
            '-I lanplus -C 3 -H 192.0.2.7 -p 9001 -U ops -E chassis power '
            'status Marvin42\non\n',
            self.transports.run(plan.checks[0].command).stdout)


class LifeTest(ScriptTestCase):
    """From the plan to the end, with a BMC that is not what it should be."""

    def live(self, plan, times=host_samples.TIMES):
        with contextlib.suppress(lifecycle.RevertFailed):
            with lifecycle.injected(plan, self.journal, self.transports,
                                    times, self.recorder):
                pass

    def test_leaves_it_on(self):
        """It says off, and the host is alive: the witness does not hold."""
        self.program('fence_fake', AGENT)
        self.live(self.make(self.fence()))
        self.assertIn('unwitnessed', self.states())
        said = self.recorder.timeline().transition('unwitnessed').detail
        self.assertIn('not so: 127.0.0.1 port %d is silent'
                      % self.host.port, said)

    def test_away_after_the_fault(self):
        """Unknown, and no fault that anybody has witnessed."""
        plan = self.make(self.fence(), timeout=1)
        self.program('fence_fake', '''
        read -r password; read -r ip; read -r username; read -r action
        [ ! -e gone ] || { echo no answer >&2; exit 1; }
        [ "$action" != action=off ] || touch gone
        ''')
        self.live(plan)
        said = self.recorder.timeline().transition('unwitnessed').detail
        self.assertIn('unknown whether power of c1 is off: its BMC at '
                      '192.0.2.7 did not answer', said)

    def test_away_before(self):
        """It is refused, and nothing is injected."""
        self.program('fence_fake', 'exit 1')
        problems = lifecycle.unmet(self.make(self.fence(), timeout=0.3),
                                   self.transports)
        self.assertEqual(1, len(problems))
        self.assertIn('unknown whether host c1 has power: its BMC at '
                      '192.0.2.7 did not answer', problems[0])
        self.assertIn('look at: host_power_parameters_file', problems[0])


class OldJournalTest(ScriptTestCase):
    """Plans of versions that knew no drivers."""

    def test_older(self):
        plan = power.host_crash(targets.Target(
            'c1', '127.0.0.1', (), dataclasses.replace(
                host_samples.SETTINGS, power=config.HostPower(
                    ('true', '{host}'), ('true', '{host}'),
                    ('echo', '{host}', 'on')))), None)
        values = json.loads(json.dumps(plans.to_dict(plan)))
        for name in ('inject', 'revert'):
            for command in values[name]:
                self.forget(command)
        for name in ('checks', 'witnesses'):
            for check in values[name]:
                self.forget(check['command'])
                del check['no'], check['asked'], check['opposite']
        old = plans.from_dict(values)
        self.assertEqual(plan.inject + plan.revert, old.inject + old.revert)
        for check, older in zip(plan.checks + plan.witnesses,
                                old.checks + old.witnesses):
            self.assertEqual(dataclasses.replace(check, opposite=''), older)

    def forget(self, command):
        for name in ('parameters', 'again', 'answers', 'done'):
            del command[name]


class Port(fixtures.Fixture):
    """A port that answers, as that of a host that is alive."""

    def _setUp(self):
        listening = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listening.close)
        self.port = listening.getsockname()[1]


class Simulator(fixtures.Fixture):
    """A real BMC: ipmi_sim, with the lab's own chassis script.

    :ivar port: of UDP, on 127.0.0.1
    :ivar directory: of the lab that it is in: bin/power is its switch
    """

    def __init__(self, directory):
        super().__init__()
        self.directory = directory

    def _setUp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        self.bmc = self.directory / 'bmc' / 'c1'
        self.bmc.mkdir(parents=True)
        shutil.copy(CHASSIS, self.bmc)
        shutil.copy(CHASSIS.with_name('cmd.emu'), self.bmc)
        (self.bmc / 'lan.conf').write_text(self._settings())
        switch = self.directory / 'bin' / 'power'
        switch.parent.mkdir()
        switch.write_text(
            '#!/bin/sh\ncd "$(dirname "$0")"\n[ "$2" = c1 ] || exit 2\n'
            'case $1 in status) cat is ;; *) echo "$1" >is ;; esac\n')
        switch.chmod(0o755)
        self.switch('on')
        self.start()

    def _settings(self):
        """Return the settings of the lab, with what is ours filled in."""
        template = (CHASSIS.parents[2] / 'templates/bmc/lan.conf.j2')
        text = template.read_text()
        for words, value in (
                ('lab_host.bmc_address }} 623', '127.0.0.1 %d' % self.port),
                ("lab_host.name | hash('md5') }}", 'a1' * 16),
                ('lab_host.name }}', 'c1'), ('lab_secrets.bmc }}', PASSWORD),
                ('ansible_managed }}', '')):
            text = text.replace('{{ ' + words, value)
        return text

    def start(self):
        with (self.bmc / 'log').open('w') as output:
            process = subprocess.Popen(
                ['ipmi_sim', '-n', '-c', str(self.bmc / 'lan.conf'), '-f',
                 'cmd.emu', '-s', 'state'], cwd=self.bmc, stdout=output,
                stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.stop = process.kill

    def switch(self, state):
        (self.directory / 'bin' / 'is').write_text('%s\n' % state)

    def is_on(self):
        return (self.directory / 'bin' / 'is').read_text() == 'on\n'

    def meddle(self, script):
        """Do as the sabotage of that name does."""
        (self.bmc / 'chassis').rename(self.bmc / 'chassis.kept')
        shutil.copy(MEDDLED / script, self.bmc / 'chassis')


class RealTest(ScriptTestCase):
    """ipmitool and fence_ipmilan, with ipmi_sim at the other end.

    They are Debian's packages openipmi, ipmitool and fence-agents, see
    bindep.txt.
    """

    PROGRAMS = ('ipmi_sim', 'ipmitool', 'fence_ipmilan')

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable(
            'PATH', '%s:/usr/sbin:/sbin' % os.environ['PATH']))
        for program in self.PROGRAMS:
            if not shutil.which(program):
                self.skipTest('%s is not here: install openipmi, ipmitool '
                              'and fence-agents' % program)
        lab = self.directory / 'my lab \xfc'
        lab.mkdir()
        self.bmc = self.useFixture(Simulator(lab))

    def drivers(self, timeout=60):
        """Yield the plans of both, with the name of their program."""
        for driver in (self.ipmitool(), self.fence_ipmilan()):
            yield self.make(driver, timeout)

    def ipmitool(self):
        path = self.directory / 'password'
        path.touch(mode=0o600)
        path.write_text('%s\n' % PASSWORD)
        return config.Ipmitool({'c1': config.Bmc(
            '127.0.0.1', self.bmc.port, '', str(path))}, 'ops', 3)

    def fence_ipmilan(self):
        self.secret.write_text(
            'password=%s\nlanplus=1\ncipher=3\nlogin_timeout=5\n' % PASSWORD)
        return config.FenceAgent('fence_ipmilan', {'c1': config.Bmc(
            '127.0.0.1', self.bmc.port, '', str(self.secret))}, 'ops')

    def test_power(self):
        for plan in self.drivers():
            self.assertEqual('', self.complaint(plan.checks[0]))
            self.transports.run(plan.inject[0]).check()
            self.assertFalse(self.bmc.is_on())
            self.assertEqual('', self.complaint(plan.witnesses[0]))
            self.assertRegex(self.complaint(plan.checks[0]),
                             '^not so: host c1 has power .*(?i:off)')
            # Off already, and then on already.
            for steps, on in ((plan.inject, False), (plan.revert, True),
                              (plan.revert, True)):
                self.transports.run(steps[0]).check()
                self.assertEqual(on, self.bmc.is_on())

    def test_third_try(self):
        self.bmc.meddle('third-try')
        plan = self.make(self.ipmitool(), 60)
        self.assertEqual('', self.complaint(plan.checks[0]))
        self.transports.run(plan.inject[0]).check()
        self.assertFalse(self.bmc.is_on())
        self.transports.run(plan.revert[0]).check()
        self.assertTrue(self.bmc.is_on())

    def test_lies(self):
        """It says off, to everybody, and the host is on."""
        self.bmc.meddle('lies')
        for plan in self.drivers():
            self.transports.run(plan.inject[0]).check()
            self.assertEqual('', self.complaint(plan.witnesses[0]))
            self.assertTrue(self.bmc.is_on())
            self.assertIn('is silent', self.complaint(plan.witnesses[1]))
            self.transports.run(plan.revert[0]).check()

    def test_away(self):
        self.bmc.stop()
        for plan in self.drivers(timeout=2):
            self.assertIn(
                'unknown whether host c1 has power: its BMC at 127.0.0.1 '
                'port %d did not answer' % self.bmc.port,
                self.complaint(plan.checks[0]))

    def test_wrong_password(self):
        for plan in self.drivers(timeout=10):
            for path in (self.secret, self.directory / 'password'):
                if path.exists():
                    path.write_text(re.sub('Marvin42', 'Zaphod42',
                                           path.read_text()))
            problem = self.complaint(plan.checks[0])
            self.assertIn('did not answer', problem)
            self.assertNotIn('Zaphod', problem)

    def test_preflight(self):
        """It says what it has understood."""
        for driver, name in ((self.ipmitool(), 'ipmitool'),
                             (self.fence_ipmilan(), 'fence_ipmilan')):
            for state, found in (
                    ('on', rows.yes('on (%s)' % name)),
                    ('off', rows.no('off (%s)' % name))):
                self.bmc.switch(state)
                self.make(driver, 30)
                asked = hosts.Hosts(dataclasses.replace(
                    host_samples.SETTINGS, power=driver), (), {},
                    self.transports)
                self.assertEqual(found, asked._power(driver, targets.Target(
                    'c1', '127.0.0.1', (), host_samples.SETTINGS)))
