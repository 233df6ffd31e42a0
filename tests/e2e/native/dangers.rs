//! What the operator's `--danger-` flags do, and where one sees that they are in force.

use super::place::{Place, Who, function, handler};

fn without(who: Who, key: &str, flag: &str) {
    let configuration = format!("[native.jail]\n{key} = true\n");
    let place = Place::open_beside(who, &configuration, &[]);
    place.write("app/app.py", "def handler(event, context):\n    return 'fine'\n");
    place.deploy(&function("app", "", &handler("app.handler")));
    let reply = place.get("/app/x");
    let record = place.node.ended(&reply);
    assert_eq!(reply.status, 200, "{record}");
    let first = &record["calls"][0];
    assert_eq!(
        (&first["operation"], &first["resource"]),
        (&"jail".into(), &flag.into()),
        "{record}"
    );
    let said = place.node.ok(&["doctor"]);
    assert!(said.contains(flag), "{said}");
}

#[test]
fn a_jail_without_landlock_runs_and_every_record_says_so() {
    without(Who::Root, "danger_no_landlock", "--danger-no-landlock");
}

#[test]
fn an_ordinary_users_jail_without_proc_runs_and_every_record_says_so() {
    without(Who::User, "danger_no_proc", "--danger-no-proc");
}

#[test]
fn a_record_says_nothing_of_jails_when_they_are_whole() {
    let place = Place::open(Who::Root);
    place.write("app/app.py", "def handler(event, context):\n    return 'fine'\n");
    place.deploy(&function("app", "", &handler("app.handler")));
    let record = place.node.ended(&place.get("/app/x"));
    assert_eq!(record["calls"].as_array().map(Vec::len), Some(0), "{record}");
}
