//! The contracts of a function by the way in which its requests come, with what the operator lays
//! over them.

use super::{Data, Has, Intake, Intakes, Ready};
use crate::function::Function;
use crate::invoke::Refusal;
use crate::stage::{Identified, Permitted};
use crate::wiring::Engine;
use model::manifest::{Arrival, DataSpec, FunctionSpec};
use model::wire::v1::{Caller, Outcome, Trigger};
use model::{Code, FunctionRef, Problem};
use protect::contract::{Contract, Direction, check_functions, check_laid};

impl Ready {
    /// What is done with requests that come in this way.
    pub(super) fn intake(&self, arrival: &Arrival) -> Option<&Intake> {
        if let [(_, only)] = &*self.intakes {
            return only.as_ref();
        }
        let of = |wanted: &Arrival| self.intakes.iter().find(|(own, _)| own == wanted);
        let all = match arrival {
            Arrival::Schedule(_) => Arrival::Schedule(None),
            Arrival::Event(_) => Arrival::Event(None),
            other => other.clone(),
        };
        of(arrival).or_else(|| of(&all)).and_then(|(_, intake)| intake.as_ref())
    }
}

/// By which way a request comes. What waited in the queue came by the way that put it there.
pub(super) fn arrival(identified: &Identified) -> Arrival {
    match &identified.trigger {
        Trigger::Http { .. } | Trigger::WebSocket { .. } => Arrival::Http,
        Trigger::Queue { route, .. } if !route.is_empty() => Arrival::Http,
        Trigger::Queue { .. } if matches!(identified.caller, Caller::Function(_)) => Arrival::Call,
        Trigger::Direct { .. } | Trigger::Queue { .. } => Arrival::Invoke,
        Trigger::Call { .. } => Arrival::Call,
        Trigger::Schedule { name, .. } => Arrival::Schedule(Some(name.clone())),
        Trigger::Event { name, .. }
        | Trigger::Batch { name: Some(name), .. }
        | Trigger::Batched { name: Some(name), .. } => Arrival::Event(Some(name.clone())),
        Trigger::Batch { name: None, .. } | Trigger::Batched { name: None, .. } => Arrival::Invoke,
    }
}

impl Engine {
    /// The sensitive data of a function, if its manifest or the operator says anything of it.
    pub(crate) fn data_of<'f>(&self, function: &'f Function) -> Option<&'f Data> {
        let data = &function.data;
        (data.says || self.lays_over(function)).then_some(data)
    }

    /// Whether the operator's contract is laid over a function.
    fn lays_over(&self, function: &Function) -> bool {
        let laid = &self.config.data.laid;
        if laid.fields.is_empty() || function.shelf.is_some() {
            return false;
        }
        let name = &function.reference().name;
        *function.data.laid.get_or_init(|| laid.over(name).next().is_some())
    }

    /// Refuses what does not pass through a contract, where the operator's is laid over the
    /// function. A manifest of its own cannot have both; see [`check_laid`].
    pub(crate) fn is_read(&self, permitted: &Permitted) -> Result<(), Refusal> {
        if !self.lays_over(&permitted.identified.function) {
            return Ok(());
        }
        let problem = Problem::new(Code::DataTrigger)
            .detail("the operator's data contract is laid over this function");
        Err(self.not_run(permitted, Outcome::Interrupted, problem))
    }

    /// Looks whether the contracts of functions mean something, and fit what the operator lays over
    /// them.
    pub(crate) fn check_contracts(&self, functions: &[FunctionSpec]) -> Result<(), Problem> {
        check_functions(functions)?;
        check_laid(functions, &self.config.data.laid)
    }

    /// The contracts of a function, by the way in which requests come.
    pub(super) fn intakes(
        &self,
        spec: &DataSpec,
        function: &FunctionRef,
    ) -> Result<Intakes, Problem> {
        let laid = &self.config.data.laid;
        let mut ways = Arrival::distinct(spec.intake.iter().chain(laid.over(&function.name)));
        if ways.is_empty() {
            ways.push(Arrival::Http);
        }
        let intake = |way: Arrival| {
            let operators = Contract::of_operator(laid, &function.name, &way)?;
            let own = Contract::of_intake(spec, &way)?;
            let parties: Box<[Has]> = operators.iter().chain(&own).map(Has::of).collect();
            let contract = match operators {
                // Whoever calls is told no more than that; the deployment was told all.
                Some(operators) => Some(
                    operators
                        .over(own)
                        .map_err(|problem| Problem::new(problem.code).internal(problem))?,
                ),
                None => own,
            };
            let Some(contract) = contract else { return Ok((way, None)) };
            contract.names_all(spec).map_err(|it| Problem::new(it.code).internal(it))?;
            let tenant = &function.scope.tenant;
            let bound = contract.bind(tenant, Direction::Ingest, &mut |class| {
                self.class_keys(&function.scope, class)
            })?;
            let (has, files) = (Has::of(&contract), spec.files.clone().into());
            Ok((way, Some(Intake { bound, has, parties, files })))
        };
        ways.into_iter().map(intake).collect()
    }
}
