//! Schedules of functions: what they are in memory, and what operators see of them and do to them.
//!
//! A schedule acts under its own name, `trigger:NAME`. What it is allowed is looked at when a time
//! comes, and again when the call runs.

mod event;
mod timer;

pub(crate) use event::{is_event, shape};
pub(crate) use timer::Timers;

use crate::catalog::{Catalog, View};
use crate::function::Function;
use crate::wiring::Engine;
use model::api;
use model::manifest::ScheduleSpec;
use model::schedule::Rhythm;
use model::wire::queued::{Call, Cause};
use model::wire::v1::Caller;
use model::{Code, FunctionRef, FunctionRow, InvocationId, Problem, Scope, Timestamp, TriggerName};
use ports::queue::{Mark, Marking, Message, TriggerRef};
use std::collections::HashMap;
use std::sync::Arc;

/// What policies see as the trigger of a call at a time.
const KIND: &str = "schedule";

/// One schedule of an active function.
pub(crate) struct Schedule {
    trigger: TriggerRef,
    function: FunctionRef,
    spec: ScheduleSpec,
    rhythm: Rhythm,
    /// What its times depend on, as a number.
    number: u64,
}

impl Schedule {
    /// The schedules of a row. What a later version understood and this one does not is left out.
    pub(crate) fn of(row: &FunctionRow) -> Box<[Arc<Self>]> {
        let one = |spec: &ScheduleSpec| match spec.rhythm() {
            Ok(rhythm) => {
                let scope = row.function.scope.clone();
                Some(Arc::new(Self {
                    trigger: TriggerRef { scope, name: spec.name.clone() },
                    function: row.function.clone(),
                    number: number(&[&when(spec), row.function.name.as_str()]),
                    spec: spec.clone(),
                    rhythm,
                }))
            }
            Err((key, error)) => {
                tracing::error!(function = %row.function, schedule = %spec.name, key, %error, "a schedule cannot be followed");
                None
            }
        };
        row.spec.schedules.iter().filter_map(one).collect()
    }

    /// The call of one of its times.
    fn call(&self, caller: Caller, planned: Timestamp, id: &str) -> Call {
        let cause = Cause::Schedule { name: self.spec.name.clone(), planned };
        Call {
            caller,
            claims: Vec::new(),
            passed: None,
            source: None,
            route: String::new(),
            method: "POST".to_owned(),
            target: "/".to_owned(),
            headers: event::headers(&self.trigger, planned, id, &self.spec),
            version: None,
            cause: Some(cause),
        }
    }

    fn message(
        &self,
        id: InvocationId,
        call: &Call,
        now: Timestamp,
        due: Timestamp,
    ) -> Result<Message, Problem> {
        let body = self.spec.data.as_ref().map(ToString::to_string).unwrap_or_default();
        let payload = call.encode(body.as_bytes());
        let payload = payload.map_err(|error| Problem::new(Code::Internal).internal(error))?;
        let function = self.function.clone();
        // It does not age before it may run.
        let (queued, payload) = (now.max(due), payload.into());
        Ok(Message { id, function, payload, queued, due, order: None, lot: None })
    }
}

/// When, as people read it.
fn when(spec: &ScheduleSpec) -> String {
    match (&spec.cron, spec.every) {
        (Some(cron), _) => format!("{cron} {}", spec.zone.as_deref().unwrap_or("UTC")),
        (None, Some(every)) => format!("every {every}"),
        (None, None) => String::new(),
    }
}

/// A number that depends on every one of these texts.
fn number(texts: &[&str]) -> u64 {
    let digest = audit::digest(texts.join("\n").as_bytes());
    u64::from_be_bytes(std::array::from_fn(|at| digest.0[at]))
}

fn find<'v>(
    view: Option<&'v Arc<View>>,
    name: &TriggerName,
) -> Option<(&'v Arc<Function>, &'v Arc<Schedule>)> {
    let mut all = view?
        .functions
        .values()
        .flat_map(|function| function.schedules.iter().map(move |schedule| (function, schedule)));
    all.find(|(_, schedule)| schedule.spec.name == *name)
}

fn missing(name: &TriggerName) -> Problem {
    Problem::new(Code::NoSuchTrigger).detail(format!("`{name}`"))
}

