//! What the directory asks of this node to prove a name, while an order is under way.
//!
//! Invariant: nothing is answered that no order asked for, and an answer ends with its order.

use arc_swap::ArcSwap;
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::Arc;

/// Answers to challenges. Reading takes no lock.
#[derive(Debug, Default)]
pub struct Challenges {
    /// Host and answer by token.
    http: ArcSwap<HashMap<String, (String, String)>>,
    /// Certificates by host.
    tls: ArcSwap<HashMap<String, Arc<CertifiedKey>>>,
}

impl Challenges {
    /// The body for `GET /.well-known/acme-challenge/{token}`, if an order waits for it. `host` is
    /// the request's host, with or without a port.
    #[must_use]
    pub fn answer(&self, host: Option<&str>, token: &str) -> Option<String> {
        let asked = self.http.load();
        let (own, answer) = asked.get(token)?;
        let meant = host.is_none_or(|host| bare(host).eq_ignore_ascii_case(own));
        meant.then(|| answer.clone())
    }

    /// The certificate for a TLS-ALPN challenge, if an order waits for it.
    pub(crate) fn certificate(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        self.tls.load().get(name.to_ascii_lowercase().as_str()).cloned()
    }

    pub(crate) fn put_http(self: &Arc<Self>, host: &str, token: &str, answer: &str) -> Asked {
        let entry = (host.to_owned(), answer.to_owned());
        self.http.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.insert(token.to_owned(), entry.clone());
            all
        });
        Asked { all: Arc::clone(self), key: token.to_owned() }
    }

    pub(crate) fn put_tls(self: &Arc<Self>, host: &str, key: CertifiedKey) -> Asked {
        let key = Arc::new(key);
        self.tls.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.insert(host.to_owned(), Arc::clone(&key));
            all
        });
        Asked { all: Arc::clone(self), key: host.to_owned() }
    }
}

/// A challenge that is answered for as long as this lives.
#[derive(Debug)]
pub(crate) struct Asked {
    all: Arc<Challenges>,
    key: String,
}

impl Drop for Asked {
    fn drop(&mut self) {
        // Tokens and hosts cannot be mistaken for each other: there is one order at a time.
        self.all.http.rcu(|all| without(all, &self.key));
        self.all.tls.rcu(|all| without(all, &self.key));
    }
}

fn without<V: Clone>(all: &HashMap<String, V>, key: &str) -> HashMap<String, V> {
    let mut all = all.clone();
    all.remove(key);
    all
}

/// A host without its port and the dot of the root.
fn bare(host: &str) -> &str {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_what_was_asked_for_its_host_and_only_while_it_is_asked() {
        let all = Arc::new(Challenges::default());
        assert_eq!(all.answer(None, "token"), None);
        let asked = all.put_http("a.example", "token", "token.thumb");
        let answer = Some("token.thumb".to_owned());
        assert_eq!(all.answer(Some("a.example"), "token"), answer);
        assert_eq!(all.answer(Some("A.example:80"), "token"), answer);
        assert_eq!(all.answer(None, "token"), answer);
        assert_eq!(all.answer(Some("b.example"), "token"), None);
        assert_eq!(all.answer(Some("a.example"), "other"), None);
        drop(asked);
        assert_eq!(all.answer(Some("a.example"), "token"), None);
    }

    #[test]
    fn shows_a_certificate_while_it_is_asked() {
        let all = Arc::new(Challenges::default());
        let pair = crate::self_signed::tests::pair(&["a.example"]);
        let asked = all.put_tls("a.example", CertifiedKey::clone(&pair.key));
        assert!(all.certificate("A.example").is_some());
        assert!(all.certificate("b.example").is_none());
        drop(asked);
        assert!(all.certificate("a.example").is_none());
    }
}
