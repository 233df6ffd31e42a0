//! Workers, unmodified, under the runtime that their own platform publishes.

use super::contracts::{Row, SERVER};
use super::outer::{Outer, names};
use super::place::{Place, Who, until};
use super::stage::Package;
use crate::rig::{PATIENCE, Reply, repository, request};
use serde_json::{Value, json};
use std::fs;

const VALUE: &str = "sk_live_51H8xQ2eZvKYlo2C";
/// `(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))`.
const ADD: &[u8] = b"\0asm\x01\0\0\0\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03add\0\0\x0a\x09\x01\x07\0\x20\0\x20\x01\x6a\x0b";

#[test]
fn a_worker_from_its_deployment_to_its_end() {
    let package = Package::of(&["workers/index.js"]);
    let native = r#"
contract = "workers"
interpreter = "workerd"
worker = { compatibility_date = "2026-11-01" }
"#;
    Row { native, ..SERVER }.holds(&package);
}

/// A Worker with a public route below its name.
pub(super) fn worker(name: &str, lines: &str, more: &str) -> String {
    format!(
        "[[function]]\nname = \"{name}\"\nruntime = \"native\"\nsource = \"{name}\"\n\
         memory = \"256MiB\"\nhttp = [{{ route = \"* /{name}/{{*rest}}\", auth = \"public\" }}]\n\
         {lines}\n[function.native]\ncontract = \"workers\"\ninterpreter = \"workerd\"\n\
         [function.native.worker]\ncompatibility_date = \"2026-11-01\"\n{more}\n"
    )
}

/// The shop's modules, and the other's.
fn open(configuration: &str, files: &[(&str, &str)]) -> Place {
    let place = Place::open_beside(Who::Root, configuration, files);
    let code = |name: &str| {
        fs::read_to_string(repository().join("tests/native/workers").join(name)).expect(name)
    };
    place.write("shop/shop.js", &code("shop.js"));
    place.write("shop/note.txt", "a note\n");
    place.write("shop/table.json", "{\"a\": [1, 2]}");
    place.write("shop/lib/double.mjs", "export const double = (n) => n * 2;\n");
    place.write("shop/README.md", "no module");
    fs::write(place.source("shop/data.bin"), [0, 255, 128]).expect("written");
    fs::write(place.source("shop/add.wasm"), ADD).expect("written");
    place.write("back/back.js", &code("back.js"));
    place
}

const SHOP: &str = "main = \"shop.js\"\njson = [\"LIMITS\"]\n\
    kv = { CARTS = \"carts\", OTHERS = \"others\" }\nservices = { BACK = \"back\", NOBODY = \"nobody\" }\n";

