//! Logins that begin, are found and end, in a folder of their own.

use super::*;
use crate::login::pam::When;
use std::os::unix::fs::PermissionsExt as _;

const NOW: u64 = 1_795_331_008_123_456;

struct Host {
    root: tempfile::TempDir,
    places: Places,
}

impl Host {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let places = Places::under(root.path());
        std::fs::create_dir_all(places.state.parent().unwrap()).unwrap();
        std::fs::create_dir_all(places.run.parent().unwrap()).unwrap();
        Self { root, places }
    }

    fn open(&self, account: &str) -> Opened {
        let pam = Pam {
            when: When::Open,
            account: account.into(),
            service: "sshd".into(),
            client: Some("192.0.2.1".into()),
            terminal: None,
            remote_user: None,
            authentications: b"password\n".to_vec(),
        };
        let opened = open(&self.places, &Config::parse("").unwrap(), &pam, NOW).unwrap();
        assert!(opened.failures.is_empty(), "{:?}", opened.failures);
        opened
    }

    fn find(&self) -> Vec<Login> {
        find_of(&self.places, rustix::process::geteuid().as_raw())
    }

    fn record(&self) -> std::path::PathBuf {
        self.places.logins().join(name(holder().unwrap()))
    }

    fn log(&self) -> Vec<Entry> {
        let day = std::fs::read_dir(self.places.log()).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(day).unwrap();
        text.lines().map(|line| serde_json::from_str::<log::Line>(line).unwrap().entry).collect()
    }
}

#[test]
fn a_login_is_found_by_what_descends_from_it() {
    let host = Host::new();
    let login = host.open("alice").login;
    assert_eq!((login.account.as_str(), login.pid), ("alice", std::os::unix::process::parent_id()));
    assert_eq!(login.authentications, [], "the tests are not run by sshd");
    assert_eq!(host.find(), std::slice::from_ref(&login));
    let mode = std::fs::metadata(host.record()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, RECORD_MODE);

    close(&host.places, NOW + 2_500_000).unwrap();
    assert_eq!(host.find(), []);
    let logout = Entry::Logout {
        account: "alice".into(),
        id: login.id.clone(),
        duration: Some(2.5),
        end: LoginEnd::Closed,
    };
    assert_eq!(host.log(), [Entry::Login(login), logout]);
    close(&host.places, NOW).unwrap();
    assert_eq!(host.log().len(), 2, "what has no record is closed without a word");
}

#[test]
fn a_login_is_found_by_its_audit_session_where_nobody_descends_from_it() {
    let host = Host::new();
    let opened = host.open("alice").login;
    let folder = open_folder(&host.places).unwrap();
    let owner = rustix::process::geteuid().as_raw();
    assert_eq!(beginning_of(&folder, 7, owner), None);
    // As of a process that is hidden, and began such a session.
    std::fs::remove_file(host.record()).unwrap();
    let login = Login { pid: 4_000_000, process_start: 5, audit_session: Some(7), ..opened };
    let name = host.places.logins().join("4000000-5.json");
    std::fs::write(&name, json::line(&login).unwrap()).unwrap();
    std::fs::set_permissions(&name, std::fs::Permissions::from_mode(RECORD_MODE)).unwrap();
    assert_eq!(beginning_of(&folder, 7, owner), Some(login));
    assert_eq!(beginning_of(&folder, 8, owner), None);
    // What others can write to proves nothing.
    std::fs::set_permissions(&name, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(beginning_of(&folder, 7, owner), None);
}

#[test]
fn of_logins_within_logins_the_nearest_is_first() {
    let host = Host::new();
    let near = host.open("root").login;
    let holder = Process::find(Process::line().nth(2).unwrap().pid).unwrap();
    let far = Login { account: "alice".into(), pid: holder.pid, process_start: holder.start, ..near.clone() };
    std::fs::write(host.places.logins().join(name(holder)), json::line(&far).unwrap()).unwrap();
    assert_eq!(host.find(), [near, far]);
}

#[test]
fn what_others_can_write_is_not_believed() {
    let host = Host::new();
    let login = host.open("alice").login;
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let record = host.record();
    for bad in [0o664, 0o646] {
        mode(&record, bad);
        assert_eq!(host.find(), [], "{bad:o}");
    }
    mode(&record, 0o644);
    mode(&host.places.logins(), 0o775);
    assert_eq!(host.find(), []);
    mode(&host.places.logins(), 0o755);
    assert_eq!(find_of(&host.places, 4711), [], "another's");

    let elsewhere = host.root.path().join("elsewhere");
    std::fs::rename(&record, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &record).unwrap();
    assert_eq!(host.find(), [], "a link");
    std::fs::remove_file(&record).unwrap();
    for bad in ["", "{}", "null", "\u{fffd}"] {
        std::fs::write(&record, bad).unwrap();
        assert_eq!(host.find(), [], "{bad}");
    }
    std::fs::write(&record, json::line(&Login { process_start: 1, ..login }).unwrap()).unwrap();
    assert_eq!(host.find(), [], "the record of another process");
}

#[test]
fn logins_that_were_not_closed_are_ended_by_the_next() {
    let host = Host::new();
    let lost = host.open("alice").login;
    let record = host.record();
    let gone = host.places.logins().join(format!("{}-1.json", lost.pid));
    std::fs::remove_file(&record).unwrap();
    std::fs::write(&gone, json::line(&Login { process_start: 1, ..lost.clone() }).unwrap()).unwrap();
    let unfinished = host.places.logins().join(format!(".{}-2.json", lost.pid));
    std::fs::write(&unfinished, "{").unwrap();

    let next = host.open("bob").login;
    let end =
        Entry::Logout { account: "alice".into(), id: lost.id.clone(), duration: None, end: LoginEnd::Lost };
    assert_eq!(host.log(), [Entry::Login(lost), end, Entry::Login(next)]);
    assert!(!gone.exists() && !unfinished.exists());
    assert!(record.exists());
}

#[test]
fn only_sshd_says_how_it_let_somebody_in() {
    for program in ["/usr/sbin/sshd", "/usr/lib/openssh/sshd-session", "/usr/sbin/sshd (deleted)"] {
        assert!(is_sshd(Path::new(program)), "{program}");
    }
    for program in ["/usr/bin/su", "/home/sshd/su", "/"] {
        assert!(!is_sshd(Path::new(program)), "{program}");
    }
}
