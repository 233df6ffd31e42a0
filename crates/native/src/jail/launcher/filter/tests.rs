//! The program is run here as the kernel would run it.

use super::*;

/// Runs a program on one call, and gives what it returns.
fn run(program: &[sock_filter], number: u32, arguments: [u64; 6], architecture: u32) -> u32 {
    let (mut at, mut value) = (0, 0);
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        at += 1;
        let code = u32::from(code);
        if code == BPF_LD | BPF_W | BPF_ABS {
            value = match k {
                NUMBER_AT => number,
                ARCHITECTURE_AT => architecture,
                _ => arguments[((k - ARGUMENTS_AT) / 8) as usize] as u32,
            };
        } else if code == BPF_ALU | BPF_AND {
            value &= k;
        } else if code == BPF_RET {
            return k;
        } else if code == BPF_JMP | BPF_JA {
            at += k as usize;
        } else {
            let holds = if code & 0xF0 == BPF_JEQ { value == k } else { value >= k };
            at += usize::from(if holds { jt } else { jf });
        }
    }
}

#[test]
fn every_number_gets_what_the_list_says() {
    let program = program().expect("a program");
    assert!(program.len() < 320, "{} instructions", program.len());
    let calls = rules::read(LIST).expect("a list");
    for number in (0..1024).chain([0x4000_0000, 0x4000_0001, u32::MAX]) {
        let listed = calls.iter().find(|(call, _)| *call == number).map(|(_, act)| *act);
        let expect = match listed {
            None => DENY,
            Some(Act::Allow) => SECCOMP_RET_ALLOW,
            Some(Act::Missing) => MISSING,
            Some(Act::If(_)) => continue,
        };
        assert_eq!(run(&program, number, [0; 6], ARCHITECTURE), expect, "{number}");
    }
    for architecture in [0, 0x4000_0003] {
        assert_eq!(run(&program, 0, [0; 6], architecture), SECCOMP_RET_KILL_PROCESS);
    }
}

#[test]
fn arguments_decide_where_the_list_says_so() {
    let program = program().expect("a program");
    let made = |number: libc::c_long, arguments: [u64; 3]| {
        let [a, b, c] = arguments;
        let number = u32::try_from(number).expect("a number");
        let said = run(&program, number, [a, b, c, 0, 0, 0], ARCHITECTURE);
        assert!([DENY, SECCOMP_RET_ALLOW].contains(&said));
        said == SECCOMP_RET_ALLOW
    };
    for (family, expect) in [(1, true), (2, true), (10, true), (16, true), (17, false), (40, false)]
    {
        assert_eq!(made(libc::SYS_socket, [family, 1, 0]), expect, "{family}");
    }
    assert!(made(libc::SYS_socketpair, [1, 1, 0]) && !made(libc::SYS_socketpair, [2, 1, 0]));
    let thread = (libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND) as u64;
    assert!(made(libc::SYS_clone, [thread, 0, 0]));
    for namespace in [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x4000_0000] {
        assert!(!made(libc::SYS_clone, [thread | namespace, 0, 0]), "{namespace:x}");
    }
    assert!(made(libc::SYS_ioctl, [0, 0x5401, 0]) && !made(libc::SYS_ioctl, [0, 0x5412, 0]));
    // What only looks like another number, since the kernel reads the lower half.
    assert!(!made(libc::SYS_ioctl, [0, 0x1_0000_5412, 0]));
    assert!(made(libc::SYS_prctl, [15, 0, 0]) && !made(libc::SYS_prctl, [22, 2, 0]));
    assert!(made(libc::SYS_personality, [0xFFFF_FFFF, 0, 0]));
    assert!(!made(libc::SYS_personality, [0x004_0000, 0, 0]));
    let [fifo, device] = [libc::S_IFIFO | 0o600, libc::S_IFCHR | 0o600].map(u64::from);
    assert!(made(libc::SYS_mknodat, [0, 0, fifo]) && !made(libc::SYS_mknodat, [0, 0, device]));
}

#[test]
fn lists_that_make_no_sense_are_refused() {
    for list in
        ["read", "read x", "read 0 sometimes", "read 0 plain more", "write 1\nread 0", "a 1\nb 1"]
    {
        assert!(rules::read(list).is_err(), "{list}");
    }
    let both = [
        include_str!("../../../../data/syscalls-x86_64.txt"),
        include_str!("../../../../data/syscalls-aarch64.txt"),
    ];
    for list in both {
        assert!(rules::read(list).is_ok_and(|calls| calls.len() > 200));
    }
}
