//! The marks of schedules in memory.

use super::{Rows, put};
use crate::queue::{Error, Mark, Marking, Quota, Tick, TriggerRef};
use std::collections::BTreeMap;

type Marks = BTreeMap<TriggerRef, Mark>;

pub(super) fn change(marks: &mut Marks, trigger: TriggerRef, how: &Marking) -> bool {
    if let Marking::Begin { rhythm, until } = *how {
        let new = Mark { trigger: trigger.clone(), rhythm, until, paused: false, last: None };
        let mark = marks.entry(trigger).or_insert(new);
        if mark.rhythm != rhythm {
            (mark.rhythm, mark.until) = (rhythm, until);
        }
        return true;
    }
    if *how == Marking::Forget {
        return marks.remove(&trigger).is_some();
    }
    let Some(mark) = marks.get_mut(&trigger) else { return false };
    match *how {
        Marking::Pause => mark.paused = true,
        Marking::Resume { until } => (mark.paused, mark.until) = (false, until),
        Marking::Begin { .. } | Marking::Forget => {}
    }
    true
}

pub(super) fn tick(
    marks: &mut Marks,
    rows: &mut Rows,
    tick: Tick,
    quota: Quota,
) -> Result<bool, Error> {
    let Tick { trigger, rhythm, planned, message } = tick;
    let due = |mark: &&mut Mark| !mark.paused && mark.rhythm == rhythm && mark.until < planned;
    let Some(mark) = marks.get_mut(&trigger).filter(due) else { return Ok(false) };
    let id = message.as_ref().map(|message| message.id);
    if let Some(message) = message {
        match put(rows, message, quota) {
            Ok(()) | Err(Error::Exists(_)) => {}
            Err(error) => return Err(error),
        }
    }
    mark.until = planned;
    if let Some(id) = id {
        mark.last = Some((planned, id));
    }
    Ok(true)
}
