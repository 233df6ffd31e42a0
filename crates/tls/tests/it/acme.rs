//! Certificates from a real directory: obtained, kept, renewed.

use crate::doors::doors;
use crate::pebble::Pebble;
use crate::rig::{Authority, Client, TestClock, config, open, until};
use casemate_tls::{Acme, Certificates, Challenge, Config, Health, Pace, Source};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Waits that a test has the patience for.
pub(crate) const QUICK: Pace = Pace {
    first: Duration::from_millis(300),
    most: Duration::from_secs(1),
    gap: Duration::from_millis(200),
    asked: Duration::ZERO,
};

pub(crate) fn with_acme(
    folder: &Path,
    pebble: &Pebble,
    challenge: Challenge,
    names: &[&str],
) -> Config {
    let acme = Acme {
        directory: pebble.directory.clone(),
        directory_ca: Some(pebble.root.clone()),
        email: Some("ops@example.com".to_owned()),
        domains: names.iter().map(|&name| name.to_owned()).collect(),
        challenge,
        terms_agreed: true,
        pace: QUICK,
    };
    Config { acme: Some(acme), ..config(folder) }
}

/// When the certificate of a domain ends, if there is one.
pub(crate) fn expiry(all: &Certificates, name: &str) -> Option<model::Timestamp> {
    all.status().into_iter().find(|one| one.label == name)?.expires
}

/// What a client is shown that believes anything; pebble's root changes with each start.
pub(crate) async fn leaf(all: &Certificates, name: &str) -> Vec<u8> {
    Client::new(&[&Authority::new().pem])
        .believing()
        .shake(&all.server_config(), name)
        .await
        .expect("shown")
        .leaf
}

async fn obtains_and_keeps(challenge: Challenge) {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut pebble = Pebble::prepare(dir.path());
    let names = ["one.example", "Two.Example"];
    let config = with_acme(dir.path(), &pebble, challenge, &names);
    let clock = TestClock::new();
    let all = open(config.clone(), &clock).expect("good");
    assert!(
        all.status().iter().all(|one| one.health == Health::Poor && one.source == Source::Acme)
    );
    let stand_in = leaf(&all, "one.example").await;
    pebble.start();
    let _doors = doors(&all, &pebble).await;
    let keeping = tokio::spawn(Arc::clone(&all).keep());
    for name in ["one.example", "two.example"] {
        until(name, async || expiry(&all, name)).await;
    }
    let one = leaf(&all, "one.example").await;
    assert_ne!(one, stand_in);
    assert_ne!(one, leaf(&all, "two.example").await);
    assert!(all.status().iter().all(|one| one.health == Health::Good && one.trouble.is_none()));
    assert_eq!(all.challenges().answer(None, ""), None);
    keeping.abort();
    pebble.stop();
    // The next life needs no directory, and nothing plain lies in the home.
    let again = open(config, &clock).expect("again");
    assert_eq!(leaf(&again, "one.example").await, one);
    let folder = std::fs::read_dir(dir.path().join("tls/acme"))
        .expect("kept")
        .next()
        .expect("one")
        .expect("one");
    let kept: Vec<_> = std::fs::read_dir(folder.path())
        .expect("readable")
        .map(|one| one.expect("one").path())
        .collect();
    assert_eq!(kept.len(), 3, "an account and two certificates: {kept:?}");
    for path in kept {
        let bytes = std::fs::read(&path).expect("readable");
        assert!(!bytes.windows(5).any(|five| five == b"BEGIN"), "{}", path.display());
    }
}

#[tokio::test]
async fn a_certificate_is_obtained_by_http_01_and_survives_a_restart() {
    obtains_and_keeps(Challenge::Http01).await;
}

#[tokio::test]
async fn a_certificate_is_obtained_by_tls_alpn_01_and_survives_a_restart() {
    obtains_and_keeps(Challenge::TlsAlpn01).await;
}

#[tokio::test]
async fn a_certificate_is_renewed_after_two_thirds_of_its_life_and_not_before() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut pebble = Pebble::prepare(dir.path());
    pebble.start();
    let config = with_acme(dir.path(), &pebble, Challenge::Http01, &["one.example"]);
    let clock = TestClock::new();
    let all = open(config, &clock).expect("good");
    let _doors = doors(&all, &pebble).await;
    let keeping = tokio::spawn(Arc::clone(&all).keep());
    until("obtained", async || expiry(&all, "one.example")).await;
    let first = leaf(&all, "one.example").await;
    clock.move_days(59);
    all.reload().await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(leaf(&all, "one.example").await, first, "59 of 90 days are less than two thirds");
    clock.move_days(5);
    all.reload().await;
    let second = until("renewed", async || {
        Some(leaf(&all, "one.example").await).filter(|leaf| *leaf != first)
    });
    second.await;
    assert_eq!(pebble.orders(), 2);
    keeping.abort();
}
