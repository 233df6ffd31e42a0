//! The sensitive data of a function: what becomes of it on the way in, and where it may come back.
//!
//! The words are those of a data contract, as `casemate protect` reads it. What they mean is known
//! to the crate that applies contracts; here only their form is.

mod arrival;
mod laid;

pub use arrival::Arrival;
pub use laid::{LaidField, LaidSpec};

use super::require::{Require, Texts};
use super::secret::Places;
use crate::grant::REPLY;
use crate::{Claims, DataClass, FunctionName, Label, Labels};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most entries of `in`, and of `reveal`.
const ENTRIES_MAX: usize = 256;
/// Longest purpose, in bytes.
const PURPOSE_BYTES_MAX: usize = 64;

/// What is done with the sensitive data of a function.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// What happens where a field of `in` is not there: `ignore` is the default, `refuse` refuses
    /// the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ignore", "refuse", null]))]
    pub missing: Option<String>,
    /// What happens where an object has a key twice on the way to a field: `refuse` is the default,
    /// `all` protects each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["refuse", "all", null]))]
    pub duplicate: Option<String>,
    /// Classes of data beside the platform's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<DataClass>,
    /// How tables are written that come as `text/csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<DataTable>,
    /// Names of the parts of `multipart/form-data` that are files. They pass as they are; any other
    /// file is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The sensitive fields of requests: protected before the function sees them.
    #[serde(rename = "in", default, skip_serializing_if = "Vec::is_empty")]
    pub intake: Vec<DataField>,
    /// Where values come back: in requests of the function to these places, or in its replies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reveal: Vec<RevealSpec>,
    /// What becomes of values of a class that are found in what leaves the function: its replies,
    /// its requests to outside and its log. The rest is observed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub out: BTreeMap<DataClass, Exit>,
    /// What becomes of values of a class that are found in requests and named by no field of `in`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unnamed: BTreeMap<DataClass, Unnamed>,
    /// What the function may read, from stores, blobs and other functions: classes, such as `email`,
    /// or a class in one form, such as `pan.token`. All, if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clearance: Option<Vec<String>>,
    /// Whether values of all classes are looked for and counted, in requests and in what leaves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observe: bool,
}

/// How tables are written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataTable {
    /// What stands between two cells: one ASCII character. Default `,`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// Whether the first row names the columns. Without, they are named by their numbers, from 1.
    /// Default `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
}

/// What becomes of a value that is found where data leaves, from little to much.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It is counted.
    Observe,
    /// It is covered.
    Mask,
    /// What holds it does not leave.
    Block,
}

impl Exit {
    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Mask => "mask",
            Self::Block => "block",
        }
    }
}

/// What becomes of a value in a request that no field names.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Unnamed {
    /// It is counted, and the request carries the label of its class.
    Observe,
    /// It is covered.
    Mask,
    /// A token stands for it.
    Token,
    /// The request is refused.
    Refuse,
}

impl Unnamed {
    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Mask => "mask",
            Self::Token => "token",
            Self::Refuse => "refuse",
        }
    }
}

/// A sensitive field of requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataField {
    /// Where it is: `body:/card/number` in JSON, `form:NAME`, `csv:COLUMN`, `query:NAME` or
    /// `header:NAME`.
    pub at: String,
    /// The only requests that it is about: those that come by `http`, `invoke`, `call`, `schedule`,
    /// `schedule:NAME`, `event` or `event:NAME`. All, if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// What happens where this field is not there, if it is not what `missing` says for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ignore", "refuse", null]))]
    pub missing: Option<String>,
    /// What it is, such as `pan` or `email`.
    pub class: DataClass,
    /// What becomes of it.
    #[schemars(extend("enum" = [
        "token", "card", "digits", "letters", "alphanumerics", "own", "email", "phone", "hash",
        "mask", "fixed", "month", "year", "bucket"
    ]))]
    pub transform: String,
    /// Whether equal values become equal, `join`, or are bound to their record, `isolated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["join", "isolated", null]))]
    pub mode: Option<String>,
    /// Where the id of its record is, for the mode `isolated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Whether the values of one person can be erased: they get keys of their own, and deleting the
    /// person's salt takes them away for good. Needs `subject`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erasable: bool,
    /// Where it stands whose value it is, for `erasable`: one place in the same body, table, form or
    /// query, such as `body:/customer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Characters at the beginning that stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_first: Option<u8>,
    /// Characters at the end that stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_last: Option<u8>,
    /// Whether the domain of an address stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_domain: Option<bool>,
    /// The characters of `own`, and of a hash with `length`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alphabet: Option<String>,
    /// Characters of a hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u8>,
    /// The width of a bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u64>,
    /// What covers a character, or stands for the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
}

/// Where values of a class come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevealSpec {
    /// What they are.
    pub class: DataClass,
    /// The only address that they are sent to, or a list of them: `https://host`, with a port and
    /// the beginning of a path where wanted. Or `reply`: whoever called the function.
    pub to: Places,
    /// What for, such as `payment`: up to 64 lower-case letters, digits and `-`.
    pub purpose: String,
    /// Where in the request: `body:/card/number` in JSON, `form:NAME`, `query:NAME` or
    /// `header:NAME`. In a reply: `body:` or `header:`.
    pub at: Vec<String>,
    /// For replies: claims that the caller's token must make, each text of each of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Texts>,
}

