//! Which certificate is served for which name.

use crate::pair::Pair;
use rustls::SignatureScheme;
use rustls::sign::CertifiedKey;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

type Keys = Vec<Arc<CertifiedKey>>;

/// Certificates by name. Made anew when one of them changes.
#[derive(Debug, Default)]
pub(crate) struct Table {
    exact: HashMap<String, Keys>,
    /// By what follows `*.`.
    wild: HashMap<String, Keys>,
    /// All, in the order of preference.
    all: Keys,
    strict: bool,
}

impl Table {
    /// A table over certificates, the preferred ones first.
    pub(crate) fn new<'a>(pairs: impl Iterator<Item = &'a Pair>, strict: bool) -> Self {
        let mut table = Self { strict, ..Self::default() };
        for pair in pairs {
            for name in &pair.facts.names {
                let keys = match name.strip_prefix("*.") {
                    Some(rest) => table.wild.entry(rest.to_owned()).or_default(),
                    None => table.exact.entry(name.clone()).or_default(),
                };
                keys.push(Arc::clone(&pair.key));
            }
            table.all.push(Arc::clone(&pair.key));
        }
        table
    }

    /// The certificate for a name: one that names it, else one with a wildcard for it, else the
    /// first of all, unless that was forbidden. Without a name, the first of all. Among several,
    /// the first that the client can verify.
    pub(crate) fn find(
        &self,
        name: Option<&str>,
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let Some(name) = name else { return choose(&self.all, schemes) };
        let name = normal(name);
        let wild = || name.split_once('.').and_then(|(_, rest)| self.wild.get(rest));
        match self.exact.get(name.as_ref()).or_else(wild) {
            Some(keys) => choose(keys, schemes),
            None if self.strict => None,
            None => choose(&self.all, schemes),
        }
    }
}

fn choose(keys: &Keys, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
    let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
    keys.iter().find(fits).or_else(|| keys.first()).cloned()
}

/// Lower case, without the dot of the root.
fn normal(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(name.to_ascii_lowercase());
    }
    Cow::Borrowed(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_signed::tests::pair;
    use proptest::prelude::*;

    const SCHEMES: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256];

    fn table(strict: bool) -> (Vec<Pair>, Table) {
        let pairs =
            vec![pair(&["a.example"]), pair(&["*.b.example", "b.example"]), pair(&["x.b.example"])];
        let table = Table::new(pairs.iter(), strict);
        (pairs, table)
    }

    fn found(pairs: &[Pair], table: &Table, name: Option<&str>) -> Option<usize> {
        let key = table.find(name, SCHEMES)?;
        pairs.iter().position(|pair| Arc::ptr_eq(&pair.key, &key))
    }

    #[test]
    fn an_exact_name_wins_over_a_wildcard_and_the_first_is_the_default() {
        let (pairs, table) = table(false);
        for (name, index) in [
            (Some("a.example"), 0),
            (Some("A.Example."), 0),
            (Some("b.example"), 1),
            (Some("y.b.example"), 1),
            (Some("x.b.example"), 2),
            (Some("z.y.b.example"), 0),
            (Some("elsewhere.example"), 0),
            (None, 0),
        ] {
            assert_eq!(found(&pairs, &table, name), Some(index), "{name:?}");
        }
    }

    #[test]
    fn a_strict_table_refuses_unknown_names_and_serves_clients_that_name_none() {
        let (pairs, table) = table(true);
        assert_eq!(found(&pairs, &table, Some("elsewhere.example")), None);
        assert_eq!(found(&pairs, &table, Some("b.example")), Some(1));
        assert_eq!(found(&pairs, &table, None), Some(0));
        assert!(Table::new(std::iter::empty(), false).find(None, SCHEMES).is_none());
    }

    #[test]
    fn a_client_gets_the_kind_of_key_that_it_can_verify() {
        let ecdsa = pair(&["a.example"]);
        let ed25519 = crate::self_signed::tests::pair_of(&["a.example"], &rcgen::PKCS_ED25519);
        let pairs = [ecdsa, ed25519];
        let table = Table::new(pairs.iter(), false);
        let find = |scheme| {
            let key = table.find(Some("a.example"), &[scheme]).expect("one");
            pairs.iter().position(|pair| Arc::ptr_eq(&pair.key, &key))
        };
        assert_eq!(find(SignatureScheme::ECDSA_NISTP256_SHA256), Some(0));
        assert_eq!(find(SignatureScheme::ED25519), Some(1));
        assert_eq!(find(SignatureScheme::RSA_PSS_SHA256), Some(0));
    }

    proptest! {
        #[test]
        fn any_name_finds_something_or_nothing_and_never_panics(name in ".{0,300}", strict: bool) {
            let one = pair(&["*.b.example"]);
            let table = Table::new(std::iter::once(&one), strict);
            let found = table.find(Some(&name), SCHEMES);
            prop_assert!(found.is_some() || strict);
        }

        #[test]
        fn a_wildcard_stands_for_exactly_one_label(labels in proptest::collection::vec("[a-z]{1,5}", 0..4)) {
            let one = pair(&["*.b.example"]);
            let table = Table::new(std::iter::once(&one), true);
            let mut name = labels.join(".");
            if !labels.is_empty() { name.push('.'); }
            name.push_str("b.example");
            prop_assert_eq!(table.find(Some(&name), SCHEMES).is_some(), labels.len() == 1);
        }
    }
}
