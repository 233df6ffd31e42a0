//! Client certificates through the whole node: who is let in, under which name, and who is not.

use super::client::{Authority, knock};
use super::{Desk, until};
use crate::rig::{Node, Reply, example, guest};
use rcgen::{
    CertificateRevocationListParams, ExtendedKeyUsagePurpose, KeyIdMethod, RevokedCertParams,
    SanType, SerialNumber, date_time_ymd,
};
use std::process::Output;

/// The certificate of a client and its key.
type Own = (String, String);

const MANIFEST: &str = "manifest = 1\napplication = \"a\"\n[[function]]\nname = \"door\"\n\
                        source = \"f.wasm\"\n[[function.http]]\nroute = \"* /door/{*rest}\"\nauth = \"mtls\"\n\
                        [[function.http]]\nroute = \"* /either/{*rest}\"\nauth = [\"token\", \"mtls\"]\n";

/// A client's certificate with this SPIFFE id and number.
fn client(ca: &Authority, name: &str, serial: u64, expires: i32) -> Own {
    let uri = format!("spiffe://example.org/{name}");
    ca.sign(&[], |params| {
        params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into().expect("ASCII"))];
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(expires, 1, 1);
    })
}

fn revocation_list(ca: &Authority, serial: u64) -> String {
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2021, 1, 1),
        next_update: date_time_ymd(2090, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2021, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&ca.issuer).expect("signed").pem().expect("pem")
}

/// A node that takes certificates of `clients`, of which the one with `revoked` as its number was
/// revoked.
struct Door {
    desk: Desk,
    ca: Authority,
    node: Node,
}

impl Door {
    fn new(clients: &Authority, revoked: u64) -> Self {
        let (desk, ca) = (Desk::new(), Authority::new());
        desk.put(&ca.issue(&["a.example"]));
        std::fs::write(desk.path("clients.pem"), &clients.pem).expect("written");
        std::fs::write(desk.path("clients.crl"), revocation_list(clients, revoked))
            .expect("written");
        let (certificate, key) = (desk.path("a.pem"), desk.path("a.key"));
        let (authority, list) = (desk.path("clients.pem"), desk.path("clients.crl"));
        let config = desk.config(&format!(
            "client_ca = {authority:?}\nclient_crl = [{list:?}]\n\
             [[tls.certificate]]\ncertificate = {certificate:?}\nkey = {key:?}\n"
        ));
        let node = Node::start_with(&["--config", &config]);
        Self { desk, ca, node }
    }

    /// What a client is answered at a path; an error if the handshake fails.
    fn knock(&self, own: Option<&Own>, path: &str, more: &str) -> Result<Reply, String> {
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n{more}\r\n");
        knock(self.node.tls.expect("HTTPS"), &self.ca.pem, own, head.as_bytes())
    }

    fn status(&self, own: Option<&Own>, path: &str) -> u16 {
        self.knock(own, path, "").expect("a handshake").status
    }
}

fn deploy(node: &Node) -> Output {
    node.deploy_manifest(MANIFEST, &[("f.wasm", &guest("misbehave"))])
}

#[test]
fn a_certificate_names_its_holder_and_no_other_is_let_in() {
    let (staff, strangers) = (Authority::new(), Authority::new());
    let door = Door::new(&staff, 7);
    let node = &door.node;
    let output = deploy(node);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (ann, bob) = (client(&staff, "ann", 1, 2090), client(&staff, "bob", 2, 2090));
    assert_eq!(door.status(Some(&ann), "/door/request"), 404, "nothing is granted");
    node.ok(&["grant", "mtls:spiffe://example.org/ann", "invoke", "door"]);
    // A client cannot say for itself who it is.
    let reply =
        door.knock(Some(&ann), "/door/request", "casemate-caller: operator\r\n").expect("shakes");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let name = "mtls:spiffe://example.org/ann";
    let told = format!("header casemate-caller: {name}\n");
    assert!(reply.text().contains(&told) && !reply.text().contains("operator"), "{}", reply.text());
    assert_eq!(node.ended(&reply)["caller"], name);
    let seen = node.json(&["records", "--caller", name]);
    let outcomes = seen["items"].as_array().expect("a list").iter().map(|one| &one["outcome"]);
    assert_eq!(outcomes.collect::<Vec<_>>(), ["ok", "denied"], "{seen}");
    assert_eq!(door.status(Some(&bob), "/door/request"), 404, "another holder");
    assert_eq!(door.status(None, "/door/request"), 401, "nobody");
    // A token counts where the route takes one, and a bad one is not overlooked.
    let token = node.ok(&["token", "create", "t", "--invoke", "door"]).trim().to_owned();
    let with = |path: &str, token: &str| {
        let more = format!("authorization: Bearer {token}\r\n");
        door.knock(Some(&ann), path, &more).expect("shakes").status
    };
    assert_eq!((with("/either/request", &token), with("/either/request", "cmt_bad")), (200, 401));
    assert_eq!(with("/door/request", &token), 404, "the route takes no token");

    node.ok(&["grant", "mtls:*", "invoke", "door"]);
    assert_eq!(door.status(Some(&bob), "/door/request"), 200);
    let before = node.records(0).len();
    for (own, why) in [
        (client(&strangers, "ann", 1, 2090), "of another authority"),
        (client(&staff, "ann", 3, 2021), "expired"),
        (client(&staff, "ann", 7, 2090), "revoked"),
    ] {
        door.knock(Some(&own), "/door/request", "").expect_err(why);
    }
    assert_eq!(node.records(0).len(), before, "no function was asked");
    assert_eq!(door.status(Some(&ann), "/door/request"), 200);
}

#[test]
fn authorities_and_revocations_are_read_again_while_the_node_runs() {
    let (staff, others) = (Authority::new(), Authority::new());
    let door = Door::new(&staff, 7);
    assert!(deploy(&door.node).status.success());
    door.node.ok(&["grant", "mtls:*", "invoke", "door"]);
    let (ann, eve) = (client(&staff, "ann", 1, 2090), client(&others, "eve", 1, 2090));
    assert_eq!(door.status(Some(&ann), "/door/request"), 200);
    let write = |name: &str, text: &str| {
        std::fs::write(door.desk.path(name), text).expect("written");
        door.node.signal("HUP");
    };
    write("clients.crl", &revocation_list(&staff, 1));
    until("she is revoked", || door.knock(Some(&ann), "/door/request", "").err());
    write("clients.pem", "nothing of its kind");
    until("the log says so", || door.node.said().contains("clients.pem").then_some(()));
    door.knock(Some(&eve), "/door/request", "").expect_err("the old authority stays");
    std::fs::write(door.desk.path("clients.crl"), revocation_list(&others, 7)).expect("written");
    write("clients.pem", &others.pem);
    until("the other authority", || door.knock(Some(&eve), "/door/request", "").ok());
    assert_eq!(door.status(Some(&eve), "/door/request"), 200);
    door.knock(Some(&ann), "/door/request", "").expect_err("the authority is gone");
}

#[test]
fn a_node_that_takes_no_certificates_refuses_routes_and_grants_for_them() {
    let node = Node::start();
    let output = deploy(&node);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    for part in ["E0149", "`door`", "`mtls`", "hint: ", "tls.client_ca"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    node.deploy(&example("hello"), "hello");
    let (_, said) = node.fails(&["grant", "mtls:*", "invoke", "hello"]);
    assert!(said.contains("E0149"), "{said}");
}
