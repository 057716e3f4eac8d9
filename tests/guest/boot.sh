#!/bin/sh
# Boots the guest of FOLDER in QEMU, or runs a command in the guest that is running.
#
#   sh tests/guest/boot.sh FOLDER               boots in the background; the console is FOLDER/console
#   sh tests/guest/boot.sh FOLDER COMMAND...    runs a command in the guest, as root in the project's folder
#
# Its ssh listens on this machine's loopback only, at PORT (default 2222). AVX2 is off, because some emulators
# compute its gather instructions wrongly.
set -eu

folder=${1:?name the folder of the guest} port=${PORT:-2222}
shift
cd "$folder"
in_guest() {
    ssh -q -i key -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=20 \
        root@127.0.0.1 "cd unlearn && $*"
}
if [ $# -gt 0 ]; then
    in_guest "$@"
    exit
fi
qemu-system-x86_64 -accel tcg,thread=multi -cpu max,avx2=off -smp 2 -m 9G -display none -daemonize -pidfile pid \
    -kernel kernel -initrd initrd -append "root=/dev/vda rw console=ttyS0" -serial file:console \
    -drive file=disk.raw,format=raw,if=virtio,cache=unsafe -device virtio-rng-pci \
    -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:22" -device virtio-net-pci,netdev=net
until in_guest true < /dev/null; do
    kill -0 "$(cat pid)" || { tail console >&2; exit 3; }
    sleep 5
done
echo "guest: running; the command poweroff in it stops it"
