//! What is deployed, and who may do what: 01xx and 02xx.

macro_rules! deploying {
    ([$($before:tt)*] $next:ident $($later:ident)*) => { $next! { [$($before)*
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
        ImportUnreadable = "E0156", 422, "a project of another platform cannot be read",
            cause: "There is no file of another platform's, there are several, or it is too large, is not in its own format, or has more in it than is read.",
            remedy: "Correct what the message names, name the file itself, or say its format with `--from`.";
        WouldOverwrite = "E0157", 409, "there are files in the place of those that are to be written",
            cause: "`casemate import` and `casemate export` write nothing over somebody's files unless they are told to.",
            remedy: "Choose another place with `--out`, or write over them with `--force`.";
        NothingToImport = "E0158", 422, "nothing of the project can run here",
            cause: "No function of it has a contract that this platform speaks, with code that lies in the project. The message names each and why.",
            remedy: "Correct what the message names, and import it again; docs/guides/import.md says what becomes of what.";
        NotExportable = "E0159", 422, "nothing of the application can run there",
            cause: "No function of it speaks a contract of the platform that it was to be written for. The message names each and why.",
            remedy: "Choose another platform with `--to`; docs/guides/export.md says which contracts go where.";
        ImageUnreadable = "E0160", 422, "an image cannot be read",
            cause: "It is no image in OCI's layout and no `docker save`, a digest does not fit what it names, a layer is damaged or packed by a method that is not read here, or its configuration starts nothing.",
            remedy: "Make it anew: `docker save IMAGE -o image.tar`, or `skopeo copy docker://IMAGE oci:image`; docs/guides/images.md says what is read.";
        ImagePlatform = "E0161", 422, "an image is for another platform",
            cause: "Its programs are for another system or another processor than this machine's, or it holds several images for this one.",
            remedy: "Build it for this machine: `docker build --platform linux/amd64`, or `linux/arm64`.";
        ImageEntry = "E0162", 422, "an entry of an image's layer is refused",
            cause: "It is a device, a pipe or a sparse file, its name leads out of the image, it stands twice in one layer, it links to what is not there, or it is a whiteout of nothing that could be.",
            remedy: "Build the image without what the message names.";
        ImageTooLarge = "E0163", 413, "an image is too large",
            cause: "Its files are more than 4 GiB, one of them is more than 512 MiB, there are more than 100,000 files, links and directories, or a layer unpacks to over two hundred times its size.",
            remedy: "Take a smaller base, such as one whose tag ends in `slim`.";
        WorkerFlag = "E0164", 422, "a Worker asks for a compatibility flag that no Worker may have",
            cause: "The flag is experimental, which the runtime takes only with all of its experiments on, or it makes the runtime fetch an interpreter from the network. The message names it.",
            remedy: "Take it out of `compatibility_flags`; docs/guides/workers.md says what there is instead.";
        WorkerMain = "E0165", 422, "a Worker has no main module",
            cause: "The package does not hold the module that `worker.main` names (`index.js` if it names none), or that file is no ES module.",
            remedy: "Correct `main`, or build the module to where it says; it is a path below `source`.";
        WorkerDate = "E0166", 422, "a Worker's compatibility date cannot be had",
            cause: "It is no day, or one of whose behaviour the node's `workerd` does not know yet.",
            remedy: "Write an earlier day as YYYY-MM-DD, or have the operator install a newer `workerd`; `casemate runtimes` says which there is.";
        WorkerModule = "E0167", 422, "a Worker's modules cannot be used",
            cause: "The name of one has quotes, control characters or characters that mean something in an import, is the platform's own, or there are more than 1000 modules.",
            remedy: "Rename the file that the message names, or bundle the modules into one.";
        WasiNotAllowed = "E0170", 422, "the component is built for WASI 0.3, which this node does not allow",
            cause: "WASI 0.3 is experimental: fixes of it are not promised patch releases. A node runs it only if its operator says so.",
            remedy: "Build the component for WASI 0.2, or have the operator set `wasi03 = true` below `[wasm]` in the node's configuration and start the node again.";
        WasiNotAsked = "E0171", 422, "the component is built for WASI 0.3, and its manifest does not ask for that",
            cause: "A function runs on the engine of WASI 0.2 unless its manifest says otherwise.",
            remedy: "Write `wasi = \"0.3\"` below the function's `[[function]]`, deploy a component without a manifest with `--wasi 0.3`, or build the component for WASI 0.2.";
        WasiNotOfComponent = "E0172", 422, "the manifest asks for WASI 0.3, and the component is built for WASI 0.2",
            cause: "The component exports the HTTP handler of WASI 0.2 and not that of 0.3.",
            remedy: "Take `wasi = \"0.3\"` out of the function's `[[function]]`, or build the component for WASI 0.3.";
        ImageUnfit = "E0173", 422, "an image cannot be the root of a jail",
            cause: "The directory that its program starts in (`WorkingDir`) is not there, or a file or a link is where a jail has a directory of its own: `/etc`, `/opt`, `/var`, or what leads to a file that each jail has.",
            remedy: "Build the image with `WORKDIR`, which makes that directory, and with a directory where the message names something else.";
        SpinUnreadable = "E0180", 422, "a spin.toml cannot be read",
            cause: "It is no TOML, has a key that version 2 of Spin's manifest does not have, or is of another version.",
            remedy: "Correct what the message names; `spin doctor` brings older files to version 2.";
        SpinNoCounterpart = "E0181", 422, "the Spin application uses what has no counterpart here",
            cause: "The message names all of it. Leaving it out would change what the application does.",
            remedy: "Take it out of the spin.toml, or write a casemate.toml; docs/guides/spin.md says what becomes of what.";
        SpinVariable = "E0182", 422, "a variable of a Spin application has no value, or does not exist",
            cause: "A variable is `required` and nobody said its value, or a template or `--variable` names one that the spin.toml does not have.",
            remedy: "Give each a value: `casemate deploy --variable NAME=VALUE`.";
        SpinModule = "E0183", 422, "a core module cannot be made a component",
            cause: "Spin's older SDKs build core modules, and this one is not of theirs, imports more than WASI preview 1, or is damaged.",
            remedy: "Build it with a published Spin SDK for `wasm32-wasip1`, or as a component for `wasm32-wasip2`.";
        PackageRefused = "E0190", 422, "a package cannot be deployed as it is",
            cause: "Something in the directory of a native function, or of a layer, is no ordinary file, leads out of it, or has a name that cannot be used.",
            remedy: "Correct what the message names.";
        ZipUnreadable = "E0191", 422, "a zip file cannot be read",
            cause: "It is cut off, damaged, encrypted, in several parts, has bytes that belong to nothing, or is packed by another method than Deflate.",
            remedy: "Make it anew, for example with `zip -r package.zip .` in the package's directory.";
        ZipEntry = "E0192", 422, "an entry of a zip file is refused",
            cause: "Its name leads out of the package, is not UTF-8, or is another entry's, or it is a link or a device.",
            remedy: "Make the zip anew without what the message names; `zip -r` stores files in the place of links.";
        PackageTooLarge = "E0193", 413, "a package is too large",
            cause: "Its files and those of its layers are more, or larger, than the contract takes: 262144000 bytes unpacked for `lambda` and `lambda-web`, 1 GiB for others, 20,000 files each. A zip file whose contents are over two hundred times its size is refused as well.",
            remedy: "Leave out what the function does not need, such as tests and caches.";
        PackageList = "E0194", 422, "the list of a package's files cannot be used",
            cause: "It was not made by `casemate deploy`, or by a newer one.",
            remedy: "Deploy with the `casemate` of the node's version.";
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
    ] $($later)* } };
}
