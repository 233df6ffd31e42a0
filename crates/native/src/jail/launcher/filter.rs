//! The filter on system calls: from a reviewed list to a program for the kernel.
//!
//! An allow-list. Whatever it does not name fails with EPERM; a call of another architecture kills.
//! The numbers are sorted into a tree, so that a call costs a handful of comparisons.

mod rules;

use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W,
    SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS, sock_filter,
};
use rules::{Act, Test};

#[cfg(target_arch = "x86_64")]
const LIST: &str = include_str!("../../../data/syscalls-x86_64.txt");
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const LIST: &str = include_str!("../../../data/syscalls-aarch64.txt");
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;

const DENY: u32 = SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();
const MISSING: u32 = SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();

/// Where the kernel puts the number of the call, its architecture and its arguments.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

/// The program. An error names a line of the list that makes no sense.
pub(super) fn program() -> Result<Vec<sock_filter>, String> {
    compile(&rules::read(LIST)?)
}

/// A program for these calls, which are sorted by number.
fn compile(calls: &[(u32, Act)]) -> Result<Vec<sock_filter>, String> {
    // Where what happens changes: from this number on, to the next.
    let mut breaks: Vec<(u32, Option<Act>)> = vec![(0, None)];
    for &(number, act) in calls {
        let known = breaks.last().and_then(|(_, last)| *last);
        match breaks.last_mut() {
            Some(last) if last.0 == number => last.1 = Some(act),
            _ if known == Some(act) => {}
            _ => breaks.push((number, Some(act))),
        }
        breaks.push((number + 1, None));
    }
    breaks.dedup_by(|next, last| next.1 == last.1);
    let merged = merge(&breaks);
    let mut program = vec![
        statement(BPF_LD | BPF_W | BPF_ABS, ARCHITECTURE_AT),
        jump(BPF_JEQ, ARCHITECTURE, 1, 0),
        statement(BPF_RET, SECCOMP_RET_KILL_PROCESS),
        statement(BPF_LD | BPF_W | BPF_ABS, NUMBER_AT),
    ];
    program.extend(tree(&merged)?);
    Ok(program)
}

/// Neighbours that do the same become one.
fn merge(breaks: &[(u32, Option<Act>)]) -> Vec<(u32, Option<Act>)> {
    let mut merged: Vec<(u32, Option<Act>)> = Vec::new();
    for (at, &(number, act)) in breaks.iter().enumerate() {
        // A gap of no numbers: the next begins where this does.
        if breaks.get(at + 1).is_some_and(|next| next.0 == number) {
            continue;
        }
        if merged.last().is_none_or(|last| last.1 != act) {
            merged.push((number, act));
        }
    }
    merged
}

fn tree(breaks: &[(u32, Option<Act>)]) -> Result<Vec<sock_filter>, String> {
    if let [(_, act)] = breaks {
        return leaf(*act);
    }
    let (low, high) = breaks.split_at(breaks.len() / 2);
    let at = high.first().map_or(0, |(number, _)| *number);
    let (low, high) = (tree(low)?, tree(high)?);
    let mut program = match u8::try_from(low.len()) {
        Ok(length) => vec![jump(BPF_JGE, at, length, 0)],
        Err(_) => {
            let length = u32::try_from(low.len()).map_err(|error| error.to_string())?;
            vec![jump(BPF_JGE, at, 0, 1), statement(BPF_JMP | BPF_JA, length)]
        }
    };
    program.extend(low);
    program.extend(high);
    Ok(program)
}

/// What is done with one call.
fn leaf(act: Option<Act>) -> Result<Vec<sock_filter>, String> {
    let test = match act {
        None => return Ok(vec![statement(BPF_RET, DENY)]),
        Some(Act::Allow) => return Ok(vec![statement(BPF_RET, SECCOMP_RET_ALLOW)]),
        Some(Act::Missing) => return Ok(vec![statement(BPF_RET, MISSING)]),
        Some(Act::If(test)) => test,
    };
    let Test { argument, mask, values, allow } = test;
    // The lower half of an argument is all that the kernel itself reads of these.
    let mut program = vec![statement(BPF_LD | BPF_W | BPF_ABS, ARGUMENTS_AT + 8 * argument)];
    if mask != u32::MAX {
        program.push(statement(BPF_ALU | BPF_AND, mask));
    }
    for (at, value) in values.iter().enumerate() {
        let rest = u8::try_from(values.len() - at).map_err(|error| error.to_string())?;
        program.push(jump(BPF_JEQ, *value, rest, 0));
    }
    let [otherwise, listed] =
        if allow { [DENY, SECCOMP_RET_ALLOW] } else { [SECCOMP_RET_ALLOW, DENY] };
    program.push(statement(BPF_RET, otherwise));
    program.push(statement(BPF_RET, listed));
    Ok(program)
}

fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn jump(kind: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: (BPF_JMP | kind | BPF_K) as u16, jt, jf, k }
}

#[cfg(test)]
mod numbers;
#[cfg(test)]
mod tests;
