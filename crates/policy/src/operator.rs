//! The operator's policies: read once, checked strictly, shared by every function.
//!
//! Cedar looks at every policy of a set, so the policies that name one function are kept apart
//! from those that may concern any. A function's decision takes the latter, its own of the former,
//! and the at most three grants that can matter to who asks; the rest could not have matched.
//!
//! Invariant: every policy in here fits the schema in Cedar's strict mode.

use crate::calls::Reach;
use crate::error::Place;
use crate::lint::{self, LintFinding};
use crate::reads::{self, ClaimNames, Reads};
use crate::vocabulary::{SCHEMA, Vocabulary};
use crate::{Error, FunctionPolicies};
use cedar_policy::{
    ActionConstraint, EntityUid, Policy, PolicySet, ResourceConstraint, ValidationMode, Validator,
};
use model::manifest::{Allow, DataSpec};
use model::{FunctionRef, Grant};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What lets the operator invoke every function that no policy forbids to the operator.
const BUILT_IN: (&str, &str) = (
    "built-in operator",
    r#"permit(principal == Casemate::Operator::"operator", action == Casemate::Action::"invoke", resource);"#,
);

/// The schema, what the operator wrote, and what they have in common for all functions.
pub struct Policies {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) findings: Vec<LintFinding>,
    version: u64,
    everywhere: Slice,
    by_function: HashMap<EntityUid, Slice>,
    /// Policies that speak of outgoing requests.
    pub(crate) on_http: PolicySet,
    /// Policies that speak of key-value stores.
    pub(crate) on_keyvalue: PolicySet,
    /// Policies that speak of containers of blobs.
    pub(crate) on_blob: PolicySet,
    /// Policies that speak of connections.
    pub(crate) on_tcp: PolicySet,
    /// Policies that speak of secrets.
    pub(crate) on_secret: PolicySet,
    /// Those about reading secrets.
    pub(crate) on_reveal: PolicySet,
    /// Policies that speak of values that come back in requests.
    pub(crate) on_data: PolicySet,
    /// Policies that speak of calls that run later.
    pub(crate) on_async: PolicySet,
    /// Policies that speak of events that are published.
    pub(crate) on_publish: PolicySet,
}

/// Policies that are always looked at together.
#[derive(Default)]
struct Slice {
    set: PolicySet,
    reads: Reads,
    claims: ClaimNames,
}

impl Policies {
    /// Reads the operator's policies: pairs of a file's name and its text, in any order.
    ///
    /// # Errors
    /// [`Error`] names the first file, policy and place that cannot be used. There is no
    /// half-loaded state: one bad policy refuses them all.
    pub fn new(operator: &[(String, String)]) -> Result<Arc<Self>, Error> {
        let mut policies = Self {
            vocabulary: Vocabulary::new()?,
            findings: Vec::new(),
            version: version(operator),
            everywhere: Slice::default(),
            by_function: HashMap::new(),
            on_http: PolicySet::new(),
            on_keyvalue: PolicySet::new(),
            on_blob: PolicySet::new(),
            on_tcp: PolicySet::new(),
            on_secret: PolicySet::new(),
            on_reveal: PolicySet::new(),
            on_data: PolicySet::new(),
            on_async: PolicySet::new(),
            on_publish: PolicySet::new(),
        };
        let id = cedar_policy::PolicyId::new(BUILT_IN.0);
        policies.add(Policy::parse(Some(id), BUILT_IN.1).map_err(Error::invariant)?)?;
        let validator = Validator::new(policies.vocabulary.schema.clone());
        let mut ids = HashSet::new();
        for (file, text) in operator {
            for policy in policies.read(&validator, file, text)? {
                if !ids.insert(policy.id().clone()) {
                    return Err(Error::Twice { policy: policy.id().to_string() });
                }
                policies.findings.extend(lint::operator_policy(&policy));
                policies.add(policy)?;
            }
        }
        Ok(Arc::new(policies))
    }

    /// A number that changes with the schema and with every byte of the operator's policies, and
    /// is the same on every node that has the same ones.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Makes the policies of one function out of the grants that concern it, others are skipped,
    /// and of what its manifest asks for.
    ///
    /// Cheap: Cedar's form of a grant is made when somebody asks.
    ///
    /// # Errors
    /// [`Error::Grant`] if a grant pairs what cannot be paired.
    pub fn function(
        self: &Arc<Self>,
        function: &FunctionRef,
        grants: &[Grant],
        asked: &Allow,
        data: Option<&DataSpec>,
    ) -> Result<FunctionPolicies, Error> {
        FunctionPolicies::new(self, function, grants, Reach::of_manifest(asked, data))
    }

