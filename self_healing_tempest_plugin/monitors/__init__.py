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

"""What notices a dead host, and how Vitrage shows its alarms.

Each module of this package but the shared modules is a monitor, and has the
name that ``[self_healing] monitor`` takes; its ``MONITOR`` makes a monitor of
the settings.
"""

import importlib
import pkgutil

# The modules that monitors have in common.
_SHARED = frozenset(['events', 'monitor'])


def names():
    """Return the names of all monitors, as a sorted tuple."""
    return tuple(sorted({module.name for module in
                         pkgutil.iter_modules(__path__)} - _SHARED))


def kind(name):
    """Return the class of the monitor of a name.

    :param name: one of :func:`names`
    :returns: class of a :class:`.monitor.Monitor`
    """
    return importlib.import_module('%s.%s' % (__name__, name)).MONITOR


def of(settings):
    """Return the monitor that the options name.

    :param settings: :class:`..config.Settings`
    :returns: :class:`.monitor.Monitor`
    """
    return kind(settings.monitor)(settings)
