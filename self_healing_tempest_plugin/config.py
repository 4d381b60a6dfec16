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

"""Every option of the plugin, and the one place where they are read.

The tests get a :class:`Settings`: plain, frozen values. Nothing but this
module looks at ``CONF``, and a value that is missing or wrong is one line
that names its option.
"""

import contextlib
import dataclasses
import os
import re
import shlex
import types as builtin_types
import typing

from oslo_config import cfg
from oslo_config import types
from tempest.lib import exceptions

from self_healing_tempest_plugin import redaction
from self_healing_tempest_plugin.redaction import learning
from self_healing_tempest_plugin.redaction import names
from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin import templates

SERVICE_AVAILABLE = cfg.OptGroup('service_available',
                                 title='Available OpenStack Services')
SELF_HEALING = cfg.OptGroup('self_healing', title='Self-healing tests')
FEATURES = cfg.OptGroup('self_healing_feature_enabled',
                        title='Self-healing scenarios that the cloud allows')

_JUMP_HOST = re.compile(
    r'(?:(?P<user>[^\s@:/]+)@)?'
    r'(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[\w.-]+))'
    r'(?::(?P<port>\d{1,5}))?', re.ASCII)

_POWER_OPTIONS = tuple('host_power_%s_command' % action
                       for action in ('off', 'on', 'status'))

# What a monitor needs to tell Vitrage beside the alarm's own way: time for
# the alert to be evaluated, sent, put into the graph and into the database.
ALARM_MARGIN = 30

# The options of Vitrage, Mistral and Heat that say whether they are there
# belong to their own plugins: registering another plugin's option with
# another help text raises DuplicateOptError, which Tempest logs and swallows
# together with the groups that would have come after it.
SERVICE_AVAILABLE_OPTIONS = [
    cfg.BoolOpt(
        'self_healing', default=False,
        help='Whether Heat, Mistral, Vitrage and a monitor are there and '
             'wired up to heal an application. Without it every self-healing '
             'test is skipped.'),
]

