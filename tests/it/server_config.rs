//! How an audit server is set up: on a machine with nothing configured, by its configuration, with a certificate of its own.

use std::time::{Duration, Instant};

use casemate_tests::{AuditServer, World, need};
use serde_json::json;

#[test]
fn it_is_ready_in_less_than_a_second() {
    let world = World::new();
    let took = (0..3).map(|number| {
        let begin = Instant::now();
        let server = AuditServer::start(&world.path(&format!("server-{number}")), None);
        assert!(server.address.starts_with("http://127.0.0.1:") && server.link.is_some());
        begin.elapsed()
    });
    let took = took.min().unwrap();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_configuration_is_checked_before_anything_is_made() {
    let world = World::new();
    world.write("server.toml", "listen = \"127.0.0.1:7000\"\ndata = \"kept\"\n");
    let check = |file: &str| world.casemate(&["serve", "--config", file, "--check"]).run();
    let said = check("server.toml").success().text();
    assert!(said.contains("http://127.0.0.1:7000") && said.contains("kept"), "{said}");
    assert!(!world.path("kept").exists());
    world.write("wrong.toml", "[sign-in]\nhour = 12\n");
    let said = check("wrong.toml").fails("`wrong.toml` is no configuration");
    assert!(said.stderr.contains("hour"), "{}", said.stderr);
    check("none.toml").fails("cannot read `none.toml`");
}

#[test]
fn whoever_has_signed_in_has_a_cookie_that_no_script_reads() {
    let world = World::new();
    let server = AuditServer::start(&world.path("server"), None);
    let administrator = server.administrator();
    assert_eq!(administrator.get("me").status, 200);
    let said = json!({ "email": "admin@org.com", "password": casemate_tests::PASSWORD });
    let answer = server.nobody().post("sign-in", &said);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
}

#[test]
fn what_is_said_over_tls_is_said_to_the_owner_of_the_certificate() {
    need!("openssl");
    let world = World::new();
    let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=audit \
        -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.pem \
        && cp server.pem other.pem && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=audit -addext subjectAltName=IP:127.0.0.1 -keyout other.key -out other.pem";
    world.script(script).run().success();
    let folder = world.path("server");
    let key = {
        let server = AuditServer::start(&folder, None);
        server.administrator().key("Auditor")
    };
    world.write("key", key + "\n");
    let (certificate, private) = (world.path("server.pem"), world.path("server.key"));
    world.write("server.toml", format!("[tls]\ncertificate = {certificate:?}\nkey = {private:?}\n"));
    let config = world.path("server.toml").display().to_string();
    let server = AuditServer::start_with(&folder, None, &["--config", &config]);
    assert!(server.address.starts_with("https://127.0.0.1:"), "{}", server.address);
    let log = |address: &str, ca: &str| {
        let args = ["log", "user-events", "--server", address, "--key-file", "key", "--ca", ca];
        world.casemate(&args).run()
    };
    let said = log(&server.address, "server.pem").success();
    assert!(said.text().contains("subjects:setup"), "{}", said.text());
    assert!(!said.stderr.contains("can be read on the way"), "{}", said.stderr);
    log(&server.address, "other.pem").exits(1);
    log(&server.address.replace("https", "http"), "server.pem").exits(1);
}
