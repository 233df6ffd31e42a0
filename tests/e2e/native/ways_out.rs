//! What native functions reach outside of their jails, with Python's and Node's own clients.

use super::outer::{Outer, names};
use super::place::{Place, Who, function, handler};
use crate::rig::{PATIENCE, Reply};
use serde_json::Value;

const VALUE: &str = "sk_live_51H8xQ2eZvKYlo2C";

/// A place from which a server outside is reached under its names.
fn open(who: Who, outer: &Outer) -> Place {
    let configuration = format!(
        "[outbound]\nnetworks = [\"127.0.0.0/8\"]\nresolvers = [\"{}\"]\nauthorities = [\"outer.pem\"]\n",
        names()
    );
    let place = Place::open_beside(who, &configuration, &[("outer.pem", &outer.authority)]);
    place.write("app/out.py", include_str!("out.py"));
    place.write("app/out.js", include_str!("out.js"));
    place.write("app/authority.pem", &outer.authority);
    place
}

fn node_handler() -> String {
    "contract = \"lambda\"\ninterpreter = \"node\"\nhandler = \"out.handler\"\n".to_owned()
}

/// A function, and what it asks to be allowed.
fn asking(name: &str, native: &str, allow: &str) -> String {
    format!("{}[function.allow]\n{allow}\n", function(name, "timeout = \"60s\"", native))
}

/// Calls a function that must answer 200: its reply, what it said, and the record.
fn ask(place: &Place, path: &str) -> (Reply, Value, Value) {
    let reply = place.get(path);
    let record = place.node.ended(&reply);
    assert_eq!(reply.status, 200, "{}\n{record}\n{}", reply.text(), place.log(&reply));
    let said = serde_json::from_slice(&reply.body).expect("JSON");
    (reply, said, record)
}

fn operations(record: &Value) -> Vec<String> {
    let calls = record["calls"].as_array().expect("calls");
    calls.iter().map(|call| call["operation"].as_str().expect("text").to_owned()).collect()
}

fn goes_out(who: Who) {
    let outer = Outer::start(&["api.example"]);
    let place = open(who, &outer);
    let url = outer.url("api.example");
    place.secret("psp", VALUE);
    let allow = format!(
        "http = [\"GET {url}/v1/*\"]\nsecret.psp = {{ to = \"{url}/v1\", bearer = true }}\n"
    );
    let both =
        [asking("py", &handler("out.handler"), &allow), asking("js", &node_handler(), &allow)];
    // Asked for and not granted yet.
    place.deploy_with(&both.concat(), &[]);
    for name in ["py", "js"] {
        place.node.ok(&["grant", "public", "invoke", name]);
        let path = format!("/{name}/fetch?url={url}/v1/pay");
        let (reply, said, record) = ask(&place, &path);
        assert_eq!(said["status"], 403, "{said}");
        assert!(said["body"].as_str().is_some_and(|body| body.contains("E0203")), "{said}");
        assert_eq!(record["calls"][0]["decision"], "denied", "{record}");
        let log = place.log(&reply);
        let grant = format!("casemate grant function:{name} http \"GET {url}/v1/pay\"");
        assert!(log.contains(&grant), "{log}");
    }
    assert!(outer.heads.try_recv().is_err(), "somebody was called");
    place.deploy(&both.concat());
    for name in ["py", "js"] {
        let path = format!("/{name}/fetch?secret=psp&url={url}/v1/pay");
        let (reply, said, record) = ask(&place, &path);
        assert_eq!(said["status"], 200, "{said}\n{}", place.log(&reply));
        let head = outer.heads.recv_timeout(PATIENCE).expect("a request");
        assert!(head.starts_with("GET /v1/pay HTTP/1.1\r\n"), "{head}");
        let wanted = format!("authorization: bearer {}", VALUE.to_lowercase());
        assert!(head.to_lowercase().contains(&wanted), "the door puts it in: {head}");
        assert_eq!(operations(&record), ["secret.use", "http", "secret.masked"], "{record}");
        assert!(!said.to_string().contains(VALUE), "what it sees is covered: {said}");
        // Another path and another host are other matters.
        for url in [format!("{url}/v2/pay"), outer.url("other.example")] {
            let (_, said, _) = ask(&place, &format!("/{name}/fetch?url={url}"));
            assert_eq!(said["status"], 403, "{said}");
        }
        // Nor does the value go where it does not belong.
        let (_, said, _) =
            ask(&place, &format!("/{name}/fetch?secret=psp&url={}/v1", outer.url("other.example")));
        assert_eq!(said["status"], 403, "{said}");
    }
    assert!(outer.heads.try_recv().is_err(), "somebody was called");
}

#[test]
fn python_and_node_go_out_by_the_door_which_fills_the_secret_in() {
    goes_out(Who::Root);
}

#[test]
fn an_ordinary_users_functions_go_out_by_the_same_door() {
    goes_out(Who::User);
}

