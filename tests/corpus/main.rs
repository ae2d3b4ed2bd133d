//! Makes the recordings in `fixtures/commands`: real shells, somebody who types, and the truth beside them.
//!
//! ```text
//! cargo run --release -p casemate-tests --bin corpus              every session anew
//! cargo run --release -p casemate-tests --bin corpus -- zsh su    those whose names begin so
//! ```
//!
//! It needs root, for each session is played on a machine of its own (see [`stage`]), and the packages that
//! `corpus/packages` lists. Each session is recorded by the real `casemate rec -I`; beside `NAME.cast.zst`
//! stands `NAME.truth.jsonl`, one label a line. A session whose labels are not what the shells themselves
//! remember (see [`history`]) is not taken.
//!
//! *Not here*: how well commands are found; `it/score.rs` measures that.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool of developers talks on its terminal")]

mod history;
mod scene;
mod scenes;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use casemate_tests::{Cast, Typist, World, casemate, tools};

use scene::{Scene, Shell};
use stage::Stage;

/// Sessions at a time. Each sleeps nearly always, but more would disturb each other's rhythm.
const JOBS: usize = 6;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let all = scenes::all();
    match args.first().map(String::as_str) {
        Some("--play") if args.len() == 3 => {
            let scene = all.iter().find(|scene| scene.name == args[1]).expect("main names a scene");
            play(scene, Path::new(&args[2]))
        }
        Some("--list") => {
            all.iter().for_each(|scene| println!("{}", scene.name));
            ExitCode::SUCCESS
        }
        Some("--into") if args.len() >= 2 => produce(&all, Path::new(&args[1]), &args[2..]),
        Some(option) if option.starts_with('-') => {
            eprintln!("usage: corpus [--list | --into FOLDER] [BEGINNING OF A NAME]...");
            ExitCode::from(2)
        }
        Some(_) | None => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/commands");
            produce(&all, &folder, &args)
        }
    }
}

/// Plays the scenes whose names begin with one of `names`, or all, each behind its own `unshare`.
fn produce(all: &[Scene], folder: &Path, names: &[String]) -> ExitCode {
    let wanted = |scene: &&Scene| names.is_empty() || names.iter().any(|name| scene.name.starts_with(name));
    let scenes: Vec<_> = all.iter().filter(wanted).collect();
    fs::create_dir_all(folder).expect("make the folder of the recordings");
    let folder = fs::canonicalize(folder).expect("the folder is there");
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // Built here: behind `unshare` there is no network and another home.
    let program = casemate();
    thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                while let Some(scene) = scenes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = apart(scene, &folder, program) {
                        println!("{}: {why}", scene.name);
                        failed.lock().expect("nobody panics with it").push(scene.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("all have ended");
    println!("{} of {} sessions made", scenes.len() - failed.len(), scenes.len());
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("not made: {}", failed.join(" "));
        ExitCode::FAILURE
    }
}

/// Plays one scene in namespaces of its own.
fn apart(scene: &Scene, folder: &Path, program: &Path) -> Result<(), String> {
    let lacks = |tool: &&&str| tools::find(tool).is_none() && !Path::new(*tool).exists();
    let lacking: Vec<_> = [scene.args[0]].iter().chain(scene.needs).filter(lacks).copied().collect();
    if !lacking.is_empty() {
        return Err(format!("needs {}", lacking.join(", ")));
    }
    let this = std::env::current_exe().map_err(|err| err.to_string())?;
    let output = Command::new("unshare")
        .args(["--mount", "--uts", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(this)
        .args(["--play", scene.name])
        .arg(folder)
        .env("CASEMATE_BIN", program)
        .output()
        .map_err(|err| format!("unshare: {err}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

fn play(scene: &Scene, folder: &Path) -> ExitCode {
    let stage = Stage::set(scene);
    let world = World::new();
    let session = stage.start(&world, scene);
    let mut typist = Typist::new(session, scene.name, stage::HOST, scene.user, scene.ready);
    typist.ready();
    (scene.play)(&mut typist);
    let labels = if scene.ends_itself { typist.ended() } else { typist.finish() };
    let cast = Cast::read(stage::RECORDING);
    for (account, password) in stage::ACCOUNTS {
        assert!(!cast.text.contains(password), "the password of {account} is in the recording");
    }
    let start = cast.header["casemate"]["start_us"].as_u64().expect("the header says when it began");
    let mut truth = String::new();
    for label in labels.iter().filter(|label| !label.hidden) {
        truth.push_str(&label.truth(start).to_string());
        truth.push('\n');
    }
    let differences = if matches!(scene.shell, Shell::Dash | Shell::Posh) {
        history::typed_differences(&labels, &cast.input())
    } else if scene.remembers {
        history::differences(&labels)
    } else {
        Vec::new()
    };
    let keep = std::env::var_os("CORPUS_KEEP").is_some();
    if differences.is_empty() || keep {
        let path = |ending: &str| -> PathBuf { folder.join(format!("{}.{ending}", scene.name)) };
        let recording = fs::read(stage::RECORDING).expect("the recording is there");
        fs::write(path("cast.zst"), recording).expect("take the recording");
        fs::write(path("truth.jsonl"), truth).expect("take the labels");
    }
    if differences.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("the labels are not what the shells remember");
    for difference in differences {
        println!("  {difference}");
    }
    ExitCode::FAILURE
}
