//! Host names of applications.

use super::{Application, ask};
use crate::rig::Node;

const FILES: &[(&str, &[u8])] = &[("index.html", b"home")];

fn site(application: &str, more: &str) -> Application {
    let manifest = format!(
        "manifest = 1\napplication = \"{application}\"\n{more}\n[[assets]]\ndirectory = \"public\"\nauth = \"public\"\n"
    );
    Application::new(&manifest, &[("index.html", application.as_bytes())])
}

fn at(node: &Node, host: &str) -> (u16, String) {
    let reply = ask(node, "GET", "/", &[&format!("host: {host}")]);
    (reply.status, if reply.status == 200 { reply.text() } else { reply.code() })
}

#[test]
fn the_most_exact_host_answers_however_it_is_spelt() {
    let node = Node::start();
    site("exact", "domains = [\"API.example.com\"]").deploy(&node);
    site("wild", "domains = [\"*.example.com\"]").deploy(&node);
    for (host, wanted) in [
        ("api.example.com", "exact"),
        ("API.Example.COM", "exact"),
        ("api.example.com.", "exact"),
        ("api.example.com:8443", "exact"),
        ("www.example.com", "wild"),
        ("any.example.com.:80", "wild"),
    ] {
        assert_eq!(at(&node, host), (200, wanted.to_owned()), "{host}");
    }
    for host in ["example.com", "a.b.example.com", "api.example.com.evil.example", "localhost"] {
        assert_eq!(at(&node, host), (401, "E0801".to_owned()), "{host}");
    }
    site("rest", "").deploy(&node);
    assert_eq!(at(&node, "example.com").1, "rest");
    assert_eq!(at(&node, "www.example.com").1, "wild");
    let urls = node.json(&["functions"])["items"].to_string();
    let port = node.gateway.port();
    for url in
        [format!("http://api.example.com:{port}/"), format!("http://any.example.com:{port}/")]
    {
        assert!(urls.contains(&url), "{url}: {urls}");
    }
}

#[test]
fn a_host_belongs_to_one_environment_at_a_time() {
    let node = Node::start();
    site("first", "domains = [\"api.example.com\"]").deploy(&node);
    let other = ["deploy", "--grant", "--env", "staging"];
    for domain in ["api.example.com", "*.example.com"] {
        let second = site("second", &format!("domains = [\"{domain}\"]"));
        let (code, said) = node.fails(&[&other[..], &[second.path()]].concat());
        assert!(code != 0 && said.contains("E0107") && said.contains(domain), "{said}");
    }
    let second = site("second", "domains = [\"www.example.com\"]");
    node.ok(&[&other[..], &[second.path()]].concat());
    assert_eq!(at(&node, "www.example.com").1, "second");

    // What was given up is free, and does not come back while another has it.
    site("first", "domains = [\"first.example\"]").deploy(&node);
    let second = site("second", "domains = [\"api.example.com\"]");
    node.ok(&[&other[..], &[second.path()]].concat());
    let (_, said) = node.fails(&["rollback", "first"]);
    assert!(said.contains("E0107") && said.contains("api.example.com"), "{said}");
    assert_eq!(at(&node, "api.example.com").1, "second");
    node.ok(&["rollback", "second", "--env", "staging"]);
    node.ok(&["rollback", "first"]);
    assert_eq!(at(&node, "api.example.com").1, "first");
}

#[test]
fn what_is_no_domain_is_refused_with_its_line() {
    let node = Node::start();
    for (domain, part) in [
        ("b\u{fc}cher.example", "xn--"),
        ("example.com:8080", "port"),
        ("https://example.com", "no domain"),
        ("example.com/x", "without a path"),
        ("*", "first label"),
        ("a.*.example", "first label"),
        ("", "no domain"),
    ] {
        let manifest = format!("domains = [\"{domain}\"]");
        let (_, said) = node.fails(&["deploy", site("a", &manifest).path()]);
        assert!(said.contains("casemate.toml:3") && said.contains(part), "{domain}: {said}");
    }
    let twice = site("a", "domains = [\"a.example\", \"A.example.\"]");
    let (_, said) = node.fails(&["deploy", twice.path()]);
    assert!(said.contains("names `a.example` twice"), "{said}");
    let manifest = "manifest = 1\napplication = \"a\"\n[[assets]]\ndirectory = \"public\"\nroute = \"*.a.example/docs\"\n";
    Application::new(manifest, FILES).deploy(&node);
    assert_eq!(node.json(&["functions"])["items"][0]["routes"][0], "GET *.a.example/docs/{*path}");
}
