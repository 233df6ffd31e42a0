//! How many invocations a function may have at a time, and how many processes are kept for it.

use super::Doing;
use super::target::Target;
use super::wanted::Wanted;
use crate::LATEST;
use crate::fault::Fault;
use model::beside::{Beside, Provisioned};
use serde_json::{Value, json};

/// Most processes that are kept ready of a version, as in manifests.
const PROVISIONED_MAX: u64 = 100;

impl Doing<'_> {
    pub(super) async fn put_ceiling(&self, name: &str, body: &[u8]) -> Result<Value, Fault> {
        let target = self.whole(name)?;
        let mut wanted = Wanted::read(body)?;
        let most = u64::from(self.engine.concurrency_max());
        let said = wanted.number("ReservedConcurrentExecutions", 0, u64::from(u32::MAX))?;
        wanted.done()?;
        let count = said.ok_or_else(|| {
            let why = "Member must not be null";
            Fault::constraint("null", "reservedConcurrentExecutions", why)
        })?;
        let within = u32::try_from(count).ok().filter(|_| count <= most);
        let ceiling = within.ok_or_else(|| {
            Fault::invalid(format!(
                "Specified ReservedConcurrentExecutions for function is above this node's ceiling of {most}."
            ))
        })?;
        let what = format!("PutFunctionConcurrency {ceiling}");
        let put = |beside: &mut Beside| {
            if beside.provisioned.values().any(|kept| kept.count > ceiling) {
                return Err(Fault::invalid(
                    "ReservedConcurrentExecutions should not be lower than the function's total provisioned concurrency.",
                ));
            }
            beside.ceiling = Some(ceiling);
            Ok(())
        };
        self.change(&target, &what, put).await?;
        Ok(json!({ "ReservedConcurrentExecutions": ceiling }))
    }

    pub(super) fn get_ceiling(&self, name: &str) -> Result<Value, Fault> {
        Ok(ceiling(&self.whole(name)?.beside).unwrap_or_else(|| json!({})))
    }

    pub(super) async fn delete_ceiling(&self, name: &str) -> Result<(), Fault> {
        let target = self.whole(name)?;
        let take = |beside: &mut Beside| {
            beside.ceiling = None;
            Ok(())
        };
        self.change(&target, "DeleteFunctionConcurrency", take).await?;
        Ok(())
    }

    pub(super) async fn put_provisioned(&self, name: &str, body: &[u8]) -> Result<Value, Fault> {
        let (target, word) = self.provisionable(name)?;
        let mut wanted = Wanted::read(body)?;
        let count = wanted.number("ProvisionedConcurrentExecutions", 1, u64::from(u32::MAX))?;
        wanted.done()?;
        let count = count.ok_or_else(|| {
            let why = "Member must not be null";
            Fault::constraint("null", "provisionedConcurrentExecutions", why)
        })?;
        let most = PROVISIONED_MAX.min(u64::from(self.engine.concurrency_max()));
        let within = u32::try_from(count).ok().filter(|_| count <= most);
        let count = within.ok_or_else(|| {
            Fault::invalid(format!("This node keeps at most {most} processes of a version ready."))
        })?;
        let row = target.version.map(|number| self.version_row(&target, number)).transpose()?;
        let native = row.as_ref().and_then(|row| row.spec.native.as_ref());
        if native.is_none_or(|native| native.contract.is_a_process_each()) {
            return Err(Fault::invalid("This function has no processes that could be kept ready."));
        }
        let modified = self.engine.now();
        let what = format!("PutProvisionedConcurrencyConfig {word} {count}");
        let put = |beside: &mut Beside| {
            if beside.ceiling.is_some_and(|ceiling| ceiling < count) {
                return Err(Fault::invalid(
                    "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
                ));
            }
            beside.provisioned.insert(word.clone(), Provisioned { count, modified });
            Ok(())
        };
        self.change(&target, &what, put).await?;
        Ok(self.status(&target, target.version, Provisioned { count, modified }))
    }

    pub(super) fn get_provisioned(&self, name: &str) -> Result<Value, Fault> {
        let (target, word) = self.provisionable(name)?;
        let kept = target.beside.provisioned.get(&word).ok_or_else(|| {
            let message = "No Provisioned Concurrency Config found for this function";
            Fault::new(404, "ProvisionedConcurrencyConfigNotFoundException", message)
        })?;
        Ok(self.status(&target, target.version, *kept))
    }

    pub(super) async fn delete_provisioned(&self, name: &str) -> Result<(), Fault> {
        let (target, word) = self.provisionable(name)?;
        let take = |beside: &mut Beside| {
            beside.provisioned.remove(&word);
            Ok(())
        };
        let what = format!("DeleteProvisionedConcurrencyConfig {word}");
        self.change(&target, &what, take).await?;
        Ok(())
    }

    pub(super) fn list_provisioned(&self, name: &str) -> Result<Value, Fault> {
        let target = self.whole(name)?;
        let all = target.beside.provisioned.iter().map(|(word, kept)| {
            let version = target.beside.version(word, model::beside::WHOLE - 1).flatten();
            let mut said = self.status(&target, version, *kept);
            if let Some(members) = said.as_object_mut() {
                members.insert("FunctionArn".to_owned(), json!(target.of(word)));
            }
            (word.clone(), said)
        });
        self.page("ProvisionedConcurrencyConfigs", &all.collect::<Vec<_>>(), 50)
    }

    /// A version or an alias of one, by the word for it.
    fn provisionable(&self, name: &str) -> Result<(Target, String), Fault> {
        let target = self.target(name)?;
        match target.qualifier.clone().filter(|word| word != LATEST) {
            Some(word) if target.version.is_some() => Ok((target, word)),
            None if target.qualifier.is_none() => {
                let why = "Member must not be null";
                Err(Fault::constraint("null", "qualifier", why))
            }
            _ => Err(Fault::invalid(
                "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
            )),
        }
    }

    fn status(&self, target: &Target, version: Option<u32>, kept: Provisioned) -> Value {
        let there = version.and_then(|number| self.engine.at_hand(&target.row.function, number));
        let ready = there.unwrap_or(0).min(kept.count as usize);
        json!({
            "RequestedProvisionedConcurrentExecutions": kept.count,
            "AllocatedProvisionedConcurrentExecutions": ready,
            "AvailableProvisionedConcurrentExecutions": ready,
            "Status": if ready < kept.count as usize { "IN_PROGRESS" } else { "READY" },
            "LastModified": super::shown::time(kept.modified),
        })
    }
}

/// What is said of a function's ceiling, if it has one.
pub(super) fn ceiling(beside: &Beside) -> Option<Value> {
    beside.ceiling.map(|most| json!({ "ReservedConcurrentExecutions": most }))
}
