//! How calls with `Event` are tried again.

use super::Doing;
use super::target::Target;
use super::wanted::Wanted;
use crate::LATEST;
use crate::fault::Fault;
use model::beside::{Beside, Later};
use serde_json::{Value, json};

impl Doing<'_> {
    /// Sets it; with `keep`, only what is said.
    pub(super) async fn put_later(
        &self,
        name: &str,
        body: &[u8],
        keep: bool,
    ) -> Result<Value, Fault> {
        let (target, word) = self.waiting(name)?;
        let mut wanted = Wanted::read(body)?;
        let number = |it: Option<u64>| it.and_then(|it| u32::try_from(it).ok());
        let retries = number(wanted.number("MaximumRetryAttempts", 0, 2)?);
        let age_s = number(wanted.number("MaximumEventAgeInSeconds", 60, 21_600)?);
        no_destinations(&mut wanted)?;
        wanted.done()?;
        if retries.is_none() && age_s.is_none() {
            let message = "You must specify at least one of error handling or destination setting.";
            return Err(Fault::invalid(message));
        }
        let modified = self.engine.now();
        let put = |beside: &mut Beside| {
            let mut later = Later { retries, age_s, modified };
            if keep {
                let old = beside.later.get(&word).ok_or_else(|| missing(&target, &word))?;
                later.retries = retries.or(old.retries);
                later.age_s = age_s.or(old.age_s);
            }
            beside.later.insert(word.clone(), later);
            Ok(later)
        };
        let what = format!("PutFunctionEventInvokeConfig {word}");
        let (_, later) = self.change(&target, &what, put).await?;
        Ok(shown(&target, &word, &later))
    }

    pub(super) fn get_later(&self, name: &str) -> Result<Value, Fault> {
        let (target, word) = self.waiting(name)?;
        let later = target.beside.later.get(&word).ok_or_else(|| missing(&target, &word))?;
        Ok(shown(&target, &word, later))
    }

    pub(super) fn list_later(&self, name: &str) -> Result<Value, Fault> {
        let target = self.whole(name)?;
        let all = target.beside.later.iter();
        let all = all.map(|(word, later)| (latest(word).to_owned(), shown(&target, word, later)));
        self.page("FunctionEventInvokeConfigs", &all.collect::<Vec<_>>(), 50)
    }

    pub(super) async fn delete_later(&self, name: &str) -> Result<(), Fault> {
        let (target, word) = self.waiting(name)?;
        let take = |beside: &mut Beside| {
            let gone = beside.later.remove(&word);
            gone.map(drop).ok_or_else(|| missing(&target, &word))
        };
        self.change(&target, &format!("DeleteFunctionEventInvokeConfig {word}"), take).await?;
        Ok(())
    }

    /// A function or a version of it, by the word for it: nothing for what is active.
    fn waiting(&self, name: &str) -> Result<(Target, String), Fault> {
        let target = self.target(name)?;
        let word = target.qualifier.clone().filter(|word| word != LATEST).unwrap_or_default();
        if target.beside.aliases.contains_key(&word) {
            return Err(Fault::invalid(
                "This node has no EventInvokeConfig of an alias: a call that waits is one of a version. Name the version.",
            ));
        }
        Ok((target, word))
    }
}

fn latest(word: &str) -> &str {
    if word.is_empty() { LATEST } else { word }
}

fn missing(target: &Target, word: &str) -> Fault {
    let arn = target.of(latest(word));
    Fault::not_found(format!("The function {arn} doesn't have an EventInvokeConfig"))
}

/// Nothing is sent anywhere when a call is over.
fn no_destinations(wanted: &mut Wanted) -> Result<(), Fault> {
    let Some(mut destinations) = wanted.part("DestinationConfig")? else { return Ok(()) };
    for name in ["OnSuccess", "OnFailure"] {
        let said = destinations.part(name)?.map(|mut part| part.text("Destination")).transpose()?;
        if said.flatten().is_some_and(|text| !text.is_empty()) {
            return Err(Fault::invalid(format!(
                "This node has no DestinationConfig.{name}: what fails for good is in `casemate queue list --dead`."
            )));
        }
    }
    destinations.done()
}

fn shown(target: &Target, word: &str, later: &Later) -> Value {
    let mut said = json!({
        "LastModified": later.modified.0 / 1_000_000,
        "FunctionArn": target.of(latest(word)),
        "DestinationConfig": { "OnSuccess": {}, "OnFailure": {} },
    });
    if let Some(members) = said.as_object_mut() {
        let retries = later.retries.map(|it| ("MaximumRetryAttempts".to_owned(), json!(it)));
        let age = later.age_s.map(|it| ("MaximumEventAgeInSeconds".to_owned(), json!(it)));
        members.extend(retries.into_iter().chain(age));
    }
    said
}
