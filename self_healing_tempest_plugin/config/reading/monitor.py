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

"""The alarms of the monitor."""

from tempest.lib import exceptions

from self_healing_tempest_plugin.config.reading import access
from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types
from self_healing_tempest_plugin.monitors import other
from self_healing_tempest_plugin import templates


def datasource(own):
    """Return the datasource of a monitor that is nothing else, or None.

    :param own: the group [self_healing]
    :raises tempest.lib.exceptions.InvalidConfiguration: when it is not set
        where it is needed, or is set where the monitor has its own
    """
    value = own.monitor_datasource or None
    if (own.monitor == other.NAME) is (value is not None):
        return value
    raise exceptions.InvalidConfiguration(
        '[self_healing] monitor_datasource must be set with monitor = %s, '
        'and only then: monitor is %s, monitor_datasource %s' % (
            other.NAME, own.monitor, value or 'empty'))


def asked(own, name):
    """Return the URLs and the :class:`..types.Access` of one of its services.

    :param own: the group [self_healing]
    :param name: what the names of its options begin with
    :returns: dict of what :class:`..types.Settings` has of it
    :raises tempest.lib.exceptions.InvalidConfiguration: when they are wrong,
        or say how to ask where nobody is asked
    """
    urls = values.urls(own, '%s_url' % name, name)
    unused = None if urls else access.unused(own, name)
    if unused:
        raise exceptions.InvalidConfiguration(
            '[self_healing] %s is set, and %s_url is not: nobody is asked' % (
                unused, name))
    return {'%s_urls' % name: urls,
            '%s_access' % name: access.access(own, name)}


def host_alarm(own):
    """Return the :class:`..types.Alarm` on a dead host.

    :param own: the group [self_healing]
    """
    return _alarm(own, 'host', templates.HOST_DOWN)


def nic_alarm(own):
    """Return the :class:`..types.Alarm` on a host whose data NIC is down.

    :param own: the group [self_healing]
    """
    return _alarm(own, 'nic', templates.NIC_DOWN)


def _alarm(own, kind, file):
    return types.Alarm(name=values.required(own, '%s_alarm_name' % kind),
                       template=getattr(own, '%s_template' % kind) or None,
                       file=file)
