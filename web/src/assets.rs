//! Scripts and styles: in the program, under names that change with what is in them, so that browsers keep them for ever.
//!
//! A module that imports another one names it as it is in the folder; the name under which that is served stands there when it
//! is served.

use std::borrow::Cow;
use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// Under which path they are.
pub const ROOT: &str = "/assets/";

/// A file.
#[derive(Debug)]
pub struct Asset {
    /// Its name in the folder.
    name: &'static str,
    /// The name under which it is served.
    pub served_as: String,
    /// What it is.
    pub content_type: &'static str,
    /// What is in it.
    pub content: Cow<'static, str>,
}

/// Each file behind those that it imports.
const FILES: [(&str, &str); 18] = [
    ("app.css", include_str!("../assets/app.css")),
    ("icon.svg", include_str!("../assets/icon.svg")),
    ("htmx.js", include_str!("../../vendor/htmx/htmx.min.js")),
    ("dom.js", include_str!("../assets/dom.js")),
    ("zone.js", include_str!("../assets/zone.js")),
    ("filter.js", include_str!("../assets/filter.js")),
    ("columns.js", include_str!("../assets/columns.js")),
    ("keys.js", include_str!("../assets/keys.js")),
    ("export.js", include_str!("../assets/export.js")),
    ("live.js", include_str!("../assets/live.js")),
    ("app.js", include_str!("../assets/app.js")),
    ("session.css", include_str!("../assets/session.css")),
    ("screen.js", include_str!("../assets/screen.js")),
    ("stream.js", include_str!("../assets/stream.js")),
    ("moments.js", include_str!("../assets/moments.js")),
    ("session.js", include_str!("../assets/session.js")),
    ("asciinema-player.css", include_str!("../../vendor/asciinema-player/asciinema-player.css")),
    ("asciinema-player.js", include_str!("../../vendor/asciinema-player/asciinema-player.min.js")),
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let mut assets: Vec<Asset> = Vec::new();
    for (name, content) in FILES {
        let mut content = Cow::Borrowed(content);
        for other in &assets {
            let imported = format!("\"./{}\";", other.name);
            if content.contains(&imported) {
                content = content.replace(&imported, &format!("\"./{}\";", other.served_as)).into();
            }
        }
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let content_type = match extension {
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        };
        let hash = Sha256::digest(content.as_bytes());
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        assets.push(Asset { name, served_as: format!("{stem}-{hash}.{extension}"), content_type, content });
    }
    assets
});

/// The address of a file, by its name in the folder.
#[must_use]
pub fn address(name: &str) -> String {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    format!("{ROOT}{}", asset.map_or(name, |asset| &asset.served_as))
}

/// A file, by the name under which it is served.
#[must_use]
pub fn served(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.served_as == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Manifest {
        package: Vec<Package>,
    }

    #[derive(Deserialize)]
    struct Package {
        name: String,
        folder: String,
        files: BTreeMap<String, String>,
    }

    #[test]
    fn what_is_vendored_is_what_its_manifest_says() {
        let vendor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vendor");
        let manifest: Manifest =
            toml::from_str(&std::fs::read_to_string(vendor.join("npm.toml")).unwrap()).unwrap();
        assert_eq!(manifest.package.len(), 2);
        for package in manifest.package {
            assert!(package.files.contains_key("LICENSE"), "{}", package.name);
            for (path, said) in package.files {
                let name = Path::new(&path).file_name().unwrap();
                let content = std::fs::read(vendor.join(&package.folder).join(name)).unwrap();
                let found: String =
                    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(found, said, "{}: {path}", package.name);
            }
        }
    }

    #[test]
    fn each_import_names_a_file_that_is_served() {
        for (name, _) in FILES {
            let served_as = address(name);
            let asset = served(served_as.strip_prefix(ROOT).unwrap()).unwrap();
            for (_, imported) in asset
                .content
                .match_indices("from \"./")
                .map(|(at, found)| asset.content.split_at(at + found.len()))
            {
                let imported = imported.split('"').next().unwrap();
                assert!(served(imported).is_some(), "{name} imports {imported}");
            }
        }
        assert!(served("app.js").is_none());
    }

    #[test]
    fn a_page_without_the_player_is_light() {
        let light = ASSETS.iter().filter(|asset| !asset.name.starts_with("asciinema-player"));
        let bytes: usize = light.map(|asset| asset.content.len()).sum();
        assert!(bytes < 125_000, "{bytes}");
    }
}
