//! The policies of one function, and the decision whether somebody may invoke it.
//!
//! Cedar decides over three small sets: the operator's policies for every function, those for this
//! one, and the grants that can matter to who asks. Their answers add up as one set's would:
//! a `forbid` in any of them wins, and otherwise one permit is enough.
//!
//! Invariant: nothing is permitted that no policy permits, that a policy forbids, or while any
//! policy that was looked at could not be evaluated.

use crate::cache::{Cache, Key};
use crate::calls::Reach;
use crate::operator::{Policies, hash};
use crate::reads::{ClaimNames, Reads};
use crate::verdict::{Denial, DenialKind, Permit, PolicyId, command};
use crate::{Asker, Error, InvokeAsk};
use cedar_policy::{AuthorizationError, Decision, PolicySet, Response};
use model::{Action, Code, FunctionRef, Grant, Principal};
use std::sync::Arc;

/// Everything that decides about one function. Made anew when a grant or a policy changes.
pub struct FunctionPolicies {
    pub(crate) function: FunctionRef,
    /// What its manifest asks for.
    pub(crate) asked: Reach,
    /// What grants allow it.
    pub(crate) granted: Reach,
    pub(crate) policies: Arc<Policies>,
    /// Who may invoke it by a grant. Sorted.
    invokers: Box<[Principal]>,
    /// Who may have it work later by a grant. Sorted.
    pub(crate) deferrers: Box<[Principal]>,
    version: u64,
    reads: Reads,
    claims: ClaimNames,
    cache: Cache,
}

impl FunctionPolicies {
    pub(crate) fn new(
        policies: &Arc<Policies>,
        function: &FunctionRef,
        grants: &[Grant],
        asked: Reach,
    ) -> Result<Self, Error> {
        let mut own: Vec<&Grant> =
            grants.iter().filter(|grant| concerns(grant, function)).collect();
        own.sort();
        own.dedup();
        for grant in &own {
            (*grant)
                .clone()
                .checked()
                .map_err(|source| Error::Grant { grant: grant_id(grant), source })?;
        }
        // Grants of this function to call others are among its own.
        let is_invoke = |grant: &Grant| matches!(&grant.action, Action::Invoke { function: to } if *to == function.name);
        let invokers = own.iter().filter(|grant| is_invoke(grant)).map(|grant| grant.who.clone());
        let is_async = |grant: &Grant| matches!(grant.action, Action::InvokeAsync { .. });
        let deferrers = own.iter().filter(|grant| is_async(grant)).map(|grant| grant.who.clone());
        let uid = policies.vocabulary.function(function);
        let (reads, claims) = policies.reads_for(&uid);
        Ok(Self {
            function: function.clone(),
            invokers: invokers.collect(),
            deferrers: deferrers.collect(),
            granted: Reach::of_grants(&own),
            asked,
            version: version(policies, function, &own),
            reads,
            claims,
            policies: Arc::clone(policies),
            cache: Cache::default(),
        })
    }

    /// A number that changes with [`Policies::version`] and with every grant of this function.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Decides whether somebody may invoke the function.
    ///
    /// # Errors
    /// [`Denial`] with code E0201 if nothing permits it or something forbids it,
    /// with E0202 if a policy could not be evaluated.
    pub fn decide_invoke(&self, ask: &InvokeAsk<'_>) -> Result<Permit, Denial> {
        if *ask.function != self.function {
            return Err(Denial::error(Vec::new(), "these policies are another function's"));
        }
        let one_of_many = !self.reads.has(Reads::SUBJECT) && !self.names(ask.principal);
        let key = Key::of(ask, self.reads, &self.claims, one_of_many);
        if let Some(verdict) = self.cache.find(&key) {
            return verdict.map_err(|denial| self.addressed(denial, ask));
        }
        let verdict = self.evaluate(ask);
        self.cache.keep(&key, &verdict);
        verdict
    }

    /// Whether a grant names this very subject or certificate.
    fn names(&self, asker: Asker<'_>) -> bool {
        let own = match asker {
            Asker::Jwt(issuer, subject) => Principal::Subject(issuer.clone(), subject.clone()),
            Asker::Certificate(subject) => Principal::Certificate(subject.clone()),
            _ => return false,
        };
        self.invoke_by(&own)
    }

    fn invoke_by(&self, who: &Principal) -> bool {
        self.invokers.binary_search(who).is_ok()
    }

