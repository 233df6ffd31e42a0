//! Variables of a Spin application, and the templates that they are used in.
//!
//! Invariant: a secret's value never becomes part of a manifest, and is never quoted.

use super::schema::Variable;
use super::{Given, Missing};
use std::collections::{BTreeMap, BTreeSet};

/// What a template may say.
pub(super) struct Values {
    known: BTreeMap<String, Option<String>>,
    /// Those that have no value and need one.
    pub(super) unset: BTreeSet<String>,
}

impl Values {
    /// The values of an application's variables.
    ///
    /// # Errors
    /// A value was given for a variable that there is not.
    pub(super) fn of(
        variables: &BTreeMap<String, Variable>,
        given: &Given<'_>,
        missing: &mut Missing,
    ) -> Result<Self, String> {
        let set = match given {
            Given::These(set) => *set,
            Given::Later => &[],
        };
        if let Some((name, _)) = set.iter().find(|(name, _)| !variables.contains_key(name)) {
            let known: Vec<&str> = variables.keys().map(String::as_str).collect();
            let name = name.escape_debug();
            return Err(format!("no variable is called `{name}`; there are {}", known.join(", ")));
        }
        let mut values = Self { known: BTreeMap::new(), unset: BTreeSet::new() };
        for (name, variable) in variables {
            let set = set.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.clone());
            // A default stands in the file for everybody to read.
            if variable.secret && (set.is_some() || variable.default.is_none()) {
                missing.note(format!(
                    "variable `{name}`: `secret = true`; a function uses secrets and never reads \
                     them: write it below `[function.allow]` of a casemate.toml"
                ));
                values.known.insert(name.clone(), Some(String::new()));
                continue;
            }
            let value = set.or_else(|| variable.default.clone());
            if value.is_none() && (variable.required || variable.default.is_none()) {
                values.unset.insert(name.clone());
            }
            values.known.insert(name.clone(), value);
        }
        if matches!(given, Given::Later) {
            values.unset.clear();
        }
        Ok(values)
    }

    /// Whether a template names a variable whose value is not known yet.
    pub(super) fn is_open(&self, template: &str) -> bool {
        let mut names = template.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
        names.any(|(name, _)| matches!(self.known.get(name.trim()), Some(None)))
    }

    /// The text with every `{{ name }}` replaced.
    ///
    /// # Errors
    /// A name that is no variable, or a template that does not end.
    pub(super) fn fill(&self, template: &str) -> Result<String, String> {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| "a template begins with `{{` and does not end".to_owned())?;
            let name = name.trim();
            let value = self.known.get(name).ok_or_else(|| {
                format!("a template names `{}`, and there is no such variable", name.escape_debug())
            })?;
            text.push_str(before);
            text.push_str(value.as_deref().unwrap_or_default());
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(text: &str, set: &[(&str, &str)]) -> Result<(Values, Missing), String> {
        let variables: BTreeMap<String, Variable> = toml::from_str(text).expect(text);
        let set: Vec<_> =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut missing = Missing::default();
        let values = Values::of(&variables, &Given::These(&set), &mut missing)?;
        Ok((values, missing))
    }

    #[test]
    fn what_is_given_is_taken_before_the_default() {
        let text = "host = { default = \"a.example\" }\nkey = { required = true }";
        let (filled, _) = values(text, &[("key", "1"), ("key", "2")]).expect("values");
        assert_eq!(filled.fill("https://{{ host }}/{{key}}").as_deref(), Ok("https://a.example/2"));
        assert!(filled.unset.is_empty());
        let (filled, _) = values(text, &[("host", "b")]).expect("values");
        assert_eq!(filled.unset.into_iter().collect::<Vec<_>>(), ["key"]);
        assert!(values(text, &[("hots", "b")]).is_err());
    }

    #[test]
    fn a_secret_without_a_value_in_the_file_has_no_counterpart() {
        let text = "token = { required = true, secret = true }";
        let (_, missing) = values(text, &[("token", "s3cret")]).expect("values");
        assert_eq!(missing.0.len(), 1);
        assert!(!missing.0[0].contains("s3cret"), "{:?}", missing.0);
        let (filled, missing) =
            values("token = { default = \"d\", secret = true }", &[]).expect("values");
        assert!(missing.0.is_empty());
        assert_eq!(filled.fill("{{token}}").as_deref(), Ok("d"));
    }

    proptest! {
        #[test]
        fn never_panics_whatever_the_template(text in "[a{} ]{0,20}|\\PC{0,20}") {
            let (filled, _) = values("a = { default = \"{{a}}\" }", &[]).expect("values");
            let _ = filled.fill(&text);
        }
    }
}
