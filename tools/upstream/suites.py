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

"""The suites that are run, and what Tempest has to know for each."""

import dataclasses

#: Names of what is made for Heat's tests, and removed again.
PROJECT, MEMBER = 'upstream-tests', 'upstream-tests-member'
NETWORK, SUBNET, ROUTER = 'upstream-net', 'upstream-subnet', 'upstream-router'


@dataclasses.dataclass(frozen=True)
class Suite:
    """The tests of one service.

    :ivar name: what it is called here
    :ivar distribution: the package on PyPI that has the tests
    :ivar tests: of those that are run, the beginning of their names
    :ivar seconds: that a run may take
    """

    name: str
    distribution: str
    tests: str
    seconds: int


SUITES = (
    Suite('mistral', 'mistral-tempest-tests', 'mistral_tempest_tests.', 1800),
    Suite('zaqar', 'zaqar-tempest-plugin', 'zaqar_tempest_plugin.', 1800),
    Suite('aodh', 'telemetry-tempest-plugin', 'telemetry_tempest_plugin.',
          1200),
    Suite('heat', 'heat-tempest-plugin', 'heat_tempest_plugin.', 5400),
)
