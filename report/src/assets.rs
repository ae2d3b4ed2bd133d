//! Scripts and styles of a page, and the policy that allows these and no others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

pub(crate) const PLAYER_SCRIPT: &str = include_str!("../../vendor/asciinema-player/asciinema-player.min.js");
pub(crate) const PLAYER_STYLE: &str = include_str!("../../vendor/asciinema-player/asciinema-player.css");
pub(crate) const PAGE_SCRIPT: &str = include_str!("page.js");
pub(crate) const PAGE_STYLE: &str = include_str!("page.css");

/// The Content-Security-Policy. The player needs WebAssembly, and nothing else that scripts may not do of themselves.
pub(crate) fn policy(scripts: &[&str], styles: &[&str]) -> String {
    let hashes = |texts: &[&str]| {
        let hash = |text: &&str| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
        texts.iter().map(hash).collect::<String>()
    };
    format!(
        "default-src 'none'; script-src{} 'wasm-unsafe-eval'; style-src{}; img-src data:; base-uri 'none'; \
         form-action 'none'",
        hashes(scripts),
        hashes(styles)
    )
}

#[cfg(test)]
mod tests {
    use casemate_cast_format::segment::hex;

    use super::*;

    #[test]
    fn what_is_vendored_is_what_its_table_says() {
        let table = include_str!("../../vendor/asciinema-player/README.md");
        let license = include_str!("../../vendor/asciinema-player/LICENSE");
        for (name, content) in [
            ("asciinema-player.min.js", PLAYER_SCRIPT),
            ("asciinema-player.css", PLAYER_STYLE),
            ("LICENSE", license),
        ] {
            let row = format!("| `{}` | `{name}` |", hex(&Sha256::digest(content)));
            assert!(table.contains(&row), "{name} is not the one of its README.md: {row}");
        }
    }

    #[test]
    fn no_asset_can_end_its_element() {
        for text in [PLAYER_SCRIPT, PAGE_SCRIPT] {
            let text = text.to_ascii_lowercase();
            assert!(!text.contains("</script") && !text.contains("<!--"));
        }
        for text in [PLAYER_STYLE, PAGE_STYLE] {
            assert!(!text.to_ascii_lowercase().contains("</style"));
        }
    }
}
