//! Prints what a decision costs: nanoseconds cached and not, and bytes per function.
//!
//! `cargo run -p casemate-policy --example decide --profile quick`
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measuring tool for people"
)]

use casemate_policy::{Asker, FunctionPolicies, InvokeAsk, Policies};
use model::{Claims, FunctionName, FunctionRef, Grant, Scope, TokenName};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

const OPERATOR: &str = r#"
forbid(principal, action == Casemate::Action::"invoke", resource)
when { context.environment == "staging" && !(context has source && context.source.isInRange(ip("10.0.0.0/8"))) };
forbid(principal == Casemate::Token::"default/main/old", action, resource);
forbid(principal in Casemate::Public::"public", action == Casemate::Action::"invoke", resource)
when { context.method == "DELETE" };
"#;

fn main() {
    let none = Policies::new(&[]).unwrap();
    let some = Policies::new(&[("limits.cedar".into(), OPERATOR.into())]).unwrap();
    measure("no operator policies", &none);
    measure("three operator policies", &some);
    memory(&some);
}

fn function(name: &str) -> FunctionRef {
    FunctionRef { scope: Scope::default(), name: FunctionName::parse(name).unwrap() }
}

fn grants(name: &str) -> Vec<Grant> {
    ["public", "token:ci"].map(|who| Grant::parse(who, "invoke", name).unwrap()).to_vec()
}

fn decide(policies: &FunctionPolicies, to: &FunctionRef, token: &TokenName, number: u32) {
    let ask = InvokeAsk {
        principal: Asker::Token(token),
        function: to,
        source: Some(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | number))),
        method: "GET",
        route: "/hello/{*rest}",
        trigger: "http",
        claims: Claims::NONE,
    };
    black_box(policies.decide_invoke(&ask)).unwrap();
}

fn measure(what: &str, policies: &Arc<Policies>) {
    let to = function("hello");
    // So that every address is a key of its own, and a miss can be had at will.
    let own =
        policies.function(&to, &grants("hello"), &model::manifest::Allow::default(), None).unwrap();
    let token = TokenName::parse("ci").unwrap();
    decide(&own, &to, &token, 0);
    let cached = per_call(1_000_000, |_| decide(&own, &to, &token, 0));
    let fresh = per_call(20_000, |number| {
        let own = policies
            .function(&to, &grants("hello"), &model::manifest::Allow::default(), None)
            .unwrap();
        decide(&own, &to, &token, number);
    });
    let made = per_call(20_000, |_| {
        black_box(
            policies
                .function(&to, &grants("hello"), &model::manifest::Allow::default(), None)
                .unwrap(),
        );
    });
    println!("{what}: cached {cached} ns, not cached {} ns, made in {made} ns", fresh - made);
}

fn per_call(times: u32, mut call: impl FnMut(u32)) -> u128 {
    let start = Instant::now();
    for number in 0..times {
        call(number);
    }
    start.elapsed().as_nanos() / u128::from(times)
}

fn memory(policies: &Arc<Policies>) {
    let token = TokenName::parse("ci").unwrap();
    let names: Vec<_> = (0..10_000).map(|number| function(&format!("f{number}"))).collect();
    let before = resident_bytes();
    let own: Vec<_> = names
        .iter()
        .map(|to| {
            policies
                .function(to, &grants(to.name.as_str()), &model::manifest::Allow::default(), None)
                .unwrap()
        })
        .collect();
    let made = resident_bytes();
    for (policies, to) in own.iter().zip(&names) {
        decide(policies, to, &token, 0);
    }
    let used = resident_bytes();
    let each = |bytes: usize| bytes / names.len();
    println!(
        "10,000 functions: {} bytes each, {} more after one decision",
        each(made.saturating_sub(before)),
        each(used.saturating_sub(made))
    );
}

/// Resident memory, from /proc/self/statm in pages of 4 KiB.
fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
