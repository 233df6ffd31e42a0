//! Paths and directories that want to be somewhere else.

use super::{Application, MANIFEST, ask};
use crate::rig::Node;
use std::os::unix::fs::symlink;

#[test]
fn no_spelling_of_a_path_leads_out() {
    let node = Node::start();
    let shop = Application::shop();
    shop.deploy(&node);
    std::fs::write(shop.0.path().join("outside.txt"), "secret").expect("written");
    let long = format!("/{}", "a/".repeat(4000));
    let wide = format!("/{}", "%41".repeat(3000));
    for path in [
        "/../outside.txt",
        "/..%2foutside.txt",
        "/%2e%2e/outside.txt",
        "/%2e%2e%2foutside.txt",
        "/..\\outside.txt",
        "/..%5coutside.txt",
        "/%252e%252e/outside.txt",
        "/..%c0%af..%c0%afetc/passwd",
        "/....//outside.txt",
        "/assets/../../outside.txt",
        "/assets/..;/outside.txt",
        "/./outside.txt",
        "//etc/passwd",
        "///etc/passwd",
        "/etc/passwd",
        "/%00",
        "/index.html%00.png",
        "/index.html%00",
        "/index.html%20",
        "/index.html.",
        "/index.html::$DATA",
        "/INDEX.HTM~1",
        "/index.html/",
        "/index.html/..",
        "/con",
        "/C:/Windows/win.ini",
        "/%5c%5cserver%5cshare",
        "/.env",
        "/.env.html",
        "/%2eenv",
        "/.git/config",
        "/casemate.toml",
        "/api.wasm",
        "/%ff%fe",
        "/%",
        "/%zz",
        long.as_str(),
        wide.as_str(),
    ] {
        let reply = ask(&node, "GET", path, &[]);
        assert!(matches!(reply.status, 400 | 404 | 414 | 431), "{path}: {}", reply.status);
        assert!(!reply.text().contains("secret") && !reply.text().contains("root:"), "{path}");
        assert!(!reply.text().contains("SECRET"), "{path}");
    }
    assert_eq!(ask(&node, "GET", "/index.html", &[]).status, 200, "and it still works");
}

#[test]
fn a_slash_that_is_added_never_leads_to_another_host() {
    let node = Node::start();
    let shop = Application::shop();
    shop.write("evil.example/index.html", b"a directory with the name of a host");
    shop.deploy(&node);
    for path in [
        "//evil.example",
        "///evil.example",
        "/%2fevil.example",
        "/\\evil.example",
        "/%5cevil.example",
        "http://evil.example//evil.example",
    ] {
        let reply = ask(&node, "GET", path, &[]);
        let to = reply.header("location").unwrap_or("/");
        assert!(to.starts_with('/') && !to.starts_with("//"), "{path}: {reply:?}");
    }
    let reply = ask(&node, "GET", "/evil.example", &["host: www.shop.example"]);
    assert_eq!((reply.status, reply.header("location")), (307, Some("/evil.example/")));
}

#[test]
fn a_link_that_leads_out_is_refused_and_named() {
    let node = Node::start();
    let shop = Application::shop();
    symlink("/etc/passwd", shop.public().join("assets/passwd.txt")).expect("a link");
    let (code, said) = node.fails(&["deploy", "--grant", shop.path()]);
    assert_eq!(code, 1, "{said}");
    for part in ["E0125", "casemate.toml:12", "`assets/passwd.txt`", "leads out of the directory"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("root:"), "{said}");
    assert_eq!(ask(&node, "GET", "/", &[]).status, 401, "nothing was deployed");

    // The directory itself as a link, and one above the manifest.
    let link = Application::new(MANIFEST, &[]);
    symlink("/etc", link.public()).expect("a link");
    let (_, said) = node.fails(&["deploy", link.path()]);
    assert!(said.contains("outside the manifest's directory"), "{said}");
    for (directory, part) in [
        ("../..", "outside"),
        ("/etc", "outside"),
        (".", "itself"),
        ("api.wasm", "no directory"),
        ("dist", "no such directory"),
    ] {
        let named = format!("directory = \"{directory}\"");
        let manifest = MANIFEST.replace("directory = \"public\"", &named);
        let (_, said) = node.fails(&["deploy", Application::new(&manifest, &[]).path()]);
        assert!(said.contains(part), "{directory}: {said}");
    }
}

#[test]
fn rules_that_cannot_hold_are_refused_with_their_line() {
    let node = Node::start();
    for (from, to, code, part) in [
        ("fallback = \"index.html\"", "fallback = \"app.html\"", "E0126", "casemate.toml:13"),
        ("auth = \"public\"\ncache", "cache", "E0126", "need a credential"),
        ("content-security-policy", "set-cookie", "E0126", "`set-cookie`"),
        ("content-security-policy", "etag", "E0126", "`etag`"),
        ("not_found =", "notfound =", "E0103", "did you mean `not_found`?"),
        ("name = \"site\"", "name = \"api\"", "E0104", "two functions are called `api`"),
        ("name = \"site\"", "route = \"/{x}\"", "E0104", "no place for files"),
        ("* /api/{*rest}", "GET /{*rest}", "E0107", "`site`"),
    ] {
        let manifest = MANIFEST.replacen(from, to, 1);
        assert_ne!(manifest, MANIFEST, "{from}");
        let files: &[(&str, &[u8])] = &[("index.html", b"a"), ("404.html", b"b")];
        let (_, said) = node.fails(&["deploy", Application::new(&manifest, files).path()]);
        assert!(said.contains(code) && said.contains(part), "{to}: {said}");
    }
}

#[test]
fn a_list_that_nobody_of_ours_made_is_refused() {
    let node = Node::start();
    let dir = tempfile::tempdir().expect("a directory");
    let list = r#"{"v":1,"files":[{"path":"../../etc/passwd","size":0,"chunks":[]}]}"#;
    std::fs::write(dir.path().join("list.wasm"), list).expect("written");
    // Any bytes can be kept as an artifact; what they are is found out at the deployment.
    let digest = {
        use std::io::Write;
        let mut child = std::process::Command::new("sha256sum")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("sha256sum runs");
        child.stdin.take().expect("piped").write_all(list.as_bytes()).expect("written");
        let out = child.wait_with_output().expect("ends").stdout;
        format!("sha256:{}", String::from_utf8_lossy(&out[..64]))
    };
    let scope = "/v1/tenants/default/environments/main";
    let admin = |method: &str, path: &str, body: &str| {
        crate::rig::request(
            node.admin,
            method,
            &format!("{scope}{path}"),
            Some(&node.operator()),
            body.as_bytes(),
        )
    };
    assert_eq!(admin("PUT", &format!("/artifacts/{digest}"), list).status, 201);
    let body = format!(
        r#"{{"manifest":{{"manifest":1,"application":"a","assets":[{{"digest":"{digest}"}}]}},"grant":true}}"#
    );
    let reply = admin("PUT", "/applications/a", &body);
    assert_eq!((reply.status, reply.code().as_str()), (422, "E0127"), "{}", reply.text());
    let forged = r#"{"manifest":{"manifest":1,"application":"a","function":[{"name":"f","digest":"DIGEST","assets":{}}]}}"#
        .replace("DIGEST", &digest);
    assert_eq!(admin("PUT", "/applications/a", &forged).code(), "E0104");
    assert_eq!(admin("POST", "/artifacts", "no bundle at all").code(), "E0112");
}
