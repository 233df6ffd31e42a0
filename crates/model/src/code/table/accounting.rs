//! Budgets, keys, the ledger and events: 10xx to 14xx.

macro_rules! accounting {
    ([$($before:tt)*] $next:ident $($later:ident)*) => { $next! { [$($before)*
        // 10xx budget
        BudgetSpent = "E1001", 429, "the request has used up its budget",
            cause: "The root request and everything that it caused together passed a limit.",
            remedy: "Look at the record for what it spent, or raise the budget.";
        RateLimited = "E1002", 429, "this caller calls too often",
            cause: "The route, or the node, allows one caller or one address so many calls in so long, and there were more.",
            remedy: "Wait for the time in `Retry-After`, or raise `limit` of the route.";
        TooManyFailures = "E1003", 429, "too many credentials from there were not valid",
            cause: "One network address sent credentials that are not valid, again and again. Every further attempt makes the wait longer.",
            remedy: "Wait for the time in `Retry-After` and correct the credential; `failures` in the node's configuration sets the limit.";
        CapReached = "E1010", 429, "a cap on what may be used is reached for now",
            cause: "The function, this caller of it, its application or its tenant has used as much as it may in this second, minute or day.",
            remedy: "Wait for the time in `Retry-After`. `casemate budget` shows the operator which cap it is; `casemate budget lift` lifts a cap per day until the day ends.";
        CapNear = "E1011", 429, "four fifths of a cap are used",
            cause: "Most of what may be used in this second, minute or day is used. Nothing is refused yet.",
            remedy: "`casemate budget` shows what is used. Raise `cap` in the manifest or in the node's configuration if the use is what it should be.";
        NoPrice = "E1012", 422, "a cap in money needs a price in its currency",
            cause: "A cap of the manifest is in money, and the node has no price of a unit, a price of nothing, or one in another currency.",
            remedy: "Cap `units` instead, or ask the operator to set `[price]` in the node's configuration.";
        NoSuchCap = "E1013", 404, "nothing of this name has a cap per day",
            cause: "The name is misspelt, it is not deployed here, or its caps are none per day that refuse anything.",
            remedy: "`casemate budget` lists all caps.";
        // 11xx keys
        RootKeyMissing = "E1101", 500, "the root key is missing",
            cause: "The home was made with a root key, and the file is not there.",
            remedy: "Put the key file back, or name it with `--root-key-file`. Without it, sealed records cannot be read.";
        RootKeyInvalid = "E1102", 500, "the root key file is not a root key",
            cause: "It is empty, cut, or something else.",
            remedy: "Put the right file there.";
        RootKeyUnsafe = "E1103", 403, "others can read the root key",
            cause: "The file's permissions are wider than 0600, or somebody else owns it.",
            remedy: "`chmod 600` it, and consider it known to others.";
        RootKeyWrong = "E1104", 500, "this root key is not the one that the home was made with",
            cause: "The fingerprint in the home does not fit.",
            remedy: "Name the right key with `--root-key-file`.";
        // 12xx ledger
        LeafAltered = "E1201", 500, "an entry of the ledger was changed",
            cause: "A leaf does not hash to what the tree holds. The message names its number.",
            remedy: "Treat the machine as tampered with; compare with an exported checkpoint and a backup.";
        TileAltered = "E1202", 500, "a tile of the ledger was changed",
            cause: "A hash in a tile does not follow from what lies below it. The message names the tile.",
            remedy: "Treat the machine as tampered with; compare with an exported checkpoint and a backup.";
        CheckpointInvalid = "E1203", 500, "a checkpoint of the ledger is not valid",
            cause: "Its signature, its size or its root does not fit.",
            remedy: "Treat the machine as tampered with; compare with an exported checkpoint and a backup.";
        NotAPrefix = "E1204", 500, "the ledger does not continue the checkpoint that you kept",
            cause: "History before the kept checkpoint was rewritten, or the checkpoint is another ledger's.",
            remedy: "Treat the machine as tampered with.";
        // 13xx native
        // 1320 to 1329: interpreters
        NoJails = "E1301", 503, "native functions cannot run on this machine",
            cause: "The launcher of jails could not make namespaces of its own, or ended. The message has the kernel's words.",
            remedy: "docs/concepts/jail.md says for each system what it needs. Functions of WebAssembly run all the same.";
        JailMemory = "E1302", 503, "nothing can limit the memory of native functions here",
            cause: "The node's own control group cannot be divided: it is read-only, or the node's user may not write to it.",
            remedy: "Hand a control group down to the node, as docs/concepts/jail.md shows. `casemate up --danger-no-memory-limit` does without: one function can then take all memory of the machine.";
        JailLandlock = "E1303", 503, "the kernel has no Landlock for native functions",
            cause: "It is older than 5.13, or Landlock is not among its security modules (`lsm=` on its command line).",
            remedy: "Use a newer kernel. `casemate up --danger-no-landlock` does without: namespaces and the filter on system calls are left.";
        JailProc = "E1304", 503, "native functions cannot have a `/proc` here",
            cause: "The machine's own is masked in part, as in a plain Docker container, and then the kernel lets no other be mounted.",
            remedy: "Give the container `--security-opt systempaths=unconfined`. `casemate up --danger-no-proc` does without: most runtimes work, and see no processor count.";
        JailFailed = "E1305", 500, "a jail could not be made",
            cause: "A step of making it failed; the message names the step and has the kernel's words. Nothing of the jail is left.",
            remedy: "If it names a file, see that others than its owner can read it: what runs in a jail is nobody on the machine. Otherwise `casemate doctor` tries the same with a jail of its own.";
        JailCheck = "E1306", 503, "jails do not hold on this machine",
            cause: "A jail was made to try them, and what ran in it could do what it must not, or did not say what it found.",
            remedy: "Do not run native functions here. `casemate doctor` names the layers; please report it with the kernel's version.";
        InterpreterMissing = "E1320", 422, "what interprets the function is not on the node's machine",
            cause: "The manifest names an interpreter that the node did not find where they lie, or none of this version.",
            remedy: "Install it on the node's machine, for example with `apt-get install python3`, or name one of `casemate runtimes`.";
        InterpreterUnusable = "E1321", 500, "an interpreter of the node's configuration cannot be used",
            cause: "The file is not there, is no program, or others than its owner may write to it.",
            remedy: "Correct `executable` below `[native.interpreter.\"NAME\"]`, and start the node again.";
        NothingToStart = "E1350", 502, "the package of a native function does not hold what is to be started",
            cause: "The manifest names neither an interpreter nor a `command`, and neither the package nor its layers have a program `bootstrap` at their top.",
            remedy: "Put a `bootstrap` into the package that may be executed, or write `command` or `interpreter` and `handler` below `[function.native]`.";
        NativeFailed = "E1351", 503, "native functions cannot be run on this machine",
            cause: "What starts processes in jails could not be started, or this machine lacks what a jail is made of. The detail says which.",
            remedy: "See `casemate doctor`, and docs/concepts/jail.md for what each system needs. Components are not affected.";
        // 14xx events
        QueueFull = "E1410", 429, "the function's queue is full",
            cause: "As many calls wait for the function, dead letters among them, as may.",
            remedy: "Wait until it has caught up. `casemate queue list` shows what waits, and `casemate queue purge NAME` removes dead letters.";
        QueuedTooLarge = "E1411", 413, "the call is too large to wait in the queue",
            cause: "Its body is above 1 MiB, or above the function's `request_body` limit.",
            remedy: "Send less, or call the function without `--async` and without `Prefer: respond-async`.";
        NotQueueable = "E1412", 422, "this cannot be called asynchronously",
            cause: "It is a directory of files and has no code to run later.",
            remedy: "Leave `--async` away.";
        NoSuchMessage = "E1413", 404, "there is no such call in the queue",
            cause: "The id is misspelt, the call is done, or it is no dead letter.",
            remedy: "`casemate queue list` shows what there is; `casemate record ID` shows what became of a call.";
        GaveUp = "E1414", 500, "an asynchronous call was given up",
            cause: "Every attempt failed, or the call may not run any more. It is kept as a dead letter.",
            remedy: "`casemate record ID` says why. `casemate queue retry ID` tries again, `casemate queue purge ID` removes it.";
        // 1415 to 1423: secrets that sign, are fetched, or come from elsewhere
        SecretContent = "E1415", 502, "the value of a secret is not what its use needs",
            cause: "The manifest signs with it. For `sigv4` without `access_key` the value is a JSON document with `AccessKeyId` and `SecretAccessKey`; for `hmac` with `key = \"base64\"` or `\"hex\"` it is a key in that encoding. The request was not sent.",
            remedy: "Set the value again with `casemate secret rotate NAME`, or correct the manifest.";
        SecretBodyTooLarge = "E1416", 413, "the body is too large to be signed or changed",
            cause: "The platform signs or changes a body only after it has all of it, and takes up to 4 MiB for that, and 64 MiB on the whole node at a time. The request was not sent.",
            remedy: "Send less at once. Bodies for S3 over `https` go out unsigned, or with the digest that the function itself puts into `x-amz-content-sha256`, and may be of any size.";
        SecretBodyForm = "E1417", 422, "the secret cannot be put into this body",
            cause: "The placeholder is to stand once, as the whole value of the field that the manifest names, in a body of the type that it names. The request was not sent.",
            remedy: "Put the placeholder there, and correct `content-type`, or correct `body` of the secret in the manifest.";
        SecretSignedTwice = "E1418", 422, "the request is signed in a way that the platform cannot take over",
            cause: "Its body holds signatures of its own in pieces (`STREAMING-AWS4-HMAC-SHA256-PAYLOAD` or one like it in `x-amz-content-sha256`), made with the placeholder. The request was not sent.",
            remedy: "Have the client library send whole bodies, or unsigned ones: without `aws-chunked`.";
        TokenRefused = "E1419", 502, "no token was given for a secret",
            cause: "The server of `oauth2.token_url` could not be reached, or its answer holds no bearer token. The request was not sent.",
            remedy: "The function's log says what came back. Check `client_id`, `scope` and `auth` in the manifest, and the secret's value.";
        RevealDenied = "E1420", 403, "the function may not read this secret",
            cause: "The manifest does not say `reveal` of the secret, or no grant allows it. A grant to use a secret is none to read it.",
            remedy: "`casemate grant function:NAME secret-reveal SECRET`, if the function has to hold the value itself; most do not.";
        SecretElsewhere = "E1421", 409, "this secret is kept elsewhere",
            cause: "A section `[[secret]]` of the node's configuration names it, so its value comes from a file, the environment or a vault, and from nowhere else.",
            remedy: "Change the value there, or take the section out of the configuration.";
        SecretSource = "E1422", 502, "the source of a secret does not give its value",
            cause: "The file cannot be read, or the vault cannot be reached, does not take the node's token, or has no such value. Nothing stands in for it: no request was sent, and nothing was deployed.",
            remedy: "The message says what is wrong. Correct it there; the next use asks again.";
        // 1424 to 1426: where the end of an asynchronous call is told; 1427 to 1429: batches
        ToldFull = "E1424", 429, "a destination has no room for the end of a call",
            cause: "As many calls wait for the function that is to be told, dead letters among them, as may. The call is kept as a dead letter, whether it was done or not, so that nothing is lost.",
            remedy: "Let the destination catch up, or remove its dead letters with `casemate queue purge NAME`. `casemate queue retry ID` runs the call again, and tells of its end again.";
        ToldDenied = "E1425", 403, "the end of a call may not be told there",
            cause: "`on_success` or `on_failure` below `[function.async]` names a function or an application for which the function has no grant, or which is not there. Nobody was told.",
            remedy: "Grant what the node's log names: `casemate grant function:NAME invoke FUNCTION`, or `publish APPLICATION`.";
        ToldLoop = "E1426", 508, "the ends of calls are told in a circle",
            cause: "Each call that tells of the end of another one is one deeper in the tree of the first, and this one would be deeper than the node's budget allows. Nobody was told.",
            remedy: "Let no destination lead back to where it comes from. `casemate record ID` shows the tree; `depth` in `[budget]` is how deep it may be.";
        BatchReply = "E1427", 502, "the reply to a batch does not say what failed",
            cause: "The function answered with JSON that is no list of failures, or that names a message that is none of the batch's. All of the batch counts as failed, so that nothing is taken for done that may not be.",
            remedy: "Answer `{\"batchItemFailures\":[{\"itemIdentifier\":\"ID\"}]}` with ids of the batch, or nothing at all if everything was done; see docs/concepts/async.md.";
        BatchItem = "E1428", 502, "the function reported this message of a batch as failed",
            cause: "Its id was in `batchItemFailures` of the function's reply. The rest of the batch is done.",
            remedy: "It is tried again alone. The record of the batch, whose id this record's trigger names, has the function's log.";
        BatchBehind = "E1429", 503, "a message of its key that is before it failed",
            cause: "It was in a batch behind a message of the same key that failed, so it is not taken for done, whatever the function said of it.",
            remedy: "It is tried again after the one before it came to its end. This attempt does not count.";
        NoSuchTrigger = "E1430", 404, "there is no such schedule",
            cause: "The name is misspelt, or the function that declared it is not deployed here, or declares it no longer.",
            remedy: "`casemate schedule list` shows what there is.";
        TriggerTaken = "E1431", 409, "another function has a trigger of this name",
            cause: "A trigger acts under its name, so there is one of it in an environment.",
            remedy: "Give it another name in the manifest.";
        EventShapeless = "E1432", 422, "an event cannot be given in the shape that its trigger names",
            cause: "The event does not say what the shape is about: for `s3` an object, for `dynamodb` a row before or after a change. It is not tried again, since it will never say it.",
            remedy: "Change `as` of the trigger, or have it want other events only; docs/guides/events.md says what each shape is made of. The dead letter holds the event: `casemate queue peek ID`.";
        PublishDenied = "E1440", 403, "the event may not be published there",
            cause: "Nothing grants it to whoever publishes, a policy forbids it, or the manifest of the function that publishes does not ask for it.",
            remedy: "`casemate grant WHO publish APPLICATION` allows it; a function writes `publish = [\"APPLICATION\"]` below `[function.allow]` before.";
        BadEvent = "E1441", 400, "this is no CloudEvent",
            cause: "The request is no event of CloudEvents 1.0 in one of HTTP's modes, or one of a batch is none. Nothing of it was accepted.",
            remedy: "The detail says what is wrong. An event has `specversion`, `id`, `source` and `type`: as header fields `ce-…`, or in JSON as `application/cloudevents+json`; see docs/guides/events.md.";
        EventTooLarge = "E1442", 413, "the events are too large",
            cause: "The body is above 1 MiB.",
            remedy: "Send fewer events at once, or put what is large into a blob and its name into the event.";
        EventFormat = "E1443", 415, "events in this format are not read",
            cause: "The content type names a format of CloudEvents that is not JSON, or JSON in another encoding than UTF-8.",
            remedy: "Send `application/cloudevents+json`, `application/cloudevents-batch+json`, or the attributes as header fields `ce-…`.";
        EventOrigin = "E1444", 403, "nobody agreed to take events of this origin",
            cause: "A sender asked whether its events are welcome (`WebHook-Request-Origin`), and the node's configuration does not name it.",
            remedy: "Add its name to `origins` in `[events]` of the node's configuration.";
        SourceTooLarge = "E1445", 413, "a message of a source is too large",
            cause: "A source gave a message with more bytes than its function takes, or with more fields than are read. It is a dead letter without its data, and was acknowledged.",
            remedy: "Look at it where it lies: its number is in the dead letter, and a file is in `failed`. Raise `request_body` of the function up to `body` in `[queue]`, or put what is large elsewhere and its name into the message.";
        SourceText = "E1446", 422, "a message of a source is not in UTF-8",
            cause: "The source's messages are said to be JSON or text, or become JSON, and this one has bytes that are no UTF-8. It is a dead letter, and the function never sees it.",
            remedy: "Mend it at the sender, or say what the data is with `type` in `[[source]]`, and where it is with `field`.";
        SourceForm = "E1447", 422, "a message of a source is not what the source is said to give",
            cause: "It is no CloudEvent or no JSON although the node's configuration says so, a field is missing or comes twice, or a file is none or has another name. It is a dead letter, and the function never sees it.",
            remedy: "Mend it at the sender, or `form`, `type`, `field` and `key` in `[[source]]` of the node's configuration.";
        SourceDown = "E1448", 502, "a source cannot be reached",
            cause: "Nobody listens there, its name is not found, its address is in a network that is not named, the connection broke, or the folder is not there. The node tries again, after longer and longer waits up to half a minute.",
            remedy: "The detail says what happened. A source on a private network needs it in `networks` of its `[[source]]`.";
        SourceRefused = "E1449", 502, "a source refuses what the node asks for",
            cause: "The credentials are missing or wrong, they do not allow what is needed, there is something else under the name, or another node has the folder.",
            remedy: "The detail has the source's own words. docs/guides/sources.md says what each kind needs.";
        WebhookRefused = "E1450", 401, "the message is not from whom a webhook is for",
            cause: "There is no such webhook, the signature is missing or another one, it was signed too long ago, or the node has no secret to compare it with.",
            remedy: "Compare the address and the secret with those at the sender. The node's log says why, at the level `debug`.";
        WebhookDenied = "E1451", 403, "the webhook may not call its function",
            cause: "The message is believed, and nothing grants the webhook's trigger to call the function.",
            remedy: "`casemate grant trigger:NAME invoke FUNCTION`; the node's log says the whole command.";
    ] $($later)* } };
}
