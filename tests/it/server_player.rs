//! Recordings as a browser's player takes them from the audit server: an index, and parts of it.

use casemate_tests::{LONG, World, wait_until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::in_both;

/// A recording of some mebibytes: lines of colours, one each tenth of a second.
fn long() -> String {
    let mut text = json!({ "version": 2, "width": 80, "height": 24 }).to_string() + "\n";
    for number in 0..30_000_u32 {
        let line = format!("\x1b[3{}mline {number}\x1b[m of a build that says what it does\r\n", number % 8);
        text.push_str(&format!("[{}.{},\"o\",{}]\n", number / 10, number % 10, json!(line)));
    }
    text
}

#[test]
fn a_recording_is_played_in_parts_and_looked_at_once() {
    in_both(|server, world: &World| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        let (other, user) =
            (server.with_key(&administrator.key("Auditor")), server.with_key(&administrator.key("User")));
        let text = long();
        world.write("long.cast", text.as_bytes());
        world.casemate(&["convert", "long.cast", "long.cast.zst"]).run().success();
        for (form, bytes) in [("cast", text.into_bytes()), ("cast.zst", world.bytes("long.cast.zst"))] {
            let id = Uuid::now_v7().to_string();
            assert_eq!(agent.connect_as(&id, "alice@org.com", form).status, 201);
            let path = format!("session-recordings/{id}/player");
            let (mut at, mut so_far, mut given) = (0, 0.0, Vec::new());
            let nothing = administrator.get(&path);
            assert_eq!((nothing.status, nothing.json()["errorType"].as_str()), (503, Some("Later")));
            for piece in bytes.chunks(1 << 20) {
                let is_last = at + piece.len() == bytes.len();
                assert_eq!(agent.patch(&id, at, piece, is_last).status, 204);
                at += piece.len();
                // What there is of it is played at once; what was given out of it stays as it was.
                let index = wait_until("more of it", LONG, || {
                    let index = administrator.get(&path);
                    let index = (index.status == 200).then(|| index.json())?;
                    (index["duration"].as_f64()? > so_far).then_some(index)
                });
                assert!(is_last || index["isWhole"] == false, "{index}");
                so_far = index["duration"].as_f64().unwrap();
                let last = index["segments"].as_array().unwrap().last().unwrap();
                let url = format!("session-recordings/{id}/{}", last["url"].as_str().unwrap());
                let part = administrator.json(&url);
                assert_eq!(part["events"][0][0], last["start"], "{form}");
                assert_eq!(
                    part["events"].as_array().unwrap().last().unwrap()[0],
                    index["duration"],
                    "{form}"
                );
                given.push((url, part));
            }
            wait_until("all of it", LONG, || (administrator.json(&path)["isWhole"] == true).then_some(()));
            for (url, part) in given {
                assert_eq!(administrator.json(&url), part);
            }
            let looked = || {
                let events = administrator.json("events/subject?eventCount=1000");
                let of = |event: &&Value| {
                    event["serviceAction"] == "sessionrecordings:get" && event["resource"] == id.as_str()
                };
                events.as_array().unwrap().iter().filter(of).count()
            };
            // However somebody writes the id, it is the same recording that is looked at.
            let before = looked();
            for written in [id.to_uppercase(), id.replace('-', "")] {
                assert_eq!(administrator.get(&format!("session-recordings/{written}")).status, 200);
            }
            assert_eq!(looked(), before + 2);
            // What it does not know it refuses, and so do those beside it.
            for (what, method, query, wrong) in [
                ("player", "GET", "x=1&x=1", "`x`: there is no such parameter here"),
                ("player/0", "GET", "end=1&end=1", "`end`: it is there twice"),
                ("live", "GET", "x=1&x=1", "`x`: there is no such parameter here"),
                ("hold", "PUT", "x=1&x=1", "`x`: there is no such parameter here"),
                ("hold", "DELETE", "x=1", "`x`: there is no such parameter here"),
            ] {
                let url = format!("session-recordings/{id}/{what}?{query}");
                let body =
                    if method == "PUT" { json!({ "reason": "a case" }).to_string() } else { String::new() };
                let json = [("content-type", "application/json")];
                let refused = administrator.send(method, &url, &json, body.as_bytes());
                assert!(refused.status == 400 && refused.text.contains(wrong), "{url}: {}", refused.text);
            }
            assert!(administrator.json(&format!("session-recordings/{id}/details"))["hold"].is_null());
            let before = looked();
            let index = administrator.json(&path);
            assert_eq!((&index["version"], &index["duration"]), (&json!(1), &json!(2999.9)));
            assert_eq!(index["term"], json!({ "cols": 80, "rows": 24 }));
            let segments = index["segments"].as_array().unwrap();
            assert!(segments.len() > 4, "{index}");
            let mut outputs = String::new();
            for segment in segments {
                let part = administrator
                    .json(&format!("session-recordings/{id}/{}", segment["url"].as_str().unwrap()));
                assert_eq!(part["events"][0][0], segment["start"], "{form}");
                let events = part["events"].as_array().unwrap();
                let output = events.iter().filter(|event| event[1] == "o");
                output.for_each(|event| outputs.push_str(event[2].as_str().unwrap()));
            }
            assert_eq!((outputs.matches("\r\n").count(), outputs.contains("line 29999")), (30_000, true));
            assert_eq!(looked(), before + 1);

            // Without a ticket, and with one of somebody else, each part is a look.
            let url = segments[1]["url"].as_str().unwrap();
            assert_eq!(administrator.get(&format!("{path}/1")).status, 200);
            assert_eq!(other.get(&format!("session-recordings/{id}/{url}")).status, 200);
            assert_eq!(looked(), before + 3);
            assert_eq!(agent.get(&format!("session-recordings/{id}/{url}")).status, 403);
            // Whose it is not learns nothing, and stands in the log as refused.
            assert_eq!(user.get(&path).status, 404);
            let refused = administrator.json("events/subject?evaluation=false");
            let refused = refused[0]["resource"] == id.as_str() && refused[0]["subjectName"] != "agent";
            assert!(refused, "{form}");
            assert_eq!(administrator.get(&format!("{path}/99")).status, 404);

            let deleted =
                administrator.send("DELETE", &format!("session-recordings/{id}?reason=old"), &[], &[]);
            assert_eq!(deleted.status, 204);
            assert_eq!(administrator.get(&path).status, 410);
            assert_eq!(administrator.get(&format!("session-recordings/{id}/{url}")).status, 410);
        }
    });
}

#[test]
fn what_is_no_recording_is_not_played() {
    in_both(|server, _| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1"));
        let id = Uuid::now_v7().to_string();
        assert_eq!(agent.connect_as(&id, "alice@org.com", "cast").status, 201);
        assert_eq!(agent.patch(&id, 0, b"", true).status, 204);
        wait_until("that it is none", LONG, || {
            let answer = administrator.get(&format!("session-recordings/{id}/player"));
            assert!([409, 503].contains(&answer.status), "{}", answer.text);
            (answer.status == 409).then_some(())
        });
    });
}
