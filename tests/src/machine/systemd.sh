# Run by `sh` inside a machine: systemd as the first process of namespaces within those of the machine, with a group of processes
# of its own, so that it has nothing to do with this machine's. What is a setting of the kernel for all it cannot write.
set -eu
group=$1 groups=/run/groups
mkdir -p "$groups"
mountpoint -q "$groups" || mount -t cgroup2 groups "$groups"
mkdir -p "$groups/$group"
echo $$ >"$groups/$group/cgroup.procs"
exec unshare --pid --mount --cgroup --fork --kill-child -- sh -euc '
  mount -t proc proc /proc
  mount --bind /proc/sys /proc/sys
  mount -o remount,bind,ro /proc/sys
  mount -t sysfs -o ro sys /sys
  mount -t cgroup2 groups /sys/fs/cgroup
  mount -t tmpfs -o mode=755 run /run
  mkdir /run/sshd
  exec env -i container=casemate PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target --show-status=no
'
