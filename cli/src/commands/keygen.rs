//! `casemate keygen`: makes a pair of keys to sign recordings with.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use casemate_cast_format::segment::hex;

use crate::failure::{About as _, Failure};
use crate::keys::{generate, private_pem, public_pem};
use crate::new_file::NewFile;
use crate::printer::{Printer, one_line};

/// Make a key to sign recordings with, and its public half
///
/// Writes an Ed25519 key as PKCS#8 PEM to FILE, which only you can read, and its public half to FILE.pub, which whoever
/// verifies needs. Neither replaces a file. The public key is printed as well, in hexadecimal. Hand it over by a way on
/// which nobody can exchange it who can change the recordings.
///
/// Who has the private key can sign anything. If the one who is recorded can read it, a signature does not prove
/// anything against them. Keep it where only the recorder can read it.
///
/// OpenSSL reads both files, and casemate reads OpenSSL's (`openssl genpkey -algorithm ed25519`).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate keygen audit.key
  casemate rec --sign-key audit.key audit.cast.zst
  casemate verify --key audit.key.pub audit.cast.zst")]
pub(crate) struct KeygenArgs {
    /// Where the private key goes; FILE.pub gets the public one
    #[arg(default_value = "casemate.key")]
    file: PathBuf,
}

pub(crate) fn run(arguments: &KeygenArgs, printer: &Printer) -> Result<(), Failure> {
    let file = &arguments.file;
    if file == Path::new("-") {
        return Err(Failure::new("a private key does not go to standard output").hint("give a file"));
    }
    let mut public_file = file.clone().into_os_string();
    public_file.push(".pub");
    let public_file = PathBuf::from(public_file);
    let [mut private, mut public] = [create(file)?, create(&public_file)?];

    let key = generate()?;
    let cannot = |path: &Path| format!("cannot write `{}`", path.display());
    private.write_all(private_pem(&key)?.as_bytes()).about(cannot(file))?;
    public.write_all(public_pem(&key.verifying_key())?.as_bytes()).about(cannot(&public_file))?;
    let everybody_reads = std::fs::Permissions::from_mode(0o644);
    public.as_file().set_permissions(everybody_reads).about(cannot(&public_file))?;
    private.as_file().sync_all().about(cannot(file))?;
    private.put()?;
    public.put()?;

    let [shown, public_shown] = [file, &public_file].map(|path| one_line(&path.display().to_string()));
    printer.say(format!("private key: {shown}; sign with it: casemate rec --sign-key {shown} NAME.cast.zst"));
    printer.say(format!(
        "public key: {public_shown}; check: casemate verify --key {public_shown} NAME.cast.zst"
    ));
    printer.say("who can read the private key can sign anything: keep it from whoever is recorded");
    writeln!(std::io::stdout(), "{}", hex(key.verifying_key().as_bytes()))?;
    Ok(())
}

fn create(path: &Path) -> Result<NewFile, Failure> {
    if path.symlink_metadata().is_ok() {
        return Err(Failure::new(format!("cannot write `{}`: it exists", path.display()))
            .hint("give another name: a key is never replaced"));
    }
    NewFile::create(path, false)
}
