//! What the fuzzer and the tests call: notes, checkpoints, and the files of a ledger.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::checkpoint::Checkpoint;
use crate::note::{self, VerifierKey};
use crate::{Notary, Snapshot, export, import, tile, verify};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use model::act::{Leaf, LeafAct};
use model::{Scope, Timestamp};
use ports::keyring::Signer;
use ports::ledger::{Edge, Notary as _, Tile};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// The ledger that is changed has so many entries.
const SMALL: u64 = 6;
/// And behind `tiles:` so many: a full tile, a part of one, and one above. It takes its time.
const LARGE: u64 = 259;
const ORIGIN: &str = "node.example/ledger";

fn hold(kept: bool, promise: impl std::fmt::Display) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_string()) }
}

fn broken(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

struct Seed(Ed25519KeyPair);

impl Seed {
    fn new() -> Result<Self, String> {
        Ed25519KeyPair::from_seed_unchecked(&[1; 32]).map(Self).map_err(broken)
    }
}

impl Signer for Seed {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap_or_default()
    }
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap_or([0; 64])
    }
}

/// A signed note, a checkpoint or a verifier key. Nothing opens that the key did not sign; what
/// it signed opens to exactly that text, with a stranger's signature beside it or not, and not
/// with any byte of the text changed; and a checkpoint or a key has one spelling.
///
/// # Errors
/// The promise that was broken.
pub fn note(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let signer = Seed::new()?;
    let key = VerifierKey::new(ORIGIN, signer.public_key()).map_err(broken)?;
    hold(note::open(text, &key).is_err(), "it opens and nobody signed it")?;
    if let Ok(read) = text.parse::<VerifierKey>() {
        hold(read.to_string() == text, "a key that has two spellings")?;
    }
    let body = format!("{text}\n");
    if let Ok(checkpoint) = Checkpoint::read(&body) {
        hold(checkpoint.text() == body, "a checkpoint that has two spellings")?;
    }
    let signed = note::sign(&body, &key, &signer);
    let plain = !body.contains(|c: char| c < ' ' && c != '\n');
    let opened = note::open(&signed, &key);
    hold(opened.is_ok() == plain, format_args!("{body:?} opens as {opened:?}"))?;
    let Ok(opened) = opened else { return Ok(()) };
    hold(opened.text == body && opened.others == 0, "it opens as another text")?;
    let beside = format!("{signed}— {ORIGIN}.else {}\n", "AAAAAAAA");
    let opened = note::open(&beside, &key).map_err(broken)?;
    hold(opened.text == body && opened.others == 1, "a stranger's signature changes it")?;
    let at = body.char_indices().nth(body.chars().count() / 2).map_or(0, |(at, _)| at);
    let changed = format!("{}x{}", &signed[..at], &signed[at..]);
    hold(note::open(&changed, &key).is_err(), "it opens with a character more")
}

/// A small ledger as files; the input is what is done to them: `+PATH` adds a
/// file that holds the rest of the line, `-N` takes the N-th away, `=N AT BYTE` changes a byte,
/// `>N LEN` cuts one, `@N PATH` gives one another name. The ledger that comes of it is the one
/// that was exported, or it is refused; and what was read is exported as it was read.
///
/// # Errors
/// The promise that was broken.
pub fn ledger(bytes: &[u8]) -> Outcome {
    let (size, bytes) = match bytes.strip_prefix(b"tiles:") {
        Some(bytes) => (LARGE, bytes),
        None => (SMALL, bytes),
    };
    let (key, whole) = whole(size)?;
    let mut files: BTreeMap<String, Vec<u8>> = export(whole).map_err(broken)?.into_iter().collect();
    for line in bytes.split(|byte| *byte == b'\n').take(16) {
        change(&mut files, line);
    }
    let snapshot = match import(files) {
        Ok(snapshot) => snapshot,
        Err(error) => return hold(error.to_string().len() < 8192, "a complaint without end"),
    };
    if let Ok(files) = export(&snapshot) {
        let again = import(files).map_err(broken)?;
        hold(again == snapshot, "it does not come back from its own files")?;
    }
    match verify(&snapshot, key, whole.checkpoints.last().map(|(_, note)| note.as_str())) {
        Ok(verified) => hold(
            verified.size == size && snapshot == *whole,
            "a changed ledger passes for the one that was kept",
        ),
        Err(_) => hold(snapshot != *whole, "the ledger itself is refused"),
    }
}

fn change(files: &mut BTreeMap<String, Vec<u8>>, line: &[u8]) {
    let Some((what, rest)) = line.split_first() else { return };
    let text = String::from_utf8_lossy(rest).into_owned();
    let (first, more) = text.split_once(' ').unwrap_or((&text, ""));
    if *what == b'+' {
        files.insert(first.to_owned(), more.as_bytes().to_vec());
        return;
    }
    let number = |text: &str| text.parse::<usize>().ok();
    let Some(path) = number(first).and_then(|at| files.keys().nth(at % files.len().max(1))) else {
        return;
    };
    let path = path.clone();
    let Some(file) = files.get_mut(&path) else { return };
    let (second, third) = more.split_once(' ').unwrap_or((more, ""));
    match (*what, number(second), number(third)) {
        (b'=', Some(at), Some(byte)) if !file.is_empty() => {
            let at = at % file.len();
            file[at] = byte as u8;
        }
        (b'>', Some(len), _) => file.truncate(len),
        (b'-', _, _) => drop(files.remove(&path)),
        (b'@', _, _) => {
            let moved = files.remove(&path).unwrap_or_default();
            files.insert(more.to_owned(), moved);
        }
        _ => {}
    }
}

/// The ledger of a size, made once.
fn whole(size: u64) -> Result<(&'static VerifierKey, &'static Snapshot), String> {
    type Made = OnceLock<Result<(VerifierKey, Snapshot), String>>;
    static WHOLE: [Made; 2] = [Made::new(), Made::new()];
    let [small, large] = &WHOLE;
    let made = if size == SMALL { small } else { large };
    let made = made.get_or_init(|| log_of(size));
    made.as_ref().map(|(key, log)| (key, log)).map_err(Clone::clone)
}

fn log_of(size: u64) -> Result<(VerifierKey, Snapshot), String> {
    let notary = Notary::new(ORIGIN.to_owned(), Arc::new(Seed::new()?)).map_err(broken)?;
    let mut tiles: BTreeMap<tile::At, Tile> = BTreeMap::new();
    let mut log = Snapshot::default();
    for seq in 0..size {
        let partial = tile::partial(seq).filter_map(|(at, _)| tiles.get(&at).cloned());
        let leaf = entry(seq);
        let appended = notary.append(&Edge { size: seq, partial: partial.collect() }, &leaf)?;
        tiles.extend(appended.tiles.into_iter().map(|tile| (tile::At::from(&tile), tile)));
        log.leaves.push(leaf);
        log.checkpoints.push((seq + 1, appended.checkpoint));
    }
    log.tiles = tiles.into_values().collect();
    Ok((notary.verifier_key().clone(), log))
}

fn entry(seq: u64) -> Vec<u8> {
    let leaf = Leaf {
        v: 1,
        seq,
        time_us: Timestamp(1_700_000_000_000_000),
        scope: Scope::default(),
        actor: "operator".to_owned(),
        act: LeafAct::Genesis { version: "0.1.0".to_owned() },
    };
    leaf.bytes()
}

#[cfg(test)]
mod tests {
    #[test]
    fn note() {
        fuzzing::run("note", 3000, super::note);
    }

    #[test]
    fn ledger() {
        fuzzing::run("ledger", 500, super::ledger);
    }
}
