#!/bin/bash
#
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

# A DevStack that installs nothing: it goes through its phases as stack.sh,
# unstack.sh and clean.sh of stable/2025.2 do, with the plugin of this
# repository in them. What would touch the machine is recorded in ROOT/calls,
# one line for each call; files of services are real ones below ROOT. The
# plugins and libraries before ours write theirs in the same phase as in
# DevStack, so that what ours writes too early is lost.
#
# usage: fake_devstack.sh stack|unstack|clean ROOT
#        fake_devstack.sh functions ROOT
#
# ROOT/localrc is what local.conf says. The second form prints which functions
# of DevStack there are.

set -o errexit -o errtrace -o nounset -o pipefail

SCRIPT=$1
ROOT=$2
OURS=self-healing-tempest-plugin
PLUGIN=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

trap 'echo "failed in line $LINENO: $BASH_COMMAND" >&2' ERR

# record WORD...: one line, quoted for a shell.
record() {
    printf '%q ' "$@" >>$ROOT/calls
    echo >>$ROOT/calls
}

# What stackrc and the libraries set.
declare -A GITBRANCH GITDIR GITREPO
DEVSTACK_PLUGINS=
HOST_IP=192.0.2.10
STACK_USER=$(id -un)
DEST=$ROOT/opt/stack
DATA_DIR=$DEST/data
TARGET_BRANCH=stable/2025.2
GIT_BASE=https://opendev.example
REGION_NAME=RegionOne
SERVICE_TIMEOUT=60
VIRT_DRIVER=libvirt
OVN_RUNDIR=$ROOT/run/ovn
SYSTEMCTL="record systemctl"
NOVA_CONF=$ROOT/etc/nova/nova.conf
NEUTRON_CONF=$ROOT/etc/neutron/neutron.conf
TEMPEST_CONFIG=$DEST/tempest/etc/tempest.conf
HOME=$ROOT/home
PATH=$ROOT/bin:$PATH
PHASE=

# Functions of DevStack
# ---------------------

echo_summary() { record echo_summary "$@"; }

die() {
    shift
    echo "die: $*" >&2
    exit 1
}

define_plugin() { :; }

plugin_requires() { :; }

enable_plugin() {
    ! is_plugin_enabled $1 || die 0 "Plugin attempted to be enabled twice: $1"
    DEVSTACK_PLUGINS+=,$1
    GITREPO[$1]=$2
    GITDIR[$1]=$DEST/$1
    GITBRANCH[$1]=${3:-master}
}

# What it clones are the settings alone.
git_clone_by_name() {
    record git_clone_by_name $1 ${GITREPO[$1]} ${GITBRANCH[$1]}
    mkdir -p ${GITDIR[$1]}/devstack
    echo "settings_of $1" >${GITDIR[$1]}/devstack/settings
}

is_plugin_enabled() { [[ ",$DEVSTACK_PLUGINS," == *",$1,"* ]]; }

is_service_enabled() {
    local one
    for one in "$@"; do
        [[ ",$ENABLED_SERVICES," == *",$one,"* ]] && return 0
        [[ $one == nova && ,$ENABLED_SERVICES == *,n-* ]] && return 0
        [[ $one == aodh && ,$ENABLED_SERVICES == *,aodh-* ]] && return 0
    done
    return 1
}

enable_service() {
    local one
    for one in "$@"; do
        [[ ",${DISABLED_SERVICES:-}," != *",$one,"* ]] || continue
        is_service_enabled $one || ENABLED_SERVICES+=,$one
    done
}

disable_service() {
    DISABLED_SERVICES=${DISABLED_SERVICES:-},$1
    ENABLED_SERVICES=,$ENABLED_SERVICES,
    ENABLED_SERVICES=${ENABLED_SERVICES//,$1,/,}
}

use_library_from_git() { [[ ",${LIBS_FROM_GIT:-}," == *",$1,"* ]]; }

trueorfalse() {
    case "${!2:-}" in
        1 | [yY]es | [tT]rue) echo True ;;
        0 | [nN]o | [fF]alse) echo False ;;
        *) echo $1 ;;
    esac
}

is_ubuntu() { [[ ${DISTRO:-bookworm} != rhel* ]]; }

install_package() { record install_package "$@"; }

pip_install() { record pip_install "$@"; }

