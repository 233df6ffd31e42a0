//! Runs a fuzz target a little in every test: over its corpus, over mutations of the corpus, and
//! over noise; always the same ones.
//!
//! A target is a function from bytes to `Ok`, or to the sentence that says which promise was
//! broken. It lives beside the parser that it looks at, in a module `fuzz` that is compiled for
//! tests and for the fuzzer and for nothing else. `cargo xtask fuzz` runs the same function under
//! a real fuzzer.
//!
//! Invariant: a dev-dependency; no program is built with it.
#![forbid(unsafe_code)]

mod corpus;
mod mutate;
mod random;

use mutate::Mutator;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a target says about some bytes: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// Most bytes of an input that is made up here.
const INPUT_BYTES_MAX: usize = 4096;
/// Tells a run to go on for so many seconds instead: what `cargo xtask fuzz` sets where a build
/// for the real fuzzer would be too heavy.
const SECONDS: &str = "CASEMATE_FUZZ_SECONDS";

/// Runs `check` over the corpus of `target`, which lies in `fuzz/corpus`, and then over `runs`
/// inputs that are made from it.
///
/// # Panics
/// If a promise is broken or `check` panics, with the input; and if there is no corpus.
#[expect(clippy::panic, reason = "this is what a test calls, and it must fail")]
pub fn run(target: &str, runs: usize, check: impl Fn(&[u8]) -> Outcome) {
    let seeds = corpus::read(target).unwrap_or_else(|why| panic!("{why}"));
    for (name, bytes) in &seeds {
        one(target, name, bytes, &check);
    }
    let seeds: Vec<Vec<u8>> = seeds.into_iter().map(|(_, bytes)| bytes).collect();
    let mut mutator = Mutator::new(target, &seeds, INPUT_BYTES_MAX);
    let mut count = 0;
    let more = going_on(runs);
    while more(count) {
        one(target, &format!("input {count}"), &mutator.next(), &check);
        count += 1;
    }
}

/// Makes what broke a promise under the real fuzzer end its process.
///
/// # Panics
/// If a promise was broken.
#[expect(clippy::panic, reason = "a panic is how a fuzzer hears of it")]
pub fn must(outcome: Outcome) {
    if let Err(why) = outcome {
        panic!("{why}");
    }
}

/// Whether to go on after so many runs.
#[expect(clippy::disallowed_methods, reason = "a test's own clock and environment")]
fn going_on(runs: usize) -> impl Fn(usize) -> bool {
    let seconds = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok());
    let begin = std::time::Instant::now();
    move |count| match seconds {
        Some(seconds) => begin.elapsed().as_secs() < seconds,
        None => count < runs,
    }
}

#[expect(clippy::panic, reason = "this is what a test calls, and it must fail")]
fn one(target: &str, name: &str, bytes: &[u8], check: &impl Fn(&[u8]) -> Outcome) {
    let why = match catch_unwind(AssertUnwindSafe(|| check(bytes))) {
        Ok(Ok(())) => return,
        Ok(Err(why)) => why,
        Err(_) => "it panicked, see above".to_owned(),
    };
    let shown = bytes.escape_ascii();
    panic!("the fuzz target `{target}` broke on {name}: {why}\nthe input is b\"{shown}\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn runs_are_the_same_every_time_and_begin_with_the_corpus() {
        let seen = || {
            let seen = RefCell::new(Vec::new());
            run("unit", 50, |bytes| {
                seen.borrow_mut().push(bytes.to_vec());
                Ok(())
            });
            seen.into_inner()
        };
        let first = seen();
        assert!(first.len() >= 52, "{}", first.len());
        assert!(first.contains(&b"3s".to_vec()), "the corpus is run");
        assert_eq!(first, seen());
    }

    #[test]
    fn a_broken_promise_names_the_target_and_the_input() {
        let said = catch_unwind(|| run("unit", 0, |_| Err("it broke".to_owned())));
        let said = said.expect_err("it must fail");
        let said = said.downcast_ref::<String>().expect("a text");
        assert!(said.contains("`unit`") && said.contains("it broke"), "{said}");
    }

    #[test]
    fn a_panic_is_a_failure_and_an_unknown_corpus_too() {
        assert!(catch_unwind(|| run("unit", 0, |_| panic!("oh"))).is_err());
        assert!(catch_unwind(|| run("no-such-target", 0, |_| Ok(()))).is_err());
    }
}
