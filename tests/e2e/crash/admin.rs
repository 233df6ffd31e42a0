//! The admin API, on a connection of its own.

use crate::line::Line;
use crate::rig::Node;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::read_to_string;
use std::io;

/// Where everything is.
const SCOPE: &str = "/v1/tenants/default/environments/main";

/// A connection to the admin API.
pub(super) struct Admin {
    line: Line,
    token: String,
}

/// What is read of a record.
#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) outcome: String,
}

#[derive(Deserialize)]
struct Rows {
    items: Vec<Row>,
    next: Option<String>,
}

/// The grant that comes and goes.
fn toggled() -> Value {
    json!({ "who": "public", "action": "invoke", "function": "slow" })
}

/// A ledger entry's act, as far as it is compared.
pub(super) fn summary(act: &Value) -> String {
    let kind = act["kind"].as_str().expect("a kind");
    match kind {
        "grant" | "revoke" => {
            assert_eq!(act["grant"], toggled());
            kind.to_owned()
        }
        _ => format!("{kind} {}", act["deployment"]),
    }
}

impl Admin {
    /// Connects to a node that runs.
    pub(super) fn of(node: &Node) -> Self {
        let token = read_to_string(node.home().join("operator.token")).expect("readable");
        let line = Line::open(node.admin).expect("the admin API listens");
        Self { line, token: token.trim().to_owned() }
    }

    /// `Err` if the node is gone.
    fn write(&mut self, method: &str, path: &str, body: &Value) -> io::Result<Value> {
        let path = format!("{SCOPE}/{path}");
        let reply = self.line.ask(method, &path, &self.token, &body.to_string())?;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
        Ok(serde_json::from_slice(&reply.body).expect("JSON"))
    }

    fn read(&mut self, path: &str) -> Vec<u8> {
        let reply = self.line.ask("GET", path, &self.token, "").expect("an answer");
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.body
    }

    fn items(&mut self, path: &str) -> Vec<Value> {
        let page: Value = serde_json::from_slice(&self.read(path)).expect("JSON");
        page["items"].as_array().expect("a list").clone()
    }

    /// Grants or revokes; gives the number of the ledger entry.
    pub(super) fn toggle(&mut self, granted: bool) -> io::Result<(u64, String)> {
        let (path, kind) = if granted { ("grants", "grant") } else { ("grants/revoke", "revoke") };
        let answer = self.write("POST", path, &toggled())?;
        Ok((answer["leaf"].as_u64().expect("a number"), kind.to_owned()))
    }

    /// Deploys the application with another time limit.
    pub(super) fn deploy(&mut self, timeout_ms: usize) -> io::Result<(u64, String)> {
        let functions = self.line.ask("GET", &format!("{SCOPE}/functions"), &self.token, "")?;
        let functions: Value = serde_json::from_slice(&functions.body).expect("JSON");
        let functions = functions["items"].as_array().expect("a list").iter().map(|function| {
            let record = if function["strict"] == true { "strict" } else { "grouped" };
            json!({
                "name": function["name"], "digest": function["artifact"], "record": record,
                "timeout": format!("{timeout_ms}ms"),
                "http": [{ "route": function["routes"][0] }],
            })
        });
        let manifest = json!({
            "manifest": 1, "application": "crash", "function": functions.collect::<Vec<_>>(),
        });
        let answer = self.write("PUT", "applications/crash", &json!({ "manifest": manifest }))?;
        let kind = format!("deploy {}", answer["deployment"]);
        Ok((answer["leaf"].as_u64().expect("a number"), kind))
    }

    /// Whether the grant that comes and goes is there.
    pub(super) fn is_granted(&mut self) -> bool {
        self.items(&format!("{SCOPE}/grants")).contains(&toggled())
    }

    /// The revisions of all functions, by the functions' names.
    pub(super) fn revisions(&mut self) -> Vec<Value> {
        let functions = self.items(&format!("{SCOPE}/functions"));
        functions.into_iter().map(|mut function| function["revision"].take()).collect()
    }

    /// Every act of the ledger.
    pub(super) fn ledger(&mut self) -> Vec<Value> {
        let mut acts = Vec::new();
        loop {
            let page = self.items(&format!("/v1/ledger/entries?limit=1000&from={}", acts.len()));
            if page.is_empty() {
                return acts;
            }
            acts.extend(page.into_iter().map(|mut entry| entry["act"].take()));
        }
    }

    /// One act of the ledger.
    pub(super) fn act(&mut self, leaf: u64) -> Option<Value> {
        let mut found = self.items(&format!("/v1/ledger/entries?limit=1&from={leaf}"));
        found.pop().map(|mut entry| entry["act"].take())
    }

    /// The oldest calls that wait or are dead letters.
    pub(super) fn queued(&mut self) -> Vec<Value> {
        self.items(&format!("{SCOPE}/queue?limit=1000"))
    }

    /// All records.
    pub(super) fn records(&mut self) -> Vec<Value> {
        let (mut found, mut before) = (Vec::new(), String::new());
        loop {
            let bytes = self.read(&format!("{SCOPE}/records?limit=1000{before}"));
            let mut page: Value = serde_json::from_slice(&bytes).expect("a page of records");
            found.append(page["items"].as_array_mut().expect("a list"));
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => return found,
            }
        }
    }

    /// How an invocation ended.
    pub(super) fn outcome(&mut self, id: &str) -> Option<String> {
        let path = format!("{SCOPE}/records/{id}");
        let reply = self.line.ask("GET", &path, &self.token, "").expect("an answer");
        if reply.status == 404 {
            return None;
        }
        let record: Row = serde_json::from_slice(&reply.body).expect("a record");
        Some(record.outcome)
    }

    /// Records from the newest on, up to a page that is known already.
    pub(super) fn new_records(&mut self, known: &HashMap<String, String>) -> Vec<Row> {
        let mut found = Vec::new();
        let mut before = String::new();
        loop {
            let bytes = self.read(&format!("{SCOPE}/records?limit=1000{before}"));
            let page: Rows = serde_json::from_slice(&bytes).expect("a page of records");
            let old = !known.is_empty() && page.items.iter().all(|row| known.contains_key(&row.id));
            found.extend(page.items);
            match page.next {
                Some(next) if !old => before = format!("&before={next}"),
                _ => return found,
            }
        }
    }
}
