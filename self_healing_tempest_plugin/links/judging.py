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

"""From the answers of services to rows, for preflight and for a drill."""

from self_healing_tempest_plugin.links import rows
from self_healing_tempest_plugin.services import asking
from self_healing_tempest_plugin.services import errors

# Who lets us in, and who gives the member of scenarios that have one: without
# them, nothing else is known.
KEYSTONE, TEMPEST = 'Keystone', 'Tempest'


def judged(checks, answers, settings):
    """Return the rows of some checks.

    :param checks: :class:`..links.rows.Check` objects
    :param answers: :class:`..services.asking.Answers`
    :param settings: :class:`..config.Settings`
    """
    return [row for check in checks
            for row in _rows(check, answers, settings)]


def _rows(check, answers, settings):
    try:
        findings = check.judge(settings, *(
            answers[name] for name in check.needs))
    except errors.ServiceError as error:
        findings = _trouble(check, error, answers)
    return [rows.Row(check.link, check.what, finding, check.todo)
            for finding in findings]


def _trouble(check, error, answers):
    """Return what it means that a question has no answer.

    That a service does not answer at all is a no where just that is asked,
    and makes all else unknown.
    """
    for service in filter(None, (KEYSTONE, check.asker, error.service)):
        cause = answers.error(service)
        if service != check.what and cause:
            return rows.unknown('%s %s' % (service, _without(service, cause)))
    # Who is asked about may have taken the time, and may be given later.
    no_reason = (errors.TooLate, errors.ClientDefect) if (
        check.what != TEMPEST) else errors.ServiceUnavailable
    if check.asker and isinstance(error, no_reason):
        return rows.unknown(rows.one_line(error))
    # It is there, and had no time for this.
    if isinstance(error, errors.ServiceUnavailable) and (
            error.code is None and answers.answered(error.service)):
        return rows.unknown(rows.one_line(error))
    return rows.no(rows.one_line(error))


def _without(service, cause):
    """Return what a service does instead of an answer, in words."""
    if service == TEMPEST:
        return 'gives no member'
    return 'does not answer' if isinstance(
        cause, errors.ServiceUnavailable) else 'refuses to answer'


def refused(checks, questions, settings, seconds):
    """Return the rows that are a no, whoever is asked for it.

    A service that does not answer, or not yet, has refused nothing.

    :param checks: :class:`.rows.Check` objects
    :param questions: what :func:`..services.asking.ask` takes
    :param settings: :class:`..config.Settings`
    :param seconds: until which the answers have to be there
    """
    answers = asking.ask(questions, seconds)
    return [row for check in checks
            for row in _rows(check, answers, settings)
            if row.finding.state is rows.State.NO and not any(
                isinstance(answers.error(name), errors.ServiceUnavailable)
                for name in check.needs)]
