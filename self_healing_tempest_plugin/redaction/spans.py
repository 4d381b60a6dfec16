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

"""Text, quotes in it, and parts of it that are replaced."""

import re

REPLACEMENT = '***'

# What stands where a secret would, and is none: nothing, a constant, what a
# template or a shell puts in, what others have replaced, a hash that
# keystoneauth logs in place of a token, a reader that programs name.
_HARMLESS = re.compile(
    r'''\** | [xX]{3,} | \.{3}
    | (?:<|\(|\[)?(?:None|null|nil|true|false|yes|no|undefined|unset|empty
        |not\ set|SANITIZED|omitted|redacted|hidden|masked|REDACTED)
        (?:>|\)|\])?
    | \$(?-i:[A-Z_][A-Z0-9_]*|[a-z_]+) | \$\{\w+\}
    | \{\{\ ?[\w.\[\]'"]+(?:\ ?\|\ ?\w+)*\ ?\}\}
    | %\(\w+\)s | %s | %r | \{\w*\} | <[\w-]+> | <[\w.]+\ object\ at\ 0x\w+>
    | \{SHA256\}[0-9a-f]{64}
    | (?-i:[a-z]+(?:[._]+[a-z]+)+\(.{0,200}\))
    | (?:self|cls|CONF|conf|os|args|options)(?:\.\w+)+''',
    re.VERBOSE | re.IGNORECASE | re.DOTALL)

# A quote as it stands in text: escaped, or escaped for HTML.
QUOTE = re.compile(
    r'''(?P<slashes>\\{0,16})(?P<quote>["']|&(?:quot|apos|\#3[49]|\#x2[27]);
        |\\u002[27]|%2[27])''', re.VERBOSE)

# What ends a word: white space, a tag, a quote before which it began, an
# entity of a quote.
_RUN = re.compile(
    r'''(?:[^\s"'<&\\%] | \\(?!u002[27]) | %(?!2[27]%?[,:;}\]%&\s]|2[27]$)
    | ["'](?![,:;}\])>\s|]|\\[nr]|$)
    | <(?!/[a-zA-Z]{2,12}>|br[\s/>])
    | &(?!(?:quot|apos|\#3[49]|\#x2[27]|lt|gt);))+''',
    re.VERBOSE | re.MULTILINE)
_TRAILING = re.compile(r'[,;:)\]}]+\Z')
_LOWER = {code: code + 32 for code in range(ord('A'), ord('Z') + 1)}


def harmless(value):
    """Return whether a value in the place of a secret is none."""
    return _HARMLESS.fullmatch(value.strip()) is not None


class Text:
    """A text, and the same in lower case; what is where."""

    def __init__(self, text):
        """Take the text."""
        self.text = text
        lowered = text.lower()
        # Few letters of other alphabets become two.
        self.lowered = lowered if len(lowered) == len(text) else (
            text.translate(_LOWER))
        self._line = 0, -1

    def places(self, needle, begin=0):
        """Yield where a needle stands, which is in lower case."""
        at = self.lowered.find(needle, begin)
        while at >= 0:
            yield at
            at = self.lowered.find(needle, at + 1)

    def line_begin(self, at):
        """Return where the line begins."""
        return self._bounds(at)[0]

    def line_end(self, at):
        """Return where the line ends, before CR and LF."""
        end = self._bounds(at)[1]
        return end - 1 if end > at and self.text[end - 1] == '\r' else end

    def _bounds(self, at):
        # A line may be all of the text, and have any number of names.
        begin, end = self._line
        if not begin <= at <= end:
            begin = self.text.rfind('\n', max(0, end) if at > end else 0,
                                    at) + 1
            end = self.text.find('\n', at)
            self._line = begin, len(self.text) if end < 0 else end
        return self._line


def closing(text, begin, opened, limit):
    r"""Return where a quoted value ends, None when it does not.

    Quotes may be escaped several times, as in JSON in JSON: where a quote
    has *k* backslashes, one inside the value has *2k + 1*, and a backslash
    is *2k + 2* of them. A doubled one is a quote of YAML or SQL.

    :param text: string
    :param begin: where the value begins
    :param opened: match of :data:`QUOTE` before it
    :param limit: where to give up
    :returns: where the value ends
    """
    quote, deep = opened['quote'], len(opened['slashes'])
    period, at = 2 * (deep + 1), begin
    while True:
        at = text.find(quote, at, limit)
        if at < 0:
            return None
        slashes = 0
        while at - slashes > begin and text[at - slashes - 1] == '\\':
            slashes += 1
        after = at + len(quote)
        if slashes % period == 2 * deep + 1 or slashes % period > deep:
            at = after
        elif deep == 0 and len(quote) == 1 and at > begin and (
                text.startswith(quote, after)):
            at = after + 1
        else:
            return at - min(slashes, slashes % period)


def quote_before(text, at):
    """Return the match of the quote right before a place, or None."""
    quotes = [quote for quote in QUOTE.finditer(text, max(0, at - 24), at)
              if quote.end() == at]
    return quotes[0] if quotes else None


def word(text, begin, limit, shell=False):
    """Return where a word ends that a shell or a log would have.

    :param text: string
    :param begin: where it begins, maybe with a quote
    :param limit: where to give up, the end of the line
    :param shell: whether it may be a shell's or YAML's, where a backslash in
        single quotes is one
    :returns: where the secret begins and ends, without quotes around it
    """
    opened = QUOTE.match(text, begin, limit)
    if opened is None:
        return begin, _run_end(text, begin, limit)
    inside = opened.end()
    end = closing(text, inside, opened, limit)
    if end is None:
        return inside, _run_end(text, inside, limit)
    ends = [end]
    if shell and opened[0] == "'":
        ends.append(_literal(text, inside, limit))
    return inside, max(_joined(text, end, opened, limit, shell)
                       for end in ends)


def _literal(text, begin, limit):
    """Return where a value ends in which a backslash escapes nothing."""
    at = text.find("'", begin, limit)
    while text.startswith("''", at):
        again = text.find("'", at + 2, limit)
        if again < 0:
            break
        at = again
    return at


def _joined(text, end, opened, limit, shell):
    """Return the end of a word that another quote may follow at once.

    ``'it'"'"'s'`` is one word of a shell.
    """
    after = end + len(opened[0])
    if after >= limit or text[after] not in '\'"\\' or len(
            opened['quote']) > 1:
        return end
    if text[after] == '\\' and text[after + 1:after + 2] in tuple('nrt'):
        return end
    return max(end, word(text, after, limit, shell)[1])


def _run_end(text, begin, limit):
    match = _RUN.match(text, begin, limit)
    if match is None:
        return begin
    trailing = _TRAILING.search(text, max(begin, match.end() - 8),
                                match.end())
    return trailing.start() if trailing else match.end()


def merged(text, several):
    """Return spans in order and apart, without those that hold no secret.

    :param text: string
    :param several: pairs of begin and end
    """
    kept = []
    for begin, end in sorted(several):
        if begin >= end or harmless(text[begin:min(end, begin + 400)]):
            continue
        if kept and begin <= kept[-1][1]:
            kept[-1] = kept[-1][0], max(end, kept[-1][1])
        else:
            kept.append((begin, end))
    return kept


def replaced(text, several):
    """Return a text with spans replaced.

    :param text: string
    :param several: pairs of begin and end, which may overlap
    """
    parts, at = [], 0
    for begin, end in merged(text, several):
        parts += [text[at:begin], REPLACEMENT]
        at = end
    return ''.join([*parts, text[at:]]) if parts else text
