//! Batches: several events or calls that a function is called with at once.

use super::{Contract, FunctionSpec};
use crate::unit::Duration;

/// Most messages of one batch.
pub const BATCH_MAX: u16 = 100;
/// How long a message may wait for others at most.
const WINDOW_MAX: Duration = Duration::seconds(5 * 60);

/// Refuses a batch that no function of this kind can be called with.
pub(super) fn check(
    batch: Option<u16>,
    window: Option<Duration>,
    spec: &FunctionSpec,
) -> Result<(), (&'static str, String)> {
    if batch.is_some_and(|batch| !(1..=BATCH_MAX).contains(&batch)) {
        return Err(("batch", format!("must be 1 to {BATCH_MAX}")));
    }
    if window.is_some() && batch.is_none() {
        return Err(("batch_window", "is for what has a `batch`".to_owned()));
    }
    if window.is_some_and(|window| window > WINDOW_MAX) {
        return Err(("batch_window", format!("must be at most {WINDOW_MAX}")));
    }
    let contract = spec.native.as_ref().map(|native| native.contract);
    // What these are called with is one document, and none of them has one for a list.
    let alone = contract.is_some_and(|contract| {
        matches!(
            contract,
            Contract::LambdaWeb
                | Contract::Openwhisk
                | Contract::Actionloop
                | Contract::Azure
                | Contract::Alibaba
        )
    });
    if batch.is_some() && alone {
        let why = "is for functions that take HTTP, and for `contract = \"lambda\"`";
        return Err(("batch", why.to_owned()));
    }
    Ok(())
}
