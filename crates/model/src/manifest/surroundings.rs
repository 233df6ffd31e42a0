//! What a function finds around it beside what it asks for: checked in one place.

use super::FunctionSpec;
use super::dialect::STORES_MAX;
use crate::{Code, Problem};

/// Longest word of a function's own for a store, in bytes.
const LABEL_BYTES_MAX: usize = 128;

impl FunctionSpec {
    /// Refuses an environment, files, or words for stores that cannot be carried out.
    ///
    /// # Errors
    /// E0104, naming the function and the key.
    pub(super) fn check_surroundings(&self) -> Result<(), Problem> {
        let files = self.files.as_ref().map_or(Ok(()), super::FilesSpec::check);
        let server = self.native.as_ref().map_or(Ok(()), |native| {
            native.server.as_ref().map_or(Ok(()), |server| server.check(native.contract))
        });
        let found = [
            ("environment", self.environment.check()),
            ("files", files),
            ("native.server", server),
            ("stores", self.check_stores()),
        ];
        for (key, checked) in found {
            if let Err(why) = checked {
                let why = format!("function `{}`, `{key}`: {why}", self.name);
                return Err(Problem::new(Code::ManifestValue)
                    .detail(why)
                    .below(format_args!("/{}", key.replace('.', "/"))));
            }
        }
        Ok(())
    }

    fn check_stores(&self) -> Result<(), String> {
        if self.stores.len() > STORES_MAX {
            return Err(format!("has more than {STORES_MAX} names"));
        }
        let fits = |label: &String| {
            (1..=LABEL_BYTES_MAX).contains(&label.len()) && !label.contains(char::is_control)
        };
        match self.stores.keys().find(|label| !fits(label)) {
            Some(label) => {
                let label: String = label.chars().take(64).collect();
                Err(format!("{label:?} is no word for a store: 1 to {LABEL_BYTES_MAX} bytes"))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Code;
    use crate::limit::Ceiling;
    use crate::manifest::{Auth, FunctionSpec, Manifest};

    fn check(line: &str) -> Result<FunctionSpec, String> {
        let text =
            format!(r#"{{"manifest":1,"application":"a","function":[{{"name":"f",{line}}}]}}"#);
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        manifest.check(&Ceiling::DEFAULT).map_err(|problem| {
            assert_eq!(problem.code, Code::ManifestValue);
            problem.detail.unwrap_or_default()
        })?;
        Ok(manifest.functions[0].clone())
    }

    #[test]
    fn each_is_read_and_a_wrong_one_names_its_key() {
        let spec = check(
            r#""dialect":"spin","environment":{"A":"b"},"stores":{"my_store":"a-my-store"},
               "files":{"include":["x"]}"#,
        )
        .expect("good");
        assert_eq!(spec.stores["my_store"].as_str(), "a-my-store");
        for (line, key) in [
            (r#""environment":{"a=b":""}"#, "`environment`"),
            (r#""files":{}"#, "`files`"),
            (r#""stores":{"":"a"}"#, "`stores`"),
        ] {
            let why = check(line).expect_err(line);
            assert!(why.contains("function `f`") && why.contains(key), "{why}");
        }
        assert!(check(r#""stores":{"a":"default"}"#).is_err(), "that is the function's own");
        assert!(check(r#""dialect":"lambda""#).is_err());
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        let spec = FunctionSpec::bare("f".parse().expect("name"), None, Auth::Token);
        let json = serde_json::to_value(&spec).expect("JSON");
        for key in ["dialect", "environment", "files", "stores"] {
            assert_eq!(json.get(key), None, "revisions from before the key keep their digest");
        }
    }
}
