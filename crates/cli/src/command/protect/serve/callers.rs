//! Who may ask the service: the file of callers, and how much of what they had in the last minute.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use model::{Code, Problem};
use protect::outside::Way;
use serde::Deserialize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Longest file.
const BYTES_MAX: u64 = 1 << 20;
/// Most callers.
const CALLERS_MAX: usize = 1000;
/// Longest name, and longest purpose.
const TEXT_MAX: usize = 64;
/// How many values a caller may have protected in a minute, if nothing is said.
const PROTECT_PER_MINUTE: u64 = 1_000_000;
/// How many may come back.
const UNDO_PER_MINUTE: u64 = 1000;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "caller")]
    callers: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    name: String,
    token_sha256: String,
    may: Vec<Word>,
    purpose: Option<String>,
    #[serde(default = "protects")]
    protect_per_minute: u64,
    #[serde(default = "undoes")]
    undo_per_minute: u64,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Word {
    Protect,
    Undo,
}

const fn protects() -> u64 {
    PROTECT_PER_MINUTE
}

const fn undoes() -> u64 {
    UNDO_PER_MINUTE
}

/// Who may ask.
pub(super) struct Callers(Vec<Caller>);

/// Somebody who may ask.
pub(super) struct Caller {
    pub(super) name: String,
    /// What values come back for.
    pub(super) purpose: Option<String>,
    digest: [u8; 32],
    protect: Allowance,
    undo: Allowance,
}

/// How many values may be transformed in a minute, and how many were.
struct Allowance {
    per_minute: u64,
    /// When the minute began, and what it had.
    spent: Mutex<(Duration, u64)>,
}

impl Callers {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let wrong = |what: String| {
            Problem::new(Code::DataServe).detail(format!("`{}`: {what}", path.display()))
        };
        let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
        if size > BYTES_MAX {
            return Err(wrong("it is larger than 1 MiB".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text)
            .map_err(|error| error.message().lines().next().unwrap_or_default().to_owned())?;
        if file.callers.is_empty() || file.callers.len() > CALLERS_MAX {
            return Err(format!("it has 1 to {CALLERS_MAX} sections `[[caller]]`"));
        }
        let mut callers: Vec<Caller> = Vec::new();
        for section in file.callers {
            let caller = Caller::of(section)?;
            let known = |own: &Caller| own.name == caller.name || own.digest == caller.digest;
            if callers.iter().any(known) {
                return Err(format!("caller `{}` is there twice", caller.name));
            }
            callers.push(caller);
        }
        Ok(Self(callers))
    }

    /// Whose token it is. Every digest is looked at, however soon one fits.
    pub(super) fn whose(&self, token: &str) -> Option<&Caller> {
        let asked = digest(&SHA256, token.as_bytes());
        let fits = |own: &&Caller| verify_slices_are_equal(&own.digest, asked.as_ref()).is_ok();
        self.0.iter().filter(fits).last()
    }
}

impl Caller {
    fn of(section: Section) -> Result<Self, String> {
        let Section { name, token_sha256, may, purpose, protect_per_minute, undo_per_minute } =
            section;
        let plain = |text: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !text.is_empty() && text.len() <= TEXT_MAX && text.bytes().all(fits)
        };
        if !plain(&name) {
            return Err("`name` is up to 64 letters, digits, `-`, `_` and `.`".to_owned());
        }
        if purpose.as_deref().is_some_and(|text| !plain(text)) {
            return Err(format!("caller `{name}`: `purpose` is written as names are"));
        }
        let mut digest = [0; 32];
        hex::decode_to_slice(&token_sha256, &mut digest)
            .map_err(|_| format!("caller `{name}`: `token_sha256` has 64 hexadecimal digits"))?;
        if may.is_empty() || may.contains(&Word::Undo) != purpose.is_some() {
            let why = "`may` names `protect` or `undo`, and `purpose` says what `undo` is for";
            return Err(format!("caller `{name}`: {why}"));
        }
        let allowance = |word, per_minute| Allowance {
            per_minute: if may.contains(&word) { per_minute } else { 0 },
            spent: Mutex::new((Duration::ZERO, 0)),
        };
        let protect = allowance(Word::Protect, protect_per_minute);
        let undo = allowance(Word::Undo, undo_per_minute);
        Ok(Self { name, purpose, digest, protect, undo })
    }

