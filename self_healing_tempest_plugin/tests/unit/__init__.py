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

"""What ``tox -e py3`` runs.

Each test begins in the same environment, whoever runs it, and where.
"""

import os
import re
import time

import hypothesis

# What somebody may have set for himself: how wide and how colourful his
# terminal is, his language, his way to the network, his cloud.
FOREIGN = re.compile(
    r'COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR.*|TTY_.*|COLORTERM|LC_.*'
    r'|LANGUAGE|.*_proxy|OS_(?!DEBUG|TEST_|STD).*', re.IGNORECASE)
OURS = {'TERM': 'xterm', 'LANG': 'C.UTF-8', 'TZ': 'UTC'}

for name in list(os.environ):
    if FOREIGN.fullmatch(name):
        del os.environ[name]
os.environ.update(OURS)
time.tzset()
os.umask(0o022)

# How long a test takes is the machine's affair, which may have much to do.
hypothesis.settings.register_profile(
    'unit', deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile('unit')
