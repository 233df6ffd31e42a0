//! A deployed function as the engine holds it in memory.

use crate::assets::Shelf;
use crate::caps::Bounds;
use crate::carried::Carried;
use crate::crossing::Crossing;
use crate::data::{Data, Exits};
use crate::readiness::Readiness;
use crate::schedule::Schedule;
use crate::secrets::Uses;
use crate::slots::Slots;
use crate::urls::Aim;
use model::manifest::{Auth, Durability, FunctionSpec, HttpTrigger, Runtime, Way};
use model::wire::v1::Caller;
use model::{Claims, FunctionRef, FunctionRow, Problem, TriggerName};
use policy::{Asker, Denial, FunctionPolicies, InvokeAsk};
use ports::executor::{Form, Program, Surroundings, Unit};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// One active function.
pub(crate) struct Function {
    /// The registry's row.
    pub(crate) row: FunctionRow,
    /// What the executor runs.
    pub(crate) unit: Arc<Unit>,
    /// Its grants and the operator's policies.
    pub(crate) policies: Arc<FunctionPolicies>,
    /// Its room.
    pub(crate) slots: Arc<Slots>,
    /// Whether its component can be run.
    pub(crate) readiness: Arc<Readiness>,
    /// Its files, if it is a directory of them; then there is no component to run.
    pub(crate) shelf: Option<Arc<Shelf>>,
    /// The secrets that it asks for.
    pub(crate) secrets: Uses,
    /// What is counted of it, once it was asked for.
    pub(crate) bounds: OnceLock<Option<Arc<Bounds>>>,
    /// The files that it carries.
    pub(crate) carried: Option<Carried>,
    /// What becomes of its sensitive data; see [`crate::wiring::Engine::data_of`].
    pub(crate) data: Data,
    /// What is looked for where data leaves it, once something does.
    pub(crate) exits: OnceLock<Result<Option<Exits>, Problem>>,
    /// When it is called.
    pub(crate) schedules: Box<[Arc<Schedule>]>,
}

/// One route, and the function that answers it.
pub(crate) struct Endpoint {
    /// Who answers.
    pub(crate) function: Arc<Function>,
    /// What the manifest says about the route.
    pub(crate) http: HttpTrigger,
    /// What it says to pages of other origins.
    pub(crate) crossing: Option<Arc<Crossing>>,
    /// Whether a grant to the public opens it.
    open: bool,
    /// What it is for, if it is an address and no route.
    pub(crate) aim: Option<Aim>,
}

impl Endpoint {
    /// The route of a function. `auth = "token"` is what a route has that says nothing, and leaves
    /// it to the grants who may call; only beside a route that says `public` it means itself.
    pub(crate) fn new(function: &Arc<Function>, http: &HttpTrigger) -> Self {
        let public = |http: &HttpTrigger| http.auth.is_public();
        let silent = http.auth == Auth::Token && !function.row.spec.http.iter().any(public);
        let open = silent || public(http);
        let crossing = Crossing::of(http).map(Arc::new);
        Self { function: Arc::clone(function), http: http.clone(), crossing, open, aim: None }
    }

    /// An address of a function. One that wants signatures is not open to the public, whatever is
    /// granted.
    pub(crate) fn at(
        function: &Arc<Function>,
        http: HttpTrigger,
        crossing: Option<Arc<Crossing>>,
        aim: Aim,
    ) -> Self {
        let open = !aim.signed;
        Self { function: Arc::clone(function), http, crossing, open, aim: Some(aim) }
    }

    /// Who answers one request.
    pub(crate) fn answers(&self) -> Option<Arc<Function>> {
        match &self.aim {
            None => Some(Arc::clone(&self.function)),
            Some(aim) => aim.pick(&self.function),
        }
    }

