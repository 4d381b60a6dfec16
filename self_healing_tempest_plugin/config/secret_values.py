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
import shlex
import typing

from oslo_config import cfg

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
            options = value.items() if isinstance(
                value, typing.Mapping) and not isinstance(value, dict) else (
                    (name, value),)
            values |= _secrets(options)
    return values


def in_power_commands(own):
    """Return the secrets in the power commands: option name to a set.

    :param own: the group [self_healing]
    """
    by_option = {}
    for option in power.COMMANDS:
        with contextlib.suppress(ValueError):
            words = shlex.split(getattr(own, option) or '')
            by_option[option] = learning.of_command(words)
    return {option: values for option, values in by_option.items() if values}


def _secrets(options):
    values = set()
    for name, value in options:
        if isinstance(value, dict) and name.endswith('_headers'):
            values |= {text for header, text in value.items()
                       if header.lower() not in _TENANTS}
        for text in value if isinstance(value, (list, tuple)) else (value,):
            if not isinstance(text, str):
                continue
            if name in power.COMMANDS:
                with contextlib.suppress(ValueError):
                    values |= learning.of_command(shlex.split(text))
            elif names.is_secret(name):
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
    runtime.learn(_secrets(conf.self_healing.items())
                  | _secrets(conf.auth.items()))
