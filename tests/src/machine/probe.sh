#!/bin/sh
# Says what the process that started it was given, in a form that is the same for the same shell anywhere.
# With a time it looks later: a shell may still be busy with having started us.
[ $# = 0 ] || sleep "$1"
shell=$PPID
of=/proc/$shell
where() { readlink "$1" | sed -E 's#^/dev/pts/[0-9]+#terminal#; s#:\[[0-9]+\]##'; }
# pid (comm) state ppid pgrp session tty tpgid
set -- $(sed 's/.*) //' "$of/stat")
{
  echo "argv $(tr '\0' '|' <"$of/cmdline")"
  echo "exe $(readlink "$of/exe")"
  echo "cwd $(readlink "$of/cwd")"
  echo "root $(readlink "$of/root")"
  tr '\0' '\n' <"$of/environ" | LC_ALL=C sort -u | sed 's/^/env /'
  grep -E '^(Umask|Uid|Gid|Groups|SigBlk|Cap|NoNewPrivs|Seccomp):' "$of/status"
  # Without 32 and 33: those are the C library's, which leaves them ignored in what it starts.
  printf 'SigIgn: %x\n' $((0x$(sed -n 's/^SigIgn:[[:space:]]*//p' "$of/status") & ~0x180000000))
  sed 's/^/limit /' "$of/limits"
  echo "dumpable $(stat -c %U "$of")"
  echo "nice $(nice), oom $(cat "$of/oom_score_adj"), login uid $(cat "$of/loginuid" 2>&1 | tail -c 5)"
  for descriptor in "$of"/fd/*; do echo "fd ${descriptor##*/} $(where "$descriptor")"; done
  if [ "$5" = 0 ]; then echo "no controlling terminal"; else echo "a controlling terminal"; fi
  if [ -t 0 ]; then stty -a <&0; fi
  if [ "$5" != 0 ]; then echo "session $([ "$4" = "$shell" ] && echo leader || echo member)"; fi
} | sed -E 's#/dev/pts/[0-9]+#/dev/pts/N#; s#^(env SSH_(CLIENT|CONNECTION)=[0-9.]+) [0-9]+#\1 PORT#'
