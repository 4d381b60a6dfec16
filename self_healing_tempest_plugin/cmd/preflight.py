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

"""``self-healing-tempest preflight``: could the suite run?"""

from tempest import clients as tempest_clients
from tempest.common import credentials_factory
from tempest.lib import exceptions

from self_healing_tempest_plugin import config
from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.preflight import examine
from self_healing_tempest_plugin.report import table
from self_healing_tempest_plugin import scenarios

_HEADER = ('link', 'what', 'answer', 'what to do')
_WIDTHS = {'what': 24, 'answer': 54, 'what to do': 44}


def add_arguments(parser):
    """Add the options of this command to an argparse parser: none."""


def run(options, conf):
    """Ask everything, and print a table.

    :param options: parsed command line
    :param conf: Tempest's ``CONF``
    :returns: exit code
    """
    examined = _examine(conf)
    print(_table(examined))
    states = [row.finding.state for row in examined]
    wrong = states.count(rows.State.NO)
    print('\n%s: %d yes, %d no, %d unknown.' % (
        'The suite cannot run' if wrong else 'The suite can run',
        states.count(rows.State.YES), wrong,
        states.count(rows.State.UNKNOWN)))
    return int(wrong > 0)


def _examine(conf):
    try:
        settings = config.settings(conf)
    except exceptions.InvalidConfiguration as error:
        return [rows.Row('options', 'tempest.conf',
                         rows.no(rows.one_line(error))[0],
                         'set it; nothing else was asked')]
    enabled = conf.self_healing_feature_enabled
    features = [option.name for option in config.FEATURE_OPTIONS
                if getattr(enabled, option.name)]
    available = {name: getattr(conf.service_available, name)
                 for name in ('self_healing', 'nova', 'neutron')}
    return examine.examine(settings, features, available, _connect,
                           scenarios.chains_of(features), conf.auth)


def _connect():
    return tempest_clients.Manager(
        credentials_factory.get_configured_admin_credentials(
            identity_version='v3'))


def _table(examined):
    return table.plain(_HEADER, (
        (row.link, row.what, '%s: %s' % (row.finding.state.value,
                                         row.finding.text),
         '' if row.finding.state is rows.State.YES else row.todo)
        for row in examined), max_width=_WIDTHS)
