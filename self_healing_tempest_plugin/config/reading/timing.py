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

"""All deadlines, and the defaults that follow from others."""

from self_healing_tempest_plugin.config.options import links
from self_healing_tempest_plugin.config.options import timing
from self_healing_tempest_plugin.config.reading import values
from self_healing_tempest_plugin.config import types
from self_healing_tempest_plugin import scenarios


def timeouts(conf):
    """Return the :class:`..types.Timeouts` that the options describe.

    :param conf: an oslo.config object with the options of this plugin
    """
    own, enabled = conf.self_healing, conf.self_healing_feature_enabled
    snapshot = own.vitrage_snapshots_interval
    seconds = {link.link: link.seconds(own) for link in links.LINKS}
    witness = links.WITNESS.seconds(own)
    healing = witness + max(
        sum(seconds.get(link.name, 0) for link in chain.links)
        for chain in scenarios.chains_of(
            [name for name in enabled if enabled[name]]))
    return types.Timeouts(
        poll_interval=own.poll_interval,
        blip=own.blip_time,
        quiet=own.quiet_time or seconds['alarm'] + seconds['deduction'],
        host_timer=own.host_timer or healing * (2 if own.bisect else 1),
        witness=witness,
        links=values.frozen(seconds),
        host_return=own.host_return_timeout or snapshot + 300,
        return_watch=own.return_watch_time,
        template=own.template_timeout,
        graph=own.graph_timeout or timing.snapshot_and_margin(own),
        healing=healing,
        alarm_cache=own.event_alarm_cache_ttl)
