//! The operator's data contract: fields of requests that are protected whatever manifests say.

use super::DataField;
use crate::{DataClass, FunctionName};

/// What the operator lays over functions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaidSpec {
    /// Classes of data beside the platform's own.
    pub classes: Vec<DataClass>,
    /// The fields.
    pub fields: Vec<LaidField>,
}

/// A field, and the functions that it is laid over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaidField {
    /// These, or all if there are none.
    pub functions: Vec<FunctionName>,
    /// The field.
    pub field: DataField,
}

impl LaidSpec {
    /// The fields that are laid over a function.
    pub fn over<'l>(&'l self, function: &'l FunctionName) -> impl Iterator<Item = &'l DataField> {
        let covers = |it: &&LaidField| it.functions.is_empty() || it.functions.contains(function);
        self.fields.iter().filter(covers).map(|it| &it.field)
    }
}
