//! A source that a function is called with the messages of. Where it is, the operator says.

use super::{EventShape, FunctionSpec};
use crate::event::is_name;
use crate::{Code, Problem, TriggerName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most sources of one function.
pub const SOURCES_MAX: usize = 100;

/// A source of the node's configuration. It asks to call the function as `trigger:NAME`, and a grant
/// makes that true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceTrigger {
    /// Its name: that of a `[[source]]` in the node's configuration, and unique in the environment.
    pub name: TriggerName,
    /// The attribute that says which messages belong together, such as `partitionkey` or `subject`:
    /// the function is called with them one after the other, in the order in which they came. With
    /// `source`, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_by: Option<String>,
    /// In which shape the function gets its messages. Default `cloudevent`.
    #[serde(rename = "as", default, skip_serializing_if = "EventShape::is_default")]
    pub shape: EventShape,
}

impl FunctionSpec {
    /// Refuses sources that make no sense.
    ///
    /// # Errors
    /// E0104, naming the function, the source and the key.
    pub(super) fn check_sources(&self) -> Result<(), Problem> {
        let wrong = |why: String, place: String| {
            Err(Problem::new(Code::ManifestValue).detail(why).below(place))
        };
        if self.from.len() > SOURCES_MAX {
            let why = format!("function `{}` has more than {SOURCES_MAX} of `from`", self.name);
            return wrong(why, "/from".to_owned());
        }
        for (at, source) in self.from.iter().enumerate() {
            if source.ordered_by.as_deref().is_some_and(|name| !is_name(name)) {
                let why = format!(
                    "function `{}`, source `{}`, `ordered_by`: is no attribute of an event: they are written in small letters and digits",
                    self.name, source.name
                );
                return wrong(why, format!("/from/{at}/ordered_by"));
            }
            if let Err((key, why)) = source.shape.check(false, self) {
                let why =
                    format!("function `{}`, source `{}`, `{key}`: {why}", self.name, source.name);
                return wrong(why, format!("/from/{at}/{key}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::limit::Ceiling;
    use crate::manifest::Manifest;

    fn check(from: &str) -> Result<(), String> {
        let text = format!(
            r#"{{"manifest":1,"application":"a","function":[{{"name":"f","from":[{from}],"schedule":[{{"name":"s","every":"1s"}}]}}]}}"#
        );
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        manifest.check(&Ceiling::DEFAULT).map_err(|problem| problem.detail.unwrap_or_default())
    }

    #[test]
    fn a_source_has_a_name_and_nothing_about_where_it_is() {
        assert_eq!(check(r#"{"name":"orders"}"#), Ok(()));
        assert_eq!(check(r#"{"name":"orders","ordered_by":"partitionkey"}"#), Ok(()));
        for (from, why) in [
            (r#"{"name":"orders","ordered_by":"Key"}"#, "no attribute"),
            (r#"{"name":"orders","redis":"redis://broker"}"#, "unknown field"),
            (r#"{"name":"Orders"}"#, "no trigger name"),
            (r#"{"name":"orders","as":"queue"}"#, "`as`: `queue` is for functions with"),
            (r#"{"name":"s"}"#, "declared by `f` and by `f`"),
            (r#"{"name":"a"},{"name":"a"}"#, "declared by `f` and by `f`"),
        ] {
            let said = check(from).expect_err(from);
            assert!(said.contains(why), "{from}: {said}");
        }
        let many: Vec<String> = (0..101).map(|at| format!(r#"{{"name":"a{at}"}}"#)).collect();
        assert!(check(&many.join(",")).expect_err("many").contains("more than 100 of `from`"));
    }
}