    /// A remembered denial may be that of another subject; its hint names this one.
    fn addressed(&self, mut denial: Denial, ask: &InvokeAsk<'_>) -> Denial {
        let many = matches!(ask.principal, Asker::Jwt(..) | Asker::Certificate(_));
        if many && denial.kind == DenialKind::NoGrant {
            denial.hint = self.hint(ask.principal).map(Into::into);
        }
        denial
    }

    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.cache.len()
    }

    /// Decides without remembering.
    pub(crate) fn evaluate(&self, ask: &InvokeAsk<'_>) -> Result<Permit, Denial> {
        let findings = match self.consult(ask) {
            Ok(findings) => findings,
            Err(error) => return Err(Denial::error(Vec::new(), &error.to_string())),
        };
        findings.failure()?;
        findings.forbidden()?;
        if findings.permits.is_empty() {
            return Err(Denial::no_grant(Code::Denied, self.hint(ask.principal)));
        }
        Ok(Permit::new(self.version, sorted(findings.permits)))
    }

    fn consult(&self, ask: &InvokeAsk<'_>) -> Result<Findings, Error> {
        let words = &self.policies.vocabulary;
        let request = words.request(ask, self.reads)?;
        let entities = words.entities(ask, self.reads)?;
        let granted = self.grants_for(ask.principal)?;
        let mut findings = Findings::default();
        for set in self.policies.sets_for(&words.function(ask.function)).chain([&granted]) {
            findings.add(&words.authorizer.is_authorized(&request, set, &entities));
        }
        Ok(findings)
    }

    /// The grants that can matter to `asker`: the public's, its own, and those of its kind.
    fn grants_for(&self, asker: Asker<'_>) -> Result<PolicySet, Error> {
        let (own, kind) = match asker {
            Asker::Anonymous => (None, None),
            Asker::Function(name) => return self.permits([Principal::Function(name.clone())]),
            Asker::Trigger(name) => return self.permits([Principal::Trigger(name.clone())]),
            Asker::Operator => return Ok(PolicySet::new()),
            Asker::Token(name) => (Some(Principal::Token(name.clone())), None),
            Asker::Jwt(issuer, subject) => (
                Some(Principal::Subject(issuer.clone(), subject.clone())),
                Some(Principal::Issuer(issuer.clone())),
            ),
            Asker::Certificate(subject) => {
                (Some(Principal::Certificate(subject.clone())), Some(Principal::AnyCertificate))
            }
        };
        self.permits([Some(Principal::Public), own, kind].into_iter().flatten())
    }

    /// Those of these that a grant names, as policies.
    fn permits(&self, who: impl IntoIterator<Item = Principal>) -> Result<PolicySet, Error> {
        let policies = who
            .into_iter()
            .filter(|who| self.invoke_by(who))
            .map(|who| {
                let id = grant_id(&self.invoke_grant(who.clone()));
                self.policies.vocabulary.permit(&id, &who, &self.function)
            })
            .collect::<Result<Vec<_>, _>>()?;
        PolicySet::from_policies(policies).map_err(Error::invariant)
    }

    fn hint(&self, asker: Asker<'_>) -> Option<String> {
        let who = match asker {
            Asker::Anonymous => Principal::Public,
            Asker::Token(name) => Principal::Token(name.clone()),
            Asker::Jwt(issuer, subject) => Principal::Subject(issuer.clone(), subject.clone()),
            Asker::Certificate(subject) => Principal::Certificate(subject.clone()),
            Asker::Function(name) => Principal::Function(name.clone()),
            Asker::Trigger(name) => Principal::Trigger(name.clone()),
            Asker::Operator => return None,
        };
        Some(command(&self.function.scope, &self.invoke_grant(who)))
    }

    fn invoke_grant(&self, who: Principal) -> Grant {
        Grant { who, action: Action::Invoke { function: self.function.name.clone() } }
    }
}

/// Whether a grant, made in the function's tenant and environment, is about `function`:
/// to invoke it, or for what it may do.
#[must_use]
pub fn concerns(grant: &Grant, function: &FunctionRef) -> bool {
    let acts = matches!(&grant.who, Principal::Function(name) if *name == function.name);
    acts || grant.action.function() == Some(&function.name)
}

/// What a grant is called where policies are listed: its text, with anything in a target that
/// could look like the end of it escaped.
#[must_use]
pub fn grant_id(grant: &Grant) -> String {
    match &grant.action {
        Action::Invoke { .. }
        | Action::InvokeAsync { .. }
        | Action::Publish { .. }
        | Action::Reveal { .. }
        | Action::Tcp { .. } => grant.to_string(),
        Action::Http { target }
        | Action::KeyValue { target }
        | Action::Blob { target }
        | Action::DataReveal { target }
        | Action::Secret { target } => {
            format!("{} {} \"{}\"", grant.who, grant.action.word(), target.escape_debug())
        }
    }
}

fn version(policies: &Policies, function: &FunctionRef, grants: &[&Grant]) -> u64 {
    let parts = [format!("{:016x}", policies.version()), function.to_string()];
    let grants: Vec<_> = grants.iter().map(|grant| grant_id(grant)).collect();
    hash(parts.iter().chain(&grants).map(String::as_str))
}

/// What Cedar found in several sets, added up.
#[derive(Default)]
pub(crate) struct Findings {
    permits: Vec<PolicyId>,
    forbids: Vec<PolicyId>,
    failed: Vec<PolicyId>,
    /// What the first policy that failed said.
    error: Option<String>,
}

impl Findings {
    pub(crate) fn of(response: &Response) -> Self {
        let mut findings = Self::default();
        findings.add(response);
        findings
    }

    /// # Errors
    /// A policy could not be evaluated.
    pub(crate) fn failure(&self) -> Result<(), Denial> {
        match &self.error {
            Some(what) => Err(Denial::error(sorted(self.failed.clone()), what)),
            None => Ok(()),
        }
    }

    /// # Errors
    /// A policy forbids it.
    pub(crate) fn forbidden(&self) -> Result<(), Denial> {
        if self.forbids.is_empty() {
            return Ok(());
        }
        Err(Denial::forbidden(sorted(self.forbids.clone())))
    }

    fn add(&mut self, response: &Response) {
        let diagnostics = response.diagnostics();
        // A denial without a reason is one where nothing applied.
        let reasons = diagnostics.reason().map(|id| PolicyId::from(id.as_ref()));
        match response.decision() {
            Decision::Allow => self.permits.extend(reasons),
            Decision::Deny => self.forbids.extend(reasons),
        }
        for AuthorizationError::PolicyEvaluationError(error) in diagnostics.errors() {
            self.failed.push(PolicyId::from(error.policy_id().as_ref()));
            self.error.get_or_insert_with(|| error.inner().to_string());
        }
    }
}

fn sorted(mut ids: Vec<PolicyId>) -> Vec<PolicyId> {
    ids.sort_unstable();
    ids
}
