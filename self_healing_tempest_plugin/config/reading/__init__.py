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

"""From an oslo.config object to plain, frozen values.

Nothing but this package looks at ``CONF``, and a value that is missing or
wrong is one line that names its option.
"""

from self_healing_tempest_plugin.config.options import links
from self_healing_tempest_plugin.config.reading import application
from self_healing_tempest_plugin.config.reading import bus
from self_healing_tempest_plugin.config.reading import monitor
from self_healing_tempest_plugin.config.reading import network
from self_healing_tempest_plugin.config.reading import paths
from self_healing_tempest_plugin.config.reading import power
from self_healing_tempest_plugin.config.reading import services
from self_healing_tempest_plugin.config.reading import ssh
from self_healing_tempest_plugin.config.reading import timing
from self_healing_tempest_plugin.config.reading import unreadable
from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import secret_values
from self_healing_tempest_plugin.config import types


def settings(conf):
    """Read all options.

    :param conf: Tempest's ``CONF``, or an oslo.config object with the
        options of Tempest and of this plugin
    :returns: :class:`.types.Settings`
    :raises tempest.lib.exceptions.InvalidConfiguration: when an option is
        missing or wrong; the message names it
    """
    with unreadable.named(conf):
        secret_values.learn(conf)
        return _settings(conf)


def recovery(conf):
    """Read the options that taking faults back needs, and no other.

    :param conf: see :func:`settings`
    :returns: :class:`.types.Recovery`
    :raises tempest.lib.exceptions.InvalidConfiguration: see :func:`settings`
    """
    with unreadable.named(conf):
        secret_values.learn(conf)
        own = conf.self_healing
        return types.Recovery(ssh.access(own), timing.timeouts(conf),
                              paths.state_dir(conf))


def cloud(conf):
    """Read the options of the services that are asked, and no other.

    :param conf: see :func:`settings`
    :returns: :class:`.types.Cloud`
    :raises tempest.lib.exceptions.InvalidConfiguration: see :func:`settings`
    """
    with unreadable.named(conf):
        return services.cloud(conf)


def objectives(conf):
    """Read the service-level objectives that are set, and no other option.

    :param conf: see :func:`settings`
    :returns: dict of a link's label, or ``healing``, to seconds
    :raises tempest.lib.exceptions.InvalidConfiguration: see :func:`settings`
    """
    with unreadable.named(conf):
        own = unreadable.whatever_else(conf).self_healing
        seconds = {option.name.removeprefix('slo_'): own[option.name]
                   for option in links.OBJECTIVES}
        return {name: value for name, value in seconds.items()
                if value is not None}


def _settings(conf):
    own = conf.self_healing
    return types.Settings(
        cloud=services.cloud(conf),
        application=application.settings(conf),
        power=power.driver(conf),
        access=ssh.access(own),
        network=network.nics(conf),
        service_manager=own.service_manager,
        compute_service=values.required(own, 'compute_service'),
        timeouts=timing.timeouts(conf),
        monitor=own.monitor,
        monitor_datasource=monitor.datasource(own),
        host_alarm=monitor.host_alarm(own),
        nic_alarm=monitor.nic_alarm(own),
        deduced_alarm_name=values.required(own, 'deduced_alarm_name'),
        allow_faults=own.allow_faults,
        allow_foreign_servers=own.allow_foreign_servers,
        fault_hosts=tuple(own.fault_hosts),
        witness_port=own.host_witness_port,
        state_dir=paths.state_dir(conf),
        artifacts_dir=paths.artifacts_dir(own),
        name_prefix=conf.resource_name_prefix,
        **monitor.asked(own, 'prometheus'),
        **monitor.asked(own, 'alertmanager'),
        bus=bus.settings(own),
        bisect=own.bisect,
        max_executions=own.max_executions,
        applications=own.applications,
        config_file=paths.config_file(conf),
        power_secrets=tuple(secret_values.in_power_commands(conf)),
        powers=power.drivers(conf))
