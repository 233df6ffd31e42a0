//! Looking for sensitive data: 032x and 033x; and keys: from 0334.

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
        DataErased = "E0324", 410, "the value was erased",
            cause: "The person whose value it was had it erased: `casemate data erase` deleted the salt that its key was made with, so nobody can have the value back, from here or from a copy.",
            remedy: "There is none, and none was meant to be. The ledger says when it was erased; a value that comes anew for the same person gets another token.";
        DataSubject = "E0325", 404, "nothing is kept for this subject",
            cause: "No value of the class came for this subject in this tenant and environment, or all were erased before, or the subject is spelled differently: it is compared byte for byte.",
            remedy: "Write the subject as the contract's `subject` field has it in requests. If it was erased before, the ledger has an entry of that: `casemate ledger show`.";
        DataNoSubject = "E0326", 422, "a value that has to be erasable comes without its subject",
            cause: "The contract's field is `erasable`, and the place that its `subject` names is empty, is no text or number, or is longer than 1,024 bytes; so nobody could erase the value later.",
            remedy: "Send the subject's id with the value, in the place that the contract names.";
        DataParts = "E0327", 415, "the parts of a body cannot be read by the function's data contract",
            cause: "A part is a file that the contract does not name, says that it is no plain text, is written so that two readers see different fields in it, or the boundary stands where no part begins.",
            remedy: "Send `multipart/form-data` as RFC 7578 has it, and name its files in `files` below `[function.data]`.";
        DataNoTrigger = "E0328", 422, "a field of the data contract is about a trigger that the function does not have",
            cause: "`trigger` names neither `http`, `invoke` nor `call`, nor a schedule, an event trigger, a webhook or a source of this function, so the field would protect nothing.",
            remedy: "Write `schedule:NAME` or `event:NAME` with a name from the function's own `schedule`, `on`, `webhook` or `from`, or leave `trigger` away.";
        DataLaid = "E0329", 422, "the function does not fit the operator's data contract",
            cause: "The node's configuration has `[[data.in]]` that is laid over this function, and the manifest says something else of the same place, or has a way in that no contract is kept on.",
            remedy: "Take the field out of the manifest, or say of it what the operator says; or ask the operator to name other functions.";
        DataKeyFile = "E0330", 422, "a file of keys cannot be used",
            cause: "It is no file of keys, another version wrote it, a key in it has another length, or it has no keys of a class that the contract names.",
            remedy: "Write it anew from the home: `casemate protect --contract FILE --write-keys FILE`.";
        DataServe = "E0331", 422, "the contract cannot be served",
            cause: "The file of callers is missing, is no TOML, names a caller twice or with a digest that is none, has nobody in it, or lets somebody have values back without a purpose; or the address cannot be listened on.",
            remedy: "Correct what the message names. docs/guides/outside.md has an example.";
        DataServeDenied = "E0332", 403, "the caller may not ask for this",
            cause: "The request has no token that the file of callers knows, or asks for values back, and this caller may only have them protected.",
            remedy: "Send `Authorization: Bearer TOKEN` with a token whose digest stands in the file, and name `undo` in its `may` if it is to have values back.";
        DataServeRate = "E0333", 429, "a caller had too many values transformed in a short time",
            cause: "The file of callers says how many values a caller may have protected and undone in a minute, so that a stolen token neither empties a table nor builds one.",
            remedy: "Wait a minute, send less at a time, or raise `protect_per_minute` or `undo_per_minute` of the caller.";
        KeyPackage = "E0334", 422, "the file with another home's keys cannot be used",
            cause: "It is no such file, another version wrote it, it is damaged or cut off, or it was not sealed by the home that it names for this one.",
            remedy: "Have it made anew there, `casemate key export --class CLASS --to KEY --out FILE`, with the key that `casemate key public` prints here, and copy it as it is.";
        RewrapLeft = "E0335", 500, "some of what is stored was not moved to the newest epoch of the root key",
            cause: "It is damaged, so it was left as it is, or a file could not be written. The node's log names each. All else was moved.",
            remedy: "See the node's log and `casemate doctor`. Put what is damaged back from a backup or remove it, make room on a full disk, and run `casemate key rewrap` again: it goes on with what is left.";
        EpochUnknown = "E0336", 404, "the root key has no such epoch",
            cause: "It was never made, or was taken out already.",
            remedy: "`casemate key status` lists the epochs.";
        RewrapRunning = "E0337", 409, "what is stored is being moved to the newest epoch of the root key",
            cause: "One at a time moves it, and no epoch is taken out meanwhile.",
            remedy: "Wait until it is done: `casemate key rewrap --wait`. `casemate key status` says how far it is.";
        KeyPackageTo = "E0340", 422, "the keys were sealed for another home, tenant or environment",
            cause: "The file names the public key that it was sealed for, and this tenant's environment has another.",
            remedy: "Have it made with `--to` and the key that `casemate key public` prints here, with the same `--tenant` and `--env` as the import.";
        KeyPackageFrom = "E0341", 422, "the keys are not from the home that was named",
            cause: "The file says that another home sealed it than the one that `--from` names. Whoever can write such a file could otherwise hand in keys that they know.",
            remedy: "Ask whoever runs the other home what `casemate key public` prints there, on another way than the file came, and name that.";
        KeyPackageScope = "E0342", 409, "the keys are of another tenant or environment",
            cause: "They were made for a tenant and environment of other names than those that they are to be used in here, and nobody said that this is meant.",
            remedy: "If it is meant, say so: `--of TENANT/ENVIRONMENT` with the names that they have there. Otherwise name the right ones here with `--tenant` and `--env`.";
        KeyPackageClash = "E0343", 409, "there are other keys already",
            cause: "The same home handed over other keys of a class before, or the class uses the keys of another home already, or there are as many as there may be.",
            remedy: "`casemate key status` shows what was handed over. A class uses the keys of one other home at most, and for good; take the file without `--use` to have its tokens revealed.";
        KeyPublic = "E0344", 422, "this is no public key of a home",
            cause: "It has another form, or was cut off or mistyped: its last digits check the others. Or it is this home's own, or nothing of the class came from the home that has it.",
            remedy: "Copy the whole key that `casemate key public` prints on the other home, from `ckx_` on. `casemate key status` shows what came from where.";
        KeyHanded = "E0345", 500, "keys that another home handed over cannot be read",
            cause: "They lie in the registry, sealed with the root key, and what is there was damaged or changed. Without them values would be protected with other keys than before.",
            remedy: "Put the registry back from a backup: `casemate restore`.";
    ] $($later)* } };
}
