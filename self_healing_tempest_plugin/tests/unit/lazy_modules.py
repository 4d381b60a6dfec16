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

"""Modules of other projects that are imported when a test wants them.

Each process that runs unit tests imports all of their modules, and most of
them run no test of those that need Vitrage's or Mistral's own code, which
takes as long to import as all else. ``.stestr.conf`` gives these tests to one
of the processes.
"""

import importlib


class LazyModule:
    """Stands in for a module.

    :ivar _name: its full name
    """

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        return getattr(importlib.import_module(self._name), attribute)
