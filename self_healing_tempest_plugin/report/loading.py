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

"""Documents that were written before: found, read and checked."""

import hashlib
import json
import os
import re
import stat

from jsonschema import exceptions as schema_exceptions
from tempest.lib import exceptions

from self_healing_tempest_plugin.redaction import runtime
from self_healing_tempest_plugin.report import answers
from self_healing_tempest_plugin.report import schemas
from self_healing_tempest_plugin.report import upgrading

# A run of a whole day, watched at the usual pace, has less.
MOST_BYTES = 256 << 20

_PROBLEM_LENGTH = 200

# The name of a run that was kept: its scenario, and when it began.
_TIMED = re.compile(r'(?P<name>.+)-\d{8}T\d{6}\.\d{3}Z(?:-\d+)?\.json')

_ADVICE = 'format %d cannot be read, only %s: run the scenario again'


# What a document begins with, which is looked at in files of more bytes than
# that before all of it is read.
_BEGINNING = re.compile(rb'\s*\{\s*"format"\s*:\s*\d')
_LARGE = 4 << 20
_PEEK = 64

# Documents that this process has found sound: a run makes the page anew from
# those of all nights. More than so many are forgotten.
_sound_before = set()
_MOST_SOUND = 10000


class BadDocument(exceptions.TempestException):
    """A file cannot be read as a document."""

    message = '%(path)s: %(problem)s'

    def __init__(self, path, problem):
        self.path, self.problem = path, problem
        super().__init__(path=path, problem=problem)


class ForeignFile(BadDocument):
    """A file is no document of a run, and none that was damaged."""

    def __init__(self, path):
        super().__init__(path, 'is no document of a run')


def check(values, path):
    """Refuse values that are no document of a format that can be read.

    :param values: what the file holds
    :param path: the file, for the message
    :raises BadDocument: says in one line where it is wrong
    """
    number = _format(values)
    if number is None:
        # A schema would take long over it, and tell all of it.
        raise ForeignFile(path)
    if number not in schemas.READABLE:
        raise BadDocument(path, _ADVICE % (
            number, ' and '.join((', '.join(map(
                str, schemas.READABLE[:-1])), str(schemas.READABLE[-1])))))
    validator = schemas.validator(number)
    index, fewer = _with_few_probes(values)
    error = schema_exceptions.best_match(validator.iter_errors(fewer))
    if error is not None:
        place = error.json_path.replace('$.probes[0]',
                                        '$.probes[%d]' % index)
        raise BadDocument(path, _line('%s: %s' % (place, error.message)))
    if number == schemas.FORMAT:
        problem = answers.problem(values['probes'])
        if problem:
            raise BadDocument(path, _line('$.probes%s' % problem))


# The fields of a probe in formats 3 and 4.
_TIMES, _FLAGS = ('begin', 'end'), ('ok', 'answered')
_TEXTS = ('nonce', 'boot', 'server', 'error')


def _with_few_probes(values):
    """Return a document of before with the one probe that may be wrong.

    A schema takes its time, and of probes there are many.

    :returns: the place of the probe, and the document
    """
    probes = values.get('probes') if isinstance(values, dict) else None
    if not isinstance(probes, list):
        return 0, values
    fields = {*_TIMES, *_FLAGS, *_TEXTS} | (
        set() if values.get('format') == 3 else {'of_before'})
    wrong = next((index for index, probe in enumerate(probes)
                  if not _sound(probe, fields)), 0)
    return wrong, dict(values, probes=probes[wrong:wrong + 1])


def _sound(probe, fields):
    return (type(probe) is dict and probe.keys() == fields
            and all(type(probe[name]) in (int, float)
                    and abs(probe[name]) <= 1e9 for name in _TIMES)
            and all(type(probe[name]) is str for name in _TEXTS)
            and all(type(probe[name]) is bool for name in _FLAGS)
            and type(probe.get('of_before', False)) is bool)


def _format(values):
    """Return the number of the format of values, None where they have none."""
    number = values.get('format') if isinstance(values, dict) else None
    return number if type(number) is int else None