run_process() {
    if is_service_enabled $1; then
        [[ $2 == /* ]] || die 0 "run_process wants an absolute path: $2"
        record run_process "$@"
    fi
}

stop_process() {
    if is_service_enabled $1; then
        record stop_process $1
    fi
}

wait_for_service() {
    record wait_for_service "$@"
    [[ ${SILENT:-} != "$2" ]]
}

# In bash alone: there are hundreds of calls in a run of the tests.
iniget() {
    local - line section=
    set +o xtrace
    while IFS= read -r line; do
        if [[ $line == \[*\] ]]; then
            section=$line
        elif [[ $section == "[$2]" && $line == "$3 = "* ]]; then
            echo "${line#*= }"
        fi
    done <$1
}

# iniset FILE SECTION OPTION VALUE
iniset() {
    local - line section= text= done=
    set +o xtrace
    # In the background, DevStack itself writes this file then.
    [[ $PHASE != post-config || $1 != $NOVA_CONF ]] ||
        die 0 "nova.conf is written by two at once"
    if [[ -e $1 ]]; then
        while IFS= read -r line; do
            if [[ $line == \[*\] ]]; then
                section=$line
            elif [[ $section == "[$2]" && $line == "$3 = "* ]]; then
                continue
            fi
            text+=$line$'\n'
            if [[ $line == "[$2]" ]]; then
                text+="$3 = $4"$'\n'
                done=1
            fi
        done <$1
    fi
    if [[ -z $done ]]; then
        text+="[$2]"$'\n'"$3 = $4"$'\n'
    fi
    printf %s "$text" >$1
}

# write_uwsgi_config FILE APPLICATION URL HTTP NAME
write_uwsgi_config() {
    record write_uwsgi_config "$@"
    rm -f $1
    iniset $1 uwsgi wsgi-file $2
    iniset $1 uwsgi http "$4"
}

if [[ $SCRIPT == functions ]]; then
    compgen -A function | grep -vx record
    exit
fi

# Programs of the machine
# -----------------------

sudo() { "$@"; }

ovn-sbctl() { record ovn-sbctl "$@"; }

# A host that SILENT names does not answer.
ssh-keyscan() {
    local address=${*: -1}
    if [[ ${SILENT:-} != "$address" ]]; then
        echo "$address ssh-rsa AAAAB3NzaC1yc2E="
        echo "$address ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"
    fi
}

if ! type -P ssh-keygen >/dev/null; then
    # ssh-keygen -l -f -, or ... -f FILE
    ssh-keygen() {
        local file=${*: -1}
        if [[ $1 == -l ]]; then
            grep -q '^ssh-[a-z0-9]* AAAA'
        else
            (umask 077; echo "private" >$file)
            echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 made" >$file.pub
        fi
    }
fi

# What the others do in a phase
# -----------------------------

fresh() {
    mkdir -p ${1%/*}
    rm -f $1
}

other_defaults() {
    if is_plugin_enabled vitrage; then
        NOVA_NOTIFICATION_FORMAT=both
    fi
}

# "nova" stands for the library, the other names for plugins.
settings_of() {
    case $1 in
        nova)
            : "${NOVA_NOTIFICATION_FORMAT:=unversioned}"
            if is_service_enabled tempest; then
                : "${TEMPEST_PLUGINS:=0}"
            fi
            ;;
        heat)
            enable_service h-eng h-api h-api-cfn
            HEAT_CONF_DIR=$ROOT/etc/heat
            HEAT_CONF=$HEAT_CONF_DIR/heat.conf
            ;;
        mistral)
            enable_service mistral mistral-api mistral-engine mistral-executor
            : "${MISTRAL_EXTRA_BRANCH:=master}"
            MISTRAL_CONF_FILE=$ROOT/etc/mistral/mistral.conf
            ;;
        vitrage)
            enable_service vitrage-api vitrage-graph vitrage-notifier
            VITRAGE_USE_DOCTOR=$(trueorfalse False VITRAGE_USE_DOCTOR)
            VITRAGE_USE_PROMETHEUS=$(trueorfalse False VITRAGE_USE_PROMETHEUS)
            VITRAGE_CONF=$ROOT/etc/vitrage/vitrage.conf
            VITRAGE_UWSGI_FILE=$ROOT/etc/vitrage/vitrage-uwsgi.ini
            VITRAGE_PUBLIC_UWSGI=$DEST/vitrage/vitrage/api/app.wsgi
            ;;
        aodh)
            enable_service aodh-api aodh-notifier aodh-evaluator aodh-listener
            AODH_CONF=$ROOT/etc/aodh/aodh.conf
            ;;
        ceilometer)
            enable_service ceilometer-acompute ceilometer-acentral
            enable_service ceilometer-anotification
            CEILOMETER_CONF_DIR=$ROOT/etc/ceilometer
            CEILOMETER_CONF=$CEILOMETER_CONF_DIR/ceilometer.conf
            CEILOMETER_BACKENDS=${CEILOMETER_BACKENDS:-gnocchi}
            if [[ $CEILOMETER_BACKENDS == *gnocchi* ]]; then
                enable_service gnocchi-api gnocchi-metricd
            fi
            CEILOMETER_EVENT_ALARM=${CEILOMETER_EVENT_ALARM:-False}
            ;;
        zaqar)
            ZAQAR_CONF=$ROOT/etc/zaqar/zaqar.conf
            ZAQAR_BACKEND=${ZAQAR_BACKEND:-mongodb}
            ZAQARCLIENT_BRANCH=${ZAQARCLIENT_BRANCH:-master}
            enable_service zaqar-websocket zaqar-wsgi
            ;;
    esac
}

# event_pipeline: print that of Ceilometer, for Aodh too if it was told so.
event_pipeline() {
    printf '%s\n' --- 'sources:' '  - name: event_source' '    events:' \
        '      - "*"' '    sinks:' '      - event_sink' 'sinks:' \
        '  - name: event_sink' '    publishers:'
    if [[ $CEILOMETER_EVENT_ALARM == True ]]; then
        echo '      - notifier://?topic=alarm.all'
    fi
    echo '      - notifier://'
}

phase_of_others() {
    case $1/$PHASE in
        nova/install)
            fresh $NOVA_CONF
            iniset $NOVA_CONF notifications notification_format \
                $NOVA_NOTIFICATION_FORMAT
            ;;
        nova/post-config)
            fresh $NEUTRON_CONF
            ;;
        nova/test-config)
            if is_service_enabled tempest; then
                fresh $TEMPEST_CONFIG
                cat $ROOT/tempest.conf >$TEMPEST_CONFIG
            fi
            ;;
        heat/post-config)
            rm -rf $HEAT_CONF_DIR
            fresh $HEAT_CONF
            ;;
        mistral/post-config)
            fresh $MISTRAL_CONF_FILE
            ;;
        vitrage/post-config)
            fresh $VITRAGE_CONF
            fresh $VITRAGE_UWSGI_FILE
            cat $ROOT/vitrage.conf >$VITRAGE_CONF
            ;;
        aodh/post-config)
            fresh $AODH_CONF
            iniset $AODH_CONF service_credentials username aodh
            ;;
        ceilometer/post-config)
            fresh $CEILOMETER_CONF
            event_pipeline >$CEILOMETER_CONF_DIR/event_pipeline.yaml
            ;;
        zaqar/post-config)
            fresh $ZAQAR_CONF
            if [[ $ZAQAR_BACKEND == redis ]]; then
                iniset $ZAQAR_CONF drivers:message_store:redis uri \
                    redis://localhost:6379
            fi
            ;;
        zaqar/)
            # Its own ways: without MongoDB clean.sh ends here, and unstack.sh
            # stops nothing.
            [[ $SCRIPT != clean || $ZAQAR_BACKEND != mongodb ]] ||
                die 0 "Mongo DB did not start"
            ;;
        vitrage/extra)
            echo '"stacks:global_index": "rule:deny_stack_user"' \
                >>$HEAT_CONF_DIR/policy.yaml
            ;;
    esac
}

# Our files see the options of the real scripts; what they call is traced,
# too, as it would be in DevStack's log.
source_ours() {
    local file=$1
    shift
    set -o xtrace
    source $PLUGIN/devstack/$file "$@"
    { set +o xtrace; } 2>/dev/null
}

load_settings() {
    local plugin
    settings_of nova
    for plugin in ${DEVSTACK_PLUGINS//,/ }; do
        if [[ $plugin == $OURS ]]; then
            source_ours settings
        else
            settings_of $plugin
        fi
    done
}

run_phase() {
    local plugin
    PHASE=${2:-}
    record phase "$@"
    phase_of_others nova
    for plugin in ${DEVSTACK_PLUGINS//,/ }; do
        if [[ $plugin == $OURS ]]; then
            source_ours plugin.sh "$@"
        else
            phase_of_others $plugin
        fi
    done
    PHASE=
}

source $ROOT/localrc
other_defaults
if [[ $SCRIPT != clean ]]; then
    source_ours override-defaults
fi
load_settings
case $SCRIPT in
    stack)
        for phase in pre-install install post-config extra test-config; do
            run_phase stack $phase
        done
        ;;
    *)
        run_phase $SCRIPT
        ;;
esac

# What the rest of DevStack sees.
(set -o posix; set) >$ROOT/variables
