//! What a reader of another platform's files found: functions as they would be here, and the rest.

use super::Format;
use super::yaml::Node;
use model::FunctionName;
use model::manifest::{Contract, EventForm, Signature, WorkerSpec};
use model::unit::{Duration, Size};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most functions of a project: CloudFormation takes 500 resources.
const FUNCTIONS_MAX: usize = 500;

/// What was found in a project.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) format: Format,
    /// What to call the file.
    pub(super) file: String,
    /// The application's name, as the other platform has it.
    pub(super) application: String,
    /// The region of AWS that its calls go to.
    pub(super) region: String,
    /// The function that is being read, by its name there.
    pub(super) about: Option<String>,
    pub(super) drafts: Vec<Draft>,
    /// What functions may do there beyond anything that was named.
    pub(super) granted: Vec<Noted>,
    /// What has no counterpart here, or was not read.
    pub(super) lacks: Vec<Noted>,
    /// What is otherwise than it was, or has to be done.
    pub(super) notes: Vec<Noted>,
}

/// Something that is said of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Noted {
    /// `FILE:LINE`.
    pub(crate) place: String,
    /// The function, by its name where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) function: Option<String>,
    /// What there is to say.
    pub(crate) what: String,
}

/// A route, and whether anybody could call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) route: String,
    pub(super) open: bool,
}

/// A value of the environment, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    Value(String),
    /// The platform has it as a secret.
    Secret,
    /// It is made from something that is not known here.
    Unknown(String),
}

/// A function.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: FunctionName,
    /// Its name where it comes from.
    pub(super) was: String,
    pub(super) line: usize,
    pub(super) source: String,
    pub(super) build: Option<String>,
    /// Where the code lies in the project.
    pub(super) code: String,
    pub(super) contract: Contract,
    pub(super) interpreter: Option<String>,
    pub(super) handler: Option<String>,
    pub(super) command: Vec<String>,
    pub(super) layers: Vec<String>,
    pub(super) event: EventForm,
    pub(super) port: Option<u16>,
    pub(super) parallel: Option<u32>,
    pub(super) provisioned: Option<u32>,
    pub(super) probe: Option<String>,
    pub(super) signature: Option<Signature>,
    pub(super) timeout: Option<Duration>,
    pub(super) memory: Option<Size>,
    pub(super) concurrency: Option<u32>,
    pub(super) environment: BTreeMap<String, (usize, Variable)>,
    pub(super) routes: Vec<Route>,
    /// Services that it may use there.
    pub(super) services: Vec<String>,
    /// Methods and buckets of S3 that it may use there.
    pub(super) buckets: BTreeSet<(&'static str, String)>,
    /// Functions of the project that it may call, by their names there.
    pub(super) calls: Vec<String>,
    /// Key-value stores that it reads and writes.
    pub(super) stores: BTreeSet<String>,
    /// What it is as a Worker.
    pub(super) worker: Option<WorkerSpec>,
    /// The times at which it is called: names and cron expressions.
    pub(super) times: Vec<(String, String)>,
}

impl Draft {
    /// A function of which little is known.
    pub(super) fn new(name: FunctionName, was: &str, line: usize, contract: Contract) -> Self {
        Self {
            name,
            was: was.to_owned(),
            line,
            source: ".".to_owned(),
            build: None,
            code: ".".to_owned(),
            contract,
            interpreter: None,
            handler: None,
            command: Vec::new(),
            layers: Vec::new(),
            event: EventForm::default(),
            port: None,
            parallel: None,
            provisioned: None,
            probe: None,
            signature: None,
            timeout: None,
            memory: None,
            concurrency: None,
            environment: BTreeMap::new(),
            routes: Vec::new(),
            services: Vec::new(),
            buckets: BTreeSet::new(),
            calls: Vec::new(),
            stores: BTreeSet::new(),
            worker: None,
            times: Vec::new(),
        }
    }

    /// Adds a route once.
    pub(super) fn route(&mut self, route: String, open: bool) {
        if !self.routes.iter().any(|known| known.route == route) {
            self.routes.push(Route { route, open });
        }
    }
}

impl Import {
    /// Nothing yet.
    pub(super) fn new(format: Format, file: &str, application: &str) -> Self {
        Self {
            format,
            file: file.to_owned(),
            application: application.to_owned(),
            region: "us-east-1".to_owned(),
            about: None,
            drafts: Vec::new(),
            granted: Vec::new(),
            lacks: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Something of a line of the file.
    pub(super) fn noted(&self, line: usize, what: impl Into<String>) -> Noted {
        Noted {
            place: format!("{}:{line}", self.file),
            function: self.about.clone(),
            what: what.into(),
        }
    }

    /// Notes what has no counterpart.
    pub(super) fn lack(&mut self, line: usize, what: impl Into<String>) {
        let noted = self.noted(line, what);
        self.lacks.push(noted);
    }

    /// Notes what is otherwise than it was.
    pub(super) fn note(&mut self, line: usize, what: impl Into<String>) {
        let noted = self.noted(line, what);
        self.notes.push(noted);
    }

    /// Notes what a function may do beyond anything that was named.
    pub(super) fn grant(&mut self, line: usize, what: impl Into<String>) {
        let noted = self.noted(line, what);
        self.granted.push(noted);
    }

    /// Begins a function, under a name that is not taken.
    pub(super) fn draft(&mut self, was: &str, line: usize, contract: Contract) -> Option<Draft> {
        self.about = Some(shown(was));
        if self.drafts.len() >= FUNCTIONS_MAX {
            self.lack(line, format!("the project has more than {FUNCTIONS_MAX} functions"));
            return None;
        }
        let taken: Vec<FunctionName> = self.drafts.iter().map(|it| it.name.clone()).collect();
        let name = super::name::function(was, &taken);
        if name.is_none() {
            self.lack(line, "no name of ours is near its own");
        }
        Some(Draft::new(name?, was, line, contract))
    }

    /// Calls a function by the name that it has for its platform, if that can be had.
    pub(super) fn call(&self, draft: &mut Draft, wanted: &str) {
        let taken: Vec<FunctionName> = self.drafts.iter().map(|it| it.name.clone()).collect();
        if let Some(name) = super::name::function(wanted, &taken) {
            draft.name = name;
        }
    }

    /// Notes every key of a map that is none of `known`.
    pub(super) fn lack_others(&mut self, node: &Node, known: &[&str]) {
        for (key, value) in node.entries() {
            if !known.contains(&key.as_str()) {
                self.lack(value.line, format!("`{}` has no counterpart here", shown(key)));
            }
        }
    }
}

/// Foreign text as it may stand in a sentence: short, and without what a terminal acts on.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    crate::voice::safe(&short).into_owned()
}

/// Why a path is not one below the project.
pub(super) fn climbs(path: &str) -> Option<&'static str> {
    if path.starts_with('/') || path.contains('\\') {
        return Some("is no path below the project");
    }
    let mut depth = 0i32;
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return Some("leads out of the project");
        }
    }
    path.chars().any(char::is_control).then_some("is no path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_are_told() {
        for path in ["a", "./a/b", "a/../b", ".", "a/"] {
            assert_eq!(climbs(path), None, "{path}");
        }
        for path in ["..", "../a", "a/../../b", "/etc", "a\\b", "a\nb"] {
            assert!(climbs(path).is_some(), "{path}");
        }
    }
}
