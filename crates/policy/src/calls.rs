//! What a running function may ask of the host.
//!
//! Two keys open a door: the function's manifest asks for it, and a grant allows it. An operator's
//! `permit` stands in the place of a grant, and an operator's `forbid` beats everything; where no
//! policy of the operator speaks of the action, Cedar is not asked at all.

use crate::FunctionPolicies;
use crate::data::Revealed;
use crate::target::{Method, Target, Url};
use crate::verdict::{CallPermit, Denial, command};
use model::grant::SecretTarget;
use model::manifest::{Allow, DataSpec};
use model::store::{Access, StoreTarget};
use model::{
    Action, ApplicationName, Claims, Code, Destination, FunctionName, Grant, Principal, SecretName,
    StoreName,
};

/// An outgoing HTTP request.
#[derive(Debug, Clone, Copy)]
pub struct HttpAsk<'a> {
    /// The method.
    pub method: &'a str,
    /// The absolute URL. It comes from the guest and may be anything; a query in it is not looked at.
    pub url: &'a str,
}

/// The use of a key-value store, or of a container of blobs.
#[derive(Debug, Clone, Copy)]
pub struct StoreAsk<'a> {
    /// The store, as the function calls it.
    pub store: &'a str,
    /// The same store in its environment.
    pub name: &'a StoreName,
    /// What is to be done.
    pub access: Access,
    /// With which key; `None` to open the store, which any part of it allows.
    pub key: Option<&'a str>,
    /// What the caller's token says.
    pub claims: &'a Claims,
}

/// The use of a secret in an outgoing request.
#[derive(Debug, Clone, Copy)]
pub struct SecretAsk<'a> {
    /// The secret.
    pub name: &'a SecretName,
    /// Where the request goes. A query in it is not looked at.
    pub url: &'a str,
}

/// What a manifest asks for, or what grants allow, as it is compared.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    pub(crate) http: Box<[Target]>,
    stores: Box<[StoreTarget]>,
    pub(crate) containers: Box<[StoreTarget]>,
    pub(crate) tcp: Box<[Destination]>,
    functions: Box<[FunctionName]>,
    /// Applications that events are published to.
    pub(crate) applications: Box<[ApplicationName]>,
    /// Every place that a secret is sent to.
    secrets: Box<[(SecretName, Url)]>,
    /// Those at which requests of the function's own get it, or what is made of it.
    pub(crate) destinations: Box<[(SecretName, Url)]>,
    /// Secrets that are read.
    revealed: Box<[SecretName]>,
    /// Classes that come back, with where and what for.
    pub(crate) data: Box<[Revealed]>,
    /// Only tests say that everything is asked for.
    pub(crate) everything: bool,
}

impl Reach {
    pub(crate) fn of_grants(grants: &[&Grant]) -> Self {
        let mut http = Vec::new();
        let mut stores = Vec::new();
        let mut containers = Vec::new();
        let mut secrets = Vec::new();
        let mut revealed = Vec::new();
        let mut tcp = Vec::new();
        let mut data = Vec::new();
        for grant in grants {
            match &grant.action {
                Action::Invoke { .. } | Action::InvokeAsync { .. } | Action::Publish { .. } => {}
                Action::Http { target } => http.extend(Target::parse(target)),
                Action::KeyValue { target } => stores.extend(StoreTarget::parse(target)),
                Action::Blob { target } => containers.extend(StoreTarget::parse(target)),
                Action::Secret { target } => secrets.extend(secret(target)),
                Action::Reveal { target } => revealed.push(target.clone()),
                Action::DataReveal { target } => data.extend(Revealed::parse(target)),
                Action::Tcp { target } => tcp.push(target.clone()),
            }
        }
        Self {
            http: http.into(),
            stores: stores.into(),
            containers: containers.into(),
            tcp: tcp.into(),
            secrets: secrets.into(),
            revealed: revealed.into(),
            data: data.into(),
            ..Self::default()
        }
    }

