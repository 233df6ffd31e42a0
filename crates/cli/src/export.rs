//! An application of ours as projects of other platforms: artifacts, the file that describes them
//! there, and a list of the controls that are lost.
//!
//! Invariant: code is written as it would be deployed here, byte for byte; what is not written, or
//! does not hold there, is in the list.

mod lambda;
mod lost;
mod server;
mod yaml;
mod zip;

use crate::manifest::{self, Bare, Directory};
use model::listing::{File, Listing};
use model::manifest::FunctionSpec;
use model::{Code, Digest, Manifest, Problem};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The list of what is lost, in every export.
pub(crate) const LOST: &str = "CONTROLS-LOST.md";

/// For which platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Platform {
    /// AWS Lambda: zip files and a SAM template
    Lambda,
    /// Google Cloud Run: build contexts and a service file
    Cloudrun,
    /// Knative Serving: build contexts and a service file
    Knative,
}

impl Platform {
    /// As `--to` takes it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::Cloudrun => "cloudrun",
            Self::Knative => "knative",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Lambda => "AWS Lambda",
            Self::Cloudrun => "Google Cloud Run",
            Self::Knative => "Knative Serving",
        }
    }
}

/// A file to write.
#[derive(Debug)]
pub(crate) struct Written {
    /// Below the directory of the export.
    pub(crate) path: String,
    pub(crate) content: Vec<u8>,
    pub(crate) executable: bool,
}

impl Written {
    fn text(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), content: text.into().into_bytes(), executable: false }
    }
}

/// Something that is said of a function, or of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) function: Option<String>,
    pub(crate) what: String,
}

/// What was written and what was not.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) to: Platform,
    pub(crate) application: String,
    /// Functions that run there.
    pub(crate) functions: Vec<String>,
    /// Functions and parts that are not written, and why.
    pub(crate) left_out: Vec<Said>,
    /// What holds here and not there.
    pub(crate) controls_lost: Vec<Said>,
    /// What to type.
    pub(crate) next: Vec<String>,
}

/// An export.
#[derive(Debug)]
pub(crate) struct Exported {
    pub(crate) files: Vec<Written>,
    pub(crate) report: Report,
}

/// One function, with the files that it would be deployed with.
struct Packaged<'a> {
    spec: &'a FunctionSpec,
    package: &'a Directory,
    layers: Option<&'a Directory>,
}

/// Makes an export of the application at `path`.
///
/// # Errors
/// What a deployment would say of it, and E0159 if nothing of it can run there.
pub(crate) fn export(path: &Path, to: Platform) -> anyhow::Result<Exported> {
    let outline = manifest::outline(path)?;
    let plan = manifest::read(path, &Bare::default())?;
    manifest::checked(path)?;
    let by_digest: BTreeMap<Digest, &Directory> =
        plan.directories.iter().map(|directory| (directory.list.digest, directory)).collect();
    let mut report = Report {
        to,
        application: outline.manifest.application.to_string(),
        functions: Vec::new(),
        left_out: Vec::new(),
        controls_lost: Vec::new(),
        next: Vec::new(),
    };
    let packaged = packaged(&plan.manifest, &by_digest, &mut report);
    if packaged.is_empty() {
        return Err(nothing(&report).into());
    }
    let mut files = match to {
        Platform::Lambda => lambda::written(&mut report, &packaged)?,
        Platform::Cloudrun | Platform::Knative => server::written(&mut report, &packaged)?,
    };
    for one in &packaged {
        report.functions.push(one.spec.name.to_string());
        report.schedules(one.spec);
        lost::of(&mut report, one.spec);
    }
    files.push(Written::text(LOST, lost::document(&report)));
    Ok(Exported { files, report })
}

