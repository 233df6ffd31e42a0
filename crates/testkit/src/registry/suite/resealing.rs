//! The cases of what is sealed anew with a newer epoch of the root key.

use super::Expect::{Done, Same};
use super::{Case, Then};
use crate::registry::{secret, secret_remove, token, token_name};
use model::act::{Act, LeafAct};
use model::key::Epoch;
use model::token::TokenRow;
use model::vault::Sealed;
use model::{Code, SecretRow};

/// What these acts write, sealed anew with the second epoch.
fn reseal(acts: &[Act]) -> Act {
    let epoch = Epoch(2);
    let secrets = acts.iter().filter_map(|act| match act {
        Act::SecretPut { row, .. } => {
            let sealed = Sealed(format!("anew {}", row.version).into_bytes());
            Some(SecretRow { epoch, sealed, ..row.clone() })
        }
        _ => None,
    });
    let tokens = acts.iter().filter_map(|act| match act {
        Act::TokenCreate { token, .. } => {
            let mut key = token.key.clone()?;
            (key.epoch, key.sealed) = (epoch, Sealed(b"anew".to_vec()));
            Some(TokenRow { key: Some(key), ..token.clone() })
        }
        _ => None,
    });
    Act::KeyReseal { epoch, secrets: secrets.collect(), tokens: tokens.collect() }
}

fn is_of(act: &LeafAct, of: (u64, u64)) -> bool {
    matches!(act, LeafAct::KeyReseal { epoch: 2, secrets, keys } if (*secrets, *keys) == of)
}

pub(super) fn all() -> Vec<Case> {
    let (psp, bank, ci) = (secret("psp", 1, false), secret("bank", 1, false), token("ci", &[]));
    let all = || reseal(&[psp.clone(), bank.clone(), ci.clone()]);
    vec![
        Case {
            name: "secrets and keys of callers are sealed anew once",
            acts: vec![
                (psp.clone(), Done(None)),
                (bank.clone(), Done(None)),
                (ci.clone(), Done(None)),
                (all(), Done(None)),
                (reseal(&[psp.clone(), bank.clone()]), Same(None)),
            ],
            then: vec![
                Then::Secret("psp", 1, true),
                Then::Leaf(|act| is_of(act, (2, 1))),
                Then::Sealed("psp", Epoch(2)),
                Then::KeySealed("ci", Epoch(2)),
            ],
        },
        Case {
            name: "what was replaced, removed or revoked meanwhile stays as it is",
            acts: vec![
                (psp.clone(), Done(None)),
                (bank.clone(), Done(None)),
                (ci.clone(), Done(None)),
                (secret("psp", 2, true), Done(None)),
                (secret_remove("bank"), Done(None)),
                (Act::TokenRevoke { name: token_name("ci") }, Done(None)),
                (all(), Same(None)),
                (bank.clone(), super::Expect::Refused(Code::SecretTaken)),
            ],
            then: vec![
                Then::Secret("psp", 2, true),
                Then::Secret("bank", 1, false),
                Then::Sealed("psp", Epoch(1)),
                Then::Leaf(|act| matches!(act, LeafAct::TokenRevoke { .. })),
            ],
        },
    ]
}
