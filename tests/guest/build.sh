#!/bin/sh
# Builds a Debian guest with the project in FOLDER. Needs root, Debian, Docker and the project's built image.
#
#   sh tests/guest/build.sh FOLDER [SUITE]      about 5 minutes and 15 GB; replaces an existing guest
#
# All slow work is done here at this machine's speed: packages, Python's environment, and the engine's
# images, which a second dockerd unpacks into the guest's own folder.
set -eu

folder=${1:?name the folder to build the guest in} suite=${2:-trixie}
project=$(cd "$(dirname "$0")/../.." && pwd)
for needed in mmdebstrap qemu-system-x86_64 dockerd docker ssh-keygen mkfs.ext4; do
    command -v "$needed" >/dev/null || { echo "guest: $needed is missing; install qemu-system-x86, mmdebstrap, docker.io" >&2; exit 3; }
done
[ "$(id -u)" = 0 ] || { echo "guest: building it needs root" >&2; exit 3; }
images=$("$project/.venv/bin/python" - <<'END'
from runner.engine.docker_engine import connect_engine
from runner.image.image import BASE_REPOSITORY, BASE_TAG, DEPS_REPOSITORY, require_image
engine = connect_engine()
print(f"{BASE_REPOSITORY}:{BASE_TAG}", require_image(engine).tag, *engine.images.tags(DEPS_REPOSITORY))
END
)

mkdir -p "$folder" && cd "$folder"
root=$PWD/root engine=$PWD/engine
rm -rf disk.raw root engine key key.pub && mkdir root engine
daemon=
cleanup() {
    if [ -n "$daemon" ]; then kill "$daemon" 2>/dev/null || true; wait "$daemon" || true; fi
    umount "$root/proc" "$root/dev" 2>/dev/null || true
    mountpoint -q "$root" && umount "$root"
    rmdir "$root"
    rm -rf "$engine"
}
trap cleanup EXIT

echo "guest: Debian $suite"
truncate -s 28G disk.raw
mkfs.ext4 -q -F -m 0 disk.raw
mount -o loop disk.raw "$root"
packages=linux-image-cloud-amd64,systemd-sysv,dbus,udev,docker.io,docker-cli,crun,runsc,apparmor,python3-venv,git,make
mmdebstrap --quiet --mode=root --variant=minbase \
    --include="$packages,ca-certificates,iproute2,openssh-server,kmod,procps,mmdebstrap,systemd-resolved" "$suite" "$root"
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
cp "$root"/boot/vmlinuz-* kernel
cp "$root"/boot/initrd.img-* initrd
echo guest > "$root/etc/hostname"
echo "/dev/vda / ext4 defaults,noatime 0 1" > "$root/etc/fstab"
printf '[Match]\nName=e*\n[Network]\nDHCP=yes\n' > "$root/etc/systemd/network/80-dhcp.network"
chroot "$root" systemctl --quiet enable systemd-networkd systemd-resolved ssh
ssh-keygen -q -t ed25519 -N '' -C guest -f key
home=$root/root
install -D -m 600 key.pub "$home/.ssh/authorized_keys"

echo "guest: the engine's images"
echo '{}' > "$engine/daemon.json"
dockerd --config-file "$engine/daemon.json" --data-root "$root/var/lib/docker" --exec-root "$engine/exec" \
    --pidfile "$engine/pid" -H "unix://$engine/socket" --bridge=none --iptables=false > "$engine/log" 2>&1 &
daemon=$!
until docker -H "unix://$engine/socket" version > /dev/null 2>&1; do
    kill -0 "$daemon" || { cat "$engine/log" >&2; exit 3; }
    sleep 1
done
# shellcheck disable=SC2086 # a list of image names
docker save $images | docker -H "unix://$engine/socket" load --quiet

echo "guest: the project"
git clone --quiet "$project" "$home/unlearn"
if [ -d "$project/challenges" ]; then cp -r "$project/challenges" "$home/unlearn/"; fi
# While the guest's environment is installed from here, it uses this machine's pip settings and certificates.
for file in /etc/pip.conf /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt; do
    if [ -e "$file" ]; then mv "$root$file" "$root$file.guest" 2>/dev/null || true; cp -L "$file" "$root$file"; fi
done
chroot "$root" make --quiet -C /root/unlearn .venv/ready
for file in /etc/pip.conf /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt; do
    rm -f "$root$file"
    if [ -e "$root$file.guest" ] || [ -L "$root$file.guest" ]; then mv "$root$file.guest" "$root$file"; fi
done
echo "guest: ready; boot it with: sh tests/guest/boot.sh $folder"
