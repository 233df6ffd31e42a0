//! The sensitive data of a function: what becomes of it on the way in, and where it may come back.
//!
//! The words are those of a data contract, as `casemate protect` reads it. What they mean is known
//! to the crate that applies contracts; here only their form is.

use super::secret::Places;
use crate::{DataClass, FunctionName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// The sensitive fields of requests: protected before the function sees them.
    #[serde(rename = "in", default, skip_serializing_if = "Vec::is_empty")]
    pub intake: Vec<DataField>,
    /// Where values come back: in requests of the function to these places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reveal: Vec<RevealSpec>,
}

/// A sensitive field of requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataField {
    /// Where it is: `body:/card/number` in JSON, `form:NAME`, `query:NAME` or `header:NAME`.
    pub at: String,
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
    /// the beginning of a path where wanted.
    pub to: Places,
    /// What for, such as `payment`: up to 64 lower-case letters, digits and `-`.
    pub purpose: String,
    /// Where in the request: `body:/card/number` in JSON, `form:NAME`, `query:NAME` or
    /// `header:NAME`.
    pub at: Vec<String>,
}

impl DataSpec {
    /// What is wrong with it, as a clause, and where.
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        if self.intake.len() > ENTRIES_MAX || self.reveal.len() > ENTRIES_MAX {
            return Err((String::new(), format!("has more than {ENTRIES_MAX} entries in a list")));
        }
        if self.intake.is_empty() && self.reveal.is_empty() {
            return Err((String::new(), "names no field: write `[[function.data.in]]`".to_owned()));
        }
        self.reveal.iter().enumerate().try_for_each(|(at, one)| one.check(at))
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
            let why = "is `https://host`, perhaps with a port and a path, or a list of up to 16";
            return wrong("to", why);
        }
        Ok(())
    }
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
        let unread = |(at, http): (usize, &super::HttpTrigger)| match http {
            _ if data.intake.is_empty() => None,
            http if http.websocket.is_some() => Some((at, "websocket")),
            http if http.upload.is_some() => Some((at, "upload")),
            _ => None,
        };
        if let Some((at, key)) = self.http.iter().enumerate().find_map(unread) {
            let what =
                format!("function `{}`, `http.{key}`: `data.in` does not read it", self.name);
            return Err(crate::Problem::new(crate::Code::DataTrigger)
                .detail(what)
                .below(format_args!("/http/{at}/{key}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DataSpec, String> {
        let spec: DataSpec = serde_json::from_str(text).map_err(|error| error.to_string())?;
        spec.check().map(|()| spec).map_err(|(place, why)| format!("{place}: {why}"))
    }

    const FIELD: &str = r#"{"at":"body:/a","class":"pan","transform":"token"}"#;

    #[test]
    fn fields_and_reveals_are_read_and_others_are_refused() {
        let reveal =
            r#"{"class":"pan","to":"https://psp.example/v1","purpose":"payment","at":["body:/a"]}"#;
        let spec = read(&format!(r#"{{"in":[{FIELD}],"reveal":[{reveal}]}}"#)).expect("good");
        let targets: Vec<_> = spec.targets().collect();
        assert_eq!(targets, [(0, "pan for https://psp.example/v1 as payment".to_owned())]);
        for (from, to, what) in [
            ("payment", "pay ment", "/reveal/0/purpose"),
            ("payment", "", "/reveal/0/purpose"),
            (r#"["body:/a"]"#, "[]", "/reveal/0/at"),
            ("https://psp.example/v1", "psp.example", "/reveal/0/to"),
            ("https://psp.example/v1", "https://psp.example/*", "/reveal/0/to"),
            (r#""at""#, r#""place""#, "unknown field"),
            (r#""pan""#, r#""PAN""#, "no class"),
        ] {
            let text = format!(r#"{{"reveal":[{}]}}"#, reveal.replace(from, to));
            let said = read(&text).expect_err(&text);
            assert!(said.contains(what), "{text}: {said}");
        }
        assert!(read("{}").is_err());
    }
}
