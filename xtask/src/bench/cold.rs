//! The first call to a function whose compiled form is on disk.
//!
//! Two ways to be cold: the node was started anew, or the node runs and has let the component go.

use super::Bench;
use super::http::{Client, Request};
use super::node::{Function, Home, Node};
use super::report::{Row, Section};
use super::stats::{median, range};
use crate::program::say;
use anyhow::{Context as _, Result, ensure};
use std::time::Instant;

/// So little that only the component called last stays loaded.
const FORGETFUL: &str = "[wasm]\ncache = \"1B\"\n";
/// Starts of the node, and calls of each function when it was let go.
const ROUNDS: usize = 9;

/// A function that is called to have the others let go.
const OTHER: &str = "other";

/// A function of this measurement.
struct Subject {
    name: &'static str,
    size: &'static str,
    bar: &'static str,
    ms_max: f64,
    component: Vec<u8>,
}

/// Measures both ways.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let large = bench.component("js").or_else(|_| bench.component("python"))?;
    let subjects = [
        Subject {
            name: "small",
            size: "40 KiB",
            bar: "<= 5 ms",
            ms_max: 5.0,
            component: bench.component("hello")?,
        },
        Subject { name: "large", size: "10 MiB", bar: "<= 30 ms", ms_max: 30.0, component: large },
    ];
    let home = Home::new(bench, "cold")?;
    let node = Node::start(bench, &home, "")?;
    for subject in &subjects {
        say(&format!("bench: compiling {} bytes", subject.component.len()));
        deploy(&node, subject.name, &subject.component)?;
    }
    deploy(&node, OTHER, &bench.component("echo")?)?;
    let token = node.token("bench", &["small", "large", OTHER])?;
    node.stop()?;
    let mut rows = Vec::new();
    for subject in &subjects {
        let times = restarted(bench, &home, subject, &token)?;
        rows.push(row(subject, "after a start of the node", &times));
    }
    let released = let_go(bench, &home, &subjects, &token)?;
    for (subject, times) in subjects.iter().zip(&released) {
        rows.push(row(subject, "after it was let go by a running node", times));
    }
    let how = "On a connection that is open already, from the first byte sent to the last byte read; \
               median of 9, smallest and largest in brackets.\n\
               The files are in the system's page cache.\n\
               After a start: one other request went before, to open the connection; the node also \
               loads components by itself in the background.\n\
               After it was let go: a node with `wasm.cache = \"1B\"`; another function is called before each, so \
               that the call has to load the compiled form, authenticate it and link it.\n";
    Ok(Section { title: "cold", how: how.to_owned(), rows })
}

fn deploy(node: &Node, name: &str, component: &[u8]) -> Result<()> {
    let digest = node.upload(component)?;
    let route = format!("GET /{name}");
    let function = Function { name, digest: &digest, route: &route, auth: "token", cpu: "5s" };
    node.deploy(name, &[function])
}

fn row(subject: &Subject, when: &str, times: &[f64]) -> Row {
    let ((low, high), middle) = (range(times), median(times));
    let what = format!(
        "first call, {} bytes of component (bar for {}), {when}",
        subject.component.len(),
        subject.size
    );
    Row::barred(
        what,
        format!("{middle:.1} ms ({low:.1} to {high:.1})"),
        subject.bar,
        middle <= subject.ms_max,
    )
}

/// Milliseconds of the first call after each of some starts.
fn restarted(bench: &Bench, home: &Home, subject: &Subject, token: &str) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let node = Node::start(bench, home, "")?;
        let mut client = Client::connect(&node.gateway)?;
        client.send(&Request::get("/nothing-here", None))?;
        times.push(call(&mut client, subject.name, token)?);
        node.stop()?;
    }
    Ok(times)
}

/// Milliseconds of calls to each subject in turn, on a node that keeps only the last one loaded.
fn let_go(bench: &Bench, home: &Home, subjects: &[Subject], token: &str) -> Result<Vec<Vec<f64>>> {
    let node = Node::start(bench, home, FORGETFUL)?;
    let mut client = Client::connect(&node.gateway)?;
    let mut times = vec![Vec::new(); subjects.len()];
    for round in 0..=ROUNDS {
        for (subject, times) in subjects.iter().zip(&mut times) {
            call(&mut client, OTHER, token)?;
            let time = call(&mut client, subject.name, token)?;
            // The first round meets a node that is still loading by itself.
            if round > 0 {
                times.push(time);
            }
        }
    }
    node.stop()?;
    Ok(times)
}

fn call(client: &mut Client, name: &str, token: &str) -> Result<f64> {
    let path = format!("/{name}");
    let begin = Instant::now();
    let reply =
        client.send(&Request::get(&path, Some(token))).with_context(|| format!("`{name}`"))?;
    let time = begin.elapsed().as_secs_f64() * 1000.0;
    let text = String::from_utf8_lossy(&reply.body);
    ensure!(reply.status == 200, "`{name}` answered {}: {text}", reply.status);
    Ok(time)
}
