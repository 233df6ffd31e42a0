//! Functions that are made, changed, shown and removed.
//!
//! A function named N lives as the application N with this one function. What AWS knows of it and we
//! do not lies beside it ([`facts`]). Functions that were deployed in another way are shown, and
//! changed where they were deployed.
//!
//! Invariant: only a key that was made for it gets here, and a change is made of the deployment that
//! it was made from, or not at all.

mod aliases;
mod asked;
mod ceilings;
mod code;
mod facts;
mod later;
mod mappings;
mod package;
mod page;
mod permissions;
mod shown;
mod statements;
mod tags;
mod target;
mod urls;
mod versions;
mod wanted;
mod zipped;

pub(crate) use asked::manage;

use crate::ACCOUNT;
use crate::arn;
use crate::fault::Fault;
use crate::route::parameter;
use base64::Engine as _;
use engine::{Engine, Signer};
use facts::Facts;
use model::api::DeployRequest;
use model::manifest::{FunctionSpec, Manifest};
use model::{
    Action, ApplicationName, Code, FunctionName, FunctionRef, FunctionRow, Grant, Principal,
    Problem,
};
use serde_json::{Value, json};
use target::Target;
use wanted::Wanted;

/// Most functions in a list.
const LIST_MAX: usize = 10_000;
/// Functions in a list of which nobody said how long it is.
const LIST_DEFAULT: usize = 50;

/// A request of somebody who may make it.
struct Doing<'a> {
    engine: &'a Engine,
    signer: Signer,
    query: Option<&'a str>,
    /// Where it was sent to.
    host: Option<&'a str>,
    /// Where addresses of functions are: scheme, domain and port.
    urls: &'a str,
}

