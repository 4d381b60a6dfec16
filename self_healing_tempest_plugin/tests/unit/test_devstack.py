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

"""The DevStack plugin, in a DevStack that installs nothing."""

import os
import re
import shutil
import subprocess

from keystoneauth1 import loading
from oslo_config import cfg
from oslo_utils import importutils
import testtools
from testtools import matchers
import yaml

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.faults import journals
from self_healing_tempest_plugin import scenarios
from self_healing_tempest_plugin import templates
from self_healing_tempest_plugin.tests.unit import fake_devstack
from self_healing_tempest_plugin.tests.unit import lazy_modules
from self_healing_tempest_plugin.tests.unit import test_config

prometheus = lazy_modules.LazyModule('vitrage.datasources.prometheus')
mistral = lazy_modules.LazyModule('vitrage.notifier.plugins.mistral')
vitrage_opts = lazy_modules.LazyModule('vitrage.opts')
vitrage_notifier = lazy_modules.LazyModule(
    'self_healing_tempest_plugin.vitrage_notifier')

DEVSTACK = fake_devstack.SCRIPT.parents[3] / 'devstack'

TEMPEST_CONF = 'opt/stack/tempest/etc/tempest.conf'
VITRAGE_CONF = 'etc/vitrage/vitrage.conf'
NOVA_CONF = 'etc/nova/nova.conf'
AUTHORIZED_KEYS = 'home/.ssh/authorized_keys'
STATE = 'opt/stack/data/tempest'

TWO_NODES = """
SELF_HEALING_NODES=ctl:192.0.2.10,cpu:192.0.2.11
SELF_HEALING_FAULT_HOSTS=cpu
"""
PUBLIC_KEY = ('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJQR9oT4zjbA/uMy30Sv5xnBPHF'
              'MZP3VOLYbdSnf1HIu')


class DevStackTestCase(testtools.TestCase):
    """One node, on which scripts of DevStack run."""

    localrc = fake_devstack.CONTROLLER

    def setUp(self):
        super().setUp()
        if not DEVSTACK.exists():
            self.skipTest('%s is no checkout' % DEVSTACK.parent)
        self.devstack = self.useFixture(
            fake_devstack.FakeDevStack(self.localrc))

    def run_script(self, script, localrc=None):
        """Run a script to its end.

        :param script: ``stack``, ``unstack`` or ``clean``
        :param localrc: what local.conf says from now on, None: as before
        """
        if localrc is not None:
            self.devstack.say(localrc)
        done = self.devstack.run(script)
        self.assertEqual(0, done.returncode, done.stderr[-1000:])
        return done

    def stack(self, localrc=None):
        return self.run_script('stack', localrc)

    def refused(self, localrc):
        """Return what stack.sh dies of."""
        self.devstack.say(localrc)
        done = self.devstack.run('stack')
        self.assertEqual(1, done.returncode)
        (line,) = [line for line in done.stderr.splitlines()
                   if line.startswith('die: ')]
        return line.removeprefix('die: ')

    def tempest(self):
        """Return the options of tempest.conf, read as Tempest reads them."""
        return test_config.new_conf(str(self.devstack.root / TEMPEST_CONF))

    def processes(self):
        """Return the command lines of the services, by their names."""
        return {call[0]: call[1].split()
                for call in self.devstack.calls('run_process')}

    def flag(self, service, name):
        """Return the value of one flag of a service's command line."""
        prefix = '--%s=' % name
        (value,) = [word.removeprefix(prefix)
                    for word in self.processes()[service]
                    if word.startswith(prefix)]
        return value

    def assert_mode(self, mode, path):
        self.assertEqual(mode, '%o' % (
            (self.devstack.root / path).stat().st_mode & 0o777))


class DefaultsTest(DevStackTestCase):
    """What the plugin sets before others read it."""

    def test_for_others(self):
        self.stack()
        seen = self.devstack.variables()
        self.assertThat(seen, matchers.ContainsDict({
            name: matchers.Equals(value) for name, value in {
                'LIBS_FROM_GIT': 'mistral-extra',
                'MISTRAL_EXTRA_BRANCH': 'stable/2025.2',
                'VITRAGE_USE_DOCTOR': 'True',
                'VITRAGE_USE_PROMETHEUS': 'True',
                'TEMPEST_PLUGINS': str(DEVSTACK.parent)}.items()}))

    def test_local_conf_wins(self):
        self.stack('MISTRAL_EXTRA_BRANCH=mine VITRAGE_USE_DOCTOR=False '
                   'VITRAGE_COORDINATION_URL=etcd LIBS_FROM_GIT=vitrage')
        seen = self.devstack.variables()
        self.assertEqual('mine', seen['MISTRAL_EXTRA_BRANCH'])
        self.assertEqual('False', seen['VITRAGE_USE_DOCTOR'])
        self.assertEqual('etcd', seen['VITRAGE_COORDINATION_URL'])
        self.assertEqual('vitrage,mistral-extra', seen['LIBS_FROM_GIT'])

    def test_tempest_plugins(self):
        ours = str(DEVSTACK.parent)
        for before, after in (('0', ours), ('/a', '/a %s' % ours),
                              ('/a %s /b' % ours, '/a %s /b' % ours)):
            self.stack("TEMPEST_PLUGINS='%s'" % before)
            self.assertEqual(
                after, self.devstack.variables()['TEMPEST_PLUGINS'])

    def test_order_for_zuul(self):
        """The lines that Zuul's role looks for begin at their margin."""
        text = (DEVSTACK / 'settings').read_text()
        self.assertEqual([fake_devstack.OURS], re.findall(
            r'^define_plugin\s+(\S+)', text, re.MULTILINE))
        self.assertEqual(
            {(fake_devstack.OURS, name)
             for name in ('aodh', 'ceilometer', 'heat', 'mistral', 'vitrage',
                          'zaqar')},
            set(re.findall(r'^plugin_requires\s+(\S+)\s+(\S+)', text,
                           re.MULTILINE)))

    def test_every_setting_can_be_overridden(self):
        text = (DEVSTACK / 'settings').read_text()
        names = set(re.findall(r'\bSELF_HEALING_\w+', text))
        names -= {'SELF_HEALING_DIR'}
        self.assertThat(names, matchers.ContainsAll([
            'SELF_HEALING_NODES', 'SELF_HEALING_FAULT_HOSTS']))
        own = {name: '%s-1' % name.lower() for name in names}
        own.update(dict.fromkeys((
            'SELF_HEALING_ALLOW_FAULTS', 'SELF_HEALING_SSH_SUDO',
            'SELF_HEALING_SSH_KEYSCAN'), 'True'))
        # The phases would use them; here only the settings are read.
        self.devstack.say('\n'.join(
            '%s=%s' % pair for pair in own.items()))
        done = self.devstack.run('settings')
        self.assertEqual(0, done.returncode, done.stderr[-1000:])
        seen = self.devstack.variables()
        self.assertEqual(own, {name: seen[name] for name in names})


