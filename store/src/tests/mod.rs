//! Tests of the whole store: folders of recordings in, what is found out.

mod changes;
mod opening;
mod place;
mod searching;
mod stopping;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use casemate_cast_format::segment::UnpackerConfig;
use casemate_cast_format::{Code, Item, Micros};
use casemate_command_log::CommandEvent;
use casemate_terminal::Sightings;
use tempfile::TempDir;

use crate::recording::{Deriver, Input, ReadError, Strictness, Taker, Wish};
use crate::{Store, Updated};

/// A folder of recordings, and an index beside it.
struct World {
    folder: TempDir,
    store: Store,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("evidence")).unwrap();
        let evidence = [folder.path().join("evidence")];
        let store = Store::open(&folder.path().join("index.db"), &evidence).unwrap();
        Self { folder, store }
    }

    fn evidence(&self) -> PathBuf {
        self.folder.path().join("evidence")
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.evidence().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn update(&mut self) -> Updated {
        let evidence = self.evidence();
        self.store.update(&[evidence], &mut |_| {}).unwrap()
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// A recording of somebody who gives commands, one a second; each puts out a line with its name.
fn session(commands: &[&str]) -> String {
    let mut cast = String::from("{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1700000000}\n");
    let mut now = 0.5;
    let mut output = |text: &str| {
        cast.push_str(&format!("[{now}, \"o\", {}]\n", serde_json::to_string(text).unwrap()));
        now += 0.25;
    };
    output("alice@web-1:~$ ");
    for command in commands {
        output(command);
        output("\r\n");
        output(&format!("this is what {command} says\r\n"));
        output("alice@web-1:~$ ");
    }
    cast
}

/// What is in a recording, read without an index.
#[derive(Default)]
struct Direct {
    commands: Vec<CommandEvent>,
    lines: Vec<(Micros, String)>,
}

struct Reader<'a> {
    deriver: Deriver<'a>,
    sightings: Option<Sightings>,
    direct: Direct,
}

impl Taker for Reader<'_> {
    type Error = ReadError;

    fn item(&mut self, item: Item<'_>) -> Result<(), ReadError> {
        let Self { deriver, sightings, direct } = self;
        let mut sink = |sighting: casemate_terminal::Sighting<'_>| {
            direct
                .lines
                .push((Micros(sighting.time.as_micros().try_into().unwrap()), sighting.text.to_owned()));
        };
        match (&item, sightings) {
            (Item::Header(header), sightings) => {
                let (cols, rows) = header.size.cells();
                *sightings = Some(Sightings::new(cols, rows).for_term(header.terminal()));
            }
            (Item::Event(event), Some(sightings)) => {
                let time = Duration::from_micros(event.time.0);
                if event.code == Code::Output {
                    sightings.feed(time, event.data.decode().as_bytes(), &mut sink);
                } else if let Some(size) = event.size() {
                    sightings.resize(
                        time,
                        size.cols.try_into().unwrap(),
                        size.rows.try_into().unwrap(),
                        &mut sink,
                    );
                }
            }
            _ => {}
        }
        let commands = &mut self.direct.commands;
        deriver.item(&item, &mut |record| {
            commands.push(record.event);
            Ok(())
        })
    }
}

fn direct(path: &Path) -> Direct {
    let wish = Wish::default();
    let mut reader =
        Reader { deriver: Deriver::new(&wish, None), sightings: None, direct: Direct::default() };
    Input::open(path).unwrap().read(UnpackerConfig::default(), Strictness::Collect, &mut reader).unwrap();
    let Reader { mut deriver, sightings, mut direct } = reader;
    deriver
        .finish(&mut |record| {
            direct.commands.push(record.event);
            Ok::<(), ReadError>(())
        })
        .unwrap();
    sightings.unwrap().finish(&mut |sighting| {
        direct.lines.push((Micros(sighting.time.as_micros().try_into().unwrap()), sighting.text.to_owned()));
    });
    direct
}
