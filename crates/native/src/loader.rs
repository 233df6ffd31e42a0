//! Our own loaders for interpreters: started without a function, told later which one to run.
//!
//! A loader waits for one line of JSON on its standard input, an [`Assigned`], and is that function's
//! runtime from then on.

use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Where loaders lie in a jail.
pub(crate) const DIRECTORY: &str = "/var/runtime";

/// Files below that directory, with their names.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("loader/", $name))),)+]
    };
}

/// The loader of Python, which runs functions of AWS Lambda's contract itself, and what runs those of
/// platforms whose runtimes are servers of their own.
pub(crate) const PYTHON: &[(&str, &str)] = files!(
    "lambda.py",
    "shim.py",
    "alibaba.py",
    "azure.py",
    "kubeless.py",
    "openfaas.py",
    "openwhisk.py",
);
/// The same of Node.
pub(crate) const NODE: &[(&str, &str)] = files!(
    "lambda.mjs",
    "shim.mjs",
    "alibaba.mjs",
    "azure.mjs",
    "kubeless.mjs",
    "openfaas.mjs",
    "openwhisk.mjs",
);

/// The word for a loader that has time until it is told: it does once what every function's first
/// steps do, so that they find their code compiled and their modules read.
pub(crate) const REHEARSE: &str = "rehearse";

/// What a loader is to run.
#[derive(Debug, Serialize)]
pub(crate) struct Assigned<'a> {
    /// All of the process's environment.
    pub(crate) environment: BTreeMap<&'a str, &'a str>,
    /// The function, in the contract's words.
    pub(crate) handler: &'a str,
    /// Or what the interpreter is given: a program of the function's own.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) run: &'a [String],
    /// Where that starts.
    pub(crate) directory: &'a Path,
    /// Where layers are: `/opt` in a jail.
    pub(crate) layers: &'a str,
}

impl<'a> Assigned<'a> {
    /// Of an environment as it is made for a process.
    pub(crate) fn new(environment: &'a [(String, String)], handler: &'a str) -> Self {
        let environment =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self { environment, handler, layers: "/opt", run: &[], directory: Path::new("/") }
    }

    /// The line that is written to the loader.
    pub(crate) fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}
