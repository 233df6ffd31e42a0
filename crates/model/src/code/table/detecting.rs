//! Looking for sensitive data: 032x.

macro_rules! detecting {
    ([$($before:tt)*] $next:ident $($later:ident)*) => { $next! { [$($before)*
        DataUnreadable = "E0320", 422, "a file that was to be searched for sensitive data cannot be read",
            cause: "It is missing, is a directory, may not be read by this user, or its disk failed. What was found before that was printed.",
            remedy: "Give files, or `-` for standard input. `find DIR -type f -exec casemate detect {} +` searches a directory.";
        DetectRule = "E0321", 422, "the rules for sensitive data cannot be used",
            cause: "The file is missing or is no TOML, or a rule in it has an unknown key, a pattern that is wrong or too large, or a class that is none.",
            remedy: "docs/guides/detect.md describes the file and its keys.";
        DataRevealRate = "E0322", 429, "too many values were revealed in a short time",
            cause: "A tenant's environment has 100 values revealed by operators in a minute at most, so that a stolen credential does not empty a store of tokens at once.",
            remedy: "Wait a minute. What is needed in bulk is undone from a file: `casemate protect --undo`.";
        DataClearance = "E0323", 403, "the function is not cleared for data of this class",
            cause: "A store, a blob, another function's reply or a call holds what its labels say, and the function's manifest has a `clearance` below `[function.data]` that does not name it.",
            remedy: "Name the class or the label in `clearance` if the function is to have it, or take `clearance` away.";
    ] $($later)* } };
}
