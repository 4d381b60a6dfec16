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

"""How services let somebody in that Keystone knows nothing of."""

from oslo_config import cfg


def options(prefix, service):
    """Return the options of what a service wants, as a list.

    :param prefix: what their names begin with
    :param service: its name, for people
    """
    return [
        cfg.StrOpt(
            '%s_username' % prefix,
            help='User of %s, for basic authentication. ~/.netrc is not read.'
                 % service),
        cfg.StrOpt(
            '%s_password' % prefix, secret=True,
            help='Password of that user, where it is not in %s_password_file.'
                 % prefix),
        *files(prefix, service),
        cfg.StrOpt(
            '%s_token' % prefix, secret=True,
            help='Bearer token for %s, such as one of a service account of '
                 'Grafana, where it is not in %s_token_file.' % (
                     service, prefix)),
        cfg.StrOpt(
            '%s_token_file' % prefix,
            help='File with that token in its only line. It is read for each '
                 'request, so that it may be renewed.'),
        cfg.DictOpt(
            '%s_headers' % prefix, default={}, secret=True,
            help='Headers of each request to %s, such as X-Scope-OrgID:cloud.'
                 % service),
        cfg.StrOpt(
            '%s_headers_file' % prefix,
            help='File with more of them, "Name: value" in each line: the '
                 'place for a secret one, such as X-Api-Key.'),
    ]


def files(prefix, service):
    """Return the options of a password and of certificates in files.

    :param prefix: see :func:`options`
    :param service: see there
    """
    return [
        cfg.StrOpt(
            '%s_password_file' % prefix,
            help='File with the password of %s_username in its only line, '
                 'which not everybody may read (mode 0600 or 0640).'
                 % prefix),
        cfg.StrOpt(
            '%s_ca_file' % prefix,
            help='File with the certificates of the authorities, or of %s '
                 'itself, by which its certificate is verified. Empty: as '
                 'those of the services of the cloud.' % service),
        cfg.StrOpt(
            '%s_cert_file' % prefix,
            help='Certificate that is shown to %s, as PEM.' % service),
        cfg.StrOpt(
            '%s_key_file' % prefix,
            help='Its key, without a passphrase, where it is not in '
                 '%s_cert_file.' % prefix),
    ]