/// The shop, with what it asks for.
fn shop(lines: &str, allow: &str) -> String {
    let lines = format!(
        "timeout = \"60s\"\nenvironment = {{ GREETING = \"hello\", LIMITS = '{{\"a\": [1]}}' }}\n\
         {lines}\n[function.allow]\nkeyvalue = {{ carts = \"read-write\" }}\ninvoke = [\"back\"]\n{allow}"
    );
    worker("shop", &lines, SHOP) + &worker("back", "", "main = \"back.js\"\n")
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

#[test]
fn a_worker_reads_its_variables_and_modules_and_calls_others() {
    let place = open("", &[]);
    place.secret("psp", VALUE);
    place.secret("db", "postgres-password");
    let secrets = "secret.psp = { to = \"https://api.example/v1\", bearer = true }\nsecret.db = { reveal = true }\n";
    place.deploy(&shop("", secrets));

    let head = "GET /shop/variables?q=1 HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\
                cf-connecting-ip: 1.2.3.4\r\ncf-ray: forged\r\nx-mine: mine\r\n\r\n";
    let reply = crate::rig::raw(place.node.gateway, head.as_bytes());
    let said: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!((&said["GREETING"], &said["LIMITS"]), (&"hello".into(), &json!({ "a": [1] })));
    assert!(said["psp"].as_str().is_some_and(|it| it.starts_with("secret-psp-")), "{said}");
    assert_eq!((&said["PSP"], &said["db"]), (&said["psp"], &"postgres-password".into()), "{said}");
    assert_eq!((&said["HOME"], &said["PATH"]), (&Value::Null, &Value::Null), "{said}");
    assert!(!said.to_string().contains(VALUE), "{said}");
    assert_eq!(said["url"], "http://shop.example/shop/variables?q=1", "{said}");
    let fields = json!({
        "cf-connecting-ip": "127.0.0.1", "cf-ray": null, "x-mine": "mine"
    });
    assert_eq!(said["fields"], fields, "{said}");
    let all = ["BACK", "CARTS", "DB", "GREETING", "LIMITS", "NOBODY", "OTHERS", "PSP", "db", "psp"];
    assert_eq!(said["all"], json!(all), "{said}");

    let said = place.json("/shop/modules");
    let wanted =
        json!({ "note": "a note\n", "table": { "a": [1, 2] }, "double": 42, "bytes": 3, "sum": 5 });
    assert_eq!(said, wanted);

    let (reply, said, record) = ask(&place, "/shop/service");
    assert_eq!(said["status"], 200, "{said}");
    let back = json!({
        "method": "PUT", "pathname": "/back/hello", "search": "?a=b", "mine": "1",
        "body": "text"
    });
    assert_eq!((&said["said"], &said["denied"]), (&back, &403.into()), "{said}\n{record}");
    let id = reply.header("casemate-invocation").expect("an id");
    assert!(place.node.ok(&["record", id]).contains("back@1"));
}

#[test]
fn a_workers_namespace_is_a_store_and_each_use_of_it_is_asked_for() {
    let place = open("", &[]);
    place.deploy(&shop("", ""));
    let (reply, said, record) = ask(&place, "/shop/store");
    let log = place.log(&reply);
    for (name, wanted) in [
        ("missing", Value::Null),
        ("text", json!("one")),
        ("bytes", json!([0, 255])),
        ("json", json!({ "a": [1] })),
        ("stream", json!("streamed")),
        ("with", json!({ "value": "streamed", "metadata": null, "cacheStatus": null })),
        ("many", json!({ "json": { "a": [1] }, "none": null })),
        ("pages", json!([[["a/b c?&é", "bytes", "json"], false], [["stream"], true]])),
        ("prefix", json!([{ "name": "a/b c?&é" }])),
        ("gone", Value::Null),
        ("kept", Value::Null),
    ] {
        assert_eq!(said[name], wanted, "{name}: {said}\n{log}");
    }
    for (name, why) in [
        ("metadata", "`metadata` of a key is not kept here"),
        ("expires", "`expiration` of a key is not kept here"),
        ("large", "at most 1 MiB"),
        ("denied", "E0207"),
    ] {
        let error = said[name]["error"].as_str().unwrap_or_default();
        assert!(error.contains("KV ") && error.contains(why), "{name}: {said}");
    }
    assert!(log.contains("keyvalue") && log.contains("others"), "why it was denied: {log}");
    let calls = record["calls"].as_array().expect("calls");
    let denied = calls.iter().find(|call| call["decision"] == "denied").expect("a denial");
    assert!(denied["resource"].as_str().is_some_and(|it| it.contains("others")), "{denied}");
    assert!(operations(&record).iter().filter(|it| it.starts_with("keyvalue")).count() > 10);
}

#[test]
fn a_worker_goes_out_by_the_door_which_fills_the_secret_in() {
    let outer = Outer::start(&["api.example"]);
    let configuration = format!(
        "[outbound]\nnetworks = [\"127.0.0.0/8\"]\nresolvers = [\"{}\"]\nauthorities = [\"outer.pem\"]\n",
        names()
    );
    let place = open(&configuration, &[("outer.pem", &outer.authority)]);
    place.secret("psp", VALUE);
    let url = outer.url("api.example");
    let allow = format!(
        "http = [\"GET {url}/v1/*\"]\nsecret.psp = {{ to = \"{url}/v1\", bearer = true }}\n"
    );
    place.deploy(&shop("", &allow));
    let (reply, said, record) = ask(&place, &format!("/shop/fetch?secret=1&url={url}/v1/pay"));
    assert_eq!(said["status"], 200, "{said}\n{}", place.log(&reply));
    let head = outer.heads.recv_timeout(PATIENCE).expect("a request");
    assert!(head.starts_with("GET /v1/pay HTTP/1.1\r\n"), "{head}");
    let wanted = format!("authorization: bearer {}", VALUE.to_lowercase());
    assert!(head.to_lowercase().contains(&wanted), "the door puts it in: {head}");
    assert_eq!(operations(&record), ["secret.use", "http", "secret.masked"], "{record}");
    assert!(!said.to_string().contains(VALUE), "what it sees is covered: {said}");
    for other in [format!("{url}/v2/pay"), outer.url("other.example")] {
        let (_, said, record) = ask(&place, &format!("/shop/fetch?url={other}"));
        assert_eq!(said["status"], 403, "{said}");
        assert!(said["body"].as_str().is_some_and(|body| body.contains("E0203")), "{said}");
        assert_eq!(record["calls"][0]["decision"], "denied", "{record}");
    }
    let (_, said, _) =
        ask(&place, &format!("/shop/fetch?secret=1&url={}/v1", outer.url("other.example")));
    assert_eq!(said["status"], 403, "{said}");
    assert!(outer.heads.try_recv().is_err(), "somebody was called");
}

#[test]
fn a_worker_reaches_neither_its_machine_nor_metadata_nor_another_jail() {
    let place = open("", &[]);
    place.deploy(&shop("", ""));
    let (admin, gateway) = (place.node.admin.port(), place.node.gateway.port());
    for url in [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://metadata.google.internal/".to_owned(),
        format!("http://127.0.0.1:{admin}/v1/node"),
        format!("http://localhost:{gateway}/back/"),
        "http://127.0.0.1:8788/scheduled".to_owned(),
        "http://127.0.0.1:8787/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://[::1]/".to_owned(),
        "http://host.casemate.internal/keyvalue/others/a".to_owned(),
        "http://others.kv.casemate.internal/a".to_owned(),
        "http://nobody.fn.casemate.internal/".to_owned(),
    ] {
        let (_, said, record) = ask(&place, &format!("/shop/fetch?url={url}"));
        let status = said["status"].as_u64().expect("a status");
        assert!((403..=404).contains(&status), "{url}: {said}\n{record}");
        let calls = record["calls"].as_array().expect("calls");
        assert!(calls.iter().all(|call| call["decision"] == "denied"), "{url}: {record}");
    }
    for to in [format!("127.0.0.1:{admin}"), "127.0.0.1:8788".to_owned(), "127.0.0.2:80".to_owned()]
    {
        let (_, said, _) = ask(&place, &format!("/shop/connect?to={to}"));
        let said = said["said"].to_string();
        assert!(said.starts_with("\"HTTP/1.1 4") || said.contains("error"), "{to}: {said}");
    }
    // What is the jail's is not a Worker's, either.
    let (_, said, _) = ask(&place, "/shop/files");
    assert_eq!(said["root"], json!(["bundle", "tmp", "dev"]), "{said}");
    let read = said["read"].as_array().expect("a list");
    assert!(read.iter().all(|it| it["error"].is_string()), "{said}");
    assert_eq!(request(place.node.gateway, "GET", "/back/x", None, b"").status, 200, "it lives");
}

#[test]
fn an_invocation_of_a_worker_ends_when_all_is_done_or_its_time_is_over() {
    let place = open("", &[]);
    place.deploy(&shop("cpu = \"2s\"", ""));
    let (reply, said, record) = ask(&place, "/shop/later");
    assert_eq!(said["said"], "at once");
    assert_eq!(operations(&record), ["keyvalue.write"], "what it did later is its own: {record}");
    assert!(place.log(&reply).contains("it was done later"), "{}", place.log(&reply));

    let reply = place.get("/shop/throws");
    assert_eq!(
        (reply.status, place.node.ended(&reply)["outcome"].clone()),
        (500, "guest_error".into())
    );
    until("the reason is missing", || place.log(&reply).contains("TypeError: a mistake"));
    let reply = place.get("/shop/spin");
    assert_eq!(place.node.ended(&reply)["outcome"], "cpu", "{}", reply.text());
    assert_eq!(place.json("/shop/modules")["double"], 42, "another process answers");

    place.deploy(&shop("", "").replace("timeout = \"60s\"", "timeout = \"2s\""));
    let reply = place.get("/shop/wait");
    assert_eq!(place.node.ended(&reply)["outcome"], "timeout", "{}", reply.text());
    // What waits for nothing is ended by the runtime.
    let reply = place.get("/shop/hang");
    assert_eq!(place.node.ended(&reply)["outcome"], "guest_error", "{}", reply.text());
    until("the reason is missing", || place.log(&reply).contains("had hung"));
}

#[test]
fn a_worker_that_cannot_be_had_is_refused_with_the_reason() {
    let place = open("", &[]);
    let refused = |code: &str, part: &str, manifest: &str| {
        place.write("casemate.toml", &format!("manifest = 1\napplication = \"n\"\n{manifest}"));
        let file = place.source("casemate.toml");
        let (_, said) = place.node.fails(&["deploy", file.to_str().expect("text")]);
        assert!(said.contains(code) && said.contains(part), "{code} {part}: {said}");
    };
    let back = |more: &str| worker("back", "", &format!("main = \"back.js\"\n{more}"));
    for flag in ["experimental", "service_binding_extra_handlers", "unsafe_module"] {
        let flags = format!("compatibility_flags = [\"nodejs_compat\", \"{flag}\"]\n");
        refused("E0164", flag, &back(&flags));
    }
    refused("E0164", "python_workers", &back("compatibility_flags = [\"python_workers\"]\n"));
    for date in ["2999-01-01", "2026-13-01", "soon"] {
        refused("E0166", date, &back("").replace("2026-11-01", date));
    }
    refused("E0165", "index.js", &worker("back", "", ""));
    refused("E0104", "worker.main", &worker("back", "", "main = \"../shop/shop.js\"\n"));
    refused("E1320", "workerd-2019", &back("").replace("\"workerd\"", "\"workerd-2019\""));
    for (name, code, part) in
        [("back/a\"b.js", "E0167", "name of a module"), ("back/a\nb.js", "E0190", "control")]
    {
        place.write(name, "export const a = 1;");
        refused(code, part, &back(""));
        fs::remove_file(place.source(name)).expect("removed");
    }
    // A flag that the list of this version does not know, the runtime refuses.
    place.deploy(&back("compatibility_flags = [\"no_such_flag_yet\"]\n"));
    let reply = place.get("/back/a");
    assert!(reply.status >= 500, "{}", reply.text());
    until("the reason is missing", || place.log(&reply).contains("no_such_flag_yet"));
    // So does it refuse what is no Worker.
    place.write("back/back.js", "addEventListener('fetch', () => {});");
    place.deploy(&back(""));
    let reply = place.get("/back/a");
    assert!(reply.status >= 500, "{}", reply.text());
    until("the reason is missing", || place.log(&reply).contains("no default export"));
}

#[test]
fn a_workers_times_call_its_handler_and_nobody_else_does() {
    let place = open("", &[]);
    let schedule = |name: &str, cron: &str| {
        format!("[[function.schedule]]\nname = \"{name}\"\ncron = \"{cron}\"\n")
    };
    let times = schedule("often", "0 * * * *") + &schedule("bad", "59 2 * * *");
    let keyvalue = "[function.allow]\nkeyvalue = { carts = \"read-write\" }";
    let environment = "environment = { LIMITS = \"{}\" }";
    let functions = worker("shop", &format!("{environment}\n{keyvalue}"), &format!("{SHOP}{times}"))
        // It has no handler for that.
        + &worker("back", "", &format!("main = \"back.js\"\n{}", schedule("none", "1 1 * * *")));
    place.deploy(&functions);
    let run = |name: &str, outcome: &str| {
        let id = place.node.ok(&["schedule", "run", name]);
        let record = place.node.record_of(id.trim(), outcome, true);
        let lines = place.node.lines_of(id.trim());
        (
            record,
            lines
                .iter()
                .map(|line| line["text"].as_str().unwrap_or("").to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let (record, lines) = run("often", "ok");
    assert!(lines.iter().any(|line| line.starts_with("scheduled 0 * * * * 20")), "{lines:?}");
    assert!(lines.contains(&"put".to_owned()), "{lines:?}");
    assert_eq!(operations(&record), ["keyvalue.write"], "{record}");
    run("bad", "guest_error");
    let (_, lines) = run("none", "guest_error");
    assert!(lines.iter().any(|line| line.contains("has no `scheduled` handler")), "{lines:?}");
    // A caller that says so is a caller.
    let head = "POST /shop/variables HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\
                ce-type: dev.casemate.schedule.tick\r\nce-cron: 0 * * * *\r\n\r\n";
    let reply = crate::rig::raw(place.node.gateway, head.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!place.log(&reply).contains("scheduled"), "{}", place.log(&reply));
}
