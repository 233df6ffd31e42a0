//! The jails of native functions: how their launcher is set up, and whether they hold.

use crate::doctor::{Verdict, finding};
use crate::settings::Settings;
use model::Problem;
use model::api::Finding;
use native::{Launcher, Report};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

/// What a launcher is told. `purpose` tells those of one home apart.
pub(crate) fn settings(settings: &Settings, purpose: &str) -> native::Jails {
    let jails = settings.jails;
    let tag = format!("{:016x}-{purpose}", tag(&settings.home));
    let mut told = native::Jails::new(tag);
    (told.uid_first, told.uid_count) = (jails.uid_first, jails.uid_count);
    told.danger = jails.danger;
    told
}

/// A number that is a home's at each start.
fn tag(home: &Path) -> u64 {
    let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
    // FNV-1a: short, and the same in every version.
    home.as_os_str().as_bytes().iter().fold(0xCBF2_9CE4_8422_2325, |tag: u64, byte| {
        (tag ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// Has a jail tried from inside.
pub(crate) async fn check(
    told: native::Jails,
    children: Arc<process::ChildProcesses>,
) -> Result<Report, Problem> {
    let internal = |error: std::io::Error| Problem::new(model::Code::NoJails).detail(error);
    let executable = std::env::current_exe().map_err(internal)?;
    let runtime = tokio::runtime::Handle::current();
    let launcher = Launcher::start(children, &told, runtime).map_err(internal)?;
    native::check(&launcher, told.danger, &executable).await
}

/// The flags in force.
pub(crate) fn flags(told: &native::Jails) -> impl Iterator<Item = String> {
    told.danger.flags().into_iter().map(str::to_owned)
}

/// The flags in force, and what they mean.
pub(crate) fn dangers(told: &native::Jails) -> impl Iterator<Item = String> {
    flags(told).map(|flag| format!("{flag}: native functions may do without that layer"))
}

/// What the doctor says of what runs native functions. One that cannot be used is in the list of
/// `casemate runtimes`, with the reason.
pub(crate) fn interpreters(all: &[model::api::Interpreter]) -> Finding {
    let named = |one: &model::api::Interpreter| match &one.version {
        Some(version) => format!("{} ({version})", one.name),
        None => one.name.clone(),
    };
    let names: Vec<String> = all.iter().map(named).collect();
    if names.is_empty() {
        let hint = "programs of their own need none; otherwise such as `apt-get install python3`";
        return finding("interpreters", Verdict::Note, "there are none", Some(hint));
    }
    finding("interpreters", Verdict::Ok, names.join(", "), None)
}

/// What the doctor says. That a machine cannot have jails is no problem for who needs none.
pub(crate) async fn findings(
    told: &native::Jails,
    children: &Arc<process::ChildProcesses>,
) -> Vec<Finding> {
    let report = match check(told.clone(), Arc::clone(children)).await {
        Ok(report) => report,
        Err(problem) => {
            let found = format!("native functions cannot run here: {problem}");
            return vec![finding("jails", Verdict::Note, found, problem.hint.as_deref())];
        }
    };
    let missing: Vec<&str> = report.missing().collect();
    let holds = report.layers.iter().filter(|(_, holds)| *holds).count();
    let who = if report.facts.own_uids { "each a user of its own" } else { "as this user" };
    let found = format!("{holds} layers hold, tried from inside; {who}");
    let mut findings = vec![finding("jails", Verdict::Ok, found, None)];
    if !missing.is_empty() {
        let found = format!("missing, as you accepted: {}", missing.join(", "));
        findings.push(finding("jail layers", Verdict::Warning, found, None));
    }
    for (what, there) in [
        ("processor time", report.facts.cpu.is_some()),
        ("freezing", report.facts.freezer.is_some()),
    ] {
        if !there {
            let found = format!("no control group for {what}");
            findings.push(finding("jail limits", Verdict::Note, found, None));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_has_the_same_tag_at_each_start() {
        let homes = [tempfile::tempdir().expect("one"), tempfile::tempdir().expect("another")];
        let [one, another] = homes.each_ref().map(|home| tag(home.path()));
        assert_eq!(one, tag(&homes[0].path().join(".")));
        assert_ne!(one, another);
    }
}
