//! What a jail is for: programs run in it, are watched, and get what they were assigned.

use crate::Test;
use crate::modes::Mode;
use crate::rig::{PYTHON, Rig, plan, python};

const BOTH: &[Mode] = &[Mode::Root, Mode::User];

pub(crate) const TESTS: &[Test] = &[
    ("a_program_runs_and_its_exit_code_is_known", BOTH, runs),
    ("an_interpreter_runs", BOTH, interprets),
];

fn runs() {
    let rig = Rig::new();
    let (ended, ..) = rig.run(plan("/bin/true", &[]));
    assert_eq!((ended.code, ended.signal), (Some(0), None));
    let (ended, ..) = rig.run(plan("/bin/false", &[]));
    assert_eq!((ended.code, ended.signal), (Some(1), None));
}

fn interprets() {
    let rig = Rig::new();
    assert!(PYTHON.starts_with("/usr/"));
    let (ended, said, errors) = rig.run(python("print(sum(range(10)))"));
    assert_eq!((ended.code, said.as_str(), errors.as_str()), (Some(0), "45\n", ""));
}
