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

"""What redaction finds, what it leaves, and how long it takes.

Needs Python and this repository. Where detect-secrets is installed the same
is asked of that.
"""

import argparse
import collections
import json
import platform
import tempfile
import time

from self_healing_tempest_plugin import redaction
from self_healing_tempest_plugin.tests.unit import secret_forms

#: What could be looked at again and again, by a rule that is not careful.
HOSTILE = {
    '-': '-', '=': '=', '"': '"', "'": "'", '\\': '\\', 'blanks': ' ',
    'base64': 'QUJDRGVm', '://': '://', '://a:b@': '://a:b@', 'a:': 'a:',
    'password': 'password', 'password="': 'password="', 'key=': 'key=AAAA',
    'password: |': 'password: |\n ', 'passwords={': 'passwords={',
    '<password>': '<password>', '"password":': '"password":',
    'ipmitool -P': 'ipmitool -P ', 'BEGIN': '-----BEGIN PRIVATE KEY-----',
    'END': '-----END PRIVATE KEY-----', 'eyJ': 'eyJabcdef.',
    'LS0t': 'LS0tLS1CRUdJTi', 'Cookie': '\\"Cookie: ', 'chpasswd':
    'echo a: chpasswd ', 'Digest': 'digest username=',
    'prose': 'password for ', 'prompt': 'password for a b: ',
    'map': '"password": {"a": ', 'map below': 'password:\n  a: b\n',
    'default': 'password: {default: a ', 'output':
    '"output_value": "a", "output_key": "password"} ',
    'list': 'chpasswd: {list: a:b ', 'sudo': 'echo a | sudo -x '}


def seconds(call, *arguments):
    """Return the processor time that a call takes."""
    begin = time.process_time()
    call(*arguments)
    return round(time.process_time() - begin, 2)


def filled(unit, size):
    """Return so many characters of a repeated text."""
    return (unit * (size // len(unit) + 1))[:size]


def found_by(redact, rounds):
    """Return in how many forms a secret is left, of how many samples."""
    left = collections.Counter()
    for _ in range(rounds):
        for form in secret_forms.FORMS:
            sample = form.sample()
            left[form.name] += bool(sample.seen_in(redact(sample.text)))
    return {'forms': len(secret_forms.FORMS),
            'samples': rounds * len(secret_forms.FORMS),
            'forms_seen': sum(map(bool, left.values())),
            'samples_seen': sum(left.values())}


def harmless(redact):
    """Return how many harmless lines are changed."""
    return {'lines': len(secret_forms.HARMLESS), 'changed': sum(
        redact(line) != line for line in secret_forms.HARMLESS)}


def times(redact, size):
    """Return what texts of that size, and of twice that size, take."""
    texts = {
        'harmless log': '\n'.join(secret_forms.HARMLESS) + '\n',
        'every form': '\n\n'.join(form.sample().text
                                  for form in secret_forms.FORMS) + '\n'}
    return {name: [seconds(redact, filled(unit, size)),
                   seconds(redact, filled(unit, 2 * size))]
            for name, unit in texts.items()}


def hostile(redact, size):
    """Return the most that a hostile text takes, and of twice the size."""
    taken = {name: [seconds(redact, filled(unit, size)),
                    seconds(redact, filled(unit, 2 * size))]
             for name, unit in HOSTILE.items()}
    slowest = max(taken, key=lambda name: taken[name][1])
    steepest = max((double / max(single, 0.05)
                    for single, double in taken.values()))
    return {'texts': len(taken), 'characters': size, 'slowest': slowest,
            'seconds': taken[slowest], 'steepest': round(steepest, 1)}


def detect_secrets():
    """Return a redactor that has only what detect-secrets finds, or None."""
    try:
        from detect_secrets.core import scan
        from detect_secrets import settings
    except ImportError:
        return None

    def redact(text):
        # A line by itself would be searched with no regard to entropy.
        with tempfile.NamedTemporaryFile('w', suffix='.log') as stream, \
                settings.default_settings():
            stream.write(text)
            stream.flush()
            values = {secret.secret_value for secret in scan.scan_file(
                stream.name)} - {None, ''}
        for value in sorted(values, key=len, reverse=True):
            text = text.replace(value, redaction.REPLACEMENT)
        return text

    return redact


def main(arguments=None):
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(
        prog='tools/measure redaction',
        description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=50,
                        help='samples of each form')
    parser.add_argument('--size', type=int, default=10 << 20,
                        help='characters of a log')
    options = parser.parse_args(arguments)
    redact = redaction.Redactor('known-secret-%d/+"' % number
                                for number in range(20))
    told = {
        'python': platform.python_version(), 'known_secrets': 20,
        'corpus': found_by(redact, options.rounds),
        'harmless': harmless(redact),
        'seconds_of_log': {'characters': options.size,
                           **times(redact, options.size)},
        'hostile': hostile(redact, options.size // 10)}
    theirs = detect_secrets()
    if theirs:
        told['detect_secrets'] = {
            'corpus': found_by(theirs, min(options.rounds, 3)),
            'harmless': harmless(theirs),
            'seconds_of_log': {'characters': options.size // 100, **times(
                theirs, options.size // 100)}}
    print(json.dumps(told, indent=2))
