//! The cases of what is kept beside functions.

use super::Expect::{Done, Refused};
use super::{Case, Then};
use crate::registry::{application, deploy, function, spec};
use model::act::{Act, LeafAct, Rights};
use model::beside::{Alias, Beside, Version};
use model::{Code, Grant, Timestamp};

fn alpha(component: &str) -> Act {
    deploy("shop", &[spec("alpha", component, &["GET /alpha"])])
}

fn remove() -> Act {
    Act::Remove { application: application("shop") }
}

/// The document with this number, with versions of these revisions, and an alias of that version.
fn put(text: &str, number: u32, revisions: &[u32], alias: Option<u32>) -> Act {
    let version = |revision: &u32| Version {
        revision: *revision,
        description: None,
        published: Timestamp(1),
    };
    let alias = alias.map(|version| Alias {
        version: Some(version),
        weights: Default::default(),
        description: String::new(),
        changed: number,
    });
    let beside = Beside {
        number,
        versions: (1..).zip(revisions.iter().map(version)).collect(),
        aliases: alias.into_iter().map(|alias| ("live".to_owned(), alias)).collect(),
        ..Beside::default()
    };
    let (function, what) = (function(text).name, "a change".to_owned());
    Act::Beside { function, what, beside: Box::new(beside), rights: Rights::default() }
}

/// An empty document with this number, with grants to everybody that come and go.
fn change(number: u32, come: &[&str], go: &[&str]) -> Act {
    let public = |names: &[&str]| names.iter().map(|name| public(name)).collect();
    let rights = Rights { put: public(come), gone: public(go) };
    let beside = Box::new(Beside { number, ..Beside::default() });
    Act::Beside { function: function("alpha").name, what: "a change".to_owned(), beside, rights }
}

fn public(name: &str) -> Grant {
    let who = model::Principal::Public;
    Grant { who, action: model::Action::Invoke { function: function(name).name } }
}

pub(super) fn all() -> Vec<Case> {
    vec![
        Case {
            name: "what is kept beside a function is changed by who has seen it, and stays",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (put("alpha", 1, &[1], None), Refused(Code::DeployConflict)),
                (put("alpha", 0, &[1], None), Done(None)),
                (put("alpha", 0, &[1], None), Refused(Code::DeployConflict)),
                (alpha("two"), Done(Some(2))),
                (put("alpha", 1, &[1, 2, 1], Some(3)), Done(None)),
                (alpha("three"), Done(Some(3))),
                (put("alpha", 2, &[2], Some(1)), Done(None)),
            ],
            then: vec![
                Then::Active("alpha", 3),
                Then::Leaf(|act| matches!(act, LeafAct::Beside { number: 3, .. })),
            ],
        },
        Case {
            name: "what is kept beside a function names what is there",
            acts: vec![
                (put("alpha", 0, &[], None), Refused(Code::NoSuchFunction)),
                (alpha("one"), Done(Some(1))),
                (put("alpha", 0, &[2], None), Refused(Code::NoSuchRevision)),
                (put("alpha", 0, &[1], Some(2)), Refused(Code::ManifestValue)),
            ],
            then: vec![],
        },
        Case {
            name: "what is kept beside a function goes with it",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (put("alpha", 0, &[1], Some(1)), Done(None)),
                (remove(), Done(None)),
                (put("alpha", 1, &[1], None), Refused(Code::NoSuchFunction)),
                (alpha("one"), Done(Some(2))),
                (put("alpha", 1, &[1], None), Refused(Code::DeployConflict)),
                (put("alpha", 0, &[], None), Done(None)),
            ],
            then: vec![Then::Active("alpha", 1)],
        },
        Case {
            name: "grants come with what is kept beside a function, or neither does",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (change(0, &["alpha", "nobody"], &[]), Refused(Code::NoSuchFunction)),
                (change(0, &["alpha"], &[]), Done(None)),
                (change(1, &["alpha"], &[]), Refused(Code::DeployConflict)),
                (change(0, &[], &["alpha"]), Refused(Code::DeployConflict)),
            ],
            then: vec![
                Then::Granted(public("alpha")),
                Then::Leaf(|act| matches!(act, LeafAct::Beside { granted: Some(_), .. })),
            ],
        },
        Case {
            name: "grants go with what is kept beside a function",
            acts: vec![
                (alpha("one"), Done(Some(1))),
                (change(0, &["alpha"], &[]), Done(None)),
                (change(1, &[], &["alpha"]), Done(None)),
                (change(2, &[], &["alpha"]), Done(None)),
                (Act::Revoke { grant: public("alpha") }, Refused(Code::NoSuchGrant)),
            ],
            then: vec![Then::NotGranted(public("alpha"))],
        },
    ]
}
