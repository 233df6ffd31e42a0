//! Applications of Spin's, built by its published SDKs, deployed with the `spin.toml` that they have.

use crate::outside::heads;
use crate::rig::{Node, Reply, guest, repository, request};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A node, and an application of Spin's on it.
struct Ward {
    node: Node,
    dir: tempfile::TempDir,
}

impl Ward {
    /// A node with the application of `tests/spin/NAME`, as its users have it: unmodified.
    fn open(name: &str, module: &str, configuration: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("casemate.conf");
        std::fs::write(&file, configuration).expect("written");
        let node = Node::start_with(&["--config", file.to_str().expect("text")]);
        let app = dir.path().join("app");
        copy(&repository().join("tests/spin").join(name), &app);
        let module = app.join(module);
        std::fs::create_dir_all(module.parent().expect("a parent")).expect("a directory");
        std::fs::copy(guest(&format!("spin-{name}")), module).expect("copied");
        Self { node, dir }
    }

    fn app(&self) -> PathBuf {
        self.dir.path().join("app")
    }

    fn deploy(&self, options: &[&str]) -> Output {
        let app = self.app();
        let words = ["deploy", app.to_str().expect("text")];
        self.node.run(&[&words, options].concat())
    }

    fn deployed(&self, options: &[&str]) -> String {
        let output = self.deploy(options);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn get(&self, path: &str) -> Reply {
        self.node.get(path, None)
    }

    fn says(&self, method: &str, path: &str, body: &str) -> String {
        let reply = request(self.node.gateway, method, path, None, body.as_bytes());
        format!("{} {}", reply.status, reply.text().trim_end())
    }
}

/// Copies the files of an application, and nothing that was built beside them.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("the application").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "target" {
            continue;
        }
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("copied");
        }
    }
}

const RUST: &str = "target/wasm32-wasip1/release/spin_rust.wasm";
const NAMED: &str = "[outbound]\nnetworks = [\"127.0.0.0/8\"]\n";

/// The application of the SDK for Rust, with everything granted that it asks for.
fn rust(upstream: SocketAddr) -> Ward {
    let ward = Ward::open("rust", RUST, NAMED);
    let variable = format!("upstream=http://{upstream}");
    ward.deployed(&["--grant", "--variable", &variable]);
    ward
}

fn nowhere() -> SocketAddr {
    "127.0.0.1:9".parse().expect("an address")
}

#[test]
fn routes_and_the_fields_that_routers_rely_on_are_as_in_spin() {
    let ward = rust(nowhere());
    for (path, lines) in [
        (
            "/fields/a/b?q=1",
            &[
                "spin-path-info: /fields/a/b",
                "spin-matched-route: /...",
                "spin-component-route: ",
                "spin-base-path: /",
                "spin-client-addr: 127.0.0.1:0",
            ][..],
        ),
        (
            "/users/7/orders",
            &[
                "spin-path-info: /orders",
                "spin-matched-route: /users/:user_id/...",
                "spin-component-route: /users/:user_id",
                "spin-path-match-user-id: 7",
            ],
        ),
        ("/exact", &["spin-path-info: ", "spin-matched-route: /exact"]),
        ("/exact/", &["spin-path-info: ", "spin-raw-component-route: /exact"]),
    ] {
        let reply = ward.get(path);
        let said = reply.text();
        assert_eq!(reply.status, 200, "{path}: {said}");
        for line in lines {
            assert!(said.lines().any(|said| said == *line), "{path}: {line:?} in {said}");
        }
        let url = format!("{path}\n");
        let full = said.lines().find(|line| line.starts_with("spin-full-url: http://"));
        assert!(full.is_some_and(|line| format!("{line}\n").ends_with(&url)), "{path}: {said}");
    }
    assert_eq!(ward.says("GET", "/nothing", ""), "404 no such path");
    // A caller cannot say what the platform says.
    let forged = b"GET /fields HTTP/1.1\r\nhost: a\r\nspin-path-match-admin: 1\r\n\
        spin-client-addr: 10.0.0.1:1\r\nconnection: close\r\n\r\n";
    let reply = crate::rig::raw(ward.node.gateway, forged);
    let said = reply.text();
    assert!(reply.status == 200 && !said.contains("admin") && !said.contains("10.0.0.1"), "{said}");
}