class ControlPlaneTest(DevStackTestCase):
    """One node with everything, where nothing may be broken."""

    def setUp(self):
        super().setUp()
        self.stack()

    def test_vitrage(self):
        conf = self.devstack.ini(VITRAGE_CONF)
        self.assertEqual({
            'notifiers': 'nova,mistral',
            'use_nova_versioned_notifications': 'True',
            'executor_thread_pool_size': '1'}, conf['DEFAULT'])
        self.assertEqual('30', conf['datasources']['snapshots_interval'])
        self.assertEqual(
            {'nova.host', 'nova.instance', 'nova.zone', 'neutron.network',
             'neutron.port', 'heat.stack', 'doctor', 'prometheus'},
            set(conf['datasources']['types'].split(',')))
        self.assertIs(vitrage_notifier.MistralNotifier,
                      importutils.import_class(conf['mistral']['notifier']))
        self.assertEqual('8', self.devstack.ini(
            'etc/vitrage/vitrage-uwsgi.ini')['uwsgi']['threads'])

    def test_value_is_written_whole(self):
        self.stack("SELF_HEALING_NOTIFIERS='nova, mistral'")
        self.assertEqual('nova, mistral', self.devstack.ini(
            VITRAGE_CONF)['DEFAULT']['notifiers'])

    def test_vitrage_knows_every_option(self):
        path = self.devstack.root / VITRAGE_CONF
        conf = self._vitrage(str(path))
        written = 0
        for section, options in self.devstack.ini(path).items():
            for name in set(options) - {'username', 'password'}:
                # oslo.messaging's own.
                if name != 'executor_thread_pool_size':
                    value = (conf if section == 'DEFAULT'
                             else conf[section])[name]
                    self.assertIsNotNone(value, (section, name))
                    written += 1
        self.assertThat(written, matchers.GreaterThan(10))

    def _vitrage(self, path):
        conf = cfg.ConfigOpts()
        for group, options in (
                *vitrage_opts.list_opts(), ('prometheus', prometheus.OPTS),
                ('mistral', mistral.OPTS),
                ('service_credentials', loading.get_session_conf_options())):
            conf.register_opts(options, None if group == 'DEFAULT' else group)
        conf([], default_config_files=[path])
        return conf

    def test_notifications(self):
        wanted = self.devstack.ini(VITRAGE_CONF)[
            'datasources']['notification_topics']
        options = self.devstack.ini(NOVA_CONF)['notifications']
        self.assertIn(options['notification_format'], ('both', 'versioned'))
        self.assertIn(wanted,
                      options['versioned_notifications_topics'].split(','))
        for path in ('etc/neutron/neutron.conf', 'etc/heat/heat.conf'):
            options = self.devstack.ini(path)['oslo_messaging_notifications']
            self.assertEqual('messagingv2', options['driver'])
            self.assertIn(wanted, options['topics'].split(','))

    def test_others(self):
        self.assertEqual({'os_actions_endpoint_type': 'public',
                          'default_region': 'RegionOne'},
                         self.devstack.ini('etc/mistral/mistral.conf')[
                             'openstack_actions'])
        # Vitrage's plugin allows it to everybody; a key may be there once.
        self.assertEqual(
            ['"stacks:global_index": "role:admin"'],
            [line for line in (self.devstack.root / 'etc/heat/policy.yaml')
             .read_text().splitlines() if 'global_index' in line])

    def test_notifier_is_installed_for_vitrage(self):
        self.assertEqual([['--no-deps', str(DEVSTACK.parent)]],
                         self.devstack.calls('pip_install'))

    def test_the_distribution_runs_nothing(self):
        """A service that a package starts is stopped before ours starts."""
        calls = self.devstack.calls()
        packages = {name for (name,) in self.devstack.calls(
            'install_package')}
        self.assertEqual({'prometheus', 'prometheus-alertmanager',
                          'prometheus-node-exporter'}, packages)
        for name in packages:
            self.assertEqual(
                ['systemctl', 'disable', '--now', '%s.service' % name],
                calls[calls.index(['install_package', name]) + 1])

    def test_the_monitor_reaches_vitrage(self):
        """From the target to the event API, each end names the next one."""
        prometheus = self.devstack.yaml('prometheus.yml')
        ((alertmanager,),) = [
            group['targets'] for group in prometheus['alerting'][
                'alertmanagers'][0]['static_configs']]
        self.assertEqual(alertmanager, self.flag(
            'self-healing-alertmanager', 'web.listen-address'))
        own = self.devstack.yaml('alertmanager.yml')
        (receiver,) = own['receivers']
        self.assertEqual(receiver['name'], own['route']['receiver'])
        (webhook,) = receiver['webhook_configs']
        api = self.devstack.ini('etc/self-healing/vitrage-api.ini')['uwsgi']
        self.assertEqual('http://%s/v1/event' % api['http'], webhook['url'])
        self.assertTrue(webhook['send_resolved'])
        vitrage = self.devstack.ini(VITRAGE_CONF)['prometheus']
        self.assertEqual(receiver['name'], vitrage['receiver'])
        self.assertEqual('http://%s/api/v2/alerts' % alertmanager,
                         vitrage['alertmanager_url'])
        self.assertEqual(
            str(self.devstack.conf_dir / 'vitrage-prometheus.yaml'),
            vitrage['config_file'])

    def test_every_alarm_has_one_name(self):
        self.stack('SELF_HEALING_DATA_NIC=ens4 '
                   "SELF_HEALING_HOST_ALARM='A & B' "
                   "SELF_HEALING_NIC_ALARM='C %D%'")
        raised = [rule['alert'] for name in ('host', 'nic')
                  for group in self.devstack.yaml(
                      '%s-rules.yml' % name)['groups']
                  for rule in group['rules']]
        self.assertEqual(['A & B', 'C %D%'], raised)
        self.assertEqual(raised, [
            alert['key']['alertname'] for alert in self.devstack.yaml(
                'vitrage-prometheus.yaml')['alerts']])
        options = self.tempest().self_healing
        self.assertEqual(raised, [options.host_alarm_name,
                                  options.nic_alarm_name])

    def test_label_names_the_entity(self):
        (target,) = self.devstack.yaml('targets.yml')
        self.assertEqual([os.uname().nodename],
                         list(target['labels'].values()))
        for alert in self.devstack.yaml('vitrage-prometheus.yaml')['alerts']:
            self.assertEqual(list(target['labels']),
                             [alert['resource']['id']])

    def test_node_exporter_is_scraped(self):
        (target,) = self.devstack.yaml('targets.yml')
        self.assertEqual(target['targets'], [self.flag(
            'self-healing-node-exporter', 'web.listen-address')])
        prometheus = self.devstack.yaml('prometheus.yml')
        (scrape,) = prometheus['scrape_configs']
        self.assertEqual([{'files': ['targets.yml']}],
                         scrape['file_sd_configs'])
        # The rules of hosts and NICs ask for this job.
        self.assertEqual('node', scrape['job_name'])
        self.assertEqual({'2s'}, set(prometheus['global'].values()))

    def test_password_is_in_one_file(self):
        http = self.devstack.yaml('alertmanager.yml')['receivers'][0][
            'webhook_configs'][0]['http_config']
        path = http['basic_auth']['password_file']
        self.assertEqual('vitrage', http['basic_auth']['username'])
        self.assert_mode('600', path)
        inside = [name for name, (mode, text) in self.devstack.files().items()
                  if fake_devstack.PASSWORD in text]
        self.assertEqual(
            {os.path.relpath(path, self.devstack.root), VITRAGE_CONF,
             'vitrage.conf'}, set(inside))

    def test_password_is_not_told(self):
        done = self.stack()
        # The log traces what the plugin does.
        self.assertIn('self_healing_write_password', done.stderr)
        self.assertNotIn(fake_devstack.PASSWORD, done.stderr + done.stdout)
        self.assertNotIn(fake_devstack.PASSWORD, str(self.devstack.calls()))

    def test_services_are_waited_for(self):
        self.assertEqual(
            {'http://127.0.0.1:8999/', 'http://127.0.0.1:9090/-/ready',
             'http://127.0.0.1:9093/-/ready'},
            {url for _, url in self.devstack.calls('wait_for_service')})
        refused = self.refused('SILENT=http://127.0.0.1:9093/-/ready')
        self.assertIn('self-healing-alertmanager does not answer', refused)

    def test_a_new_cloud_has_no_past(self):
        for service, flag in (
                ('self-healing-prometheus', 'storage.tsdb.path'),
                ('self-healing-alertmanager', 'storage.path')):
            old = self.devstack.root / self.flag(service, flag) / 'old'
            old.parent.mkdir()
            old.touch()
            self.stack()
            self.assertFalse(old.exists(), service)

    def test_nothing_that_hurts(self):
        conf = self.tempest()
        self.assertTrue(conf.service_available.self_healing)
        self.assertFalse(conf.self_healing.allow_faults)
        self.assertEqual([], conf.self_healing.fault_hosts)
        self.assertIsNone(conf.self_healing.host_ssh_key_file)
        self.assertFalse(any(
            conf.self_healing_feature_enabled[option.name]
            for option in config.FEATURE_OPTIONS))
        self.assertNotIn(AUTHORIZED_KEYS, self.devstack.files())
        self.assertNotIn('%s/self-healing-ssh' % STATE,
                         self.devstack.directories())

    def test_all_scenarios_are_known(self):
        self.assertEqual(
            {option.name for option in config.FEATURE_OPTIONS},
            set(self.devstack.ini(TEMPEST_CONF)[
                'self_healing_feature_enabled']))

    def test_tempest(self):
        settings = config.settings(self.tempest())
        self.assertEqual('prometheus', settings.monitor)
        self.assertEqual(('http://127.0.0.1:9090',),
                         settings.prometheus_urls)
        self.assertEqual(('http://127.0.0.1:9093',),
                         settings.alertmanager_urls)
        self.assertEqual(('systemd', 'devstack@n-cpu'),
                         (settings.service_manager, settings.compute_service))
        # The tests bring the template themselves.
        self.assertEqual((None, templates.HOST_DOWN),
                         (settings.host_alarm.template,
                          settings.host_alarm.file))
        self.assertIsNone(settings.power)
        self.assertTrue(os.path.isdir(settings.artifacts_dir))

    def test_journal(self):
        """The user of Tempest makes the directory, where nobody removes it."""
        settings = config.settings(self.tempest())
        above = os.path.dirname(settings.state_dir)
        self.assertEqual(0o41777, os.stat(above).st_mode)
        self.assertFalse(os.path.exists(settings.state_dir))
        with journals.Journal(settings.state_dir).held():
            self.assertEqual(((), ()), journals.Journal(
                settings.state_dir).read())

    def test_intervals_agree(self):
        self.stack('SELF_HEALING_SNAPSHOTS_INTERVAL=45')
        self.assertEqual('45', self.devstack.ini(VITRAGE_CONF)[
            'datasources']['snapshots_interval'])
        self.assertEqual(
            45, self.tempest().self_healing.vitrage_snapshots_interval)

    def test_no_service_no_file(self):
        self.stack('disable_service self-healing-prometheus\n'
                   'disable_service self-healing-alertmanager')
        self.assertEqual({'self-healing-node-exporter',
                          'self-healing-vitrage-api'}, set(self.processes()))
        options = self.tempest().self_healing
        self.assertEqual([], options.prometheus_url)
        self.assertEqual([], options.alertmanager_url)
        self.assertNotIn('prometheus', self.devstack.ini(VITRAGE_CONF))


