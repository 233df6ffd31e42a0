//! Extensions of AWS Lambda's, which a layer brings, beside each kind of runtime.

use super::place::{Place, Who, function, handler};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// Registers and says what it is told.
const AGENT: &str = r#"#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
curl -sS -o /dev/null -D /tmp/agent -H "Lambda-Extension-Name: ${0##*/}" \
    -d '{"events":["INVOKE","SHUTDOWN"]}' "$api/register"
id=$(sed -n 's/^lambda-extension-identifier: *\([^ \r]*\).*/\1/Ip' /tmp/agent)
while told=$(curl -sS -H "Lambda-Extension-Identifier: $id" "$api/event/next"); do
    echo "agent was told $(printf '%s' "$told" | jq -r .eventType)"
done
"#;

fn holds(source: &str, text: &str, native: &str) {
    let place = Place::open(Who::Root);
    place.write(&format!("app/{source}"), text);
    place.write("layer/extensions/agent", AGENT);
    for program in [place.source("layer/extensions/agent"), place.source("app").join(source)] {
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("set");
    }
    let native = format!("{native}layers = [\"layer\"]\n");
    place.deploy(&function("f", "", &native));
    for _ in 0..2 {
        let reply = place.get("/f/hello");
        assert_eq!(reply.status, 200, "{reply:?}\n{}", place.log(&reply));
        let record = place.node.ended(&reply);
        let log = place.log(&reply);
        assert_eq!(log.matches("agent was told INVOKE").count(), 1, "{record}\n{log}");
    }
}

#[test]
fn an_extension_runs_beside_a_bootstrap() {
    let bootstrap = include_str!("../../native/provided/bootstrap");
    holds("bootstrap", bootstrap, "contract = \"lambda\"\n");
}

#[test]
fn an_extension_runs_beside_a_python_function() {
    holds("app.py", "def handler(event, context):\n    return 'hello'\n", &handler("app.handler"));
}

#[test]
fn a_function_is_not_ready_without_its_extensions() {
    let place = Place::open(Who::Root);
    place.write("app/app.py", "def handler(event, context):\n    return 'hello'\n");
    place.write("layer/extensions/agent", "#!/bin/sh\nexit 1\n");
    let program = place.source("layer/extensions/agent");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("set");
    let native = format!("{}start = \"1s\"\nlayers = [\"layer\"]\n", handler("app.handler"));
    place.deploy(&function("f", "", &native));
    let reply = place.get("/f/hello");
    let record = place.node.ended(&reply);
    assert_eq!((reply.status, &record["outcome"]), (502, &"guest_error".into()), "{record}");
    assert_eq!(record["reason"], "it was not ready after 1000 ms", "{record}");
}
