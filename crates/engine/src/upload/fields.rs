//! What a request says in the words of tus 1.0.0.

use super::say;
use crate::invoke::{Outcomes, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Uri};
use model::{Code, Problem};
use ports::blobs::UploadId;

/// What bytes of an upload are called.
const BYTES: &str = "application/offset+octet-stream";
/// The parameter of a query that names an upload.
pub(super) const PARAMETER: &str = "upload";
/// Longest metadata, as it is written.
const METADATA_BYTES_MAX: usize = 4 << 10;

/// The fields of a request that matter here. Nothing in them is believed.
pub(crate) struct Fields {
    /// Whether it speaks tus at all.
    pub(super) speaks: bool,
    /// The upload that its URL names.
    pub(super) upload: Option<UploadId>,
    headers: HeaderMap,
}

/// A checksum of a request's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    pub(super) expected: Vec<u8>,
}

/// How a checksum is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// SHA-1, which every server of tus speaks. It protects against mistakes and nothing else.
    Sha1,
    /// SHA-256.
    Sha256,
}

fn bad(why: impl std::fmt::Display) -> Refusal {
    Problem::new(Code::BadUpload).detail(why).into()
}

impl Fields {
    pub(super) fn read(headers: &HeaderMap, uri: &Uri) -> Self {
        let pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
        let named =
            pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == PARAMETER);
        let upload = named.and_then(|(_, id)| id.parse().ok());
        let speaks = headers.contains_key("tus-resumable");
        let ours = |name: &str| {
            name.starts_with("upload-") || name.starts_with("tus-") || name.starts_with("content-")
        };
        let kept = headers.iter().filter(|(name, _)| speaks && ours(name.as_str()));
        let headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { speaks, upload, headers }
    }

    fn text(&self, name: &str) -> Outcomes<Option<&str>> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => {
                value.to_str().map(Some).map_err(|_| bad(format!("`{name}` is no text")))
            }
            _ => Err(bad(format!("there are two of `{name}`"))),
        }
    }

    fn number(&self, name: &str) -> Outcomes<Option<u64>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        number.map(Some).ok_or_else(|| bad(format!("`{name}` is no number of bytes")))
    }

    pub(super) fn version(&self) -> Outcomes<()> {
        match self.text("tus-resumable")? {
            Some("1.0.0") => Ok(()),
            _ => Err(say::other_version()),
        }
    }

    /// How long the upload will be.
    pub(super) fn length(&self) -> Outcomes<u64> {
        if self.headers.contains_key("upload-defer-length") {
            return Err(bad("`upload-defer-length`: the length has to be said at the beginning"));
        }
        if self.headers.contains_key("upload-concat") {
            return Err(bad("`upload-concat`: uploads are not joined here"));
        }
        self.number("upload-length")?.ok_or_else(|| bad("`upload-length` is missing"))
    }

    /// Where its bytes go on.
    pub(super) fn offset(&self) -> Outcomes<u64> {
        self.number("upload-offset")?.ok_or_else(|| bad("`upload-offset` is missing"))
    }

    /// How many bytes it says that it has.
    pub(super) fn announced(&self) -> Outcomes<Option<u64>> {
        self.number(CONTENT_LENGTH.as_str())
    }

    /// Whether its body is of the upload.
    pub(super) fn carries_bytes(&self) -> Outcomes<bool> {
        Ok(self.text(CONTENT_TYPE.as_str())?.is_some_and(|kind| kind.eq_ignore_ascii_case(BYTES)))
    }

    /// What it says about the upload, as it is written.
    pub(super) fn metadata(&self) -> Outcomes<String> {
        let Some(text) = self.text("upload-metadata")? else { return Ok(String::new()) };
        if text.len() > METADATA_BYTES_MAX {
            return Err(bad(format!("`upload-metadata` has more than {METADATA_BYTES_MAX} bytes")));
        }
        read_metadata(text).ok_or_else(|| {
            bad("`upload-metadata` is no list of different keys, each with a text in base64")
        })?;
        Ok(text.to_owned())
    }

    pub(super) fn checksum(&self) -> Outcomes<Option<Checksum>> {
        let Some(text) = self.text("upload-checksum")? else { return Ok(None) };
        let wrong = || bad("`upload-checksum` is not `sha1` or `sha256` and a sum in base64");
        let (name, sum) = text.split_once(' ').ok_or_else(wrong)?;
        let (algorithm, bytes) = match name {
            "sha1" => (Algorithm::Sha1, 20),
            "sha256" => (Algorithm::Sha256, 32),
            _ => return Err(wrong()),
        };
        let expected = STANDARD.decode(sum).ok().filter(|sum| sum.len() == bytes);
        Ok(Some(Checksum { algorithm, expected: expected.ok_or_else(wrong)? }))
    }
}

