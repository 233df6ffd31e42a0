//! Which controls hold here and not there, for each function.

use super::{Report, Said};
use model::manifest::{Contract, FunctionSpec, Way};
use std::fmt::Write as _;

/// What is lost with every function.
const ALWAYS: &[&str] = &[
    "Egress: a function here reaches only what `allow` names and a grant permits, by an address that was checked. There it reaches everything, unless a network of your own forbids it.",
    "Records: every invocation here leaves a flight record of what it asked for, and every change an entry in a ledger that can be verified. There, logs are what the platform and the function write.",
    "Code that was approved: here its digest is compared at every load. There it is what the registry or the account holds.",
    "Default deny: who may call is a grant here, decided for each call by policies. There it is the platform's own access control, which nothing of this export sets beyond what its files say.",
    "The jail: no capabilities, a system of its own, a list of system calls. There it is what the platform keeps its tenants apart with.",
];

/// Notes what is lost with one function.
pub(super) fn of(report: &mut Report, spec: &FunctionSpec) {
    let allow = &spec.allow;
    for target in &allow.http {
        report
            .lost(spec, format!("`allow.http`: only `{target}` and the like; there, any address"));
    }
    for target in &allow.tcp {
        report.lost(spec, format!("`allow.tcp`: only `{target}`; there, any address"));
    }
    for name in allow.invoke.iter() {
        report.lost(
            spec,
            format!("`allow.invoke`: `http://{name}.fn.casemate.internal/` is no address there"),
        );
    }
    for store in allow.keyvalue.keys().chain(allow.blobs.keys()) {
        report.lost(spec, format!("store `{store}`: `http://host.casemate.internal/` is no address there; the function needs another store"));
    }
    for (name, using) in &allow.secret {
        let what = if using.reveal {
            "is revealed here by a grant that is recorded each time; there it stands in the function's environment"
        } else {
            "is put into requests here and never seen by the function; there the function holds it, and has to send it itself"
        };
        report.lost(spec, format!("secret `{name}` {what}"));
    }
    limits(report, spec);
    routes(report, spec);
}

fn limits(report: &mut Report, spec: &FunctionSpec) {
    let said = [
        ("cpu", spec.cpu.map(|it| it.to_string())),
        ("queue_wait", spec.queue_wait.map(|it| it.to_string())),
        ("stream_idle", spec.stream_idle.map(|it| it.to_string())),
        ("request_body", spec.request_body.map(|it| it.to_string())),
        ("response_body", spec.response_body.map(|it| it.to_string())),
        ("log", spec.log.map(|it| it.to_string())),
    ];
    for (key, value) in said {
        if let Some(value) = value {
            report
                .lost(spec, format!("`{key} = \"{value}\"`: the platform's own limit holds there"));
        }
    }
    if !spec.caps.is_empty() {
        report.lost(spec, "`cap`: nothing there stops a function that used up what it may use; a budget there tells you afterwards");
    }
    if spec.record == model::manifest::Durability::Strict {
        report.lost(spec, "`record = \"strict\"`: an answer waits for no record there");
    }
    if !spec.examples.is_empty() {
        report.lost(spec, "its examples: `casemate test` runs them here only");
    }
    let Some(native) = &spec.native else { return };
    let fresh = native.fresh.then_some("fresh = true");
    let others = [
        fresh.map(str::to_owned),
        native.scratch.map(|it| format!("scratch = \"{it}\"")),
        native.processes.map(|it| format!("processes = {it}")),
        native.start.map(|it| format!("start = \"{it}\"")),
        native.idle.map(|it| format!("idle = \"{it}\"")),
    ];
    for said in others.into_iter().flatten() {
        report.lost(spec, format!("`{said}`: the platform decides that there"));
    }
    if report.to != super::Platform::Lambda {
        if spec.concurrency.is_some() {
            report.lost(spec, "`concurrency`: as many instances run there as the platform starts");
        }
        let there = match report.to {
            super::Platform::Knative => Contract::Knative,
            _ => Contract::CloudRun,
        };
        if native.contract != there {
            let word = native.contract.word();
            report.lost(spec, format!("`contract = \"{word}\"`: there it is a server on a port, told and called as `{}` is", there.word()));
        }
    } else if native.parallel.is_some() {
        report.lost(spec, "`parallel`: a process there has one invocation at a time");
    }
}

fn routes(report: &mut Report, spec: &FunctionSpec) {
    for trigger in &spec.http {
        let route = &trigger.route;
        for way in trigger.auth.ways() {
            let what = match way {
                Way::Public => continue,
                Way::Token => "callers with our tokens are not known there",
                Way::Jwt(_) => "tokens of an issuer have to be checked by something else there",
                Way::Mtls => "client certificates have to be checked by something else there",
            };
            report.lost(spec, format!("route `{route}`: {what}"));
        }
        let said = [
            (trigger.require.is_some(), "require"),
            (trigger.limit.is_some(), "limit"),
            (trigger.cors.is_some(), "cors"),
        ];
        for (_, key) in said.into_iter().filter(|(said, _)| *said) {
            report.lost(spec, format!("route `{route}`: `{key}` is not carried over"));
        }
    }
}

/// The list for people.
pub(super) fn document(report: &Report) -> String {
    let mut text = String::new();
    let to = report.to.name();
    let _infallible = write!(
        text,
        "# What `{}` loses on {to}\n\nMade by `casemate export --to {}`.\nThe code is the same; what kept it in is not.\n\n## Every function\n\n",
        report.application,
        report.to.word()
    );
    for line in ALWAYS {
        let _infallible = writeln!(text, "- {line}");
    }
    for name in &report.functions {
        let _infallible = write!(text, "\n## {name}\n\n");
        let of = |said: &&Said| said.function.as_ref() == Some(name);
        let lost = report.controls_lost.iter().filter(of);
        let lines: Vec<&Said> = lost.chain(report.left_out.iter().filter(of)).collect();
        if lines.is_empty() {
            text.push_str("Nothing beside what is lost with every function.\n");
        }
        for said in lines {
            let _infallible = writeln!(text, "- {}", crate::voice::safe(&said.what));
        }
    }
    let known =
        |said: &&Said| said.function.as_ref().is_none_or(|name| !report.functions.contains(name));
    let rest: Vec<&Said> = report.left_out.iter().filter(known).collect();
    if !rest.is_empty() {
        text.push_str("\n## Not exported\n\n");
    }
    for said in rest {
        let name = said.function.as_ref().map(|name| format!("`{name}`: ")).unwrap_or_default();
        let _infallible = writeln!(text, "- {name}{}", crate::voice::safe(&said.what));
    }
    text
}