SELF_HEALING_OPTIONS = [
    cfg.StrOpt(
        'endpoint_type', default='public',
        choices=['public', 'internal', 'admin'],
        help='Endpoint type (interface) of Heat, Mistral and Vitrage.'),
    cfg.StrOpt(
        'region',
        help='Region of Heat, Mistral and Vitrage. Empty: '
             '[identity] region.'),
    cfg.StrOpt(
        'vitrage_catalog_type', default='rca',
        help='Service type of Vitrage in the catalog.'),
    cfg.StrOpt(
        'mistral_catalog_type', default='workflowv2',
        help='Service type of Mistral in the catalog.'),
    cfg.StrOpt(
        'heat_catalog_type', default='orchestration',
        help='Service type of Heat in the catalog.'),
    cfg.IntOpt(
        'request_timeout', default=30, min=1, max=600,
        help='Seconds after which a request that got no answer is given up. '
             'The wait that it belongs to goes on.'),
    cfg.StrOpt(
        'image_ref',
        help='Image of the application. It must run user data from the '
             'config drive. Empty: [compute] image_ref.'),
    cfg.StrOpt(
        'flavor_ref',
        help='Flavor of the application. Empty: [compute] flavor_ref.'),
    cfg.StrOpt(
        'external_network',
        help="Network that the application's address comes from. Empty: "
             '[network] public_network_id.'),
    cfg.PortOpt(
        'application_port', default=80, min=1,
        help='TCP port on which the application answers HTTP.'),
    cfg.StrOpt(
        'monitor', default='prometheus', choices=['prometheus', 'doctor'],
        help="Who notices a dead host: the Vitrage datasource that its "
             'alarms come from.'),
    cfg.URIOpt(
        'prometheus_url', schemes=['http', 'https'],
        help='URL of Prometheus, such as http://192.0.2.1:9090, which is '
             'asked about its rule, its targets and its alerts when an alarm '
             'is missing. User and password must not be in it. Empty: it is '
             'not asked.'),
    cfg.URIOpt(
        'alertmanager_url', schemes=['http', 'https'],
        help='URL of Alertmanager, such as http://192.0.2.1:9093, which is '
             'asked about alerts, silences and failed notifications when an '
             'alarm is missing. User and password must not be in it. Empty: '
             'it is not asked.'),
    cfg.StrOpt(
        'host_alarm_name', default='HostDown',
        help="Name of the monitor's alarm on a dead host, as Vitrage shows "
             'it.'),
    cfg.StrOpt(
        'nic_alarm_name', default='HostNicDown',
        help="Name of the monitor's alarm on a host whose data NIC is down, "
             'as Vitrage shows it.'),
    cfg.StrOpt(
        'deduced_alarm_name', default='Instance down',
        help='Name of the alarm that Vitrage deduces for every instance of '
             'a dead host.'),
    cfg.StrOpt(
        'host_template',
        help='Name of the Vitrage template that deduces instance alarms from '
             'host alarms, where the cloud has one. Empty: the tests add '
             'their own and remove it afterwards.'),
    cfg.StrOpt(
        'nic_template',
        help='The same for the alarms on data NICs. Empty: the tests add '
             'their own and remove it afterwards.'),
    cfg.BoolOpt(
        'allow_faults', default=False,
        help='Whether the tests may break something for real.'),
    cfg.ListOpt(
        'fault_hosts', default=[], item_type=types.String(),
        help='Compute hosts that may be broken, as [service] host names in '
             'Nova. A host that is not in the list is never touched, nor is '
             'one that runs another service of Nova than nova-compute.'),
    cfg.BoolOpt(
        'allow_foreign_servers', default=False,
        help='Whether a host may be broken that carries servers of other '
             'projects than the one of the tests.'),
    cfg.BoolOpt(
        'bisect', default=False,
        help='Whether, when a link is broken, the later ones are tried on '
             'their own while the fault is still there. That hurts: it '
             'raises an alarm of its own on the broken host in Vitrage, '
             'starts the healing workflow, or updates the stack; and the '
             'fault lasts longer, by all deadlines of the later links.'),
    cfg.IntOpt(
        'max_executions', default=0, min=0, max=1000,
        help='How many executions of the healing workflow may be started '
             'for one server. More of them are the failure EXECUTION_STORM. '
             '0: any number.'),
    cfg.StrOpt(
        'state_dir',
        help='Directory of the journal of faults and of the lock that lets '
             'one run at a time break something, as an absolute path: '
             '"self-healing-tempest revert" must find it from anywhere. All '
             'runs against one cloud should share it, and it should outlive '
             'a reboot: lock_path is often below /tmp. Nobody else, nor a '
             'group, may write there, or in a directory above it that has no '
             'sticky bit: what the journal says is run. Empty: "self_healing" '
             'below [oslo_concurrency] lock_path.'),
    cfg.IntOpt(
        'host_timer', min=5, max=86400,
        help='Seconds after which a broken host repairs itself, whatever has '
             'become of the run; for a host that cannot be reached during '
             'its fault that is the only way back. It must be longer than '
             'healing takes. Empty: the sum of the deadlines from witness to '
             'application, with bisect twice that.'),
    cfg.StrOpt(
        'host_power_off_command', secret=True,
        help='Command that takes the power from a host, run without a shell. '
             '{host} is replaced by the name of the host, {password_file} by '
             'host_power_password_file. Example: ipmitool -I lanplus -H '
             '{host}-bmc -U root -E chassis power off. A password must not '
             'be in it: everybody on the runner would see it.'),
    cfg.StrOpt(
        'host_power_on_command', secret=True,
        help='Command that gives the power back to a host, run without a '
             'shell. It must do no harm to a host that is on. {host} is '
             'replaced by the name of the host.'),
    cfg.StrOpt(
        'host_power_status_command', secret=True,
        help='Command whose last word on standard output is "on" or "off", '
             'run without a shell. {host} is replaced by the name of the '
             'host.'),
    cfg.StrOpt(
        'host_power_password_file',
        help='File with the password of the BMCs in its only line, which '
             'nobody but its owner may read (mode 0600). {host} in its path '
             'is replaced by the name of the host, where each BMC has a '
             'password of its own. The power commands get it in the variable '
             'host_power_password_variable, as "ipmitool -E" wants it; one '
             'that wants a file, as "ipmitool -f {password_file}", gets its '
             'path. Empty: they need none, or have a way of their own.'),
    cfg.StrOpt(
        'host_power_password_variable', default='IPMI_PASSWORD',
        regex=r'^[A-Za-z_]\w*$',
        help='Variable of the environment of the power commands that holds '
             'the password from host_power_password_file.'),
    cfg.IntOpt(
        'host_power_timeout', default=60, min=1, max=3600,
        help='Seconds that one power command may take.'),
    cfg.PortOpt(
        'host_witness_port', default=22, min=1,
        help='TCP port on the management address of a host that answers '
             'while the host is alive, and not when it is dead.'),
    cfg.Opt(
        'host_addresses', type=types.Dict(types.String()), default={},
        help='Addresses that hosts are reached at over SSH, as '
             '"host:address,...". A host that is not in the list is reached '
             'at the address that Nova knows of its hypervisor.'),
    cfg.StrOpt(
        'host_ssh_user', default='root',
        help='User of the hosts. It must be root, or host_ssh_sudo be set.'),
    cfg.StrOpt(
        'host_ssh_key_file',
        help='File with the private key of that user, without passphrase. '
             'Needed by every fault but the host crash.'),
    cfg.StrOpt(
        'host_ssh_known_hosts_file',
        help='File with the public keys of the hosts, and of the jump host, '
             'as ssh-keyscan prints them. A host that is not in it, or shows '
             'another key, is not talked to. Needed with '
             'host_ssh_key_file.'),
    cfg.PortOpt(
        'host_ssh_port', default=22, min=1,
        help='TCP port of the SSH server of the hosts.'),
    cfg.StrOpt(
        'host_ssh_jump_host',
        help='Host that the hosts are reached through, as '
             '"[user@]host[:port]". The user and the port default to those '
             'of the hosts, the key is the same.'),
    cfg.BoolOpt(
        'host_ssh_sudo', default=False,
        help='Whether commands on the hosts are run by "sudo -n", which asks '
             'no password.'),
    cfg.IntOpt(
        'host_ssh_timeout', default=10, min=1, max=600,
        help='Seconds until an SSH connection must stand.'),
    cfg.StrOpt(
        'host_management_nic',
        help='NIC of the hosts that the control plane, the monitor and SSH '
             'reach them by.'),
    cfg.StrOpt(
        'host_data_nic',
        help='NIC of the hosts that the network of their servers goes '
             'through, whose failure the monitor notices.'),
    cfg.Opt(
        'host_data_addresses', type=types.Dict(types.String()), default={},
        help='Addresses of the hosts that answer a ping through the data NIC '
             'only, as "host:address,...", such as those of the tunnels. '
             'Another host of fault_hosts pings there to witness that the '
             'NIC is down. Empty: the link of the NIC itself is the '
             'witness.'),
    cfg.StrOpt(
        'host_network_restore_command',
        help="Command of a host's own network manager that configures a NIC "
             'again which was down, run on the host without a shell, once '
             'for each NIC; {nic} is replaced by its name. Example: '
             'networkctl reconfigure {nic}. It must do no harm to a NIC that '
             'is configured. Empty: the addresses, routes, nexthop objects '
             'and neighbours are put back by ip(8) as they were. Either way '
             'they must be as before, or the fault is not over.'),
    cfg.ListOpt(
        'control_plane_addresses', default=[], item_type=types.IPAddress(),
        help='Addresses that a host loses in the packets_dropped scenario: '
             'those of the control plane and of the monitor. The address of '
             'the SSH client must not be among them.'),
    cfg.StrOpt(
        'service_manager', default='systemd',
        choices=['systemd', 'supervisor'],
        help='What runs nova-compute on the hosts.'),
    cfg.StrOpt(
        'compute_service', default='nova-compute',
        help="Name of nova-compute in its service manager, in DevStack "
             '"devstack@n-cpu".'),
    cfg.FloatOpt(
        'blip_time', default=1.0, min=0.1, max=60,
        help="Seconds of the short blip of a data NIC. They must be less "
             "than what the monitor's rule waits before it raises "
             'nic_alarm_name.'),
    cfg.IntOpt(
        'quiet_time', min=5, max=86400,
        help='Seconds that nothing may be healed in, where nothing is to be '
             'healed. For a stopped nova-compute they must be more than '
             "Nova's service_down_time. Empty: alarm_timeout + "
             'deduction_timeout.'),
    cfg.FloatOpt(
        'poll_interval', default=0.4, min=0.1, max=60,
        help='Seconds between two questions to the same service.'),
    cfg.IntOpt(
        'vitrage_snapshots_interval', default=600, min=10, max=86400,
        help="Vitrage's [datasources] snapshots_interval in seconds. What "
             'Vitrage learns by no notification it learns then, and the '
             'default deadlines are computed from it.'),
    cfg.IntOpt(
        'witness_timeout', default=30, min=1, max=3600,
        help='Seconds until an injected fault must show. Without a witness '
             'the run is invalid.'),
    cfg.IntOpt(
        'alarm_timeout', min=1, max=86400,
        help="Seconds from the fault to the monitor's alarm in Vitrage. "
             'Empty: vitrage_snapshots_interval + %d.' % ALARM_MARGIN),
    cfg.IntOpt(
        'deduction_timeout', default=30, min=1, max=86400,
        help="Seconds from the monitor's alarm to the deduced alarm and "
             'state of the server.'),
    cfg.IntOpt(
        'workflow_timeout', default=30, min=1, max=86400,
        help='Seconds from the deduced alarm to a Mistral execution, and '
             'from the healed stack to the end of that execution.'),
    cfg.IntOpt(
        'stack_timeout', default=300, min=1, max=86400,
        help='Seconds from the Mistral execution to the updated stack with '
             'its new, active server. Also for creating and deleting a '
             'stack.'),
    cfg.IntOpt(
        'application_timeout', default=120, min=1, max=86400,
        help='Seconds from the active server to the answer of its '
             'application.'),
    cfg.IntOpt(
        'host_return_timeout', min=1, max=86400,
        help='Seconds from power on to a host that is as before: compute '
             'service up, not forced down, no alarm. Empty: '
             'vitrage_snapshots_interval + 300.'),
    cfg.IntOpt(
        'return_watch_time', default=20, min=1, max=86400,
        help='Seconds after the return of the broken host during which its '
             'old guest must not answer in place of the healed '
             'application.'),
    cfg.IntOpt(
        'template_timeout', default=60, min=1, max=86400,
        help='Seconds until Vitrage has loaded or unloaded a template.'),
    cfg.IntOpt(
        'graph_timeout', min=1, max=86400,
        help="Seconds until a new server and its host are in Vitrage's "
             'graph. Empty: vitrage_snapshots_interval + %d.' % ALARM_MARGIN),
    cfg.StrOpt(
        'artifacts_dir', default='self-healing-artifacts',
        help='Directory for the timeline of each run, as JSON and as text, '
             'and for a page of all of them. A relative one is below the '
             'working directory.'),
]

