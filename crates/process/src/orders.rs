//! What a parent tells its child on the command line.
//!
//! The command line is the one thing that a child may believe: its input can be hostile.

use ports::child::ChildLimits;
use std::ffi::OsString;

/// Whether a child may work without seccomp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// It may not.
    Required,
    /// It may, where the system has none: for developing on other systems than Linux.
    BestEffort,
}

impl Strictness {
    /// The word on a command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::BestEffort => "best-effort",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Required, Self::BestEffort].into_iter().find(|one| one.word() == word)
    }
}

/// How a child confines itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    /// What it may use. The wall time is the parent's to watch.
    pub limits: ChildLimits,
    /// What to do where a layer is missing.
    pub strictness: Strictness,
    /// The parent's process id: whoever has another parent was orphaned and ends.
    pub parent: u32,
}

impl Orders {
    /// The orders as arguments.
    #[must_use]
    pub fn to_arguments(&self) -> Vec<String> {
        vec![
            self.limits.memory_bytes.to_string(),
            self.limits.cpu_s.to_string(),
            self.limits.wall_ms.to_string(),
            self.limits.output_bytes.to_string(),
            self.strictness.word().to_owned(),
            self.parent.to_string(),
        ]
    }

    /// Reads what [`Orders::to_arguments`] wrote; `None` for anything else.
    pub fn from_arguments(arguments: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let arguments: Option<Vec<String>> =
            arguments.into_iter().map(|argument| argument.into_string().ok()).collect();
        let arguments = arguments?;
        let [memory, cpu, wall, output, strictness, parent] = arguments.as_slice() else {
            return None;
        };
        Some(Self {
            limits: ChildLimits {
                memory_bytes: memory.parse().ok()?,
                cpu_s: cpu.parse().ok()?,
                wall_ms: wall.parse().ok()?,
                output_bytes: output.parse().ok()?,
            },
            strictness: Strictness::from_word(strictness)?,
            parent: parent.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_survive_the_command_line_and_nonsense_is_refused() {
        let orders = Orders {
            limits: ChildLimits { memory_bytes: 1, cpu_s: 2, wall_ms: 3, output_bytes: 4 },
            strictness: Strictness::Required,
            parent: 5,
        };
        let arguments = orders.to_arguments();
        let read =
            |arguments: &[String]| Orders::from_arguments(arguments.iter().map(OsString::from));
        assert_eq!(read(&arguments), Some(orders));
        assert_eq!(read(&arguments[1..]), None);
        for at in 0..arguments.len() {
            let mut wrong = arguments.clone();
            wrong[at] = "-1".to_owned();
            assert_eq!(read(&wrong), None);
        }
        assert_eq!(read(&[]), None);
    }
}
