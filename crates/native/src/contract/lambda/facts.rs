//! What a conversation in AWS Lambda's words knows of its function.

use model::manifest::{EventForm, NativeSpec};
use ports::executor::Unit;

/// The region that functions are told of, unless their environment says another.
pub(super) const REGION: &str = "us-east-1";
/// The account in their ARNs. AWS has none like it.
pub(super) const ACCOUNT: &str = "000000000000";
/// The version that runs.
pub(super) const VERSION: &str = "$LATEST";

/// What a conversation knows of its function.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The function's name.
    pub(crate) function: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// Its handler, in the contract's words.
    pub(crate) handler: String,
    /// The shape in which requests reach it.
    pub(crate) form: EventForm,
    /// Invocations that it may have in hand.
    pub(crate) parallel: usize,
    /// Longest answer, in bytes.
    pub(crate) response_bytes_max: u64,
    /// Files in `/opt/extensions`: extensions that must have registered before it is ready.
    pub(crate) extensions: Vec<String>,
}

impl Facts {
    /// The facts of a unit. The files in `/opt/extensions` are known to whoever laid them out.
    pub(crate) fn of(unit: &Unit, extensions: Vec<String>) -> Self {
        let native = unit.around.native.as_ref();
        let function = unit.function.name.to_string();
        let parallel = native.and_then(|native| native.parallel).unwrap_or(1).max(1);
        Self {
            arn: arn(&function),
            handler: handler(native),
            form: native.map(|native| native.event).unwrap_or_default(),
            parallel: usize::try_from(parallel).unwrap_or(usize::MAX),
            response_bytes_max: unit.limits.response_body_bytes,
            extensions,
            function,
        }
    }
}

/// A function's ARN.
pub(super) fn arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}")
}

/// What is called. Programs of a package's own get `bootstrap`, as most tools configure it.
pub(super) fn handler(native: Option<&NativeSpec>) -> String {
    native.and_then(|native| native.handler.clone()).unwrap_or_else(|| "bootstrap".to_owned())
}