    /// Why the route is not for this request, whatever its caller was granted: the way in which
    /// the caller says who it is, or what the manifest requires. `None` if it is.
    pub(crate) fn turns_away(
        &self,
        caller: &Caller,
        claims: &Claims,
        source: Option<IpAddr>,
    ) -> Option<String> {
        let ways = self.http.auth.ways();
        let taken = match caller {
            Caller::Operator => true,
            Caller::Anonymous => self.open,
            Caller::Token(_) => ways.contains(&Way::Token) || self.open,
            Caller::Jwt { issuer, .. } => self.http.auth.issuers().any(|known| known == issuer),
            Caller::Certificate(_) => ways.contains(&Way::Mtls),
            // Functions and triggers come by no route.
            Caller::Function(_) | Caller::Trigger(_) => false,
        };
        if !taken {
            let ways: Vec<String> = ways.iter().map(ToString::to_string).collect();
            return Some(format!("the route is for {}", ways.join(", ")));
        }
        self.http.require.as_ref().and_then(|require| require.missing(claims, source))
    }
}

/// What the executor runs of a row.
pub(crate) fn program(row: &FunctionRow) -> Program {
    Program { artifact: row.artifact, form: form(&row.spec) }
}

/// What the artifact of a function is.
pub(crate) fn form(spec: &FunctionSpec) -> Form {
    match spec.runtime {
        Runtime::Wasm => Form::Component(spec.wasi),
        Runtime::Native => Form::Package,
    }
}

/// What of a function is not in its row.
#[derive(Default)]
pub(crate) struct Standing {
    /// Its room, if it shares it with others.
    pub(crate) slots: Option<Arc<Slots>>,
    /// Its number, if it is a version and not what is active.
    pub(crate) version: Option<u32>,
    /// How many of its processes are kept ready, if its row does not say it.
    pub(crate) provisioned: Option<u32>,
}

/// What the executor puts around it.
fn around(row: &FunctionRow, standing: &Standing) -> Surroundings {
    let variables = row.spec.environment.iter();
    let mut native = row.spec.native.clone();
    if let (Some(native), Some(_)) = (&mut native, standing.version) {
        // What is active has its own.
        native.provisioned = standing.provisioned;
    }
    Surroundings {
        version: standing.version,
        environment: variables.map(|(name, value)| (name.clone(), value.clone())).collect(),
        stores: row.spec.stores.clone(),
        native,
        destinations: row.spec.allow.tcp.clone(),
        passes: row.spec.allow.http.iter().any(|target| {
            target.strip_prefix("* https://").is_some_and(|rest| rest.ends_with("/*"))
        }),
        calls: row.spec.allow.invoke.clone(),
    }
}

impl Function {
    /// Whether a trigger of it may call it now. What came of it is called by `kind`, as policies see
    /// it: `event` or `schedule`.
    pub(crate) fn admits(&self, trigger: &TriggerName, kind: &'static str) -> Result<(), Denial> {
        let ask = InvokeAsk {
            principal: Asker::Trigger(trigger),
            function: self.reference(),
            source: None,
            method: "POST",
            route: "",
            trigger: kind,
            claims: Claims::NONE,
        };
        let permit = self.policies.decide_invoke(&ask)?;
        self.policies.decide_async(&ask, &permit).map(|_later| ())
    }

    pub(crate) fn new(
        row: FunctionRow,
        policies: Arc<FunctionPolicies>,
        readiness: Arc<Readiness>,
        shelf: Option<Arc<Shelf>>,
        secrets: Uses,
        standing: Standing,
    ) -> Self {
        let limits = row.spec.limits();
        let wait = Duration::from_millis(limits.queue_wait_ms);
        let own = || Arc::new(Slots::new(limits.concurrency, wait));
        let around = Arc::new(around(&row, &standing));
        let slots = standing.slots.unwrap_or_else(own);
        let unit = Arc::new(Unit {
            function: Arc::new(row.function.clone()),
            revision: row.revision,
            program: program(&row),
            limits,
            config: secrets.beside(&row.spec.config),
            revealed: secrets.revealed(),
            around,
        });
        let carried = Carried::of(&row.spec);
        let (bounds, data) = (OnceLock::new(), Data::of(&row));
        let schedules = Schedule::of(&row);
        Self {
            row,
            unit,
            policies,
            slots,
            readiness,
            shelf,
            secrets,
            bounds,
            carried,
            data,
            exits: OnceLock::new(),
            schedules,
        }
    }

    /// Its full name.
    pub(crate) fn reference(&self) -> &Arc<FunctionRef> {
        &self.unit.function
    }

    /// Whether an answer waits for its record.
    pub(crate) fn strict(&self) -> bool {
        self.row.spec.record == Durability::Strict
    }
}
