//! Things in grants and policies that are allowed and worth a second look.
//!
//! Nothing here decides anything: a finding is a note to whoever runs the node.

use crate::error::Place;
use crate::function::grant_id;
use crate::operator::Policies;
use crate::target::{Target, Url};
use crate::verdict::PolicyId;
use cedar_policy::{
    ActionConstraint, Effect, Policy, PrincipalConstraint, ResourceConstraint, ValidationWarning,
};
use model::grant::{DataTarget, REPLY, SecretTarget};
use model::{Action, Grant, Principal};

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LintKind {
    /// A permit that names no principal, no action and no resource.
    Unconstrained,
    /// A grant of an outgoing request with any method.
    AnyMethod,
    /// A grant of outgoing requests to every path of a host.
    WholeHost,
    /// A grant of outgoing requests that can match nothing.
    MatchesNothing,
    /// A grant that sends a secret over plain HTTP.
    Cleartext,
    /// A function that everybody may invoke.
    Public,
    /// A policy that Cedar itself doubts, such as one that can never apply.
    Doubtful,
}

/// One note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintFinding {
    /// What kind.
    pub kind: LintKind,
    /// The grant or policy.
    pub policy: PolicyId,
    /// What is worth a look, in one line without a period.
    pub message: String,
}

/// Looks through grants and the operator's policies.
#[must_use]
pub fn lint(grants: &[Grant], operator: &Policies) -> Vec<LintFinding> {
    grants.iter().flat_map(of_grant).chain(operator.findings.iter().cloned()).collect()
}

fn finding(kind: LintKind, policy: &str, message: impl Into<String>) -> LintFinding {
    LintFinding { kind, policy: policy.into(), message: message.into() }
}

fn of_grant(grant: &Grant) -> Vec<LintFinding> {
    let id = grant_id(grant);
    match &grant.action {
        Action::Invoke { function } if grant.who == Principal::Public => {
            let message = format!("everybody may invoke `{function}`, without a credential");
            vec![finding(LintKind::Public, &id, message)]
        }
        Action::Invoke { .. }
        | Action::InvokeAsync { .. }
        | Action::Reveal { .. }
        | Action::Publish { .. } => Vec::new(),
        Action::Http { target } => of_target(&id, target),
        Action::KeyValue { .. } | Action::Blob { .. } | Action::Tcp { .. } => Vec::new(),
        Action::DataReveal { target } => of_reveal(&id, target),
        Action::Secret { target } => of_secret(&id, target),
    }
}

fn of_target(id: &str, target: &str) -> Vec<LintFinding> {
    let Some(target) = Target::parse(target) else {
        let message = "matches no request: write a method, a host and a path without a query, such as `GET https://api.example.com/v1/*`";
        return vec![finding(LintKind::MatchesNothing, id, message)];
    };
    let mut findings = Vec::new();
    if target.any_method() {
        findings.push(finding(LintKind::AnyMethod, id, "covers every method"));
    }
    if target.whole_host() {
        findings.push(finding(LintKind::WholeHost, id, "covers every path of the host"));
    }
    findings
}

fn of_secret(id: &str, target: &str) -> Vec<LintFinding> {
    match SecretTarget::parse(target).and_then(|target| Url::parse(target.url)) {
        None => {
            let message = "matches no request: write a name, a host and perhaps a path, such as `psp for https://api.example.com`";
            vec![finding(LintKind::MatchesNothing, id, message)]
        }
        Some(url) if url.origin().starts_with("http://") => {
            let message = "sends a secret unencrypted: whoever can read the wire can read it";
            vec![finding(LintKind::Cleartext, id, message)]
        }
        Some(_) => Vec::new(),
    }
}

fn of_reveal(id: &str, target: &str) -> Vec<LintFinding> {
    if DataTarget::parse(target).is_some_and(|target| target.url == REPLY) {
        return Vec::new();
    }
    match DataTarget::parse(target).and_then(|target| Url::parse(target.url)) {
        None => {
            let message = "matches no request: write a class, a place and a purpose, such as `pan for https://api.example.com as payment`";
            vec![finding(LintKind::MatchesNothing, id, message)]
        }
        Some(url) if url.origin().starts_with("http://") => {
            let message =
                "sends sensitive values unencrypted: whoever can read the wire can read them";
            vec![finding(LintKind::Cleartext, id, message)]
        }
        Some(_) => Vec::new(),
    }
}

/// What is worth a look in a policy's scope.
pub(crate) fn operator_policy(policy: &Policy) -> Vec<LintFinding> {
    let id: &str = policy.id().as_ref();
    let any_action = policy.action_constraint() == ActionConstraint::Any;
    let mut findings = Vec::new();
    if policy.effect() == Effect::Permit
        && policy.principal_constraint() == PrincipalConstraint::Any
        && any_action
        && policy.resource_constraint() == ResourceConstraint::Any
    {
        let message = if policy.has_non_scope_constraint() {
            "permits any principal any action on any resource, under its conditions only"
        } else {
            "permits everybody everything"
        };
        findings.push(finding(LintKind::Unconstrained, id, message));
    }
    findings
}

/// What Cedar's validator warned about.
pub(crate) fn doubtful(policy: &str, place: Place, warning: &ValidationWarning) -> LintFinding {
    // Cedar begins its messages with the name that it knows the policy by, which is not ours.
    finding(LintKind::Doubtful, policy, format!("at {place}: {warning}"))
}
