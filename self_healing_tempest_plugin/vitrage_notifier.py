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

"""Lets Vitrage start Mistral workflows.

Vitrage's own notifier has not been able to since python-mistralclient 4.2.0,
which renamed an argument of ``executions.create``; and it looks for Mistral
at ``http://localhost:8989/v2``, whatever the catalog says. This one takes its
place inside ``vitrage-notifier``::

    [mistral]
    notifier = self_healing_tempest_plugin.vitrage_notifier.MistralNotifier

It also keeps Vitrage from starting the same workflow with the same input
again and again, which the evaluator is known to ask for: no second one while
the first runs, or shortly after it ended well.

Vitrage asks once, and takes no notice of what becomes of it. So a start that
Mistral does not take, because it or Keystone is away, is tried again for some
time; and an execution that Mistral has lost, which says RUNNING for ever, is
an obstacle no longer than one that lives may run. One that Mistral loses
before its first task begins, or ends because of an error of its own, is
started again at once: nothing inside the workflow could help there.

The module is loaded where Vitrage is installed and Tempest is not: it imports
nothing of Tempest, and nothing else of this package.
"""

import contextlib
import dataclasses
import datetime
import functools
import hashlib
import json
import math
import threading
import time
import weakref

from keystoneauth1 import exceptions as ksa_exc
from mistralclient.api.v2 import client as mistral_client
from oslo_config import cfg
from oslo_log import log
from oslo_utils import uuidutils
import tenacity
from vitrage.common import constants
from vitrage.evaluator.actions.recipes import execute_mistral
from vitrage import keystone_client
from vitrage.notifier.plugins.mistral import mistral_notifier

LOG = log.getLogger(__name__)
CONF = cfg.CONF

# How long the workflow of this package may run as it is by default, in its
# HOT: heal_time, and two of its steps until it notices.
_WORKFLOW_TIME = 600 + 2 * 30

OPTS = [
    cfg.IntOpt('duplicate_window',
               default=60,
               min=0,
               max=86400,
               help='Seconds after its successful end during which a '
                    'workflow is not started again with the same input. '
                    'With 0 only an execution that still runs counts.'),
    cfg.IntOpt('duplicate_running_limit',
               default=_WORKFLOW_TIME,
               min=1,
               max=86400,
               help='Seconds after which an execution that still runs is '
                    'taken for lost, as by a restart of Mistral: it no '
                    'longer keeps the workflow from being started again with '
                    'the same input. As long as the workflow itself may take '
                    'is enough, and more keeps what is down down. The '
                    'default is that of the workflow of '
                    'self_healing_tempest_plugin, which gives up after 600 '
                    'seconds (twice [self_healing] stack_timeout of its '
                    'tests), and may need 60 more to notice.'),
    cfg.IntOpt('start_timeout',
               default=120,
               min=0,
               max=3600,
               help='Seconds during which the start of a workflow is tried '
                    'again where Mistral or Keystone does not answer, or '
                    'answers with a server error. Vitrage asks for it once '
                    'only. With 0 it is tried once.'),
    cfg.IntOpt('request_timeout',
               default=60,
               min=1,
               max=600,
               help='Seconds after which a request to Mistral or Keystone '
                    'that got no answer is given up, where '
                    '[service_credentials] timeout is not set.'),
]
CONF.register_opts(OPTS, group='mistral')

# The alias makes keystoneauth look for version 2 where the catalog has a URL
# without a version, and finds Mistral as "workflow" too.
SERVICE_TYPE = 'workflowv2'

# States of executions, as in mistral.workflow.states.
_ACTIVE = frozenset(['IDLE', 'WAITING', 'RUNNING', 'DELAYED', 'PAUSED'])
_ENDED_WELL = 'SUCCESS'

# HTTP status of what may be answered otherwise soon, beside all from 500 on.
_AWAY = frozenset([408, 429])

# How many executions of a workflow are looked at, the latest first. Mistral
# cannot filter by input.
_LOOK_BACK = 100

# Seconds by which the clocks of Mistral and of this host may differ. What
# Mistral says to happen later than that was stamped by a clock that is wrong,
# or has been set since.
_SKEW = 30

# How often a workflow is started again that Mistral has lost or spoilt.
_FRESH_STARTS = 2

# Seconds between two looks at an execution, and after which it is lost where
# none of its tasks has begun.
_LOOK_INTERVAL, _BEGINNING = 10, 60

# How Mistral begins to tell of errors of its own: in its expressions above
# all, whose parser several threads use at the same time. A workflow that has
# failed begins otherwise: it has its reasons, which a second one would have.
_OWN_ERRORS = ('Failed to run task ', 'Failed to complete task ',
               'Failed to handle action ', 'Failed to check and complete ')

# Seconds between two tries to start a workflow: the first, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 1, 10