class OptionsTest(DevStackTestCase):
    """What is written for Tempest is what the plugin has options for."""

    localrc = fake_devstack.CONTROLLER + TWO_NODES + """
SELF_HEALING_ALLOW_FAULTS=True
SELF_HEALING_FEATURES=host_crash,host_isolated,data_nic_down
SELF_HEALING_POWER_OFF_COMMAND='virsh -c qemu+ssh://h/system destroy {host}'
SELF_HEALING_POWER_ON_COMMAND='power on {host}'
SELF_HEALING_POWER_STATUS_COMMAND='power status {host}'
SELF_HEALING_MANAGEMENT_NIC=ens3
SELF_HEALING_DATA_NIC=ens4
SELF_HEALING_DATA_ADDRESSES=cpu:172.16.0.2
SELF_HEALING_CONTROL_PLANE_ADDRESSES=192.0.2.20,2001:db8::20
SELF_HEALING_HOST_TIMER=600
SELF_HEALING_HOST_TEMPLATE=host
SELF_HEALING_NIC_TEMPLATE=nic
"""

    def setUp(self):
        super().setUp()
        self.stack()

    def test_every_option_is_there(self):
        conf = self.tempest()
        known = {group.name: {option.name for option in options}
                 for group, options in config.OPTIONS}
        written = self.devstack.ini(TEMPEST_CONF)
        for group, names in known.items():
            self.assertThat(names, matchers.ContainsAll(written[group]))
            for name in written[group]:
                # Its type takes the value, or this raises.
                self.assertIsNotNone(conf[group][name], name)
        self.assertThat(written['self_healing'], matchers.HasLength(30))

    def test_faults(self):
        settings = config.settings(self.tempest())
        self.assertTrue(settings.allow_faults)
        self.assertEqual(('cpu',), settings.fault_hosts)
        self.assertEqual(('virsh', '-c', 'qemu+ssh://h/system', 'destroy',
                          '{host}'), settings.power.off)
        self.assertEqual(('ens3', 'ens4'), (settings.network.management_nic,
                                            settings.network.data_nic))
        self.assertEqual({'cpu': '172.16.0.2'},
                         dict(settings.network.data_addresses))
        self.assertEqual(('192.0.2.20', '2001:db8::20'),
                         settings.network.control_plane)
        self.assertEqual(600, settings.timeouts.host_timer)
        self.assertEqual(('host', 'nic'), (settings.host_alarm.template,
                                           settings.nic_alarm.template))

    def test_power(self):
        """Each option of the power has its variable."""
        self.stack('SELF_HEALING_POWER_DRIVER=fence\n'
                   'SELF_HEALING_POWER_FENCE_AGENT=fence_virt\n'
                   "SELF_HEALING_POWER_PLUG='vm {host}'\n"
                   'SELF_HEALING_POWER_PARAMETERS_FILE=/f/{host}\n'
                   'SELF_HEALING_POWER_DRIVERS=host_crash:command')
        options = self.tempest().self_healing
        self.assertEqual(
            ('fence', 'fence_virt', 'vm {host}', '/f/{host}',
             {'host_crash': 'command'}),
            (options.host_power_driver, options.host_power_fence_agent,
             options.host_power_plug, options.host_power_parameters_file,
             options.host_power_drivers))
        names = {option.name.removeprefix('host_power_').upper()
                 for _, group in config.OPTIONS for option in group
                 if option.name.startswith('host_power_')}
        self.assertEqual(names, set(
            self.refused('SELF_HEALING_POWER_DRIVRE=fence').rsplit(
                'with ', 1)[1].rstrip('.').split()))

    def test_features(self):
        features = self.tempest().self_healing_feature_enabled
        self.assertEqual(
            {'host_crash', 'host_isolated', 'data_nic_down'},
            {option.name for option in config.FEATURE_OPTIONS
             if features[option.name]})

    def test_ssh(self):
        access = config.settings(self.tempest()).access
        self.assertEqual({'cpu': '192.0.2.11'}, dict(access.addresses))
        self.assertEqual((self.devstack.variables()['SELF_HEALING_SSH_USER'],
                          True, 22), (access.user, access.sudo, access.port))
        self.assert_mode('600', access.key_file)
        self.assert_mode('700', os.path.dirname(access.key_file))
        with open(access.known_hosts_file) as file:
            self.assertEqual({'192.0.2.11'}, {
                line.split()[0] for line in file})

    def test_the_control_plane_is_the_last_to_get_guests(self):
        conf = self.devstack.ini(NOVA_CONF)
        self.assertEqual('2048', conf['DEFAULT']['reserved_host_memory_mb'])
        self.assertEqual(
            '100', conf['filter_scheduler']['ram_weight_multiplier'])
        self.stack('SELF_HEALING_FAULT_HOSTS=')
        self.assertNotIn('filter_scheduler', self.devstack.ini(NOVA_CONF))

    def test_rule_of_the_nic(self):
        (group,) = self.devstack.yaml('nic-rules.yml')['groups']
        (rule,) = group['rules']
        self.assertIn('device="ens4"', rule['expr'])
        # A blip is no fault.
        self.assertThat(float(rule['for'].removesuffix('s')),
                        matchers.GreaterThan(
                            self.tempest().self_healing.blip_time))
        self.stack('SELF_HEALING_DATA_NIC= SELF_HEALING_FEATURES=')
        self.assertFalse((self.devstack.conf_dir / 'nic-rules.yml').exists())

    def test_targets(self):
        self.stack('SELF_HEALING_NODES=a:192.0.2.1,cpu:2001:db8::2')
        self.assertEqual(
            [('a', ['192.0.2.1:9100']), ('cpu', ['[2001:db8::2]:9100'])],
            [(group['labels']['hostname'], group['targets'])
             for group in self.devstack.yaml('targets.yml')])
        self.assertEqual({'cpu': '2001:db8::2'}, dict(config.settings(
            self.tempest()).access.addresses))

    def test_key_of_somebody_else(self):
        key = self.devstack.root / 'key'
        key.write_text('mine')
        self.stack('SELF_HEALING_SSH_KEY_FILE=%s' % key)
        self.assertEqual('mine', key.read_text())
        self.run_script('clean')
        self.assertEqual('mine', key.read_text())

    def test_host_keys_of_somebody_else(self):
        known = self.devstack.root / 'known'
        known.write_text('mine')
        self.stack('SELF_HEALING_SSH_KEYSCAN=False '
                   'SELF_HEALING_SSH_KNOWN_HOSTS_FILE=%s' % known)
        self.assertEqual('mine', known.read_text())


