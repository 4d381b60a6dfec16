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

"""The answers of the application in a document: few words for many probes.

An application is asked ten times a second, for as long as a run takes. What
the answers have in common is told once, as a *kind*; a *stretch* is as many
of one kind as came one after the other. Of both there are only so many,
however long the run is, and all readers need no more. Each single probe is
there, too, *packed*.
"""

import base64
import dataclasses
import itertools
import json
import zlib

from self_healing_tempest_plugin.redaction import runtime

# More stretches cannot be told apart in a picture: neighbours that are
# shorter than the eye can see become one, of several kinds.
MOST_STRETCHES = 400

# A stranger may answer with something else each time.
MOST_KINDS = 200
OTHERS = 'different answers, more than %d of them' % MOST_KINDS

# A packed document of more bytes is none of ours.
MOST_BYTES = 256 << 20

_ERROR_LENGTH = 300

# The code of redaction finds no token in so short words.
_WORD = 16

_NONCE = '{nonce}'

# Levels beyond it take longer and save nothing: most of it are nonces.
_LEVEL = 6


class Damaged(ValueError):
    """What is packed cannot be read."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """One probe.

    :ivar begin: whole milliseconds after the watch began; so is the end
    :ivar of_before: whether the guest of before the fault answered
    """

    begin: int
    end: int
    ok: bool
    nonce: str
    boot: str
    server: str
    error: str
    answered: bool
    of_before: bool


class _Kinds:
    """What answers have in common, by number."""

    def __init__(self, of_before):
        self._of_before, self.found = of_before, []
        self._numbers, self._others = {}, {}

    def number(self, probe):
        """Return the number of a probe's kind."""
        error = probe.error
        if probe.nonce and probe.nonce in error:
            error = error.replace(probe.nonce, _NONCE)
        key = probe.ok, probe.answered, probe.boot, probe.server, error
        known = self._numbers.get(key)
        if known is not None:
            return known
        of_before = bool(self._of_before(probe))
        if len(self._numbers) < MOST_KINDS:
            return self._new(key, of_before)
        # Of what comes now the texts are lost, and nothing else.
        key = probe.ok, probe.answered, of_before, '' if probe.ok else OTHERS
        known = self._others.get(key)
        if known is None:
            known = self._others[key] = self._new(
                (probe.ok, probe.answered, '', '', key[-1]), of_before)
        return known

    def _new(self, key, of_before):
        ok, answered, boot, server, error = key
        self.found.append({
            'ok': ok, 'answered': answered, 'of_before': of_before,
            'boot': runtime.text(boot), 'server': runtime.text(server),
            'error': runtime.line(error, _ERROR_LENGTH)})
        self._numbers[key] = len(self.found) - 1
        return len(self.found) - 1


def coded(probes, of_before, origin=0.0):
    """Return the part of a document that tells of probes.

    :param probes: :class:`..model.timelines.Probe`, in any order
    :param of_before: says of a probe whether the guest of before answered;
        probes that differ in their times and nonces only are of one kind
    :param origin: when the watch began, on the clock of the probes
    :returns: dict, without secrets
    """
    ordered = sorted(probes, key=lambda probe: probe.begin)
    kinds = _Kinds(of_before)
    numbers = [kinds.number(probe) for probe in ordered]
    begins = [_milliseconds(probe.begin - origin) for probe in ordered]
    ends = [_milliseconds(probe.end - origin) for probe in ordered]
    stretches = _stretches(numbers, begins, ends)
    return {
        'count': len(ordered),
        'kinds': _counted(kinds.found, stretches),
        'stretches': [{'begin': begin / 1000, 'end': end / 1000,
                       'answers': [[*pair] for pair in answers]}
                      for begin, end, answers in thinned(
                          stretches, MOST_STRETCHES)],
        'packed': _packed(numbers, begins, ends,
                          [probe.nonce for probe in ordered])}


def _milliseconds(seconds):
    return round(round(seconds, 3) * 1000)


def _stretches(numbers, begins, ends):
    """Return runs of one kind: begin, end, and pairs of kind and count."""
    found, at = [], 0
    for number, group in itertools.groupby(numbers):
        count = sum(1 for _ in group)
        found.append((begins[at], ends[at + count - 1], ((number, count),)))
        at += count
    return found


