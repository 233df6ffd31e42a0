//! A node with secrets, and a function that sends whatever a test wants.

use crate::rig::{Node, guest};
use std::io::Write;
use std::process::{Output, Stdio};

/// The node, with loopback named as a network that functions may reach.
pub(crate) struct Keeper {
    pub(crate) node: Node,
    dir: tempfile::TempDir,
}

impl Keeper {
    /// `outbound` is what `[outbound]` says beside the network, and any sections after that.
    pub(crate) fn open(outbound: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("casemate.conf");
        let text = format!("[outbound]\nnetworks = [\"127.0.0.0/8\"]\n{outbound}\n");
        std::fs::write(&file, text).expect("written");
        let node = Node::start_with(&["--config", file.to_str().expect("text")]);
        Self { node, dir }
    }

    /// Around a node that was started otherwise.
    pub(crate) fn around(node: Node) -> Self {
        Self { node, dir: tempfile::tempdir().expect("a directory") }
    }

    /// Runs `casemate secret VERB NAME` with a value on its standard input.
    pub(crate) fn put(&self, verb: &str, name: &str, value: &str) -> Output {
        let mut child = crate::rig::casemate()
            .args(["secret", verb, name, "--home"])
            .arg(self.node.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        child.stdin.take().expect("a pipe").write_all(value.as_bytes()).expect("written");
        child.wait_with_output().expect("ends")
    }

    /// Writes the manifest of a function `m` that asks for `allow`, and gives its path.
    pub(crate) fn manifest(&self, allow: &str) -> String {
        self.manifest_of("misbehave", allow)
    }

    /// The same for another guest.
    pub(crate) fn manifest_of(&self, component: &str, allow: &str) -> String {
        std::fs::copy(guest(component), self.dir.path().join("m.wasm")).expect("copied");
        let file = self.dir.path().join("casemate.toml");
        let text = format!(
            "manifest = 1\napplication = \"m\"\n[[function]]\nname = \"m\"\nsource = \"m.wasm\"\n\
             [function.allow]\n{allow}\n"
        );
        std::fs::write(&file, text).expect("written");
        file.to_str().expect("text").to_owned()
    }

    /// Deploys and grants it.
    pub(crate) fn deploy(&self, allow: &str) {
        let file = self.manifest(allow);
        self.node.ok(&["deploy", &file, "--grant"]);
    }

    /// Has the function send a request; gives the status and the body, or why there is none.
    pub(crate) fn send(&self, method: &str, url: &str, fields: &str, body: &str) -> String {
        let length =
            if body.is_empty() { String::new() } else { format!("|content-length:{}", body.len()) };
        let fields = encoded(&format!("{fields}{length}"));
        let path = format!("/m/send?url={}&method={method}&fields={fields}", encoded(url));
        let mut words = vec!["invoke", "m", "--path", &path];
        if !body.is_empty() {
            words.extend(["--data", body]);
        }
        self.node.ok(&words)
    }

    /// Everything that the node says about itself, as text.
    pub(crate) fn everything(&self) -> String {
        let node = &self.node;
        let parts = [
            node.ok(&["records", "-n", "1000", "--format", "json"]),
            node.ok(&["logs", "-n", "1000", "--format", "json"]),
            node.ok(&["ledger", "show", "--format", "json"]),
            node.ok(&["secret", "list", "--format", "json"]),
            node.said(),
        ];
        parts.concat()
    }
}

/// What a function of the default scope holds instead of a secret.
pub(crate) fn placeholder(function: &str, name: &str) -> String {
    let digest = audit::digest(format!("placeholder/default/main/{function}/{name}").as_bytes());
    let digest: String = digest.0.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("secret-{name}-{digest}")
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}