def read(path):
    """Return one document.

    :param path: a JSON file
    :returns: dict of this format, whichever the file has
    :raises BadDocument: when it cannot be read, or is none
    """
    return _document(*_load(path), path)


def _document(values, state, path):
    if state not in _sound_before:
        check(values, path)
        if len(_sound_before) >= _MOST_SOUND:
            _sound_before.clear()
        _sound_before.add(state)
    return (values if values['format'] == schemas.FORMAT
            else upgrading.upgraded(values))


def read_all(paths):
    """Return the documents of several files and directories.

    A document that is there twice counts once. One damaged file in a
    directory costs none of the others, and what else lies there is passed
    over.

    :param paths: JSON files, or directories that hold such
    :returns: list of dicts, in the order in which they began, and list of
        :class:`BadDocument`, of what was found in directories
    :raises BadDocument: for the first that is named and cannot be read, and
        for a directory without any
    """
    runs, problems = [], []
    for path in map(str, paths):
        if not os.path.isdir(path):
            runs.append(read(path))
            continue
        here, damaged = directory(path)
        damaged = [problem for problem in damaged
                   if not isinstance(problem, ForeignFile)]
        if not here and not damaged:
            raise BadDocument(path, 'holds no JSON of a run')
        runs += here
        problems += damaged
    return _sorted(runs), problems


def directory(path, newest=None):
    """Return the documents of a directory, and what could not be read.

    :param path: the directory
    :param newest: how many runs of each scenario are read, the last by the
        names of their files; None: all
    :returns: list of dicts in the order in which they began, and list of
        :class:`BadDocument`
    """
    runs, problems = [], []
    for file in _newest(_json_files(path), newest):
        try:
            values, state = _load(file)
            # What the command "report" writes may lie beside what it reads.
            if not (isinstance(values, dict) and 'report' in values):
                runs.append(_document(values, state, file))
        except BadDocument as error:
            problems.append(error)
    return _sorted(runs), problems


def _json_files(path):
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise BadDocument(path, error.strerror) from None
    return [os.path.join(path, name) for name in names
            if name.endswith('.json')]


def _newest(paths, most):
    """Return paths without those of older runs of the same scenarios.

    Their names sort by time, see :func:`..saving.save`. What has no time in
    its name is taken.
    """
    if most is None:
        return paths
    timed = {}
    for path in paths:
        match = _TIMED.fullmatch(os.path.basename(path))
        timed.setdefault(match and match['name'] or path, []).append(path)
    return [path for several in timed.values() for path in several[-most:]]


def _load(path):
    """Return what a file holds, and what is another after it has changed."""
    try:
        # A pipe without a writer is not waited for.
        with open(path, 'rb', opener=lambda name, flags: os.open(
                name, flags | os.O_NONBLOCK)) as stream:
            about = os.fstat(stream.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise BadDocument(path, 'is no file')
            if about.st_size > _LARGE and not _BEGINNING.match(
                    stream.peek(_PEEK)):
                raise ForeignFile(path)
            if about.st_size > MOST_BYTES:
                raise BadDocument(path, 'is longer than %d MiB' % (
                    MOST_BYTES >> 20))
            return json.loads(
                stream.read().decode('utf-8'), parse_constant=_refuse), (
                    path, about.st_dev, about.st_ino, about.st_mtime_ns,
                    about.st_size)
    except OSError as error:
        raise BadDocument(path, error.strerror) from None
    except (ValueError, RecursionError) as error:
        raise BadDocument(path, _line('is no JSON: %s' % error)) from None


def _refuse(constant):
    raise ValueError('%s is no number' % constant)


def _sorted(runs):
    unique = {_digest(run): run for run in runs}
    return sorted(unique.values(), key=lambda run: (run['began'],
                                                    run['name']))


def _digest(run):
    return hashlib.sha256(json.dumps(run, sort_keys=True).encode()).digest()


def _line(problem):
    # A schema quotes all that it finds wrong; to redact that takes as long.
    return runtime.line(problem[:100 * _PROBLEM_LENGTH], _PROBLEM_LENGTH)
