//! A compile bomb: a small valid module whose one function costs a compiler very much.
//!
//! The function keeps many locals alive across very many blocks. A compiler that allocates
//! registers looks at each pair of a value and a block in which it lives, so the work grows as
//! their product, while the module grows as their sum.

/// What the bomb is made of: changes when it does.
pub(super) const RECIPE: &str = "bomb: 2000 locals, 40000 loops, 1";

/// Locals, all of them alive from the first block to the last.
const LOCALS: u32 = 2_000;
/// Loops, two blocks each.
const LOOPS: u32 = 40_000;
/// What the component's encoder expects the handler to be called.
const HANDLER: &str = "wasi:http/incoming-handler@0.2.12#handle";

const I64: u8 = 0x7e;
const I32: u8 = 0x7f;
const END: u8 = 0x0b;

/// The core module.
pub(super) fn module() -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    // One type, of the handler: two handles and no result.
    section(&mut bytes, 1, &[1, 0x60, 2, I32, I32, 0]);
    // One function, of that type.
    section(&mut bytes, 3, &[1, 0]);
    // One memory of one page, where the locals end.
    section(&mut bytes, 5, &[1, 0, 1]);
    let mut exports = vec![2];
    export(&mut exports, HANDLER, 0);
    export(&mut exports, "memory", 2);
    section(&mut bytes, 7, &exports);
    let body = body();
    let mut code = vec![1];
    number(&mut code, u32::try_from(body.len()).unwrap_or(u32::MAX));
    code.extend(body);
    section(&mut bytes, 10, &code);
    bytes
}

fn body() -> Vec<u8> {
    let mut body = vec![1];
    number(&mut body, LOCALS);
    body.push(I64);
    // The first two locals are the handler's parameters.
    let local = |n: u32| 2 + n % LOCALS;
    for turn in 0..LOOPS {
        // loop: c = a + b + 1; if the lower half of c is set, again.
        body.extend([0x03, 0x40]);
        one(&mut body, 0x20, local(turn));
        one(&mut body, 0x20, local(turn.wrapping_mul(7).wrapping_add(3)));
        body.extend([0x7c, 0x42, 1, 0x7c]);
        one(&mut body, 0x22, local(turn.wrapping_mul(13).wrapping_add(5)));
        body.extend([0xa7, 0x0d, 0, END]);
    }
    for n in 0..LOCALS {
        // memory[8 n] = local n: every local is needed here.
        body.push(0x41);
        signed(&mut body, n * 8);
        one(&mut body, 0x20, local(n));
        body.extend([0x37, 3, 0]);
    }
    body.push(END);
    body
}

fn section(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
    one(bytes, id, u32::try_from(content.len()).unwrap_or(u32::MAX));
    bytes.extend(content);
}

fn export(bytes: &mut Vec<u8>, name: &str, kind: u8) {
    number(bytes, u32::try_from(name.len()).unwrap_or(u32::MAX));
    bytes.extend(name.as_bytes());
    bytes.extend([kind, 0]);
}

/// An opcode and its one operand.
fn one(bytes: &mut Vec<u8>, opcode: u8, operand: u32) {
    bytes.push(opcode);
    number(bytes, operand);
}

/// Unsigned LEB128.
fn number(bytes: &mut Vec<u8>, mut value: u32) {
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Signed LEB128 of a value that is not negative.
fn signed(bytes: &mut Vec<u8>, mut value: u32) {
    while value > 0x3f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
