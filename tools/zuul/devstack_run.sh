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

# A real stack.sh on this machine, as in the gate job, and the suite on it.
# DevStack runs in a Debian of its own, which systemd-nspawn boots and which
# shares the network of this machine. HEAD of this checkout is the plugin.
#
# usage: devstack_run.sh DIRECTORY [STEP...]
#
# make    a tree of Debian 12, in DIRECTORY/root
# stack   boot it and run stack.sh
# test    what the suite says: DIRECTORY/result/*.txt
# stop    power it off, and take back what it has left in the network
# remove  stop it, and remove DIRECTORY
#
# Without a step: make, stack, test, stop. Needs root, the packages debootstrap
# and systemd-container, 10 GB, and about half an hour on two cores.
#
# GIT_BASE   where the repositories are: https://opendev.org, or a directory
#            with openstack/NAME.git in it, as file:///DIRECTORY: devstack,
#            requirements, keystone, glance, placement, nova, neutron, heat,
#            mistral, mistral-extra, vitrage, and for the member's chain
#            ceilometer, aodh, zaqar, python-zaqarclient, each with the branch
#            of the release; tempest with master
# MIRROR     of Debian, http://deb.debian.org/debian
# BINDS      directories of this machine that are seen in there, too, such as
#            one with Python packages; between spaces

set -o errexit -o nounset -o pipefail

: "${GIT_BASE:=https://opendev.org}"
: "${MIRROR:=http://deb.debian.org/debian}"
: "${BINDS:=}"

readonly BRANCH=stable/2025.2
readonly PACKAGES=systemd,systemd-sysv,dbus,sudo,git,ca-certificates,iproute2
readonly MORE=iputils-ping,iptables,lsb-release,procps,python3,python3-venv
readonly LAST=python3-dev,gcc,make,curl,locales,kmod,netbase,qemu-utils
readonly SERVERS=openvswitch-switch,apache2,lsof,rsync,gettext-base
readonly MACHINE=self-healing-devstack
# DevStack's own default is on the internet, and of another branch.
readonly FEDORA=releases/37/Cloud/x86_64/images
readonly CONSTRAINTS=/opt/stack/requirements/upper-constraints.txt
# The bridges of Open vSwitch stay in the network when it is gone.
readonly LINKS='ovs-netdev br-ex br-int'

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly CHECKOUT

die() {
    echo "devstack_run: $*" >&2
    exit 1
}

say() {
    echo "=== $(date +%T) $*"
}

# wait_until SECONDS COMMAND...: run a command until it succeeds, once more at
# the deadline.
wait_until() {
    local deadline
    deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [[ $SECONDS -lt $deadline ]] || return 1
        sleep 1
    done
}

# The process that is init in there, if it runs.
leader() {
    local nspawn
    nspawn=$(pgrep --full "^systemd-nspawn .*--machine=$MACHINE " |
        head -n 1)
    [[ -z $nspawn ]] || pgrep --parent "$nspawn" | head -n 1
}

is_on() {
    [[ -n $(leader) ]]
}

is_off() {
    ! is_on
}

# inside COMMAND...: run a command in there.
inside() {
    nsenter --target "$(leader)" --mount --pid --uts --ipc --cgroup "$@"
}

as_stack() {
    inside su - stack --command "$1"
}

# What of this machine's settings the other one needs to reach the same
# registries.
settings() {
    local path
    rm -f "$ROOT/etc/apt/sources.list"
    for path in /etc/apt/{sources.list,sources.list.d,apt.conf.d,auth.conf.d} \
            /etc/pip.conf /usr/local/share/ca-certificates; do
        if [[ -e $path ]]; then
            cp --recursive --no-target-directory "$path" "$ROOT$path"
        fi
    done
    # It calls itself by another name than this machine.
    echo devstack >"$ROOT/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 devstack\n' >"$ROOT/etc/hosts"
    sed -i 's/^# *\(en_US.UTF-8\)/\1/' "$ROOT/etc/locale.gen"
    # No kernel module of iSCSI here, and no volume to reach by it.
    mkdir -p "$ROOT/etc/systemd/system/iscsid.service.d"
    printf '[Service]\n%s\n' Type=oneshot PIDFile= ExecStartPre= ExecStart= \
        ExecStart=/bin/true RemainAfterExit=yes |
        tr --squeeze-repeats '\n' \
        >"$ROOT/etc/systemd/system/iscsid.service.d/none.conf"
    git config --file "$ROOT/etc/gitconfig" safe.directory '*'
}

