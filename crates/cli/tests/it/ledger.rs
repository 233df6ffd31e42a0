//! `ledger verify` and `export`, over a real small ledger: what was changed is found and named.

use crate::fake::{Answer, Fake};
use crate::{casemate, directory};
use audit::{Notary, Snapshot};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use ports::keyring::Signer;
use ports::ledger::{Edge, Notary as _};
use std::path::Path;
use std::sync::Arc;

struct Key(Ed25519KeyPair);

impl Signer for Key {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().expect("32 bytes")
    }
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().expect("64 bytes")
    }
}

/// A ledger of one entry, as a node would export it.
fn files(seed: u8) -> Vec<(String, Vec<u8>)> {
    let key = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed");
    let notary = Notary::new("casemate-test".to_owned(), Arc::new(Key(key))).expect("an origin");
    let leaf = serde_json::json!({
        "v": 1, "seq": 0, "time_us": 0, "scope": { "tenant": "default", "environment": "main" },
        "actor": "operator", "act": { "kind": "genesis", "version": "0.1.0" },
    });
    let leaf: model::act::Leaf = serde_json::from_value(leaf).expect("a leaf");
    let leaf = leaf.bytes();
    let appended = notary.append(&Edge::default(), &leaf).expect("the first leaf");
    let log = Snapshot {
        leaves: vec![leaf],
        tiles: appended.tiles,
        checkpoints: vec![(1, appended.checkpoint)],
    };
    let mut files = audit::export(&log).expect("a ledger");
    files.push(("verifier-key".to_owned(), notary.verifier_key().to_string().into_bytes()));
    files
}

fn serve(files: &[(String, Vec<u8>)]) -> Fake {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, bytes.as_slice()).expect("memory");
    }
    let fake = Fake::start();
    fake.on("GET /v1/ledger/export", Answer::bytes(&builder.into_inner().expect("memory")));
    fake
}

fn verify(files: &[(String, Vec<u8>)], more: &[&str], place: &Path) -> (i32, String, String) {
    let arguments = [&["ledger", "verify"], more].concat();
    let seen = casemate(&arguments).with(&serve(files)).within(place).seen();
    (seen.code, seen.out, seen.err)
}

#[test]
fn a_ledger_in_order_is_verified_from_the_node_and_from_an_export() {
    let files = files(1);
    let place = directory(&[]);
    let (code, out, err) = verify(&files, &[], place.path());
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("verified 1 entries, root "), "{out}");
    assert!(err.contains("keep a checkpoint elsewhere"), "{err}");
    let fake = serve(&files);
    let export = casemate(&["ledger", "export", "kept"]).with(&fake).within(place.path()).seen();
    assert_eq!(export.code, 0, "{}", export.err);
    let offline = casemate(&["ledger", "verify", "kept"]).within(place.path()).seen();
    assert_eq!((offline.code, offline.out), (0, out));
    let since = ["--since", "kept/checkpoint"];
    let (code, out, err) = verify(&files, &since, place.path());
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("continues the kept checkpoint over 1 entries"), "{out}");
    let again = casemate(&["ledger", "export", "kept"]).with(&fake).within(place.path()).seen();
    assert_eq!(again.code, 1, "an export is never written over another");
}

#[test]
fn a_changed_byte_is_found_and_named() {
    let place = directory(&[]);
    for (path, code) in [("tile/entries", "E1201"), ("tile/0", "E1202"), ("checkpoint", "E1203")] {
        let mut files = files(1);
        for (_, bytes) in files.iter_mut().filter(|(name, _)| name.starts_with(path)) {
            // The last byte is a closing brace, a byte of a hash, or a line end.
            let at = bytes.len() - 2;
            bytes[at] ^= 1;
        }
        let (exit, out, err) = verify(&files, &[], place.path());
        assert_eq!((exit, out.as_str()), (1, ""), "{path}");
        assert!(err.starts_with(&format!("error[{code}]: ")), "{path}: {err}");
    }
}

#[test]
fn a_ledger_that_was_written_anew_does_not_continue_a_kept_checkpoint() {
    let (kept, other) = (files(1), files(2));
    let text = |files: &[(String, Vec<u8>)], name: &str| {
        let file = files.iter().find(|(path, _)| path == name).expect(name);
        String::from_utf8(file.1.clone()).expect("text")
    };
    let place = directory(&[("kept", text(&kept, "checkpoint").as_bytes())]);
    let (code, _, err) = verify(&other, &["--since", "kept"], place.path());
    assert_eq!(code, 1);
    assert!(err.starts_with("error[E1204]"), "{err}");
    let key = text(&kept, "verifier-key");
    let (code, _, err) = verify(&other, &["--key", &key], place.path());
    assert_eq!(code, 1);
    assert!(err.starts_with("error[E1203]"), "{err}");
}
