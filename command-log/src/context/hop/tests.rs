//! Command lines, and the shells that they would open.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn show(change: &Change) -> String {
    match change {
        Change::Same => "=".into(),
        Change::Named(name) => name.clone(),
        Change::Presumed(name) => format!("{name}?"),
        Change::SameName => "=?".into(),
        Change::Unknown => "?".into(),
    }
}

/// One line for each command: `user@target`, `=` for what stays, `?` for what the command does not say.
fn check(commands: &[&str], expected: Expect) {
    let mut shown = String::new();
    for command in commands {
        let hop = match parse_hop(command) {
            None => "-".into(),
            Some(hop) => format!(
                "{:?} {} {}@{}{}{}",
                hop.kind,
                hop.program,
                show(&hop.target_user),
                show(&hop.target),
                if hop.replaces { " exec" } else { "" },
                if hop.perhaps { " perhaps" } else { "" },
            ),
        };
        writeln!(shown, "{command:<58} {hop}").unwrap();
    }
    expected.assert_eq(&shown);
}

#[test]
fn sudo_opens_a_shell_or_runs_a_command() {
    check(
        &[
            "sudo -i",
            "sudo -s",
            "sudo su",
            "sudo su -",
            "sudo su - bob",
            "sudo bash",
            "sudo -u bob -i",
            "sudo -iu bob",
            "sudo -ubob -s",
            "sudo --user=bob --login",
            "sudo -u bob bash -l",
            "sudo -H -u bob -- zsh",
            "sudo -u '#0' -i",
            "sudo A=b -E -u bob env C=d bash",
            "sudo A=b -i",
            "sudo -u bob A=b sh",
            "sudo -u $WHO -i",
            "/usr/bin/sudo -i",
            "sudo -i -u bob sh",
            "sudo",
            "sudo -u bob",
            "sudo -u bob id",
            "sudo -l",
            "sudo -v",
            "sudo -k; sudo id -un",
            "sudo -b sleep 9",
            "sudo -e /etc/hosts",
            "sudo systemctl restart nginx",
            "sudo bash -c 'echo x'",
            "sudo bash -c 'su - bob'",
            "sudo sh install.sh",
            "sudo -u postgres psql",
            "sudo ssh web-1",
            "sudo -u deploy ssh web-1",
        ],
        expect![[r#"
            sudo -i                                                    User sudo root@=
            sudo -s                                                    User sudo root@=
            sudo su                                                    User sudo root@=
            sudo su -                                                  User sudo root@=
            sudo su - bob                                              User sudo bob@=
            sudo bash                                                  User sudo root@=
            sudo -u bob -i                                             User sudo bob@=
            sudo -iu bob                                               User sudo bob@=
            sudo -ubob -s                                              User sudo bob@=
            sudo --user=bob --login                                    User sudo bob@=
            sudo -u bob bash -l                                        User sudo bob@=
            sudo -H -u bob -- zsh                                      User sudo bob@=
            sudo -u '#0' -i                                            User sudo root@=
            sudo A=b -E -u bob env C=d bash                            User sudo bob@=
            sudo A=b -i                                                User sudo root@=
            sudo -u bob A=b sh                                         User sudo bob@=
            sudo -u $WHO -i                                            User sudo ?@=
            /usr/bin/sudo -i                                           User sudo root@=
            sudo -i -u bob sh                                          User sudo bob@=
            sudo                                                       -
            sudo -u bob                                                -
            sudo -u bob id                                             -
            sudo -l                                                    -
            sudo -v                                                    -
            sudo -k; sudo id -un                                       -
            sudo -b sleep 9                                            -
            sudo -e /etc/hosts                                         -
            sudo systemctl restart nginx                               -
            sudo bash -c 'echo x'                                      -
            sudo bash -c 'su - bob'                                    User sudo bob@=
            sudo sh install.sh                                         -
            sudo -u postgres psql                                      -
            sudo ssh web-1                                             Host sudo root?@web-1
            sudo -u deploy ssh web-1                                   Host sudo deploy?@web-1
        "#]],
    );
}

#[test]
fn su_doas_and_their_like() {
    check(
        &[
            "su",
            "su -",
            "su bob",
            "su - bob",
            "su -l bob",
            "su bob -",
            "su -s /bin/zsh bob",
            "su --login --shell=/bin/sh bob",
            "su - bob -s /bin/bash",
            "su bob -c id",
            "su -c 'id; bash' bob",
            "su -c id - bob",
            "su - bob -- -c id",
            "su -P -",
            "su --help",
            "runuser -u bob -- bash",
            "runuser -u bob id",
            "runuser -l bob",
            "doas -s",
            "doas su",
            "doas -u bob sh",
            "doas -u bob -s",
            "doas ls",
            "doas",
            "run0",
            "run0 -u bob",
            "run0 --user=bob id",
            "run0 bash",
            "pkexec",
            "pkexec bash",
            "pkexec --user bob sh",
            "pkexec ls",
            "systemd-run -S",
            "systemd-run --uid=bob -t bash",
            "systemd-run sleep 1",
            "login bob",
            "gosu bob bash",
            "newgrp docker",
            "sg docker -c id",
        ],
        expect![[r#"
            su                                                         User su root@=
            su -                                                       User su root@=
            su bob                                                     User su bob@=
            su - bob                                                   User su bob@=
            su -l bob                                                  User su bob@=
            su bob -                                                   User su bob@=
            su -s /bin/zsh bob                                         User su bob@=
            su --login --shell=/bin/sh bob                             User su bob@=
            su - bob -s /bin/bash                                      User su bob@=
            su bob -c id                                               -
            su -c 'id; bash' bob                                       User su bob@=
            su -c id - bob                                             -
            su - bob -- -c id                                          -
            su -P -                                                    User su root@=
            su --help                                                  -
            runuser -u bob -- bash                                     User runuser bob@=
            runuser -u bob id                                          -
            runuser -l bob                                             User runuser bob@=
            doas -s                                                    User doas root@=
            doas su                                                    User doas root@=
            doas -u bob sh                                             User doas bob@=
            doas -u bob -s                                             User doas bob@=
            doas ls                                                    -
            doas                                                       -
            run0                                                       User run0 root@=
            run0 -u bob                                                User run0 bob@=
            run0 --user=bob id                                         -
            run0 bash                                                  User run0 root@=
            pkexec                                                     User pkexec root@=
            pkexec bash                                                User pkexec root@=
            pkexec --user bob sh                                       User pkexec bob@=
            pkexec ls                                                  -
            systemd-run -S                                             User systemd-run =@=
            systemd-run --uid=bob -t bash                              User systemd-run bob@=
            systemd-run sleep 1                                        -
            login bob                                                  User login bob@=
            gosu bob bash                                              User gosu bob@=
            newgrp docker                                              Shell newgrp =@=
            sg docker -c id                                            -
        "#]],
    );
}

#[test]
fn ssh_opens_a_shell_unless_it_runs_a_command() {
    check(
        &[
            "ssh web-1",
            "ssh bob@web-1",
            "ssh -p 2222 -o StrictHostKeyChecking=no bob@192.0.2.1",
            "ssh -l bob web-1",
            "ssh web-1 -l bob",
            "ssh -l carol bob@web-1",
            "ssh -o User=bob web-1",
            "ssh -oUser=bob -i ~/.ssh/k -J jump web-1",
            "ssh ssh://bob@web-1:2222",
            "ssh bob@[2001:db8::1]",
            "ssh 2001:db8::1",
            "ssh corp\\\\bob@web-1",
            "ssh bob@example.com@bastion",
            "ssh -vvvA4 web-1",
            "ssh $HOST",
            "ssh \"$ME@web-1\"",
            "ssh web-1 uptime",
            "ssh web-1 'sudo -i'",
            "ssh -t web-1 'sudo -i'",
            "ssh -t web-1 sudo -iu bob",
            "ssh -tt bob@jump ssh -t carol@web-1 bash -l",
            "ssh -t jump ssh web-1",
            "ssh -t web-1 tmux attach",
            "ssh -t web-1 htop",
            "ssh -t web-1 'cd /srv && exec $SHELL -l'",
            "ssh -o RequestTTY=yes -o 'RemoteCommand=sudo -i' web-1",
            "ssh -N -L 1:h:1 web-1",
            "ssh -fNT web-1",
            "ssh -T git@example.com",
            "ssh -V",
            "ssh",
            "ssh web-1 < in",
            "tar c . | ssh web-1",
            "ssh web-1 | tee log",
            "ssh web-1 &",
            "sshpass -p x ssh bob@web-1",
            "mosh bob@web-1",
            "mosh --ssh='ssh -p 22' web-1 -- tmux a",
            "autossh -M 0 bob@web-1",
            "telnet web-1",
            "telnet web-1 80",
            "gcloud compute ssh bob@vm-1 --zone europe-west1-b",
            "gcloud beta compute ssh vm-1 --project x --command=ls",
            "gcloud compute instances list",
            "vagrant ssh",
            "vagrant ssh db",
            "vagrant ssh -c ls",
            "vagrant up",
            "aws ssm start-session --target i-0123456789",
            "multipass shell dev",
            "minikube ssh",
            "tsh ssh bob@web-1",
        ],
        expect![[r#"
            ssh web-1                                                  Host ssh =?@web-1
            ssh bob@web-1                                              Host ssh bob@web-1
            ssh -p 2222 -o StrictHostKeyChecking=no bob@192.0.2.1      Host ssh bob@192.0.2.1
            ssh -l bob web-1                                           Host ssh bob@web-1
            ssh web-1 -l bob                                           Host ssh bob@web-1
            ssh -l carol bob@web-1                                     Host ssh carol@web-1
            ssh -o User=bob web-1                                      Host ssh bob@web-1
            ssh -oUser=bob -i ~/.ssh/k -J jump web-1                   Host ssh bob@web-1
            ssh ssh://bob@web-1:2222                                   Host ssh bob@web-1
            ssh bob@[2001:db8::1]                                      Host ssh bob@2001:db8::1
            ssh 2001:db8::1                                            Host ssh =?@2001:db8::1
            ssh corp\\bob@web-1                                        Host ssh corp\bob@web-1
            ssh bob@example.com@bastion                                Host ssh bob@example.com@bastion
            ssh -vvvA4 web-1                                           Host ssh =?@web-1
            ssh $HOST                                                  Host ssh =?@?
            ssh "$ME@web-1"                                            Host ssh ?@?
            ssh web-1 uptime                                           -
            ssh web-1 'sudo -i'                                        -
            ssh -t web-1 'sudo -i'                                     Host ssh root@web-1
            ssh -t web-1 sudo -iu bob                                  Host ssh bob@web-1
            ssh -tt bob@jump ssh -t carol@web-1 bash -l                Host ssh carol@web-1
            ssh -t jump ssh web-1                                      Host ssh =?@web-1
            ssh -t web-1 tmux attach                                   Host ssh =?@web-1
            ssh -t web-1 htop                                          -
            ssh -t web-1 'cd /srv && exec $SHELL -l'                   Host ssh =?@web-1
            ssh -o RequestTTY=yes -o 'RemoteCommand=sudo -i' web-1     Host ssh root@web-1
            ssh -N -L 1:h:1 web-1                                      -
            ssh -fNT web-1                                             -
            ssh -T git@example.com                                     -
            ssh -V                                                     -
            ssh                                                        -
            ssh web-1 < in                                             -
            tar c . | ssh web-1                                        -
            ssh web-1 | tee log                                        Host ssh =?@web-1
            ssh web-1 &                                                -
            sshpass -p x ssh bob@web-1                                 Host ssh bob@web-1
            mosh bob@web-1                                             Host mosh bob@web-1
            mosh --ssh='ssh -p 22' web-1 -- tmux a                     Host mosh =?@web-1
            autossh -M 0 bob@web-1                                     Host ssh bob@web-1
            telnet web-1                                               Host telnet ?@web-1
            telnet web-1 80                                            -
            gcloud compute ssh bob@vm-1 --zone europe-west1-b          Host gcloud bob@vm-1
            gcloud beta compute ssh vm-1 --project x --command=ls      -
            gcloud compute instances list                              -
            vagrant ssh                                                Container vagrant vagrant?@?
            vagrant ssh db                                             Container vagrant vagrant?@db
            vagrant ssh -c ls                                          -
            vagrant up                                                 -
            aws ssm start-session --target i-0123456789                Host aws ssm-user?@i-0123456789
            multipass shell dev                                        Container multipass ubuntu?@dev
            minikube ssh                                               Container minikube docker?@minikube?
            tsh ssh bob@web-1                                          Container tsh bob@web-1
        "#]],
    );
}

#[test]
fn containers_and_other_roots() {
    check(
        &[
            "docker exec -it web bash",
            "docker exec -ti -u bob:staff -e A=b -w /x web /bin/sh",
            "docker exec --interactive --tty --user=0 web ash",
            "docker exec -it web bash -c ls",
            "docker exec -i web bash",
            "docker exec web bash",
            "docker exec -it web ls",
            "docker exec -it $ID bash",
            "docker exec -it $(docker ps -q) sh",
            "docker exec -it web su - bob",
            "sudo docker exec -it web bash",
            "docker --context prod container exec -it web sh",
            "podman exec -it web sh",
            "docker run -it --rm alpine sh",
            "docker run --rm -it --name box -v /a:/b -p 80:80 alpine:3",
            "docker run -it -h box debian bash",
            "docker run -it --entrypoint sh alpine",
            "docker run -d nginx",
            "docker run --rm hello-world",
            "docker run -it --rm python:3 python",
            "docker attach web",
            "docker start -ai web",
            "docker start web",
            "docker compose -f x.yml exec -u bob web bash",
            "docker compose exec -T web bash",
            "docker-compose run --rm web sh",
            "docker compose exec web ls",
            "kubectl exec -it web-0 -- sh",
            "kubectl -n shop exec -it web-0 -c app -- /bin/bash",
            "kubectl exec -it web-0 -n shop -- bash -l",
            "kubectl exec --stdin --tty pod/web-0 -- bash",
            "kubectl exec -ti deploy/web -- env A=b bash",
            "kubectl exec -it web-0 bash",
            "kubectl exec web-0 -- ls",
            "kubectl exec -it web-0 -- ls",
            "kubectl exec -i web-0 -- bash",
            "k exec -it web-0 -- sh",
            "oc rsh web-0",
            "oc rsh -n shop web-0 bash",
            "kubectl run -it tmp --image=alpine --rm -- sh",
            "kubectl run -it tmp --image=alpine --restart=Never",
            "kubectl debug -it web-0 --image=busybox --target=app",
            "kubectl attach -it web-0",
            "kubectl get pods",
            "lxc exec c1 -- bash",
            "lxc exec c1 --user 1000 -- bash",
            "lxc shell c1",
            "incus exec c1 -- su - bob",
            "lxc-attach -n c1",
            "pct enter 101",
            "machinectl shell",
            "machinectl shell c1",
            "machinectl shell bob@c1",
            "machinectl shell bob@.host",
            "machinectl --uid=bob shell c1",
            "machinectl shell bob@c1 /bin/ls",
            "machinectl login c1",
            "machinectl list",
            "systemd-nspawn -M c1 -u bob",
            "systemd-nspawn -D /srv/roots/c2/ bash",
            "systemd-nspawn -bD /srv/c3",
            "nsenter -t 1 -m -u -n -i sh",
            "nsenter -t 42 -n bash",
            "chroot /mnt",
            "chroot --userspec=bob:bob /mnt /bin/bash",
            "chroot /mnt ls",
            "arch-chroot /mnt",
            "toolbox enter f40",
            "distrobox enter box -- ls",
        ],
        expect![[r#"
            docker exec -it web bash                                   Container docker ?@web
            docker exec -ti -u bob:staff -e A=b -w /x web /bin/sh      Container docker bob@web
            docker exec --interactive --tty --user=0 web ash           Container docker root@web
            docker exec -it web bash -c ls                             -
            docker exec -i web bash                                    -
            docker exec web bash                                       -
            docker exec -it web ls                                     -
            docker exec -it $ID bash                                   Container docker ?@?
            docker exec -it $(docker ps -q) sh                         Container docker ?@?
            docker exec -it web su - bob                               Container docker bob@web
            sudo docker exec -it web bash                              Container sudo ?@web
            docker --context prod container exec -it web sh            Container docker ?@web
            podman exec -it web sh                                     Container podman ?@web
            docker run -it --rm alpine sh                              Container docker ?@alpine?
            docker run --rm -it --name box -v /a:/b -p 80:80 alpine:3  Container docker ?@box perhaps
            docker run -it -h box debian bash                          Container docker ?@box
            docker run -it --entrypoint sh alpine                      Container docker ?@alpine?
            docker run -d nginx                                        -
            docker run --rm hello-world                                -
            docker run -it --rm python:3 python                        -
            docker attach web                                          Container docker ?@web perhaps
            docker start -ai web                                       Container docker ?@web perhaps
            docker start web                                           -
            docker compose -f x.yml exec -u bob web bash               Container docker bob@web
            docker compose exec -T web bash                            -
            docker-compose run --rm web sh                             Container docker-compose ?@web?
            docker compose exec web ls                                 -
            kubectl exec -it web-0 -- sh                               Container kubectl ?@web-0
            kubectl -n shop exec -it web-0 -c app -- /bin/bash         Container kubectl ?@web-0
            kubectl exec -it web-0 -n shop -- bash -l                  Container kubectl ?@web-0
            kubectl exec --stdin --tty pod/web-0 -- bash               Container kubectl ?@web-0
            kubectl exec -ti deploy/web -- env A=b bash                Container kubectl ?@deploy/web
            kubectl exec -it web-0 bash                                Container kubectl ?@web-0
            kubectl exec web-0 -- ls                                   -
            kubectl exec -it web-0 -- ls                               -
            kubectl exec -i web-0 -- bash                              -
            k exec -it web-0 -- sh                                     Container k ?@web-0
            oc rsh web-0                                               Container oc ?@web-0
            oc rsh -n shop web-0 bash                                  Container oc ?@web-0
            kubectl run -it tmp --image=alpine --rm -- sh              Container kubectl ?@tmp
            kubectl run -it tmp --image=alpine --restart=Never         Container kubectl ?@tmp perhaps
            kubectl debug -it web-0 --image=busybox --target=app       Container kubectl ?@web-0 perhaps
            kubectl attach -it web-0                                   Container kubectl ?@web-0 perhaps
            kubectl get pods                                           -
            lxc exec c1 -- bash                                        Container lxc root@c1
            lxc exec c1 --user 1000 -- bash                            Container lxc 1000@c1
            lxc shell c1                                               Container lxc root@c1
            incus exec c1 -- su - bob                                  Container incus bob@c1
            lxc-attach -n c1                                           Container lxc-attach root?@c1
            pct enter 101                                              Container pct root?@101
            machinectl shell                                           Container machinectl root@=
            machinectl shell c1                                        Container machinectl root@c1
            machinectl shell bob@c1                                    Container machinectl bob@c1
            machinectl shell bob@.host                                 Container machinectl bob@=
            machinectl --uid=bob shell c1                              Container machinectl bob@c1
            machinectl shell bob@c1 /bin/ls                            -
            machinectl login c1                                        Container machinectl ?@c1
            machinectl list                                            -
            systemd-nspawn -M c1 -u bob                                Container systemd-nspawn bob@c1
            systemd-nspawn -D /srv/roots/c2/ bash                      Container systemd-nspawn root@c2
            systemd-nspawn -bD /srv/c3                                 Container systemd-nspawn ?@c3
            nsenter -t 1 -m -u -n -i sh                                Inside nsenter =@?
            nsenter -t 42 -n bash                                      Inside nsenter =@=
            chroot /mnt                                                Inside chroot =@=
            chroot --userspec=bob:bob /mnt /bin/bash                   Inside chroot bob@=
            chroot /mnt ls                                             -
            arch-chroot /mnt                                           Inside arch-chroot =@=
            toolbox enter f40                                          Container toolbox =@f40
            distrobox enter box -- ls                                  Container distrobox =@box
        "#]],
    );
}

#[test]
fn shells_at_the_same_place() {
    check(
        &[
            "bash",
            "bash --norc",
            "bash -l",
            "/bin/zsh -f",
            "bash --rcfile /x -i",
            "bash -o vi",
            "bash +o history",
            "bash x.sh",
            "bash -c ls",
            "bash -ic 'ls'",
            "bash -c 'exec zsh'",
            "bash -s < x",
            "bash --version",
            "$SHELL",
            "exec $SHELL -l",
            "exec zsh",
            "exec sudo -i",
            "exec >log",
            "env -i bash --noprofile",
            "A=b bash",
            "command bash",
            "nice -n 5 bash",
            "time bash",
            "strace -f -o x bash",
            "ssh-agent bash",
            "timeout 60 bash",
            "nohup bash",
            "bash &",
            "(bash)",
            "{ bash; }",
            "if true; then bash; fi",
            "for h in a b; do ssh $h; done",
            "f() { bash; }",
            "cd /srv && sudo -i",
            "sudo -i; echo back",
            "true || sudo -i",
            "ls | bash",
            "cat <<E\nsudo -i\nE",
            "# sudo -i",
            "echo sudo -i",
            "echo 'ssh web-1'",
            "tmux",
            "tmux attach -t x",
            "tmux -L s new -s x",
            "tmux new -d -s x",
            "tmux ls",
            "screen",
            "screen -r",
            "screen -dmS x",
            "script -q log",
            "script -c ls log",
            "nix-shell -p hello",
            "python3",
            "vim",
            "",
            "sh -c \"sh -c 'sh -c sudo\\ -i'\"",
        ],
        expect![[r#"
            bash                                                       Shell bash =@=
            bash --norc                                                Shell bash =@=
            bash -l                                                    Shell bash =@=
            /bin/zsh -f                                                Shell zsh =@=
            bash --rcfile /x -i                                        Shell bash =@=
            bash -o vi                                                 Shell bash =@=
            bash +o history                                            Shell bash =@=
            bash x.sh                                                  -
            bash -c ls                                                 -
            bash -ic 'ls'                                              -
            bash -c 'exec zsh'                                         Shell bash =@=
            bash -s < x                                                -
            bash --version                                             -
            $SHELL                                                     Shell $SHELL =@=
            exec $SHELL -l                                             Shell $SHELL =@= exec
            exec zsh                                                   Shell zsh =@= exec
            exec sudo -i                                               User sudo root@= exec
            exec >log                                                  -
            env -i bash --noprofile                                    Shell bash =@=
            A=b bash                                                   Shell bash =@=
            command bash                                               Shell bash =@=
            nice -n 5 bash                                             Shell bash =@=
            time bash                                                  Shell bash =@=
            strace -f -o x bash                                        Shell bash =@=
            ssh-agent bash                                             Shell bash =@=
            timeout 60 bash                                            Shell bash =@=
            nohup bash                                                 -
            bash &                                                     -
            (bash)                                                     Shell bash =@=
            { bash; }                                                  Shell bash =@=
            if true; then bash; fi                                     Shell bash =@=
            for h in a b; do ssh $h; done                              Host ssh =?@?
            f() { bash; }                                              -
            cd /srv && sudo -i                                         User sudo root@=
            sudo -i; echo back                                         User sudo root@=
            true || sudo -i                                            User sudo root@=
            ls | bash                                                  -
            cat <<E
            sudo -i
            E                                          -
            # sudo -i                                                  -
            echo sudo -i                                               -
            echo 'ssh web-1'                                           -
            tmux                                                       Multiplexer tmux =@=
            tmux attach -t x                                           Multiplexer tmux =@=
            tmux -L s new -s x                                         Multiplexer tmux =@=
            tmux new -d -s x                                           -
            tmux ls                                                    -
            screen                                                     Multiplexer screen =@=
            screen -r                                                  Multiplexer screen =@=
            screen -dmS x                                              -
            script -q log                                              Shell script =@=
            script -c ls log                                           -
            nix-shell -p hello                                         Shell nix-shell =@=
            python3                                                    -
            vim                                                        -
                                                                       -
            sh -c "sh -c 'sh -c sudo\ -i'"                             User sh root@=
        "#]],
    );
}

#[test]
fn nesting_costs_no_more_than_its_length() {
    let deep = "sudo doas ".repeat(6000) + "bash";
    assert_eq!(parse_hop(&deep).unwrap().target_user, Change::Named("root".into()));
    let mut lines = "bash".to_owned();
    for _ in 0..30 {
        lines = format!("sh -c {}", lines.replace('\\', "\\\\").replace(' ', "\\ "));
        if lines.len() > 50_000 {
            break;
        }
        parse_hop(&lines);
    }
    parse_hop(&"$(".repeat(30_000));
    parse_hop(&"ssh -t h ".repeat(7000));
    parse_hop(&"a@".repeat(30_000));
}

proptest! {
    #[test]
    fn any_line_is_read(
        words in prop::collection::vec(
            prop_oneof![
                Just("sudo"), Just("su"), Just("ssh"), Just("-it"), Just("-u"), Just("docker"), Just("exec"), Just("kubectl"),
                Just("--"), Just("-c"), Just("bash"), Just("bob@h"), Just("'"), Just("&&"), Just("-"), Just("run"), Just("$x"),
                Just("--user="), Just("machinectl"), Just("shell"), Just("env"), Just("-t"), Just("nsenter"), Just("é"), Just("gcloud"),
                Just("compute"), Just("vagrant"), Just("\\ "), Just("exec"), Just("+o"), Just("lxc"), Just("@"), Just("-é"),
            ],
            0..14,
        ),
    ) {
        parse_hop(&words.join(" "));
        parse_hop(&words.concat());
        crate::context::parse_program(&words.join(" "));
    }

    #[test]
    fn any_text_is_read(line in r"\PC{0,80}") {
        parse_hop(&line);
    }
}