# Service-level objectives: what "self-healing-tempest report" holds against
# the times of several runs. Nothing else reads them.
_SLO_HELP = ('Seconds that p95 of %s may be at most, over several runs; '
             '"self-healing-tempest report" says whether that is met. Empty: '
             'no objective.')

SLO_OPTIONS = [
    cfg.FloatOpt('slo_%s' % name, min=0, max=86400, help=_SLO_HELP % what)
    for name, what in (
        ('alarm', "the time from the fault to the monitor's alarm in "
                  'Vitrage'),
        ('deduction', "the time from the monitor's alarm to the deduced "
                      'one'),
        ('workflow', 'the time from the deduced alarm to a Mistral '
                     'execution, and of that from the healed stack to the '
                     'end of the execution,'),
        ('stack', 'the time from the Mistral execution to the updated '
                  'stack'),
        ('application', 'the time from the updated stack to the answer of '
                        'its application'),
        ('healing', 'the time from the fault to the answer of the healed '
                    'application'))
]

FEATURE_OPTIONS = [
    cfg.BoolOpt(
        'host_crash', default=False,
        help='Whether the host crash scenario can run: the host power '
             'commands are set and a compute host is left to heal on.'),
    cfg.BoolOpt(
        'unhealed_host_crash', default=False,
        help='Whether the scenario can run in which a host crashes and no '
             'rule heals: what host_crash needs.'),
    cfg.BoolOpt(
        'host_isolated', default=False,
        help='Whether the scenario can run in which a host loses both of its '
             'NICs: SSH to the hosts, host_management_nic, host_data_nic, '
             'host_timer.'),
    cfg.BoolOpt(
        'data_nic_down', default=False,
        help='Whether the scenario can run in which a host loses its data '
             'NIC: SSH to the hosts, host_data_nic, and a monitor that '
             'raises nic_alarm_name.'),
    cfg.BoolOpt(
        'management_nic_down', default=False,
        help='Whether the scenario can run in which a host loses its '
             'management NIC: SSH to the hosts, host_management_nic, '
             'host_timer. The guests go on running, and it is split brain '
             'unless the network takes the address from them.'),
    cfg.BoolOpt(
        'packets_dropped', default=False,
        help='Whether the scenario can run in which a host and the control '
             'plane lose all packets between them: SSH to the hosts, '
             'control_plane_addresses, nftables on the hosts.'),
    cfg.BoolOpt(
        'compute_service_stopped', default=False,
        help='Whether the scenario can run in which nova-compute is stopped: '
             'SSH to the hosts, service_manager, compute_service.'),
    cfg.BoolOpt(
        'compute_service_frozen', default=False,
        help='Whether the scenario can run in which nova-compute is frozen: '
             'SSH to the hosts, service_manager, compute_service.'),
    cfg.BoolOpt(
        'data_nic_blip', default=False,
        help='Whether the scenario can run in which a data NIC is down for '
             'blip_time: what data_nic_down needs.'),
    cfg.BoolOpt(
        'synthetic_alarm', default=False,
        help='Whether the scenario can run in which an alarm is raised that '
             'no fault stands behind, so that the stack gets another server: '
             'hosts in fault_hosts that run no guests, as with the fake '
             'driver of Nova. Nobody asks the application.'),
]

