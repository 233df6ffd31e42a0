//! Client certificates: offered ones are verified, and authorities can be replaced.

use crate::rig::{Authority, Client, TestClock, config, open, shake, until, write};
use casemate_tls::{Clients, Files};
use model::Code;
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber, date_time_ymd,
};
use std::sync::Arc;

fn revocation_list(ca: &Authority, serials: &[u64], until: i32) -> String {
    let revoked = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2021, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2021, 1, 1),
        next_update: date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&ca.issuer).expect("signed").pem().expect("pem")
}

#[tokio::test]
async fn a_client_without_one_is_served_and_one_with_a_bad_one_is_not() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = |name: &str| dir.path().join(name);
    let (ca, staff, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let own = ca.issue(&["a.example"]);
    let mut config = config(dir.path());
    config.files = vec![Files {
        certificate: write(&path("a.pem"), &own.0, 0o644),
        key: write(&path("a.key"), &own.1, 0o600),
    }];
    config.clients =
        Some(Clients { ca: write(&path("ca.pem"), &staff.pem, 0o644), crl: Vec::new() });
    let all = open(config, &TestClock::new()).expect("good");
    let keeping = tokio::spawn(Arc::clone(&all).keep());
    let server = all.server_config();
    for tls12 in [false, true] {
        let with = |certificate| Client { certificate, tls12, ..Client::new(&[&ca.pem]) };
        let come = async |client: Client| client.shake(&server, "a.example").await.map(|_| ());
        come(with(None)).await.expect("nobody");
        come(with(Some(staff.issue(&["ann"])))).await.expect("staff");
        come(with(Some(strangers.issue(&["eve"])))).await.expect_err("a stranger");
        let old = staff.issue_with(&["bob"], |params| params.not_after = date_time_ymd(2021, 1, 1));
        come(with(Some(old))).await.expect_err("expired");
    }
    // The authority is replaced: a session from before is not taken up again.
    let ann = Client { certificate: Some(staff.issue(&["ann"])), ..Client::new(&[&ca.pem]) };
    let ann = ann.config();
    let again = async || shake(&ann, &server, "a.example").await;
    again().await.expect("known");
    assert!(again().await.expect("known").resumed);
    write(&path("ca.pem"), "nothing", 0o644);
    until("trouble", async || all.status().pop().and_then(|one| one.trouble)).await;
    again().await.expect("the old authority stays");
    write(&path("ca.pem"), &strangers.pem, 0o644);
    until("she is unknown", async || again().await.err()).await;
    keeping.abort();
}

#[tokio::test]
async fn a_revoked_certificate_and_an_outdated_list_are_refused() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = |name: &str| dir.path().join(name);
    let ca = Authority::new();
    let own = ca.issue(&["a.example"]);
    let with = |serial: u64| {
        let issued = ca.issue_with(&["x"], |params| params.serial_number = Some(serial.into()));
        Client { certificate: Some(issued), ..Client::new(&[&ca.pem]) }
    };
    let mut config = config(dir.path());
    config.files = vec![Files {
        certificate: write(&path("a.pem"), &own.0, 0o644),
        key: write(&path("a.key"), &own.1, 0o600),
    }];
    let clients =
        Clients { ca: write(&path("ca.pem"), &ca.pem, 0o644), crl: vec![path("crl.pem")] };
    config.clients = Some(clients);
    let refused = open(config.clone(), &TestClock::new()).map(|_| ()).expect_err("no list");
    assert!(refused.code == Code::ClientAuthority && refused.to_string().contains("crl.pem"));
    write(&path("crl.pem"), &revocation_list(&ca, &[7], 2090), 0o644);
    let all = open(config, &TestClock::new()).expect("good");
    let server = all.server_config();
    with(6).shake(&server, "a.example").await.expect("good");
    with(7).shake(&server, "a.example").await.expect_err("revoked");
    write(&path("crl.pem"), &revocation_list(&ca, &[7], 2022), 0o644);
    all.reload().await;
    with(6).shake(&server, "a.example").await.expect_err("the list is outdated");
}
