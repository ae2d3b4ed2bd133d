//! Sessions, told in a few lines each, and where their commands ran.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

/// Plays a session. Each line is one call, by its first character:
///
/// ```text
/// [PROMPT] COMMAND      a prompt, and what is committed at it; nothing, if there is no command
/// < TEXT                a line of output
/// T TEXT                the title
/// H USER@HOST           OSC 1337
/// W HOST                OSC 7
/// P USER ARGV…          the process in the foreground
/// S ID KEY=VALUE…       a context begins
/// E ID                  a context ends
/// D                     end of input
/// ```
///
/// What comes out has a line for each prompt: depth, place (`?` if it is not confirmed), command.
fn play(target: Option<&str>, user: Option<&str>, script: &str) -> String {
    let mut contexts = Contexts::new(target.map(Into::into), user.map(Into::into));
    let mut shown = String::new();
    for step in script.lines().map(str::trim_start).filter(|step| !step.is_empty()) {
        let (what, rest) = step.split_at(1);
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match what {
            "[" => {
                let (prompt, command) = rest.split_once("] ").unwrap_or((rest.trim_end_matches(']'), ""));
                contexts.prompt(&prompt.replace("\\n", "\n"));
                let place = contexts.place();
                writeln!(
                    shown,
                    "{} {}@{}{}  {command}",
                    contexts.depth(),
                    place.target_user.as_deref().unwrap_or("-"),
                    place.target.as_deref().unwrap_or("-"),
                    if place.confirmed { "" } else { "?" },
                )
                .unwrap();
                if !command.is_empty() {
                    contexts.committed(command);
                }
            }
            "<" => contexts.output_line(rest),
            "T" => contexts.title(rest),
            "W" => contexts.cwd(rest, "/"),
            "H" => {
                let (user, host) = rest.split_once('@').unwrap();
                contexts.remote_host(user, host);
            }
            "P" => {
                let argv: Vec<String> = rest.split(' ').skip(1).map(Into::into).collect();
                let user = rest.split(' ').next().unwrap();
                contexts.process(if user == "root" { 0 } else { 1000 }, Some(user), None, &argv);
            }
            "S" => {
                let mut fields = rest.split(' ');
                let id = fields.next().unwrap();
                let fields: Vec<_> =
                    fields.filter_map(|f| f.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
                contexts.context_start(id, &fields);
            }
            "E" => contexts.context_end(rest),
            "D" => contexts.end_of_input(),
            _ => panic!("no such step: {step}"),
        }
    }
    shown
}

fn check(script: &str, expected: Expect) {
    expected.assert_eq(&play(Some("web-1"), Some("alice"), script));
}

#[test]
fn su_and_sudo_are_followed_and_left() {
    check(
        "[alice@vm:~$ ] su bob
         < Password:
         [bob@vm:/home/alice$ ] id
         [bob@vm:/home/alice$ ] exit
         < exit
         [alice@vm:~$ ] sudo -i
         [root@vm:~# ] sudo -u carol -i
         [carol@vm:~$ ] exit
         < logout
         [root@vm:~# ] exit
         < logout
         [alice@vm:~$ ] ls",
        expect![[r#"
            1 alice@web-1  su bob
            2 bob@web-1  id
            2 bob@web-1  exit
            1 alice@web-1  sudo -i
            2 root@web-1  sudo -u carol -i
            3 carol@web-1  exit
            2 root@web-1  exit
            1 alice@web-1  ls
        "#]],
    );
}

#[test]
fn what_fails_changes_nothing() {
    check(
        "[alice@vm:~$ ] su bob
         < su: Authentication failure
         [alice@vm:~$ ] sudo -i
         < Sorry, try again.
         < sudo: 3 incorrect password attempts
         [alice@vm:~$ ] ssh db
         < ssh: connect to host db port 22: Connection refused
         [alice@vm:~$ ] docker exec -it web bash
         < Error response from daemon: No such container: web
         [alice@vm:~$ ] su bob
         [alice@vm:~$ ] su alice
         < su: Authentication failure
         [alice@vm:~$ ] zsh
         < bash: zsh: command not found
         [alice@vm:~$ ] ssh db
         < Connection to db closed by remote host.
         < Connection to db closed.
         [alice@vm:~$ ] ls",
        expect![[r#"
            1 alice@web-1  su bob
            1 alice@web-1  sudo -i
            1 alice@web-1  ssh db
            1 alice@web-1  docker exec -it web bash
            1 alice@web-1  su bob
            1 alice@web-1  su alice
            1 alice@web-1  zsh
            1 alice@web-1  ssh db
            1 alice@web-1  ls
        "#]],
    );
}

#[test]
fn prompts_that_all_look_alike() {
    check(
        "[$ ] su bob
         < su: Authentication failure
         [$ ] id
         [$ ] su bob
         < Password:
         [$ ] id
         [$ ] ssh db
         < Last login: today
         [$ ] id
         [$ ] exit
         < Connection to db closed.
         [$ ] id
         D
         [$ ] su
         [# ] id
         [# ] exit
         [$ ] sudo -i
         [$ ] id",
        expect![[r#"
            1 alice@web-1  su bob
            1 alice@web-1  id
            1 alice@web-1  su bob
            2 bob@web-1?  id
            2 bob@web-1?  ssh db
            3 bob@db?  id
            3 bob@db?  exit
            2 bob@web-1?  id
            1 alice@web-1  su
            2 root@web-1  id
            2 root@web-1  exit
            1 alice@web-1  sudo -i
            1 alice@web-1  id
        "#]],
    );
}

#[test]
fn a_second_attempt_may_succeed() {
    check(
        "[❯ ] su bob
         < Sorry, try again.
         [❯ ] id
         [❯ ] exit
         [❯ ] ssh carol@db
         < Permission denied, please try again.
         [carol@db:~$ ] id",
        expect![[r#"
            1 alice@web-1  su bob
            2 bob@web-1?  id
            2 bob@web-1?  exit
            1 alice@web-1  ssh carol@db
            2 carol@db  id
        "#]],
    );
}

#[test]
fn ssh_leads_to_another_target() {
    check(
        "[alice@vm:~$ ] ssh bob@192.0.2.9
         < Linux db 6.1.0 #1 SMP x86_64
         [bob@db:~$ ] ssh cache
         [bob@cache-7:~$ ] sudo -s
         [root@cache-7:/home/bob# ] exit
         [bob@cache-7:~$ ] exit
         < logout
         < Connection to cache closed.
         [bob@db:~$ ] exit
         < logout
         < Connection to 192.0.2.9 closed.
         [alice@vm:~$ ] ssh web-2
         [❯ ] id
         [❯ ] exit
         < Connection to web-2 closed.
         [alice@vm:~$ ] ssh -l root web-3
         [# ] id",
        expect![[r#"
            1 alice@web-1  ssh bob@192.0.2.9
            2 bob@192.0.2.9  ssh cache
            3 bob@cache  sudo -s
            4 root@cache  exit
            3 bob@cache  exit
            2 bob@192.0.2.9  exit
            1 alice@web-1  ssh web-2
            2 alice@web-2?  id
            2 alice@web-2?  exit
            1 alice@web-1  ssh -l root web-3
            2 root@web-3?  id
        "#]],
    );
}

#[test]
fn a_connection_that_breaks_leads_back() {
    check(
        "[alice@vm:~$ ] ssh bob@jump
         [bob@jump:~$ ] ssh carol@db
         [carol@db:~$ ] sudo -i
         [root@db:~# ] sleep 1000
         < client_loop: send disconnect: Broken pipe
         [alice@vm:~$ ] ssh bob@jump
         [bob@jump:~$ ] ssh carol@db
         [carol@db:~$ ] ls
         < Connection to jump closed by remote host.
         < Connection to jump closed.
         [alice@vm:~$ ] ls",
        expect![[r#"
            1 alice@web-1  ssh bob@jump
            2 bob@jump  ssh carol@db
            3 carol@db  sudo -i
            4 root@db  sleep 1000
            1 alice@web-1  ssh bob@jump
            2 bob@jump  ssh carol@db
            3 carol@db  ls
            1 alice@web-1  ls
        "#]],
    );
}

#[test]
fn the_same_machine_by_another_way() {
    check(
        "[alice@vm:~/src$ ] ssh localhost
         [alice@vm:~$ ] exit
         < Connection to localhost closed.
         [alice@vm:~/src$ ] ssh alice@192.0.2.4
         [alice@vm:~$ ] exit
         < Connection to 192.0.2.4 closed.
         [alice@vm:~/src$ ] ssh 192.0.2.4
         [alice@vm:~/src$ ] ls",
        expect![[r#"
            1 alice@web-1  ssh localhost
            2 alice@localhost  exit
            1 alice@web-1  ssh alice@192.0.2.4
            2 alice@192.0.2.4  exit
            1 alice@web-1  ssh 192.0.2.4
            1 alice@web-1  ls
        "#]],
    );
}

#[test]
fn containers_say_who_one_is() {
    check(
        "[alice@vm:~$ ] docker exec -it shop bash
         [root@3f2a1b4c5d6e:/srv# ] exit
         < exit
         [alice@vm:~$ ] docker run -it --rm alpine sh
         [/ # ] cd /etc
         [/etc # ] exit
         [alice@vm:~$ ] docker run -it debian
         [root@0011aabbccdd:/# ] id
         D
         [alice@vm:~$ ] kubectl -n shop exec -it web-0 -- sh
         [$ ] id
         [$ ] exit
         < command terminated with exit code 1
         [alice@vm:~$ ] kubectl exec -it web-0 -- bash
         < error: Internal error occurred: error executing command in container
         [alice@vm:~$ ] docker run -it python:3
         [alice@vm:~$ ] ls",
        expect![[r#"
            1 alice@web-1  docker exec -it shop bash
            2 root@shop  exit
            1 alice@web-1  docker run -it --rm alpine sh
            2 root@alpine?  cd /etc
            2 root@alpine?  exit
            1 alice@web-1  docker run -it debian
            2 root@0011aabbccdd  id
            1 alice@web-1  kubectl -n shop exec -it web-0 -- sh
            2 -@web-0?  id
            2 -@web-0?  exit
            1 alice@web-1  kubectl exec -it web-0 -- bash
            1 alice@web-1  docker run -it python:3
            1 alice@web-1  ls
        "#]],
    );
}

#[test]
fn nested_shells_are_counted() {
    check(
        "[alice@vm:~$ ] bash --norc
         [bash-5.2$ ] PS1='inner> '
         [inner> ] echo in
         [inner> ] exit
         < exit
         [alice@vm:~$ ] bash
         [alice@vm:~$ ] bash
         [alice@vm:~$ ] exit
         [alice@vm:~$ ] cd /tmp
         [alice@vm:/tmp$ ] exit
         [alice@vm:~$ ] exec zsh
         [vm% ] ls
         [vm% ] sh
         [$ ] sudo su - bob
         [bob@vm:~$ ] exit
         [$ ] exit
         [vm% ] ls",
        expect![[r#"
            1 alice@web-1  bash --norc
            2 alice@web-1  PS1='inner> '
            2 alice@web-1  echo in
            2 alice@web-1  exit
            1 alice@web-1  bash
            2 alice@web-1  bash
            3 alice@web-1  exit
            2 alice@web-1  cd /tmp
            2 alice@web-1  exit
            1 alice@web-1  exec zsh
            1 alice@web-1  ls
            1 alice@web-1  sh
            2 alice@web-1  sudo su - bob
            3 bob@web-1  exit
            2 alice@web-1  exit
            1 alice@web-1  ls
        "#]],
    );
}

#[test]
fn a_shell_that_stays_in_spite_of_exit() {
    check(
        "[alice@vm:~$ ] sudo -iu bob
         [bob@vm:~$ ] exit
         < logout
         < There are stopped jobs.
         [bob@vm:~$ ] ls
         [bob@vm:~$ ] (exit 3)
         [bob@vm:~$ ] echo exit
         < exit
         [bob@vm:~$ ] exit
         [alice@vm:~$ ] sudo -i; exit
         [root@vm:~# ] ls",
        expect![[r#"
            1 alice@web-1  sudo -iu bob
            2 bob@web-1  exit
            2 bob@web-1  ls
            2 bob@web-1  (exit 3)
            2 bob@web-1  echo exit
            2 bob@web-1  exit
            1 alice@web-1  sudo -i; exit
            2 root@web-1  ls
        "#]],
    );
}

#[test]
fn end_of_input_may_be_seen_by_the_prompt_alone() {
    check(
        "[alice@vm:~$ ] sudo -i
         [root@vm:~# ] ls
         [root@vm:~# ]
         [alice@vm:~$ ] sh
         [$ ] sh
         [$ ] ls
         < exit
         [alice@vm:~$ ] ls",
        expect![[r#"
            1 alice@web-1  sudo -i
            2 root@web-1  ls
            2 root@web-1  
            1 alice@web-1  sh
            2 alice@web-1  sh
            3 alice@web-1  ls
            1 alice@web-1  ls
        "#]],
    );
}

#[test]
fn titles_and_marks_tell_where_prompts_do_not() {
    check(
        "T alice@vm: ~
         [❯ ] ssh bob@web-2
         T bob@web-2: ~
         [❯ ] ls
         T bob@web-2: ~/src
         [❯ ] exit
         T alice@vm: ~
         [❯ ] su bob
         T alice@vm: ~
         [❯ ] ls
         H bob@db
         [> ] ls
         H bob@db
         [> ] ls",
        expect![[r#"
            1 alice@web-1  ssh bob@web-2
            2 bob@web-2  ls
            2 bob@web-2  exit
            1 alice@web-1  su bob
            2 bob@web-1?  ls
            3 bob@db  ls
            3 bob@db  ls
        "#]],
    );
    check(
        "S s1 type=shell user=alice hostname=vm
         [> ] run0
         S e1 type=elevate targetuser=root
         [> ] id
         E e1
         [> ] machinectl shell bob@c1
         S c1 type=container container=c1 targetuser=bob
         [> ] id
         S c1 type=container
         [> ] id
         E c1
         [> ] id",
        expect![[r#"
            1 alice@web-1  run0
            2 root@web-1  id
            1 alice@web-1  machinectl shell bob@c1
            2 bob@c1  id
            2 bob@c1  id
            1 alice@web-1  id
        "#]],
    );
}

#[test]
fn the_kernel_knows_the_user() {
    check(
        "P alice -bash
         [> ] su bob
         P alice -bash
         P root su bob
         P bob bash
         [> ] id
         P bob bash
         [> ] exit
         P bob bash
         P alice -bash
         [> ] su bob
         P root su bob
         P alice -bash
         [> ] ssh carol@db
         P alice ssh carol@db
         [> ] su dave
         P alice ssh carol@db
         < su: Authentication failure
         [> ] exit
         P alice ssh carol@db
         P alice -bash
         [> ] to-db
         P alice ssh erin@db
         [> ] ls",
        expect![[r#"
            1 alice@web-1  su bob
            2 bob@web-1  id
            2 bob@web-1  exit
            1 alice@web-1  su bob
            1 alice@web-1  ssh carol@db
            2 carol@db  su dave
            2 carol@db  exit
            1 alice@web-1  to-db
            2 erin@db  ls
        "#]],
    );
}

#[test]
fn what_the_kernel_says_may_come_late() {
    check(
        "[alice@vm:~$ ] su bob
         [alice@vm:~$ ]
         P bob bash
         [alice@vm:~$ ] id
         [alice@vm:~$ ] exit
         [alice@vm:~$ ]
         P alice bash
         [alice@vm:~$ ] ls
         [alice@vm:~$ ] ssh carol@db
         [carol@db:~$ ]
         P alice bash
         [alice@vm:~$ ] ls",
        expect![[r#"
            1 alice@web-1  su bob
            1 alice@web-1  
            2 bob@web-1  id
            2 bob@web-1  exit
            1 alice@web-1  
            1 alice@web-1  ls
            1 alice@web-1  ssh carol@db
            2 carol@db  
            1 alice@web-1  ls
        "#]],
    );
}

#[test]
fn aliases_and_scripts_go_places_too() {
    check(
        "[alice@vm:~$ ] go-web
         [bob@web-9:~$ ] exit
         [alice@vm:~$ ] ./root-shell
         [root@vm:/home/alice# ] exit
         [alice@vm:~$ ] PS1='root@prod# '
         [root@prod# ] ls
         [root@prod# ] hostname new
         [root@new# ] ls",
        expect![[r#"
            1 alice@web-1  go-web
            2 bob@web-9  exit
            1 alice@web-1  ./root-shell
            2 root@web-1  exit
            1 alice@web-1  PS1='root@prod# '
            1 alice@web-1  ls
            1 alice@web-1  hostname new
            1 alice@web-1  ls
        "#]],
    );
}

#[test]
fn themes_of_two_rows() {
    check(
        "[alice in 🌐 vm in ~/src on main\\n❯ ] cd ..
         [alice in 🌐 vm in ~ \\n❯ ] ssh bob@web-2
         [bob in 🌐 web-2 in ~ \\n❯ ] exit
         < Connection to web-2 closed.
         [alice in 🌐 vm in ~ took 5s \\n❯ ] sudo -i
         [┌──(root㉿vm)-[~]\\n└─# ] exit
         [alice in 🌐 vm in ~ took 7s \\n❯ ] ls",
        expect![[r#"
            1 alice@web-1  cd ..
            1 alice@web-1  ssh bob@web-2
            2 bob@web-2  exit
            1 alice@web-1  sudo -i
            2 root@web-1  exit
            1 alice@web-1  ls
        "#]],
    );
}

#[test]
fn without_a_header_the_prompt_has_to_do() {
    expect![[r#"
        1 alice@vm?  sudo -i
        2 root@vm  exit
        1 alice@vm?  ssh web-2
        2 alice@web-2?  ls
    "#]]
    .assert_eq(&play(
        None,
        None,
        "[alice@vm:~$ ] sudo -i
         [root@vm:~# ] exit
         [alice@vm:~$ ] ssh web-2
         [web-2% ] ls",
    ));
    expect![[r#"
        1 -@-?  ssh web-2
        2 -@web-2?  ls
        2 -@web-2?  exit
        1 -@-?  ls
    "#]]
    .assert_eq(&play(None, None, "[$ ] ssh web-2\n[web-2% ] ls\n[web-2% ] exit\n[$ ] ls"));
}

#[test]
fn programs_that_read_lines_are_named() {
    let mut contexts = Contexts::new(None, None);
    contexts.prompt("$ ");
    contexts.committed("sudo -u postgres psql shop");
    assert_eq!((contexts.program(), contexts.running()), (Some("psql"), Some("psql")));
    contexts.prompt("$ ");
    assert_eq!((contexts.program(), contexts.running()), (None, None));
    contexts.committed("cat > x");
    assert_eq!((contexts.program(), contexts.running()), (None, Some("cat")));
    contexts.committed("docker run -it python:3 python");
    assert_eq!((contexts.program(), contexts.pending()), (Some("python"), None));
}

#[test]
fn what_is_nested_without_end_stays_bounded() {
    let mut contexts = Contexts::new(Some("a".into()), Some("b".into()));
    contexts.prompt("$ ");
    for round in 0..200 {
        contexts.committed(&format!("ssh u{round}@h{round}"));
        contexts.prompt(&format!("u{round}@h{round}:~$ "));
        assert!(contexts.depth() <= MAX_DEPTH);
    }
    for _ in 0..200 {
        contexts.committed("exit");
        contexts.output_line("logout");
        contexts.prompt("% ");
    }
    assert_eq!(contexts.place().target_user.as_deref(), Some("b"));
}

#[derive(Clone, Debug)]
enum Step {
    Committed(String),
    Line(String),
    Title(String),
    Cwd(String),
    Remote(String, String),
    Start(String, Vec<(String, String)>),
    End(String),
    Process(u32, Option<String>, Vec<String>),
    Prompt(String),
    EndOfInput,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        r"\PC{0,24}",
        prop::sample::select(vec![
            "bob@web-1:~$ ",
            "root@web-1:/# ",
            "alice@laptop:~$ ",
            "$ ",
            "# ",
            "❯ ",
            "exit",
            "logout",
            "sudo -i",
            "su bob",
            "ssh bob@web-1",
            "exec bash",
            "bash",
            "docker exec -it c sh",
            "docker run -it i",
            "tmux a",
            "ls",
            "sudo -i; exit",
            "su: Authentication failure",
            "Connection to web-1 closed.",
            "Connection to c closed.",
            "Last login: x",
            "There are stopped jobs.",
            "[exited]",
            "bob@web-1: ~",
            "PS1=x",
            "machinectl shell bob@c",
            "web-1",
            "bob",
            "root",
        ])
        .prop_map(str::to_owned),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => text().prop_map(Step::Committed),
        4 => text().prop_map(Step::Prompt),
        2 => text().prop_map(Step::Line),
        1 => text().prop_map(Step::Title),
        1 => text().prop_map(Step::Cwd),
        1 => (text(), text()).prop_map(|(user, host)| Step::Remote(user, host)),
        1 => ("[ab]", prop::sample::select(vec!["elevate", "container", "shell", "remote", "x"]), text())
            .prop_map(|(id, kind, user)| Step::Start(id, vec![("type".into(), kind.into()), ("targetuser".into(), user)])),
        1 => "[ab]".prop_map(Step::End),
        2 => (0..2u32, prop::option::of("(root|bob|alice)"), text()).prop_map(|(uid, user, argv)| {
            Step::Process(uid, user, argv.split(' ').map(Into::into).collect())
        }),
        1 => Just(Step::EndOfInput),
    ]
}

proptest! {
    #[test]
    fn any_sequence_of_calls_is_borne(steps in prop::collection::vec(step(), 0..80)) {
        let mut contexts = Contexts::new(Some("web-1".into()), None);
        for step in steps {
            match step {
                Step::Committed(command) => contexts.committed(&command),
                Step::Line(line) => contexts.output_line(&line),
                Step::Title(title) => contexts.title(&title),
                Step::Cwd(host) => contexts.cwd(&host, "/"),
                Step::Remote(user, host) => contexts.remote_host(&user, &host),
                Step::Start(id, fields) => contexts.context_start(&id, &fields),
                Step::End(id) => contexts.context_end(&id),
                Step::Process(uid, user, argv) => contexts.process(uid, user.as_deref(), None, &argv),
                Step::Prompt(prompt) => contexts.prompt(&prompt),
                Step::EndOfInput => contexts.end_of_input(),
            }
            prop_assert!((1..=MAX_DEPTH).contains(&contexts.depth()));
            contexts.place();
        }
    }

    /// Nobody moves without a prompt.
    #[test]
    fn commands_and_lines_alone_move_nobody(texts in prop::collection::vec((any::<bool>(), text()), 0..30)) {
        let mut contexts = Contexts::new(Some("web-1".into()), Some("alice".into()));
        contexts.prompt("alice@vm:~$ ");
        let place = contexts.place();
        for (command, text) in texts {
            if command { contexts.committed(&text) } else { contexts.output_line(&text) }
        }
        prop_assert_eq!(contexts.place(), place);
    }

    /// In and out again, through any hops with prompts that tell, one is where one was.
    #[test]
    fn who_leaves_comes_back(hops in prop::collection::vec(0..5usize, 1..12)) {
        let mut contexts = Contexts::new(Some("web-1".into()), Some("alice".into()));
        let mut prompts = vec!["alice@vm:~$ ".to_owned()];
        contexts.prompt(&prompts[0]);
        let mut places = Vec::new();
        for (at, hop) in hops.iter().enumerate() {
            let (command, prompt) = match hop {
                0 => (format!("su user{at}"), format!("user{at}@vm:~$ ")),
                1 => (format!("ssh user{at}@host{at}"), format!("user{at}@host{at}:~$ ")),
                2 => ("bash".to_owned(), prompts.last().unwrap().clone()),
                3 => (format!("docker exec -it box{at} sh"), "/ # ".to_owned()),
                _ => (format!("sudo -iu other{at}"), format!("other{at}@h:/x$ ")),
            };
            places.push(contexts.place());
            contexts.committed(&command);
            contexts.prompt(&prompt);
            prompts.push(prompt);
        }
        while let Some(place) = places.pop() {
            prompts.pop();
            contexts.committed("exit");
            contexts.prompt(prompts.last().unwrap());
            let back = contexts.place();
            prop_assert_eq!((back.target, back.target_user), (place.target, place.target_user));
        }
    }
}
