//! Power cuts: the node is killed 200 times under load and started again on the same home.
//!
//! What was promised must be there: a strict answer has its record at once, an ordinary one once
//! its group is written, an acknowledged act at once and in the ledger. What was under
//! way is marked as interrupted, and nothing is left running.

mod admin;
mod events;
mod load;

use crate::line::Line;
use crate::rig::{Node, example, guest};
use admin::{Admin, Row, summary};
use load::Notes;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the node is killed.
const KILLS: usize = 200;
/// Ordinary records are written within 50 ms, and what is written outlives the process, however
/// slow the disk is. The rest is for a writer that gets no processor: one may compile beside this.
const WINDOW: Duration = Duration::from_millis(300);
/// After so many kills everything is looked at.
const THOROUGH: usize = 10;
/// One in so many lives is long enough for ordinary answers to become older than the window.
const LONG: usize = 20;

const MANIFEST: &str = r#"
manifest = 1
application = "crash"

[[function]]
name = "quick"
source = "hello.wasm"
[[function.http]]
route = "GET /quick"

[[function]]
name = "slow"
source = "misbehave.wasm"
[[function.http]]
route = "GET /slow/{*rest}"

[[function]]
name = "strict"
source = "hello.wasm"
record = "strict"
[[function.http]]
route = "GET /strict"
"#;

#[test]
fn nothing_that_was_promised_is_lost_in_200_kills() {
    let mut trial = Trial::begin(seed());
    for kill in 1..=KILLS {
        trial.live_and_die(kill);
        trial.rise();
        trial.look();
        if kill % THOROUGH == 0 {
            trial.look_closely();
        }
    }
    trial.account();
}

/// `CASEMATE_SEED` repeats a trial.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let given = std::env::var("CASEMATE_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| RandomState::new().build_hasher().finish())
}

/// Random numbers that a seed repeats: SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

