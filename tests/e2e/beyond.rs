//! Data protection outside of the platform: `casemate protect --serve`, and programs with the library.
//! A token that was made there is revealed here, and the other way round.

use crate::rig::{BINARY, Node, Reply, example, parse, raw};
use protect::contract::{Contract, Format};
use protect::outside::{KeyFile, Outside, Way};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const CARD: &str = "4111111111111111";
const TOKEN: &str = "0f9c5f7e5b3d4f0e8a6c2b1d7e4f3a2b";
const CONTRACT: &str = r#"
[[field]]
at = "body:/card"
class = "pan"
transform = "token"

[[field]]
at = "csv:card"
class = "pan"
transform = "token"
"#;

/// A node, and beside it the service with the same home.
struct Beyond {
    node: Node,
    dir: tempfile::TempDir,
    service: Option<(Child, SocketAddr)>,
}

impl Beyond {
    fn open() -> Self {
        let beyond = Self {
            node: Node::start(),
            dir: tempfile::tempdir().expect("a directory"),
            service: None,
        };
        beyond.write("contract.toml", CONTRACT);
        beyond
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    fn protect(&self, more: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--home").arg(self.node.home()).args(["protect", "--contract"]);
        command.arg(self.dir.path().join("contract.toml")).args(more);
        command.current_dir(self.dir.path());
        command
    }

    /// Starts the service with one caller.
    fn serve(&mut self, caller: &str) {
        let digest = sha256(self.dir.path(), TOKEN);
        let caller = format!("[[caller]]\nname = \"etl\"\ntoken_sha256 = \"{digest}\"\n{caller}");
        self.write("callers.toml", &caller);
        let mut command = self.protect(&["--serve", "127.0.0.1:0", "--callers", "callers.toml"]);
        let record = std::fs::File::create(self.dir.path().join("record")).expect("a file");
        let mut child = command.stderr(Stdio::piped()).stdout(record).spawn().expect("started");
        let mut line = String::new();
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        said.read_line(&mut line).expect("a line");
        let address = line.trim().rsplit('/').next().and_then(|it| it.parse().ok());
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        self.stop();
        self.service = Some((child, address.unwrap_or_else(|| panic!("it says `{line}`"))));
    }

    fn stop(&mut self) {
        if let Some((mut child, _)) = self.service.take() {
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }

    fn ask(&self, path: &str, token: &str, kind: &str, body: &str) -> Reply {
        let (_, address) = self.service.as_ref().expect("served");
        let length = body.len();
        let text = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(text.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        parse(&answer)
    }

    fn json(&self, path: &str, body: &str) -> Reply {
        self.ask(path, TOKEN, "application/json", body)
    }

    fn record(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("record")).expect("text")
    }
}

impl Drop for Beyond {
    fn drop(&mut self) {
        self.stop();
    }
}

/// As the guide has it made.
fn sha256(dir: &Path, text: &str) -> String {
    std::fs::write(dir.join("token"), text).expect("written");
    let output = Command::new("sha256sum").arg(dir.join("token")).output().expect("sha256sum");
    let said = String::from_utf8(output.stdout).expect("text");
    said.split(' ').next().expect("a digest").to_owned()
}

const BOTH: &str = "may = [\"protect\", \"undo\"]\npurpose = \"reports\"\n";

fn value(reply: &Reply) -> String {
    let document: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
    document["card"].as_str().unwrap_or_else(|| panic!("{document}")).to_owned()
}

#[test]
fn a_token_that_was_made_elsewhere_is_revealed_here_and_the_reverse() {
    let mut beyond = Beyond::open();
    beyond.serve(BOTH);
    let document = format!(r#"{{"card":"{CARD}"}}"#);
    let made = beyond.json("/protect", &document);
    assert_eq!(made.status, 200, "{}", made.text());
    let token = value(&made);
    let back = beyond.node.ok(&["data", "reveal", "--class", "pan", "--purpose", "x", &token]);
    assert!(back.contains(CARD), "{back}");

    // The function has the same contract, and says what it got.
    std::fs::copy(example("echo"), beyond.dir.path().join("echo.wasm")).expect("copied");
    let manifest = "manifest = 1\napplication = \"a\"\n[[function]]\nname = \"echo\"\n\
        source = \"echo.wasm\"\nhttp = [{ route = \"* /echo\", auth = \"public\" }]\n\
        [[function.data.in]]\nat = \"body:/card\"\nclass = \"pan\"\ntransform = \"token\"\n";
    let manifest = beyond.write("casemate.toml", manifest);
    beyond.node.ok(&["deploy", manifest.to_str().expect("text"), "--grant"]);
    beyond.node.ok(&["grant", "public", "invoke", "echo"]);
    let length = document.len();
    let text = format!(
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{document}"
    );
    let here = value(&raw(beyond.node.gateway, text.as_bytes()));
    assert_eq!(here, token, "the same value is the same token on both sides");
    let undone = beyond.json("/undo", &format!(r#"{{"card":"{here}"}}"#));
    assert_eq!(value(&undone), CARD);

    // A program with the library, and no root.
    let output = beyond.protect(&["--write-keys", "keys.json"]).output().expect("run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(beyond.dir.path().join("keys.json")).expect("written");
    let keys = KeyFile::read(&text).expect("keys");
    let contract: Contract = toml::from_str(CONTRACT).expect("a contract");
    let library = Outside::new(&contract, keys.tenant(), &mut |class| keys.keys(class));
    let library = library.expect("a contract with keys");
    let table = format!("id,card\n1,{CARD}\n");
    let made = library.document(Way::Protect, Format::Csv, table.as_bytes()).expect("protected");
    assert_eq!(String::from_utf8(made.bytes).expect("text"), format!("id,card\n1,{token}\n"));
    let call = format!(r#"{{"calls":[["{token}"]]}}"#);
    let reply = beyond.json("/bigquery/undo/card", &call);
    assert_eq!(reply.text(), format!(r#"{{"replies":["{CARD}"]}}"#));
    let reply = beyond.json("/snowflake/protect/card", &format!(r#"{{"data":[[0,"{CARD}"]]}}"#));
    assert_eq!(reply.text(), format!(r#"{{"data":[[0,"{token}"]]}}"#));
}

#[test]
fn the_service_gives_nothing_to_who_may_not_and_nothing_unrecorded() {
    let mut beyond = Beyond::open();
    beyond.serve(&format!("{BOTH}undo_per_minute = 2\n"));
    let document = format!(r#"{{"card":"{CARD}"}}"#);
    for token in ["", "x", &TOKEN[..31], &format!("{TOKEN}0"), &format!(" {TOKEN}")] {
        for path in ["/protect", "/undo", "/bigquery/undo/card"] {
            let reply = beyond.ask(path, token, "application/json", &document);
            assert_eq!((reply.status, reply.code().as_str()), (403, "E0332"), "{token} {path}");
        }
    }
    for (path, kind, body, status) in [
        ("/protect", "text/plain", document.as_str(), 415),
        ("/protect", "application/json", "{", 422),
        ("/bigquery/protect/other", "application/json", r#"{"calls":[["a"]]}"#, 422),
        ("/encrypt", "application/json", &document, 404),
        ("/undo", "application/json", &document, 422),
    ] {
        let reply = beyond.ask(path, TOKEN, kind, body);
        assert_eq!(reply.status, status, "{path} {kind}: {}", reply.text());
        assert!(!reply.text().contains(CARD), "{}", reply.text());
    }
    assert_eq!(beyond.record(), "", "nothing was done");
    // A field that the contract does not name is no oracle.
    let reply = beyond.json("/protect", &format!(r#"{{"other":"{CARD}"}}"#));
    assert_eq!(reply.text(), format!(r#"{{"other":"{CARD}"}}"#));

    let token = value(&beyond.json("/protect", &document));
    let two = format!(r#"{{"calls":[["{token}"],["{token}"],["{token}"]]}}"#);
    let reply = beyond.json("/bigquery/undo/card", &two);
    assert_eq!((reply.status, reply.code().as_str()), (429, "E0333"), "three at once are too many");
    let reply = beyond.json("/undo", &format!(r#"{{"card":"{token}"}}"#));
    assert_eq!(reply.status, 429, "and then the minute is over");
    let record = beyond.record();
    for part in
        [r#""caller":"etl""#, r#""at":"body:/card""#, r#""values":1"#, r#""refused":"E0333""#]
    {
        assert!(record.contains(part), "{part}: {record}");
    }
    assert!(
        !record.contains(CARD) && !record.contains(&token) && !record.contains(TOKEN),
        "{record}"
    );

    beyond.serve("may = [\"protect\"]\n");
    let reply = beyond.json("/undo", &format!(r#"{{"card":"{token}"}}"#));
    assert_eq!((reply.status, reply.code().as_str()), (403, "E0332"));
    let reply = beyond.json("/protect", &document);
    assert_eq!(value(&reply), token);
    beyond.serve(BOTH);
    let reply = beyond.json("/undo", &format!(r#"{{"card":"{token}"}}"#));
    assert_eq!(value(&reply), CARD);
    assert!(beyond.record().contains(r#""purpose":"reports""#), "{}", beyond.record());
}
