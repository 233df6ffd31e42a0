//! One random history, two versions: everything that can be read must be equal.

use super::{Both, application, function, operator, token_name};
use anyhow::{Context, Result, ensure};
use model::act::Act;
use model::{Action, Grant, Principal, Problem};
use ports::registry::By;
use proptest::prelude::*;

const APPLICATIONS: [&str; 3] = ["shop", "blog", "mail"];
const FUNCTIONS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
const COMPONENTS: [&str; 2] = ["one", "two"];
const ROUTES: [&str; 5] =
    ["GET /x", "GET /{a}", "GET /{b}", "* api.example.com/x", "POST /alpha/{*rest}"];
const TOKENS: [&str; 2] = ["ci", "ops"];
const SECRETS: [&str; 2] = ["psp", "mail"];
const TENANTS: [&str; 2] = ["default", "other"];

/// Histories of up to `acts_max` small acts, in two scopes, over few names, so that clashes,
/// repetitions and returns of old content are frequent.
pub fn histories(acts_max: usize) -> impl Strategy<Value = Vec<(Act, By)>> {
    let step = (act(), proptest::sample::select(&TENANTS), 0..100_i64);
    let step = step.prop_map(|(act, tenant, second)| {
        let mut by = operator(second);
        by.scope.tenant = super::name(tenant);
        (act, by)
    });
    proptest::collection::vec(step, 1..acts_max)
}

fn act() -> impl Strategy<Value = Act> {
    let application_name = || proptest::sample::select(&APPLICATIONS).prop_map(application);
    let number = || proptest::option::weighted(0.4, 0..4_u32);
    let invoke = proptest::sample::subsequence(&FUNCTIONS, 0..3);
    prop_oneof![
        5 => deployment(),
        2 => (application_name(), number())
            .prop_map(|(application, to)| Act::Rollback { application, to }),
        1 => application_name().prop_map(|application| Act::Remove { application }),
        2 => grant().prop_map(|grant| Act::Grant { grant }),
        1 => grant().prop_map(|grant| Act::Revoke { grant }),
        1 => (proptest::sample::select(&TOKENS), invoke)
            .prop_map(|(name, invoke)| super::token(name, &invoke)),
        1 => proptest::sample::select(&TOKENS)
            .prop_map(|name| Act::TokenRevoke { name: token_name(name) }),
        3 => (proptest::sample::select(&SECRETS), 1..5_u32, any::<bool>())
            .prop_map(|(name, version, rotate)| super::secret(name, version, rotate)),
        1 => proptest::sample::select(&SECRETS).prop_map(super::secret_remove),
        1 => Just(Act::Genesis { version: "0.1.0".to_owned() }),
    ]
}

fn deployment() -> impl Strategy<Value = Act> {
    let function = (
        proptest::sample::select(&FUNCTIONS),
        proptest::sample::select(&COMPONENTS),
        proptest::sample::subsequence(&ROUTES, 0..3),
        proptest::option::weighted(0.9, Just(())),
    );
    let functions = proptest::collection::vec(function, 0..4);
    let grants = proptest::collection::vec(grant(), 0..2);
    let expected = proptest::option::weighted(0.2, 0..3_u32);
    let application = proptest::sample::select(&APPLICATIONS);
    (application, functions, expected, grants).prop_map(
        |(application, functions, expected, new)| {
            let specs: Vec<_> = functions
                .into_iter()
                .map(|(name, component, routes, uploaded)| {
                    let mut spec = super::spec(name, component, &routes);
                    spec.digest = spec.digest.filter(|_| uploaded.is_some());
                    spec
                })
                .collect();
            match super::deploy(application, &specs) {
                Act::Deploy { manifest, .. } => Act::Deploy { manifest, expected, grants: new },
                other => other,
            }
        },
    )
}

fn grant() -> impl Strategy<Value = Grant> {
    let function = || proptest::sample::select(&FUNCTIONS).prop_map(|text| function(text).name);
    let http = Action::Http { target: "GET https://api.example.com/*".to_owned() };
    prop_oneof![
        4 => function().prop_map(|function| Grant {
            who: Principal::Public,
            action: Action::Invoke { function },
        }),
        4 => (proptest::sample::select(&TOKENS), function()).prop_map(|(token, function)| Grant {
            who: Principal::Token(token_name(token)),
            action: Action::Invoke { function },
        }),
        2 => (proptest::sample::select(&TOKENS), function()).prop_map(|(token, function)| Grant {
            who: Principal::Token(token_name(token)),
            action: Action::InvokeAsync { function },
        }),
        3 => function().prop_map(move |function| Grant {
            who: Principal::Function(function),
            action: http.clone(),
        }),
        // A pairing that means nothing.
        1 => function().prop_map(|function| Grant {
            who: Principal::Function(function.clone()),
            action: Action::Invoke { function },
        }),
    ]
}

/// Feeds `history` to two empty versions and compares each answer and all that can be read.
///
/// # Errors
/// Says where they differ.
pub async fn same(left: &dyn Both, right: &dyn Both, history: &[(Act, By)]) -> Result<()> {
    for (number, (act, by)) in history.iter().enumerate() {
        let one = left.commit(act.clone(), by.clone()).await.map_err(Problem::from);
        let two = right.commit(act.clone(), by.clone()).await.map_err(Problem::from);
        ensure!(one == two, "act {number}, {act:?}: {one:?} and {two:?}");
        let (one, two) = (left.load().await?, right.load().await?);
        ensure!(one == two, "after act {number}, {act:?}: {one:?} and {two:?}");
    }
    same_history(left, right).await?;
    same_ledger(left, right).await
}

async fn same_history(left: &dyn Both, right: &dyn Both) -> Result<()> {
    let (one, two) = (left.artifacts().await?, right.artifacts().await?);
    ensure!(one == two, "what all revisions refer to: {one:?} and {two:?}");
    for tenant in TENANTS {
        for text in FUNCTIONS {
            let mut function = function(text);
            function.scope.tenant = super::name(tenant);
            let (one, two) = (left.revisions(&function).await?, right.revisions(&function).await?);
            ensure!(one == two, "revisions of {function}: {one:?} and {two:?}");
        }
        for text in APPLICATIONS {
            let scope = model::Scope { tenant: super::name(tenant), ..model::Scope::default() };
            let name = application(text);
            let one = left.deployments(&scope, &name).await?;
            let two = right.deployments(&scope, &name).await?;
            ensure!(one == two, "deployments of {scope}/{name}: {one:?} and {two:?}");
        }
    }
    Ok(())
}

async fn same_ledger(left: &dyn Both, right: &dyn Both) -> Result<()> {
    let size = left.size().await?;
    ensure!(size == right.size().await?, "the ledgers differ in size");
    ensure!(left.leaves(0, size).await? == right.leaves(0, size).await?, "leaves differ");
    ensure!(left.tiles().await? == right.tiles().await?, "tiles differ");
    ensure!(left.checkpoints().await? == right.checkpoints().await?, "checkpoints differ");
    let one = left.checkpoint(size).await.context("the newest checkpoint")?;
    ensure!(one == right.checkpoint(size).await?, "the newest checkpoints differ");
    Ok(())
}