/// Keys and texts of metadata; `None` if it is none.
pub(super) fn read_metadata(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in text.split(',').filter(|_| !text.is_empty()) {
        let (key, value) = pair.trim_matches(' ').split_once(' ').unwrap_or((pair.trim(), ""));
        let known = pairs.iter().any(|(known, _)| known == key);
        if key.is_empty() || known || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let value = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
        pairs.push((key.to_owned(), value));
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn fields(query: &str, pairs: &[(&str, &str)]) -> Fields {
        let mut headers = HeaderMap::new();
        for (name, value) in [("tus-resumable", "1.0.0")].iter().chain(pairs) {
            headers
                .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        Fields::read(&headers, &format!("/files{query}").parse().unwrap())
    }

    #[test]
    fn a_url_names_an_upload() {
        let id = "00112233445566778899aabbccddeeff";
        let of = |query: &str| fields(query, &[]).upload.map(|id| id.to_string());
        assert_eq!(of(&format!("?upload={id}")).as_deref(), Some(id));
        assert_eq!(of(&format!("?a=b&upload={id}&c")).as_deref(), Some(id));
        for none in ["", "?", "?upload", "?upload=", "?upload=x", &format!("?up={id}")] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (name, values) in [
            ("upload-length", &["-1", "+1", "1.0", "0x1", "", "99999999999999999999", "1, 1"][..]),
            ("upload-metadata", &["a!", "a YQ==,a YQ==", ", ", "a @", "a /w==", "ä YQ=="]),
            ("upload-checksum", &["", "sha1", "sha1 x", "sha1 YQ==", "md5 YQ==", "sha256 AAAA"]),
        ] {
            for value in values {
                let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) else { continue };
                let mut fields = fields("", &[]);
                fields.headers.append(HeaderName::from_static(name), value.clone());
                let refused = match name {
                    "upload-length" => fields.length().is_err(),
                    "upload-metadata" => fields.metadata().is_err(),
                    _ => fields.checksum().is_err(),
                };
                assert!(refused || value == "a!", "{name}: {value:?}");
            }
        }
        let twice = fields("", &[("upload-length", "1"), ("upload-length", "1")]);
        assert!(twice.length().is_err());
        assert!(fields("", &[]).length().is_err());
        assert!(
            fields("", &[("upload-length", "1"), ("upload-defer-length", "1")]).length().is_err()
        );
        assert!(
            fields("", &[("upload-length", "1"), ("upload-concat", "partial")]).length().is_err()
        );
    }

    #[test]
    fn metadata_is_pairs_of_a_key_and_a_text() {
        let pairs = read_metadata("filename d29ybGQudHh0,is_confidential, empty ").unwrap();
        let texts: Vec<_> = pairs.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(texts, [("filename", "world.txt"), ("is_confidential", ""), ("empty", "")]);
        assert_eq!(read_metadata(""), Some(Vec::new()));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text: String) {
            let _ = read_metadata(&text);
        }
    }
}
