//! Programs that read lines as shells do, and are none: their lines are kept apart.

use casemate_tests::Typist;
use casemate_tests::typist::keys::{BACKSPACE, UP, control};

use crate::scene::{Scene, Shell};

fn bash(name: &'static str, play: fn(&mut Typist)) -> Scene {
    Scene::new(name, Shell::Bash, "$ ", play)
}

pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        bash("repl-python", python).needs(&["python3"]),
        bash("repl-python-lines", python_lines).needs(&["python3"]),
        Scene::new("repl-python-from-zsh", Shell::Zsh, "% ", python).needs(&["python3"]),
        bash("repl-python-input", python_input).needs(&["python3"]).file("ask.py", ASK),
        bash("repl-sqlite", sqlite).needs(&["sqlite3"]),
        bash("repl-node", node).needs(&["node"]),
        bash("repl-bc", bc).needs(&["bc"]),
        bash("repl-gdb", gdb).needs(&["gdb"]),
        bash("repl-perl-debugger", perl).needs(&["perl"]),
        Scene::new("repl-same-prompt-as-shell", Shell::Bash, ">>> ", same_prompt)
            .rc("PS1='>>> '")
            .needs(&["python3"]),
        bash("repl-own-prompt", own_prompt).file("ledger", LEDGER),
        bash("repl-ed", ed).needs(&["ed"]),
        bash("repl-sftp", sftp).sshd(),
        bash("repl-psql-like", psql_like).file("harbourdb", PSQL),
    ]
}

const ASK: &str = "\
name = input('Name of the ship: ')
if input('Is she seaworthy? [y/N] ') == 'y':
    print(name, 'may leave')
else:
    print(name, 'stays')
";
const LEDGER: &str = "\
#!/usr/bin/env python3
import readline
while True:
    try:
        line = input('ledger> ')
    except EOFError:
        break
    if line == 'quit':
        break
    print('noted:', line)
";
const PSQL: &str = "\
#!/usr/bin/env python3
import readline
prompt, text = 'harbour=# ', ''
while True:
    try:
        line = input(prompt)
    except EOFError:
        break
    if line == '\\\\q':
        break
    text += line
    if text.endswith(';'):
        print(' count \\n-------\\n     3\\n(1 row)\\n')
        prompt, text = 'harbour=# ', ''
    else:
        prompt = 'harbour-# '
";

fn told(t: &mut Typist, program: &str, line: &str, ready: &str) {
    t.tell(program, line);
    t.settle();
    t.ask(ready);
}

fn python(t: &mut Typist) {
    t.run("echo before");
    t.start("python3 -q");
    t.ask(">>> ");
    told(t, "python3", "depth = 6 * 7", ">>> ");
    told(t, "python3", "print('depth', depth)", ">>> ");
    t.text("imprt");
    t.times(2, BACKSPACE);
    t.text("ort math");
    t.press_enter();
    t.label_program("python3", "import math");
    t.settle();
    t.keys(&[UP, UP]);
    t.press_enter();
    t.label_program("python3", "print('depth', depth)");
    t.settle();
    told(t, "python3", "1/0", ">>> ");
    t.tell("python3", "exit()");
    t.ready();
    t.run("echo after");
}

fn python_lines(t: &mut Typist) {
    t.start("python3");
    t.ask(">>> ");
    t.tell("python3", "def sail(to):");
    t.ask("... ");
    t.tell("python3", "    return 'to ' + to");
    t.ask("... ");
    t.press_enter();
    t.settle();
    t.ask(">>> ");
    told(t, "python3", "sail('port')", ">>> ");
    told(t, "python3", "import os; os.system('echo from the shell below')", ">>> ");
    t.keys(&[control('d')]);
    t.ready();
    t.run("python3 -c 'print(1 + 1)'");
    t.run("ls");
}

fn python_input(t: &mut Typist) {
    t.start("python3 ask.py");
    t.ask("ship: ");
    t.tell("python3", "Petrel");
    t.ask("[y/N] ");
    t.tell("python3", "y");
    t.ready();
    t.run("echo left");
    t.start("python3 ask.py");
    t.ask("ship: ");
    t.tell("python3", "rm -rf /");
    t.ask("[y/N] ");
    t.keys(&[control('c')]);
    t.ready();
    t.run("echo right");
}