class ChainsTest(DevStackTestCase):
    """A member's own stack needs three more plugins, and gets them."""

    chains = 'SELF_HEALING_CHAINS=vitrage,tenant\n'

    def plugins(self):
        return self.devstack.variables()['DEVSTACK_PLUGINS'].strip(
            ',').split(',')

    def enabled(self):
        return set(self.devstack.variables()['ENABLED_SERVICES'].split(','))

    def test_one_setting_is_enough(self):
        """They are fetched where Vitrage is from, and come before ours."""
        for chains in ('tenant', 'autohealing', 'vitrage,tenant,autohealing'):
            self.stack('SELF_HEALING_CHAINS=%s' % chains)
            self.assertEqual(
                ['heat', 'mistral', 'vitrage', 'ceilometer', 'aodh', 'zaqar',
                 fake_devstack.OURS], self.plugins())
            self.assertEqual(
                [[name, 'https://opendev.example/openstack/%s.git' % name,
                  'stable/2025.2'] for name in ('ceilometer', 'aodh',
                                                'zaqar')],
                self.devstack.calls('git_clone_by_name'))

    def name_zaqar(self):
        """Have local.conf name a plugin that a chain needs."""
        self.devstack = self.useFixture(fake_devstack.FakeDevStack(
            fake_devstack.CONTROLLER.replace(
                'enable_plugin heat', 'enable_plugin zaqar https://my/z mine'
                '\nenable_plugin heat')))

    def test_no_mongodb_to_clean(self):
        """Zaqar's plugin would wait for it, as clean.sh has no defaults."""
        self.name_zaqar()
        self.stack(self.chains)
        self.assertEqual('redis', self.devstack.variables()['ZAQAR_BACKEND'])
        self.run_script('clean')

    def test_local_conf_wins(self):
        """A plugin that it names is taken from there, at its branch."""
        self.name_zaqar()
        self.stack(self.chains + 'ZAQAR_BACKEND=mongodb '
                   'CEILOMETER_BACKENDS=gnocchi\n'
                   'enable_service aodh-evaluator')
        self.assertEqual(
            ['zaqar', 'heat', 'mistral', 'vitrage', 'ceilometer', 'aodh',
             fake_devstack.OURS], self.plugins())
        seen = self.devstack.variables()
        self.assertEqual(('mongodb', 'mine', 'gnocchi'), (
            seen['ZAQAR_BACKEND'], seen['ZAQARCLIENT_BRANCH'],
            seen['CEILOMETER_BACKENDS']))
        self.assertNotIn('etc/zaqar/zaqar.conf', self.devstack.files())
        self.assertNotIn('etc/ceilometer/ceilometer.conf',
                         self.devstack.files())
        self.assertIn('aodh-evaluator', self.enabled())

    def test_no_more_than_a_chain_needs(self):
        self.stack(self.chains)
        self.assertEqual(
            {'aodh-api', 'aodh-listener', 'aodh-notifier', 'zaqar-wsgi',
             'ceilometer-anotification'},
            {name for name in self.enabled() if name.startswith(
                ('aodh', 'ceilometer', 'gnocchi', 'zaqar'))})

    def test_vitrage_alone(self):
        """It needs none of them, and nothing is said about them."""
        for localrc in ('', 'SELF_HEALING_CHAINS=vitrage'):
            self.stack(localrc)
            self.assertEqual(['heat', 'mistral', 'vitrage',
                              fake_devstack.OURS], self.plugins())
            self.assertEqual([], self.devstack.calls('git_clone_by_name'))
            self.assertNotIn('notify_on_state_change', self.devstack.ini(
                NOVA_CONF)['notifications'])
            self.assertEqual([], [name for name in self.devstack.files()
                                  if re.search('aodh|ceilometer|zaqar', name)])

    def test_stock_vitrage(self):
        """Without the chain of that name, nothing of ours is in Vitrage."""
        self.stack('SELF_HEALING_CHAINS=tenant')
        conf = self.devstack.ini(VITRAGE_CONF)
        self.assertEqual('nova', conf['DEFAULT']['notifiers'])
        self.assertNotIn('mistral', conf)
        self.assertEqual([], self.devstack.calls('pip_install'))

    def test_an_event_goes_all_the_way(self):
        """From Nova to the queue, each end is where the next one looks."""
        self.stack(self.chains)
        nova = self.devstack.ini(NOVA_CONF)['notifications']
        self.assertEqual(('both', 'vm_and_task_state'), (
            nova['notification_format'], nova['notify_on_state_change']))
        self.assertEqual('event', self.devstack.ini(
            'etc/ceilometer/ceilometer.conf')['notification']['pipelines'])
        pipeline = yaml.safe_load((
            self.devstack.root / 'etc/ceilometer/event_pipeline.yaml'
        ).read_text())
        self.assertEqual([['notifier://?topic=alarm.all']],
                         [sink['publishers'] for sink in pipeline['sinks']])
        self.assertEqual('redis://localhost:6379?socket_timeout=10',
                         self.devstack.ini('etc/zaqar/zaqar.conf')[
                             'drivers:message_store:redis']['uri'])

    def test_cache_of_alarms(self):
        """The suite waits as long as Aodh's listener keeps them."""
        for seconds in ('0', '7'):
            self.stack(self.chains + (
                'SELF_HEALING_EVENT_ALARM_CACHE_TTL=%s' % seconds))
            conf = self.devstack.ini('etc/aodh/aodh.conf')
            self.assertEqual(seconds,
                             conf['DEFAULT']['event_alarm_cache_ttl'])
            self.assertEqual(int(seconds), config.settings(
                self.tempest()).timeouts.alarm_cache)

    def test_every_scenario_has_its_chain(self):
        # At work on one application, each of them is wired up.
        several = {'both': 'vitrage tenant'}
        chains = {
            scenario.feature: several.get(scenario.chain.name,
                                          scenario.chain.name)
            for scenario in scenarios.SCENARIOS}
        said = subprocess.run(
            ['bash', '-euc', 'source "$0"; for feature in "$@"; do '
             'echo "$feature $(self_healing_chains_of "$feature")"; done',
             DEVSTACK / 'lib' / 'tempest', *chains],
            check=True, capture_output=True, text=True).stdout
        self.assertEqual(chains, dict(
            line.split(' ', 1) for line in said.splitlines()))

    def test_scenario_without_its_chain(self):
        for feature, name, others in (
                ('synthetic_alarm', 'vitrage', 'tenant,autohealing'),
                ('both_ways', 'vitrage', 'tenant'),
                ('both_ways', 'tenant', 'vitrage'),
                ('tenant_synthetic_alarm', 'tenant', 'vitrage'),
                ('server_deleted', 'autohealing', 'vitrage,tenant')):
            self.assertEqual(
                'SELF_HEALING_FEATURES: %s needs the chain %s, which is not '
                'in SELF_HEALING_CHAINS.' % (feature, name),
                self.refused('SELF_HEALING_CHAINS=%s SELF_HEALING_FEATURES=%s'
                             % (others, feature)))
            self.stack('SELF_HEALING_CHAINS=%s,%s SELF_HEALING_FEATURES=%s'
                       % (name, others, feature))

    def test_taken_back(self):
        """All three are stopped and cleaned, by whoever does that."""
        before = self.devstack.files()
        self.stack(self.chains)
        self.run_script('unstack')
        self.assertIn(['zaqar-wsgi'], self.devstack.calls('stop_process'))
        self.run_script('clean')
        self.assertEqual('redis', self.devstack.variables()['ZAQAR_BACKEND'])
        self.assertEqual([fake_devstack.OURS], self.plugins()[-1:])
        self.assertThat(self.plugins(), matchers.HasLength(7))
        self.assertEqual([], [name for name in set(
            self.devstack.files()) - set(before) if 'self-healing' in name])