OPTIONS = [
    (SERVICE_AVAILABLE, SERVICE_AVAILABLE_OPTIONS),
    (SELF_HEALING, SELF_HEALING_OPTIONS + SLO_OPTIONS),
    (FEATURES, FEATURE_OPTIONS),
]


def register(conf):
    """Register all options.

    :param conf: an oslo.config object
    """
    for group, options in OPTIONS:
        conf.register_group(group)
        conf.register_opts(options, group=group)


def list_opts():
    """Return all options, as oslo.config's generator and Sphinx want them."""
    return list(OPTIONS)


@dataclasses.dataclass(frozen=True)
class Cloud:
    """How to reach the services; times in seconds."""

    endpoint_type: str
    region: str | None
    vitrage_catalog_type: str
    mistral_catalog_type: str
    heat_catalog_type: str
    request_timeout: int
    auth_url: str
    verify: bool | str


@dataclasses.dataclass(frozen=True)
class ApplicationSettings:
    """What the application is made of."""

    image: str
    flavor: str
    external_network: str
    port: int


@dataclasses.dataclass(frozen=True)
class HostPower:
    """Argv templates of the power driver.

    :ivar password_file: path of the file with the password of a BMC, with
        ``{host}`` where each has one, or None
    :ivar password_variable: the variable that the commands find it in
    """

    off: tuple[str, ...]
    on: tuple[str, ...]
    status: tuple[str, ...]
    password_file: str | None = None
    password_variable: str = 'IPMI_PASSWORD'


