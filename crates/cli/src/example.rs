//! Examples of functions: sent to a platform of their own, and compared.

mod compare;
mod report;
mod update;

pub(crate) use report::Report;
pub(crate) use update::update;

use crate::clock::Stopwatch;
use crate::local::{Trial, TrialAnswer, TrialRequest};
use crate::manifest::{Directory, Plan};
use anyhow::Context as _;
use compare::{Difference, differences};
use model::bundle::{self, BUNDLE_BYTES_MAX, HEAD_BYTES};
use model::manifest::{Example, FunctionSpec};
use model::{FunctionName, Problem};
use std::collections::BTreeSet;
use std::io::Read as _;

/// An example, and where it stands in the manifest.
#[derive(Debug, Clone)]
pub(crate) struct Case<'a> {
    /// The function whose example it is.
    pub(crate) function: &'a FunctionName,
    /// The example.
    pub(crate) example: &'a Example,
    /// Its place among the function's examples.
    pub(crate) index: usize,
}

/// What came of an example.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How the answer differs from what is expected; nothing if all is well.
    pub(crate) differences: Vec<Difference>,
    /// The answer.
    pub(crate) answer: TrialAnswer,
    /// How long it took.
    pub(crate) took_ms: u64,
}

impl Outcome {
    /// Whether the answer is the expected one.
    pub(crate) fn is_good(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Case<'_> {
    /// What the example is called: function and words.
    pub(crate) fn title(&self) -> String {
        format!("{}: {}", self.function, self.example.name)
    }
}

/// The examples of these functions whose title holds `filter`, and how many are left out.
pub(crate) fn cases<'a>(
    functions: &[&'a FunctionSpec],
    filter: Option<&str>,
) -> (Vec<Case<'a>>, usize) {
    let all = functions.iter().flat_map(|function| {
        let examples = function.examples.iter().enumerate();
        examples.map(|(index, example)| Case { function: &function.name, example, index })
    });
    let (chosen, others): (Vec<_>, Vec<_>) =
        all.partition(|case| filter.is_none_or(|filter| case.title().contains(filter)));
    (chosen, others.len())
}

/// A platform with an application deployed on it, gone when this is dropped.
pub(crate) struct Stage {
    trial: Trial,
    // Removed after the platform has ended.
    _home: tempfile::TempDir,
}

impl Stage {
    /// Starts a platform in a temporary directory and deploys `plan`.
    ///
    /// # Errors
    /// What keeps a node from starting, or a component from being deployed.
    pub(crate) fn set(plan: Plan, stop: impl Future<Output = ()>) -> anyhow::Result<Self> {
        let home = tempfile::Builder::new().prefix("casemate-test-").tempdir();
        let home = home.context("cannot make a temporary directory")?;
        let mut trial = Trial::start(&home.path().join("home"))?;
        for component in &plan.components {
            let mut bytes = Vec::new();
            let content = component.open().context("cannot read the component again")?;
            { content }.read_to_end(&mut bytes).context("cannot read the component again")?;
            trial.put(component.digest, bytes)?;
        }
        for directory in &plan.directories {
            put_files(&trial, directory)?;
        }
        trial.deploy(plan.manifest, stop)?;
        Ok(Self { trial, _home: home })
    }

    /// Sends one example.
    ///
    /// # Errors
    /// The request cannot be sent, or `stop` came first.
    pub(crate) fn run(
        &self,
        case: &Case<'_>,
        stop: impl Future<Output = ()>,
    ) -> Result<Outcome, Problem> {
        let watch = Stopwatch::start();
        let named = |problem: Problem| {
            let why = problem.detail.clone().unwrap_or_default();
            if problem.code == model::Code::ManifestValue {
                case.example.wrong(why)
            } else {
                problem
            }
        };
        let answer = self.trial.call(request(case)?, stop).map_err(named)?;
        let took_ms = u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Outcome { differences: differences(case, &answer), answer, took_ms })
    }

    /// Ends the platform.
    ///
    /// # Errors
    /// It could not write out what it had.
    pub(crate) fn end(self) -> Result<(), Problem> {
        self.trial.end()
    }
}

/// Gives the platform a directory: its files in pieces, and their list.
fn put_files(trial: &Trial, directory: &Directory) -> anyhow::Result<()> {
    let mut seen = BTreeSet::new();
    let mut some = Vec::new();
    for file in &directory.files {
        file.each(|digest, bytes| {
            if !seen.insert(*digest) {
                return Ok(());
            }
            if some.len() + HEAD_BYTES + bytes.len() > BUNDLE_BYTES_MAX {
                trial.put_bundle(std::mem::take(&mut some))?;
            }
            bundle::add(&mut some, digest, bytes);
            Ok(())
        })?;
    }
    if !some.is_empty() {
        trial.put_bundle(some)?;
    }
    let mut list = Vec::new();
    let content = directory.list.open().context("cannot read the list of files")?;
    { content }.read_to_end(&mut list).context("cannot read the list of files")?;
    Ok(trial.put(directory.list.digest, list)?)
}

fn request(case: &Case<'_>) -> Result<TrialRequest, Problem> {
    let example = case.example;
    let given = &example.request;
    let mut headers: Vec<(String, String)> =
        given.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let body = match (&given.body, &given.json) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(json)) => {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            json.to_string().into_bytes()
        }
        (None, None) => Vec::new(),
    };
    Ok(TrialRequest {
        method: example.method().to_owned(),
        path: given.path.clone(),
        headers,
        body,
        at: example.time()?,
        outbound: example.outbound.clone(),
        stored: model::manifest::named(&example.keyvalue, case.function),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_chosen_by_words_of_their_title() {
        let function: FunctionSpec = serde_json::from_str(
            r#"{"name":"a","example":[{"name":"one two","request":{"path":"/"}},
                {"name":"three","request":{"path":"/","json":{"x":1}}}]}"#,
        )
        .expect("a function");
        let titles = |filter| {
            let (cases, others) = cases(&[&function], filter);
            (cases.iter().map(Case::title).collect::<Vec<_>>(), others)
        };
        assert_eq!(titles(None), (vec!["a: one two".to_owned(), "a: three".to_owned()], 0));
        assert_eq!(titles(Some("two")), (vec!["a: one two".to_owned()], 1));
        assert_eq!(titles(Some("a: three")).0, ["a: three"]);
        let (cases, _) = cases(&[&function], None);
        let sent = request(&cases[1]).expect("a request");
        assert_eq!((sent.method.as_str(), sent.body.as_slice()), ("POST", &br#"{"x":1}"#[..]));
        assert_eq!(sent.headers[0].1, "application/json");
    }
}
