//! A ledger entry in one line. The caller makes it safe.

use model::act::LeafAct;
use model::{FunctionName, Grant};

/// What was done, in words.
pub(super) fn act(act: &LeafAct) -> String {
    match act {
        LeafAct::Deploy { application, deployment, functions, removed, grants, .. } => {
            let functions: Vec<String> =
                functions.iter().map(|f| format!("{}@{}", f.name, f.revision)).collect();
            let removed = if removed.is_empty() {
                String::new()
            } else {
                format!(", without {}", names(removed))
            };
            let grants = if grants.is_empty() {
                String::new()
            } else {
                format!(", granting {}", all(grants))
            };
            format!("deploy {application} #{deployment}: {}{removed}{grants}", functions.join(" "))
        }
        LeafAct::Rollback { application, from, to } => {
            format!("rollback {application} from #{from} to #{to}")
        }
        LeafAct::Remove { application, functions } => {
            format!("remove {application}: {}", names(functions))
        }
        LeafAct::Grant { grant } => format!("grant {grant}"),
        LeafAct::Revoke { grant } => format!("revoke {grant}"),
        LeafAct::TokenCreate { name, expires, invoke, .. } => {
            let until = expires.map(|time| format!(" until {time}")).unwrap_or_default();
            format!("token create {name} for {}{until}", names(invoke))
        }
        LeafAct::TokenRevoke { name, grants } => match grants.as_slice() {
            [] => format!("token revoke {name}"),
            grants => format!("token revoke {name}, ending {}", all(grants)),
        },
        LeafAct::Genesis { version } => format!("home made by casemate {version}"),
        LeafAct::Restored { backup } => format!("home restored from backup {}", backup.short()),
    }
}

fn names(names: &[FunctionName]) -> String {
    let names: Vec<&str> = names.iter().map(FunctionName::as_str).collect();
    names.join(" ")
}

fn all(grants: &[Grant]) -> String {
    grants.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
