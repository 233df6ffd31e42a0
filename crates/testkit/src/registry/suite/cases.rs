//! The cases of the table.

use super::Expect::{Done, Refused, Same};
use super::{Case, Then};
use crate::registry::{
    application, deploy, function, invoke, secret, secret_remove, spec, token, token_name,
};
use model::act::{Act, LeafAct};
use model::{Action, Code, Grant, Principal};

fn rollback(text: &str, to: Option<u32>) -> Act {
    Act::Rollback { application: application(text), to }
}

fn remove(text: &str) -> Act {
    Act::Remove { application: application(text) }
}

fn grant(grant: &Grant) -> Act {
    Act::Grant { grant: grant.clone() }
}

fn revoke(grant: &Grant) -> Act {
    Act::Revoke { grant: grant.clone() }
}

fn token_revoke(text: &str) -> Act {
    Act::TokenRevoke { name: token_name(text) }
}

fn public(text: &str) -> Grant {
    invoke(Principal::Public, text)
}

fn held_by(holder: &str, text: &str) -> Grant {
    invoke(Principal::Token(token_name(holder)), text)
}

fn outbound(text: &str) -> Grant {
    let action = Action::Http { target: "GET https://api.example.com/v1/*".to_owned() };
    Grant { who: Principal::Function(function(text).name), action }
}

/// A deployment of `shop` with one function `alpha`.
fn alpha(component: &str) -> Act {
    deploy("shop", &[spec("alpha", component, &["GET /alpha"])])
}

/// A deployment of `shop` with the functions `alpha` and `beta`.
fn both() -> Act {
    let specs = [spec("beta", "one", &["GET /beta"]), spec("alpha", "one", &["GET /alpha"])];
    deploy("shop", &specs)
}

fn with(act: Act, condition: Option<u32>, new: &[Grant]) -> Act {
    match act {
        Act::Deploy { manifest, .. } => {
            Act::Deploy { manifest, expected: condition, grants: new.to_vec() }
        }
        other => other,
    }
}

pub(super) fn all() -> Vec<Case> {
    let all = [revisions(), deployments(), clashes(), rollbacks(), removals(), grants(), tokens()];
    all.into_iter().flatten().chain(secrets()).chain(notes()).collect()
}

fn revisions() -> Vec<Case> {
    let mut moved = spec("alpha", "one", &["GET /alpha"]);
    moved.source = Some("elsewhere/alpha.wasm".to_owned());
    moved.build = Some("make".to_owned());
    let mut slower = spec("alpha", "one", &["GET /alpha"]);
    slower.concurrency = Some(7);
    vec![
        Case {
            name: "an unchanged function keeps its revision, also when its source moved",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (alpha("one"), Done(Some(2))),
                (deploy("shop", &[moved]), Done(Some(3))),
            ],
            then: vec![Then::Active("alpha", 1), Then::Revisions("alpha", 1)],
        },
        Case {
            name: "other code and other settings are new revisions, old content is the old one",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (alpha("two"), Done(Some(2))),
                (deploy("shop", &[slower]), Done(Some(3))),
                (alpha("one"), Done(Some(4))),
            ],
            then: vec![Then::Active("alpha", 1), Then::Revisions("alpha", 3)],
        },
        Case {
            name: "what the manifest no longer has goes, with its grants",
            acts: vec![
                (both(), Done(Some(1))),
                (grant(&public("beta")), Done(None)),
                (grant(&outbound("beta")), Done(None)),
                (grant(&public("alpha")), Done(None)),
                (alpha("two"), Done(Some(2))),
            ],
            then: vec![
                Then::Gone("beta"),
                Then::NotGranted(public("beta")),
                Then::NotGranted(outbound("beta")),
                Then::Granted(public("alpha")),
                Then::Leaf(
                    |act| matches!(act, LeafAct::Deploy { removed, .. } if removed.count == 1),
                ),
            ],
        },
    ]
}

fn deployments() -> Vec<Case> {
    let mut unsent = spec("alpha", "one", &[]);
    unsent.digest = None;
    vec![
        Case {
            name: "a condition that does not hold refuses",
            acts: vec![
                (with(alpha("one"), Some(1), &[]), Refused(Code::DeployConflict)),
                (with(alpha("one"), Some(0), &[]), Done(Some(1))),
                (with(alpha("two"), Some(0), &[]), Refused(Code::DeployConflict)),
                (with(alpha("two"), Some(1), &[]), Done(Some(2))),
                (remove("shop"), Done(None)),
                (with(alpha("two"), Some(0), &[]), Done(Some(3))),
            ],
            then: vec![Then::Active("alpha", 2)],
        },
        Case {
            name: "grants of a deployment are written with it, each once",
            acts: vec![
                (
                    with(
                        alpha("one"),
                        None,
                        &[outbound("alpha"), public("alpha"), public("alpha")],
                    ),
                    Done(Some(1)),
                ),
                (with(alpha("two"), None, &[public("beta")]), Refused(Code::NoSuchFunction)),
                (with(alpha("two"), None, &[public("alpha")]), Done(Some(2))),
            ],
            then: vec![
                Then::Granted(public("alpha")),
                Then::Granted(outbound("alpha")),
                Then::Leaf(
                    |act| matches!(act, LeafAct::Deploy { grants, .. } if grants.count == 0),
                ),
            ],
        },
        Case {
            name: "a manifest that was not checked is refused",
            acts: vec![
                (deploy("shop", &[unsent]), Refused(Code::ArtifactMissing)),
                (
                    deploy("shop", &[spec("alpha", "one", &[]), spec("alpha", "two", &[])]),
                    Refused(Code::ManifestValue),
                ),
                (
                    deploy("shop", &[spec("alpha", "one", &["GET /{a}", "GET /{b}"])]),
                    Refused(Code::RouteClash),
                ),
            ],
            then: vec![Then::Gone("alpha"), Then::Revisions("alpha", 0)],
        },
    ]
}

