//! Tags: labels that people give to functions. Nothing follows from them here.

use super::Doing;
use super::target::Target;
use super::wanted::Wanted;
use crate::fault::Fault;
use crate::route::parameters;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most tags of a function.
const TAGS_MAX: usize = 50;
/// Longest key and longest value, in characters.
const KEY_MAX: usize = 128;
const VALUE_MAX: usize = 256;

impl Doing<'_> {
    pub(super) async fn tag(&self, resource: &str, body: &[u8]) -> Result<(), Fault> {
        let target = self.tagged(resource)?;
        let mut wanted = Wanted::read(body)?;
        let new = wanted.texts("Tags")?.unwrap_or_default();
        wanted.done()?;
        if new.is_empty() {
            return Err(Fault::invalid("The request must contain at least one tag."));
        }
        check(&new)?;
        let all: BTreeMap<String, String> = target.tags().into_iter().chain(new).collect();
        check(&all)?;
        self.put_tags(&target, "TagResource", all).await
    }

    pub(super) async fn untag(&self, resource: &str) -> Result<(), Fault> {
        let target = self.tagged(resource)?;
        let keys = parameters(self.query, "tagKeys");
        if keys.is_empty() {
            return Err(Fault::constraint("null", "tagKeys", "Member must not be null"));
        }
        let mut all = target.tags();
        all.retain(|key, _| !keys.contains(key));
        self.put_tags(&target, "UntagResource", all).await
    }

    pub(super) fn list_tags(&self, resource: &str) -> Result<Value, Fault> {
        Ok(json!({ "Tags": self.tagged(resource)?.tags() }))
    }

    async fn put_tags(
        &self,
        target: &Target,
        what: &str,
        all: BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        let seen = target.beside.tags.clone();
        let put = |beside: &mut model::beside::Beside| {
            if beside.tags != seen {
                let message = "The function's tags were changed meanwhile.";
                return Err(Fault::new(409, "ResourceConflictException", message));
            }
            beside.tags = Some(all.clone());
            Ok(())
        };
        self.change(target, what, put).await.map(drop)
    }

    fn tagged(&self, resource: &str) -> Result<Target, Fault> {
        let target = self.target(resource)?;
        match target.qualifier {
            None => Ok(target),
            Some(_) => Err(Fault::invalid(
                "Tags on function aliases and versions are not supported. Please specify a function ARN.",
            )),
        }
    }
}

/// Refuses tags that AWS would not take.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    if tags.len() > TAGS_MAX {
        let message = format!("Number of tags exceeds resource tag limit of {TAGS_MAX}.");
        return Err(Fault::invalid(message));
    }
    for (key, value) in tags {
        let long = key.chars().count() > KEY_MAX || value.chars().count() > VALUE_MAX;
        if key.is_empty() || long || key.chars().chain(value.chars()).any(char::is_control) {
            let why = format!(
                "Map keys must have 1 to {KEY_MAX} characters, and values at most {VALUE_MAX}"
            );
            return Err(Fault::constraint(key, "tags", &why));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(Fault::invalid("System tags cannot be added/updated by requester"));
        }
    }
    Ok(())
}