#[test]
fn stores_are_the_applications_and_outlive_an_invocation() {
    let ward = rust(nowhere());
    for (method, path, body, said) in [
        ("GET", "/kv/a", "", "200 nothing"),
        ("POST", "/kv/a", "one", "200 set"),
        ("POST", "/kv/b", "two", "200 set"),
        ("GET", "/kv/a", "", "200 one"),
        ("GET", "/kv/keys", "", "200 a,b"),
        ("DELETE", "/kv/a", "", "200 false"),
        ("GET", "/kv/keys", "", "200 b"),
        ("GET", "/other-store?my_store", "", "200 Some([118])"),
        ("GET", "/other-store?elsewhere", "", "500 Error::AccessDenied"),
    ] {
        assert_eq!(ward.says(method, path, body), said, "{method} {path}");
    }
    // Another component of the application means the same store by the same name.
    let said = ward.says("POST", "/send", "http://back.spin.internal/kv/b");
    assert_eq!(said, "200 200: two");
    // What is granted can be taken back.
    let (who, target) = ("function:spin-rust", "read-write spin-rust-default");
    ward.node.ok(&["revoke", who, "keyvalue", target]);
    assert_eq!(ward.says("GET", "/kv/b", ""), "500 Error::AccessDenied");
}

#[test]
fn variables_environment_and_files_are_what_the_manifest_says() {
    let ward = rust(nowhere());
    for (path, said) in [
        ("/variable/greeting", "200 hello from eu"),
        ("/variable/upstream", "500 Error::Undefined(\"no variable for \\\"upstream\\\"\")"),
        ("/environment/COLOUR", "200 green"),
        ("/environment/PATH", "500 NotPresent"),
        ("/environment/HOME", "500 NotPresent"),
        ("/file?/data/one.txt", "200 one line"),
        ("/file?/data/deep/../deep/two.txt", "200 deep"),
        ("/directory?/data", "200 deep/,one.txt"),
        ("/directory?/", "200 data/,spin.toml"),
    ] {
        assert_eq!(ward.says("GET", path, ""), said, "{path}");
    }
    for path in [
        "/file?/data/x.secret",
        "/file?/etc/passwd",
        "/file?/data/../../etc/passwd",
        "/file?/../../../etc/passwd",
        "/directory?/data/one.txt",
        "/write?/data/one.txt",
        "/write?/data/new.txt",
        "/write?/tmp/x",
    ] {
        let said = ward.says("GET", path, "");
        assert!(said.starts_with("500 Os"), "{path}: {said}");
    }
    assert_eq!(ward.says("GET", "/file?/data/one.txt", ""), "200 one line");
    let reply = ward.get("/file?/data/one.txt");
    let record = ward.node.ended(&reply);
    let calls = record["calls"].as_array().expect("calls");
    assert_eq!(
        (&calls[0]["operation"], &calls[0]["resource"]),
        (&"file.read".into(), &"data/one.txt".into())
    );
}