impl Doing<'_> {
    async fn create(&self, body: &[u8]) -> Result<Value, Fault> {
        let mut wanted = Wanted::read(body)?;
        let name = wanted.name()?;
        let function = FunctionRef { scope: self.signer.scope.clone(), name: name.clone() };
        if self.engine.function_row(&function).is_some() {
            let message = format!("Function already exist: {name}");
            return Err(Fault::new(409, "ResourceConflictException", message));
        }
        let mut facts = Facts { role: wanted.role()?, ..Facts::default() };
        let mut spec = FunctionSpec::bare(name.clone(), None, model::manifest::Auth::Token);
        spec.http.clear();
        spec.runtime = model::manifest::Runtime::Native;
        let publish = wanted.flag("Publish")?;
        let code = wanted.code()?;
        wanted.apply(&mut spec, &mut facts, true)?;
        wanted.tags(&mut facts)?;
        wanted.done()?;
        self.put_code(&mut spec, &mut facts, code).await?;
        let (invoke, later) = (name.clone(), name.clone());
        let own = [Action::Invoke { function: invoke }, Action::InvokeAsync { function: later }];
        let grant = |action| Grant { who: Principal::Token(self.signer.name.clone()), action };
        self.deploy(spec, facts, 0, own.map(grant).into()).await?;
        let target = self.target(name.as_str())?;
        if publish { self.published(target, None).await } else { self.shown(&target) }
    }

    async fn update_code(&self, name: &str, body: &[u8]) -> Result<Value, Fault> {
        let (target, mut facts) = self.ours(name)?;
        let row = &target.row;
        let mut wanted = Wanted::read(body)?;
        wanted.is_of(row)?;
        let publish = wanted.flag("Publish")?;
        let dry = wanted.flag("DryRun")?;
        let code = wanted.code_here()?;
        wanted.architectures()?;
        wanted.done()?;
        let mut spec = row.spec.clone();
        self.put_code(&mut spec, &mut facts, code).await?;
        if dry {
            let row = FunctionRow { spec: facts.beside(spec), ..row.clone() };
            return self.shown(&Target { row, ..target });
        }
        self.deploy(spec, facts, row.deployment, Vec::new()).await?;
        let target = self.target(name)?;
        if publish { self.published(target, None).await } else { self.shown(&target) }
    }

    async fn update(&self, name: &str, body: &[u8]) -> Result<Value, Fault> {
        let (target, mut facts) = self.ours(name)?;
        let row = &target.row;
        let mut wanted = Wanted::read(body)?;
        wanted.is_of(row)?;
        let mut spec = row.spec.clone();
        if wanted.has("Role") {
            facts.role = wanted.role()?;
        }
        wanted.apply(&mut spec, &mut facts, false)?;
        wanted.done()?;
        self.deploy(spec, facts, row.deployment, Vec::new()).await?;
        self.shown(&self.target(name)?)
    }

    async fn delete(&self, name: &str) -> Result<(), Fault> {
        let target = self.target(name)?;
        if let Some(word) = &target.qualifier {
            return self.unpublish(&target, word).await;
        }
        let (Target { row, .. }, _) = self.ours(name)?;
        let removed = self.engine.remove(&self.signer.scope, &self.actor(), &row.application).await;
        removed.map(drop).map_err(|problem| deployed(&problem))
    }

    fn get(&self, name: &str) -> Result<Value, Fault> {
        let target = self.target(name)?;
        let mut said = json!({
            "Configuration": self.shown(&target)?,
            "Code": self.location(&target)?,
        });
        if let Some(members) = said.as_object_mut() {
            let tags = target.tags();
            members.extend((!tags.is_empty()).then(|| ("Tags".to_owned(), json!(tags))));
            let ceiling = ceilings::ceiling(&target.beside);
            members.extend(ceiling.map(|it| ("Concurrency".to_owned(), it)));
        }
        Ok(said)
    }

    fn list(&self) -> Result<Value, Fault> {
        if let Some(other) = parameter(self.query, "FunctionVersion") {
            return Err(Fault::invalid(format!(
                "This node lists functions without their versions, not FunctionVersion={}: use ListVersionsByFunction.",
                other.chars().take(40).collect::<String>()
            )));
        }
        let most = self.items(LIST_DEFAULT, LIST_MAX)?;
        let after = parameter(self.query, "Marker").unwrap_or_default();
        let all = self.engine.functions(&self.signer.scope);
        let mut rest = all.into_iter().filter(|it| it.name.as_str() > after.as_str());
        let page: Vec<FunctionRow> =
            rest.by_ref().filter_map(|it| self.row(&it.name)).take(most).collect();
        let functions: Vec<Value> = page
            .iter()
            .map(|row| {
                let arn = arn::arn(&self.signer.region, row.function.name.as_str());
                shown::configuration(row, &arn, None)
            })
            .collect();
        let last = page.last().filter(|_| rest.next().is_some());
        let next = last.map(|row| row.function.name.to_string());
        Ok(match next {
            Some(next) => json!({ "Functions": functions, "NextMarker": next }),
            None => json!({ "Functions": functions }),
        })
    }

    fn account(&self) -> Value {
        let all = self.engine.functions(&self.signer.scope);
        let rows: Vec<FunctionRow> = all.iter().filter_map(|it| self.row(&it.name)).collect();
        let size: u64 = rows.iter().filter_map(|row| Some(Facts::of(&row.spec)?.code_size)).sum();
        json!({
            "AccountLimit": {
                "TotalCodeSize": u64::MAX >> 12,
                "CodeSizeUnzipped": 262_144_000,
                "CodeSizeZipped": package::ZIP_BYTES_MAX,
                "ConcurrentExecutions": 1000,
                "UnreservedConcurrentExecutions": 1000,
            },
            "AccountUsage": { "TotalCodeSize": size, "FunctionCount": rows.len() },
        })
    }

    fn row(&self, name: &FunctionName) -> Option<FunctionRow> {
        let scope = self.signer.scope.clone();
        self.engine.function_row(&FunctionRef { scope, name: name.clone() })
    }

    /// A function that was made here, and so can be changed here.
    fn ours(&self, text: &str) -> Result<(Target, Facts), Fault> {
        let target = self.target(text)?;
        if target.version.is_some() {
            return Err(Fault::invalid(
                "A version cannot be changed: name the function without one.",
            ));
        }
        let row = &target.row;
        match Facts::of(&row.spec) {
            Some(facts) if row.application.as_str() == row.function.name.as_str() => {
                Ok((target, facts))
            }
            _ => {
                let message = format!(
                    "{} was deployed with the application {}: change it there, and run `casemate deploy`",
                    row.function.name, row.application
                );
                Err(Fault::new(409, "ResourceConflictException", message))
            }
        }
    }

    async fn put_code(
        &self,
        spec: &mut FunctionSpec,
        facts: &mut Facts,
        zip: String,
    ) -> Result<(), Fault> {
        let zip = base64::engine::general_purpose::STANDARD.decode(zip).map_err(|_| {
            Fault::content("Could not parse request body into json: ZipFile is no base 64")
        })?;
        facts.code_size = zip.len() as u64;
        facts.code_sha256 =
            base64::engine::general_purpose::STANDARD.encode(engine::sha256(&zip).0);
        let made = tokio::task::spawn_blocking(move || package::Package::read(zip)).await;
        let made =
            made.map_err(|_| Fault::new(500, "ServiceException", "the zip was not read"))??;
        spec.digest = Some(made.digest);
        for bundle in made.bundles {
            let put = self.engine.put_bundle(bundle).await;
            put.map_err(|problem| deployed(&problem))?;
        }
        Ok(())
    }

    async fn deploy(
        &self,
        spec: FunctionSpec,
        mut facts: Facts,
        expected: u32,
        grants: Vec<Grant>,
    ) -> Result<(), Fault> {
        facts.modified = self.engine.now();
        let application = ApplicationName::parse(spec.name.as_str())
            .map_err(|error| Fault::invalid(error.to_string()))?;
        let manifest = Manifest::of(application, vec![facts.beside(spec)]);
        let request = DeployRequest { manifest, grant: false };
        let (scope, actor) = (&self.signer.scope, self.actor());
        let done =
            self.engine.deploy_granting(scope, &actor, request, Some(expected), grants).await;
        done.map(drop).map_err(|problem| deployed(&problem))
    }

    /// Who acts, in ledger entries.
    fn actor(&self) -> String {
        format!("token:{}", self.signer.name)
    }
}

/// Why something was not deployed.
fn deployed(problem: &Problem) -> Fault {
    let message = problem.to_string();
    match problem.code {
        Code::DeployConflict | Code::FunctionTaken => {
            Fault::new(409, "ResourceConflictException", message)
        }
        code if code.status() < 500 => Fault::invalid(message),
        _ => Fault::refused(problem, &format!("arn:aws:lambda::{ACCOUNT}:function"), None),
    }
}