class RefusedTest(DevStackTestCase):
    """Settings that would fail late, or not at all, are refused at once."""

    def test_fault_host_without_address(self):
        self.assertEqual(
            'SELF_HEALING_FAULT_HOSTS: cpu is not in SELF_HEALING_NODES, '
            'which says how it is reached.',
            self.refused('SELF_HEALING_FAULT_HOSTS=cpu'))

    def test_silent_fault_host(self):
        self.assertEqual(
            'SELF_HEALING_FAULT_HOSTS: no SSH server of cpu answers at '
            '192.0.2.11 port 22.',
            self.refused(TWO_NODES + 'SILENT=192.0.2.11'))

    def test_unknown_scenario(self):
        self.assertThat(
            self.refused('SELF_HEALING_FEATURES=host_crash,host_crush'),
            matchers.StartsWith(
                'SELF_HEALING_FEATURES: there is no host_crush, only '))

    def test_unknown_chain(self):
        self.assertEqual(
            'SELF_HEALING_CHAINS: there is no tennant, only vitrage tenant '
            'autohealing.', self.refused('SELF_HEALING_CHAINS=tennant'))

    def test_order_of_a_chains_plugins(self):
        self.assertIn('enable_plugin zaqar must stand before', self.refused(
            'SELF_HEALING_CHAINS=tenant\n'
            'enable_plugin zaqar https://opendev.example/zaqar'))

    def test_distribution(self):
        self.assertIn('SELF_HEALING_MONITOR=doctor',
                      self.refused('DISTRO=rhel9'))
        self.stack('DISTRO=rhel9 SELF_HEALING_MONITOR=doctor')

    def test_plugin_is_missing(self):
        for name in ('heat', 'mistral', 'vitrage'):
            self.assertIn('add enable_plugin %s to local.conf' % name,
                          self.refused('DEVSTACK_PLUGINS=%s' % ','.join((
                              '', *sorted({'heat', 'mistral', 'vitrage'}
                                          - {name}), fake_devstack.OURS))))

    def test_order_of_plugins(self):
        for name in ('heat', 'mistral', 'vitrage'):
            plugins = sorted({'heat', 'mistral', 'vitrage'} - {name})
            self.assertIn(
                'enable_plugin %s must stand before' % name,
                self.refused('DEVSTACK_PLUGINS=%s' % ','.join((
                    '', *plugins, fake_devstack.OURS, name))))


