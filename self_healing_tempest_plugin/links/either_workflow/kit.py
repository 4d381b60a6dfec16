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

"""What binds link workflow to Mistral, and to both that start one."""

import dataclasses

from self_healing_tempest_plugin.links.either_workflow import link
from self_healing_tempest_plugin.links.either_workflow import watcher
from self_healing_tempest_plugin.links.event_alarm import (
    kit as event_alarm)
from self_healing_tempest_plugin.links import kit
from self_healing_tempest_plugin.links.message import kit as message
from self_healing_tempest_plugin.links import mistral_details
from self_healing_tempest_plugin.links.mistral_workflow import (
    kit as mistral_workflow)
from self_healing_tempest_plugin.links.tenant_workflow import (
    kit as tenant_workflow)
from self_healing_tempest_plugin import templates

_WAYS = {templates.BY_RULE: mistral_workflow.KIT,
         templates.BY_MESSAGE: tenant_workflow.KIT}


# What the ways rest on, though not all of it is a link of the chain.
_PARTS = (mistral_workflow.KIT, event_alarm.KIT, message.KIT,
          tenant_workflow.KIT)


def _questions(cloud):
    questions = {}
    for part in _PARTS:
        for service, asked in part.questions(cloud).items():
            questions.setdefault(service, {}).update(asked)
    return questions


def _names(around):
    """Return the names of the workflows, by their names in the template."""
    return {name: around.application.resources[name] for name in _WAYS}


def _ids(around):
    names = _names(around)
    return {**{'workflow_%s' % name: names[name] for name in names},
            'workflow': ' or '.join(names.values()),
            **message.KIT.ids(around)}


def _prepare(around):
    """Wait until both ways are ready."""
    return {**mistral_workflow.KIT.prepare(around),
            **event_alarm.KIT.prepare(around)}


def _watcher(around):
    return watcher.EitherWatcher(around, *_names(around).values())


def _unmet(around):
    return next(filter(None, (
        way.unmet(around) for way in _WAYS.values())), '')


def _of_both(part):
    """Return what asks about both workflows, one after the other.

    :param part: name of a part of a kit that takes a case
    """
    def inquiries(case):
        return tuple(
            dataclasses.replace(
                inquiry, what='%s (%s)' % (inquiry.what, name),
                ask=lambda case, name=name, ask=inquiry.ask: ask(
                    _about(case, name)))
            for name, way in _WAYS.items()
            for inquiry in getattr(way, part)(case))
    return inquiries


def _about(case, name):
    """Return a case in which a workflow is the only one."""
    ids = dict(case.ids, workflow=case.ids['workflow_%s' % name])
    return dataclasses.replace(case, expectation=dataclasses.replace(
        case.expectation, ids=ids))


KIT = kit.Kit(
    link=link.LINK, ids=_ids, parameters=mistral_workflow.KIT.parameters,
    prepare=_prepare, watcher=_watcher, unmet=_unmet,
    inquiries=_of_both('inquiries'), at_work=_of_both('at_work'),
    others=_of_both('others'), details=mistral_details.of(link.LINK),
    questions=_questions, checks=tuple(dict.fromkeys(
        check for part in _PARTS for check in part.checks)))
