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

"""What is measured, one module each; they need different environments."""

import argparse
import importlib

#: Module to what it does, in a few words.
MODULES = {
    'bad_input': 'runs a scenario on the lab with one wrong setting each',
    'lab': 'how long the lab takes to come up',
    'long_runs': 'what the report of a long run costs',
    'mutate': 'whether the unit tests notice a mistake',
    'redaction': 'what redaction finds, and how long it takes',
    'report_pictures': 'makes pictures of the report',
    'suite': 'whether the healthy suite is ever red',
    'watch': 'what watching a host crash costs',
    'workflow': 'who is healed when a program is away meanwhile',
}


def main(arguments=None):
    """Run one of the modules.

    :returns: its exit code
    """
    parser = argparse.ArgumentParser(
        prog='tools/measure', description=__doc__.splitlines()[0],
        formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        'module', choices=MODULES, metavar='WHAT', help='\n'.join(
            '%-16s %s' % entry for entry in MODULES.items()))
    parser.add_argument('arguments', nargs=argparse.REMAINDER,
                        metavar='...', help='its own, --help among them')
    options = parser.parse_args(arguments)
    return importlib.import_module(
        'tools.measure.%s' % options.module).main(options.arguments)
