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

import dataclasses
import os
import shlex

from oslo_config import cfg
from oslo_config import types
from tempest.lib import exceptions

SERVICE_AVAILABLE = cfg.OptGroup('service_available',
                                 title='Available OpenStack Services')
SELF_HEALING = cfg.OptGroup('self_healing', title='Self-healing tests')
FEATURES = cfg.OptGroup('self_healing_feature_enabled',
                        title='Self-healing scenarios that the cloud allows')

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
    cfg.StrOpt(
        'host_alarm_name', default='HostDown',
        help="Name of the monitor's alarm on a dead host, as Vitrage shows "
             'it.'),
    cfg.StrOpt(
        'deduced_alarm_name', default='Instance down',
        help='Name of the alarm that Vitrage deduces for every instance of '
             'a dead host.'),
    cfg.StrOpt(
        'host_template',
        help='Name of the Vitrage template that deduces instance alarms from '
             'host alarms, where the cloud has one. Empty: the tests add '
             'their own and remove it afterwards.'),
    cfg.BoolOpt(
        'allow_faults', default=False,
        help='Whether the tests may break something for real.'),
    cfg.ListOpt(
        'fault_hosts', default=[], item_type=types.String(),
        help='Compute hosts that may be broken, as [service] host names in '
             'Nova. A host that is not in the list is never touched.'),
    cfg.StrOpt(
        'host_power_off_command',
        help='Command that takes the power from a host, run without a shell. '
             '{host} is replaced by the name of the host. Example: ipmitool '
             '-H {host}-bmc -U root -f /etc/bmc chassis power off'),
    cfg.StrOpt(
        'host_power_on_command',
        help='Command that gives the power back to a host, run without a '
             'shell. It must do no harm to a host that is on. {host} is '
             'replaced by the name of the host.'),
    cfg.StrOpt(
        'host_power_status_command',
        help='Command whose last word on standard output is "on" or "off", '
             'run without a shell. {host} is replaced by the name of the '
             'host.'),
    cfg.IntOpt(
        'host_power_timeout', default=60, min=1, max=3600,
        help='Seconds that one power command may take.'),
    cfg.PortOpt(
        'host_witness_port', default=22, min=1,
        help='TCP port on the management address of a host that answers '
             'while the host is alive, and not when it is dead.'),
    cfg.FloatOpt(
        'poll_interval', default=0.5, min=0.1, max=60,
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
        'template_timeout', default=60, min=1, max=86400,
        help='Seconds until Vitrage has loaded or unloaded a template.'),
    cfg.IntOpt(
        'graph_timeout', min=1, max=86400,
        help="Seconds until a new server and its host are in Vitrage's "
             'graph. Empty: vitrage_snapshots_interval + %d.' % ALARM_MARGIN),
    cfg.StrOpt(
        'artifacts_dir', default='self-healing-artifacts',
        help='Directory for the timeline of each run, as JSON and as text. '
             'A relative one is below the working directory.'),
]

FEATURE_OPTIONS = [
    cfg.BoolOpt(
        'host_crash', default=False,
        help='Whether the host crash scenario can run: the host power '
             'commands are set and a compute host is left to heal on.'),
]

OPTIONS = [
    (SERVICE_AVAILABLE, SERVICE_AVAILABLE_OPTIONS),
    (SELF_HEALING, SELF_HEALING_OPTIONS),
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
    """Argv templates of the power driver; timeout in seconds."""

    off: tuple[str, ...]
    on: tuple[str, ...]
    status: tuple[str, ...]
    timeout: int


@dataclasses.dataclass(frozen=True)
class Timeouts:
    """Deadlines in seconds; see the options of the same names."""

    poll_interval: float
    witness: int
    alarm: int
    deduction: int
    workflow: int
    stack: int
    application: int
    host_return: int
    template: int
    graph: int


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that a scenario needs to know from tempest.conf."""

    cloud: Cloud
    application: ApplicationSettings
    power: HostPower
    timeouts: Timeouts
    monitor: str
    host_alarm_name: str
    deduced_alarm_name: str
    host_template: str | None
    allow_faults: bool
    fault_hosts: tuple[str, ...]
    witness_port: int
    artifacts_dir: str
    name_prefix: str


def settings(conf):
    """Read all options.

    :param conf: Tempest's ``CONF``, or an oslo.config object with the
        options of Tempest and of this plugin
    :returns: :class:`Settings`
    :raises tempest.lib.exceptions.InvalidConfiguration: when an option is
        missing or wrong; the message names it
    """
    try:
        return _settings(conf)
    except (cfg.ConfigFileValueError, cfg.RequiredOptError) as error:
        raise exceptions.InvalidConfiguration(str(error)) from None


def _settings(conf):
    own = conf.self_healing
    return Settings(
        cloud=_cloud(conf),
        application=_application(conf),
        power=_power(own),
        timeouts=_timeouts(own),
        monitor=own.monitor,
        host_alarm_name=_required(own, 'host_alarm_name'),
        deduced_alarm_name=_required(own, 'deduced_alarm_name'),
        host_template=own.host_template or None,
        allow_faults=own.allow_faults,
        fault_hosts=tuple(own.fault_hosts),
        witness_port=own.host_witness_port,
        artifacts_dir=os.path.abspath(_required(own, 'artifacts_dir')),
        name_prefix=conf.resource_name_prefix)


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


def _power(own):
    return HostPower(
        off=_argv(own, 'host_power_off_command'),
        on=_argv(own, 'host_power_on_command'),
        status=_argv(own, 'host_power_status_command'),
        timeout=own.host_power_timeout)


def _timeouts(own):
    snapshot = own.vitrage_snapshots_interval
    return Timeouts(
        poll_interval=own.poll_interval,
        witness=own.witness_timeout,
        alarm=own.alarm_timeout or snapshot + ALARM_MARGIN,
        deduction=own.deduction_timeout,
        workflow=own.workflow_timeout,
        stack=own.stack_timeout,
        application=own.application_timeout,
        host_return=own.host_return_timeout or snapshot + 300,
        template=own.template_timeout,
        graph=own.graph_timeout or snapshot + ALARM_MARGIN)


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


def _argv(own, option):
    command = _required(own, option)
    try:
        argv = tuple(shlex.split(command))
    except ValueError as error:
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s is no command line: %s' % (option, error)
        ) from None
    if not any('{host}' in word for word in argv):
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s must contain {host}, it is: %s'
            % (option, command))
    return argv