class FakeDriverTest(DevStackTestCase):
    """Many hosts on one machine, as in the gate."""

    localrc = fake_devstack.CONTROLLER + """
VIRT_DRIVER=fake
NUMBER_FAKE_NOVA_COMPUTE=2
"""

    def test_hosts(self):
        self.stack()
        name = os.uname().nodename
        self.assertEqual(
            {name + '1': ['192.0.2.10:9100'], name + '2': ['192.0.2.10:9100']},
            {group['labels']['hostname']: group['targets']
             for group in self.devstack.yaml('targets.yml')})

    def test_doctor(self):
        """Nothing of Prometheus is there where another one is the monitor."""
        self.stack('SELF_HEALING_MONITOR=doctor')
        self.assertEqual([], self.devstack.calls('install_package'))
        self.assertEqual({}, self.processes())
        seen = self.tempest().self_healing
        self.assertEqual(('doctor', 'compute.host.down'),
                         (seen.monitor, seen.host_alarm_name))
        self.assertEqual([], list(self.devstack.conf_dir.iterdir()))

    def test_chassis(self):
        """Neutron binds ports to hosts that OVN knows, and to no other."""
        self.stack('ENABLED_SERVICES+=,ovn-northd')
        name = os.uname().nodename
        made = [dict(word.split('=', 1) for word in call
                     if re.match('(name|hostname|ip)=', word))
                for call in self.devstack.calls('ovn-sbctl')
                if 'create' in call]
        self.assertEqual(
            [{'name': 'self-healing-%s%d' % (name, number),
              'hostname': '%s%d' % (name, number),
              'ip': '198.51.100.%d' % number} for number in (1, 2)], made)
        self.stack('VIRT_DRIVER=libvirt ENABLED_SERVICES+=,ovn-northd')
        self.assertEqual([], self.devstack.calls('ovn-sbctl'))

    def test_no_ovn(self):
        self.stack()
        self.assertEqual([], self.devstack.calls('ovn-sbctl'))

    def test_synthetic_alarm(self):
        """The alarm reaches no host: there is no key, and none is needed."""
        name = os.uname().nodename
        self.stack((DEVSTACK / 'samples' / 'gate.conf').read_text())
        seen = self.tempest()
        self.assertTrue(seen.self_healing_feature_enabled.synthetic_alarm)
        self.assertTrue(
            seen.self_healing_feature_enabled.tenant_synthetic_alarm)
        self.assertEqual([name + '1', name + '2'],
                         seen.self_healing.fault_hosts)
        self.assertFalse(seen.self_healing.host_ssh_key_file)
        self.assertNotIn(STATE + '/self-healing-ssh',
                         self.devstack.directories())


