//! The configuration file.

use super::gateway;
use model::unit::{Duration, Size};
use model::{Code, Problem};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The file's keys. All are optional; see [`super::Settings`] for what they mean.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Option<String>,
    pub(super) admin: Option<String>,
    pub(super) root_key_file: Option<PathBuf>,
    #[serde(rename = "root_key_passphrase_file")]
    pub(super) passphrase_file: Option<PathBuf>,
    pub(super) policies: Option<Vec<PathBuf>>,
    pub(super) log: Option<String>,
    pub(super) drain: Option<Duration>,
    pub(super) in_flight: Option<usize>,
    pub(super) in_flight_per_caller: Option<usize>,
    pub(super) artifact: Option<Size>,
    pub(super) tls: Option<super::tls::TlsFile>,
    #[serde(default, rename = "issuer")]
    pub(super) issuers: Vec<super::issuer::Section>,
    #[serde(default)]
    pub(super) limit: super::limit::Section,
    #[serde(default)]
    pub(super) gateway: gateway::File,
    #[serde(default)]
    pub(super) journal: Journal,
    #[serde(default)]
    pub(super) wasm: Wasm,
    #[serde(default)]
    pub(super) compile: Compile,
    #[serde(default)]
    pub(super) compat: super::compat::File,
    #[serde(default)]
    pub(super) assets: super::assets::File,
    #[serde(default)]
    pub(super) native: super::native::File,
    #[serde(default)]
    pub(super) outbound: super::outbound::File,
    #[serde(default)]
    pub(super) budget: super::budget::File,
    #[serde(default)]
    pub(super) keyvalue: super::budget::KeyValueFile,
    #[serde(default)]
    pub(super) blobs: super::blobs::File,
    #[serde(default)]
    pub(super) data: super::data::File,
    #[serde(default)]
    pub(super) price: super::price::File,
    #[serde(default, rename = "cap")]
    pub(super) caps: Vec<super::cap::Section>,
    #[serde(default)]
    pub(super) websockets: super::websockets::File,
    #[serde(default)]
    pub(super) queue: super::queue::File,
    #[serde(default)]
    pub(super) events: super::events::File,
    #[serde(default, rename = "secret")]
    pub(super) secrets: Vec<super::secret::Section>,
    pub(super) vault: Option<super::secret::VaultSection>,
    #[serde(default, rename = "source")]
    pub(super) sources: Vec<super::source::Section>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub(super) size: Option<Size>,
    pub(super) age: Option<Duration>,
    pub(super) control: Option<Size>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wasm {
    pub(super) instances: Option<u32>,
    pub(super) cache: Option<Size>,
    pub(super) wasi03: Option<bool>,
    pub(super) isolation: Option<super::isolation::Isolation>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Compile {
    pub(super) memory: Option<Size>,
    pub(super) cpu: Option<Duration>,
    pub(super) wall: Option<Duration>,
    pub(super) output: Option<Size>,
}

impl File {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problem::new(Code::BadConfig).detail(format!("{}: {error}", path.display()))
        })?;
        Self::parse(&text).map_err(|(line, why, hint)| {
            let problem =
                Problem::new(Code::BadConfig).detail(format!("{}:{line}: {why}", path.display()));
            Problem { hint, ..problem }
        })
    }

    /// Reads text; an error is a line, a reason, and the nearest key where one is misspelt.
    pub(super) fn parse(text: &str) -> Result<Self, (usize, String, Option<String>)> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            let why = error.message().to_owned();
            let hint = nearest_key(&why).map(|key| format!("did you mean `{key}`?"));
            (line, why, hint)
        })
    }
}

/// From serde's words, ``unknown field `a`, expected one of `b`, `c` ``, the key that is meant.
fn nearest_key(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next().filter(|_| message.starts_with("unknown field"))?;
    let nearest =
        quoted.max_by(|a, b| strsim::jaro(a, wrong).total_cmp(&strsim::jaro(b, wrong)))?;
    (strsim::jaro(nearest, wrong) > 0.6).then(|| nearest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_section() {
        let file = File::parse(
            "listen = \"127.0.0.1:1\"\n[journal]\nsize = \"1GiB\"\n[compile]\ncpu = \"60s\"\n",
        )
        .expect("valid");
        assert_eq!(file.journal.size.map(|size| size.bytes), Some(1 << 30));
        assert_eq!(file.compile.cpu.map(|cpu| cpu.ms), Some(60_000));
    }

    #[test]
    fn names_the_line_and_the_nearest_key() {
        let (line, why, hint) = File::parse("\n\nlissten = \"x\"\n").expect_err("misspelt");
        assert_eq!(line, 3);
        assert!(why.contains("lissten"), "{why}");
        assert_eq!(hint.as_deref(), Some("did you mean `listen`?"));
        let (line, _, _) = File::parse("[journal]\nsize = 3\n").expect_err("wrong type");
        assert_eq!(line, 2);
    }
}
