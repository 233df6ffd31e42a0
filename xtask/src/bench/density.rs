//! Ten thousand functions over a hundred components, all called once.

use super::Bench;
use super::http::{Client, Request};
use super::machine::resident_kib;
use super::node::{Function, Home, Node};
use super::report::{Row, Section};
use crate::program::say;
use anyhow::Result;
use std::time::Instant;

/// Functions that share a component.
const PER_COMPONENT: usize = 100;
/// Functions of one application: a deployment's ledger entry has to hold all of them.
const PER_APPLICATION: usize = 200;
/// Most memory, in KiB.
const RESIDENT_KIB_MAX: u64 = 1 << 20;

/// Deploys them, starts the node anew and calls each.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let count = bench.options.functions;
    let component = bench.component("hello")?;
    let home = Home::new(bench, "density")?;
    let node = Node::start(bench, &home, "")?;
    let begin = Instant::now();
    deploy_all(&node, &component, count)?;
    let deployed = begin.elapsed().as_secs_f64();
    node.stop()?;
    let node = Node::start(bench, &home, "")?;
    let before = resident_kib(node.pid(), "VmRSS")?;
    let begin = Instant::now();
    let errors = call_all(&node, count)?;
    let called = begin.elapsed().as_secs_f64();
    let (after, peak) = (resident_kib(node.pid(), "VmRSS")?, resident_kib(node.pid(), "VmHWM")?);
    let ready = node.ready_after.as_secs_f64();
    node.stop()?;
    let components = count.div_ceil(PER_COMPONENT);
    let mib = |kib: u64| format!("{} MiB", kib >> 10);
    Ok(Section {
        title: "density",
        how: format!(
            "{count} functions over {components} components: `hello` with a number appended, so that \
             every digest differs.\n\
             The node was started anew after the deployments; then each function was called once, \
             one after the other, through the public listener.\n\
             Resident memory is `VmRSS` and `VmHWM` of `/proc/PID/status`.\n"
        ),
        rows: vec![
            Row::barred(
                "resident after all calls",
                mib(after),
                "<= 1 GiB",
                after <= RESIDENT_KIB_MAX,
            ),
            Row::barred("largest since the start", mib(peak), "<= 1 GiB", peak <= RESIDENT_KIB_MAX),
            Row::barred("calls that failed", errors.to_string(), "0", errors == 0),
            Row::plain("resident before the first call", mib(before)),
            Row::plain("start until ready", format!("{ready:.2} s")),
            Row::plain("all calls", format!("{called:.1} s")),
            Row::plain("all deployments, compiling included", format!("{deployed:.1} s")),
        ],
    })
}

fn deploy_all(node: &Node, component: &[u8], count: usize) -> Result<()> {
    let mut digests = Vec::new();
    for first in (0..count).step_by(PER_APPLICATION) {
        let numbers: Vec<usize> = (first..count.min(first + PER_APPLICATION)).collect();
        for number in &numbers {
            if number % PER_COMPONENT == 0 {
                digests.push(node.upload(&varied(component, number / PER_COMPONENT))?);
            }
        }
        let names: Vec<(String, String)> = numbers
            .iter()
            .map(|number| (name(*number), format!("GET /{}", name(*number))))
            .collect();
        let functions: Vec<Function<'_>> = names
            .iter()
            .zip(&numbers)
            .filter_map(|((name, route), number)| {
                let digest = digests.get(number / PER_COMPONENT)?;
                Some(Function { name, digest, route, auth: "public", cpu: "5s" })
            })
            .collect();
        node.deploy(&format!("density-{first}"), &functions)?;
        say(&format!("bench: {} functions are deployed", first + functions.len()));
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("f{number}")
}

/// Calls every function once; gives back how many did not answer 200.
fn call_all(node: &Node, count: usize) -> Result<usize> {
    let mut client = Client::connect(&node.gateway)?;
    let mut errors = 0;
    for number in 0..count {
        let path = format!("/{}", name(number));
        let reply = client.send(&Request::get(&path, None));
        if !reply.as_ref().is_ok_and(|reply| reply.status == 200) {
            errors += 1;
        }
        if reply.is_ok_and(|reply| !reply.last) {
            continue;
        }
        client = Client::connect(&node.gateway)?;
    }
    Ok(errors)
}

/// The component with a custom section that holds a number: other bytes, the same code.
fn varied(component: &[u8], number: usize) -> Vec<u8> {
    let payload = format!("\u{7}variant{number:08}");
    let mut bytes = component.to_vec();
    // A section is its kind (0: custom), the length of what follows, and that; below 128 a length
    // in LEB128 is one byte.
    bytes.extend([0, u8::try_from(payload.len()).unwrap_or(127)]);
    bytes.extend(payload.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_differ_and_stay_well_formed() {
        let (a, b) = (varied(b"\0asm", 1), varied(b"\0asm", 2));
        assert_ne!(a, b);
        assert_eq!(&a[4..], b"\0\x10\x07variant00000001");
    }
}