class SubnodeTest(DevStackTestCase):
    """A node that runs nova-compute alone."""

    localrc = fake_devstack.SUBNODE

    def authorized(self):
        return (self.devstack.root / AUTHORIZED_KEYS).read_text().splitlines()

    def test_only_what_a_compute_host_needs(self):
        before = set(self.devstack.files())
        self.stack()
        self.assertEqual({NOVA_CONF}, set(self.devstack.files()) - before)
        self.assertEqual([['prometheus-node-exporter']],
                         self.devstack.calls('install_package'))
        self.assertEqual([], self.devstack.calls('pip_install'))
        self.assertEqual({'self-healing-node-exporter'},
                         set(self.processes()))
        self.assertEqual('192.0.2.11:9100', self.flag(
            'self-healing-node-exporter', 'web.listen-address'))
        self.assertNotIn('TEMPEST_PLUGINS', self.devstack.variables())

    def test_chains(self):
        """They are the control plane's: no plugin is fetched here."""
        self.stack('SELF_HEALING_CHAINS=vitrage,tenant,autohealing')
        self.assertEqual([], self.devstack.calls('git_clone_by_name'))
        self.assertEqual(',' + fake_devstack.OURS,
                         self.devstack.variables()['DEVSTACK_PLUGINS'])

    def test_notifications(self):
        self.stack()
        conf = self.devstack.ini(NOVA_CONF)
        self.assertEqual(
            {'notification_format': 'both', 'versioned_notifications_topics':
             'versioned_notifications,vitrage_notifications'},
            conf['notifications'])
        self.assertEqual(
            '60', conf['DEFAULT']['running_deleted_instance_poll_interval'])

    def test_key(self):
        path = self.devstack.root / AUTHORIZED_KEYS
        path.write_text('ssh-rsa AAAA operator\n')
        self.stack("SELF_HEALING_SSH_PUBLIC_KEY='%s me@there'" % PUBLIC_KEY)
        self.assertEqual(['ssh-rsa AAAA operator', '%s %s' % (
            PUBLIC_KEY, fake_devstack.OURS)], self.authorized())
        # A new key takes the place of the old one.
        own_key = PUBLIC_KEY.replace('f1HIu', 'f1HIv')
        self.stack("SELF_HEALING_SSH_PUBLIC_KEY='%s'" % own_key)
        self.assertEqual(['ssh-rsa AAAA operator', '%s %s' % (
            own_key, fake_devstack.OURS)], self.authorized())
        self.run_script('clean')
        self.assertEqual(['ssh-rsa AAAA operator'], self.authorized())

    def test_no_uwsgi(self):
        """A service that is not enabled needs no program, either."""
        (self.devstack.root / 'bin' / 'uwsgi').unlink()
        self.stack()
        self.assertEqual({'self-healing-node-exporter'},
                         set(self.processes()))

    def test_key_in_a_file(self):
        path = self.devstack.root / 'key.pub'
        path.write_text(PUBLIC_KEY + ' me\n')
        self.stack('SELF_HEALING_SSH_PUBLIC_KEY_FILE=%s' % path)
        self.assertEqual(['%s %s' % (PUBLIC_KEY, fake_devstack.OURS)],
                         self.authorized())
        self.assert_mode('600', AUTHORIZED_KEYS)

    def test_no_key(self):
        self.assertEqual(
            'SELF_HEALING_SSH_PUBLIC_KEY is no public key of SSH.',
            self.refused('SELF_HEALING_SSH_PUBLIC_KEY=secret'))

    def test_taken_back(self):
        before = self.devstack.files()
        self.stack("SELF_HEALING_SSH_PUBLIC_KEY='%s'" % PUBLIC_KEY)
        self.run_script('unstack')
        self.assertEqual([['self-healing-node-exporter']],
                         self.devstack.calls('stop_process'))
        self.run_script('clean')
        # nova.conf goes with Nova.
        self.assertEqual({NOVA_CONF},
                         set(self.devstack.files()) - set(before))


