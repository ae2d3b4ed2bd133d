//! What the audit server says of its own API, held against it by a program that makes up calls from it: no call is
//! answered with a fault of the server, and each answer is as it was said.

use std::process::Command;

use casemate_tests::{AuditServer, World, tools};

/// How long it makes up calls.
const SECONDS: &str = "45";

/// What the description promises of answers, whatever is asked.
const PROMISED: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Paths that are left out: streams that do not end, bytes of a form that the program knows nothing of, and what would take
/// its own key away.
const LEFT_OUT: [&str; 6] = [
    "/api/v2/events/tail",
    "/api/v2/session-recordings/{id}/live",
    "/api/v2/ingest/recordings/{id}",
    "/api/v2/api-keys/{id}",
    "/api/v2/subjects/{id}",
    "/api/v2/users/{id}",
];

#[test]
fn the_api_is_as_it_says() {
    let program = tools::cache().join("schemathesis/bin/schemathesis");
    if !program.exists() {
        tools::left_out("schemathesis is not installed in target/tools; ./test does that");
        return;
    }
    let world = World::new();
    let mut server = AuditServer::start(&world.path("server"), None);
    let secret = server.administrator().key("Administrator");
    let mut command = Command::new(program);
    command.current_dir(world.path("")).arg("run").arg(format!("{}/api/v2/openapi.json", server.address));
    command.args(["--no-color", "--warnings", "off", "--max-time", SECONDS, "-c", PROMISED]);
    command.arg("-H").arg(format!("X-API-KEY: {secret}"));
    for path in LEFT_OUT {
        command.args(["--exclude-path", path]);
    }
    let run = command.output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("Tested: "), "{said}");
    assert!(server.end(), "it ends in order");
}
