//! `[data]`: what is looked for where data leaves functions, whatever their manifests say.

use super::pick::{Pick, joined};
use engine::DataDefaults;
use model::manifest::Exit;
use model::{Code, DataClass, Problem};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    observe: Option<bool>,
    #[serde(default)]
    out: BTreeMap<DataClass, Exit>,
}

impl File {
    /// What holds for all functions.
    pub(super) fn pick(self, pick: &mut Pick) -> Result<DataDefaults, Problem> {
        let Self { observe, out } = self;
        if let Some(class) = out.keys().find(|class| !protect::detect::finds(class)) {
            let detail = format!("`data.out`: no detector finds values of the class `{class}`");
            return Err(Problem::new(Code::BadConfig)
                .detail(detail)
                .hint("docs/reference/detection.md lists the classes that are found"));
        }
        let observe = pick.of("data.observe", false, observe);
        let shown = joined(out.iter().map(|(class, exit)| format!("{class} = {}", exit.word())));
        pick.of("data.out", "none".to_owned(), shown);
        Ok(DataDefaults { observe, out })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DataDefaults, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        file.pick(&mut Pick(Vec::new())).map_err(|problem| problem.to_string())
    }

    #[test]
    fn reads_what_holds_for_all_functions() {
        let data =
            read("observe = true\n[out]\npan = \"mask\"\nsecret = \"block\"\n").expect("valid");
        assert!(data.observe);
        let out: Vec<_> = data.out.iter().map(|(class, exit)| (class.as_str(), *exit)).collect();
        assert_eq!(out, [("pan", Exit::Mask), ("secret", Exit::Block)]);
        assert_eq!(read("").expect("valid"), DataDefaults::default());
        for (text, what) in [
            ("[out]\nname = \"mask\"\n", "no detector"),
            ("[out]\npan = \"hide\"\n", "unknown variant"),
            ("[out]\nPAN = \"mask\"\n", "no class"),
            ("mask = true\n", "unknown field"),
        ] {
            let said = read(text).expect_err(text);
            assert!(said.contains(what), "{text}: {said}");
        }
    }
}
