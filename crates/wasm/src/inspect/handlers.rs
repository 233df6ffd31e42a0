//! Which HTTP handlers a component exports, seen without a parser of WebAssembly in the node.
//!
//! A component is a list of sections, each with its length. Only the names in its own export
//! sections are looked at. A wrong guess costs a less helpful refusal, no more: what a component
//! really exports is checked after the compiler has validated it.

/// What a component's export sections say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Handlers {
    /// `wasi:http/incoming-handler@0.2`.
    pub(super) v02: bool,
    /// `wasi:http/handler@0.3`.
    pub(super) v03: bool,
}

/// Length of the magic bytes and the version.
const PREAMBLE_BYTES: usize = 8;
/// The number of an export section.
const EXPORTS: u8 = 11;
/// Bytes of export sections that are searched in all. A handler's name comes early.
const SEARCHED_BYTES_MAX: usize = 1 << 20;

impl Handlers {
    /// Looks at a component's sections, as far as they can be read.
    pub(super) fn of(component: &[u8]) -> Self {
        let mut found = Self::default();
        let mut rest = component.get(PREAMBLE_BYTES..).unwrap_or_default();
        let mut room = SEARCHED_BYTES_MAX;
        while let Some((number, section, after)) = section(rest) {
            rest = after;
            if number == EXPORTS {
                let part = section.get(..room.min(section.len())).unwrap_or_default();
                room -= part.len();
                found.v02 |= holds(part, b"wasi:http/incoming-handler@0.2.");
                found.v03 |= holds(part, b"wasi:http/handler@0.3.");
            }
        }
        found
    }
}

fn holds(bytes: &[u8], name: &[u8]) -> bool {
    bytes.windows(name.len()).any(|part| part == name)
}

/// The first section's number and contents, and what comes after it.
fn section(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (number, rest) = bytes.split_first()?;
    let (length, rest) = leb128(rest)?;
    let (contents, after) = rest.split_at_checked(length)?;
    Some((*number, contents, after))
}

/// A number of 32 bits in LEB128, and what comes after it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value: u64 = 0;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Handlers = Handlers { v02: false, v03: false };

    fn component(text: &str) -> Handlers {
        Handlers::of(&wat::parse_str(text).expect("text"))
    }

    #[test]
    fn own_exports_count_and_nothing_else_does() {
        assert_eq!(component("(component)"), NONE);
        let exports = |name: &str| {
            component(&format!(r#"(component (instance $i) (export "{name}" (instance $i)))"#))
        };
        assert_eq!(exports("wasi:http/handler@0.3.0"), Handlers { v03: true, ..NONE });
        assert_eq!(exports("wasi:http/incoming-handler@0.2.12"), Handlers { v02: true, ..NONE });
        assert_eq!(exports("wasi:http/handler@0.4.0"), NONE);
        let imports = r#"(component (import "wasi:http/handler@0.3.0" (instance)))"#;
        assert_eq!(component(imports), NONE);
        let inner = r#"(component (component (instance $i)
            (export "wasi:http/handler@0.3.0" (instance $i))))"#;
        assert_eq!(component(inner), NONE, "a part's export is not the component's");
        let custom = r#"(component (@custom "x" "wasi:http/handler@0.3.0"))"#;
        assert_eq!(component(custom), NONE);
    }

    #[test]
    fn no_bytes_make_it_stumble() {
        let whole = wat::parse_str(
            r#"(component (instance $i) (export "wasi:http/handler@0.3.0" (instance $i)))"#,
        )
        .expect("text");
        for end in 0..whole.len() {
            Handlers::of(&whole[..end]);
            for byte in [0, 0x7f, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[end] = byte;
                Handlers::of(&bytes);
            }
        }
        assert_eq!(leb128(&[0xff; 5]), None);
        assert_eq!(leb128(&[0xff, 0xff, 0xff, 0xff, 0x0f, 7]), Some((u32::MAX as usize, &[7][..])));
    }
}
