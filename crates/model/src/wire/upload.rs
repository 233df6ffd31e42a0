//! What is kept beside an upload that is not complete: whose it is, and what it will be.

use serde::{Deserialize, Serialize};

/// The version of the form.
const VERSION: u8 = 1;

/// What is kept beside an upload. JSON, with keys in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadNote {
    v: u8,
    /// Who began it, as records name callers.
    pub owner: String,
    /// The pattern of the route that it came by.
    pub route: String,
    /// Bytes that it will have.
    pub length: u64,
    /// `Upload-Metadata` of tus, as it was written.
    pub metadata: String,
}

impl UploadNote {
    /// A note in the present form.
    #[must_use]
    pub const fn new(owner: String, route: String, length: u64, metadata: String) -> Self {
        Self { v: VERSION, owner, route, length, metadata }
    }

    /// As it is kept.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Texts and numbers always have a form.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what was kept; `None` if it is no note of this version.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|note: &Self| note.v == VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_keeps_its_bytes() {
        let note = UploadNote::new("token:ci".into(), "* /files".into(), 7, "a YQ==".into());
        let text =
            r#"{"v":1,"owner":"token:ci","route":"* /files","length":7,"metadata":"a YQ=="}"#;
        assert_eq!(note.encode(), text.as_bytes());
        assert_eq!(UploadNote::decode(text.as_bytes()), Some(note));
        for other in ["", "{}", &text.replace("1,\"o", "2,\"o"), "[]"] {
            assert_eq!(UploadNote::decode(other.as_bytes()), None, "{other}");
        }
    }
}
