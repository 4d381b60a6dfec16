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

"""Every failure of a service is a :class:`ServiceError`.

It names the service and what it was asked for. What each means for a caller::

    ServiceError                the service did not do what it was asked for
        ServiceUnavailable      no answer, or "later": ask again
            SomebodyElse        whoever stands before it has answered
        ServiceRefused          a clear no: asking again will not help
            NotInCatalog        the cloud has no such service
            NotThere            it says itself that there is no such thing
        ClientDefect            the client library broke over the answer: a
                                bug of it, or of the service

:func:`calling` makes them of what the client libraries raise. The exceptions
of keystoneauth1, requests, urllib3 and tempest.lib are known here, because all
libraries pass them on; those of a library alone are known to the module of its
client, which says them as a :class:`Dialect`.
"""

import dataclasses
import typing

from keystoneauth1 import exceptions as ksa_exc
import requests
from tempest.lib import exceptions as lib_exc
from urllib3 import exceptions as urllib3_exc

from self_healing_tempest_plugin.redaction import runtime

# Answers that another try may better: throttled, or the server's own fault.
_TRANSIENT = frozenset([408, 429]) | frozenset(range(500, 600))

NOT_FOUND = 404

_UNREACHABLE = (ksa_exc.ConnectFailure, ksa_exc.ConnectTimeout,
                ksa_exc.UnknownConnectionError, ksa_exc.DiscoveryFailure,
                requests.ConnectionError, requests.Timeout,
                urllib3_exc.HTTPError)


class ServiceError(lib_exc.TempestException):
    """A service did not do what it was asked for.

    :ivar service: name of the service
    :ivar operation: what it was asked for
    :ivar code: HTTP status, or None
    """

    message = '%(service)s: %(operation)s: %(problem)s'

    def __init__(self, service, operation, problem, code=None):
        self.service, self.operation, self.code = service, operation, code
        super().__init__(service=service, operation=operation,
                         problem=runtime.text(problem))


class ServiceUnavailable(ServiceError):
    """No answer, or an answer that says "later"; asking again may help."""


class TooLate(ServiceUnavailable):
    """No answer as long as somebody waited; there may be one yet."""


class SomebodyElse(ServiceUnavailable):
    """A 404 that is not the service's own: nothing is known of it."""


class ServiceRefused(ServiceError):
    """A clear no; asking again will not help."""


class NotInCatalog(ServiceRefused):
    """The catalog of Keystone has no endpoint of the service."""


class NotThere(ServiceRefused):
    """The service itself says that there is no such thing, or none more."""


class ClientDefect(ServiceError):
    """The client library broke over the answer."""


@dataclasses.dataclass(frozen=True)
class Dialect:
    """What exceptions of one client library mean, beside those of all.

    :ivar unreachable: classes of exceptions that mean that nobody answered
    :ivar statuses: classes of exceptions that bear an HTTP status, each with
        the name of the attribute that is it
    :ivar transient: HTTP statuses that another try may better, beside those
        that always are
    :ivar own: tells of an exception with status 404 whether its body is an
        error as the service writes it, and not of an ingress without a
        backend; None where nobody concludes from a 404 that something is gone
    """

    unreachable: tuple[type[Exception], ...] = ()
    statuses: typing.Mapping[type[Exception], str] = dataclasses.field(
        default_factory=dict)
    transient: frozenset[int] = frozenset()
    own: typing.Callable[[Exception], bool] | None = None


GENERIC = Dialect()


def from_status(status, dialect=GENERIC):
    """Return the class of error that an HTTP status means.

    :param status: of an answer that is an error
    :param dialect: :class:`Dialect` of the service that answered
    """
    if status in _TRANSIENT or status in dialect.transient:
        return ServiceUnavailable
    return ServiceRefused


class calling:
    """Turns what a client library raises into a :class:`ServiceError`.

    A context manager, and no generator: each request of each poll passes
    through it.
    """

    def __init__(self, service, operation, dialect=GENERIC):
        """Take what the message is made of.

        :param service: name of the service
        :param operation: what it is asked for
        :param dialect: :class:`Dialect` of the client library
        """
        self._named = service, operation, dialect

    def __enter__(self):
        return None

    def __exit__(self, kind, error, traceback):
        if isinstance(error, Exception) and not isinstance(
                error, ServiceError):
            service, operation, dialect = self._named
            raise _named(service, operation, error, dialect) from error


def _named(service, operation, error, dialect):
    text = '%s: %s' % (type(error).__name__, _text(error))
    if isinstance(error, _UNREACHABLE + dialect.unreachable):
        return ServiceUnavailable(service, operation, text)
    status = _status(error, dialect)
    if status == NOT_FOUND and dialect.own:
        if dialect.own(error):
            return NotThere(service, operation, text, status)
        return SomebodyElse(
            service, operation, 'HTTP 404, and not as %s says it: look at its '
            'endpoint in the catalog, and at what stands before it: %s' % (
                service, text), status)
    if status is not None:
        return from_status(status, dialect)(service, operation, text, status)
    if isinstance(error, ksa_exc.EndpointNotFound):
        return NotInCatalog(service, operation, text)
    if isinstance(error, ksa_exc.ClientException):
        return ServiceRefused(service, operation, text)
    return ClientDefect(service, operation,
                        'the client library failed: %s' % text)


def _text(error):
    try:
        return str(error)
    except Exception:
        # heatclient takes each JSON with an "error" for one of Heat.
        return ', '.join(map(str, error.args))


def body(error):
    """Return the JSON that came with an error.

    :param error: exception of keystoneauth1 or of Tempest's clients
    :returns: {} where it is no object; Tempest leaves out the one key that
        all else is in
    """
    told = getattr(error, 'resp_body', None)
    if isinstance(error, ksa_exc.HttpError) and error.response is not None:
        try:
            told = error.response.json()
        except ValueError:
            told = None
    return told if isinstance(told, dict) else {}


def with_code(error):
    """Return whether a 404 is as Nova and Keystone write theirs.

    :param error: see :func:`body`
    """
    told = body(error)
    told = told.get('error', told)
    return isinstance(told, dict) and told.get('code') == NOT_FOUND and (
        'message' in told)


def _status(error, dialect):
    if isinstance(error, lib_exc.InvalidHTTPResponseBody):
        # Tempest did not understand the answer, whatever it was.
        return None
    if isinstance(error, ksa_exc.HttpError):
        return error.http_status
    for kind, attribute in dialect.statuses.items():
        if isinstance(error, kind):
            return getattr(error, attribute)
    if isinstance(error, lib_exc.ServerRestClientException):
        return 500
    if isinstance(error, lib_exc.RestClientException):
        resp = getattr(error, 'resp', None)
        return int(resp['status']) if resp else 400
    return None