@dataclasses.dataclass(frozen=True)
class Request:
    """A request of Vitrage.

    :ivar workflow: name or id of the workflow
    :ivar input: dict of its input
    """

    workflow: str
    input: dict

    @functools.cached_property
    def key(self):
        """A text that is the same for the same workflow and input."""
        text = json.dumps([self.workflow, self.input], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def description(self):
        """The description of the execution, which tells it again.

        Its input does not always: Mistral adds the workflow's defaults.
        """
        return 'Started by Vitrage, request %s' % self.key

    @property
    def selection(self):
        """Parameters for Mistral that select executions of the workflow."""
        if uuidutils.is_uuid_like(self.workflow):
            return {'workflow_id': self.workflow}
        return {'workflow_name': self.workflow}

    def is_made_by(self, execution):
        """Return whether the execution is of the same workflow and input.

        :param execution: an execution of this workflow, from mistralclient
        """
        return (execution.description == self.description
                or _read(execution.input) == self.input)

    def __str__(self):
        return '%s with input %s' % (self.workflow, self.input)


class MistralNotifier(mistral_notifier.MistralNotifier):
    """Starts workflows, each with one input only once at a time.

    Mistral is asked, so that several notifiers know of each other; between
    the question and the start of an execution a second *process* may slip
    in, a second thread cannot.
    """

    def __init__(self):
        super().__init__()
        self._tables_lock = threading.Lock()
        # Lock by key of request, and (monotonic time, id of the execution)
        # of the last start.
        self._locks = weakref.WeakValueDictionary()
        self._started = {}

    @property
    def client(self):
        """The Mistral client, made when it is first needed.

        :raises keystoneauth1.exceptions.EndpointNotFound: when the catalog
            has no endpoint of Mistral with the configured interface, in the
            configured region
        """
        if self._client is None:
            self._client = _make_client()
        return self._client

    def process_event(self, data, event_type):
        """Start the workflow that an event asks for; errors are logged.

        :param data: dict with ``workflow`` and, if it has any, ``input``
        :param event_type: other events than external actions are ignored
        """
        wanted = constants.NotifierEventTypes.EXECUTE_EXTERNAL_ACTION
        if event_type != wanted:
            return
        if not data.get(execute_mistral.WORKFLOW):
            LOG.warning('No workflow started: the action names none: %s',
                        data)
            return
        request = Request(data[execute_mistral.WORKFLOW],
                          data.get(execute_mistral.INPUT) or {})
        try:
            with self._alone_with(request):
                self._start_once(request)
        except Exception:
            LOG.exception('Workflow %s not started', request)

    @contextlib.contextmanager
    def _alone_with(self, request):
        """Keep other threads from working on the same request."""
        with self._tables_lock:
            lock = self._locks.setdefault(request.key, threading.Lock())
        with lock:
            yield

    def _start_once(self, request):
        obstacle = self._obstacle(request)
        if obstacle:
            LOG.warning('Workflow %s not started again: %s', request,
                        obstacle)
            return
        self._start(request, _FRESH_STARTS)

    def _start(self, request, fresh_starts):
        # Without another look: an execution that came of a try without an
        # answer may be lost, and a workflow that runs twice does no harm.
        execution = _patiently(request)(self._create, request)
        self._remember(request, execution)
        LOG.info('Workflow %s started: execution %s', request, execution.id)
        if fresh_starts:
            self._look_later(request, execution.id, fresh_starts)

    def _look_later(self, request, execution_id, fresh_starts):
        timer = threading.Timer(_LOOK_INTERVAL, self._look_after,
                                (request, execution_id, fresh_starts))
        timer.daemon = True
        timer.start()

    def _look_after(self, request, execution_id, fresh_starts):
        """Start a workflow again that Mistral has lost or spoilt."""
        try:
            execution = self.client.executions.get(execution_id)
            reason = self._spoilt(request, execution)
            if reason:
                LOG.warning('Workflow %s is started again: execution %s %s',
                            request, execution_id, reason)
                self._start(request, fresh_starts - 1)
                return
            if execution.state not in _ACTIVE:
                return
        except Exception as error:
            # Of somebody else's answer the library has no faultstring.
            if getattr(error, 'error_code', None) == 404 and isinstance(
                    error.error_message, str):
                return
            LOG.warning('Cannot tell what becomes of execution %s: %s',
                        execution_id, error)
        age = self._own_age(request, execution_id)
        if age is not None and age < CONF.mistral.duplicate_running_limit:
            self._look_later(request, execution_id, fresh_starts)

    def _spoilt(self, request, execution):
        """Return why an execution can do nothing any more, or None."""
        info = getattr(execution, 'state_info', None) or ''
        if execution.state == 'ERROR' and info.startswith(_OWN_ERRORS):
            return 'ended in an error of Mistral: %s' % info.splitlines()[0]
        age = self._own_age(request, execution.id)
        if execution.state in _ACTIVE and age is not None and (
                age > _BEGINNING and not self._begun(execution.id)):
            return 'has not begun after %.0f s' % age
        return None

    def _begun(self, execution_id):
        return any(task.state != 'IDLE' for task in self.client.tasks.list(
            execution_id))

    def _create(self, request):
        # By position: the name of the first argument has changed before.
        return self.client.executions.create(
            request.workflow, workflow_input=request.input,
            description=request.description)

    def _obstacle(self, request):
        """Return why the workflow must not be started now, or None.

        Not to know is no reason: an application that is not healed is worse
        than one that is healed twice.
        """
        try:
            executions = self.client.executions.list(
                limit=_LOOK_BACK, sort_keys='created_at', sort_dirs='desc',
                **request.selection)
            return next(filter(None, (
                self._hindrance(request, execution) for execution in executions
                if request.is_made_by(execution))), None)
        except Exception as error:
            LOG.warning('Cannot tell whether workflow %s runs already: %s',
                        request, error)
            return self._own_start(request)

    def _hindrance(self, request, execution):
        """Return why an execution forbids another like it, or None."""
        if execution.state in _ACTIVE:
            age = self._own_age(request, execution.id)
            if age is None:
                age = _age(execution.created_at)
            if -_SKEW < age < CONF.mistral.duplicate_running_limit:
                return 'execution %s is %s since %.1f s' % (
                    execution.id, execution.state, age)
        elif execution.state == _ENDED_WELL:
            age = _age(execution.updated_at)
            if -_SKEW < age < CONF.mistral.duplicate_window:
                return 'execution %s ended well %.1f s ago' % (
                    execution.id, age)
        return None

    def _remember(self, request, execution):
        now = time.monotonic()
        longest = max(CONF.mistral.duplicate_window,
                      CONF.mistral.duplicate_running_limit)
        with self._tables_lock:
            self._started = {
                key: start for key, start in self._started.items()
                if now - start[0] < longest}
            self._started[request.key] = (now, execution.id)

    def _own_age(self, request, execution_id):
        """Return the seconds since this process started an execution.

        By a clock that nobody sets; None when it was not this process.
        """
        begin, own_id = self._started.get(request.key, (None, None))
        return time.monotonic() - begin if own_id == execution_id else None

    def _own_start(self, request):
        """Return why not, as far as this process remembers, or None."""
        begin, execution_id = self._started.get(request.key, (None, None))
        if begin is None:
            return None
        age = time.monotonic() - begin
        if age >= CONF.mistral.duplicate_window:
            return None
        return 'execution %s was started %.1f s ago' % (execution_id, age)


def _read(text):
    """Return the input of an execution, None where it cannot be read."""
    try:
        return json.loads(text or '{}')
    except (TypeError, ValueError):
        return None


def _age(moment):
    """Return the seconds since a moment, infinite where it is not known.

    :param moment: as Mistral writes it: ISO 8601 in UTC, without a zone
    """
    try:
        then = datetime.datetime.fromisoformat(moment)
    except (TypeError, ValueError):
        return math.inf
    if then.tzinfo is None:
        then = then.replace(tzinfo=datetime.timezone.utc)
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now - then).total_seconds()


