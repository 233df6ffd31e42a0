//! Every error code: its number, its HTTP status, and what people read about it.

codes! {
    // 01xx deploy
    NotAComponent = "E0101", 422, "the file is no WebAssembly component",
        cause: "The file is empty, damaged, text, or a core module that was never wrapped as a component.",
        remedy: "Build for `wasm32-wasip2`, or wrap a core module with `wasm-tools component new`.";
    ImportNotOffered = "E0102", 422, "the component imports an interface that Casemate does not offer",
        cause: "The component was built for another host, or for a world with capabilities that are not there yet. The answer names each import.",
        remedy: "Rebuild against `wasi:http/proxy` of WASI 0.2; docs/reference/interfaces.md lists what is offered.";
    ManifestUnknownKey = "E0103", 422, "the manifest has a key that does not exist",
        cause: "A key is misspelt, or belongs to a newer Casemate. The answer names the key, its line and the nearest known key.",
        remedy: "Correct the key; `casemate schema` prints every key that exists.";
    ManifestValue = "E0104", 422, "a value in the manifest cannot be used",
        cause: "A value has the wrong type, a wrong unit, or lies outside what is allowed.",
        remedy: "Correct the value at the line that the answer names; `casemate schema` prints the types.";
    BadName = "E0105", 422, "a name is not allowed",
        cause: "Names are 1 to 63 characters of a-z, 0-9 and `-`, begin with a letter, do not end with `-`, and some are reserved.",
        remedy: "Choose another name.";
    BadRoute = "E0106", 422, "a route cannot be read",
        cause: "A route is `METHOD path` or `METHOD host/path`, where a path segment is text, `{name}` or, at the end, `{*name}`.",
        remedy: "Write it like `GET /orders/{id}`.";
    RouteClash = "E0107", 409, "two functions ask for the same route",
        cause: "Another function of this environment, or of this manifest, already answers this method and path. The answer names it.",
        remedy: "Change one of the routes, or remove the other function.";
    NoHandler = "E0108", 422, "the component exports no HTTP handler",
        cause: "The component does not export `wasi:http/incoming-handler@0.2`: it is a command, a library, or built for WASI 0.3.",
        remedy: "Export the `wasi:http/proxy` world of WASI 0.2.";
    CompileFailed = "E0109", 422, "the component could not be compiled",
        cause: "The component is valid at first sight and then refused by the compiler, for example because it uses a proposal that is switched off.",
        remedy: "Look at the reason in the answer; rebuild without threads, memory64 or exceptions.";
    CompileLimit = "E0110", 422, "compiling the component hit a limit",
        cause: "The compiler child ran out of its memory, its CPU time or its output size: the component is very large or made to be hard to compile.",
        remedy: "Make the component smaller, or raise `compile` limits in the node's configuration.";
    ArtifactTooLarge = "E0111", 413, "the component is larger than this node accepts",
        cause: "The file is above `artifact` in the node's configuration.",
        remedy: "Strip debug information (`wasm-tools strip`), or raise the limit in the node's configuration.";
    DigestMismatch = "E0112", 422, "the bytes that arrived are not the bytes that were announced",
        cause: "The upload was cut or changed on its way.",
        remedy: "Deploy again.";
    FunctionTaken = "E0113", 409, "a function of that name belongs to another application",
        cause: "Function names are unique in an environment, and an application may not take over another's function.",
        remedy: "Choose another function name, or remove the other application first.";
    NoSuchFunction = "E0114", 404, "there is no such function or application",
        cause: "The name is misspelt, the function was removed, or it lives in another tenant or environment.",
        remedy: "`casemate functions` lists what is deployed.";
    NoSuchRevision = "E0115", 404, "there is no such deployment or revision",
        cause: "The number was never made, or there is nothing before the first deployment to roll back to.",
        remedy: "`casemate revisions NAME` lists what there is.";
    ArtifactMissing = "E0116", 409, "a component that the manifest names was not uploaded",
        cause: "The manifest refers to a digest that this node does not hold.",
        remedy: "Deploy with `casemate deploy`, which uploads first.";
    DeployConflict = "E0117", 412, "somebody else deployed in the meantime",
        cause: "The deployment that this one was based on is no longer the active one.",
        remedy: "Look at `casemate revisions`, then deploy again.";
    ManifestUnreadable = "E0118", 422, "the manifest cannot be read",
        cause: "The file is missing, is no TOML, or is not text.",
        remedy: "Give a directory with a `casemate.toml`, the file itself, or a `.wasm` file.";
    AssetRefused = "E0125", 422, "a file of the assets cannot be deployed",
        cause: "It is a link that leads out of the directory, no ordinary file, too large, or its name cannot be a path of a URL. The answer names it.",
        remedy: "Rename the file, or move it out of the directory.";
    AssetRule = "E0126", 422, "a rule of the assets cannot be used",
        cause: "A cache or header rule names a field that the platform decides about, lets shared caches keep private files, or names a file that is not there.",
        remedy: "Correct the rule that the answer names; docs/guides/static-assets.md shows each.";
    AssetList = "E0127", 422, "the list of the assets' files cannot be used",
        cause: "The list was made by another version, or is not what `casemate deploy` writes.",
        remedy: "Deploy with a `casemate` of the node's version.";
    BadCors = "E0128", 422, "a route's `cors` cannot be used",
        cause: "Origins, methods or header fields are misspelt, or everybody would be let in with cookies.",
        remedy: "Write it like `cors = { origins = [\"https://app.example\"] }`.";
    ProjectExists = "E0140", 409, "there is something in the place of the new project already",
        cause: "`casemate new` writes into a directory that is not there or empty, and never over somebody's files.",
        remedy: "Choose another name, or another place with `--dir`.";
    BuildFailed = "E0141", 422, "the build command failed",
        cause: "The command that the manifest names as `build` ended with an error. What it said stands above; it is the language's own tool that speaks.",
        remedy: "Correct what the tool complains about, and build again.";
    BuildTimeout = "E0142", 504, "the build command did not end in time",
        cause: "The command waits for something, or needs longer than it was given. It was ended with everything that it had started.",
        remedy: "Run it by hand to see what it waits for, or give it longer with `--timeout`.";
    NothingBuilt = "E0143", 422, "the build left no component where `source` says",
        cause: "The command ended well, and the file that the manifest names as `source` is not there.",
        remedy: "Correct `source`, or the place where the build command writes.";
    CoreModuleBuilt = "E0144", 422, "the build made a core module, and a component is needed",
        cause: "The file is WebAssembly without the component around it: built for `wasm32-unknown-unknown` or `wasm32-wasip1`, or not wrapped.",
        remedy: "Build for `wasm32-wasip2`, or wrap the module with `wasm-tools component new`.";
    NothingToBuild = "E0145", 422, "no function has a build command",
        cause: "No function of the manifest, or not the one that was named, has a key `build`.",
        remedy: "Write `build = \"COMMAND\"` below `[[function]]`: the command that makes `source`.";
    ToolMissing = "E0146", 422, "the build needs a tool that is not installed",
        cause: "The build command, or the language's tool that it calls, says that a program or a target is missing on this machine.",
        remedy: "Install what is named, and build again.";
    Interrupted = "E0147", 503, "interrupted before it was done",
        cause: "Ctrl-C or a signal came while a build or an example ran. It was ended with everything that it had started.",
        remedy: "Run the command again.";
    WatchFailed = "E0148", 500, "the project's files cannot be watched",
        cause: "The system gives no more watches, or a directory cannot be read.",
        remedy: "Raise the limit: `sudo sysctl fs.inotify.max_user_watches=524288`.";
    NoClientAuthority = "E0149", 422, "this node takes no client certificates",
        cause: "A route of a manifest, or a grant, is for holders of client certificates (`mtls`), and the node's configuration names no authority of such certificates. Nobody could ever call it so.",
        remedy: "Name the authorities in `tls.client_ca` in the node's configuration and start it again, or write another `auth`.";
    ManifestForm = "E0155", 422, "a manifest is not in its one form",
        cause: "Its spaces, blank lines or lists are not as `casemate fmt` writes them.",
        remedy: "Run `casemate fmt`.";
    WasiNotAllowed = "E0170", 422, "the component is built for WASI 0.3, which this node does not allow",
        cause: "WASI 0.3 is experimental: fixes of it are not promised patch releases. A node runs it only if its operator says so.",
        remedy: "Build the component for WASI 0.2, or have the operator set `wasi03 = true` below `[wasm]` in the node's configuration and start the node again.";
    WasiNotAsked = "E0171", 422, "the component is built for WASI 0.3, and its manifest does not ask for that",
        cause: "A function runs on the engine of WASI 0.2 unless its manifest says otherwise.",
        remedy: "Write `wasi = \"0.3\"` below the function's `[[function]]`, or build the component for WASI 0.2.";
    WasiNotOfComponent = "E0172", 422, "the manifest asks for WASI 0.3, and the component is built for WASI 0.2",
        cause: "The component exports the HTTP handler of WASI 0.2 and not that of 0.3.",
        remedy: "Take `wasi = \"0.3\"` out of the function's `[[function]]`, or build the component for WASI 0.3.";

    // 02xx policy
    Denied = "E0201", 404, "no grant allows this call",
        cause: "The caller is known, and nothing permits it to invoke this function. To strangers it looks like a path that does not exist.",
        remedy: "`casemate grant token:NAME invoke FUNCTION`, or `casemate grant public invoke FUNCTION`.";
    PolicyError = "E0202", 500, "a policy could not be evaluated, so the call was denied",
        cause: "A policy refers to something that the request does not have. Errors in evaluation always mean deny.",
        remedy: "Correct the policy; the record of the invocation names it.";
    OutboundDenied = "E0203", 403, "the function asked for an outgoing request that is not allowed",
        cause: "No grant names this method, host and path. A function has no way out that was not granted.",
        remedy: "The log of the invocation prints the `casemate grant` command that would allow it.";
    NoSuchGrant = "E0204", 404, "there is no such grant",
        cause: "It was revoked already, or its parts are written differently.",
        remedy: "`casemate grants` lists every grant in the form that `casemate revoke` takes.";
    BadGrant = "E0205", 422, "a grant cannot be read",
        cause: "A grant is `WHO ACTION WHAT`: `token:NAME invoke FUNCTION`, `jwt:ISSUER invoke FUNCTION`, `mtls:NAME invoke FUNCTION`, `public invoke FUNCTION`, `function:NAME http \"METHOD URL\"` `function:NAME keyvalue \"ACCESS STORE\"` or `function:NAME secret \"SECRET for URL\"`.",
        remedy: "Write it in one of these forms.";
    BadPolicy = "E0206", 422, "an operator's policy cannot be used",
        cause: "The file is no Cedar, or does not fit the schema in docs/reference/policy.cedarschema.",
        remedy: "Correct the policy at the place that the message names.";
    StoreDenied = "E0207", 403, "the function asked for a key-value store, or a key of one, that it may not use",
        cause: "The manifest does not ask for this use of the store, or no grant allows it. A grant with `{claim}` in it covers only keys of the caller whose token says so.",
        remedy: "The log of the invocation prints the line of the manifest or the `casemate grant` command that would allow it.";
    SecretDenied = "E0208", 403, "the function may not use this secret there",
        cause: "The manifest does not ask for the secret at this address, or no grant allows it. Without it the request was not sent.",
        remedy: "The log of the invocation prints the line of the manifest or the `casemate grant` command that would allow it.";
    SecretMisplaced = "E0209", 403, "the placeholder of a secret stands where the secret may not go",
        cause: "The request goes to another address than the manifest's `to`, or the placeholder stands in another field, in the path or in the body. The request was not sent, or was broken off.",
        remedy: "Put the placeholder into the field that the manifest names, or leave the field out: the secret is then put there.";

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

    // 06xx node
    HomeLocked = "E0601", 409, "another Casemate is using this home",
        cause: "A running `casemate up` holds the lock.",
        remedy: "Stop it first, or use another `--home`.";
    HomeForeign = "E0602", 403, "this home belongs to somebody else",
        cause: "The directory is owned by another user, or others may read or write it.",
        remedy: "Run as its owner, or `chmod 700` it if it is yours.";
    BadConfig = "E0603", 422, "the node's configuration cannot be used",
        cause: "A key does not exist or a value has the wrong type. The message names the line.",
        remedy: "Correct it; `casemate up --print-config` shows every key.";
    AddressInUse = "E0604", 409, "the address cannot be listened on",
        cause: "Another program uses it, or this user may not.",
        remedy: "Choose another with `--listen` or `--admin`.";
    Draining = "E0605", 503, "the node is shutting down",
        cause: "It finishes what it accepted and takes nothing new.",
        remedy: "Try again in a moment.";
    NotRunning = "E0606", 503, "no Casemate answers there",
        cause: "`casemate up` is not running for this home, or CASEMATE_URL is wrong.",
        remedy: "Start it with `casemate up`.";
    Unsafe = "E0607", 422, "that would weaken the node, so it was refused",
        cause: "`--dev` and a plain admin listener are for loopback addresses only.",
        remedy: "Listen on 127.0.0.1, or leave the option out.";
    BadRequest = "E0608", 400, "the admin API cannot use this request",
        cause: "A path, a query or a body does not fit the API.",
        remedy: "docs/reference/openapi.json describes every operation.";
    IdempotencyReuse = "E0609", 409, "this Idempotency-Key was used for something else",
        cause: "The same key came with another request.",
        remedy: "Use a new key for a new request.";
    VersionSkew = "E0610", 400, "the command and the node do not understand each other",
        cause: "One of the two is older and does not know this operation.",
        remedy: "Use the same version of `casemate` on both sides.";
    Internal = "E0611", 500, "something inside Casemate went wrong",
        cause: "A rule that should always hold did not. This is a defect of Casemate.",
        remedy: "Please report it with the node's log.";
    BadHome = "E0612", 500, "the home cannot be used",
        cause: "The directory cannot be made, read or written.",
        remedy: "Name another with `--home`, or mend its permissions.";
    CertificateUnreadable = "E0620", 422, "a certificate cannot be used",
        cause: "The file is missing, holds no PEM certificate, or is damaged. The message names it.",
        remedy: "Give a PEM file with the server's certificate first and its intermediates after it.";
    CertificateKeyUnreadable = "E0621", 422, "a certificate's private key cannot be used",
        cause: "The file is missing, holds no PEM private key, or the key is encrypted or of a kind that is not supported.",
        remedy: "Give an unencrypted PEM key: ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of at least 2048 bits.";
    CertificateKeyUnsafe = "E0622", 403, "others could read or change a certificate's private key",
        cause: "The key's file is open to everybody, can be written by its group, or belongs to another user.",
        remedy: "`chmod 600` the file, or 640 if a group must read it, and make the node's user or root its owner.";
    CertificateMismatch = "E0623", 422, "the private key does not belong to the certificate",
        cause: "The two files are of different certificates, or the certificate file does not begin with the server's own.",
        remedy: "Name the key that the certificate was issued for; put the server's certificate first in its file.";
    CertificateExpired = "E0624", 422, "the certificate is not valid today",
        cause: "It has expired, is not valid yet, or this machine's clock is wrong.",
        remedy: "Renew it, or set the clock; `casemate doctor` names certificates that expire soon.";
    CertificateNames = "E0625", 422, "the certificate names no host",
        cause: "It has no subject alternative name that is a host name or an address. Clients do not look at its common name.",
        remedy: "Issue it again with the host's name among its subject alternative names.";
    ClientAuthority = "E0626", 422, "client certificates cannot be checked",
        cause: "The file of `tls.client_ca` or of `tls.client_crl` is missing, holds nothing of its kind, or is damaged.",
        remedy: "Give PEM files: the certificates of the authorities, and their revocation lists.";
    AcmeSettings = "E0627", 422, "the section `[tls.acme]` cannot be used",
        cause: "The directory is no HTTPS address, its terms are not agreed to, or a domain is none that its challenges can prove.",
        remedy: "docs/guides/tls.md has an example of each challenge.";
    AcmeFailed = "E0628", 502, "no certificate was obtained from the ACME directory",
        cause: "The directory does not answer, refuses the order, or could not reach this node to prove the domain.",
        remedy: "The node tries again with growing waits and serves what it has; the message says what failed. SIGHUP makes it try at once.";
    NoCertificate = "E0629", 422, "there is no certificate to serve",
        cause: "`[tls]` is set, and neither a certificate nor ACME nor a self-signed one is.",
        remedy: "Add `[[tls.certificate]]` or `[tls.acme]`, or try with `casemate up --tls-self-signed`.";


    // 07xx gateway
    Malformed = "E0701", 400, "the request is not well-formed HTTP",
        cause: "A line does not end in CRLF, a header is folded, or a character is where it must not be.",
        remedy: "Use an ordinary HTTP client.";
    HeadTooLarge = "E0702", 431, "the request's headers are too large",
        cause: "There are more header fields, or more bytes of them, than the limit.",
        remedy: "Send fewer or smaller headers.";
    BodyTooLarge = "E0703", 413, "the request's body is too large",
        cause: "It is above the function's `request_body` limit.",
        remedy: "Send less, or raise the limit in the manifest.";
    ClientSlow = "E0704", 408, "the request did not arrive in time",
        cause: "The client stalled while sending its headers or its body.",
        remedy: "Try again on a better connection.";
    MethodNotAllowed = "E0705", 405, "the path does not answer this method",
        cause: "The function's routes name other methods; the `Allow` header lists them.",
        remedy: "Use one of those.";
    NotFound = "E0706", 404, "there is nothing at this path",
        cause: "No route matches, or the caller may not know that one does.",
        remedy: "`casemate functions` lists routes.";
    Overloaded = "E0707", 503, "the node is busy",
        cause: "It already works on as many requests as it may.",
        remedy: "Try again after the time in `Retry-After`.";
    FunctionBusy = "E0708", 429, "the function is busy",
        cause: "It already runs as often as its `concurrency` allows, and no slot came free in time.",
        remedy: "Try again after the time in `Retry-After`, or raise `concurrency`.";
    CallerBusy = "E0709", 429, "this caller has too many requests under way",
        cause: "One address or one token may hold only its share of the node.",
        remedy: "Send fewer at a time.";
    AmbiguousLength = "E0710", 400, "the request says its length in two ways",
        cause: "It has both `content-length` and `transfer-encoding`, or several of one. Servers could disagree about where it ends.",
        remedy: "Send one of the two.";
    HttpVersion = "E0711", 505, "this HTTP version is not spoken here",
        cause: "The request line names another version than HTTP/1.0 or HTTP/1.1.",
        remedy: "Use HTTP/1.1.";
    NotImplemented = "E0712", 501, "this part of HTTP is not spoken here",
        cause: "CONNECT, upgrades and transfer codings other than `chunked` are refused.",
        remedy: "Send an ordinary request.";
    WebSocketOnly = "E0713", 426, "this path speaks WebSocket",
        cause: "The route says `websocket`, and the request does not ask for one. A WebSocket begins with a GET over HTTP/1.1 that has `upgrade: websocket`.",
        remedy: "Open it with a WebSocket client; `docs/guides/websockets.md` has examples.";
    BadHandshake = "E0714", 400, "the WebSocket handshake is not valid",
        cause: "The request asks for a WebSocket and breaks RFC 6455: it needs HTTP/1.1, no body, `connection: upgrade`, `sec-websocket-version: 13`, and a `sec-websocket-key` of 16 bytes in base64.",
        remedy: "Use an ordinary WebSocket client.";
    OriginRefused = "E0715", 403, "pages of this origin may not open this WebSocket",
        cause: "The request's `Origin` is another site than the one that it is sent to, and the route's `cors` does not name it. Browsers send cookies and client certificates along, whatever page asks.",
        remedy: "Add the origin to `cors.origins` of the route.";
    WebSocketsFull = "E0716", 503, "too many WebSockets are open",
        cause: "The node or the function has as many as `websockets.connections` or `websockets.connections_per_function` allow.",
        remedy: "Try again after the time in `Retry-After`, or raise the limit in the node's configuration.";
    WebSocketsCrowded = "E0717", 429, "too many WebSockets of this address are open",
        cause: "One address may hold only `websockets.connections_per_address` of them; an IPv6 address counts with its /64.",
        remedy: "Close some.";
    TlsOnly = "E0720", 400, "this port speaks TLS",
        cause: "The request came in the clear to a listener of `tls.listen`.",
        remedy: "Write the address with `https://`.";
    AccessLog = "E0721", 500, "the access log cannot be opened",
        cause: "The file of `gateway.access_log` cannot be made or written: its directory is missing, or belongs to somebody else.",
        remedy: "Make the directory, name another file, or set `access_log = \"off\"`.";
    RangeNotSatisfiable = "E0740", 416, "the file has no such range",
        cause: "The request's `Range` begins behind the end of the file; the answer's `content-range` says how long it is.",
        remedy: "Ask for a range inside the file, or for all of it.";
    PreconditionFailed = "E0741", 412, "the file is another one by now",
        cause: "The request's `If-Match` names an entity tag that the file does not have.",
        remedy: "Get the file anew.";

    // 08xx identity
    CredentialRequired = "E0801", 401, "a valid credential is needed",
        cause: "The request has no credential, or one that is malformed, unknown, expired or revoked. Unknown and private paths answer alike.",
        remedy: "Send `Authorization: Bearer cmt_…`; `casemate token create NAME --invoke FUNCTION` makes one. Routes for tokens of an issuer take a valid one of those.";
    TokenTaken = "E0802", 409, "there is a token of that name already",
        cause: "Token names are unique in an environment.",
        remedy: "Choose another name, or `casemate token revoke NAME` first.";
    NoSuchToken = "E0803", 404, "there is no such token",
        cause: "The name is misspelt, or the token was revoked.",
        remedy: "`casemate token list` shows what there is.";
    AdminCredential = "E0804", 401, "the admin API needs the operator's token",
        cause: "No token was sent, or another one than `operator.token` of the home.",
        remedy: "Run the command as the owner of the home, or set CASEMATE_TOKEN.";
    NoSuchIssuer = "E0810", 422, "this node knows no issuer of that name",
        cause: "A manifest or a grant names an issuer of tokens that the node's configuration does not have. The answer lists those that it has.",
        remedy: "Correct the name, or add an `[[issuer]]` section to the node's configuration and start it again.";
    BadIssuer = "E0811", 422, "an issuer in the node's configuration cannot be used",
        cause: "A value of its `[[issuer]]` section is missing, weak or not understood; secrets shared with the issuer (`HS256` and its like) are never taken.",
        remedy: "Correct the section that the message names; docs/guides/jwt.md shows one.";
    BadKeySet = "E0812", 422, "the keys of an issuer cannot be used",
        cause: "The file is missing, is neither a JSON Web Key Set nor PEM, holds a private key, or holds no key for the algorithms of its section.",
        remedy: "Put the issuer's public keys there. A running node keeps the keys that it has until the file can be used.";

    // 09xx egress
    OutboundAuthorities = "E0901", 422, "a file of certificate authorities for outgoing requests cannot be used",
        cause: "It is missing, cannot be read, is not PEM, or holds no certificate.",
        remedy: "Put the authority's certificate there in PEM, as in `openssl x509 -in FILE -noout -subject`, or take the file out of the node's configuration.";
    SecretUnusable = "E0910", 502, "the value of a secret does not fit where it is to go",
        cause: "A header field holds no line ends and no control characters, and the secret's value has some. The request was not sent.",
        remedy: "Set the value again with `casemate secret rotate NAME`; `casemate secret set` cuts one line end off, not more.";

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
}
