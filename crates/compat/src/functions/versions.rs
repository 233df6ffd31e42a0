//! Versions: revisions under numbers that do not move.

use super::facts::Facts;
use super::target::Target;
use super::wanted::Wanted;
use super::{Doing, shown, statements};
use crate::LATEST;
use crate::fault::Fault;
use model::act::Rights;
use model::beside::{Beside, VERSIONS_MAX, Version};
use model::manifest::FunctionSpec;
use model::{FunctionRow, Timestamp};
use serde_json::Value;

impl Doing<'_> {
    pub(super) async fn publish(&self, name: &str, body: &[u8]) -> Result<Value, Fault> {
        let target = self.whole(name)?;
        let mut wanted = Wanted::read(body)?;
        wanted.is_of(&target.row)?;
        let description = wanted.description()?;
        let digest = wanted.text("CodeSha256")?.filter(|text| !text.is_empty());
        wanted.done()?;
        let own = Facts::of(&target.row.spec).unwrap_or_default().code_sha256;
        if let Some(said) = digest.filter(|said| *said != own) {
            let said: String = said.chars().take(100).collect();
            return Err(Fault::invalid(format!(
                "CodeSHA256 ({said}) is different from current CodeSHA256 in $LATEST ({own}). Please try again with the CodeSHA256 in $LATEST."
            )));
        }
        self.published(target, description).await
    }

    /// Makes a version of what is active, and shows it.
    pub(super) async fn published(
        &self,
        target: Target,
        description: Option<String>,
    ) -> Result<Value, Fault> {
        if target.row.spec.assets.is_some() {
            return Err(Fault::invalid("Files have no versions."));
        }
        let last = target.beside.versions.last_key_value().map(|(number, _)| *number);
        if let Some(last) = last
            && is_same(&self.version_row(&target, last)?, &target.row)
        {
            return self.shown(&Target {
                qualifier: Some(last.to_string()),
                version: Some(last),
                ..target
            });
        }
        let (revision, published) = (target.row.revision, self.engine.now());
        let what = format!("PublishVersion of revision {revision}");
        let (beside, number) = self
            .change(&target, &what, |beside| {
                if beside.versions.len() >= VERSIONS_MAX {
                    let message = format!("This node keeps at most {VERSIONS_MAX} versions of a function: delete some.");
                    return Err(Fault::new(400, "CodeStorageExceededException", message));
                }
                beside.published = beside.published.saturating_add(1);
                let description = description.clone();
                beside.versions.insert(beside.published, Version { revision, description, published });
                Ok(beside.published)
            })
            .await?;
        let qualifier = Some(number.to_string());
        self.shown(&Target { beside, qualifier, version: Some(number), ..target })
    }

    pub(super) fn versions(&self, name: &str) -> Result<Value, Fault> {
        let target = self.whole(name)?;
        let latest = shown::configuration(&target.row, &target.of(LATEST), None);
        let mut all = vec![(LATEST.to_owned(), latest)];
        for (number, version) in &target.beside.versions {
            let row = self.version_row(&target, *number)?;
            let said = shown::configuration(&row, &target.of(number), Some((*number, version)));
            all.push((number.to_string(), said));
        }
        self.page("Versions", &all, 10_000)
    }

    /// Removes one version.
    pub(super) async fn unpublish(&self, target: &Target, word: &str) -> Result<(), Fault> {
        let number = match target.version {
            None => {
                return Err(Fault::invalid(
                    "$LATEST version cannot be deleted without deleting the function.",
                ));
            }
            Some(_) if target.beside.aliases.contains_key(word) => {
                return Err(Fault::invalid("Deletion of aliases is not currently supported."));
            }
            Some(number) => number,
        };
        let remove = |beside: &mut Beside, rights: &mut Rights| {
            let by: Vec<&str> = beside
                .aliases
                .iter()
                .filter(|(_, it)| it.version == Some(number) || it.weights.contains_key(&number))
                .map(|(name, _)| name.as_str())
                .collect();
            if !by.is_empty() {
                let message = format!(
                    "Unable to delete version because the following aliases reference it: [{}]",
                    by.join(", ")
                );
                return Err(Fault::new(409, "ResourceConflictException", message));
            }
            rights.gone = statements::take(beside, target.name(), |_, it| it.is_of(word));
            beside.versions.remove(&number);
            beside.provisioned.remove(word);
            beside.later.remove(word);
            Ok(())
        };
        let what = format!("DeleteFunction of version {number}");
        self.change_rights(target, &what, remove).await?;
        Ok(())
    }
}

/// Whether two revisions differ in nothing but when they were made.
fn is_same(one: &FunctionRow, other: &FunctionRow) -> bool {
    one.artifact == other.artifact && timeless(&one.spec) == timeless(&other.spec)
}

fn timeless(spec: &FunctionSpec) -> FunctionSpec {
    match Facts::of(spec) {
        Some(facts) => Facts { modified: Timestamp::default(), ..facts }.beside(spec.clone()),
        None => spec.clone(),
    }
}
