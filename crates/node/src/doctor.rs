//! `casemate doctor`: looks at everything that could be wrong, and says what to do.

mod confined;
mod operations;
mod sources;

use crate::assemble::Assembled;
use crate::home;
use crate::issuers::Fetching;
use crate::keyring::{Rewrap, Ring};
use crate::settings::{Isolation, Settings};
use crate::up::Ready;
use confined::confined;
use engine::Engine;
use model::Timestamp;
use model::api::Finding;
use ports::journal::State;
use ports::{Clock, Journal};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store_sqlite::Store;
use wasm::WasmExecutor;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    Note,
    Warning,
    Problem,
}

pub(crate) fn finding(
    check: &str,
    verdict: Verdict,
    found: impl std::fmt::Display,
    hint: Option<&str>,
) -> Finding {
    let verdict = match verdict {
        Verdict::Ok => "ok",
        Verdict::Note => "note",
        Verdict::Warning => "warning",
        Verdict::Problem => "problem",
    };
    Finding {
        check: check.to_owned(),
        verdict: verdict.to_owned(),
        found: found.to_string(),
        hint: hint.map(str::to_owned),
    }
}

/// What can be said without a running node.
#[must_use]
pub fn doctor(flag: Option<&Path>) -> Vec<Finding> {
    let (path, origin) = match home::choose(flag) {
        Ok(chosen) => chosen,
        Err(problem) => return vec![finding("home", Verdict::Problem, problem, None)],
    };
    let shown = path.display();
    if !path.exists() {
        let found = format!("{shown} does not exist yet (by {origin})");
        return vec![finding("home", Verdict::Note, found, Some("`casemate up` makes it"))];
    }
    let mut findings = vec![match home::check_owner(&path) {
        Ok(()) => finding("home", Verdict::Ok, format!("{shown} is private (by {origin})"), None),
        Err(problem) => finding("home", Verdict::Problem, &problem, problem.hint.as_deref()),
    }];
    findings
        .extend(["root.key", "operator.token"].iter().map(|name| private_file(&path.join(name))));
    findings.push(match crate::beacon::Beacon::find(&path) {
        Some(beacon) => {
            finding("node", Verdict::Ok, format!("process {} runs on it", beacon.pid), None)
        }
        None => finding(
            "node",
            Verdict::Note,
            "no node runs on it",
            Some("start one with `casemate up`"),
        ),
    });
    findings
}

fn private_file(path: &Path) -> Finding {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match std::fs::metadata(path) {
        Ok(meta) if meta.mode() & 0o077 == 0 => {
            finding(&name, Verdict::Ok, "readable by its owner only", None)
        }
        Ok(meta) => {
            let found = format!("its mode is {:o}", meta.mode() & 0o777);
            finding(
                &name,
                Verdict::Problem,
                found,
                Some("chmod 600 it, and consider it known to others"),
            )
        }
        Err(error) => finding(&name, Verdict::Note, format!("{}: {error}", path.display()), None),
    }
}

/// What the admin API asks of a running node.
pub(crate) struct NodeOperations {
    engine: Arc<Engine>,
    store: Store,
    blobs: Arc<store_sqlite::Blobs>,
    salts: store_sqlite::Salts,
    journal: Arc<dyn Journal>,
    executor: Arc<WasmExecutor>,
    children: Arc<process::ChildProcesses>,
    certificates: Option<Arc<tls::Certificates>>,
    keys: Fetching,
    ring: Arc<Ring>,
    counts: gateway::Counts,
    gateway: String,
    started: Timestamp,
    home: PathBuf,
    root_key_file: PathBuf,
    dev: bool,
    isolation: Isolation,
    jails: ::native::Jails,
    /// Whether requests are answered in the clear where others can reach them.
    public: bool,
}

impl NodeOperations {
    pub(crate) fn new(
        settings: &Settings,
        assembled: &Assembled,
        ready: &Ready,
        counts: gateway::Counts,
    ) -> Self {
        Self {
            engine: Arc::clone(&assembled.engine),
            store: assembled.store.clone(),
            blobs: Arc::clone(&assembled.blobs),
            salts: assembled.salts.clone(),
            journal: Arc::clone(&assembled.journal),
            executor: Arc::clone(&assembled.executor),
            children: Arc::clone(&assembled.children),
            certificates: assembled.certificates.clone(),
            counts,
            keys: assembled.key_files.fetched(),
            ring: Arc::new(Ring::new(settings, assembled)),
            gateway: ready.gateway.clone(),
            started: crate::clock::SystemClock.wall(),
            home: settings.home.clone(),
            root_key_file: settings.root_key_file.clone(),
            dev: settings.dev,
            isolation: settings.wasm.isolation,
            jails: crate::jails::settings(settings, "doctor"),
            public: !settings.listen.ip().is_loopback()
                && settings.tls.as_ref().is_none_or(|tls| !tls.redirect),
        }
    }

    /// What moves to the newest epoch of the root key, and may have to go on.
    pub(crate) fn rewrap(&self) -> Arc<Rewrap> {
        Arc::clone(&self.ring.rewrap)
    }

    fn dangers(&self) -> Vec<String> {
        let mut dangers = Vec::new();
        if self.dev {
            dangers.push("--dev: whatever a manifest asks for is granted".to_owned());
        }
        if cfg!(feature = "danger-no-records") {
            dangers.push("this build keeps no records: it is for measuring only".to_owned());
        }
        dangers.extend(crate::jails::dangers(&self.jails));
        dangers
    }