impl DataSpec {
    /// What is wrong with it, as a clause, and where.
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        if self.intake.len().max(self.reveal.len()).max(self.files.len()) > ENTRIES_MAX {
            return Err((String::new(), format!("has more than {ENTRIES_MAX} entries in a list")));
        }
        let looks = self.observe || !self.out.is_empty() || !self.unnamed.is_empty();
        let looks = looks || self.clearance.is_some();
        if self.intake.is_empty() && self.reveal.is_empty() && !looks {
            return Err((String::new(), "names no field: write `[[function.data.in]]`".to_owned()));
        }
        let cleared = self.clearance.iter().flatten().enumerate();
        if let Some((at, text)) = cleared.into_iter().find(|(_, text)| !is_clearance(text)) {
            let why = format!("`{}` is no class, and no class with a form", text.escape_debug());
            return Err((format!("/clearance/{at}"), why));
        }
        self.reveal.iter().enumerate().try_for_each(|(at, one)| one.check(at))
    }

    /// The first label that the function is not cleared for.
    #[must_use]
    pub fn uncleared<'l>(&self, labels: &'l Labels) -> Option<&'l Label> {
        let cleared = self.clearance.as_ref()?;
        labels.iter().find(|label| {
            let (text, class) = (label.as_str(), label.class());
            !cleared.iter().any(|own| own == text || own == class)
        })
    }

    /// Whether requests are changed before the function sees them, so that all of one is needed.
    #[must_use]
    pub fn changes_requests(&self) -> bool {
        !self.intake.is_empty() || self.unnamed.values().any(|it| *it != Unnamed::Observe)
    }

    /// The targets of the grants that make it true.
    pub fn targets(&self) -> impl Iterator<Item = (usize, String)> {
        let each = self.reveal.iter().enumerate();
        each.flat_map(|(at, one)| one.targets().map(move |target| (at, target)))
    }
}

impl RevealSpec {
    /// `CLASS for URL as PURPOSE`, for each place.
    pub fn targets(&self) -> impl Iterator<Item = String> {
        let Self { class, purpose, .. } = self;
        self.to.iter().map(move |place| format!("{class} for {place} as {purpose}"))
    }

    /// Whether values come back in replies.
    #[must_use]
    pub fn is_reply(&self) -> bool {
        self.to.iter().eq([REPLY])
    }

    /// The claim that a caller lacks, as a text for the record.
    #[must_use]
    pub fn lacks(&self, claims: &Claims) -> Option<String> {
        let wanted = Require { claims: self.claims.clone(), network: Vec::new() };
        wanted.missing(claims, None)
    }

    fn check(&self, at: usize) -> Result<(), (String, String)> {
        let wrong = |key: &str, why: &str| Err((format!("/reveal/{at}/{key}"), why.to_owned()));
        if !is_purpose(&self.purpose) {
            return wrong("purpose", "is up to 64 lower-case letters, digits and `-`");
        }
        if self.at.is_empty() || self.at.len() > ENTRIES_MAX {
            return wrong("at", "names the places in the request, such as `body:/card/number`");
        }
        let sound = |target: String| crate::grant::DataTarget::parse(&target).is_some();
        if self.to.is_empty() || !self.to.is_sound() || !self.targets().all(sound) {
            let why = "is `https://host`, perhaps with a port and a path, or a list of up to 16; \
                       or `reply`";
            return wrong("to", why);
        }
        let replies = self.to.iter().any(|place| place == REPLY);
        if replies && !self.is_reply() {
            return wrong("to", "is `reply` alone, or places");
        }
        match (replies, self.claims.is_empty()) {
            (true, true) => wrong("claims", "names the claims of those who may see the values"),
            (false, false) => wrong("claims", "is for `to = \"reply\"`"),
            _ => Ok(()),
        }
    }
}

/// Whether a text is a class, or a class and a form.
fn is_clearance(text: &str) -> bool {
    let (class, form) =
        text.split_once('.').map_or((text, None), |(class, form)| (class, Some(form)));
    let fits = |form: &str| !form.is_empty() && form.bytes().all(|byte| byte.is_ascii_lowercase());
    DataClass::parse(class).is_ok() && form.is_none_or(fits)
}

/// Whether a text can be a purpose.
pub(crate) fn is_purpose(text: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    !text.is_empty() && text.len() <= PURPOSE_BYTES_MAX && text.bytes().all(fits)
}

impl super::FunctionSpec {
    /// Whether the data contract can be kept on every way into the function.
    pub(super) fn check_data(&self) -> Result<(), crate::Problem> {
        let Some(data) = &self.data else { return Ok(()) };
        let fail = |name: &FunctionName, (place, why): (String, String)| {
            let detail = format!("function `{name}`, `data`: {why}");
            crate::Problem::new(crate::Code::ManifestValue)
                .detail(detail)
                .below(format_args!("/data{place}"))
        };
        data.check().map_err(|wrong| fail(&self.name, wrong))?;
        self.check_arrivals(data)?;
        let unread = |(at, http): (usize, &super::HttpTrigger)| match http {
            _ if !data.changes_requests() => None,
            http if http.websocket.is_some() => Some((at, "websocket")),
            http if http.upload.is_some() => Some((at, "upload")),
            _ => None,
        };
        if let Some((at, key)) = self.http.iter().enumerate().find_map(unread) {
            let what = format!("function `{}`, `http.{key}`: `data` does not read it", self.name);
            return Err(crate::Problem::new(crate::Code::DataTrigger)
                .detail(what)
                .below(format_args!("/http/{at}/{key}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
