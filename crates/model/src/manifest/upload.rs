//! Whether bodies of a route go to a blob: `upload = true`, or
//! `upload = { max_size = "10GiB", expires = "24h" }`.

use crate::unit::{Duration, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest upload, where nothing is said.
const SIZE: Size = Size { bytes: 1 << 30 };
/// How long an upload waits for more of it, where nothing is said, and the longest.
const EXPIRES: Duration = Duration::seconds(24 * 3600);
/// The shortest such time.
const EXPIRES_LEAST: Duration = Duration::seconds(60);

/// What a route says about uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Upload {
    /// Whether it takes them at all.
    Takes(bool),
    /// It does, within these limits.
    Within(UploadLimits),
}

/// What one upload of a route may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadLimits {
    /// The largest upload. Default `1GiB`; the container's quota holds beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<Size>,
    /// How long an upload that is not complete waits for more of it. Default and most `24h`, at
    /// least `1m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
}

impl Upload {
    /// What holds for the route's uploads; `None` if it takes none.
    #[must_use]
    pub fn limits(self) -> Option<UploadLimits> {
        match self {
            Self::Takes(false) => None,
            Self::Takes(true) => Some(UploadLimits::default()),
            Self::Within(limits) => Some(limits),
        }
    }

    /// What is wrong with it: the key, and why.
    pub(super) fn check(self, method: &str) -> Result<(), (&'static str, String)> {
        let Some(limits) = self.limits() else { return Ok(()) };
        if method != "*" {
            let why = format!(
                "an upload takes several methods, and the route is for {method}: write `*` for it"
            );
            return Err(("upload", why));
        }
        if limits.max_size.is_some_and(|size| size.bytes == 0) {
            return Err(("upload.max_size", "must be above 0B".to_owned()));
        }
        if limits.expires.is_some_and(|time| time < EXPIRES_LEAST || time > EXPIRES) {
            let why = format!("must be at least {EXPIRES_LEAST} and at most {EXPIRES}");
            return Err(("upload.expires", why));
        }
        Ok(())
    }
}

impl UploadLimits {
    /// Most bytes of one upload.
    #[must_use]
    pub fn bytes_max(&self) -> u64 {
        self.max_size.unwrap_or(SIZE).bytes
    }

    /// How long an upload waits for more of it.
    #[must_use]
    pub fn expires(&self) -> std::time::Duration {
        self.expires.unwrap_or(EXPIRES).std()
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::HttpTrigger;

    fn route(upload: &str, method: &str) -> HttpTrigger {
        let text = format!(r#"{{"route":"{method} /files","upload":{upload}}}"#);
        serde_json::from_str(&text).expect(&text)
    }

    #[test]
    fn a_word_or_a_table_says_it() {
        let limits = |text| route(text, "*").upload.and_then(super::Upload::limits);
        assert_eq!(limits("false"), None);
        let plain = limits("true").expect("it takes them");
        assert_eq!((plain.bytes_max(), plain.expires().as_secs()), (1 << 30, 86_400));
        let own = limits(r#"{"max_size":"10GiB","expires":"1h"}"#).expect("it takes them");
        assert_eq!((own.bytes_max(), own.expires().as_secs()), (10 << 30, 3600));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_key() {
        let wrong = |text, method| route(text, method).check().map_err(|(key, _)| key);
        assert_eq!(wrong("true", "*"), Ok(()));
        assert_eq!(wrong("false", "POST"), Ok(()));
        assert_eq!(wrong("true", "POST"), Err("upload"));
        for (text, key) in [
            (r#"{"max_size":"0B"}"#, "upload.max_size"),
            (r#"{"expires":"1s"}"#, "upload.expires"),
            (r#"{"expires":"2d"}"#, "upload.expires"),
        ] {
            assert_eq!(wrong(text, "*"), Err(key), "{text}");
        }
        let json = serde_json::to_value(HttpTrigger::new(
            "* /".parse().expect("a route"),
            crate::manifest::Auth::Token,
        ));
        assert_eq!(json.expect("json").get("upload"), None, "older revisions keep their digest");
    }
}
