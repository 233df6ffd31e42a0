//! What is particular to one contract, beside what all of them have in common.

use super::place::{Place, Who, function};
use super::stage::{Package, get, lines, outcome, tell, until};
use crate::rig::{Node, Reply, raw};
use serde_json::{Value, json};

/// A node with one function `f` of this package, which has every path.
fn node(package: &Package, native: &str) -> Node {
    package.manifest(&format!(
        "timeout = \"30s\"\nmemory = \"256MiB\"\n\
         http = [{{ route = \"* /{{*rest}}\", auth = \"public\" }}]\n[function.native]\n{native}\n"
    ));
    let node = Node::start();
    package.deploy(&node);
    node
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("{reply:?}"))
}

/// Posts with these header fields.
fn post(node: &Node, path: &str, fields: &str, body: &str) -> Reply {
    let length = body.len();
    let head = "host: localhost\r\nconnection: close\r\n";
    let text =
        format!("POST {path} HTTP/1.1\r\n{head}content-length: {length}\r\n{fields}\r\n{body}");
    raw(node.gateway, text.as_bytes())
}

const WHISK: &str = "contract = \"openwhisk\"\ninterpreter = \"python3.11\"";

#[test]
fn an_action_sees_its_request_and_nobody_speaks_for_the_platform_to_it() {
    let package = Package::of(&["openwhisk/__main__.py"]);
    let node = node(&package, WHISK);
    let fields = "content-type: application/json\r\nx-mine: 1\r\nfn-call-id: forged\r\n";
    let reply = post(&node, "/web?a=1&b=2", fields, r#"{"b":{"c":3}}"#);
    assert_eq!(reply.status, 201, "{reply:?}\n{}", node.said());
    let id = reply.header("casemate-invocation").expect("an id");
    assert_eq!(reply.header("x-activation"), Some(id));
    let seen = body(&reply);
    assert_eq!((&seen["a"], &seen["b"]), (&json!("1"), &json!({ "c": 3 })));
    assert_eq!((&seen["__ow_method"], &seen["__ow_path"]), (&json!("post"), &json!("/web")));
    assert_eq!(seen["__ow_headers"]["x-mine"], "1");
    assert_eq!(seen["__ow_headers"].get("fn-call-id"), None);
    for query in ["?__ow_path=x", "?%5F_ow_user=root"] {
        let reply = get(&node, &format!("/web{query}"));
        assert_eq!(reply.status, 400, "{reply:?}");
        assert!(body(&reply)["error"].as_str().expect("why").contains("are reserved"));
    }
    // What a caller asks for is never the platform's own interface.
    for path in ["/init", "/run"] {
        assert_eq!(body(&get(&node, path))["did"], path[1..]);
    }
}

#[test]
fn an_action_is_initialised_once_whoever_asks() {
    let package = Package::of(&["openwhisk/__main__.py"]);
    let node = node(&package, WHISK);
    for _ in 0..2 {
        let answer = tell(&node, r#"{"do":"again"}"#, &[]);
        let expected = json!({
            "status": 403, "error": "Cannot initialize the action more than once.",
        });
        assert_eq!(answer.body, expected, "{}", answer.status);
    }
    assert_eq!(tell(&node, r#"{"do":"hello"}"#, &[]).body, json!({ "did": "hello" }));
}

#[test]
fn what_is_no_dictionary_is_an_error_and_no_mark_is_in_the_log() {
    let package = Package::of(&["openwhisk/__main__.py"]);
    let node = node(&package, WHISK);
    let answer = tell(&node, r#"{"do":"text"}"#, &[]);
    let error = json!({ "error": "The action did not return a dictionary." });
    assert_eq!((answer.status, &answer.body), (502, &error));
    assert_eq!(outcome(&node, &answer.invocation), "guest_error");
    assert_eq!(tell(&node, r#"{"do":"fail"}"#, &[]).status, 502);
    let said = lines(&node, &answer.invocation);
    assert!(said.contains(&"asked to text".to_owned()), "{said:?}");
    let all = node.ok(&["logs", "-n", "1000"]);
    assert!(all.contains("RuntimeError: it failed") && !all.contains("XXX_THE_END"), "{all}");
}

#[test]
fn an_action_that_answers_twice_answers_nobody_after_that() {
    let package = Package::of(&["actionloop/exec"]);
    let node = node(&package, "contract = \"actionloop\"");
    assert_eq!(tell(&node, r#"{"do":"twice"}"#, &[]).body, json!({ "did": "one" }));
    // Its second line is in nobody's answer, and the process has no further chance.
    let next = tell(&node, r#"{"do":"hello"}"#, &[]);
    assert_ne!(next.body, json!({ "did": "two" }));
    assert_eq!(tell(&node, r#"{"do":"hello"}"#, &[]).body, json!({ "did": "hello" }));
    let all = node.ok(&["logs", "-n", "1000"]);
    assert!(!all.contains("XXX_THE_END"), "{all}");
}

#[test]
fn a_function_of_fns_sees_its_request_and_its_answer_is_unwrapped() {
    let package = Package::of(&["fn/func.py"]).bring_python("fn/python");
    let native =
        "contract = \"fn\"\ninterpreter = \"python3.11\"\ncommand = [\"python3\", \"func.py\"]";
    let node = node(&package, native);
    let fields = "x-mine: 1\r\nfn-call-id: forged\r\nfn_deadline: forged\r\n";
    let reply = post(&node, "/seen", fields, "");
    assert_eq!(reply.status, 201, "{reply:?}\n{}", node.said());
    assert_eq!(reply.header("x-made-by"), Some("fn"));
    assert!(reply.header("fn-http-status").is_none() && reply.header("fn-fdk-version").is_none());
    let seen = body(&reply);
    assert_eq!(seen["id"].as_str(), reply.header("casemate-invocation"));
    assert_eq!((&seen["method"], &seen["headers"]["x-mine"]), (&json!("POST"), &json!("1")));
    assert!(!seen.to_string().contains("forged"), "{seen}");
    assert!(seen["deadline"].as_str().expect("a time").ends_with('Z'), "{seen}");
}

/// Whether a function of Fn's that links its socket elsewhere gets anywhere.
fn links_to(elsewhere: &str) {
    let package = Package::of(&["fn/hostile.py"]);
    let native = format!(
        "contract = \"fn\"\ninterpreter = \"python3.11\"\nstart = \"4s\"\n\
         command = [\"python3\", \"hostile.py\"]\n[function.environment]\nELSEWHERE = \"{elsewhere}\""
    );
    let node = node(&package, &native);
    let reply = get(&node, "/a");
    assert!(reply.status >= 500, "{elsewhere}: {reply:?}");
    let all = node.ok(&["logs", "-n", "1000"]);
    assert!(all.contains("linked") && !all.contains("followed"), "{elsewhere}: {all}");
}

#[test]
fn a_socket_that_is_linked_elsewhere_is_not_followed() {
    links_to("/tmp/outside.sock");
    links_to("../outside.sock");
    links_to("directory");
}

#[test]
fn a_socket_of_the_machine_is_not_reached_by_a_link() {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("machine.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    listener.set_nonblocking(true).expect("set");
    links_to(path.to_str().expect("text"));
    assert!(listener.accept().is_err(), "the node came");
}

#[test]
fn a_link_that_changes_when_it_was_looked_at_is_not_followed_either() {
    let package = Package::of(&["fn/hostile.py"]);
    let native = "contract = \"fn\"\ninterpreter = \"python3.11\"\n\
                  command = [\"python3\", \"hostile.py\"]\n\
                  [function.environment]\nELSEWHERE = \"later\"";
    let node = node(&package, native);
    assert_eq!(get(&node, "/a").text(), "as it is", "{}", node.said());
    let mut calls = 0;
    until("the link has changed", || {
        calls += 1;
        let reply = get(&node, "/a");
        assert!(!reply.text().contains("followed"), "{reply:?}");
        std::thread::sleep(std::time::Duration::from_millis(100));
        reply.status >= 500
    });
    assert!(calls > 1);
    let all = node.ok(&["logs", "-n", "1000"]);
    assert!(!all.contains("followed"), "{all}");
}

#[test]
fn an_ordinary_users_node_reaches_a_socket_that_a_function_made() {
    let place = Place::open(Who::User);
    place.write("app/hostile.py", include_str!("../../native/fn/hostile.py"));
    let native = "contract = \"fn\"\ninterpreter = \"python3\"\n\
                  command = [\"python3\", \"hostile.py\"]\n\
                  [function.environment]\nELSEWHERE = \"later\"";
    place.deploy(&function("alive", "", native));
    assert_eq!(place.get("/alive/x").text(), "as it is", "{}", place.node.said());
}

/// A function of one process for each request.
fn once(contract: &str, program: &str) -> Node {
    let native = format!(
        "contract = \"{contract}\"\ninterpreter = \"python3.11\"\n\
         command = [\"python3.11\", \"{program}\"]"
    );
    node(&Package::of(&[&format!("stdio/{program}")]), &native)
}

#[test]
fn a_request_is_a_processes_environment_and_changes_nothing_else_of_it() {
    let node = once("ironfunctions", "iron.py");
    let fields = "x-mine: 1\r\nproxy: http://evil.example\r\nx-call-id: forged\r\n";
    let seen = body(&post(&node, "/environment?a=b", fields, ""));
    assert_eq!((&seen["METHOD"], &seen["HEADER_X_MINE"]), (&json!("POST"), &json!("1")));
    let url = seen["REQUEST_URL"].as_str().expect("a URL");
    assert!(url.ends_with("/environment?a=b"), "{url}");
    assert!(!seen.to_string().contains("evil") && !seen.to_string().contains("forged"), "{seen}");
    // And the next one sees nothing of it.
    let seen = body(&get(&node, "/environment"));
    assert_eq!((&seen["METHOD"], seen.get("HEADER_X_MINE")), (&json!("GET"), None));
}

#[test]
fn a_field_cannot_change_where_a_process_sends_what_it_asks_for() {
    let node = once("cgi", "cgi_program.py");
    let fields = "proxy: http://evil.example\r\nProxy_: x\r\nx-mine: 1\r\nx_mine: forged\r\n";
    let reply = post(&node, "/environment", fields, "");
    assert_eq!(reply.header("x-by"), Some("wsgi"), "{reply:?}");
    let seen = body(&reply);
    assert_eq!(seen["HTTP_X_MINE"], "1", "{seen}");
    // Its own door, which the jail tells it of, if any.
    let proxies: Vec<&str> = ["HTTP_PROXY", "http_proxy", "Http_Proxy"]
        .iter()
        .filter_map(|name| seen.get(*name)?.as_str())
        .collect();
    assert!(proxies.iter().all(|proxy| proxy.contains("127.0.0.1:3128")), "{proxies:?}");
    assert_eq!(get(&node, "/missing").status, 404);
}

#[test]
fn how_a_process_ends_is_its_answer() {
    let node = once("ironfunctions", "iron.py");
    let reply = get(&node, "/fail");
    assert_eq!((reply.status, reply.text().as_str()), (500, "exit status 3\n"));
    assert_eq!(node.ended(&reply)["outcome"], "guest_error");
    // It reads nothing of what it is sent.
    let large = "x".repeat(1 << 20);
    let reply = post(&node, "/deaf", "", &format!("{{\"do\":\"deaf\",\"x\":\"{large}\"}}"));
    assert_eq!((reply.status, reply.body.len()), (200, 0), "{reply:?}");
    let reply = get(&node, "/large");
    assert_eq!((reply.status, reply.body.len()), (200, 8 << 20), "{}", reply.head);
    let record = node.ended(&reply);
    assert!(record["cpu_us"].as_u64().expect("time") > 0, "{record}");
}

#[test]
fn functions_of_azures_models_have_their_routes_and_no_request_is_an_event() {
    let python = Package::of(&["shims/azure/function_app.py"]).bring_python("azure/python");
    let all = node(&python, "contract = \"azure\"\ninterpreter = \"python3.11\"");
    let reply = get(&all, "/api/hello?name=Ada");
    assert_eq!((reply.status, reply.header("x-name")), (200, Some("Ada")), "{}", all.said());
    assert_eq!(get(&all, "/api/plain/a/b").text(), "a/b");
    for (path, status) in [("/api/a/b/c", 404), ("/hello", 404), ("/", 404)] {
        assert_eq!(get(&all, path).status, status, "{path}");
    }
    let files = ["shims/azure/index.js", "shims/azure/package.json"];
    let package = Package::of(&files).bring_node("azure/node");
    let named = "contract = \"azure\"\ninterpreter = \"node\"\nhandler = \"note\"";
    let only = node(&package, named);
    // Only an event reaches a function of a queue, and nobody makes one of a request.
    let event = r#"{"Data":{"req":{"do":"event"}},"Metadata":{}}"#;
    for fields in ["", "x-azure-functions-event: 1\r\n", "x_azure_functions_event: 1\r\n"] {
        let reply = post(&only, "/note", fields, event);
        assert_eq!(reply.status, 404, "{reply:?}");
    }
    assert_eq!(tell(&only, r#"{"do":"event"}"#, &[]).body, json!({ "did": "event" }));
    let one = node(&package, "contract = \"azure\"\ninterpreter = \"node\"\nhandler = \"order\"");
    let reply = get(&one, "/api/hello?name=Ada");
    assert_eq!(
        (reply.header("x-name"), reply.header("set-cookie")),
        (Some("Ada"), Some("a=b; Path=/"))
    );
}
