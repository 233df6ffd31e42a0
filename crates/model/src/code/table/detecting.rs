//! Looking for sensitive data: 032x.

macro_rules! detecting {
    ([$($before:tt)*] $next:ident $($later:ident)*) => { $next! { [$($before)*
        DataUnreadable = "E0320", 422, "a file that was to be searched for sensitive data cannot be read",
            cause: "It is missing, is a directory, may not be read by this user, or its disk failed. What was found before that was printed.",
            remedy: "Give files, or `-` for standard input. `find DIR -type f -exec casemate detect {} +` searches a directory.";
        DetectRule = "E0321", 422, "the rules for sensitive data cannot be used",
            cause: "The file is missing or is no TOML, or a rule in it has an unknown key, a pattern that is wrong or too large, or a class that is none.",
            remedy: "docs/guides/detect.md describes the file and its keys.";
    ] $($later)* } };
}
