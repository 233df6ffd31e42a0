//! The function that a request is about, and which version of it.

use super::Doing;
use super::facts::Facts;
use super::shown;
use crate::LATEST;
use crate::arn::{self, Named};
use crate::fault::Fault;
use crate::route::parameter;
use model::act::Rights;
use model::beside::{Beside, WHOLE};
use model::{Code, FunctionName, FunctionRef, FunctionRow};
use serde_json::Value;
use std::fmt::Display;

/// How often a change is made again of what somebody else has changed meanwhile.
const ATTEMPTS: usize = 3;

/// A function, and what of it is meant.
pub(super) struct Target {
    /// What is active.
    pub(super) row: FunctionRow,
    /// What is kept beside it.
    pub(super) beside: Beside,
    /// The version or the alias that is named.
    pub(super) qualifier: Option<String>,
    /// The version that this is; none if it is what is active.
    pub(super) version: Option<u32>,
    /// Its ARN, without a qualifier.
    pub(super) arn: String,
}

impl Target {
    /// The name.
    pub(super) const fn name(&self) -> &FunctionName {
        &self.row.function.name
    }

    /// The ARN of this version or alias of it.
    pub(super) fn of(&self, word: impl Display) -> String {
        format!("{}:{word}", self.arn)
    }

    /// The ARN as it was named.
    pub(super) fn full_arn(&self) -> String {
        self.qualifier.as_ref().map_or_else(|| self.arn.clone(), |word| self.of(word))
    }

    /// Its tags.
    pub(super) fn tags(&self) -> std::collections::BTreeMap<String, String> {
        let made = || Facts::of(&self.row.spec).unwrap_or_default().tags;
        self.beside.tags.clone().unwrap_or_else(made)
    }
}

impl Doing<'_> {
    /// A function of the caller's place, by what a path says, and the version or alias that is
    /// named with it.
    pub(super) fn target(&self, text: &str) -> Result<Target, Fault> {
        self.target_or(text, |_, _| false)
    }

    /// The same, also for a version or alias that is gone, if this says so.
    pub(super) fn target_or(
        &self,
        text: &str,
        gone: impl Fn(&Beside, &str) -> bool,
    ) -> Result<Target, Fault> {
        let qualifier = parameter(self.query, "Qualifier");
        let named = Named::read(text, qualifier.as_deref())?;
        named.is_here(&self.signer.region)?;
        let missing = || Fault::no_function(&named.arn(&self.signer.region));
        let name = FunctionName::parse(&named.name).map_err(|_| missing())?;
        let row = self.row(&name).ok_or_else(missing)?;
        let beside = self.engine.beside(&row.function);
        let version = match named.qualifier.as_deref() {
            None | Some(LATEST) => None,
            Some(word) => match beside.version(word, WHOLE - 1) {
                Some(version) => version,
                None if gone(&beside, word) => None,
                None => return Err(missing()),
            },
        };
        let arn = arn::arn(&self.signer.region, &named.name);
        Ok(Target { row, beside, qualifier: named.qualifier, version, arn })
    }

    /// The same, for what is asked of a function as a whole.
    pub(super) fn whole(&self, text: &str) -> Result<Target, Fault> {
        let target = self.target(text)?;
        if target.qualifier.is_some() {
            return Err(Fault::invalid(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.",
            ));
        }
        Ok(target)
    }

    /// What `GetFunctionConfiguration` says of it.
    pub(super) fn shown(&self, target: &Target) -> Result<Value, Fault> {
        let Some(number) = target.version else {
            return Ok(shown::configuration(&target.row, &target.full_arn(), None));
        };
        let row = self.version_row(target, number)?;
        let version = target.beside.versions.get(&number);
        Ok(shown::configuration(&row, &target.full_arn(), version.map(|it| (number, it))))
    }

    /// The revision that is this version.
    pub(super) fn version_row(&self, target: &Target, number: u32) -> Result<FunctionRow, Fault> {
        let found = self.engine.version_row(&target.row.function, number);
        found.ok_or_else(|| Fault::no_function(&target.of(number)))
    }

    /// Changes what is kept beside a function, with one entry in the ledger, and gives what there
    /// is then. If somebody else changed it meanwhile, it is done again with what they made.
    pub(super) async fn change<T>(
        &self,
        target: &Target,
        what: &str,
        mut change: impl FnMut(&mut Beside) -> Result<T, Fault>,
    ) -> Result<(Beside, T), Fault> {
        self.change_rights(target, what, |beside, _| change(beside)).await
    }

    /// The same, with the grants that come and go with it: all of it is one act.
    pub(super) async fn change_rights<T>(
        &self,
        target: &Target,
        what: &str,
        mut change: impl FnMut(&mut Beside, &mut Rights) -> Result<T, Fault>,
    ) -> Result<(Beside, T), Fault> {
        let function: &FunctionRef = &target.row.function;
        for attempt in 1.. {
            let mut beside = self.engine.beside(function);
            let before = beside.clone();
            let mut rights = Rights::default();
            let made = change(&mut beside, &mut rights)?;
            if beside == before && rights == Rights::default() {
                return Ok((beside, made));
            }
            let (scope, actor) = (&self.signer.scope, self.actor());
            let (what, name, document) = (what.to_owned(), &function.name, beside.clone());
            let put = self.engine.put_beside(scope, &actor, name, what, document, rights);
            match put.await {
                Ok(_leaf) => return Ok((self.engine.beside(function), made)),
                Err(problem) if problem.code == Code::DeployConflict && attempt < ATTEMPTS => {}
                Err(problem) => return Err(super::deployed(&problem)),
            }
        }
        Err(Fault::new(409, "ResourceConflictException", "The function was changed meanwhile."))
    }
}
