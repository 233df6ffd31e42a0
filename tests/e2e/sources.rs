//! Secrets that the operator keeps elsewhere: in a file, in the environment, in a vault.
//!
//! The vault here is a server of the test's own. It answers as the documentation of OpenBao says
//! (KV version 2, AppRole, the header fields and the statuses); OpenBao itself is not run.

use crate::aws::{Moto, certificates};
use crate::keeper::Keeper;
use crate::outside::{answer, field, requests};
use crate::rig::{Node, PATIENCE, casemate};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

const VALUE: &str = "sk_live_51H8xQ2eZvKYlo2C";

/// A server that says which `authorization` it was sent; hands it out.
fn server() -> (std::net::SocketAddr, std::sync::mpsc::Receiver<(String, Vec<u8>)>) {
    requests(|_, _| answer(200, "ok"))
}

fn uses(name: &str, address: std::net::SocketAddr) -> String {
    format!(
        "http = [\"POST http://{address}/*\"]\nsecret.{name} = {{ to = \"http://{address}\", bearer = true }}"
    )
}

fn sent(seen: &std::sync::mpsc::Receiver<(String, Vec<u8>)>) -> String {
    let (head, _) = seen.recv_timeout(PATIENCE).expect("a request");
    field(&head, "authorization").unwrap_or_default().to_owned()
}

#[test]
fn a_secret_in_a_file_is_read_at_each_use() {
    let (address, seen) = server();
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("psp.key");
    let section = format!("[[secret]]\nname = \"psp\"\nfile = {:?}", file.to_str().expect("text"));
    let keeper = Keeper::open(&section);
    let url = format!("http://{address}/v1");
    let manifest = keeper.manifest(&uses("psp", address));
    // Nothing stands in for a file that is not there.
    let (_, said) = keeper.node.fails(&["deploy", &manifest, "--grant"]);
    assert!(said.contains("E1422") && said.contains("psp.key"), "{said}");
    std::fs::write(&file, format!("{VALUE}\n")).expect("written");
    keeper.deploy(&uses("psp", address));
    assert!(keeper.send("POST", &url, "", "x").contains("status 200"));
    assert_eq!(sent(&seen), format!("Bearer {VALUE}"));
    std::fs::write(&file, "another_value_0123456789").expect("written");
    keeper.send("POST", &url, "", "x");
    assert_eq!(sent(&seen), "Bearer another_value_0123456789");
    // The registry is not asked for what the configuration names.
    let refused = keeper.put("set", "psp", VALUE);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("E1421"), "{refused:?}");
    let listed = keeper.node.json(&["secret", "list"]);
    assert_eq!(
        (&listed["items"][0]["source"], &listed["items"][0]["used_by"][0]),
        (&"file".into(), &"m".into())
    );
    std::fs::remove_file(&file).expect("removed");
    let said = keeper.send("POST", &url, "", "x");
    assert!(said.contains("refused"), "{said}");
    let everything = keeper.everything();
    assert!(everything.contains("E1422") && !everything.contains(VALUE), "{everything}");
    assert!(!everything.contains("another_value"), "{everything}");
}

#[test]
fn a_secret_in_the_environment_is_the_one_of_the_start() {
    let (address, seen) = server();
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("casemate.conf");
    let text = "[outbound]\nnetworks = [\"127.0.0.0/8\"]\n[[secret]]\nname = \"psp\"\nvariable = \"PSP_KEY\"\n";
    std::fs::write(&file, text).expect("written");
    let home = dir.path().join("home");
    let arguments = ["--config", file.to_str().expect("text")];
    let start = |value: Option<&str>| {
        let mut command = casemate();
        command.env_remove("PSP_KEY").envs(value.map(|value| ("PSP_KEY", value)));
        Node::try_start_as(command, &home, &arguments)
    };
    let said = start(None).err().expect("a variable is missing");
    assert!(said.contains("E0603") && said.contains("PSP_KEY"), "{said}");
    let node = start(Some(VALUE)).expect("starts");
    let keeper = Keeper::around(node);
    keeper.deploy(&uses("psp", address));
    assert!(keeper.send("POST", &format!("http://{address}/"), "", "x").contains("status 200"));
    assert_eq!(sent(&seen), format!("Bearer {VALUE}"));
    assert!(!keeper.everything().contains(VALUE));
    let mut shown = casemate();
    shown.args(["up", "--print-config"]).args(arguments).env("PSP_KEY", VALUE);
    let shown = String::from_utf8_lossy(&shown.output().expect("runs").stdout).into_owned();
    assert!(shown.contains("variable PSP_KEY") && !shown.contains(VALUE), "{shown}");
}

/// What the vault of the test holds and was asked.
#[derive(Default)]
struct Held {
    value: Mutex<String>,
    logins: AtomicU32,
    reads: AtomicU32,
    /// Tokens of logins up to this one are not taken.
    revoked: AtomicU32,
    sealed: AtomicU32,
}