struct Trial {
    dice: Dice,
    node: Option<Node>,
    token: String,
    /// What the clients noted in the life that ended last.
    notes: Notes,
    killed: Instant,
    /// Invocations whose records must exist, with the outcome that they must have.
    promised: Vec<(String, &'static str)>,
    /// All records that were seen, by invocation.
    known: HashMap<String, String>,
    /// Acknowledged acts by the number of their ledger entry.
    acts: Vec<(u64, String)>,
    /// Age of the oldest ordinary answer at the kill that took its record.
    oldest_lost: Duration,
    lost: usize,
    starts: Vec<Duration>,
    files: usize,
    dir: tempfile::TempDir,
}

impl Trial {
    #[expect(clippy::print_stdout, reason = "a failing trial must be repeatable")]
    fn begin(seed: u64) -> Self {
        println!("CASEMATE_SEED={seed} repeats this trial");
        let dir = tempfile::tempdir().expect("a directory");
        let application = dir.path().join("application");
        fs::create_dir(&application).expect("a directory");
        fs::write(application.join("casemate.toml"), MANIFEST).expect("written");
        fs::copy(example("hello"), application.join("hello.wasm")).expect("copied");
        fs::copy(guest("misbehave"), application.join("misbehave.wasm")).expect("copied");
        let node = Node::start_on(&dir.path().join("home"), &[]);
        node.ok(&["deploy", application.to_str().expect("text")]);
        let token = node.ok(&["token", "create", "load", "--invoke", "quick", "slow", "strict"]);
        let files = outside_the_journal(node.home());
        Self {
            dice: Dice(seed),
            node: Some(node),
            token: token.trim().to_owned(),
            notes: Notes::default(),
            killed: Instant::now(),
            promised: Vec::new(),
            known: HashMap::new(),
            acts: Vec::new(),
            oldest_lost: Duration::ZERO,
            lost: 0,
            starts: Vec::new(),
            files,
            dir,
        }
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn node(&self) -> &Node {
        self.node.as_ref().expect("a node runs")
    }

    fn live_and_die(&mut self, kill: usize) {
        let life_ms = match kill % LONG {
            0 => 600 + self.dice.below(300),
            _ => 20 + self.dice.below(131),
        };
        let node = self.node.take().expect("a node runs");
        let load = load::begin(&node, &self.token, kill, &mut self.dice);
        std::thread::sleep(Duration::from_millis(life_ms));
        self.killed = Instant::now();
        node.kill();
        self.notes = load.end();
    }

    fn rise(&mut self) {
        let before = Instant::now();
        self.node = Some(Node::start_on(&self.home(), &[]));
        self.starts.push(before.elapsed());
    }

    /// Looks at what the last life left behind.
    fn look(&mut self) {
        for function in ["/quick", "/strict", "/slow/state"] {
            let reply = self.node().get(function, Some(&self.token));
            assert_eq!(reply.status, 200, "{function}: {}", reply.text());
        }
        let mut admin = Admin::of(self.node());
        for Row { id, outcome } in admin.new_records(&self.known) {
            assert_ne!(outcome, "running", "{id}");
            self.known.insert(id, outcome);
        }
        let notes = std::mem::take(&mut self.notes);
        for id in &notes.strict {
            self.must(id, "ok", "a strict answer");
        }
        for (id, received) in &notes.ordinary {
            let age = self.killed.saturating_duration_since(*received);
            if age > WINDOW {
                self.must(id, "ok", &format!("an answer that was {age:?} old"));
            } else if !self.known.contains_key(id) {
                self.lost += 1;
                self.oldest_lost = self.oldest_lost.max(age);
            }
        }
        for (id, begun) in &notes.streams {
            let age = self.killed.saturating_duration_since(*begun);
            match self.known.get(id).map(String::as_str) {
                Some("interrupted") => {}
                None if age <= WINDOW => {}
                found => panic!("a stream that had begun {age:?} before the kill is {found:?}"),
            }
            let outcome = admin.outcome(id);
            assert!(outcome.as_ref().is_none_or(|it| it == "interrupted"), "{id} is {outcome:?}");
        }
        for (leaf, act) in &notes.acts {
            let found = admin.act(*leaf).as_ref().map(summary);
            assert_eq!(found.as_ref(), Some(act), "entry {leaf} of the ledger");
        }
        self.acts.extend(notes.acts);
    }

    fn must(&mut self, id: &str, outcome: &'static str, what: &str) {
        assert_eq!(self.known.get(id).map(String::as_str), Some(outcome), "{what}: {id}");
        self.promised.push((id.to_owned(), outcome));
    }

    fn look_closely(&mut self) {
        self.node().ok(&["ledger", "verify"]);
        let mut admin = Admin::of(self.node());
        // The registry is what the ledger says, the newest act included, acknowledged or not.
        let ledger = admin.ledger();
        let last = |kind: &str| ledger.iter().rposition(|act| act["kind"] == kind);
        assert_eq!(admin.is_granted(), last("grant") > last("revoke"), "{ledger:?}");
        let deployed = &ledger[last("deploy").expect("a deployment")];
        let functions = deployed["functions"]["first"].as_array().expect("a list");
        let revisions: Vec<Value> = functions.iter().map(|it| it["revision"].clone()).collect();
        assert_eq!(admin.revisions(), revisions);
    }

    /// Looks at everything once more.
    fn account(&mut self) {
        let mut admin = Admin::of(self.node());
        let mut all = HashMap::new();
        for Row { id, outcome } in admin.new_records(&HashMap::new()) {
            assert!(["ok", "interrupted"].contains(&outcome.as_str()), "{id}: {outcome}");
            assert_eq!(all.insert(id.clone(), outcome), None, "{id} has two ends");
        }
        let lost: Vec<_> = self
            .promised
            .iter()
            .filter(|(id, outcome)| all.get(id).map(String::as_str) != Some(*outcome))
            .collect();
        assert!(lost.is_empty(), "{} records are gone: {lost:?}", lost.len());
        let ledger = admin.ledger();
        for (leaf, act) in &self.acts {
            let found = usize::try_from(*leaf).ok().and_then(|leaf| ledger.get(leaf)).map(summary);
            assert_eq!(found.as_ref(), Some(act), "entry {leaf} of the ledger");
        }
        self.node().ok(&["ledger", "verify"]);
        let files = outside_the_journal(&self.home());
        assert!(files <= self.files + 4, "{} files became {files}", self.files);
        self.report(&all, ledger.len());
        let mut line = Line::open(self.node().gateway).expect("it listens");
        let reply = line.ask("GET", "/quick", &self.token, "").expect("an answer");
        assert_eq!(reply.status, 200);
        assert_eq!(self.node.as_mut().expect("a node runs").stop(), Some(0));
    }

    #[expect(clippy::print_stdout, reason = "what a trial came to is worth reading")]
    fn report(&self, all: &HashMap<String, String>, acts: usize) {
        let mean = |starts: &[Duration]| starts.iter().sum::<Duration>() / 10;
        let interrupted = all.values().filter(|outcome| *outcome == "interrupted").count();
        println!(
            "{} records, {interrupted} of them interrupted; {} were promised; {acts} acts, {} \
             acknowledged under load; {} ordinary answers lost theirs, the oldest {:?} before the \
             kill; a start took {:?} at first and {:?} at last; the journal has {} files",
            all.len(),
            self.promised.len(),
            self.acts.len(),
            self.lost,
            self.oldest_lost,
            mean(&self.starts[..10]),
            mean(&self.starts[self.starts.len() - 10..]),
            count(&self.home().join("journal")),
        );
        let distinct: HashSet<&String> = self.promised.iter().map(|(id, _)| id).collect();
        assert_eq!(distinct.len(), self.promised.len(), "an id was given twice");
        assert!(self.promised.len() > KILLS && self.acts.len() > KILLS / 4, "too little load");
        assert!(interrupted >= KILLS / LONG, "too few were interrupted");
    }
}

fn outside_the_journal(home: &Path) -> usize {
    count(home) - count(&home.join("journal"))
}

fn count(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).expect("readable");
    let entries = entries.map(|entry| entry.expect("readable").path());
    entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}