    fn allowance(&self, way: Way) -> &Allowance {
        match way {
            Way::Protect => &self.protect,
            Way::Undo => &self.undo,
        }
    }

    /// Whether it may ask for this at all.
    pub(super) fn may(&self, way: Way) -> bool {
        self.allowance(way).per_minute > 0
    }

    /// Whether anything is left of the minute. `now` is a time since whenever.
    pub(super) fn has_room(&self, way: Way, now: Duration) -> bool {
        let allowance = self.allowance(way);
        allowance.at(now).1 < allowance.per_minute
    }

    /// Takes so many values from what is left of the minute. Where not so many are left, all is
    /// gone, so that nobody finds out by halves how much there was.
    pub(super) fn spend(&self, way: Way, values: u64, now: Duration) -> bool {
        let allowance = self.allowance(way);
        let mut spent = allowance.at(now);
        spent.1 = spent.1.saturating_add(values);
        spent.1 <= allowance.per_minute
    }
}

impl Allowance {
    fn at(&self, now: Duration) -> std::sync::MutexGuard<'_, (Duration, u64)> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(spent.0) >= MINUTE {
            *spent = (now, 0);
        }
        spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(from: &str, to: &str) -> String {
        let digest = hex::encode(digest(&SHA256, b"secret"));
        format!(
            "[[caller]]\nname = \"warehouse\"\ntoken_sha256 = \"{digest}\"\n\
             may = [\"protect\", \"undo\"]\npurpose = \"reports\"\nundo_per_minute = 3\n"
        )
        .replacen(from, to, 1)
    }

    #[test]
    fn a_caller_is_known_by_its_token_and_has_so_much_in_a_minute() {
        let callers = Callers::parse(&file("", "")).unwrap_or_else(|why| panic!("{why}"));
        assert!(callers.whose("secreT").is_none() && callers.whose("").is_none());
        let caller = callers.whose("secret").expect("known");
        let now = |seconds| Duration::from_secs(seconds);
        assert!(caller.has_room(Way::Undo, now(100)) && caller.spend(Way::Undo, 3, now(100)));
        assert!(!caller.has_room(Way::Undo, now(159)) && caller.has_room(Way::Undo, now(160)));
        assert!(!caller.spend(Way::Undo, 4, now(161)) && !caller.spend(Way::Undo, 1, now(162)));
        assert!(caller.spend(Way::Protect, 1_000_000, now(162)), "the other has its own");
    }

    #[test]
    fn what_is_wrong_with_the_file_is_said() {
        let only =
            file("[\"protect\", \"undo\"]", "[\"protect\"]").replace("purpose = \"reports\"\n", "");
        let callers = Callers::parse(&only).unwrap_or_else(|why| panic!("{why}"));
        assert!(!callers.whose("secret").expect("known").may(Way::Undo));
        for (text, what) in [
            (String::new(), "1 to 1000"),
            (file("warehouse", "ware house"), "`name`"),
            (file("sha256 = \"", "sha256 = \"0"), "64 hexadecimal"),
            (file("purpose = \"reports\"\n", ""), "`purpose`"),
            (file("\"undo\"]", "\"protect\"]"), "`purpose`"),
            (file("may", "might"), "unknown field"),
            (file("", "") + &file("", ""), "twice"),
        ] {
            let said = Callers::parse(&text).map(drop).expect_err(what);
            assert!(said.contains(what), "{said}");
        }
    }
}
