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

"""What stands in a tempest.conf that oslo.config cannot read.

Its own messages show a part of the value: ``pa$word`` in a password is *no
such option word in group [DEFAULT]*, and a line that is no assignment is
shown as it stands there. Here the option is named, or the line, and nothing
of what is in it.
"""

import contextlib
import os
import re

from oslo_config import cfg
from oslo_config import iniparser
from oslo_log import log
from tempest.lib import exceptions

from self_healing_tempest_plugin.redaction import runtime

_DOLLARS = (
    'write "$$" for each "$" in %s (values are not shown): oslo.config takes '
    'what follows a "$" for the name of an option, and there is none')
_ANYWHERE = 'the tempest.conf'

# A "$" for itself, or the name of an option of [DEFAULT].
_REFERENCE = re.compile(r'\$\$|\\\$|\$\{?(?P<name>\w+)')

# What oslo.config says where an option of that name is not there, is a group,
# or is the option itself.
_BROKEN = (cfg.NoSuchOptError, cfg.NoSuchGroupError,
           cfg.TemplateSubstitutionError, RecursionError)

# What stands in the line follows in quotes, as repr() has it.
_PLACE = re.compile(
    r'at (?P<file>.*?):(?P<line>\d+), (?P<why>.*?): (?=[\'"])', re.DOTALL)


@contextlib.contextmanager
def named(conf):
    """Turn what oslo.config raises into one line that names the option.

    :param conf: Tempest's ``CONF``, or an oslo.config object
    :raises tempest.lib.exceptions.InvalidConfiguration: without anything that
        may be secret
    """
    try:
        yield
    except (cfg.ConfigFileValueError, cfg.RequiredOptError) as error:
        raise exceptions.InvalidConfiguration(runtime.text(error)) from None
    except cfg.ConfigFileParseError as error:
        raise exceptions.InvalidConfiguration(_place(error)) from None
    except UnicodeDecodeError as error:
        raise exceptions.InvalidConfiguration(
            'the tempest.conf is not UTF-8 (%s after %d bytes)' % (
                error.reason, error.start)) from None
    except _BROKEN:
        # Tempest's own registers all options before it reads any.
        own = conf if isinstance(conf, cfg.ConfigOpts) else cfg.CONF
        raise exceptions.InvalidConfiguration(
            dollars(own) or _DOLLARS % (
                _listed(_of_the_log(own)) or _ANYWHERE)) from None
    except log.LogConfigError as error:
        raise exceptions.InvalidConfiguration(runtime.text(error)) from None
    except OSError as error:
        if not _is_log(error.filename):
            raise
        raise exceptions.InvalidConfiguration(
            'the log cannot be written to %s: %s; look at [DEFAULT] log_dir '
            'and log_file' % (error.filename, error.strerror)) from None


def whatever_else(conf):
    """Return options of which some can be read, whatever the others hold.

    Tempest writes all of them into its log as it reads them.

    :param conf: Tempest's ``CONF``, or an oslo.config object
    :returns: what the groups are attributes of
    """
    try:
        conf.self_healing
    except _BROKEN:
        # Those that it has read before are there.
        return cfg.CONF
    return conf


def dollars(conf):
    """Return which options hold a "$" that stands for nothing, and what to do.

    :param conf: an oslo.config object
    :returns: one line, '' where there is none
    """
    options = [('DEFAULT', name) for name in conf if _is_broken(conf, name)]
    for name in conf:
        with contextlib.suppress(*_BROKEN, cfg.Error, ValueError):
            group = conf[name]
            if isinstance(group, cfg.ConfigOpts.GroupAttr):
                options += [(name, option) for option in group
                            if _is_broken(group, option)]
    return _DOLLARS % _listed(options) if options else ''


def _listed(options):
    return ' and '.join('[%s] %s' % option for option in options)


class _Defaults(iniparser.BaseParser):
    """What a file has of the group [DEFAULT], as it is written.

    :ivar values: by name of the option
    """

    def __init__(self):
        self._section, self.values = 'DEFAULT', {}

    def new_section(self, section):
        self._section = section

    def assignment(self, key, value):
        if self._section == 'DEFAULT':
            self.values[key] = '\n'.join(value)


def _of_the_log(conf):
    """Return which options of [DEFAULT] hold a "$" that stands for nothing.

    Tempest sets up its log first, and of a file that fails in that oslo.config
    keeps nothing.
    """
    parser = _Defaults()
    for path in conf.default_config_files or ():
        with contextlib.suppress(OSError, ValueError, iniparser.ParseError):
            with open(path, encoding='utf-8') as stream:
                parser.parse(stream)
    return [('DEFAULT', option) for option, value in parser.values.items()
            if any(match['name'] not in (None, *conf)
                   for match in _REFERENCE.finditer(value))]


def _is_log(path):
    """Return whether a path is that of the log that Tempest writes."""
    directory, file = (getattr(cfg.CONF, name, None)
                       for name in ('log_dir', 'log_file'))
    return path is not None and (
        path == os.path.abspath(os.path.join(directory or '', file))
        if file else directory is not None
        and os.path.dirname(path) == os.path.abspath(directory))


def _place(error):
    match = _PLACE.match(error.msg)
    return '%s: line %s cannot be read: %s (it is not shown)' % (
        match['file'], match['line'], match['why']) if match else (
            '%s cannot be read' % error.config_file)


def _is_broken(group, option):
    try:
        group[option]
    except _BROKEN:
        return True
    except (cfg.Error, ValueError):
        pass
    return False
