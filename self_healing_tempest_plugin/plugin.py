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

"""The entry point of Tempest: where the tests are, and their options."""

import os

from oslo_log import log
from tempest.test_discover import plugins

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.redaction import runtime

LOG = log.getLogger(__name__)


class SelfHealingTempestPlugin(plugins.TempestPlugin):
    """The entry point ``tempest.test_plugins``."""

    def load_tests(self):
        """Return the scenario tests only: unit tests need no cloud."""
        package = os.path.dirname(os.path.abspath(__file__))
        return os.path.join(package, 'tests', 'scenario'), os.path.dirname(
            package)

    def register_opts(self, conf):
        """Register every option of :mod:`.config`.

        :param conf: the oslo.config object of Tempest
        """
        config.register(conf)
        # Tempest writes all values into its log next.
        runtime.guard_log()
        runtime.learn(config.secrets(conf))
        problem = config.dollars(conf)
        if problem:
            # Tempest says next what follows the "$", and not in which option.
            LOG.error(problem)

    def get_opt_lists(self):
        """Return the options of sample configurations: (group name, options).

        The lists are the ones that are registered, so they cannot drift.
        """
        return [(group.name, options) for group, options in config.OPTIONS]
