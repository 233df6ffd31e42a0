//! How long a jail takes to start: not a test, and run by name only:
//! `cargo test -p casemate-native --test jail -- __speed`.

use crate::modes;
use crate::rig::{PYTHON, Rig, plan};
use casemate_native::jail::Plan;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const TIMES: usize = 200;

/// Prints the medians and the slowest of a hundred, in milliseconds.
#[expect(clippy::disallowed_methods, reason = "it measures, and compares with a bare process")]
pub(crate) fn run() -> ExitCode {
    modes::be_root();
    let rig = Rig::new();
    let bare = |program: &str, arguments: &[&str]| {
        let status =
            Command::new(program).args(arguments).env_clear().stdin(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()));
    };
    let jail = |plan: Plan| assert_eq!(rig.run(plan).0.code, Some(0));
    for (name, program, arguments) in
        [("true", "/bin/true", &[] as &[&str]), ("python3 -c 1", PYTHON, &["-I", "-S", "-c", "1"])]
    {
        measure(&format!("{name}, bare"), || bare(program, arguments));
        measure(&format!("{name}, in a jail, to its end"), || jail(plan(program, arguments)));
        measure(&format!("{name}, in a jail, to its first instruction"), || {
            drop(rig.jail(plan(program, arguments)).expect("a jail"));
        });
    }
    let waits = rig.jail(plan("/bin/cat", &[])).expect("a jail");
    measure("freeze and thaw", || {
        waits.freeze().expect("frozen");
        waits.thaw().expect("thawed");
    });
    let assignment = casemate_native::jail::Assignment {
        binds: vec![casemate_native::jail::Bind {
            source: "/usr".into(),
            target: "/var/task".into(),
        }],
        ..Default::default()
    };
    measure("mount into a jail", || {
        rig.wait(waits.assign(&assignment)).expect("assigned");
    });
    ExitCode::SUCCESS
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn measure(what: &str, mut work: impl FnMut()) {
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let shown = |at: usize| times[at].as_secs_f64() * 1000.0;
    println!("{what}: {:.2} / {:.2}", shown(TIMES / 2), shown(TIMES * 99 / 100));
}
