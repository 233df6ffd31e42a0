//! What the fuzzer and the tests call: text in which somebody may have hidden something.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use super::{Action, Actions, Detector, Exact, Finding, Masker, Sieve};
use model::data::BuiltIn;
use std::sync::LazyLock;

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

static DETECTOR: LazyLock<Option<Detector>> =
    LazyLock::new(|| Some(Detector::built_in().ok()?.reporting(super::Confidence::Pattern)));

/// What is found does not depend on how a text is cut, is within the text, in order and without
/// overlaps; and a masked text holds no byte of it. A sieve passes on as many bytes as came, covered
/// where something was found, and nothing from what is blocked on.
///
/// The first byte says how the text is cut, the next bytes are a known value.
///
/// # Errors
/// The promise that was broken.
pub fn detect(bytes: &[u8]) -> Outcome {
    let detector = DETECTOR.as_ref().ok_or("the built-in rules cannot be used")?;
    let (&cut, rest) = bytes.split_first().unwrap_or((&1, &[]));
    let value = rest.get(..8).unwrap_or_default();
    let exact = Exact::new([(BuiltIn::Name.into(), value)]);
    let cut = usize::from(cut) % 37 + 1;
    let whole = scan(detector, &exact, rest, rest.len().max(1));
    if scan(detector, &exact, rest, cut) != whole {
        return Err(format!("cut into pieces of {cut} bytes, something else is found"));
    }
    let mut last = 0;
    for finding in &whole {
        let inside = finding.end <= u64::try_from(rest.len()).unwrap_or(u64::MAX);
        if finding.start < last || finding.start >= finding.end || !inside {
            return Err(format!("{finding:?} after {last}"));
        }
        last = finding.end;
    }
    sieved(detector, rest, cut)?;
    masked(detector, &exact, rest, cut, &whole)
}

fn sieved(detector: &'static Detector, text: &[u8], cut: usize) -> Outcome {
    let mut found = Vec::new();
    detector.scan(text, b"", |finding| found.push(index(finding.start)..index(finding.end)));
    let mut wanted = text.to_vec();
    for range in found.iter().cloned() {
        wanted.get_mut(range).ok_or("a finding outside of the text")?.fill(b'*');
    }
    let passed = |action| {
        let (mut sieve, mut out) = (Sieve::new(detector), Vec::new());
        for piece in text.chunks(cut) {
            match sieve.feed(piece, |_, _| action) {
                Ok(bytes) => out.extend(bytes),
                Err(_) => return (out, true),
            }
        }
        match sieve.finish(|_, _| action) {
            Ok(bytes) => out.extend(bytes),
            Err(_) => return (out, true),
        }
        (out, false)
    };
    match passed(Action::Mask) {
        (out, false) if out == wanted => {}
        (out, _) => return Err(format!("through a sieve, it is {}", out.escape_ascii())),
    }
    let (out, blocked) = passed(Action::Block);
    let open = found.first().map_or(text.len(), |first| first.start);
    match blocked != found.is_empty() && out.len() <= open && text.starts_with(&out) {
        true => Ok(()),
        false => Err(format!("blocked, it is {}", out.escape_ascii())),
    }
}

fn scan(detector: &Detector, exact: &Exact, text: &[u8], cut: usize) -> Vec<Finding> {
    let (mut all, mut scanner) = (Vec::new(), detector.scanner_knowing(exact));
    for piece in text.chunks(cut) {
        scanner.feed(piece, |finding| all.push(finding));
    }
    scanner.finish(|finding| all.push(finding));
    all
}

/// Masking gives the text with the findings replaced, in whatever pieces it comes.
fn masked(
    detector: &Detector,
    exact: &Exact,
    text: &[u8],
    cut: usize,
    found: &[Finding],
) -> Outcome {
    let classes: Vec<_> = detector.rules().map(|(_, rule)| rule.class.clone()).collect();
    let actions = classes.iter().fold(Actions::observing(detector), |actions, class| {
        actions.on(detector, class, Action::Mask)
    });
    let (mut out, mut masker) = (Vec::new(), Masker::new(detector, Some(exact), &actions));
    for piece in text.chunks(cut) {
        masker.feed(piece, &mut out, |_| {}).map_err(|error| error.to_string())?;
    }
    masker.finish(&mut out, |_| {}).map_err(|error| error.to_string())?;
    let (mut wanted, mut at) = (Vec::new(), 0);
    for finding in found.iter().filter(|finding| actions.of(finding) == Action::Mask) {
        let (start, end) = (index(finding.start), index(finding.end));
        wanted.extend_from_slice(text.get(at..start).unwrap_or_default());
        let known = finding.known.and_then(|known| exact.class(known));
        let class = known.or(detector.rule(finding.rule).map(|rule| &rule.class));
        wanted.extend_from_slice(format!("[{}]", class.ok_or("no rule")?).as_bytes());
        at = end;
    }
    wanted.extend_from_slice(text.get(at..).unwrap_or_default());
    match out == wanted {
        true => Ok(()),
        false => Err(format!("masked, it is {}", out.escape_ascii())),
    }
}

fn index(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