#[test]
fn a_request_goes_where_the_manifest_says_and_nowhere_else() {
    let (address, seen) = heads(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".to_vec());
    let (other, _other_seen) = heads(|_| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec());
    let ward = rust(address);
    assert_eq!(ward.says("POST", "/send", &format!("http://{address}/a?b")), "200 200: hi");
    let head = seen.recv_timeout(crate::rig::PATIENCE).expect("a request");
    assert!(head.starts_with("GET /a?b ") && !head.contains("spin-"), "{head}");
    let said = ward.says("POST", "/send", &format!("http://{other}/"));
    assert!(said.starts_with("500 ") && said.contains("HttpRequestDenied"), "{said}");
    // The application itself, by its routes and by a component's name.
    let said = ward.says("POST", "/send", "http://self/users/9/x");
    assert!(said.starts_with("200 200: ") && said.contains("spin-path-match-user-id: 9"), "{said}");
    let said = ward.says("POST", "/send", "http://back.spin.internal/fields/x");
    assert!(said.contains("spin-path-info: /fields/x"), "{said}");
    for nowhere in ["http://other.spin.internal/", "http://spin-rust.spin.internal.example/"] {
        let said = ward.says("POST", "/send", nowhere);
        assert!(said.starts_with("500 "), "{nowhere}: {said}");
    }
    // Nobody comes in by a private route.
    assert_eq!(ward.node.get("/back", None).status, 404);
}

#[test]
fn what_is_asked_for_is_not_granted_by_itself() {
    let ward = Ward::open("rust", RUST, "");
    let said = ward.deployed(&["--variable", "upstream=https://api.example.com"]);
    for grant in [
        "casemate grant public invoke spin-rust",
        "casemate grant function:spin-rust keyvalue 'read-write spin-rust-default'",
        "casemate grant function:spin-rust http '* https://api.example.com/*'",
        "casemate grant function:spin-rust invoke spin-rust-back",
    ] {
        assert!(said.contains(grant), "{grant} in {said}");
    }
    assert_eq!(ward.get("/fields").status, 401);
    let again = ward.deployed(&["--variable", "upstream=https://api.example.com"]);
    assert!(again.contains("unchanged"), "{again}");
}

#[test]
fn a_manifest_is_checked_compared_and_refused_by_its_own_words() {
    let ward = Ward::open("rust", RUST, "");
    let app = ward.app();
    let app = app.to_str().expect("text");
    let said = ward.node.ok(&["check", app]);
    assert!(said.contains("spin.toml: fine") && said.contains("2 function(s)"), "{said}");
    let (code, said) = ward.node.fails(&["fmt", app]);
    assert!(code == 64 && said.contains("is Spin's"), "{said}");
    let (code, said) = ward.node.fails(&["deploy", app]);
    assert!(code == 1 && said.contains("E0182"), "{said}");
    assert!(said.contains("--variable upstream=VALUE"), "{said}");
    let value = "upstream=https://api.example.com";
    let said = ward.node.ok(&["diff", app, "--variable", value]);
    assert!(said.contains("+ function spin-rust-back"), "{said}");
    let file = ward.app().join("spin.toml");
    let text = std::fs::read_to_string(&file).expect("a manifest");
    let more = text.replace(
        "key_value_stores = [\"default\", \"my_store\"]",
        "key_value_stores = [\"default\"]\nsqlite_databases = [\"default\"]\nai_models = [\"m\"]",
    );
    std::fs::write(&file, more + "\n[[trigger.redis]]\nchannel = \"c\"\n").expect("written");
    let (code, said) = ward.node.fails(&["deploy", app, "--variable", value]);
    assert!(code == 1 && said.contains("E0181"), "{said}");
    for what in ["trigger `redis`", "`sqlite_databases`", "`ai_models`"] {
        assert!(said.contains(what), "{what} in {said}");
    }
    std::fs::remove_file(ward.app().join(RUST)).expect("removed");
    std::fs::write(&file, text).expect("written");
    let (_, said) = ward.node.fails(&["deploy", app, "--variable", value]);
    assert!(said.contains("there is no such file") && said.contains("spin.toml: source"), "{said}");
}

#[test]
fn an_application_of_the_sdk_for_python_runs_as_it_is() {
    let ward = Ward::open("python", "app.wasm", "");
    ward.deployed(&["--grant", "--variable", "greeting=good day"]);
    for (path, said) in [
        ("/count", "200 1"),
        ("/count", "200 2"),
        ("/greeting", "200 good day from Python"),
        ("/note", "200 a note"),
        ("/x/y", "200 /x/y"),
    ] {
        assert_eq!(ward.says("GET", path, ""), said, "{path}");
    }
}

#[test]
fn an_application_of_the_sdk_for_javascript_runs_as_it_is() {
    let (address, _seen) = heads(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".to_vec());
    let (other, _other_seen) = heads(|_| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec());
    let ward = Ward::open("js", "dist/spin-js.wasm", NAMED);
    ward.deployed(&["--grant", "--variable", &format!("upstream=http://{address}")]);
    assert_eq!(ward.says("GET", "/x/y", ""), "200 /x/y");
    assert_eq!(ward.says("POST", "/send", &format!("http://{address}/")), "200 200: hi");
    let said = ward.says("POST", "/send", &format!("http://{other}/"));
    assert!(said.starts_with("500 "), "{said}");
}
