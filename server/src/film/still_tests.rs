//! Stills, one after the other: who waits for whom, and what is made again.

use std::sync::Arc;
use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_store::{Batch, Chunk, Form, KeptScene, Mark, NewRecording, Recording};
use uuid::Uuid;

use super::Maker;
use super::look::made;
use super::still::{TEXT, still};
use super::stills::{Still, WHILE};
use crate::Server;
use crate::app::App;
use crate::config::Config;

const HEADER: &str = "{\"version\":2,\"width\":80,\"height\":24}\n";

/// So long is looked whether somebody waits.
const PATIENCE: Duration = Duration::from_secs(10);

async fn app(folder: &tempfile::TempDir) -> App {
    let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
    Server::open(config, folder.path().join("data")).await.unwrap().app().clone()
}

async fn begun(app: &App) -> Uuid {
    let id = Uuid::now_v7();
    let (subject_id, created) = ("alice".into(), Time::now());
    let recording = NewRecording { id, form: Form::Cast, subject_id, created, input_recorded: false };
    app.recordings.create(&recording).await.unwrap();
    id
}

async fn write(app: &App, id: Uuid, text: &str) -> Recording {
    let offset = app.recordings.find(id).await.unwrap().size;
    let chunks = vec![Chunk { recording: id, offset, bytes: text.to_owned().into() }];
    app.journal.write(Batch { chunks, ..Batch::default() }).await.unwrap();
    app.recordings.find(id).await.unwrap()
}

/// The scene that it begins with is at hand then, and no more.
async fn has_a_scene(app: &App, id: Uuid) {
    let mut maker = Maker::new(Form::Cast, Time::now()).unwrap();
    maker.feed(HEADER.as_bytes()).unwrap();
    let scene = maker.next_scene().unwrap();
    let place = serde_json::to_string(&scene.place).unwrap();
    let scene = KeptScene { number: 0, start: 0, place, screen: scene.screen };
    app.recordings.add_scenes(id, &[scene]).await.unwrap();
}

async fn whole(app: &App) -> Recording {
    let id = begun(app).await;
    write(app, id, &format!("{HEADER}[0.5,\"o\",\"whole\"]\n")).await;
    app.recordings.complete(id, Time::now()).await.unwrap();
    let recording = app.recordings.find(id).await.unwrap();
    app.films.want(app, id, Uuid::now_v7()).unwrap();
    while made(app, &recording).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    recording
}

async fn soon(app: &App, recording: &Recording) -> Option<Still> {
    tokio::time::timeout(PATIENCE, still(app, recording)).await.expect("nobody waits").unwrap()
}

fn shows(still: &Still, text: &str) -> bool {
    String::from_utf8_lossy(&still.picture).contains(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_on_costs_little_and_keeps_nothing_complete_from_being_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder).await;
    let (whole, open) = (whole(&app).await, begun(&app).await);
    let recording = write(&app, open, &format!("{HEADER}[0.5,\"o\",\"first\"]\n")).await;
    has_a_scene(&app, open).await;
    let longer = write(&app, open, "[0.6,\"o\",\"\\u001b[2Jsecond\"]\n").await;
    let first = soon(&app, &recording).await.unwrap();
    assert!(shows(&first, "first") && first.size == recording.size);
    // From here on another has the turn of what goes on.
    let turn = app.films.screens.acquire().await.unwrap();
    let recording = longer;
    assert_eq!(soon(&app, &recording).await, Some(first));
    assert!(shows(&soon(&app, &whole).await.unwrap(), "whole"));
    tokio::time::sleep(WHILE).await;
    drop(turn);
    let second = soon(&app, &recording).await.unwrap();
    assert!(shows(&second, "second") && second.size == recording.size);
    // What is far from a scene is looked at once, however it grows.
    let line = format!("[0.7,\"o\",\"{}\"]\n", "x".repeat(1000));
    let mut recording = write(&app, open, &line.repeat(TEXT / line.len() + 1)).await;
    tokio::time::sleep(WHILE).await;
    assert_eq!(soon(&app, &recording).await, None);
    let _turn = app.films.screens.acquire().await.unwrap();
    for _ in 0..3 {
        assert_eq!(soon(&app, &recording).await, None);
        recording = write(&app, open, "[0.8,\"o\",\"more\"]\n").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_waited_looks_whether_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder).await;
    let open = begun(&app).await;
    let recording = write(&app, open, &format!("{HEADER}[0.5,\"o\",\"first\"]\n")).await;
    has_a_scene(&app, open).await;
    let turn = app.films.screens.acquire().await.unwrap();
    let (other, of) = (app.clone(), recording.clone());
    let asked = tokio::spawn(async move { still(&other, &of).await.unwrap().unwrap() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!asked.is_finished());
    app.films.stills.keep(app.films.stills.begin(), &recording, "made by another".into());
    drop(turn);
    assert_eq!(asked.await.unwrap().picture, "made by another");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_is_deleted_while_it_is_drawn_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder).await;
    let whole = whole(&app).await;
    let turn = Arc::clone(&app.films.pictures).acquire_owned().await.unwrap();
    let (other, of) = (app.clone(), whole.clone());
    let asked = tokio::spawn(async move { still(&other, &of).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!asked.is_finished());
    let mark = Mark { time: Time::now(), by: "alice".into(), reason: String::new() };
    let forgetting = app.films.forgetting(whole.id);
    app.recordings.delete(whole.id, &mark).await.unwrap();
    drop(forgetting);
    drop(turn);
    asked.await.unwrap().unwrap();
    assert_eq!(app.films.stills.find(&whole), None);
}