def _counted(kinds, stretches):
    """Return kinds with how often each came, and from when to when."""
    told = [dict(kind, count=0, begin=None, end=None) for kind in kinds]
    for begin, end, ((number, count),) in stretches:
        kind = told[number]
        kind['count'] += count
        kind['begin'] = begin / 1000 if kind['begin'] is None else (
            kind['begin'])
        kind['end'] = end / 1000
    return told


def thinned(stretches, most):
    """Return stretches of which neighbours are one where they are too many.

    What is longer than the others stays as it is.

    :param stretches: tuples of begin and end, in whole milliseconds, and
        pairs of kind and count
    :param most: how many there may be
    """
    # A quarter of what one of them may take of the whole.
    shortest = max(1, _span(stretches) // (4 * most))
    while len(stretches) > most:
        stretches = list(_joined(stretches, shortest))
        shortest *= 2
    return stretches


def _span(stretches):
    return stretches[-1][1] - stretches[0][0] if stretches else 0


def _joined(stretches, shortest):
    """Yield stretches; those that are short even together become one."""
    last = None
    for one in stretches:
        if last is None:
            last = one
        elif one[1] - last[0] <= shortest:
            last = last[0], max(last[1], one[1]), _summed(last[2], one[2])
        else:
            yield last
            last = one
    if last is not None:
        yield last


def _summed(first, second):
    counts = dict(first)
    for number, count in second:
        counts[number] = counts.get(number, 0) + count
    return tuple(counts.items())


def _packed(numbers, begins, ends, nonces):
    """Return all probes as text: columns of JSON, deflated, in Base64."""
    columns = json.dumps({
        'begin': [later - before for before, later
                  in zip([0, *begins], begins)],
        'lasted': [end - begin for begin, end in zip(begins, ends)],
        'kind': [[number, len(list(group))]
                 for number, group in itertools.groupby(numbers)],
        'nonce': nonces}, separators=(',', ':'))
    text = base64.b64encode(zlib.compress(
        columns.encode('utf-8'), _LEVEL)).decode('ascii').rstrip('=')
    return ','.join(text[at:at + _WORD]
                    for at in range(0, len(text), _WORD))


def whole(probes):
    """Return each single probe.

    :param probes: that part of a document
    :returns: list of :class:`Answer`, in the order in which they began; None
        where they are not in it, as in an attachment
    :raises Damaged: when it makes no sense
    """
    if probes['packed'] is None:
        return None
    try:
        return list(_unpacked(probes))
    except (ValueError, KeyError, TypeError, IndexError, zlib.error) as error:
        raise Damaged('the answers of the application are damaged: %s'
                      % error) from None


def _unpacked(probes):
    text = probes['packed'].replace(',', '')
    inflater = zlib.decompressobj()
    content = inflater.decompress(base64.b64decode(
        text + '=' * (-len(text) % 4), validate=True), MOST_BYTES)
    if not inflater.eof:
        raise ValueError('no end within %d MiB' % (MOST_BYTES >> 20))
    columns = json.loads(content)
    kinds = itertools.chain.from_iterable(
        itertools.repeat(probes['kinds'][number], count)
        for number, count in columns['kind'])
    begins = itertools.accumulate(columns['begin'])
    for begin, lasted, nonce, kind in zip(
            begins, columns['lasted'], columns['nonce'], kinds, strict=True):
        yield Answer(begin, begin + lasted, kind['ok'], nonce, kind['boot'],
                     kind['server'], kind['error'].replace(_NONCE, nonce),
                     kind['answered'], kind['of_before'])


def problem(probes):
    """Return where the parts do not fit each other, empty where they do.

    :param probes: that part of a document, as its schema has it
    """
    kinds = probes['kinds']
    for index, kind in enumerate(kinds):
        if kind['count'] and None in (kind['begin'], kind['end']):
            return '.kinds[%d]: it came, and nobody knows when' % index
    for index, stretch in enumerate(probes['stretches']):
        for number, _ in stretch['answers']:
            if number >= len(kinds):
                return '.stretches[%d]: there is no kind %d' % (index, number)
    return ''


def without_singles(run):
    """Return a document without its single probes; no reader needs them.

    :param run: a document
    """
    return dict(run, probes=dict(run['probes'], packed=None))