fn clashes() -> Vec<Case> {
    let blog = |name: &str, routes: &[&str]| deploy("blog", &[spec(name, "one", routes)]);
    vec![
        Case {
            name: "a function has one owner, until it goes",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (blog("alpha", &[]), Refused(Code::FunctionTaken)),
                (remove("shop"), Done(None)),
                (blog("alpha", &[]), Done(Some(1))),
                (rollback("shop", Some(1)), Refused(Code::FunctionTaken)),
            ],
            then: vec![Then::Active("alpha", 2)],
        },
        Case {
            name: "a route has one answerer, whatever its parameters are called",
            acts: vec![
                (deploy("shop", &[spec("alpha", "one", &["GET /{id}"])]), Done(Some(1))),
                (blog("beta", &["GET /{name}"]), Refused(Code::RouteClash)),
                (blog("beta", &["POST /{name}", "GET x.example/{name}"]), Done(Some(1))),
                (deploy("shop", &[spec("alpha", "one", &["GET /other"])]), Done(Some(2))),
                (blog("beta", &["GET /{name}"]), Done(Some(2))),
                (rollback("shop", None), Refused(Code::RouteClash)),
            ],
            then: vec![Then::Active("beta", 2), Then::Active("alpha", 2)],
        },
        Case {
            name: "routes may move between functions of one application",
            acts: vec![
                (
                    deploy("shop", &[spec("alpha", "one", &["GET /x"]), spec("beta", "one", &[])]),
                    Done(Some(1)),
                ),
                (
                    deploy("shop", &[spec("alpha", "one", &[]), spec("beta", "one", &["GET /x"])]),
                    Done(Some(2)),
                ),
            ],
            then: vec![Then::Active("alpha", 2), Then::Active("beta", 2)],
        },
    ]
}

fn rollbacks() -> Vec<Case> {
    vec![
        Case {
            name: "rolling back activates old revisions, and new numbers go on from the last",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (both(), Done(Some(2))),
                (alpha("two"), Done(Some(3))),
                (rollback("shop", None), Done(Some(2))),
                (rollback("shop", None), Done(Some(1))),
                (rollback("shop", None), Refused(Code::NoSuchRevision)),
                (rollback("shop", Some(3)), Done(Some(3))),
                (alpha("one"), Done(Some(4))),
            ],
            then: vec![Then::Active("alpha", 1), Then::Gone("beta")],
        },
        Case {
            name: "rolling back to what is active changes nothing",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (rollback("shop", Some(1)), Same(Some(1))),
                (rollback("shop", Some(9)), Refused(Code::NoSuchRevision)),
                (rollback("shop", Some(0)), Refused(Code::NoSuchRevision)),
                (rollback("blog", None), Refused(Code::NoSuchFunction)),
            ],
            then: vec![Then::Active("alpha", 1)],
        },
        Case {
            name: "a removed application comes back by number, and without its grants",
            acts: vec![
                (with(alpha("one"), None, &[public("alpha")]), Done(Some(1))),
                (remove("shop"), Done(None)),
                (rollback("shop", None), Refused(Code::NoSuchRevision)),
                (rollback("shop", Some(1)), Done(Some(1))),
            ],
            then: vec![Then::Active("alpha", 1), Then::NotGranted(public("alpha"))],
        },
        Case {
            name: "what a rollback takes away loses its grants",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (with(both(), None, &[public("alpha"), public("beta")]), Done(Some(2))),
                (rollback("shop", None), Done(Some(1))),
            ],
            then: vec![Then::Granted(public("alpha")), Then::NotGranted(public("beta"))],
        },
    ]
}

fn removals() -> Vec<Case> {
    vec![Case {
        name: "a removal takes functions and grants, and keeps the history",
        acts: vec![
            (both(), Done(Some(1))),
            (token("ci", &["alpha", "beta"]), Done(None)),
            (grant(&outbound("alpha")), Done(None)),
            (remove("shop"), Done(None)),
            (remove("shop"), Refused(Code::NoSuchFunction)),
            (remove("blog"), Refused(Code::NoSuchFunction)),
            (deploy("blog", &[spec("alpha", "one", &["GET /alpha"])]), Done(Some(1))),
        ],
        then: vec![
            Then::NotGranted(held_by("ci", "alpha")),
            Then::NotGranted(held_by("ci", "beta")),
            Then::NotGranted(outbound("alpha")),
            Then::Revisions("beta", 1),
            Then::Active("alpha", 1),
        ],
    }]
}