@dataclasses.dataclass(frozen=True)
class JumpHost:
    """A host that others are reached through."""

    user: str
    address: str
    port: int


@dataclasses.dataclass(frozen=True)
class HostAccess:
    """How commands are run, on hosts over SSH and on the runner.

    :ivar addresses: host name to address, where it is not Nova's
    :ivar timeout: seconds until an SSH connection must stand
    :ivar local_timeout: seconds that a command on the runner may take
    """

    addresses: typing.Mapping[str, str]
    user: str
    key_file: str | None
    known_hosts_file: str | None
    port: int
    jump_host: JumpHost | None
    sudo: bool
    timeout: int
    local_timeout: int


@dataclasses.dataclass(frozen=True)
class HostNetwork:
    """NICs of the hosts, None where an option is not set.

    :ivar data_addresses: host name to the address behind the data NIC
    :ivar control_plane: addresses of the control plane
    :ivar restore: words of the host's own command that configures a NIC,
        with ``{nic}``; empty where there is none
    """

    management_nic: str | None
    data_nic: str | None
    data_addresses: typing.Mapping[str, str]
    control_plane: tuple[str, ...]
    restore: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Alarm:
    """An alarm of the monitor, and who deduces from it.

    :ivar name: name of the alarm in Vitrage
    :ivar template: name of the template that the cloud has, or None
    :ivar file: the template that the tests add otherwise, see
        :mod:`.templates`
    """

    name: str
    template: str | None
    file: str


