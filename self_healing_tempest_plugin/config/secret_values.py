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

"""Which values of options are secret."""

import contextlib

from oslo_config import cfg

from self_healing_tempest_plugin.config import command_lines
from self_healing_tempest_plugin.config.options import power
from self_healing_tempest_plugin import redaction
from self_healing_tempest_plugin.redaction import learning
from self_healing_tempest_plugin.redaction import names
from self_healing_tempest_plugin.redaction import runtime

# Headers that name a tenant, and are no secret.
_TENANTS = frozenset(['x-scope-orgid', 'thanos-tenant', 'x-grafana-org-id',
                      'accountid', 'projectid', 'host', 'user-agent'])


def secrets(conf):
    """Return the secrets that the options hold, as a set.

    :param conf: an oslo.config object
    """
    values = set()
    for name in conf:
        with contextlib.suppress(cfg.Error, ValueError):
            value = conf[name]
            values |= _of_group(value) if isinstance(
                value, cfg.ConfigOpts.GroupAttr) else _secrets(name, value)
    return values.union(*in_power_commands(conf).values())


def in_power_commands(conf):
    """Return the secrets in the power commands: option name to a set.

    :param conf: an oslo.config object with the options of this plugin
    """
    by_option = {}
    for option in power.COMMANDS:
        with contextlib.suppress(cfg.Error, ValueError, RecursionError):
            by_option[option] = learning.of_command(
                command_lines.words_of(conf, option))
    return {option: values for option, values in by_option.items() if values}


def _of_group(group):
    """Return the secrets of the options of a group.

    One that cannot be read hides none of the others.
    """
    values = set()
    for name in group:
        with contextlib.suppress(cfg.Error, ValueError, RecursionError):
            values |= _secrets(name, group[name])
    return values


def _secrets(name, value):
    values = set()
    if isinstance(value, dict) and name.endswith('_headers'):
        values |= {text for header, text in value.items()
                   if header.lower() not in _TENANTS}
    for text in value if isinstance(value, (list, tuple)) else (value,):
        # The words of these depend on what the file has.
        if not isinstance(text, str) or name in power.COMMANDS:
            continue
        if names.is_secret(name):
            values |= learning.lines(text)
        elif name == 'test_accounts_file':
            values |= learning.of_file(text)
        else:
            values |= {text[begin:end]
                       for begin, end in redaction.find(text)}
    return values


def learn(conf):
    """Redact what was set after the options were registered.

    :param conf: see :func:`secrets`
    """
    runtime.learn(set().union(*(
        _of_group(getattr(conf, group))
        for group in ('self_healing', 'auth', 'service-clients')),
        *in_power_commands(conf).values()))
