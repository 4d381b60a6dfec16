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

"""Every option of the plugin, group by group."""

from oslo_config import cfg

from self_healing_tempest_plugin.config.options import application
from self_healing_tempest_plugin.config.options import bus
from self_healing_tempest_plugin.config.options import compute
from self_healing_tempest_plugin.config.options import faults
from self_healing_tempest_plugin.config.options import features
from self_healing_tempest_plugin.config.options import links
from self_healing_tempest_plugin.config.options import monitor
from self_healing_tempest_plugin.config.options import network
from self_healing_tempest_plugin.config.options import power
from self_healing_tempest_plugin.config.options import report
from self_healing_tempest_plugin.config.options import services
from self_healing_tempest_plugin.config.options import ssh
from self_healing_tempest_plugin.config.options import timing

SERVICE_AVAILABLE = cfg.OptGroup('service_available',
                                 title='Available OpenStack Services')
SELF_HEALING = cfg.OptGroup('self_healing', title='Self-healing tests')
FEATURES = cfg.OptGroup('self_healing_feature_enabled',
                        title='Self-healing scenarios that the cloud allows')

SERVICE_AVAILABLE_OPTIONS = services.AVAILABLE

# In the order in which the sample configuration shows them.
SELF_HEALING_OPTIONS = [
    *services.OPTIONS,
    *application.OPTIONS,
    *monitor.OPTIONS,
    *bus.OPTIONS,
    *faults.OPTIONS,
    *power.OPTIONS,
    *ssh.OPTIONS,
    *network.OPTIONS,
    *compute.OPTIONS,
    *timing.INTERVALS,
    *links.TIMEOUTS,
    *timing.DEADLINES,
    *report.OPTIONS,
    *links.OBJECTIVES,
]

FEATURE_OPTIONS = features.OPTIONS

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