/// The functions that can run there; the others are noted.
fn packaged<'a>(
    manifest: &'a Manifest,
    by_digest: &BTreeMap<Digest, &'a Directory>,
    report: &mut Report,
) -> Vec<Packaged<'a>> {
    let mut all = Vec::new();
    for spec in &manifest.functions {
        let refused = match (&spec.native, report.to) {
            (None, _) => Err("it is a WebAssembly component: nothing there runs one, and a container with a whole node in it would be a node without its home, its keys and its records".to_owned()),
            (Some(native), Platform::Lambda) => lambda::refused(native.contract),
            (Some(native), _) => server::refused(native),
        };
        let package = spec.digest.and_then(|digest| by_digest.get(&digest).copied());
        match (refused, package) {
            (Err(why), _) => report.left(spec, why),
            (Ok(()), None) => {
                report.left(spec, "its package is named by a digest only: say `source`")
            }
            (Ok(()), Some(package)) => {
                let layers = spec.native.as_ref().and_then(|native| native.layers_digest);
                let layers = layers.and_then(|digest| by_digest.get(&digest).copied());
                all.push(Packaged { spec, package, layers });
            }
        }
    }
    for assets in &manifest.assets {
        let what = format!("the files of `{}`: they go to a store of objects there", assets.route);
        report.left_out.push(Said { function: None, what });
    }
    all
}

fn nothing(report: &Report) -> Problem {
    let why = report.left_out.iter().take(20).map(|said| {
        let function = said.function.as_ref().map(|name| format!("`{name}`: ")).unwrap_or_default();
        format!("{function}{}", said.what)
    });
    let why: Vec<String> = why.collect();
    Problem::new(Code::NotExportable).detail(format!(
        "for {}: {}",
        report.to.name(),
        why.join("; ")
    ))
}

impl Report {
    fn left(&mut self, spec: &FunctionSpec, what: impl Into<String>) {
        self.left_out.push(Said { function: Some(spec.name.to_string()), what: what.into() });
    }

    /// Schedules and events are services of their own there.
    fn schedules(&mut self, spec: &FunctionSpec) {
        let service = match self.to {
            Platform::Lambda => "EventBridge Scheduler",
            Platform::Cloudrun => "Cloud Scheduler",
            Platform::Knative => "a `PingSource`",
        };
        for schedule in &spec.schedules {
            let what =
                format!("schedule `{}`: make it there by hand, with {service}", schedule.name);
            self.left(spec, what);
        }
        for trigger in &spec.on {
            self.left(spec, format!("event trigger `{}`: make it there by hand", trigger.name));
        }
        for (key, _) in spec.later.iter().flat_map(|later| later.told()) {
            self.left(spec, format!("`async.{key}`: make the destination there by hand"));
        }
        for webhook in &spec.webhooks {
            let what = format!("webhook `{}`: nobody verifies it there for you", webhook.name);
            self.left(spec, what);
        }
        for source in &spec.from {
            let what = format!("source `{}`: make a subscription there by hand", source.name);
            self.left(spec, what);
        }
    }

    fn lost(&mut self, spec: &FunctionSpec, what: impl Into<String>) {
        self.controls_lost.push(Said { function: Some(spec.name.to_string()), what: what.into() });
    }
}

impl Directory {
    /// Every file of a package, as it would be deployed.
    ///
    /// # Errors
    /// One changed meanwhile.
    fn contents(
        &self,
        mut take: impl FnMut(&File, Vec<u8>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut list = Vec::new();
        std::io::Read::read_to_end(&mut self.list.open()?, &mut list)?;
        let list = Listing::parse(&list).map_err(anyhow::Error::new)?;
        for (file, source) in list.files.iter().zip(&self.files) {
            let mut content = Vec::new();
            source.each(|_, piece| {
                content.extend_from_slice(piece);
                Ok(())
            })?;
            take(file, content)?;
        }
        Ok(())
    }

    fn zipped(&self) -> anyhow::Result<Vec<u8>> {
        let mut archive = zip::Zip::default();
        self.contents(|file, content| Ok(archive.add(&file.path, file.executable, &content)?))?;
        Ok(archive.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_named_as_left_out() {
        let spec = r#"{"name":"f","schedule":[{"name":"nightly","every":"1d"}]}"#;
        let spec: FunctionSpec = serde_json::from_str(spec).expect("a function");
        let mut report = Report {
            to: Platform::Lambda,
            application: "shop".to_owned(),
            functions: Vec::new(),
            left_out: Vec::new(),
            controls_lost: Vec::new(),
            next: Vec::new(),
        };
        report.schedules(&spec);
        let what = "schedule `nightly`: make it there by hand, with EventBridge Scheduler";
        let left = Said { function: Some("f".to_owned()), what: what.to_owned() };
        assert_eq!(report.left_out, [left]);
    }
}
