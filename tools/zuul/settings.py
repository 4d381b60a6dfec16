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

"""The settings of ZooKeeper, Zuul and the SSH server of the node."""

import configparser
import io
import secrets
import sys
import textwrap

import yaml

from tools import private_files
from tools.zuul import places as where
from tools.zuul import repositories

#: Labels of nodes: of the static one, and those that nobody has.
STATIC_LABEL = 'debian-bookworm'
MISSING_LABELS = ('ubuntu-noble',)

_LOG4J = textwrap.dedent("""\
    log4j.rootLogger=WARN, console
    log4j.appender.console=org.apache.log4j.ConsoleAppender
    log4j.appender.console.layout=org.apache.log4j.PatternLayout
    log4j.appender.console.layout.ConversionPattern=%d %p %c: %m%n
    """)


def write(places, ports, certificates):
    """Write the settings of everything that is started.

    :param places: :class:`.places.Places`
    :param ports: :class:`.places.Ports`
    :param certificates: :class:`.certificates.Certificates`
    """
    run = places.run
    (run / 'zoo.cfg').write_text(_zookeeper(places, ports, certificates))
    (run / 'log4j.properties').write_text(_LOG4J)
    (run / 'logging.yaml').write_text(yaml.safe_dump(_logging()))
    write_tenants(places)
    # The node is this machine: jobs put nothing into a home directory. This
    # file wins over what Ansible finds out itself, a variable of a job does
    # not.
    (run / 'site.yaml').write_text(yaml.safe_dump({
        'ansible_user_dir': str(places.node), 'site_logs': str(places.builds),
        'site_logs_url': 'http://%s:%d' % (where.ADDRESS, ports.logs)}))
    (run / 'sshd_config').write_text(_sshd(places, ports))
    text = io.StringIO()
    _zuul(places, ports, certificates).write(text)
    private_files.write(places.conf, text.getvalue())


def _zookeeper(places, ports, certificates):
    return textwrap.dedent("""\
        dataDir={data}
        tickTime=2000
        initLimit=5
        syncLimit=2
        maxClientCnxns=1000
        admin.enableServer=false
        serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory
        secureClientPort={port}
        secureClientPortAddress={address}
        ssl.keyStore.location={server}
        ssl.trustStore.location={authority}
        ssl.hostnameVerification=false
        """).format(data=places.run / 'zookeeper', port=ports.zookeeper,
                    address=where.ADDRESS, server=certificates.server,
                    authority=certificates.authority)


def _logging():
    """Return the settings of logging: to standard error, for supervisor."""
    return {
        'version': 1, 'disable_existing_loggers': False,
        'formatters': {'line': {
            'format': '%(asctime)s %(levelname)s %(name)s: %(message)s'}},
        'handlers': {'console': {
            'class': 'logging.StreamHandler', 'formatter': 'line'}},
        'loggers': {'kazoo': {'level': 'WARNING'}},
        'root': {'handlers': ['console'], 'level': 'INFO'}}


def write_tenants(places, variants=()):
    """Write which tenants there are: ours, and one for each variant.

    :param variants: names of projects that take the place of ours; the
        tenants have the same names
    """
    tenants = [_tenant(where.TENANT, where.PROJECT)]
    tenants += [_tenant(variant, variant) for variant in variants]
    (places.run / 'tenants.yaml').write_text(yaml.safe_dump(tenants))


def _tenant(name, project):
    around = repositories.tenant_projects()
    # Jobs name our project in every tenant.
    stubs = {*around['stubs'], where.PROJECT} - {project}
    return {'tenant': {
        'name': name,
        # Nodes come from zuul-launcher alone.
        'use-nodepool': False,
        'default-ansible-version': '11',
        'source': {where.HOST: {
            'config-projects': list(around['config-projects']),
            'untrusted-projects': [
                *({untrusted: {'include': ['job', 'nodeset',
                                           'project-template']}}
                  for untrusted in around['untrusted-projects']),
                project, {'include': [], 'projects': sorted(stubs)}]}}}}


