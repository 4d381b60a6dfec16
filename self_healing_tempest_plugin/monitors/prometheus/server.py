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

"""What evaluates the rules: Prometheus, or what speaks as it does."""

from self_healing_tempest_plugin.monitors.prometheus import shapes
from self_healing_tempest_plugin.services import errors
from self_healing_tempest_plugin.services import strangers


class Prometheus(strangers.Api):
    """Rules, targets and Alertmanagers of one Prometheus, API v1.

    What evaluates rules alone, such as vmalert, has no targets; what has no
    such path refuses to answer.
    """

    service = 'Prometheus'

    def rules(self, name):
        """Return the alerting rules of one name, None where it has no rules.

        VictoriaMetrics says that it has none where vmalert evaluates them.

        :param name: of the alert
        :returns: tuple of :class:`.shapes.Rule`, or None
        """
        operation = 'list rules'
        data = self._data(operation, 'rules', type='alert')
        with errors.calling(self.service, operation):
            return shapes.rules(data, name)

    def targets(self):
        """Return the targets that are scraped, :class:`.shapes.Target`."""
        operation = 'list targets'
        data = self._data(operation, 'targets', state='active')
        with errors.calling(self.service, operation):
            return tuple(map(shapes.target, shapes.objects(
                shapes.members(data, 'the data').get('activeTargets', ''),
                'the active targets')))

    def alertmanagers(self):
        """Return the URLs of the Alertmanagers that get the alerts."""
        operation = 'list Alertmanagers'
        try:
            data = self._data(operation, 'alertmanagers')
        except errors.ServiceRefused as error:
            return self._notifiers(error)
        with errors.calling(self.service, operation):
            return tuple(shapes.text(entry.get('url')) for entry
                         in shapes.objects(
                             shapes.members(data, 'the data').get(
                                 'activeAlertmanagers', ''),
                             'the active Alertmanagers'))

    def _notifiers(self, refusal):
        """Return the same as vmalert lists it."""
        operation = 'list notifiers'
        try:
            data = self._data(operation, 'notifiers')
        except errors.ServiceError:
            # It is no vmalert either: the first answer says what it is.
            raise refusal from None
        with errors.calling(self.service, operation):
            return tuple(
                shapes.text(target.get('address'))
                for notifier in shapes.objects(
                    shapes.members(data, 'the data').get('notifiers', ''),
                    'the notifiers')
                for target in shapes.objects(notifier.get('targets'),
                                             'the targets of a notifier'))

    def resend_delay(self):
        """Return the seconds between two tellings of the same alert.

        :returns: None where it does not tell
        """
        flags = self._data('list flags', 'status/flags')
        return shapes.seconds(flags.get('rules.alert.resend-delay')) if (
            isinstance(flags, dict)) else None

    def _data(self, operation, name, **params):
        answer = self._json(operation, '/api/v1/' + name, **params)
        with errors.calling(self.service, operation):
            answer = shapes.members(answer, 'the answer')
            if 'data' not in answer:
                raise ValueError('there is no data in the answer')
            return answer['data']
