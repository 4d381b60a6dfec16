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

"""A fingerprint is taken, and taken again until it is as before."""

import collections
from concurrent import futures
import functools
import operator
import time

from tools.lab import errors
from tools.lab.fingerprint import answers
from tools.lab.fingerprint import differences
from tools.lab.fingerprint import hosts
from tools.lab.fingerprint import listings
from tools.lab import labs
from tools.lab import services
from tools import waiting

#: Seconds that a service may take to answer.
TIMEOUT = 5


def take(lab):
    """Return the fingerprint of the lab now.

    :param lab: :class:`tools.lab.labs.Lab`
    :returns: nested dict, which JSON can hold; what was not answered is a
        dict of :data:`.answers.UNANSWERED` to the reason
    :raises LabDown: when that lab does not run
    """
    lab = labs.Lab(lab.directory, TIMEOUT)
    programs = _programs(lab)
    questions = dict(
        _cloud_questions(lab.cloud),
        alerts=functools.partial(_alerts, lab.monitor),
        journal=functools.partial(_journal, lab.state / 'journal.jsonl'),
        hosts=functools.partial(hosts.hosts, lab, programs))
    with futures.ThreadPoolExecutor(len(questions)) as pool:
        asked = {name: pool.submit(answers.answer, question)
                 for name, question in questions.items()}
        results = {name: future.result() for name, future in asked.items()}
    return dict(results, programs=programs)


def settle(lab, before, seconds):
    """Wait until the lab is what it was.

    :param lab: :class:`tools.lab.labs.Lab`
    :param before: its fingerprint
    :param seconds: after which it is looked at for the last time
    :returns: seconds that it took, and what still differs
    """
    begin = time.monotonic()
    try:
        differs = waiting.until(
            lambda: differences.differences(before, take(lab)),
            'the lab as it was', seconds, accept=operator.not_)
    except waiting.TimeUp as late:
        differs = late.answer
    return time.monotonic() - begin, differs


def _programs(lab):
    states = collections.defaultdict(dict)
    for service in services.services(lab):
        states[service.host][service.name] = service.state
    return dict(states)


def _cloud_questions(cloud):
    """Return the questions to the services of OpenStack, by section."""
    return {name: functools.partial(_listed, cloud, *question)
            for name, question in listings.CLOUD.items()}


def _listed(cloud, service, path, key, describe):
    body = cloud.ask(service, path)
    if body is None:
        raise errors.LabError('%s: no JSON' % service)
    return listings.described(body[key] if key else body, describe)


def _alerts(monitor):
    return listings.alerts(monitor.alerts())


def _journal(path):
    try:
        return listings.open_entries(path.read_text(errors='replace'))
    except FileNotFoundError:
        return {}
