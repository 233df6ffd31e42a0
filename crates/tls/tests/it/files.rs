//! Certificates in files: what is refused at the start, and what is kept at a reload.

use crate::rig::{Authority, Client, TestClock, config, der, open, shake, until, write};
use casemate_tls::{Config, Files, Health, Minimum};
use model::Code;
use std::path::Path;
use std::sync::Arc;

fn put(dir: &Path, name: &str, (certificate, key): &(String, String)) -> Files {
    Files {
        certificate: write(&dir.join(format!("{name}.pem")), certificate, 0o644),
        key: write(&dir.join(format!("{name}.key")), key, 0o600),
    }
}

fn refused(config: &Config) -> (Code, String, Option<String>) {
    let problem = open(config.clone(), &TestClock::new()).map(|_| ()).expect_err("refused");
    (problem.code, problem.to_string(), problem.hint)
}

#[tokio::test]
async fn each_name_gets_its_certificate_and_strangers_the_first_one() {
    let dir = tempfile::tempdir().expect("temp dir");
    let ca = Authority::new();
    let (a, b) = (ca.issue(&["a.example"]), ca.issue(&["*.b.example", "localhost"]));
    let mut config = config(dir.path());
    config.files = vec![put(dir.path(), "a", &a), put(dir.path(), "b", &b)];
    let server = open(config.clone(), &TestClock::new()).expect("good").server_config();
    let client = Client::new(&[&ca.pem]);
    assert_eq!(client.shake(&server, "a.example").await.expect("a").leaf, der(&a.0));
    assert_eq!(client.shake(&server, "x.b.example").await.expect("b").leaf, der(&b.0));
    assert_eq!(client.shake(&server, "localhost").await.expect("b").leaf, der(&b.0));
    // The client refuses the default one, which does not name where it wanted to go.
    let said = client.shake(&server, "c.example").await.expect_err("a stranger").to_string();
    assert!(said.contains("a.example"), "{said}");
    config.strict_sni = true;
    let server = open(config, &TestClock::new()).expect("good").server_config();
    let said = client.shake(&server, "c.example").await.expect_err("refused").to_string();
    assert!(!said.contains("a.example"), "{said}");
}

#[tokio::test]
async fn a_protocol_is_agreed_on_and_old_tls_is_refused_where_that_is_set() {
    let dir = tempfile::tempdir().expect("temp dir");
    let ca = Authority::new();
    let mut config = config(dir.path());
    config.files = vec![put(dir.path(), "a", &ca.issue(&["a.example"]))];
    let mut client = Client::new(&[&ca.pem]);
    client.alpn = vec![b"http/1.1", b"h2"];
    client.tls12 = true;
    let server = open(config.clone(), &TestClock::new()).expect("good").server_config();
    let old = client.config();
    let seen = shake(&old, &server, "a.example").await.expect("TLS 1.2");
    assert_eq!(seen.alpn.as_deref(), Some(&b"h2"[..]));
    assert!(shake(&old, &server, "a.example").await.expect("again").resumed);
    config.minimum = Minimum::Tls13;
    let server = open(config, &TestClock::new()).expect("good").server_config();
    assert!(client.shake(&server, "a.example").await.is_err());
    client.tls12 = false;
    let new = client.config();
    assert!(!shake(&new, &server, "a.example").await.expect("TLS 1.3").resumed);
    assert!(shake(&new, &server, "a.example").await.expect("a ticket").resumed);
    // Nobody is asked for the certificate of a challenge where none can be.
    client.alpn = vec![casemate_tls::ACME_TLS];
    assert!(client.shake(&server, "a.example").await.is_err());
}

#[test]
fn what_cannot_be_used_is_refused_at_the_start_with_its_file() {
    let dir = tempfile::tempdir().expect("temp dir");
    let ca = Authority::new();
    let good = ca.issue(&["a.example"]);
    let other = ca.issue(&["a.example"]);
    let dated = |begin, end| {
        ca.issue_with(&["a.example"], |params| {
            params.not_before = rcgen::date_time_ymd(begin, 1, 1);
            params.not_after = rcgen::date_time_ymd(end, 1, 1);
        })
    };
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let cut = good.0[..good.0.len() / 2].to_owned();
    let damaged = good.0.replace('M', "N");
    let cases = [
        ((String::new(), good.1.clone()), Code::CertificateUnreadable, "c.pem"),
        ((cut, good.1.clone()), Code::CertificateUnreadable, "c.pem"),
        ((damaged, good.1.clone()), Code::CertificateUnreadable, "c.pem"),
        ((good.1.clone(), good.1.clone()), Code::CertificateUnreadable, "c.pem"),
        ((good.0.clone(), String::new()), Code::CertificateKeyUnreadable, "c.key"),
        ((good.0.clone(), encrypted.to_owned()), Code::CertificateKeyUnreadable, "encrypted"),
        ((good.0.clone(), good.0.clone()), Code::CertificateKeyUnreadable, "c.key"),
        ((good.0.clone(), other.1), Code::CertificateMismatch, "c.key"),
        (dated(2001, 2002), Code::CertificateExpired, "expired at 2002"),
        (dated(2080, 2090), Code::CertificateExpired, "valid from 2080"),
        (ca.issue(&[]), Code::CertificateNames, "c.pem"),
    ];
    let mut config = config(dir.path());
    for (texts, code, word) in cases {
        config.files = vec![put(dir.path(), "c", &texts)];
        let (found, said, _) = refused(&config);
        assert!(found == code && said.contains(word), "{code} {word}: {said}");
    }
    config.files = vec![put(dir.path(), "c", &good)];
    for open in [0o604, 0o644, 0o620, 0o666] {
        write(&config.files[0].key, &good.1, open);
        let (code, said, hint) = refused(&config);
        assert!(code == Code::CertificateKeyUnsafe && said.contains("c.key"), "{said}");
        assert_eq!(hint, Some(format!("chmod 600 {}", config.files[0].key.display())));
    }
    write(&config.files[0].key, &good.1, 0o640);
    assert!(open(config.clone(), &TestClock::new()).is_ok());
    config.files[0].key = dir.path().to_owned();
    assert_eq!(refused(&config).0, Code::CertificateKeyUnreadable);
    config.files[0].key = dir.path().join("nowhere");
    assert!(refused(&config).1.contains("nowhere"));
    config.files.clear();
    assert_eq!(refused(&config).0, Code::NoCertificate);
}