impl Engine {
    /// The schedules of a scope, by name.
    ///
    /// # Errors
    /// The queue failed.
    pub async fn schedules(&self, scope: &Scope) -> Result<Vec<api::Schedule>, Problem> {
        let marks = self.parts.queue.marks().await?;
        let marks: HashMap<TriggerName, Mark> = marks
            .into_iter()
            .filter(|mark| mark.trigger.scope == *scope)
            .map(|mark| (mark.trigger.name.clone(), mark))
            .collect();
        let mut found: Vec<api::Schedule> = {
            let catalog = self.catalog.load();
            let functions =
                catalog.view(scope).into_iter().flat_map(|view| view.functions.values());
            functions
                .flat_map(|function| function.schedules.iter().map(move |it| (function, it)))
                .map(|(function, it)| self.shown(function, it, marks.get(&it.spec.name)))
                .collect()
        };
        for schedule in &mut found {
            if let Some(id) = schedule.invocation {
                schedule.outcome = self.record(scope, id).await.ok().map(|record| record.outcome);
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn shown(
        &self,
        function: &Function,
        schedule: &Schedule,
        mark: Option<&Mark>,
    ) -> api::Schedule {
        let now = self.parts.clock.wall();
        let denial = function.admits(&schedule.spec.name, KIND).err();
        let paused = mark.is_some_and(|mark| mark.paused);
        let after =
            mark.filter(|mark| mark.rhythm == schedule.number).map_or(now, |mark| mark.until);
        let next = schedule.rhythm.next(after).filter(|_| !paused);
        let state = match (paused, &denial) {
            (true, _) => "paused",
            (false, Some(_)) => "not granted",
            (false, None) => "waiting",
        };
        let last = mark.and_then(|mark| mark.last);
        api::Schedule {
            name: schedule.spec.name.clone(),
            function: schedule.function.name.clone(),
            when: when(&schedule.spec),
            state: state.to_owned(),
            next: next.map(|at| at.to_string()),
            last: last.map(|(planned, _)| planned.to_string()),
            invocation: last.map(|(_, id)| id),
            outcome: None,
            grant: denial.and_then(|denial| denial.hint.as_deref().map(str::to_owned)),
        }
    }

    /// Has a schedule run now, for the operator: its own grant does not matter to that, nor whether
    /// it is paused. Gives the call's id when it is on disk.
    ///
    /// # Errors
    /// There is none such, the node drains, a policy forbids it, or the queue has no room.
    pub async fn run_schedule(
        &self,
        scope: &Scope,
        name: &TriggerName,
    ) -> Result<InvocationId, Problem> {
        self.not_draining()?;
        let catalog: Arc<Catalog> = self.catalog.load_full();
        let (_, schedule) = find(catalog.view(scope), name).ok_or_else(|| missing(name))?;
        let now = self.parts.clock.wall();
        let id = InvocationId::from_parts(now.0, fastrand::u64(..).to_ne_bytes());
        let call = schedule.call(Caller::Operator, now, &id.to_string());
        let message = schedule.message(id, &call, now, now)?;
        self.parts.queue.put(message, self.config.queue.quota).await?;
        self.backlog.wake();
        Ok(id)
    }

    /// Pauses a schedule, or lets it go on with the times that are still to come.
    ///
    /// # Errors
    /// There is none such, or the queue failed.
    pub async fn pause_schedule(
        &self,
        scope: &Scope,
        name: &TriggerName,
        paused: bool,
    ) -> Result<(), Problem> {
        let catalog: Arc<Catalog> = self.catalog.load_full();
        let (_, schedule) = find(catalog.view(scope), name).ok_or_else(|| missing(name))?;
        let until = self.parts.clock.wall();
        let queue = &self.parts.queue;
        // It may be so new that nobody has looked at it.
        let begin = Marking::Begin { rhythm: schedule.number, until };
        queue.mark(schedule.trigger.clone(), begin).await?;
        let how = if paused { Marking::Pause } else { Marking::Resume { until } };
        queue.mark(schedule.trigger.clone(), how).await?;
        self.timers.changed();
        Ok(())
    }

    /// Refuses triggers whose names functions of another application have.
    pub(crate) fn check_triggers(
        &self,
        scope: &Scope,
        manifest: &model::Manifest,
    ) -> Result<(), Problem> {
        let catalog = self.catalog.load();
        let view = catalog.view(scope);
        let functions = view.into_iter().flat_map(|view| view.functions.values());
        let others = functions.filter(|it| it.row.application != manifest.application);
        let taken: HashMap<&TriggerName, &Function> = others
            .flat_map(|it| it.row.spec.triggers().map(move |(name, _)| (name, &**it)))
            .collect();
        let mut own = manifest.functions.iter().flat_map(|function| function.triggers());
        match own.find_map(|(name, _)| Some((name, taken.get(name)?))) {
            Some((name, function)) => {
                let (owner, function) = (&function.row.application, &function.row.function.name);
                let why = format!("`{name}` is a trigger of `{function}` of application `{owner}`");
                Err(Problem::new(Code::TriggerTaken).detail(why))
            }
            None => Ok(()),
        }
    }
}
