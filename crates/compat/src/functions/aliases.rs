//! Aliases: names of versions that can move, and divide their calls.

use super::target::Target;
use super::wanted::Wanted;
use super::{Doing, statements};
use crate::LATEST;
use crate::fault::Fault;
use crate::route::parameter;
use model::act::Rights;
use model::beside::{Alias, Beside, WHOLE};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// What AWS says that a name has to fit.
const PATTERN: &str = "(?!^[0-9]+$)([a-zA-Z0-9-_]+)";
/// What AWS says that a version has to fit.
const VERSION_PATTERN: &str = "(\\$LATEST(\\.PUBLISHED)?|[0-9]+)";

impl Doing<'_> {
    pub(super) async fn create_alias(&self, name: &str, body: &[u8]) -> Result<Value, Fault> {
        let target = self.whole(name)?;
        let mut wanted = Wanted::read(body)?;
        let alias = checked(wanted.text("Name")?.unwrap_or_default())?;
        let version = wanted.text("FunctionVersion")?.unwrap_or_default();
        let description = wanted.description()?.unwrap_or_default();
        let weights = weights(&mut wanted)?.unwrap_or_default();
        wanted.done()?;
        let (beside, ()) = self
            .change(&target, &format!("CreateAlias {alias}"), |beside| {
                if beside.aliases.contains_key(&alias) {
                    let message = format!("Alias already exists: {}", target.of(&alias));
                    return Err(Fault::new(409, "ResourceConflictException", message));
                }
                let version = numbered(&target, beside, &version)?;
                divides(&target, beside, version, &weights)?;
                let (changed, description) = (beside.number, description.clone());
                let made = Alias { version, weights: weights.clone(), description, changed };
                beside.aliases.insert(alias.clone(), made);
                Ok(())
            })
            .await?;
        show(&target, &beside, &alias)
    }

    pub(super) async fn update_alias(
        &self,
        name: &str,
        alias: &str,
        body: &[u8],
    ) -> Result<Value, Fault> {
        let target = self.whole(name)?;
        let mut wanted = Wanted::read(body)?;
        let version = wanted.text("FunctionVersion")?;
        let description = wanted.description()?;
        let weights = weights(&mut wanted)?;
        let revision = wanted.text("RevisionId")?;
        wanted.done()?;
        let (beside, ()) = self
            .change(&target, &format!("UpdateAlias {alias}"), |beside| {
                let Some(mut made) = beside.aliases.get(alias).cloned() else {
                    return Err(missing(&target, alias));
                };
                if revision.as_ref().is_some_and(|said| *said != id(&target, alias, &made)) {
                    return Err(Fault::another_revision());
                }
                if let Some(version) = &version {
                    made.version = numbered(&target, beside, version)?;
                }
                made.weights = weights.clone().unwrap_or(made.weights);
                made.description = description.clone().unwrap_or(made.description);
                divides(&target, beside, made.version, &made.weights)?;
                made.changed = beside.number;
                beside.aliases.insert(alias.to_owned(), made);
                Ok(())
            })
            .await?;
        show(&target, &beside, alias)
    }

    pub(super) async fn delete_alias(&self, name: &str, alias: &str) -> Result<(), Fault> {
        let target = self.whole(name)?;
        let remove = |beside: &mut Beside, rights: &mut Rights| {
            rights.gone = statements::take(beside, target.name(), |_, it| it.is_of(alias));
            beside.aliases.remove(alias);
            beside.provisioned.remove(alias);
            beside.urls.remove(alias);
            Ok(())
        };
        let what = format!("DeleteAlias {}", checked(alias.to_owned())?);
        self.change_rights(&target, &what, remove).await?;
        Ok(())
    }

    pub(super) fn get_alias(&self, name: &str, alias: &str) -> Result<Value, Fault> {
        let target = self.whole(name)?;
        show(&target, &target.beside, alias)
    }

    pub(super) fn list_aliases(&self, name: &str) -> Result<Value, Fault> {
        let target = self.whole(name)?;
        let version = parameter(self.query, "FunctionVersion");
        let of = match &version {
            Some(version) => Some(numbered(&target, &target.beside, version)?),
            None => None,
        };
        let aliases = target.beside.aliases.iter();
        let own = aliases.filter(|(_, alias)| of.is_none_or(|version| alias.version == version));
        let all = own.map(|(name, alias)| (name.clone(), shown(&target, name, alias)));
        self.page("Aliases", &all.collect::<Vec<_>>(), 10_000)
    }
}

