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

"""A step of a fault that asks a service, in a process of its own.

The journal has commands only; where a fault is made by an API, its commands
run a module of this package::

    python -m MODULE STEP --config-file FILE SUBJECT
"""

import argparse
import sys

from tempest import config as tempest_config

from self_healing_tempest_plugin.faults import plans
from self_healing_tempest_plugin.faults import transports


def command(module, step, config_file, subject):
    """Return the command that takes a step.

    :param module: name of the module that is run
    :param step: one of its steps
    :param config_file: absolute path of the tempest.conf
    :param subject: what the step is about, as text
    :returns: :class:`.plans.Command`
    """
    return plans.Command(transports.LOCAL, '', (
        sys.executable, '-m', module, step, '--config-file', config_file,
        subject))


def main(description, steps, take, arguments=None):
    """Take one step, in the process that was started for it.

    :param description: of the module, in one line
    :param steps: names of the steps
    :param take: takes a step, of its name and the subject, and returns the
        exit code
    :param arguments: list of words, or None for those of the process
    :returns: exit code, 2 where the step could not be taken
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('step', choices=steps)
    parser.add_argument('--config-file', required=True)
    parser.add_argument('subject')
    options = parser.parse_args(arguments)
    tempest_config.CONF.set_config_path(options.config_file)
    try:
        return take(options.step, options.subject)
    except Exception as error:
        # One line: the journal shows what the command has said.
        print(' '.join(str(error).split()), file=sys.stderr)
        return 2