# Where the repositories are, as seen from inside.
inner_git_base() {
    if [[ $GIT_BASE == file://* ]]; then
        echo file:///srv/git
    else
        echo "$GIT_BASE"
    fi
}

local_conf() {
    local plugin
    echo '[[local|localrc]]'
    printf '%s\n' "GIT_BASE=$(inner_git_base)" ADMIN_PASSWORD=secret \
        DATABASE_PASSWORD=secret RABBIT_PASSWORD=secret \
        SERVICE_PASSWORD=secret GLOBAL_VENV=True \
        LOGFILE=/opt/stack/logs/stack.sh.log \
        DOWNLOAD_DEFAULT_IMAGES=False IMAGE_URLS=file:///srv/empty.qcow2 \
        NODEPOOL_FEDORA_MIRROR=file:///srv/fedora \
        "TEMPEST_VENV_UPPER_CONSTRAINTS=$CONSTRAINTS" \
        'disable_service tls-proxy etcd3 dstat horizon n-novnc' \
        'disable_service cinder c-api c-sch c-vol c-bak' \
        'disable_service swift s-proxy s-object s-container s-account' \
        'disable_service q-ovn-metadata-agent q-ovn-agent' \
        'disable_service memory_tracker file_tracker'
    cat "$CHECKOUT/devstack/samples/gate.conf"
    for plugin in heat mistral vitrage; do
        echo "enable_plugin $plugin" \
            "$(inner_git_base)/openstack/$plugin.git $BRANCH"
    done
    echo "enable_plugin self-healing-tempest-plugin file:///srv/ours.git HEAD"
}

do_make() {
    [[ ! -e $ROOT ]] || die "$ROOT is there already; remove it first"
    say "Debian in $ROOT"
    debootstrap --variant=minbase \
        --include="$PACKAGES,$MORE,$LAST,$SERVERS" \
        bookworm "$ROOT" "$MIRROR" >"$RESULT/debootstrap.log" 2>&1 ||
        die "debootstrap failed, see $RESULT/debootstrap.log"
    settings
    # An image must be there; nobody runs it.
    chroot "$ROOT" qemu-img create -q -f qcow2 /srv/empty.qcow2 1M
    # Heat's plugin wants one of its own.
    mkdir -p "$ROOT/srv/fedora/$FEDORA"
    cp "$ROOT/srv/empty.qcow2" \
        "$ROOT/srv/fedora/$FEDORA/Fedora-Cloud-Base-37-1.7.x86_64.qcow2"
    git clone --quiet --bare "$CHECKOUT" "$ROOT/srv/ours.git"
    git clone --quiet --branch "$BRANCH" "$GIT_BASE/openstack/devstack.git" \
        "$ROOT/srv/devstack"
    local_conf >"$ROOT/srv/devstack/local.conf"
}

boot() {
    local directory binds=(--bind=/dev/net/tun)
    [[ -z $(leader) ]] || die "$MACHINE runs already"
    for directory in $BINDS; do
        binds+=("--bind-ro=$directory")
    done
    if [[ $GIT_BASE == file://* ]]; then
        binds+=("--bind-ro=${GIT_BASE#file://}:/srv/git")
    fi
    say "systemd in $ROOT"
    # DevStack writes to /sys.
    SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 setsid systemd-nspawn \
        --directory="$ROOT" --machine="$MACHINE" --boot --register=no \
        --keep-unit --capability=all --resolv-conf=copy-host "${binds[@]}" \
        </dev/null >"$RESULT/nspawn.log" 2>&1 &
    wait_until 60 is_on ||
        die "it does not boot, see $RESULT/nspawn.log"
    wait_until 120 is_up ||
        die "systemd does not come up, see $RESULT/nspawn.log"
}

# Units that have no place in there may have failed: that does not matter.
is_up() {
    case $(inside systemctl is-system-running 2>/dev/null) in
        running | degraded) return 0 ;;
        *) return 1 ;;
    esac
}

# What the machine itself has to be told: the kernel may have no module of
# Open vSwitch, and bridges of the user space are enough for what is done here.
prepare() {
    inside bash -c 'update-ca-certificates && locale-gen' >/dev/null
    inside ovs-vsctl --no-wait set open . \
        external-ids:ovn-bridge-datapath-type=netdev
    inside ovs-vsctl --may-exist add-br br-ex -- \
        set bridge br-ex datapath_type=netdev
    if ! inside id stack >/dev/null 2>&1; then
        inside /srv/devstack/tools/create-stack-user.sh >/dev/null
        inside mv /srv/devstack /opt/stack/devstack
        inside chown --recursive stack:stack /opt/stack
    fi
}

do_stack() {
    boot
    prepare
    say "stack.sh, see $ROOT/opt/stack/logs"
    as_stack 'cd devstack && ./stack.sh' >"$RESULT/stack.log" 2>&1 ||
        die "stack.sh failed, see the end of $RESULT/stack.log"
    say "stack.sh is done"
}

# check NAME COMMAND: run a command of Tempest's, and keep what it says.
check() {
    say "$2"
    as_stack "cd tempest && .tox/tempest/bin/$2" 2>&1 |
        tee "$RESULT/$1.txt"
}

do_test() {
    check list-plugins 'tempest list-plugins'
    check preflight 'self-healing-tempest preflight'
    check tempest \
        "tempest run --concurrency 1 --regex ^self_healing_tempest_plugin\\."
}

do_stop() {
    local init link
    init=$(leader)
    if [[ -n $init ]]; then
        say "power off"
        kill -s RTMIN+4 "$init"
        wait_until 180 is_off || die "it does not end"
    fi
    for link in $LINKS; do
        ip link delete "$link" 2>/dev/null || true
    done
}

do_remove() {
    do_stop
    rm --recursive --force --one-file-system "$DIRECTORY"
}

[[ $# -gt 0 ]] || die "which directory? See the head of this script."
[[ $EUID -eq 0 ]] || die "this needs root"
for program in debootstrap systemd-nspawn; do
    command -v "$program" >/dev/null || die "$program is not installed"
done
DIRECTORY=$(realpath "$1")
readonly DIRECTORY ROOT=$DIRECTORY/root RESULT=$DIRECTORY/result
shift
[[ $# -gt 0 ]] || set -- make stack test stop
mkdir -p "$RESULT"
for step in "$@"; do
    case $step in
        make | stack | test | stop | remove) "do_$step" ;;
        *) die "there is no step $step" ;;
    esac
done
