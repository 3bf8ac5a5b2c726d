#!/bin/sh
# Runs as root of a new user and mount namespace: enter_container.sh BASE WORK COMMAND [ARG ...]
# Gives the command BASE as /opt/ml and a hosts file that knows algo-1, then becomes the command.
set -e
base=$1 work=$2
shift 2
# /opt cannot be written: put a tmpfs over it and bind back what was there, then add ml.
mkdir -p "$work/opt"
mount --rbind /opt "$work/opt"
mount -t tmpfs -o mode=755 tmpfs /opt
for entry in "$work"/opt/*; do
    name=$(basename "$entry")
    [ "$name" = ml ] && continue
    if [ -L "$entry" ]; then
        cp -P "$entry" "/opt/$name"
    elif [ -d "$entry" ]; then
        mkdir "/opt/$name" && mount --rbind "$entry" "/opt/$name"
    elif [ -f "$entry" ]; then
        : >"/opt/$name" && mount --bind "$entry" "/opt/$name"
    fi
done
mkdir /opt/ml
mount --bind "$base" /opt/ml
# sagemaker-training waits up to 15 minutes for every host of resourceconfig.json to resolve.
mount --bind "$work/hosts" /etc/hosts
# In a network namespace of its own the loopback is down; libraries expect it.
ip link set lo up 2>/dev/null || true
exec "$@"
