//! What becomes of sensitive data: 03xx.

macro_rules! protecting {
    ([$($earlier:tt)*] $next:ident $($rest:ident)*) => { $next! { [
        $($earlier)*
        // 03xx data
        DataContract = "E0301", 422, "the data contract cannot be used",
            cause: "A key of it is unknown or means nothing where it stands, a place or a class cannot be read, or two fields name one place.",
            remedy: "Correct what the message names. docs/guides/protect.md has an example of each transform.";
        DataValue = "E0302", 422, "a value is not what its transform takes",
            cause: "It has characters outside the alphabet, is too long, or is no card number, address, date or number, as its field says it is. The message names the place and never the value.",
            remedy: "Correct the data or the field; `transform = \"token\"` takes any text.";
        DataTooFew = "E0303", 422, "too few values are possible for them to be enciphered in their format",
            cause: "After what is kept, fewer than 1,000,000 values are left, and somebody could try them all.",
            remedy: "Keep fewer characters, or use `transform = \"token\"`, which takes values of any length.";
        DataTokenAlready = "E0304", 422, "a value is a token already",
            cause: "The data was protected before, or somebody sent a token in the place of a value.",
            remedy: "Take the field out of the contract, or undo the first protection before the second.";
        DataTokenForeign = "E0305", 422, "a token cannot be read here",
            cause: "Another tenant, environment, class, version, record or root key made it, it was changed, or it is no token at all.",
            remedy: "Read it with the contract, the tenant and the root key that it was made with: `--tenant`, `--env` and `--root-key-file`.";
        DataForm = "E0306", 422, "the data cannot be read",
            cause: "It is not what it should be, such as JSON, CSV or UTF-8, is nested too deep, has a key twice, or one record of it is too long.",
            remedy: "The message names the place. A key that stands twice is taken with `duplicate = \"all\"` in the contract.";
        DataMissing = "E0307", 422, "a field of the data contract is not there",
            cause: "The contract says `missing = \"refuse\"`, or names a column that the table does not have, and nothing stands at the place.",
            remedy: "Correct the place, or say `missing = \"ignore\"` if the field may be absent.";
        DataOneWay = "E0308", 422, "a transform cannot be undone",
            cause: "Hashes, masks and generalised values do not hold what they were made from.",
            remedy: "Undo the other fields alone: `casemate protect --undo --partial`.";
        DataClassUnknown = "E0309", 422, "a class of data is not known",
            cause: "It is neither one of the platform's own nor declared.",
            remedy: "Correct its name, or declare it: `classes = [\"NAME\"]` at the top of the contract.";
        DataBodyTooLarge = "E0310", 413, "a body is too large for the function's data contract",
            cause: "The whole body is needed before the function runs, and it is longer than 4 MiB, than the function's `request_body`, or than what the node has left for such bodies; or the request holds more than 1,024 different sensitive values, or more than 64 KiB of them.",
            remedy: "Send less at a time. Large files go by a route with `upload`, to a function without `data.in`.";
        DataBodyKind = "E0311", 415, "a body is of a kind that the function's data contract does not read",
            cause: "It is compressed, or a form or a table where the contract names fields in JSON only (or the other way round), so that sensitive fields could pass unseen.",
            remedy: "Send JSON or a form, as the contract names them, without `content-encoding`.";
        DataRevealDenied = "E0312", 403, "the function may not have values revealed there",
            cause: "The manifest asks for it with `data.reveal`, and no grant allows it, or a policy forbids it.",
            remedy: "Grant it: `casemate grant function:NAME data-reveal \"CLASS for URL as PURPOSE\"`.";
        DataLeaves = "E0313", 403, "a request of the function holds a sensitive value and goes where none may",
            cause: "A value that the platform protected or revealed in this invocation stands in the request, and no `data.reveal` names its class and this destination.",
            remedy: "Send the token. If the destination is to have the value, name it in `data.reveal` and grant it.";
        DataTrigger = "E0314", 422, "a data contract cannot be kept on a way into the function",
            cause: "Messages of WebSockets and uploads do not pass through `data.in` and `data.unnamed`, and the function's manifest has both.",
            remedy: "Take `data.in` and `data.unnamed`, or the `websocket` or `upload`, to another function.";
        DataInReply = "E0315", 502, "the function's reply holds data that may not leave",
            cause: "A detector found a value of a class for which the manifest or the operator says `block`. Nothing of the value was sent.",
            remedy: "Have the function leave the value out, or say `mask` or `observe` for its class below `[function.data.out]`. The record names the class.";
        DataInRequest = "E0316", 403, "a request of the function holds data that may not leave",
            cause: "A detector found a value of a class for which the manifest or the operator says `block`; or `mask`, and the value stands in the address or a header field, which are not altered.",
            remedy: "Send a token, name the class and the destination in `data.reveal`, or say `observe` for the class below `[function.data.out]`. The record names the class.";
        DataUnseen = "E0317", 502, "a body cannot be looked through, and some data may not leave",
            cause: "It is compressed, a part of something, no text, or too long to have values come back in it, and the manifest or the operator says `mask` or `block` for a class, or the manifest has values come back in replies.",
            remedy: "Send text without `content-encoding`, or have another function send what is no text.";
        DataUnnamed = "E0318", 422, "a request holds sensitive data that no field of the data contract names",
            cause: "A detector found a value of a class for which the manifest says `refuse` below `[function.data.unnamed]`, or one that stands where nothing can stand for it.",
            remedy: "Leave the value out, or name its field in `[[function.data.in]]`.";
        DataRevealAsk = "E0319", 422, "values cannot be revealed as it was asked",
            cause: "No purpose is named, it is too long, or the request names no token or more than 100.",
            remedy: "Say what for, and name 1 to 100 tokens: `casemate data reveal --class CLASS --purpose TEXT TOKEN`.";
    ] $($rest)* } };
}
