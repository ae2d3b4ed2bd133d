# Run by `sh` as the first process of fresh namespaces: makes a machine of them, and is its init.
#
# Its disk is this machine's, under an overlay that keeps every change in memory. Nothing is mounted nosuid: set-group-id
# programs are what is tested. PTYs are this machine's, so that a terminal made outside has its name inside, too.
set -eu
name=$1 shared=$2
mount -t tmpfs -o mode=755 machine /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work machine /mnt/root
cd /mnt/root
mount -t proc proc proc
mount --rbind /sys sys
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm
mount --bind /dev/pts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx dev
ln -s /proc/self/fd dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${number%:*}" "dev/${number#*:}"; done
for folder in run home; do mount -t tmpfs -o mode=755 "$folder" "$folder"; done
mount -t tmpfs -o mode=700 root root
mount -t tmpfs -o mode=1777 tmp tmp
mkdir run/sshd run/lock
if [ -d "$shared" ]; then
  mkdir -p opt/shared
  mount --bind "$shared" opt/shared
fi
hostname "$name"
ip link set lo up
mkdir .old
pivot_root . .old
umount -l /.old
rmdir /.old
echo ready
# Until standard input ends, as it does with whoever booted us. Nobody is waited for, so the dead go at once.
exec env --ignore-signal=CHLD cat
