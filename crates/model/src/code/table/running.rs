//! What runs and what is kept: 04xx and 05xx.

macro_rules! running {
    ([$($before:tt)*] $next:ident $($later:ident)*) => { $next! { [$($before)*
        // 04xx runtime
        Trapped = "E0401", 502, "the function crashed",
            cause: "The guest trapped: a panic, an out-of-bounds access, a stack overflow, or an explicit `unreachable`.",
            remedy: "`casemate record ID` and `casemate logs` show the reason to those who may view the function.";
        CpuLimit = "E0402", 504, "the function used up its CPU time",
            cause: "The guest computed for longer than its `cpu` limit.",
            remedy: "Make it faster, or raise `cpu` in the manifest.";
        WallTimeout = "E0403", 504, "the function did not answer in time",
            cause: "The `timeout` passed, or a stream was silent for that long.",
            remedy: "Look at the record for where the time went, or raise `timeout` in the manifest.";
        MemoryLimit = "E0404", 507, "the function used up its memory",
            cause: "Linear memories and tables together reached the `memory` limit.",
            remedy: "Use less, or raise `memory` in the manifest.";
        NoResponse = "E0405", 502, "the function ended without an answer",
            cause: "The guest returned and never set a response.",
            remedy: "Set the response on every path of the handler.";
        BadResponse = "E0406", 502, "the function's answer cannot be sent",
            cause: "The reply had too many or too large headers, a header that only the platform may set, or a body shorter than it promised.",
            remedy: "The record of the invocation names what was wrong.";
        ResponseTooLarge = "E0407", 502, "the function's answer is larger than its limit",
            cause: "The reply's body passed `response_body` in the manifest.",
            remedy: "Send less, or raise the limit.";
        NoInstance = "E0408", 503, "there was no room to start the function",
            cause: "The node's pool of instances is exhausted.",
            remedy: "Try again after the time in `Retry-After`; raise `wasm.instances` if it happens often.";
        NotAuthentic = "E0409", 500, "a compiled component is not the one that this node wrote",
            cause: "The file in the home was damaged or replaced. It was not used; the component is compiled again.",
            remedy: "Find out who can write to the home. `casemate doctor` checks its permissions.";
        GuestError = "E0410", 502, "the function reported an error instead of an answer",
            cause: "The guest set an error code as its response.",
            remedy: "Look at the function's log.";
        HostLimit = "E0411", 502, "the function asked too much of the host",
            cause: "Handles, header fields or copied data passed a limit that protects the node.",
            remedy: "Release handles earlier and read in smaller pieces.";
        WasiWithdrawn = "E0420", 503, "the function needs WASI 0.3, which this node does not allow any more",
            cause: "It was deployed while the node's operator allowed WASI 0.3, and the node was started again without.",
            remedy: "Set `wasi03 = true` below `[wasm]` in the node's configuration and start the node again, or deploy a component of WASI 0.2.";
        GuestsGone = "E0430", 500, "the process that ran the function is gone",
            cause: "The node runs each tenant's functions in a process of their own (`wasm.isolation`), and that process ended, could not be started, or was killed because it broke a rule. The record and the node's log say which.",
            remedy: "Call again: the next call starts another process. If that goes on, look at the node's log and at `casemate doctor`.";
        // 05xx store
        DiskFull = "E0501", 507, "the disk is full",
            cause: "The file system that holds the home has no room for what had to be written. Nothing was half-written.",
            remedy: "Free some space or lower `journal.size`; the node goes on by itself.";
        StoreCorrupt = "E0502", 500, "a file of the home is damaged",
            cause: "A checksum or a structure does not fit. The message names the file and the place.",
            remedy: "Restore the last backup with `casemate restore`, and check the disk.";
        SchemaNewer = "E0503", 500, "the home was written by a newer Casemate",
            cause: "The schema number in `registry.db` is higher than this binary knows.",
            remedy: "Use the newer binary; going back is done by restoring the backup that the upgrade made.";
        MigrationFailed = "E0504", 500, "the home could not be brought up to date",
            cause: "A migration step failed. The home is as it was before.",
            remedy: "Read the reason; the automatic backup lies in `backups/` of the home.";
        JournalRefuses = "E0505", 503, "the journal cannot take another record",
            cause: "The disk is full or failing, and this function must not run unrecorded.",
            remedy: "Free some space; `casemate doctor` shows the journal's state.";
        StoreFailed = "E0506", 500, "the store did not do what it was asked",
            cause: "The database or the file system returned an error.",
            remedy: "The node's log has the reason.";
        BackupInvalid = "E0507", 422, "the file is no complete Casemate backup",
            cause: "It is cut, changed, or something else.",
            remedy: "Use another backup.";
        RestoreTarget = "E0508", 409, "a backup is restored into an empty place only",
            cause: "The home that you named already holds something.",
            remedy: "Name another directory with `--home`, or move the old one away.";
        KeyValueDamaged = "E0510", 500, "a key-value store is damaged",
            cause: "Something in `kv/` of the home is not what the node wrote last: a value was changed, moved, removed, or brought back from before.",
            remedy: "The node's log names the store and a digest of the key. Restore the last backup with `casemate restore`, and find out who can write to the disk.";
        KeyValueRolledBack = "E0511", 500, "the key-value stores of a tenant are older than the rest of the home",
            cause: "A file in `kv/` of the home is missing or was replaced by an older copy of itself.",
            remedy: "Put the newer file back, or restore a backup of the whole home with `casemate restore`; one file alone is never restored.";
        KeyValueQuota = "E0512", 507, "a key-value store is full",
            cause: "What was to be written would make the store larger than its quota. Nothing was written.",
            remedy: "Delete keys, or raise the quota.";
        KeyValueInvalid = "E0513", 422, "a key-value store cannot do what it was asked",
            cause: "A key, a value or a batch is over a limit of key-value stores, or the value is no number.",
            remedy: "See the limits in docs/concepts/storage.md.";
        NoSuchSecret = "E0520", 404, "there is no such secret",
            cause: "The name is misspelt, or the secret was removed or never set in this environment.",
            remedy: "`casemate secret list` shows what there is; `casemate secret set NAME` makes one.";
        SecretTaken = "E0521", 409, "there is a secret of that name already",
            cause: "`casemate secret set` never replaces a value.",
            remedy: "`casemate secret rotate NAME` replaces the value; `casemate secret remove NAME` takes it away.";
        SecretValue = "E0522", 422, "the value cannot be a secret",
            cause: "It is empty, or has more than 65536 bytes.",
            remedy: "Write the value to standard input, or name its file with `--file`.";
        SecretMissing = "E0523", 422, "a function asks for a secret that was not set",
            cause: "A manifest names secrets below `[function.allow]`, and in this environment one of them has no value. Nothing was deployed.",
            remedy: "`casemate secret set NAME`, then deploy again.";
        SecretUnreadable = "E0524", 500, "a secret cannot be unsealed",
            cause: "The bytes in `registry.db` are not what the node sealed, or were sealed with another root key.",
            remedy: "Set the value again with `casemate secret rotate NAME`, and find out who can write to the home.";

        QueueDamaged = "E0527", 500, "a call that waits in the queue cannot be read back",
            cause: "Its bytes in `queue.db` are not those that were written there, or they were sealed with another root key.",
            remedy: "It is kept as a dead letter and not run. Compare the file with a backup; `casemate queue purge` removes it.";
        BlobDamaged = "E0530", 500, "a container of blobs is damaged",
            cause: "Something in `blobs/` of the home is not what the node wrote last: an object was changed, moved, removed, or brought back from before.",
            remedy: "The node's log names the container and a digest of the object's name. Restore the last backup with `casemate restore`, and find out who can write to the disk.";
        BlobRolledBack = "E0531", 500, "the blobs of a tenant are older than the rest of the home",
            cause: "A file in `blobs/` of the home is missing or was replaced by an older copy of itself.",
            remedy: "Put the newer file back, or restore a backup of the whole home with `casemate restore`; one file alone is never restored.";
        BlobQuota = "E0532", 507, "a container of blobs is full",
            cause: "What was to be written would make the container larger than its quota of bytes, objects or uploads.",
            remedy: "Delete objects, or raise the quota.";
        BlobInvalid = "E0533", 422, "a container of blobs cannot do what it was asked",
            cause: "A name, a list of names or a page is over a limit of containers.",
            remedy: "See the limits in docs/concepts/storage.md.";
        NoSuchUpload = "E0534", 404, "there is no such upload",
            cause: "It was finished, given up, or nothing was added to it for so long that it was taken away.",
            remedy: "Begin again.";
        UploadConflict = "E0535", 409, "the upload does not go on there",
            cause: "The bytes do not follow those that are there, or somebody else adds to the upload at the same time.",
            remedy: "Ask how far the upload is, and go on from there.";
        UploadCut = "E0536", 400, "the bytes of an upload stopped coming",
            cause: "The connection that they came from ended early. What arrived is kept.",
            remedy: "Ask how far the upload is, and go on from there.";
        BlobDenied = "E0537", 403, "the function asked for a container of blobs, or an object of one, that it may not use",
            cause: "The manifest does not ask for this use of the container, or no grant allows it. A grant with `{claim}` in it covers only objects of the caller whose token says so.",
            remedy: "The log of the invocation prints the line of the manifest or the `casemate grant` command that would allow it.";
    ] $($later)* } };
}
