//! A ledger entry in one line. The caller makes it safe.

use model::act::{LeafAct, LeafFunction, Listed};
use model::{FunctionName, Grant, Timestamp};

/// What was done, in words.
pub(super) fn act(act: &LeafAct) -> String {
    match act {
        LeafAct::Deploy { application, deployment, functions, removed, grants, .. } => {
            let functions = functions_of(functions);
            let removed = clause(", without ", &all(removed, " ", ToString::to_string));
            let grants = clause(", granting ", &all(grants, "; ", ToString::to_string));
            format!("deploy {application} #{deployment}: {functions}{removed}{grants}")
        }
        LeafAct::Rollback { application, from, to } => {
            format!("rollback {application} from #{from} to #{to}")
        }
        LeafAct::Remove { application, functions } => {
            format!("remove {application}: {}", all(functions, " ", ToString::to_string))
        }
        LeafAct::Grant { grant } => format!("grant {grant}"),
        LeafAct::Revoke { grant } => format!("revoke {grant}"),
        LeafAct::TokenCreate { name, expires, invoke, .. } => {
            format!("token create {name}{}{}", invoking(invoke), until(*expires))
        }
        LeafAct::TokenRevoke { name, grants } => {
            let grants = clause(", ending ", &all(grants, "; ", ToString::to_string));
            format!("token revoke {name}{grants}")
        }
        LeafAct::SecretSet { name, version } => format!("secret set {name}, version {version}"),
        LeafAct::SecretRotate { name, version } => {
            format!("secret rotate {name} to version {version}")
        }
        LeafAct::SecretRemove { name, version } => {
            format!("secret remove {name}, version {version}")
        }
        LeafAct::CapLift { of, name, until } => {
            format!("lift the caps of {of} {name} until {until}")
        }
        LeafAct::DataReveal { class, purpose, values, .. } => {
            format!("data reveal {class} for {purpose}: {values} value(s)")
        }
        LeafAct::DataErase { class, subject } => {
            format!("data erase {class} of the subject with the hash {}", short(subject))
        }
        LeafAct::KeyRotate { epoch, fingerprint } => {
            format!("key rotate to epoch {epoch}, fingerprint {fingerprint}")
        }
        LeafAct::KeyRewrap { epoch } => format!("key rewrap to epoch {epoch}, begun"),
        LeafAct::KeyRewrapped { epoch, moved, left } => {
            format!("key rewrap to epoch {epoch}, finished: {moved} moved, {left} left")
        }
        LeafAct::KeyReseal { epoch, secrets, keys } => {
            format!("key rewrap to epoch {epoch}: {secrets} secret(s), {keys} key(s) of callers")
        }
        LeafAct::KeyRetire { epoch, fingerprint } => {
            format!("key retire epoch {epoch}, fingerprint {fingerprint}")
        }
        LeafAct::KeyBackup { epoch, sealed } => {
            format!("key backup up to epoch {epoch}, {}", how_sealed(*sealed))
        }
        LeafAct::KeyExport { classes, to } => {
            format!("key export of {} for {to}", joined(classes))
        }
        LeafAct::KeyImport { classes, from, of, used } => {
            format!("key import of {} of {of} from {from}{}", joined(classes), how_used(*used))
        }
        LeafAct::QueuePeek { function, invocation } => {
            format!("queue peek {invocation}, a call of {function}")
        }
        LeafAct::Beside { function, what, number, granted, revoked, .. } => {
            let (granted, revoked) = (grants(", granting ", granted), grants(", ending ", revoked));
            format!("{what}, beside {function}, change {number}{granted}{revoked}")
        }
        LeafAct::Genesis { version } => format!("home made by casemate {version}"),
        LeafAct::Restored { backup } => format!("home restored from backup {}", backup.short()),
    }
}

fn functions_of(list: &Listed<LeafFunction>) -> String {
    all(list, " ", |function| format!("{}@{}", function.name, function.revision))
}

fn invoking(list: &Listed<FunctionName>) -> String {
    clause(" for ", &all(list, " ", ToString::to_string))
}

fn until(expires: Option<Timestamp>) -> String {
    expires.map(|time| format!(" until {time}")).unwrap_or_default()
}

fn short(hash: &str) -> String {
    hash.chars().take(16).collect()
}

const fn how_used(used: bool) -> &'static str {
    if used { ", used from now on" } else { "" }
}

const fn how_sealed(sealed: bool) -> &'static str {
    if sealed { "sealed with a passphrase" } else { "not sealed" }
}

fn grants(before: &str, listed: &Option<Listed<Grant>>) -> String {
    let listed = listed.as_ref().map(|it| all(it, "; ", ToString::to_string));
    clause(before, &listed.unwrap_or_default())
}

/// The items, and how many more there are.
fn joined(classes: &[model::DataClass]) -> String {
    classes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn all<T>(list: &Listed<T>, between: &str, show: impl Fn(&T) -> String) -> String {
    let mut text = list.first.iter().map(show).collect::<Vec<_>>().join(between);
    let more = list.count.saturating_sub(list.first.len() as u64);
    if more > 0 {
        text.push_str(&format!("{between}and {more} more"));
    }
    text
}

fn clause(before: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{before}{text}") }
}