#[tokio::test]
async fn a_replaced_certificate_is_served_and_one_that_cannot_be_used_is_not() {
    let dir = tempfile::tempdir().expect("temp dir");
    let ca = Authority::new();
    let (first, second) = (ca.issue(&["a.example"]), ca.issue(&["a.example"]));
    let mut config = config(dir.path());
    config.files = vec![put(dir.path(), "a", &first)];
    let clock = TestClock::new();
    let all = open(config, &clock).expect("good");
    let keeping = tokio::spawn(Arc::clone(&all).keep());
    let server = all.server_config();
    let client = Client::new(&[&ca.pem]);
    let shown = async || client.shake(&server, "a.example").await.expect("a handshake").leaf;
    assert_eq!(shown().await, der(&first.0));
    put(dir.path(), "a", &second);
    until("the new one is served", async || (shown().await == der(&second.0)).then_some(())).await;
    let bad = [
        (first.0.clone(), second.1.clone(), "E0623"),
        ("no certificate".to_owned(), second.1.clone(), "E0620"),
        (second.0.clone(), "no key".to_owned(), "E0621"),
    ];
    for (certificate, key, code) in bad {
        put(dir.path(), "a", &(certificate, key));
        let status = until(code, async || {
            all.status()
                .pop()
                .filter(|one| one.trouble.as_ref().is_some_and(|why| why.contains(code)))
        });
        assert_eq!(status.await.health, Health::Poor);
        assert_eq!(shown().await, der(&second.0), "the old one stays");
    }
    std::fs::remove_file(dir.path().join("a.key")).expect("removed");
    all.reload().await;
    assert!(all.status()[0].trouble.as_ref().is_some_and(|why| why.contains("a.key")));
    assert_eq!(shown().await, der(&second.0));
    put(dir.path(), "a", &first);
    until("it is mended", async || (shown().await == der(&first.0)).then_some(())).await;
    assert_eq!((all.status()[0].health, all.status()[0].trouble.clone()), (Health::Good, None));
    keeping.abort();
}

#[tokio::test]
async fn a_certificate_that_expired_while_it_was_served_is_named_and_stays() {
    let dir = tempfile::tempdir().expect("temp dir");
    let ca = Authority::new();
    let texts = ca.issue_with(&["a.example"], |params| {
        params.not_after = rcgen::date_time_ymd(2060, 1, 1);
    });
    let mut config = config(dir.path());
    config.files = vec![put(dir.path(), "a", &texts)];
    let clock = TestClock::new();
    let all = open(config, &clock).expect("good");
    let left = all.status()[0].expires.expect("a date").0 - ports::Clock::wall(&*clock).0;
    clock.move_days(left / 86_400_000_000 - 13);
    assert_eq!(all.status()[0].health, Health::Poor);
    clock.move_days(14);
    all.reload().await;
    let status = all.status().remove(0);
    assert_eq!(status.health, Health::Bad);
    assert!(status.trouble.is_some_and(|why| why.contains("E0624")));
    let seen = Client::new(&[&ca.pem]).shake(&all.server_config(), "a.example").await;
    assert_eq!(seen.expect("the client's clock was not moved").leaf, der(&texts.0));
}

#[tokio::test]
async fn a_self_signed_certificate_is_kept_sealed_and_made_again_when_it_ages() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut config = config(dir.path());
    config.self_signed = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let clock = TestClock::new();
    let shown = async |all: &casemate_tls::Certificates| {
        let file = std::fs::read(dir.path().join("tls/self-signed.sealed")).expect("kept");
        assert!(!file.windows(5).any(|five| five == b"BEGIN"), "a plain key lies on the disk");
        let plain: Vec<u8> = file.iter().map(|byte| byte ^ 0x5a).collect();
        let text = String::from_utf8(plain).expect("text");
        // The client's own clock is not moved, so it only looks.
        let client = Client::new(&[&text]).believing();
        let seen = client.shake(&all.server_config(), "127.0.0.1").await.expect("an address");
        assert_eq!(seen.leaf, der(&text));
        seen.leaf
    };
    let all = open(config.clone(), &clock).expect("good");
    let first = shown(&all).await;
    let all = open(config.clone(), &clock).expect("again");
    assert_eq!(shown(&all).await, first);
    clock.move_days(300);
    all.reload().await;
    let second = shown(&all).await;
    assert_ne!(second, first);
    config.self_signed.pop();
    config.self_signed.insert(0, "127.0.0.1".to_owned());
    assert_ne!(shown(&open(config, &clock).expect("other names")).await, second);
}