fn grants() -> Vec<Case> {
    let outside = outbound("alpha").action;
    let pairing = Grant { who: Principal::Public, action: outside };
    let action = Action::Http { target: "nonsense".to_owned() };
    let target = Grant { who: Principal::Function(function("alpha").name), action };
    vec![Case {
        name: "a grant is written once, names what exists, and is revoked once",
        acts: vec![
            (grant(&public("alpha")), Refused(Code::NoSuchFunction)),
            (alpha("one"), Done(Some(1))),
            (grant(&held_by("ci", "alpha")), Refused(Code::NoSuchToken)),
            (grant(&outbound("beta")), Refused(Code::NoSuchFunction)),
            (grant(&pairing), Refused(Code::BadGrant)),
            (grant(&target), Refused(Code::BadGrant)),
            (grant(&public("alpha")), Done(None)),
            (grant(&public("alpha")), Same(None)),
            (grant(&outbound("alpha")), Done(None)),
            (revoke(&public("alpha")), Done(None)),
            (revoke(&public("alpha")), Refused(Code::NoSuchGrant)),
            (alpha("two"), Done(Some(2))),
        ],
        then: vec![Then::NotGranted(public("alpha")), Then::Granted(outbound("alpha"))],
    }]
}

fn secrets() -> Vec<Case> {
    vec![
        Case {
            name: "a secret is set once, replaced by rotation, and its numbers go on for ever",
            acts: vec![
                (secret("psp", 1, true), Refused(Code::NoSuchSecret)),
                (secret("psp", 2, false), Refused(Code::SecretTaken)),
                (secret("psp", 1, false), Done(None)),
                (secret("psp", 2, false), Refused(Code::SecretTaken)),
                (secret("psp", 1, true), Refused(Code::SecretTaken)),
                (secret("psp", 2, true), Done(None)),
                (secret_remove("psp"), Done(None)),
                (secret_remove("psp"), Refused(Code::NoSuchSecret)),
                (secret_remove("other"), Refused(Code::NoSuchSecret)),
                (secret("psp", 3, true), Refused(Code::NoSuchSecret)),
                (secret("psp", 1, false), Refused(Code::SecretTaken)),
                (secret("psp", 3, false), Done(None)),
            ],
            then: vec![
                Then::Secret("psp", 3, true),
                Then::Leaf(|act| matches!(act, LeafAct::SecretSet { version: 3, .. })),
            ],
        },
        Case {
            name: "a removed secret has no value",
            acts: vec![(secret("psp", 1, false), Done(None)), (secret_remove("psp"), Done(None))],
            then: vec![
                Then::Secret("psp", 1, false),
                Then::Leaf(|act| matches!(act, LeafAct::SecretRemove { version: 1, .. })),
            ],
        },
    ]
}

fn tokens() -> Vec<Case> {
    let same_id = match (token("ci", &[]), token("ops", &[])) {
        (Act::TokenCreate { token: first, .. }, Act::TokenCreate { token: mut second, invoke }) => {
            second.id = first.id;
            Act::TokenCreate { token: second, invoke }
        }
        (_, other) => other,
    };
    vec![
        Case {
            name: "a token is made once, for functions that exist, and ends with its grants",
            acts: vec![
                (both(), Done(Some(1))),
                (token("ci", &["gamma"]), Refused(Code::NoSuchFunction)),
                (token_revoke("ci"), Refused(Code::NoSuchToken)),
                (token("ci", &["beta", "alpha", "beta"]), Done(None)),
                (token("ci", &[]), Refused(Code::TokenTaken)),
                (same_id, Refused(Code::TokenTaken)),
                (token("ops", &["alpha"]), Done(None)),
                (token_revoke("ci"), Done(None)),
            ],
            then: vec![
                Then::NotGranted(held_by("ci", "alpha")),
                Then::NotGranted(held_by("ci", "beta")),
                Then::Granted(held_by("ops", "alpha")),
                Then::Leaf(
                    |act| matches!(act, LeafAct::TokenRevoke { grants, .. } if grants.count == 2),
                ),
            ],
        },
        Case {
            name: "a token's name can be used again, and inherits nothing",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (token("ci", &["alpha"]), Done(None)),
                (token_revoke("ci"), Done(None)),
                (token("ci", &[]), Done(None)),
            ],
            then: vec![Then::NotGranted(held_by("ci", "alpha"))],
        },
    ]
}

fn notes() -> Vec<Case> {
    let genesis = || Act::Genesis { version: "0.1.0".to_owned() };
    vec![Case {
        name: "a genesis is the first leaf or none",
        acts: vec![
            (genesis(), Done(None)),
            (genesis(), Same(None)),
            (Act::Restored { backup: crate::registry::sha256(b"copy") }, Done(None)),
        ],
        then: vec![Then::Leaf(|act| matches!(act, LeafAct::Restored { .. }))],
    }]
}