def _patiently(request):
    """Return a retrier that calls again while Mistral is away."""
    def tell(attempt):
        LOG.warning('Workflow %s not started yet, next try in %.0f s: %s',
                    request, attempt.next_action.sleep,
                    attempt.outcome.exception())

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(_may_pass),
        stop=tenacity.stop_after_delay(CONF.mistral.start_timeout),
        wait=tenacity.wait_exponential(_FIRST_PAUSE, _LONGEST_PAUSE),
        before_sleep=tell, reraise=True)


def _may_pass(error):
    """Return whether an error is of a service that is away, or overloaded."""
    status = getattr(error, 'error_code', None) or getattr(
        error, 'http_status', None) or 0
    return status in _AWAY or status >= 500 or isinstance(error, (
        ksa_exc.ConnectionError, ksa_exc.DiscoveryFailure))


def _make_client():
    session = keystone_client.get_session()
    # Without it, one request that nobody answers ends all healing.
    session.timeout = session.timeout or CONF.mistral.request_timeout
    credentials = CONF[keystone_client.CFG_GROUP]
    url = session.get_endpoint(
        service_type=SERVICE_TYPE, interface=credentials.interface,
        region_name=credentials.region_name)
    if not url:
        raise ksa_exc.EndpointNotFound(
            'the catalog has no usable %s endpoint of %s in region %s' % (
                credentials.interface, SERVICE_TYPE,
                credentials.region_name or '(any)'))
    return mistral_client.Client(
        mistral_url=url.rstrip('/'), session=session, **_tls(session))


def _tls(session):
    """Return the session's TLS settings, which mistralclient overrides."""
    certificate, key = (session.cert if isinstance(session.cert, tuple)
                        else (session.cert, None))
    return {'insecure': session.verify is False,
            'cacert': (session.verify if isinstance(session.verify, str)
                       else None),
            'cert': certificate, 'key': key}