fn sqlite(t: &mut Typist) {
    t.start("sqlite3 harbour.db");
    t.ask("sqlite> ");
    told(t, "sqlite3", "create table ship(name text, berth int);", "sqlite> ");
    t.tell("sqlite3", "insert into ship values('petrel', 3),");
    t.ask("...> ");
    told(t, "sqlite3", "  ('albatross', 4);", "sqlite> ");
    told(t, "sqlite3", "select * from ship where berth > 3;", "sqlite> ");
    told(t, "sqlite3", ".tables", "sqlite> ");
    t.tell("sqlite3", ".quit");
    t.ready();
    t.run("sqlite3 harbour.db 'select count(*) from ship'");
    t.run("rm harbour.db");
}

fn node(t: &mut Typist) {
    t.start("node");
    t.ask("> ");
    told(t, "node", "const knots = 12", "> ");
    told(t, "node", "knots * 2", "> ");
    told(t, "node", "[1, 2, 3].map(n => n * knots)", "> ");
    t.tell("node", ".exit");
    t.ready();
    t.run("node -e 'console.log(7)'");
    t.run("echo done");
}

fn bc(t: &mut Typist) {
    t.start("bc -q");
    t.settle_quietly();
    t.tell("bc", "6 * 7");
    t.see("\n42");
    t.tell("bc", "2 ^ 10");
    t.see("\n1024");
    t.tell("bc", "quit");
    t.ready();
    t.run("echo '3 + 4' | bc");
}

fn gdb(t: &mut Typist) {
    t.start("gdb -q -nx");
    t.ask("(gdb) ");
    told(t, "gdb", "print 6 * 7", "(gdb) ");
    told(t, "gdb", "info breakpoints", "(gdb) ");
    t.tell("gdb", "quit");
    t.ready();
    t.run("echo out of the debugger");
}

fn perl(t: &mut Typist) {
    t.start("perl -de0");
    t.ask("DB<1> ");
    told(t, "perl", "print 6 * 7, \"\\n\"", "DB<2> ");
    told(t, "perl", "p 'ahoy'", "DB<3> ");
    t.tell("perl", "q");
    t.ready();
    t.run("perl -e 'print \"one line\\n\"'");
}

fn same_prompt(t: &mut Typist) {
    t.run("echo shell");
    t.start("python3 -q");
    t.settle();
    told(t, "python3", "print('not a shell')", ">>> ");
    t.tell("python3", "quit()");
    t.settle();
    t.ready();
    t.run("echo shell again");
}

fn own_prompt(t: &mut Typist) {
    t.start("./ledger");
    t.ask("ledger> ");
    told(t, "ledger", "12 herring", "ledger> ");
    told(t, "ledger", "ls -l", "ledger> ");
    t.tell("ledger", "quit");
    t.ready();
    t.run("ls -l ledger");
}

fn ed(t: &mut Typist) {
    t.start("ed -p '* ' log");
    t.ask("* ");
    t.tell("ed", "a");
    t.settle();
    t.tell("ed", "06:00 cast off");
    t.settle();
    t.tell("ed", ".");
    t.ask("* ");
    t.tell("ed", "wq");
    t.ready();
    t.run("cat log");
}

fn sftp(t: &mut Typist) {
    t.run("echo payload > cargo.txt");
    t.start("sftp -q tern");
    t.ask("sftp> ");
    told(t, "sftp", "pwd", "sftp> ");
    told(t, "sftp", "put cargo.txt landed.txt", "sftp> ");
    told(t, "sftp", "ls landed.txt", "sftp> ");
    t.tell("sftp", "bye");
    t.ready();
    t.run("cat landed.txt");
}

fn psql_like(t: &mut Typist) {
    t.start("./harbourdb");
    t.ask("harbour=# ");
    told(t, "harbourdb", "select count(*) from berths;", "harbour=# ");
    t.tell("harbourdb", "select name");
    t.ask("harbour-# ");
    told(t, "harbourdb", "  from berths;", "harbour=# ");
    t.tell("harbourdb", "\\q");
    t.ready();
    t.run("echo closed");
}
