//! What is asked: who wants to invoke which function, and how.

use model::wire::v1::Caller;
use model::{Claims, FunctionName, FunctionRef, IssuerName, Subject, TokenName, TriggerName};
use std::net::IpAddr;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asker<'a> {
    /// Somebody without a credential, or with one that proved nothing.
    Anonymous,
    /// The holder of a token that was verified.
    ///
    /// A name says nothing about where it lives, and this one is read as a name of the function's
    /// own tenant and environment. So the caller must have made sure that the token lives there.
    Token(&'a TokenName),
    /// The operator, through the admin API.
    Operator,
    /// Whom a verified token of an issuer names.
    Jwt(&'a IssuerName, &'a Subject),
    /// The holder of a client certificate that was verified.
    Certificate(&'a Subject),
    /// A function of the same tenant and environment. It is not of the public: only its own grants
    /// let it call another, so that the edges between functions are those that somebody granted.
    Function(&'a FunctionName),
    /// A trigger of the function, such as a schedule. It is not of the public either.
    Trigger(&'a TriggerName),
}

impl<'a> From<&'a Caller> for Asker<'a> {
    fn from(caller: &'a Caller) -> Self {
        match caller {
            Caller::Anonymous => Self::Anonymous,
            Caller::Token(name) => Self::Token(name),
            Caller::Operator => Self::Operator,
            Caller::Jwt { issuer, subject } => Self::Jwt(issuer, subject),
            Caller::Certificate(subject) => Self::Certificate(subject),
            Caller::Function(name) => Self::Function(name),
            Caller::Trigger(name) => Self::Trigger(name),
        }
    }
}

/// The ask to invoke a function.
#[derive(Debug, Clone, Copy)]
pub struct InvokeAsk<'a> {
    /// Who asks.
    pub principal: Asker<'a>,
    /// For which function. One that these policies are not for is denied.
    pub function: &'a FunctionRef,
    /// From where, if that is known. An IPv4 address inside an IPv6 one is read as the former.
    pub source: Option<IpAddr>,
    /// The HTTP method.
    pub method: &'a str,
    /// The route's pattern; empty for direct calls.
    pub route: &'a str,
    /// `http`, `websocket`, `direct`, `call` or `schedule`.
    pub trigger: &'static str,
    /// What the caller's token says, if it is one of an issuer.
    pub claims: &'a Claims,
}

impl InvokeAsk<'_> {
    /// The address in the one form that decisions and cache keys use, so that a policy on
    /// `10.0.0.0/8` also holds on a listener that sees `::ffff:10.0.0.1`.
    pub(crate) fn source(&self) -> Option<IpAddr> {
        self.source.map(|address| address.to_canonical())
    }
}
