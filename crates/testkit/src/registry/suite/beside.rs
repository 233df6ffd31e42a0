//! The cases of what is kept beside functions.

use super::Expect::{Done, Refused};
use super::{Case, Then};
use crate::registry::{application, deploy, function, spec};
use model::act::{Act, LeafAct};
use model::beside::{Alias, Beside, Version};
use model::{Code, Timestamp};

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
    Act::Beside { function, what, beside: Box::new(beside) }
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
    ]
}
