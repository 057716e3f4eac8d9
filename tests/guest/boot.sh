#!/bin/sh
# Boots the guest in FOLDER, emulated, and says how to reach it; or runs a command in the one that is up.
#
#   sh tests/guest/boot.sh FOLDER               boots in the background; the console is FOLDER/console
#   sh tests/guest/boot.sh FOLDER COMMAND...    runs a command in it, as root in the project's folder
#
# Reached from this machine's loopback alone, at PORT (2222). AVX2 is left out: gathers of some emulators are wrong.
set -eu

folder=${1:?say which folder the guest is in} port=${PORT:-2222}
shift
cd "$folder"
reach() {
    ssh -q -i key -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=20 \
        root@127.0.0.1 "cd unlearn && $*"
}
if [ $# -gt 0 ]; then
    reach "$@"
    exit
fi
qemu-system-x86_64 -accel tcg,thread=multi -cpu max,avx2=off -smp 2 -m 9G -display none -daemonize -pidfile pid \
    -kernel kernel -initrd initrd -append "root=/dev/vda rw console=ttyS0" -serial file:console \
    -drive file=disk.raw,format=raw,if=virtio,cache=unsafe -device virtio-rng-pci \
    -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:22" -device virtio-net-pci,netdev=net
until reach true < /dev/null; do
    kill -0 "$(cat pid)" || { tail console >&2; exit 3; }
    sleep 5
done
echo "guest: up; poweroff in it ends it"
