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

"""What the lab is like: taken before and after a run, and compared.

A fingerprint has nothing that changes while nobody touches the lab, nor what
a host does not find again after its power was off and on. Two of them differ
where a run has left something behind. It is taken at once, as things are.
"""

import argparse
import json
import pathlib
import sys

from tools.lab import errors
from tools.lab.fingerprint import differences
from tools.lab.fingerprint import taking
from tools.lab import labs


def parse(arguments):
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog='tools/lab/fingerprint', description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(dest='step', required=True)
    step = steps.add_parser('take', help='write what the lab is like')
    labs.add_option(step)
    step.add_argument('file', type=pathlib.Path)
    step = steps.add_parser(
        'compare', help='print what differs; exit code 1 if anything does')
    step.add_argument('before', type=pathlib.Path)
    step.add_argument('after', type=pathlib.Path)
    return parser.parse_args(arguments)


def main(arguments=None):
    """Take a fingerprint, or compare two.

    :returns: the exit code
    """
    options = parse(arguments)
    if options.step == 'take':
        try:
            fingerprint = taking.take(options.lab)
        except errors.LabDown as error:
            print('The lab is down: %s.' % error, file=sys.stderr)
            return 1
        options.file.write_text(json.dumps(
            fingerprint, indent=2, sort_keys=True) + '\n')
        return 0
    lines = differences.differences(*(
        json.loads(file.read_text())
        for file in (options.before, options.after)))
    print('\n'.join(lines), end='\n' if lines else '')
    return 1 if lines else 0
