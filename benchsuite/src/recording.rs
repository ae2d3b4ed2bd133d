//! Whether a recording is complete: the output in it, read by this program's own few lines and not
//! by casemate's reader, which might share a fault with casemate's writer.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::workload::Digest;

/// What an asciicast holds, as far as completeness goes.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) output: Digest,
    /// The text of the `x` event, if there is one.
    pub(crate) exit: Option<String>,
}

/// Reads an asciicast v2 or v3; one that ends in `.zst` through the official `zstd`.
pub(crate) fn read(path: &Path) -> Result<Contents> {
    if path.extension().is_none_or(|extension| extension != "zst") {
        return parse(BufReader::with_capacity(1 << 18, File::open(path)?));
    }
    let mut zstd =
        Command::new("zstd").arg("-dcq").arg(path).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = zstd.stdout.take().context("no pipe")?;
    let contents = parse(BufReader::with_capacity(1 << 18, stdout));
    let status = zstd.wait()?;
    ensure!(status.success(), "`zstd -dc` says that the file is damaged");
    contents
}

fn parse(mut reader: impl BufRead) -> Result<Contents> {
    let mut header = String::new();
    reader.read_line(&mut header)?;
    ensure!(header.starts_with('{') && header.contains("\"version\""), "no header");
    let mut contents = Contents { output: Digest::new(), exit: None };
    let mut line = Vec::new();
    for number in 2_u64.. {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.starts_with(b"#") {
            continue;
        }
        let (_, code, data): (f64, String, String) =
            serde_json::from_slice(&line).with_context(|| format!("line {number}"))?;
        match code.as_str() {
            "o" => contents.output.update(data.as_bytes()),
            "x" => contents.exit = Some(data),
            // The workloads are valid UTF-8, so that each of these says that something went wrong.
            "bytes" | "gap" => bail!("line {number}: `{code}` event"),
            _ => {}
        }
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(text: &str) -> Digest {
        let mut digest = Digest::new();
        digest.update(text.as_bytes());
        digest
    }

    #[test]
    fn output_is_joined_and_all_else_left_out() {
        let cast = "{\"version\":3}\n[0.1,\"o\",\"a\\r\"]\n# note\n[0.1,\"i\",\"zz\"]\n[0,\"o\",\"\\né\"]\n[0,\"x\",\"0\"]\n";
        let contents = parse(cast.as_bytes()).unwrap();
        assert_eq!(contents, Contents { output: expected("a\r\né"), exit: Some("0".to_owned()) });
    }

    #[test]
    fn damage_is_an_error() {
        for cast in [
            "",
            "[0,\"o\",\"a\"]\n",
            "{\"version\":2}\n[0.1,\"o\",\"a",
            "{\"version\":2}\n[1,\"gap\",\"{}\"]\n",
        ] {
            assert!(parse(cast.as_bytes()).is_err(), "{cast}");
        }
    }
}