def _zuul(places, ports, certificates):
    run = places.run
    conf = configparser.ConfigParser(interpolation=None)
    conf.read_dict({
        'zookeeper': {
            'hosts': 'localhost:%d' % ports.zookeeper,
            'tls_ca': certificates.authority,
            'tls_cert': certificates.client,
            'tls_key': certificates.client_key,
            'session_timeout': 60},
        'keystore': {'password': secrets.token_hex(16)},
        'database': {'dburi': 'sqlite:///%s' % (run / 'zuul.db')},
        'scheduler': {'tenant_config': run / 'tenants.yaml'},
        'merger': {
            'git_dir': run / 'merger-git', 'git_user_name': 'zuul-run',
            'git_user_email': 'zuul-run@localhost'},
        'executor': _executor(places, ports),
        'web': {
            'listen_address': where.ADDRESS, 'port': ports.web,
            'root': 'http://%s:%d' % (where.ADDRESS, ports.web)},
        'launcher': {},
        'connection "%s"' % where.HOST: {
            'driver': 'git', 'baseurl': 'file://%s' % places.git,
            'canonical_hostname': where.HOST, 'poll_delay': 5},
        'connection "static"': {'driver': 'static'}})
    for service in ('scheduler', 'merger', 'executor', 'web', 'launcher'):
        directory = run / service
        directory.mkdir()
        conf[service].update({
            'state_dir': str(directory),
            'command_socket': str(run / ('%s.socket' % service)),
            'log_config': str(run / 'logging.yaml')})
    return conf


def _executor(places, ports):
    jobs = places.run / 'builds'
    jobs.mkdir()
    # Its bubblewrap hides all but the system's directories.
    pythons = ':'.join(sorted({sys.prefix, sys.base_prefix}))
    return {
        'ansible_root': places.ansible, 'manage_ansible': 'false',
        'default_username': 'root', 'disk_limit_per_job': -1,
        'finger_port': ports.finger, 'git_dir': places.run / 'executor-git',
        'hostname': 'localhost', 'job_dir': jobs, 'load_multiplier': 20,
        'private_key_file': places.run / 'id_ed25519',
        # Builds are aborted; by default it would wait for their end.
        'sigterm_method': 'stop',
        'trusted_ro_paths': pythons, 'trusted_rw_paths': places.builds,
        'untrusted_ro_paths': pythons,
        'variables': places.run / 'site.yaml'}


def _sshd(places, ports):
    run = places.run
    return textwrap.dedent("""\
        ListenAddress {address}:{port}
        HostKey {run}/host_key
        AuthorizedKeysFile {run}/id_ed25519.pub
        AllowUsers root
        PermitRootLogin prohibit-password
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        UsePAM no
        PidFile none
        Subsystem sftp internal-sftp
        """).format(address=where.ADDRESS, port=ports.ssh, run=run)


def static_node(ports, host_key):
    """Return the objects of the static node, as a list of items of Zuul.

    :param ports: :class:`.places.Ports`
    :param host_key: its public key of SSH, as text
    """
    kind, key = host_key.split()[:2]
    return [
        {'image': {'name': 'static', 'type': 'cloud'}},
        {'flavor': {'name': 'static'}},
        {'section': {'name': 'static', 'connection': 'static',
                     'flavors': [{'name': 'static'}]}},
        {'provider': {
            'name': 'static-node', 'section': 'static',
            'images': [{'name': 'static', 'username': 'root',
                        'python-path': '/usr/bin/python3'}],
            'nodes': [{'name': where.ADDRESS, 'connection-port': ports.ssh,
                       'label': STATIC_LABEL, 'host-key': '%s %s' % (
                           kind, key)}],
            'labels': [{'name': STATIC_LABEL}]}},
        *({'label': {'name': name, 'image': 'static', 'flavor': 'static'}}
          for name in (STATIC_LABEL, *MISSING_LABELS))]
