# Run by `sh` in a mount namespace of the suite's own: a host on which casemate stands before the shells.
#
# What is changed below stands in memory, over this machine's own, and goes with the namespace; recordings are written
# to the disk all the same, as on a real host.
set -eu
here=$1 disk=$2 wrapper=$3 harness=$4
mount -t tmpfs -o mode=755 casemate-bench "$here"
for folder in etc run var/lib; do
  mkdir -p "$here/upper/$folder" "$here/work/$folder"
  mount -t overlay -o "lowerdir=/$folder,upperdir=$here/upper/$folder,workdir=$here/work/$folder" casemate-bench "/$folder"
done

getent group casemate >/dev/null || groupadd --system casemate
useradd --no-create-home --home-dir "$here/home" --shell "$here/casemate-shell" casemate-bench
install -d -o casemate-bench -m 700 "$here/home"
install -m 755 "$harness" "$here/harness"
install -g casemate -m 2755 "$wrapper" "$here/casemate-shell"

# Whatever this machine has there is not looked at.
mkdir -p /etc/casemate /run/casemate /var/lib/casemate
mount -t tmpfs -o mode=755 casemate-bench /etc/casemate
mount -t tmpfs casemate-bench /run/casemate
mount --bind "$disk" /var/lib/casemate
mkdir /run/casemate/sessions /run/casemate/usage /run/casemate/logins /var/lib/casemate/recordings /var/lib/casemate/log
chgrp casemate /run/casemate /run/casemate/sessions /run/casemate/usage
chgrp -R casemate /var/lib/casemate
chmod 2710 /var/lib/casemate
chmod 2730 /run/casemate /run/casemate/usage /var/lib/casemate/log
chmod 2770 /run/casemate/sessions /var/lib/casemate/recordings
chmod 755 /run/casemate/logins
id -u casemate-bench
id -g casemate-bench