fn missing(target: &Target, alias: &str) -> Fault {
    Fault::not_found(format!("Cannot find alias arn: {}", target.of(alias)))
}

fn show(target: &Target, beside: &Beside, alias: &str) -> Result<Value, Fault> {
    let found = beside.aliases.get(alias);
    found.map(|found| shown(target, alias, found)).ok_or_else(|| missing(target, alias))
}

fn shown(target: &Target, name: &str, alias: &Alias) -> Value {
    let mut said = json!({
        "AliasArn": target.of(name),
        "Name": name,
        "FunctionVersion": alias.version.map_or_else(|| LATEST.to_owned(), |it| it.to_string()),
        "Description": alias.description,
        "RevisionId": id(target, name, alias),
    });
    if let (Some(members), false) = (said.as_object_mut(), alias.weights.is_empty()) {
        let part = |(version, weight): (&u32, &u32)| {
            (version.to_string(), f64::from(*weight) / f64::from(WHOLE))
        };
        let weights: BTreeMap<String, f64> = alias.weights.iter().map(part).collect();
        let routing = json!({ "AdditionalVersionWeights": weights });
        members.insert("RoutingConfig".to_owned(), routing);
    }
    said
}

/// A name for this state of an alias, of the form that AWS's have.
fn id(target: &Target, name: &str, alias: &Alias) -> String {
    let text = format!("{} {} {name} {}", target.arn, target.row.application, alias.changed);
    super::shown::uuid(&engine::sha256(text.as_bytes()))
}

/// An alias's name.
fn checked(name: String) -> Result<String, Fault> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let sound = !name.is_empty() && name.bytes().all(word);
    if name.len() > NAME_BYTES_MAX {
        let why = format!("Member must have length less than or equal to {NAME_BYTES_MAX}");
        return Err(Fault::constraint(&name, "name", &why));
    }
    if !sound || name.bytes().all(|byte| byte.is_ascii_digit()) {
        let why = format!("Member must satisfy regular expression pattern: {PATTERN}");
        return Err(Fault::constraint(&name, "name", &why));
    }
    Ok(name)
}

/// The version that a text names: one that is there, or what is active.
fn numbered(target: &Target, beside: &Beside, text: &str) -> Result<Option<u32>, Fault> {
    if text == LATEST {
        return Ok(None);
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let why = format!("Member must satisfy regular expression pattern: {VERSION_PATTERN}");
        return Err(Fault::constraint(text, "functionVersion", &why));
    }
    let missing = || Fault::no_function(&target.of(text.chars().take(40).collect::<String>()));
    beside.version(text, 0).ok_or_else(missing)
}

/// The parts that other versions get. `None` if nothing is said.
fn weights(wanted: &mut Wanted) -> Result<Option<BTreeMap<u32, u32>>, Fault> {
    let Some(mut routing) = wanted.part("RoutingConfig")? else { return Ok(None) };
    let said = routing.part("AdditionalVersionWeights")?;
    routing.done()?;
    let mut weights = BTreeMap::new();
    for (version, weight) in said.map(Wanted::members).unwrap_or_default() {
        let at = "routingConfig.additionalVersionWeights";
        let number = version.parse().map_err(|_| {
            let why = "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [0-9]+]";
            Fault::constraint(&version, at, why)
        })?;
        let part = weight.as_f64().filter(|part| (0.0..=1.0).contains(part)).ok_or_else(|| {
            let why = "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0]";
            Fault::constraint(&weight.to_string(), at, why)
        })?;
        // Within 0 and the whole.
        weights.insert(number, (part * f64::from(WHOLE)).round() as u32);
    }
    if weights.len() > 1 {
        let message = "Number of items in AdditionalVersionWeights cannot be greater than 1";
        return Err(Fault::invalid(message));
    }
    Ok(Some(weights))
}

/// Refuses parts for versions that cannot have them.
fn divides(
    target: &Target,
    beside: &Beside,
    version: Option<u32>,
    weights: &BTreeMap<u32, u32>,
) -> Result<(), Fault> {
    let Some(part) = weights.keys().next() else { return Ok(()) };
    let Some(version) = version else {
        let message = "$LATEST is not supported for an alias pointing to more than 1 version";
        return Err(Fault::invalid(message));
    };
    if *part == version {
        return Err(Fault::invalid(format!(
            "Invalid function version {version}. Function version {version} is already included in routing configuration."
        )));
    }
    numbered(target, beside, &part.to_string()).map(drop)
}