@dataclasses.dataclass(frozen=True)
class Timeouts:
    """Deadlines in seconds; see the options of the same names."""

    poll_interval: float
    blip: float
    quiet: int
    host_timer: int
    witness: int
    alarm: int
    deduction: int
    workflow: int
    stack: int
    application: int
    host_return: int
    return_watch: int
    template: int
    graph: int

    @property
    def healing(self):
        """Return the seconds that all deadlines of a healing allow."""
        return (self.witness + self.alarm + self.deduction + self.workflow
                + self.stack + self.application)


@dataclasses.dataclass(frozen=True)
class Recovery:
    """All that is needed to take faults back: no service of the cloud is."""

    access: HostAccess
    timeouts: Timeouts
    state_dir: str


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that a scenario needs to know from tempest.conf.

    :ivar config_file: path of that file, '' when there is none
    :ivar power_secrets: options whose commands hold a password
    """

    cloud: Cloud
    application: ApplicationSettings
    power: HostPower | None
    access: HostAccess
    network: HostNetwork
    service_manager: str
    compute_service: str
    timeouts: Timeouts
    monitor: str
    host_alarm: Alarm
    nic_alarm: Alarm
    deduced_alarm_name: str
    allow_faults: bool
    allow_foreign_servers: bool
    fault_hosts: tuple[str, ...]
    witness_port: int
    state_dir: str
    artifacts_dir: str
    name_prefix: str
    prometheus_url: str | None = None
    alertmanager_url: str | None = None
    bisect: bool = False
    max_executions: int = 0
    config_file: str = ''
    power_secrets: tuple[str, ...] = ()


def secrets(conf):
    """Return what the options hold that must not be told, as a set.

    :param conf: an oslo.config object
    """
    found = set()
    for name in conf:
        with contextlib.suppress(cfg.Error, ValueError):
            value = conf[name]
            several = value.items() if isinstance(
                value, typing.Mapping) and not isinstance(value, dict) else (
                    (name, value),)
            found |= _secrets(several)
    return found


def inline_secrets(own):
    """Return the secrets in the power commands: option name to a set.

    :param own: the group [self_healing]
    """
    found = {}
    for option in _POWER_OPTIONS:
        with contextlib.suppress(ValueError):
            words = shlex.split(getattr(own, option) or '')
            found[option] = learning.of_command(words)
    return {option: values for option, values in found.items() if values}


def _secrets(options):
    found = set()
    for name, value in options:
        for text in value if isinstance(value, (list, tuple)) else (value,):
            if not isinstance(text, str):
                continue
            if name in _POWER_OPTIONS:
                with contextlib.suppress(ValueError):
                    found |= learning.of_command(shlex.split(text))
            elif names.is_secret(name):
                found |= learning.lines(text)
            elif name == 'test_accounts_file':
                found |= learning.of_file(text)
            else:
                found |= {text[begin:end]
                          for begin, end in redaction.find(text)}
    return found


def _learn(conf):
    # What was set after the options were registered.
    runtime.learn(_secrets(conf.self_healing.items())
                  | _secrets(conf.auth.items()))


def settings(conf):
    """Read all options.

    :param conf: Tempest's ``CONF``, or an oslo.config object with the
        options of Tempest and of this plugin
    :returns: :class:`Settings`
    :raises tempest.lib.exceptions.InvalidConfiguration: when an option is
        missing or wrong; the message names it
    """
    with _named_errors():
        _learn(conf)
        return _settings(conf)


def recovery(conf):
    """Read the options that taking faults back needs, and no other.

    :param conf: see :func:`settings`
    :returns: :class:`Recovery`
    :raises tempest.lib.exceptions.InvalidConfiguration: see :func:`settings`
    """
    with _named_errors():
        _learn(conf)
        own = conf.self_healing
        return Recovery(_access(own), _timeouts(own), state_dir(conf))


def cloud(conf):
    """Read the options of the services that are asked, and no other.

    :param conf: see :func:`settings`
    :returns: :class:`Cloud`
    :raises tempest.lib.exceptions.InvalidConfiguration: see :func:`settings`
    """
    with _named_errors():
        return _cloud(conf)


def objectives(conf):
    """Read the service-level objectives that are set, and no other option.

    :param conf: see :func:`settings`
    :returns: dict of a link's label, or ``healing``, to seconds
    :raises tempest.lib.exceptions.InvalidConfiguration: see :func:`settings`
    """
    with _named_errors():
        values = {one.name.removeprefix('slo_'): conf.self_healing[one.name]
                  for one in SLO_OPTIONS}
        return {name: seconds for name, seconds in values.items()
                if seconds is not None}


@contextlib.contextmanager
def _named_errors():
    try:
        yield
    except (cfg.ConfigFileValueError, cfg.RequiredOptError) as error:
        raise exceptions.InvalidConfiguration(
            runtime.text(error)) from None


def _settings(conf):
    own = conf.self_healing
    return Settings(
        cloud=_cloud(conf),
        application=_application(conf),
        power=_power(own),
        access=_access(own),
        network=_network(own),
        service_manager=own.service_manager,
        compute_service=_required(own, 'compute_service'),
        timeouts=_timeouts(own),
        monitor=own.monitor,
        host_alarm=_alarm(own, 'host', templates.HOST_DOWN),
        nic_alarm=_alarm(own, 'nic', templates.NIC_DOWN),
        deduced_alarm_name=_required(own, 'deduced_alarm_name'),
        allow_faults=own.allow_faults,
        allow_foreign_servers=own.allow_foreign_servers,
        fault_hosts=tuple(own.fault_hosts),
        witness_port=own.host_witness_port,
        state_dir=state_dir(conf),
        artifacts_dir=os.path.abspath(_required(own, 'artifacts_dir')),
        name_prefix=conf.resource_name_prefix,
        prometheus_url=_url(own, 'prometheus_url'),
        alertmanager_url=_url(own, 'alertmanager_url'),
        bisect=own.bisect,
        max_executions=own.max_executions,
        config_file=_config_file(conf),
        power_secrets=tuple(inline_secrets(own)))


def _cloud(conf):
    own, identity = conf.self_healing, conf.identity
    verify = identity.ca_certificates_file or True
    if identity.disable_ssl_certificate_validation:
        verify = False
    return Cloud(
        endpoint_type=own.endpoint_type,
        region=own.region or identity.region or None,
        vitrage_catalog_type=_required(own, 'vitrage_catalog_type'),
        mistral_catalog_type=_required(own, 'mistral_catalog_type'),
        heat_catalog_type=_required(own, 'heat_catalog_type'),
        request_timeout=own.request_timeout,
        auth_url=_required(identity, 'uri_v3', group='identity'),
        verify=verify)


def _application(conf):
    own = conf.self_healing
    return ApplicationSettings(
        image=_either(own, 'image_ref', conf.compute, '[compute] image_ref'),
        flavor=_either(own, 'flavor_ref', conf.compute,
                       '[compute] flavor_ref'),
        external_network=own.external_network or _required(
            conf.network, 'public_network_id', group='network',
            hint=' or [self_healing] external_network'),
        port=own.application_port)


def state_dir(conf):
    """Return the absolute directory of journal and lock.

    A relative one would be another for whoever takes back, from another
    directory, what a run has left.

    :param conf: see :func:`settings`
    :raises tempest.lib.exceptions.InvalidConfiguration: when neither option
        that names it is set, or it is not absolute
    """
    own = conf.self_healing
    if own.state_dir:
        return _absolute(own.state_dir, '[self_healing] state_dir')
    locks = _required(conf.oslo_concurrency, 'lock_path',
                      group='oslo_concurrency',
                      hint=' or [self_healing] state_dir')
    return os.path.join(
        _absolute(locks, '[oslo_concurrency] lock_path, or else '
                  '[self_healing] state_dir,'), 'self_healing')


def _absolute(path, options):
    if not os.path.isabs(path) or '\0' in path:
        raise exceptions.InvalidConfiguration(
            '%s must be an absolute path, or "revert" would not find the '
            'journal from another directory: %r' % (options, path))
    return os.path.normpath(path)


def _power(own):
    options = _POWER_OPTIONS
    if not any(getattr(own, option) for option in options):
        return None
    off, on, status = (_argv(own, option) for option in options)
    return HostPower(off, on, status, _password_file(own, options),
                     own.host_power_password_variable)


def _password_file(own, options):
    path = own.host_power_password_file
    if path and not os.path.isabs(path):
        # The command revert may run in another directory.
        raise exceptions.InvalidConfiguration(
            '[self_healing] host_power_password_file must be an absolute '
            'path, it is: %s' % path)
    wanting = [option for option in options
               if '{password_file}' in getattr(own, option)]
    if wanting and not path:
        raise exceptions.InvalidConfiguration(
            '[self_healing] host_power_password_file must be set: %s has '
            '{password_file}' % wanting[0])
    return path or None


def _access(own):
    if own.host_ssh_key_file:
        _required(own, 'host_ssh_known_hosts_file')
    return HostAccess(
        addresses=_frozen(own.host_addresses),
        user=_required(own, 'host_ssh_user'),
        key_file=own.host_ssh_key_file or None,
        known_hosts_file=own.host_ssh_known_hosts_file or None,
        port=own.host_ssh_port,
        jump_host=_jump_host(own),
        sudo=own.host_ssh_sudo,
        timeout=own.host_ssh_timeout,
        local_timeout=own.host_power_timeout)


def _jump_host(own):
    # An address of IPv6 stands in brackets, as in a URL.
    if not own.host_ssh_jump_host:
        return None
    found = _JUMP_HOST.fullmatch(own.host_ssh_jump_host)
    port = int(found['port'] or own.host_ssh_port) if found else 0
    if not 0 < port < 65536:
        # What stands there may hold a password: it is not shown.
        raise exceptions.InvalidConfiguration(
            '[self_healing] host_ssh_jump_host is not [user@]host[:port]')
    return JumpHost(found['user'] or own.host_ssh_user,
                    found['ipv6'] or found['host'], port)


def _network(own):
    return HostNetwork(
        management_nic=own.host_management_nic or None,
        data_nic=own.host_data_nic or None,
        data_addresses=_frozen(own.host_data_addresses),
        control_plane=tuple(map(str, own.control_plane_addresses)),
        restore=_argv(own, 'host_network_restore_command', '{nic}')
        if own.host_network_restore_command else ())


def _frozen(mapping):
    return builtin_types.MappingProxyType(dict(mapping))


def _alarm(own, kind, file):
    return Alarm(name=_required(own, '%s_alarm_name' % kind),
                 template=getattr(own, '%s_template' % kind) or None,
                 file=file)


def _timeouts(own):
    snapshot = own.vitrage_snapshots_interval
    alarm = own.alarm_timeout or snapshot + ALARM_MARGIN
    times = Timeouts(
        poll_interval=own.poll_interval,
        blip=own.blip_time,
        quiet=own.quiet_time or alarm + own.deduction_timeout,
        host_timer=own.host_timer or 0,
        witness=own.witness_timeout,
        alarm=alarm,
        deduction=own.deduction_timeout,
        workflow=own.workflow_timeout,
        stack=own.stack_timeout,
        application=own.application_timeout,
        host_return=own.host_return_timeout or snapshot + 300,
        return_watch=own.return_watch_time,
        template=own.template_timeout,
        graph=own.graph_timeout or snapshot + ALARM_MARGIN)
    return times if own.host_timer else dataclasses.replace(
        times, host_timer=times.healing * (2 if own.bisect else 1))


def _config_file(conf):
    files = conf.config_file or ()
    return os.path.abspath(files[-1]) if files else ''


def _url(own, option):
    value = getattr(own, option)
    # A password that should be quoted may hide the user from urlsplit.
    if value and '@' in value:
        # Reports and logs name the URL, so nothing of it is shown here.
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s must not hold a user or a password' % option)
    if value and set(value) & set('?#'):
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s must not hold a query' % option)
    return value and value.rstrip('/')


def _required(values, option, group='self_healing', hint=''):
    value = getattr(values, option)
    if not value:
        raise exceptions.InvalidConfiguration(
            '[%s] %s%s must be set' % (group, option, hint))
    return value


def _either(own, option, other, other_name):
    value = getattr(own, option) or getattr(other, option)
    if not value:
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s or %s must be set' % (option, other_name))
    return value


def _argv(own, option, name='{host}'):
    command = _required(own, option)
    try:
        argv = tuple(shlex.split(command))
    except ValueError as error:
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s is no command line: %s' % (option, error)
        ) from None
    if not any(name in word for word in argv):
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s must contain %s' % (option, name))
    return argv
