//! What an issuer said about a caller, as policies and requirements read it.
//!
//! Every claim is a name and a set of texts: `"admin"` is one, `["a", "b"]` two, `true` is
//! `true`, and a number is written out. Claims inside objects are named with dots, as in
//! `realm_access.roles`. `scope` (RFC 8693, section 4.2) is cut at its spaces.

/// The claims of a verified credential, by name. One without a text is as good as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Claims(Vec<Claim>);

/// One claim.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Claim {
    name: Box<str>,
    /// Sorted, each once.
    values: Box<[Box<str>]>,
}

impl Claims {
    /// No claims: of everybody who showed no token of an issuer.
    pub const NONE: &'static Self = &Self(Vec::new());

    /// Collects claims. `None` if a name comes twice: two readers could then see two callers.
    pub fn new(pairs: impl IntoIterator<Item = (String, Vec<String>)>) -> Option<Self> {
        let mut claims: Vec<Claim> = pairs.into_iter().map(claim).collect();
        claims.sort_by(|a, b| a.name.cmp(&b.name));
        let twice = claims.windows(2).any(|two| matches!(two, [a, b] if a.name == b.name));
        claims.retain(|claim| !claim.values.is_empty());
        (!twice).then_some(Self(claims))
    }

    /// The texts of a claim; none if it is absent.
    #[must_use]
    pub fn get(&self, name: &str) -> &[Box<str>] {
        let found = self.0.binary_search_by(|claim| claim.name.as_ref().cmp(name)).ok();
        found.and_then(|at| self.0.get(at)).map_or(&[], |claim| &claim.values)
    }

    /// Whether a claim has this text.
    #[must_use]
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.get(name).binary_search_by(|known| known.as_ref().cmp(value)).is_ok()
    }

    /// All claims, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Box<str>])> {
        self.0.iter().map(|claim| (claim.name.as_ref(), claim.values.as_ref()))
    }

    /// Those of them that `wanted` says.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|claim| wanted(&claim.name)).cloned().collect())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn claim((name, mut values): (String, Vec<String>)) -> Claim {
    values.sort_unstable();
    values.dedup();
    let values = values.into_iter().map(String::into_boxed_str).collect();
    Claim { name: name.into_boxed_str(), values }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(pairs: &[(&str, &[&str])]) -> Option<Claims> {
        let owned = |(name, values): &(&str, &[&str])| {
            ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
        };
        Claims::new(pairs.iter().map(owned))
    }

    #[test]
    fn a_claim_is_found_by_name_and_text() {
        let claims = claims(&[("role", &["b", "a", "b"]), ("aud", &["x"]), ("none", &[])]).unwrap();
        assert!(claims.has("role", "a") && claims.has("role", "b") && claims.has("aud", "x"));
        assert!(!claims.has("role", "c") && !claims.has("rol", "a") && !claims.has("none", ""));
        assert_eq!(claims.get("role").len(), 2);
        assert_eq!(claims.only(|name| name == "aud").iter().count(), 1);
        assert_eq!(claims.iter().count(), 2, "a claim without a text is none");
    }

    #[test]
    fn a_name_that_comes_twice_is_refused() {
        assert_eq!(claims(&[("a.b", &["x"]), ("c", &[]), ("a.b", &["y"])]), None);
    }
}