#[test]
fn tls_to_a_host_that_is_granted_whole_passes_unseen() {
    let outer = Outer::start(&["api.example"]);
    let place = open(Who::Root, &outer);
    let url = outer.url("api.example");
    let whole = format!("http = [\"* {url}/*\"]");
    let part = format!("http = [\"GET {url}/v1/*\"]");
    let both = [
        asking("whole", &handler("out.handler"), &whole),
        asking("part", &handler("out.handler"), &part),
    ];
    place.deploy(&both.concat());
    // It trusts the server's own authority alone, so nobody can be in between.
    let (reply, said, record) = ask(&place, &format!("/whole/unseen?url={url}/v1/pay"));
    assert_eq!(said["status"], 200, "{said}\n{}", place.log(&reply));
    assert_eq!(operations(&record), ["opaque"], "{record}");
    let call = &record["calls"][0];
    assert_eq!(call["resource"], format!("api.example:{}", outer.address.port()), "{record}");
    assert!(outer.heads.recv_timeout(PATIENCE).is_ok());
    // Where something has to be looked at, somebody is.
    let (_, said, record) = ask(&place, &format!("/part/unseen?url={url}/v1/pay"));
    assert!(said["error"].as_str().is_some_and(|why| why.contains("CERTIFICATE")), "{said}");
    assert!(!operations(&record).contains(&"opaque".to_owned()), "{record}");
    // And without the host, nothing passes.
    let other = outer.url("other.example");
    let (_, said, _) = ask(&place, &format!("/whole/unseen?url={other}/"));
    assert!(said["error"].as_str().is_some_and(|why| why.contains("CERTIFICATE")), "{said}");
    assert!(outer.heads.try_recv().is_err(), "somebody was called");
}

#[test]
fn stores_other_functions_configuration_and_secrets_are_at_hand() {
    let outer = Outer::start(&["api.example"]);
    let place = open(Who::Root, &outer);
    place.secret("psp", VALUE);
    place.secret("db", "postgres-password");
    let url = outer.url("api.example");
    let allow = format!(
        "invoke = [\"back\"]\nkeyvalue = {{ default = \"read-write\" }}\n\
         secret.psp = {{ to = \"{url}/v1\", bearer = true }}\nsecret.db = {{ reveal = true }}\n\
         http = [\"GET {url}/v1/*\"]\n[function.config]\nGREETING = \"hello\"\n\
         [function.environment]\nTABLE = \"orders\"\n"
    );
    let all = [
        asking("front", &handler("out.handler"), &allow),
        function("back", "", &handler("out.handler")),
    ];
    place.deploy(&all.concat());
    let (_, said, record) = ask(&place, "/front/stores");
    assert_eq!((&said["missing"], &said["put"]), (&404.into(), &204.into()), "{said}");
    assert_eq!((&said["got"]["body"], &said["taken"]), (&"one".into(), &412.into()), "{said}");
    assert!(said["got"]["tag"].is_string(), "{said}");
    assert_eq!(said["sum"], "{\"value\":5}", "{said}");
    let keys: Value = serde_json::from_str(said["keys"].as_str().expect("text")).expect("JSON");
    assert_eq!(keys["keys"], serde_json::json!(["a", "n"]), "{said}");
    assert_eq!((&said["deleted"], &said["other"]), (&204.into(), &403.into()), "{said}");
    assert!(operations(&record).iter().any(|it| it.starts_with("keyvalue")), "{record}");
    let target = "http://back.fn.casemate.internal/back/variables?names=TABLE";
    let (reply, said, _) = ask(&place, &format!("/front/fetch?url={target}"));
    assert_eq!((&said["status"], &said["body"]), (&200.into(), &"{\"TABLE\": null}".into()));
    let id = reply.header("casemate-invocation").expect("an id");
    assert!(place.node.ok(&["record", id]).contains("back@1"));
    let (_, said, _) = ask(&place, "/front/fetch?url=http://nobody.fn.casemate.internal/");
    assert_eq!(said["status"], 403, "{said}");
    let (_, said, record) = ask(&place, "/front/variables?names=GREETING,TABLE,psp,PSP,db,DB,HOME");
    assert_eq!((&said["GREETING"], &said["TABLE"]), (&"hello".into(), &"orders".into()), "{said}");
    assert!(said["psp"].as_str().is_some_and(|it| it.starts_with("secret-psp-")), "{said}");
    assert_eq!((&said["HOME"], said["psp"] == VALUE), (&"/tmp".into(), false), "{said}");
    assert!(operations(&record).contains(&"secret.reveal".to_owned()), "{record}");
    assert!(said["db"].is_string(), "{said}");
    // As programs of other platforms look for them.
    assert_eq!((&said["PSP"], &said["DB"]), (&said["psp"], &said["db"]), "{said}");
}
