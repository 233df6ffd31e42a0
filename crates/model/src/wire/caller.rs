//! How a caller is written for people, and read back.

use super::v1::Caller;
use crate::{FunctionName, IssuerName, Subject, TokenName, TriggerName};
use std::fmt;

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Token(name) => write!(f, "token:{name}"),
            Self::Operator => f.write_str("operator"),
            Self::Jwt { issuer, subject } => write!(f, "jwt:{issuer}/{subject}"),
            Self::Certificate(subject) => write!(f, "mtls:{subject}"),
            Self::Function(name) => write!(f, "function:{name}"),
            Self::Trigger(name) => write!(f, "trigger:{name}"),
        }
    }
}

/// A text that names no caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no caller: write `anonymous`, `operator`, `token:NAME`, `jwt:ISSUER/SUBJECT`, `mtls:SUBJECT`, `function:NAME` or `trigger:NAME`",
    .0.escape_debug()
)]
pub struct NoCaller(String);

impl std::str::FromStr for Caller {
    type Err = NoCaller;
    fn from_str(text: &str) -> Result<Self, NoCaller> {
        let read = || match text.split_once(':') {
            None if text == "anonymous" => Some(Self::Anonymous),
            None if text == "operator" => Some(Self::Operator),
            Some(("token", name)) => Some(Self::Token(TokenName::parse(name).ok()?)),
            Some(("jwt", rest)) => {
                let (issuer, subject) = rest.split_once('/')?;
                let issuer = IssuerName::parse(issuer).ok()?;
                Some(Self::Jwt { issuer, subject: Subject::parse(subject).ok()? })
            }
            Some(("function", name)) => Some(Self::Function(FunctionName::parse(name).ok()?)),
            Some(("trigger", name)) => Some(Self::Trigger(TriggerName::parse(name).ok()?)),
            Some(("mtls", subject)) => Some(Self::Certificate(Subject::parse(subject).ok()?)),
            _ => None,
        };
        read().ok_or_else(|| NoCaller(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "anonymous",
            "operator",
            "token:ci",
            "jwt:shop/alice",
            "jwt:shop/a%7Cb/c",
            "mtls:spiffe://a.example/x",
            "function:orders",
            "trigger:nightly",
        ] {
            assert_eq!(text.parse::<Caller>().map(|caller| caller.to_string()), Ok(text.into()));
        }
        for text in ["", "token:", "jwt:shop", "jwt:shop/", "jwt:Shop/a", "mtls:", "public"] {
            assert!(text.parse::<Caller>().is_err(), "{text}");
        }
    }

    /// If this fails, the on-disk format changed: add `v2`, do not edit `v1`.
    #[test]
    fn callers_keep_their_bytes() {
        for (text, bytes) in [
            ("anonymous", "00"),
            ("token:ci", "01026369"),
            ("operator", "02"),
            ("jwt:shop/alice", "030473686f7005616c696365"),
            ("mtls:cn:a", "0404636e3a61"),
            ("function:a", "050161"),
            ("trigger:a", "060161"),
        ] {
            let caller: Caller = text.parse().expect(text);
            let written = postcard::to_stdvec(&caller).expect("encodes");
            assert_eq!(hex::encode(&written), bytes, "{text}");
            assert_eq!(postcard::from_bytes::<Caller>(&written).expect("decodes"), caller);
        }
    }
}
