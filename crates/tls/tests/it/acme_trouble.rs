//! A directory that is down, forgets, refuses or lies, and a clock that jumps.

use crate::acme::{QUICK, expiry, leaf, with_acme};
use crate::doors::doors;
use crate::pebble::Pebble;
use crate::rig::{Authority, TestClock, open, until, write};
use casemate_tls::{Certificates, Challenge, Health, Pace};
use std::sync::Arc;
use std::time::Duration;

const NAME: &str = "one.example";

fn trouble(all: &Certificates) -> Option<String> {
    all.status().into_iter().find(|one| one.label == NAME)?.trouble
}

async fn failed(all: &Arc<Certificates>, words: &str) {
    let said = until(words, async || trouble(all)).await;
    assert!(said.contains("E0628") || said.contains("E0627"), "{said}");
    assert!(said.contains(words), "{words}: {said}");
}

#[tokio::test]
async fn while_the_directory_is_down_a_stand_in_is_served_and_it_is_tried_again() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut pebble = Pebble::prepare(dir.path());
    let all = open(with_acme(dir.path(), &pebble, Challenge::Http01, &[NAME]), &TestClock::new());
    let all = all.expect("nothing is asked at the start");
    let _doors = doors(&all, &pebble).await;
    let keeping = tokio::spawn(Arc::clone(&all).keep());
    failed(&all, "onnect").await;
    assert_eq!(all.status()[0].health, Health::Bad);
    let stand_in = leaf(&all, NAME).await;
    pebble.start();
    until("obtained", async || expiry(&all, NAME)).await;
    assert_ne!(leaf(&all, NAME).await, stand_in);
    assert_eq!(trouble(&all), None);
    keeping.abort();
}

#[tokio::test]
async fn a_directory_that_forgot_the_account_gets_another_and_the_old_certificate_serves() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut pebble = Pebble::prepare(dir.path());
    pebble.start();
    let clock = TestClock::new();
    let config = with_acme(dir.path(), &pebble, Challenge::TlsAlpn01, &[NAME]);
    let all = open(config, &clock).expect("good");
    let _doors = doors(&all, &pebble).await;
    let keeping = tokio::spawn(Arc::clone(&all).keep());
    until("obtained", async || expiry(&all, NAME)).await;
    let first = leaf(&all, NAME).await;
    pebble.stop();
    clock.move_days(70);
    all.reload().await;
    failed(&all, "onnect").await;
    assert_eq!(leaf(&all, NAME).await, first, "the old one serves");
    pebble.start();
    until("renewed", async || Some(leaf(&all, NAME).await).filter(|leaf| *leaf != first)).await;
    keeping.abort();
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_told_in_the_directorys_words() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut pebble = Pebble::prepare(dir.path());
    pebble.start();
    for challenge in [Challenge::Http01, Challenge::TlsAlpn01] {
        let all = open(with_acme(dir.path(), &pebble, challenge, &[NAME]), &TestClock::new());
        let all = all.expect("good");
        // No doors: nobody answers the challenge.
        let keeping = tokio::spawn(Arc::clone(&all).keep());
        failed(&all, "urn:ietf:params:acme:error:").await;
        keeping.abort();
    }
}

#[tokio::test]
async fn a_directory_with_a_certificate_of_another_authority_is_not_spoken_to() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut pebble = Pebble::prepare(dir.path());
    pebble.root = write(&dir.path().join("other.pem"), &Authority::new().pem, 0o644);
    pebble.start();
    let all = open(with_acme(dir.path(), &pebble, Challenge::Http01, &[NAME]), &TestClock::new());
    let all = all.expect("good");
    let keeping = tokio::spawn(Arc::clone(&all).keep());
    failed(&all, "certificate").await;
    keeping.abort();
    assert_eq!(pebble.count("POST /"), 0);
}

#[tokio::test]
async fn a_clock_that_jumps_years_ahead_makes_no_flood_of_orders() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut pebble = Pebble::prepare(dir.path());
    pebble.start();
    let clock = TestClock::new();
    let mut config = with_acme(dir.path(), &pebble, Challenge::Http01, &[NAME]);
    let pace = Pace { gap: Duration::from_secs(3600), ..QUICK };
    config.acme.as_mut().expect("acme").pace = pace;
    let all = open(config, &clock).expect("good");
    let _doors = doors(&all, &pebble).await;
    let keeping = tokio::spawn(Arc::clone(&all).keep());
    until("obtained", async || expiry(&all, NAME)).await;
    let first = leaf(&all, NAME).await;
    clock.move_days(3650);
    for _ in 0..20 {
        all.reload().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(leaf(&all, NAME).await, first);
    assert_eq!(pebble.orders(), 1);
    keeping.abort();
}