    /// As [`Policies::function`], for a manifest that asks for everything.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn for_function(
        self: &Arc<Self>,
        function: &FunctionRef,
        grants: &[Grant],
    ) -> Result<FunctionPolicies, Error> {
        FunctionPolicies::new(self, function, grants, Reach::everything())
    }

    /// The operator's policies that may concern `function`.
    pub(crate) fn sets_for(&self, function: &EntityUid) -> impl Iterator<Item = &PolicySet> {
        let own = self.by_function.get(function).map(|slice| &slice.set);
        std::iter::once(&self.everywhere.set).chain(own)
    }

    /// What those policies can read, and of the claims which ones.
    pub(crate) fn reads_for(&self, function: &EntityUid) -> (Reads, ClaimNames) {
        let Slice { reads, claims, .. } = &self.everywhere;
        match self.by_function.get(function) {
            Some(own) => (reads.and(own.reads), claims.clone().and(&own.claims)),
            None => (*reads, claims.clone()),
        }
    }

    fn read(
        &mut self,
        validator: &Validator,
        file: &str,
        text: &str,
    ) -> Result<Vec<Policy>, Error> {
        let set: PolicySet = text.parse().map_err(|source| Error::Syntax {
            file: file.to_owned(),
            place: Place::of(&source, text),
            source: Box::new(source),
        })?;
        if set.templates().next().is_some() {
            return Err(Error::Template { file: file.to_owned() });
        }
        let result = validator.validate(&set, ValidationMode::Strict);
        let first = result
            .validation_errors()
            .map(|error| (Place::of(error, text), error))
            .min_by_key(|(place, _)| (place.line, place.column));
        if let Some((place, source)) = first {
            let policy = name(file, &set, source.policy_id());
            return Err(Error::Schema { policy, place, source: Box::new(source.clone()) });
        }
        self.findings.extend(result.validation_warnings().map(|warning| {
            let place = Place::of(warning, text);
            lint::doubtful(&name(file, &set, warning.policy_id()), place, warning)
        }));
        Ok(set
            .policies()
            .map(|policy| policy.new_id(cedar_policy::PolicyId::new(name(file, &set, policy.id()))))
            .collect())
    }

    fn add(&mut self, policy: Policy) -> Result<(), Error> {
        let on_calls = [
            (&self.vocabulary.http, &mut self.on_http),
            (&self.vocabulary.keyvalue, &mut self.on_keyvalue),
            (&self.vocabulary.blob, &mut self.on_blob),
            (&self.vocabulary.tcp, &mut self.on_tcp),
            (&self.vocabulary.secret, &mut self.on_secret),
            (&self.vocabulary.reveal, &mut self.on_reveal),
            (&self.vocabulary.data_reveal, &mut self.on_data),
            (&self.vocabulary.invoke_async, &mut self.on_async),
            (&self.vocabulary.publish, &mut self.on_publish),
        ];
        for (action, set) in on_calls {
            if concerns(&policy, action) {
                set.add(policy.clone()).map_err(Error::invariant)?;
            }
        }
        if !concerns(&policy, self.vocabulary.invoke()) {
            return Ok(());
        }
        let slice = match only_resource(&policy) {
            Some(function) => self.by_function.entry(function).or_default(),
            None => &mut self.everywhere,
        };
        let (reads, claims) = reads::of_policy(&policy);
        slice.reads = slice.reads.and(reads);
        slice.claims = std::mem::take(&mut slice.claims).and(&claims);
        slice.set.add(policy).map_err(Error::invariant)
    }
}

/// `FILE#N`, counted from one, or `FILE#TEXT` for a policy with an annotation `@id("TEXT")`.
fn name(file: &str, set: &PolicySet, id: &cedar_policy::PolicyId) -> String {
    if let Some(text) = set.annotation(id, "id").filter(|text| !text.is_empty()) {
        return format!("{file}#{}", text.escape_debug());
    }
    let text: &str = id.as_ref();
    // Cedar numbers the policies of a text from zero.
    match text.strip_prefix("policy").and_then(|number| number.parse::<usize>().ok()) {
        Some(index) => format!("{file}#{}", index.saturating_add(1)),
        None => format!("{file}#{text}"),
    }
}

fn concerns(policy: &Policy, wanted: &EntityUid) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(action) => action == *wanted,
        // The schema has no groups of actions, so being in one is being it.
        ActionConstraint::In(actions) => actions.contains(wanted),
    }
}

/// The one function that the policy can be about, if its scope says so.
/// Functions have no parents, so being in one is being it.
fn only_resource(policy: &Policy) -> Option<EntityUid> {
    match policy.resource_constraint() {
        ResourceConstraint::Eq(uid)
        | ResourceConstraint::In(uid)
        | ResourceConstraint::IsIn(_, uid) => Some(uid),
        ResourceConstraint::Any | ResourceConstraint::Is(_) => None,
    }
}

fn version(operator: &[(String, String)]) -> u64 {
    let mut files: Vec<_> = operator.iter().collect();
    files.sort();
    let texts = files.into_iter().flat_map(|(file, text)| [file.as_str(), text.as_str()]);
    hash(std::iter::once(SCHEMA).chain(texts))
}

/// The first eight bytes of BLAKE3 over `texts`, each after its length, so that a byte cannot
/// move from one text to the next unnoticed.
pub(crate) fn hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}
