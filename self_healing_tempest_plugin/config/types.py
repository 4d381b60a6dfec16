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

"""The values of the options: plain and frozen."""

import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class Cloud:
    """How to reach the services; times in seconds.

    :ivar proxy_url: the proxy that all services are reached through, or None
    :ivar any_region: whether a service that is not in the region may be in
        another one, as Tempest has it
    """

    endpoint_type: str
    region: str | None
    vitrage_catalog_type: str
    mistral_catalog_type: str
    heat_catalog_type: str
    request_timeout: int
    auth_url: str
    verify: bool | str
    aodh_catalog_type: str = 'alarming'
    zaqar_catalog_type: str = 'messaging'
    proxy_url: str | None = dataclasses.field(default=None, repr=False)
    any_region: bool = False


@dataclasses.dataclass(frozen=True)
class ApplicationSettings:
    """The parts that the application is made of.

    :ivar member_flavor: the flavor where a plain member owns it
    """

    image: str
    flavor: str
    external_network: str
    port: int
    member_flavor: str


@dataclasses.dataclass(frozen=True)
class HostPower:
    """Power by the operator's own commands, as argv templates.

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
class Bmc:
    """Where the power of one host is switched.

    :ivar address: a name or an address, empty where only a file knows it
    :ivar port: None: the usual one
    :ivar plug: by which name or number it knows the host, may be empty
    :ivar file: path of the file with its password, or its parameters
    """

    address: str
    port: int | None
    plug: str
    file: str


@dataclasses.dataclass(frozen=True)
class Ipmitool:
    """Power by ipmitool.

    :ivar bmcs: host name to :class:`Bmc`, of each fault host
    :ivar user: of all of them
    :ivar cipher_suite: None: the one that ipmitool and BMC agree upon
    """

    bmcs: typing.Mapping[str, Bmc]
    user: str
    cipher_suite: int | None = None


@dataclasses.dataclass(frozen=True)
class FenceAgent:
    """Power by an agent of fence-agents.

    :ivar agent: its name or path, e.g. ``fence_ipmilan``
    :ivar bmcs: see :class:`Ipmitool`
    :ivar user: None where the parameters say it
    """

    agent: str
    bmcs: typing.Mapping[str, Bmc]
    user: str | None = None


@dataclasses.dataclass(frozen=True)
class JumpHost:
    """A host that others are reached through.

    :ivar through: the jump host that it is reached through itself, or None
    """

    user: str
    address: str
    port: int
    through: 'JumpHost | None' = None


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
class Access:
    """How a service lets somebody in that Keystone knows nothing of.

    :ivar options: what the names of its options begin with
    :ivar headers: name to value, which may be secret
    :ivar headers_file: path of a file with a header in each line
    :ivar ca_file: path of the authorities that have signed its certificate
    :ivar cert_file: path of a certificate of ours, with its key or without
    """

    options: str = ''
    username: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    password_file: str | None = None
    token: str | None = dataclasses.field(default=None, repr=False)
    token_file: str | None = None
    headers: typing.Mapping[str, str] = dataclasses.field(
        default_factory=dict, repr=False)
    headers_file: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    def option(self, name):
        """Return the name of an option of it, for messages."""
        return '%s_%s' % (self.options, name)


@dataclasses.dataclass(frozen=True)
class MessageBus:
    """How RabbitMQ's management API is asked.

    :ivar vhost: name of the virtual host
    :ivar files: by the names of :class:`Access`, what of it is in files
    """

    url: str
    username: str
    password: str | None = dataclasses.field(repr=False)
    vhost: str
    files: typing.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def access(self):
        """Return the :class:`Access`."""
        return Access('rabbitmq_api', self.username, self.password,
                      **self.files)


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
    """Deadlines in seconds; see the options of the same names.

    :ivar links: name of a link to the seconds that it may take
    :ivar alarm_cache: until Aodh's listener knows a new alarm
    :ivar healing: what all deadlines from the witness on allow together, in
        the chain that takes longest of those of the enabled scenarios
    """

    poll_interval: float
    blip: float
    quiet: int
    host_timer: int
    witness: int
    links: typing.Mapping[str, float]
    host_return: int
    return_watch: int
    template: int
    graph: int
    healing: int
    alarm_cache: int = 0

    @property
    def stack(self):
        """Return the seconds to create, update or delete a stack."""
        return self.links['stack']

    @property
    def application(self):
        """Return the seconds until the application of a server answers."""
        return self.links['application']


@dataclasses.dataclass(frozen=True)
class Recovery:
    """All that is needed to take faults back: no service of the cloud is."""

    access: HostAccess
    timeouts: Timeouts
    state_dir: str


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that a scenario needs to know from tempest.conf.

    :ivar prometheus_urls: empty where none is asked
    :ivar alertmanager_urls: the same
    :ivar bus: None where it is not asked
    :ivar applications: how many are on a host that breaks
    :ivar powers: scenario to what is in the place of ``power`` there
    :ivar config_file: path of that file, '' when there is none
    :ivar power_secrets: options whose commands hold a password
    """

    cloud: Cloud
    application: ApplicationSettings
    power: HostPower | Ipmitool | FenceAgent | None
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
    monitor_datasource: str | None = None
    prometheus_urls: tuple[str, ...] = ()
    prometheus_access: Access = Access('prometheus')
    alertmanager_urls: tuple[str, ...] = ()
    alertmanager_access: Access = Access('alertmanager')
    bus: MessageBus | None = None
    bisect: bool = False
    max_executions: int = 0
    applications: int = 1
    config_file: str = ''
    power_secrets: tuple[str, ...] = ()
    powers: typing.Mapping[str, typing.Any] = dataclasses.field(
        default_factory=dict)

    def of(self, feature):
        """Return the settings of one scenario.

        :param feature: its option of [self_healing_feature_enabled]
        """
        return dataclasses.replace(
            self, power=self.powers.get(feature, self.power))