class AgainTest(DevStackTestCase):
    """Stacking can be repeated, and taken back."""

    localrc = OptionsTest.localrc

    def test_twice_is_once(self):
        self.stack()
        calls, files = self.devstack.calls(), self.devstack.files()
        self.stack()
        self.assertEqual(files, self.devstack.files())
        # A key is made, and told of, once.
        self.assertEqual([call for call in calls if (
            'SELF_HEALING_SSH_PUBLIC_KEY' not in call[-1])],
            self.devstack.calls())

    def test_twice_after_unstack(self):
        self.stack()
        files = self.devstack.files()
        self.run_script('unstack')
        self.assertEqual(files, self.devstack.files())
        self.stack()
        self.assertEqual(files, self.devstack.files())

    def test_unstack_stops_what_was_started(self):
        self.stack()
        started = set(self.processes())
        self.assertThat(started, matchers.HasLength(4))
        self.run_script('unstack')
        self.assertEqual(started, {
            name for (name,) in self.devstack.calls('stop_process')})

    def test_clean_leaves_nothing(self):
        before = self.devstack.files(), self.devstack.directories()
        self.stack()
        self.run_script('unstack')
        self.run_script('clean')
        # What other services have is theirs to remove.
        self.assertEqual(
            {VITRAGE_CONF, 'etc/vitrage/vitrage-uwsgi.ini', NOVA_CONF,
             'etc/neutron/neutron.conf', 'etc/heat/heat.conf',
             'etc/heat/policy.yaml', 'etc/mistral/mistral.conf',
             TEMPEST_CONF}, set(self.devstack.files()) - set(before[0]))
        left = self.devstack.directories() - before[1]
        self.assertEqual([], [name for name in left if 'healing' in name])

    def test_clean_leaves_reports(self):
        self.stack()
        report = self.devstack.root / 'opt/stack/tempest/self-healing/r.html'
        report.touch()
        self.run_script('clean')
        self.assertTrue(report.exists())

    def test_clean_without_stack(self):
        before = self.devstack.files()
        self.run_script('clean')
        self.assertEqual(before, self.devstack.files())


class ProgramsTest(DevStackTestCase):
    """Prometheus and Alertmanager take what was written for them."""

    localrc = OptionsTest.localrc

    def check(self, program, *arguments):
        if shutil.which(program) is None:
            self.skipTest('there is no %s' % program)
        self.stack()
        done = subprocess.run(
            [program, *arguments], cwd=self.devstack.conf_dir,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout

    def test_prometheus(self):
        self.assertThat(
            self.check('promtool', 'check', 'config', 'prometheus.yml'),
            matchers.MatchesAll(*(
                matchers.Contains('%s-rules.yml' % name)
                for name in ('host', 'nic'))))

    def test_alertmanager(self):
        self.assertIn('1 receivers', self.check(
            'amtool', 'check-config', 'alertmanager.yml'))
