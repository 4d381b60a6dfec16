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

"""What readers look up in a document, see :mod:`.documents`."""


def injected(run):
    """Return the transition that broke the host, None where none did.

    :param run: a document
    """
    return next((step for step in run['transitions']
                 if step['name'] == 'injected'), None)


def zero(run):
    """Return when the fault was injected, 0 where none was.

    :param run: a document
    """
    injection = injected(run)
    return 0.0 if injection is None else injection['begin']


def link(run, name):
    """Return what is said of a link of the chain, None of any other link.

    :param run: a document
    :param name: of the link
    """
    return next((link for link in run['chain']['links']
                 if link['name'] == name), None)


def goal(run):
    """Return the name of the link in which the application answers.

    :param run: a document
    """
    return run['chain']['links'][-1]['name']


def lasting(run, name):
    """Return whether a link takes a while, so that it has both marks.

    :param run: a document
    :param name: of the link
    """
    known = link(run, name)
    return known is not None and known['lasting']


def arrow(run, name):
    """Return the two sides of a link as text, as far as they are known.

    :param run: a document
    :param name: of the link
    """
    known = link(run, name)
    return '' if known is None else known['arrow']


def expected(run):
    """Return the rows of the links that had to come, in order.

    :param run: a document
    """
    steps = [(step['link'], step['mark'])
             for step in run['expectation']['steps']]
    return [row for row in run['links']
            if (row['link'], row['mark']) in steps]


def awaited(run, row):
    """Return the row that another row waits for, None for the fault.

    :param run: a document
    :param row: one of its links
    """
    after = row['after']
    return after and next((
        earlier for earlier in run['links']
        if earlier['link'] == after['link']
        and earlier['mark'] == after['mark']), None)
