//! Reads a contract's file.

use model::{Code, Problem};
use protect::contract::Contract;
use std::path::Path;

/// Largest file of a contract, in bytes.
const BYTES_MAX: u64 = 1 << 20;

/// Reads and checks a contract.
///
/// # Errors
/// The file cannot be read, or E0301 with the line.
pub(super) fn read(path: &Path) -> Result<Contract, Problem> {
    let wrong = |what: String| {
        Problem::new(Code::DataContract).detail(format!("`{}`: {what}", path.display()))
    };
    let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > BYTES_MAX {
        return Err(wrong("it is larger than 1 MiB".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let contract: Contract = toml::from_str(&text).map_err(|error| {
        let begin = error.span().map_or(0, |span| span.start.min(text.len()));
        let before = text.as_bytes().iter().take(begin);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        wrong(format!("line {line}: {}", error.message().lines().next().unwrap_or_default()))
    })?;
    contract.check().map_err(|problem| named(problem, path))?;
    Ok(contract)
}

/// What is wrong with a contract, with the name of its file.
pub(super) fn named(mut problem: Problem, path: &Path) -> Problem {
    let of_contract =
        matches!(problem.code, Code::DataContract | Code::DataClassUnknown | Code::DataOneWay);
    if of_contract {
        problem.detail = problem.detail.map(|detail| format!("`{}`: {detail}", path.display()));
    }
    problem
}
