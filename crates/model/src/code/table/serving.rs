//! The node and its doors: 06xx to 09xx.

macro_rules! serving {
    ([$($before:tt)*] $next:ident $($later:ident)*) => { $next! { [$($before)*
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
        UploadExpired = "E0722", 410, "the upload has expired",
            cause: "Nothing was added to it for as long as its route allows (`upload.expires`), so it was given up.",
            remedy: "Begin again.";
        UploadTooLarge = "E0723", 413, "the upload is too large",
            cause: "It is, or says that it will be, larger than its route allows (`upload.max_size`), or than it said when it began; or one request with a checksum has more than 8 MiB.",
            remedy: "Send less; with checksums, send pieces of at most 8 MiB. The route's owner can raise `upload.max_size`.";
        UploadChecksum = "E0724", 460, "the bytes are not those that their checksum is of",
            cause: "Something was changed on the way. None of these bytes was kept.",
            remedy: "Send them again.";
        BadUpload = "E0725", 400, "this request is no step of an upload",
            cause: "A header of the tus protocol is missing, cannot be read, or asks for what is not spoken here.",
            remedy: "docs/guides/uploads.md lists what is spoken; `OPTIONS` on the route says it to programs.";
        UploadVersion = "E0726", 412, "this version of the tus protocol is not spoken here",
            cause: "`Tus-Resumable` says another version than 1.0.0.",
            remedy: "Use a client of tus 1.0.0.";
        UploadType = "E0727", 415, "bytes of an upload have a content type of their own",
            cause: "A `PATCH` carries them as `application/offset+octet-stream`.",
            remedy: "Send `content-type: application/offset+octet-stream`.";
        UploadsCrowded = "E0728", 429, "this caller has too many uploads that are not complete",
            cause: "A caller has at most 100 of them in one container.",
            remedy: "Complete some, give some up with `DELETE`, or wait until they expire.";
        UploadBusy = "E0729", 423, "another request adds to the upload",
            cause: "Two requests cannot add to one upload at the same time. After a cut, the node may not have noticed yet.",
            remedy: "Try again in a moment.";
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
        KeysUnreachable = "E0813", 502, "the keys of an issuer cannot be fetched",
            cause: "Its address does not answer, answers something else than a JSON Web Key Set of at most 1 MiB and 64 keys, leads elsewhere, or lies in a network that may not be dialled.",
            remedy: "See what the address says with `curl`, and correct the section if it moved. The keys that a running node has stay in use for `keys_stale`; private networks are named in `keys_networks`.";
        KeyUnreadable = "E0820", 500, "a caller's key to sign with cannot be unsealed",
            cause: "It was sealed with another root key, or its row in the registry was changed. Requests that are signed with it are refused.",
            remedy: "Revoke the token with `casemate token revoke NAME` and make another with `casemate token create NAME --aws --invoke FUNCTION`.";
        PassphraseMissing = "E0821", 500, "the root key is sealed with a passphrase, and none was given",
            cause: "The root key file can only be read with the passphrase that it was sealed with.",
            remedy: "Put the passphrase into a file that only its owner can read, and name it with `--root-key-passphrase-file` or CASEMATE_ROOT_KEY_PASSPHRASE_FILE.";
        PassphraseWrong = "E0822", 500, "the passphrase does not open the root key",
            cause: "It was sealed with another passphrase, or the file was changed.",
            remedy: "Name the file with the right passphrase, or put a copy of the root key back with `casemate key restore FILE`.";
        PassphraseUnfit = "E0823", 422, "the passphrase cannot be used",
            cause: "It has fewer than 12 characters or more than 1,024 bytes, or its file cannot be read or can be read by others.",
            remedy: "Use a longer one; `chmod 600` its file.";
        RootKeyOlder = "E0824", 500, "the root key file is from before a rotation",
            cause: "The home was used with an epoch of the root key that the file does not have: an older copy of it lies there.",
            remedy: "Put the newest copy back with `casemate key restore FILE`, or name it with `--root-key-file`. Nothing was changed.";
        RootKeyChanged = "E0825", 409, "somebody else changes the root key",
            cause: "Another rotation was faster, or the file is not the one that the node was started with. Nothing was changed by this one.",
            remedy: "See `casemate key status`, and decide anew. If the file has epochs that the running node does not know, start the node again.";
        RootKeyThere = "E0826", 409, "there is a root key already",
            cause: "A root key is never overwritten by another one: what it sealed could not be read any more.",
            remedy: "Choose another place, or move the file there away if it is of no use.";
        EpochsFull = "E0827", 409, "the root key cannot have more epochs",
            cause: "A root key file has at most 255 epochs.",
            remedy: "Move what is to be kept to a new home.";
        EpochInUse = "E0828", 409, "something is still sealed with this epoch of the root key",
            cause: "An epoch goes out of the root key only when nothing is left that it sealed: nobody could read it any more. What is left stands in the message.",
            remedy: "Move what is stored to the newest epoch with `casemate key rewrap --wait`. Uploads go when they end or are given up; `casemate key status` counts what is left.";
        EpochStays = "E0829", 409, "this epoch of the root key stays",
            cause: "The first epoch signs the ledger, names the home and protects data outside of it; the newest seals what is stored from now on. Neither can be taken out.",
            remedy: "Take out one between them: `casemate key status` lists them. After `casemate key rotate`, the newest of now is one.";
        // 09xx egress
        OutboundAuthorities = "E0901", 422, "a file of certificate authorities for outgoing requests cannot be used",
            cause: "It is missing, cannot be read, is not PEM, or holds no certificate.",
            remedy: "Put the authority's certificate there in PEM, as in `openssl x509 -in FILE -noout -subject`, or take the file out of the node's configuration.";
        SecretUnusable = "E0910", 502, "the value of a secret does not fit where it is to go",
            cause: "A header field holds no line ends and no control characters, and the secret's value has some. The request was not sent.",
            remedy: "Set the value again with `casemate secret rotate NAME`; `casemate secret set` cuts one line end off, not more.";
        TcpDenied = "E0920", 403, "the function asked for a connection that is not allowed",
            cause: "The manifest's `allow.tcp` does not name this host and port, or no grant allows it. A function connects to nothing that was not granted.",
            remedy: "The log of the invocation prints the line of the manifest or the `casemate grant` command that would allow it.";
        TcpAsk = "E0921", 422, "the connections that a function asks for cannot be had",
            cause: "The function is a component, which has no sockets; or its manifest names more than 200 destinations, or one of them twice.",
            remedy: "Correct `allow.tcp` of the function that the message names. A component sends requests instead, with `allow.http`.";
        NobodyInHand = "E0930", 503, "a process asked for something while it had no invocation in hand",
            cause: "What a native function's process asks for belongs to an invocation: it is decided, charged and recorded there. Before the first invocation, between two, and after the last answer there is none. What was under way then broke off.",
            remedy: "Move the work into the handler, or answer only when it is done. Connections and clients may be made at the start; what they ask for comes with the first invocation.";
        ProxyRequest = "E0931", 400, "a request to the proxy cannot be carried",
            cause: "It is not HTTP/1.1 with an absolute URL, its tunnel names no host with a port, or what came through the tunnel is neither TLS nor HTTP.",
            remedy: "Let the client use the proxy of HTTP_PROXY and HTTPS_PROXY as it is there. Other protocols have granted TCP destinations: docs/concepts/native-network.md.";
        TunnelElsewhere = "E0932", 421, "a request names another host than the tunnel that it came through",
            cause: "A tunnel was asked for to one host, and the name in the TLS handshake, or the `Host` field within, is that of another.",
            remedy: "Ask for a tunnel to the host that the request is for; a connection is not used for two hosts.";
        NoMetadata = "E0933", 403, "there is no metadata service of a cloud here",
            cause: "The process asked for an address at which clouds give out credentials, such as `169.254.169.254` or `metadata.google.internal`. Nothing answers there, whatever is granted.",
            remedy: "Give the function what it needs as `config` or as a secret of its manifest. Libraries stop asking with AWS_EC2_METADATA_DISABLED=true and NO_GCE_CHECK=true, which are set.";
        UpstreamFailed = "E0934", 502, "the other side of a function's request failed",
            cause: "The name was not found, nobody listens there, the certificate is not valid, or the connection broke. The detail says which, and the function's log says more.",
            remedy: "See whether the address answers from the node's machine; docs/concepts/outbound.md says what is refused.";
        UpstreamSlow = "E0935", 504, "the other side of a function's request did not answer in time",
            cause: "The name, the connection or the reply took longer than the outbound door waits.",
            remedy: "See whether the address answers from the node's machine, and how fast; docs/concepts/outbound.md has the limits.";
        NoSuchPlace = "E0936", 404, "host.casemate.internal has nothing there",
            cause: "The path is none of `/keyvalue/STORE/KEY` and `/blobs/CONTAINER/NAME`, the method is not one of that path's, or there is no such key or object.",
            remedy: "See docs/concepts/native-network.md for what there is.";
        NoUpgrade = "E0937", 501, "a connection of a function cannot become another protocol",
            cause: "The request asks for an upgrade, to a WebSocket for example. The proxy carries requests and replies.",
            remedy: "Use the service's HTTP interface; or reach it by a granted TCP destination.";
        NotForJails = "E0938", 422, "a TCP destination cannot be given to a native function",
            cause: "Within a jail a destination is reached by its own name, so it needs one: an address in numbers has none. It also needs a port between 1 and 65535, a name that the platform does not use itself, and no more than 200 hosts in all.",
            remedy: "Name the destination in DNS or in the machine's /etc/hosts, and grant that name: `db.internal:5432`.";
        Changed = "E0939", 412, "what is there is not what the request expected",
            cause: "The key was changed, made or removed since it was read: its version is not that of `If-Match`, or it is there against `If-None-Match: *`.",
            remedy: "Read it again, and decide anew; the answer carries its version now, if it is there.";
    ] $($later)* } };
}
