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


def secrets(conf):
    """Return what the options hold that must not be told, as a set.

    :param conf: an oslo.config object
    """
    found = set()
    for name in conf:
        with contextlib.suppress(cfg.Error, ValueError):
            value = conf[name]
            several = value.items() if isinstance(
                value, typing.Mapping) and not isinstance(value, dict) else (
                    (name, value),)
            found |= _secrets(several)
    return found


def in_power_commands(own):
    """Return the secrets in the power commands: option name to a set.

    :param own: the group [self_healing]
    """
    found = {}
    for option in power.COMMANDS:
        with contextlib.suppress(ValueError):
            words = shlex.split(getattr(own, option) or '')
            found[option] = learning.of_command(words)
    return {option: values for option, values in found.items() if values}


def _secrets(options):
    found = set()
    for name, value in options:
        for text in value if isinstance(value, (list, tuple)) else (value,):
            if not isinstance(text, str):
                continue
            if name in power.COMMANDS:
                with contextlib.suppress(ValueError):
                    found |= learning.of_command(shlex.split(text))
            elif names.is_secret(name):
                found |= learning.lines(text)
            elif name == 'test_accounts_file':
                found |= learning.of_file(text)
            else:
                found |= {text[begin:end]
                          for begin, end in redaction.find(text)}
    return found


def learn(conf):
    """Redact what was set after the options were registered.

    :param conf: see :func:`secrets`
    """
    runtime.learn(_secrets(conf.self_healing.items())
                  | _secrets(conf.auth.items()))