    /// Reads the whole journal.
    async fn segments(&self) -> Finding {
        let damage = self.journal.check().await;
        let Some(first) = damage.first() else {
            return finding("journal segments", Verdict::Ok, "every block verifies", None);
        };
        let found = match damage.len() {
            1 => first.to_string(),
            count => format!("{first}; and {} more", count - 1),
        };
        let hint = "the records in it are lost, all others are read; see whether the disk fails";
        finding("journal segments", Verdict::Problem, found, Some(hint))
    }

    fn journal(&self) -> Finding {
        let health = self.engine.health().journal;
        let used = format!(
            "{} of {} MiB used, {} MiB free on the disk, {} entries dropped",
            health.bytes >> 20,
            health.bytes_max >> 20,
            health.disk_free_bytes >> 20,
            health.dropped
        );
        match health.state {
            State::Taking => finding("journal", Verdict::Ok, used, None),
            State::NearlyFull => finding(
                "journal",
                Verdict::Warning,
                used,
                Some("the disk is nearly full: free some space"),
            ),
            State::Refusing => finding(
                "journal",
                Verdict::Problem,
                used,
                Some("the disk is full: free some space; see `casemate explain E0505`"),
            ),
        }
    }

    async fn ledger(&self) -> Finding {
        match self.engine.verify_ledger().await {
            Ok(size) => finding("ledger", Verdict::Ok, format!("{size} entries verify"), None),
            Err(problem) => {
                finding("ledger", Verdict::Problem, problem, Some("see `casemate ledger verify`"))
            }
        }
    }

    async fn registry(&self) -> Finding {
        match self.store.check().await {
            Ok(wrong) if wrong.is_empty() => {
                finding("registry", Verdict::Ok, "its structure is sound", None)
            }
            Ok(wrong) => finding(
                "registry",
                Verdict::Problem,
                wrong.join("; "),
                Some("restore the last backup"),
            ),
            Err(error) => finding("registry", Verdict::Problem, error, None),
        }
    }

    async fn compiler(&self) -> Vec<Finding> {
        let scratch = match tempfile_in(&self.home) {
            Ok(scratch) => scratch,
            Err(error) => return vec![finding("compiler child", Verdict::Problem, error, None)],
        };
        let hint = "do not deploy foreign components on this machine";
        confined(["compiler child", "compiler layers"], self.children.probe(scratch).await, hint)
    }

    /// The processes that run guests, where there are any beside the node's own.
    async fn guests(&self) -> Vec<Finding> {
        if self.isolation == Isolation::Node {
            return Vec::new();
        }
        let hint = "functions are held by WebAssembly alone on this machine";
        confined(["guests' child", "guests' layers"], self.children.probe_guests().await, hint)
    }

    /// What holds a running function.
    fn layers(&self) -> Vec<String> {
        let wasm = match self.isolation {
            Isolation::Node => "wasm: one software layer, in the node's own process",
            Isolation::Tenant => "wasm: one software layer, in a process of the tenant's",
        };
        let process = "process: no keys, no files, no network; namespaces, Landlock, seccomp";
        let mut layers = vec![wasm.to_owned()];
        layers.extend((self.isolation == Isolation::Tenant).then(|| process.to_owned()));
        layers
    }

    /// What did not come as far as a request.
    fn arrivals(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let handshakes = self.counts.handshakes_failed();
        let all: u64 = handshakes.iter().map(|(_, count)| count).sum();
        if all > 0 {
            let each = handshakes.iter().map(|(reason, count)| format!("{count} {reason}"));
            let each = each.collect::<Vec<_>>().join(", ");
            let found = format!("{all} came to nothing since the start: {each}");
            findings.push(finding("tls handshakes", Verdict::Note, found, None));
        }
        let strangers = self.counts.introductions_failed();
        if strangers > 0 {
            let found = format!("{strangers} connections began without its header since the start");
            let hint = "health checks have to send it too; see docs/guides/front-door.md";
            findings.push(finding("proxy protocol", Verdict::Note, found, Some(hint)));
        }
        findings
    }

    fn wasm(&self) -> Finding {
        let facts = self.executor.facts();
        let wasi03 = match facts.instances_03 {
            Some(instances) => format!("on, with {instances} instances of its own"),
            None => "off".to_owned(),
        };
        let found = format!(
            "{} instances, memories up to {} MiB, epochs of {} ms, dirty-page tracking {}, WASI 0.3 {wasi03}",
            facts.instances,
            facts.memory_bytes_max >> 20,
            facts.epoch_ms,
            if facts.pagemap_scan { "on" } else { "off (needs Linux 6.7)" }
        );
        let verdict =
            if facts.instances < facts.instances_wanted { Verdict::Warning } else { Verdict::Ok };
        finding("wasm", verdict, found, None)
    }
}

fn named((reason, count): (&'static str, u64)) -> (String, u64) {
    (reason.to_owned(), count)
}

/// A file of the home that has no name any more.
fn tempfile_in(home: &Path) -> std::io::Result<std::fs::File> {
    let path = home.join(format!(".scratch-{:016x}", fastrand::u64(..)));
    let file = std::fs::File::options().create_new(true).read(true).write(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
