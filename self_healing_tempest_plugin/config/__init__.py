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
package looks at ``CONF``, and a value that is missing or wrong is one line
that names its option.
"""

from self_healing_tempest_plugin.config import options
from self_healing_tempest_plugin.config import reading
from self_healing_tempest_plugin.config.reading import unreadable
from self_healing_tempest_plugin.config import secret_values
from self_healing_tempest_plugin.config import types

OPTIONS = options.OPTIONS
SERVICE_AVAILABLE_OPTIONS = options.SERVICE_AVAILABLE_OPTIONS
SELF_HEALING_OPTIONS = options.SELF_HEALING_OPTIONS
FEATURE_OPTIONS = options.FEATURE_OPTIONS
register = options.register
list_opts = options.list_opts

settings = reading.settings
recovery = reading.recovery
cloud = reading.cloud
objectives = reading.objectives
dollars = unreadable.dollars
secrets = secret_values.secrets

Access = types.Access
Alarm = types.Alarm
ApplicationSettings = types.ApplicationSettings
Bmc = types.Bmc
Cloud = types.Cloud
FenceAgent = types.FenceAgent
HostAccess = types.HostAccess
HostNetwork = types.HostNetwork
HostPower = types.HostPower
Ipmitool = types.Ipmitool
JumpHost = types.JumpHost
MessageBus = types.MessageBus
Recovery = types.Recovery
Settings = types.Settings
Timeouts = types.Timeouts