    pub(crate) fn of_manifest(allow: &Allow, data: Option<&DataSpec>) -> Self {
        let store = |(what, access): (&String, &Access)| {
            StoreTarget::parse(&format!("{} {what}", access.word()))
        };
        Self {
            http: allow.http.iter().filter_map(|target| Target::parse(target)).collect(),
            stores: allow.keyvalue.iter().filter_map(store).collect(),
            containers: allow.blobs.iter().filter_map(store).collect(),
            tcp: allow.tcp.clone().into(),
            functions: allow.invoke.clone().into(),
            applications: allow.publish.clone().into(),
            secrets: allow
                .secret
                .iter()
                .flat_map(|(name, using)| using.targets(name))
                .filter_map(|target| secret(&target))
                .collect(),
            destinations: allow
                .secret
                .iter()
                .flat_map(|(name, using)| using.destinations(name))
                .filter_map(|target| secret(&target))
                .collect(),
            revealed: allow
                .secret
                .iter()
                .filter(|(_, using)| using.reveal)
                .map(|(name, _)| name.clone())
                .collect(),
            data: Revealed::all(data),
            everything: false,
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    fn has_http(&self, method: &str, url: &Url) -> bool {
        self.everything || self.http.iter().any(|target| target.covers(method, url))
    }

    fn has_store(&self, ask: &StoreAsk<'_>) -> bool {
        let fits = |target: &&StoreTarget| *target.store == *ask.store;
        let covers = |target: &StoreTarget| match ask.key {
            Some(key) => target.access.covers(ask.access) && target.covers_key(key, ask.claims),
            None => target.keys(ask.claims).is_some(),
        };
        self.everything || self.stores.iter().filter(fits).any(covers)
    }

    fn has_secret(&self, name: &SecretName, url: &Url) -> bool {
        let covers = |(own, place): &(SecretName, Url)| own == name && place.holds(url);
        self.everything || self.secrets.iter().any(covers)
    }

    fn sends_secret(&self, name: &SecretName, url: &Url) -> bool {
        let covers = |(own, place): &(SecretName, Url)| own == name && place.holds(url);
        self.everything || self.destinations.iter().any(covers)
    }
}

/// What the keys that may be read begin with; each with whether any rest may follow.
fn readable(of: &[StoreTarget], store: &str, claims: &Claims) -> Vec<(String, bool)> {
    let readable =
        |target: &&StoreTarget| *target.store == *store && target.access.covers(Access::Read);
    of.iter().filter(readable).filter_map(|target| target.keys(claims)).collect()
}

impl FunctionPolicies {
    /// Decides whether the function may send an HTTP request.
    ///
    /// # Errors
    /// [`Denial`] with code E0203, or E0202 if a policy could not be evaluated. Its hint is what
    /// would allow exactly this request, safe to paste into a shell whatever the guest asked for.
    pub fn decide_http(&self, ask: HttpAsk<'_>) -> Result<CallPermit, Denial> {
        let code = Code::OutboundDenied;
        let Some(url) = Url::parse(ask.url) else { return Err(Denial::no_grant(code, None)) };
        if !self.asked.has_http(ask.method, &url) {
            let target = Method::parse(ask.method).map(|method| format!("{method} {url}"));
            let line = target.map(|target| format!("http = [\"{target}\"]"));
            return Err(not_asked(code, "allow.http", line));
        }
        let granted = self.granted.has_http(ask.method, &url);
        self.conclude(granted, self.consult_http(ask.method, &url), code, || {
            let method = Method::parse(ask.method)?;
            Some(Action::Http { target: format!("{method} {url}") })
        })
    }

    /// Decides whether the function may use a key of a store, or the store at all.
    ///
    /// # Errors
    /// [`Denial`] with code E0207, or E0202 if a policy could not be evaluated.
    pub fn decide_store(&self, ask: StoreAsk<'_>) -> Result<CallPermit, Denial> {
        let code = Code::StoreDenied;
        if !self.asked.has_store(&ask) {
            let line = format!("keyvalue = {{ {} = \"{}\" }}", ask.store, ask.access.word());
            return Err(not_asked(code, "allow.keyvalue", Some(line)));
        }
        let granted = self.granted.has_store(&ask);
        self.conclude(granted, self.consult_store(&ask), code, || {
            let target = format!("{} {}", ask.access.word(), ask.store);
            StoreTarget::parse(&target)?;
            Some(Action::KeyValue { target })
        })
    }

    /// Decides whether the manifest asks to call another function. Whether a grant allows it the
    /// other function's policies decide.
    ///
    /// # Errors
    /// [`Denial`] with code E0201.
    pub fn decide_call(&self, name: &FunctionName) -> Result<CallPermit, Denial> {
        if self.asked.everything || self.asked.functions.contains(name) {
            return Ok(CallPermit::new());
        }
        Err(not_asked(Code::Denied, "allow.invoke", Some(format!("invoke = [\"{name}\"]"))))
    }

    /// Whether the manifest asks for a secret in requests to this place, whatever grants say.
    #[must_use]
    pub fn wants_secret(&self, ask: SecretAsk<'_>) -> bool {
        Url::parse(ask.url).is_some_and(|url| self.asked.sends_secret(ask.name, &url))
    }

    /// Decides whether the platform may send a request of its own on the function's behalf: it has
    /// a permit for the secret in it, which names the place, and needs no grant for requests. An
    /// operator's `forbid` holds all the same.
    ///
    /// # Errors
    /// [`Denial`] with code E0203, or E0202 if a policy could not be evaluated.
    pub fn decide_errand(&self, _: &CallPermit, ask: HttpAsk<'_>) -> Result<CallPermit, Denial> {
        let code = Code::OutboundDenied;
        let Some(url) = Url::parse(ask.url) else { return Err(Denial::no_grant(code, None)) };
        self.conclude(true, self.consult_http(ask.method, &url), code, || None)
    }

    /// Decides whether a secret may be put into a request of the function.
    ///
    /// # Errors
    /// [`Denial`] with code E0208, or E0202 if a policy could not be evaluated.
    pub fn decide_secret(&self, ask: SecretAsk<'_>) -> Result<CallPermit, Denial> {
        let code = Code::SecretDenied;
        let Some(url) = Url::parse(ask.url) else { return Err(Denial::no_grant(code, None)) };
        if !self.asked.has_secret(ask.name, &url) {
            return Err(not_asked(code, "allow.secret", None));
        }
        let granted = self.granted.has_secret(ask.name, &url);
        self.conclude(granted, self.consult_secret(&ask, &url), code, || {
            // What the manifest asks for, and not the one request: that is what would be granted.
            let own = |(name, place): &&(SecretName, Url)| name == ask.name && place.holds(&url);
            let (name, place) = self.asked.secrets.iter().find(own)?;
            Some(Action::Secret { target: format!("{name} for {place}") })
        })
    }

    /// Decides whether the function may read a secret.
    ///
    /// # Errors
    /// [`Denial`] with code E1420, or E0202 if a policy could not be evaluated.
    pub fn decide_reveal(&self, name: &SecretName) -> Result<CallPermit, Denial> {
        let code = Code::RevealDenied;
        if !self.asked.everything && !self.asked.revealed.contains(name) {
            let line = format!("secret.{name} = {{ reveal = true }}");
            return Err(not_asked(code, "allow.secret", Some(line)));
        }
        let granted = self.granted.everything || self.granted.revealed.contains(name);
        let action = || Some(Action::Reveal { target: name.clone() });
        self.conclude(granted, self.consult_reveal(name), code, action)
    }

    /// What the keys of a store begin with that this function may list for its caller, in order, no
    /// two of them overlapping; each with whether any rest may follow. Empty if there are none.
    #[must_use]
    pub fn listable(&self, store: &str, claims: &Claims) -> Vec<(String, bool)> {
        self.listable_of(|reach| &reach.stores, store, claims)
    }

    /// The same for stores or for containers.
    pub(crate) fn listable_of(
        &self,
        which: impl Fn(&Reach) -> &[StoreTarget],
        store: &str,
        claims: &Claims,
    ) -> Vec<(String, bool)> {
        let granted = readable(which(&self.granted), store, claims);
        if self.asked.everything {
            return disjoint(granted);
        }
        let asked = readable(which(&self.asked), store, claims);
        let both = granted.iter().flat_map(|one| asked.iter().map(move |two| overlap(one, two)));
        disjoint(both.flatten().collect())
    }

    pub(crate) fn conclude(
        &self,
        granted: bool,
        consulted: Result<bool, Denial>,
        code: Code,
        action: impl FnOnce() -> Option<Action>,
    ) -> Result<CallPermit, Denial> {
        // An operator's policy can forbid what is granted, so it is asked in any case.
        if consulted.map_err(|denial| Denial { code: denial.code_or(code), ..denial })? || granted {
            return Ok(CallPermit::new());
        }
        let hint = || {
            let who = Principal::Function(self.function.name.clone());
            Some(command(&self.function.scope, &Grant { who, action: action()? }.checked().ok()?))
        };
        Err(Denial::no_grant(code, hint()))
    }
}

fn secret(target: &str) -> Option<(SecretName, Url)> {
    let SecretTarget { name, url } = SecretTarget::parse(target)?;
    Some((name, Url::parse(url)?))
}

/// The keys that both cover.
fn overlap(one: &(String, bool), two: &(String, bool)) -> Option<(String, bool)> {
    let (short, long) = if one.0.len() <= two.0.len() { (one, two) } else { (two, one) };
    if short.0 == long.0 {
        return Some((short.0.clone(), short.1 && long.1));
    }
    (short.1 && long.0.starts_with(&short.0)).then(|| long.clone())
}

fn disjoint(mut all: Vec<(String, bool)>) -> Vec<(String, bool)> {
    // Of two with one text, the open one comes first and covers the other.
    all.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut kept: Vec<(String, bool)> = Vec::with_capacity(all.len());
    for next in all {
        let covered =
            kept.last().is_some_and(
                |(text, open)| {
                    if *open { next.0.starts_with(text) } else { next.0 == *text }
                },
            );
        if !covered {
            kept.push(next);
        }
    }
    kept
}

pub(crate) fn not_asked(code: Code, key: &str, line: Option<String>) -> Denial {
    let option = match key {
        "allow.http" => " (a component without a manifest takes `--allow URL`)",
        "allow.keyvalue" => " (a component without a manifest takes `--keyvalue NAME`)",
        _ => "",
    };
    let hint = line.map(|line| {
        format!("write `{line}` below `[function.allow]` of the manifest, then `casemate deploy --grant`{option}")
    });
    let mut denial = Denial::no_grant(code, hint);
    denial.detail = Some(format!("the manifest's `{key}` does not ask for it").into());
    denial
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(text: &str) -> (String, bool) {
        match text.strip_suffix('*') {
            Some(text) => (text.to_owned(), true),
            None => (text.to_owned(), false),
        }
    }

    #[test]
    fn what_two_keys_open_is_what_both_do() {
        for (one, two, both) in [
            ("*", "a/*", Some("a/*")),
            ("a/*", "*", Some("a/*")),
            ("a/*", "b/*", None),
            ("a/*", "a/b", Some("a/b")),
            ("a/b", "a/b", Some("a/b")),
            ("a/b*", "a/b", Some("a/b")),
            ("a", "a/b", None),
        ] {
            assert_eq!(overlap(&pair(one), &pair(two)), both.map(pair), "{one} {two}");
        }
    }

    #[test]
    fn ranges_of_keys_do_not_overlap() {
        let given = ["b/*", "a/x", "a/*", "b/c", "b", "a/*"].map(pair);
        assert_eq!(disjoint(given.to_vec()), ["a/*", "b", "b/*"].map(pair).to_vec());
        assert_eq!(disjoint(["a", "*"].map(pair).to_vec()), vec![pair("*")]);
    }
}
