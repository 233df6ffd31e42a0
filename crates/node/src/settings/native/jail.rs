//! `[native.jail]`: what native functions run in.

use crate::settings::Options;
use crate::settings::pick::Pick;
use model::{Code, Problem};
use native::Danger;
use serde::Deserialize;

/// What is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Jails {
    /// The first user id of the machine that jails run under, if the node runs as root.
    pub(crate) uid_first: u32,
    /// How many there are: as many jails can live at a time.
    pub(crate) uid_count: u32,
    /// Layers that are done without.
    pub(crate) danger: Danger,
}

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct File {
    uid_first: Option<u32>,
    uid_count: Option<u32>,
    danger_no_memory_limit: Option<bool>,
    danger_no_landlock: Option<bool>,
    danger_no_proc: Option<bool>,
}

impl File {
    pub(in super::super) fn pick(
        &self,
        pick: &mut Pick,
        options: &Options,
    ) -> Result<Jails, Problem> {
        let default = native::Jails::new(String::new());
        let mut danger = |key, name, file: Option<bool>, flag: bool| {
            pick.from(key, false, file, None, flag.then_some((name, true)))
        };
        let danger = Danger {
            no_memory_limit: danger(
                "native.jail.danger_no_memory_limit",
                "--danger-no-memory-limit",
                self.danger_no_memory_limit,
                options.danger.no_memory_limit,
            ),
            no_landlock: danger(
                "native.jail.danger_no_landlock",
                "--danger-no-landlock",
                self.danger_no_landlock,
                options.danger.no_landlock,
            ),
            no_proc: danger(
                "native.jail.danger_no_proc",
                "--danger-no-proc",
                self.danger_no_proc,
                options.danger.no_proc,
            ),
        };
        let jails = Jails {
            uid_first: pick.of("native.jail.uid_first", default.uid_first, self.uid_first),
            uid_count: pick.of("native.jail.uid_count", default.uid_count, self.uid_count),
            danger,
        };
        jails.check()?;
        Ok(jails)
    }
}

impl Jails {
    /// The user ids of a system's own accounts are those of somebody.
    fn check(self) -> Result<(), Problem> {
        let fits = self.uid_first.checked_add(self.uid_count).is_some();
        if self.uid_first >= 1000 && self.uid_count > 0 && fits {
            return Ok(());
        }
        let detail = format!(
            "`native.jail`: {} user ids from {} on cannot be those of jails",
            self.uid_count, self.uid_first
        );
        let hint = "`uid_first` is at least 1000 and nobody's, `uid_count` is at least 1";
        Err(Problem::new(Code::BadConfig).detail(detail).hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, options: &Options) -> Result<Jails, Problem> {
        let file: File = toml::from_str(text).expect("keys that exist");
        file.pick(&mut Pick(Vec::new()), options)
    }

    #[test]
    fn layers_are_done_without_only_where_somebody_says_so() {
        let none = read("", &Options::default()).expect("valid");
        assert_eq!(none.danger.flags(), Vec::<&str>::new());
        let file = read("danger_no_proc = true\nuid_first = 5000", &Options::default());
        let file = file.expect("valid");
        assert_eq!((file.danger.flags(), file.uid_first), (vec!["--danger-no-proc"], 5000));
        let danger = Danger { no_landlock: true, ..Danger::default() };
        let flag = read("", &Options { danger, ..Options::default() }).expect("valid");
        assert_eq!(flag.danger.flags(), ["--danger-no-landlock"]);
    }

    #[test]
    fn no_jail_has_a_user_id_of_somebody() {
        for text in ["uid_first = 0", "uid_first = 999", "uid_count = 0", "uid_first = 4294967295"]
        {
            let refused = read(text, &Options::default());
            assert_eq!(refused.expect_err(text).code, Code::BadConfig);
        }
    }
}