fn vault() -> (std::net::SocketAddr, Arc<Held>) {
    let held = Arc::new(Held::default());
    let own = Arc::clone(&held);
    let (address, asked) = requests(move |head, body| {
        let token = field(head, "x-vault-token").unwrap_or_default();
        if own.sealed.load(SeqCst) > 0 {
            return answer(503, r#"{"errors":["Vault is sealed"]}"#);
        }
        if head.starts_with("POST /v1/auth/approle/login ") {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            if body["role_id"] != "role-1" || body["secret_id"] != "sid-51H8xQ2eZvKY" {
                return answer(400, r#"{"errors":["invalid role or secret ID"]}"#);
            }
            let number = own.logins.fetch_add(1, SeqCst) + 1;
            let auth =
                format!(r#"{{"auth":{{"client_token":"s.{number}","lease_duration":3600}}}}"#);
            return answer(200, &auth);
        }
        let number = token.strip_prefix("s.").and_then(|it| it.parse::<u32>().ok());
        if number.is_none_or(|number| number <= own.revoked.load(SeqCst)) {
            return answer(403, r#"{"errors":["permission denied"]}"#);
        }
        own.reads.fetch_add(1, SeqCst);
        if head.starts_with("GET /v1/secret/data/pay/psp ") {
            let value = own.value.lock().expect("held").clone();
            let data =
                format!(r#"{{"data":{{"data":{{"key":"{value}"}},"metadata":{{"version":2}}}}}}"#);
            return answer(200, &data);
        }
        answer(404, r#"{"errors":[]}"#)
    });
    // Nobody looks at what was asked; it must be taken all the same.
    std::thread::spawn(move || asked.iter().for_each(drop));
    (address, held)
}

#[test]
fn a_secret_in_a_vault_is_read_as_a_role_kept_for_a_while_and_missed_when_it_is_gone() {
    let (address, seen) = server();
    let (bao, held) = vault();
    VALUE.clone_into(&mut held.value.lock().expect("held"));
    let dir = tempfile::tempdir().expect("a directory");
    let id = dir.path().join("secret-id");
    std::fs::write(&id, "sid-wrong\n").expect("written");
    let keeper = Keeper::open(&format!(
        "[[secret]]\nname = \"psp\"\nvault = \"pay/psp\"\nfield = \"key\"\n\
         [[secret]]\nname = \"none\"\nvault = \"pay/none\"\n\
         [vault]\naddress = \"http://{bao}\"\nrole_id = \"role-1\"\nsecret_id_file = {:?}\ncache = \"2s\"",
        id.to_str().expect("text")
    ));
    let url = format!("http://{address}/v1");
    let manifest = keeper.manifest(&uses("psp", address));
    let (_, said) = keeper.node.fails(&["deploy", &manifest, "--grant"]);
    assert!(said.contains("E1422") && said.contains("role"), "{said}");
    std::fs::write(&id, "sid-51H8xQ2eZvKY\n").expect("written");
    let missing = keeper.manifest(&uses("none", address));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let (_, said) = keeper.node.fails(&["deploy", &missing, "--grant"]);
    assert!(said.contains("E1422") && said.contains("pay/none"), "{said}");
    keeper.deploy(&uses("psp", address));
    for _ in 0..3 {
        assert!(keeper.send("POST", &url, "", "x").contains("status 200"));
        assert_eq!(sent(&seen), format!("Bearer {VALUE}"));
    }
    assert_eq!(held.logins.load(SeqCst), 1, "one login is used for all");
    // A new value, and a token that is not taken any more: both are noticed by themselves.
    "another_value_0123456789".clone_into(&mut held.value.lock().expect("held"));
    held.revoked.store(1, SeqCst);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert!(keeper.send("POST", &url, "", "x").contains("status 200"));
    assert_eq!(sent(&seen), "Bearer another_value_0123456789");
    assert_eq!(held.logins.load(SeqCst), 2);
    // Without the vault there is no value, and no request.
    held.sealed.store(1, SeqCst);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let said = keeper.send("POST", &url, "", "x");
    assert!(said.contains("refused"), "{said}");
    assert!(seen.try_recv().is_err(), "it was sent");
    let everything = keeper.everything();
    assert!(everything.contains("is sealed"), "{everything}");
    for text in [VALUE, "another_value", "sid-51H8", "\"s.1\"", "\"s.2\""] {
        assert!(!everything.contains(text), "{text} in {everything}");
    }
}

/// A vault whose certificate nobody trusts is none; with its authority it is asked.
#[test]
fn the_certificate_of_a_vault_is_verified() {
    let dir = tempfile::tempdir().expect("a directory");
    let (ca, certificate, key) = certificates(dir.path());
    // Any server over TLS does: what it answers does not matter here.
    let moto = Moto::start(dir.path(), Some((&certificate, &key)));
    let token = dir.path().join("token");
    std::fs::write(&token, "s.1").expect("written");
    let deploy = |authorities: Option<&Path>| {
        let more =
            authorities.map(|path| format!("authorities = [{:?}]", path.to_str().expect("text")));
        let keeper = Keeper::open(&format!(
            "[[secret]]\nname = \"psp\"\nvault = \"pay/psp\"\n[vault]\n\
             address = \"https://localhost:{}\"\ntoken_file = {:?}\n{}",
            moto.port,
            token.to_str().expect("text"),
            more.unwrap_or_default()
        ));
        let file = keeper.manifest("secret.psp = { to = \"https://a.example\", bearer = true }");
        keeper.node.fails(&["deploy", &file, "--grant"]).1
    };
    let said = deploy(None);
    assert!(said.contains("E1422") && said.contains("certificate is not valid"), "{said}");
    let said = deploy(Some(&ca));
    assert!(said.contains("E1422") && !said.contains("certificate"), "{said}");
}
