//! A request on its way to be sent: what the guest made, and what the host put in.

use super::token::Token;
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use memchr::memmem;
use model::{Secret, SecretName};
use ports::host::{Body, HttpCall};
use std::sync::Arc;

/// A request with its secrets.
pub(in crate::host) struct Dressed {
    pub(in crate::host) call: HttpCall,
    pub(super) content: Content,
    /// What was made of secrets for this request alone, and is covered in its reply.
    pub(in crate::host) made: Vec<(SecretName, Secret<Vec<u8>>)>,
    /// The token in it, if it can be sent again with another one.
    pub(super) token: Option<(SecretName, Arc<Token>)>,
}

/// The body.
pub(super) enum Content {
    /// As the guest gives it.
    Coming(Option<Body>),
    /// All of it.
    Whole(Bytes),
}

impl Content {
    /// All of the body, if it was gathered.
    pub(super) fn whole(&self) -> &[u8] {
        match self {
            Self::Coming(_) => &[],
            Self::Whole(bytes) => bytes,
        }
    }
}

impl Dressed {
    pub(super) fn plain(call: HttpCall, body: Option<Body>) -> Self {
        Self { call, content: Content::Coming(body), made: Vec::new(), token: None }
    }

    /// Whether there is a body.
    pub(super) fn has_body(&self) -> bool {
        match &self.content {
            Content::Coming(body) => body.as_ref().is_some_and(|body| !body.is_end_stream()),
            Content::Whole(bytes) => !bytes.is_empty(),
        }
    }

    /// All of the body, if it was gathered.
    pub(super) fn whole(&self) -> &[u8] {
        self.content.whole()
    }

    /// Whether a gathered body holds a placeholder. What still comes is looked through as it does.
    pub(super) fn holds(&self, placeholder: &str) -> bool {
        memmem::find(self.whole(), placeholder.as_bytes()).is_some()
    }

    /// The head, the body, and whether that still has to be looked through.
    pub(in crate::host) fn into_parts(self) -> (HttpCall, Option<Body>, bool) {
        match self.content {
            Content::Coming(body) => (self.call, body, true),
            Content::Whole(bytes) => {
                let full = Full::new(bytes).map_err(|never| match never {});
                (self.call, Some(full.boxed_unsync()), false)
            }
        }
    }
}
