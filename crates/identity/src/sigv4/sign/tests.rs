//! AWS's own examples: the signing test suite (the files `header-signed-request.txt` of its cases),
//! and the examples of the documentation of S3, "Examples: Signature calculations".

use super::*;

const SUITE: Key<'static> = Key {
    id: "AKIDEXAMPLE",
    secret: b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    region: "us-east-1",
    service: "service",
};

/// One case of the suite: everything in `fields` is signed beside host and date.
fn case(method: &str, path: &str, query: &str, fields: &[(&str, &str)], payload: &str) -> String {
    let mut all: Vec<(&str, Vec<&[u8]>)> =
        vec![("host", vec![b"example.amazonaws.com"]), ("x-amz-date", vec![b"20150830T123600Z"])];
    for (name, value) in fields {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value.as_bytes()),
            None => all.push((name, vec![value.as_bytes()])),
        }
    }
    let time = "20150830T123600Z";
    let signing = Signing { method, path, query, fields: all, payload, s3: false, time };
    sign(&SUITE, signing).authorization
}

fn says(authorization: &str, names: &str, signature: &str) {
    let expect = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={names}, Signature={signature}"
    );
    assert_eq!(authorization, expect);
}

#[test]
fn paths_and_queries_of_the_test_suite_are_signed_as_aws_does() {
    let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let same = format!("{unreserved}={unreserved}");
    for (path, query, signature) in [
        // get-vanilla-query-order-key-case
        (
            "/",
            "Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        // get-vanilla-query-unreserved
        ("/", &same, "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
        // get-vanilla-query-order-encoded
        (
            "/",
            "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
        // get-query-plus
        ("/", "c+d", "ae684ce3aadc299e3ac7d9216fcc039c7edf40dea57cf5b3005821dd2f176654"),
        // get-utf8
        ("/\u{1234}", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        // get-space-normalized
        ("/example space/", "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
        // get-slashes-normalized
        ("//example//", "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
    ] {
        says(&case("GET", path, query, &[], EMPTY), "host;x-amz-date", signature);
    }
}

#[test]
fn fields_and_bodies_of_the_test_suite_are_signed_as_aws_does() {
    // get-vanilla-with-session-token
    let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    says(
        &case("GET", "/", "", &[("x-amz-security-token", token)], EMPTY),
        "host;x-amz-date;x-amz-security-token",
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    );
    // get-header-value-trim
    says(
        &case(
            "GET",
            "/",
            "",
            &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
            EMPTY,
        ),
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    );
    // get-header-key-duplicate
    let three = [("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")];
    says(
        &case("GET", "/", "", &three, EMPTY),
        "host;my-header1;x-amz-date",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    );
    // post-x-www-form-urlencoded
    let digest = sha256_hex(b"Param1=value1");
    let fields = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", "13"),
        ("x-amz-content-sha256", digest.as_str()),
    ];
    says(
        &case("POST", "/", "", &fields, &digest),
        "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    );
}

/// The examples of S3: an object is got, put and listed.
#[test]
fn the_examples_of_s3_are_signed_as_documented() {
    let key = Key {
        id: "AKIAIOSFODNN7EXAMPLE",
        secret: b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        region: "us-east-1",
        service: "s3",
    };
    let put = sha256_hex(b"Welcome to Amazon S3.");
    let host: (&str, &str) = ("host", "examplebucket.s3.amazonaws.com");
    for (method, path, query, payload, more, signature) in [
        (
            "GET",
            "/test.txt",
            "",
            EMPTY,
            vec![("range", "bytes=0-9")],
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test$file.text",
            "",
            &put,
            vec![
                ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "/",
            "lifecycle",
            EMPTY,
            vec![],
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            "/",
            "max-keys=2&prefix=J",
            EMPTY,
            vec![],
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let time = "20130524T000000Z";
        let own = [host, ("x-amz-content-sha256", payload), ("x-amz-date", time)];
        let fields = own.into_iter().chain(more);
        let fields = fields.map(|(name, value)| (name, vec![value.as_bytes()])).collect();
        let signing = Signing { method, path, query, fields, payload, s3: true, time };
        assert_eq!(sign(&key, signing).signature, signature, "{method} {path}?{query}");
    }
}

#[test]
fn the_path_of_s3_is_encoded_once_however_it_was_sent() {
    for (sent, canonical) in [
        ("", "/"),
        ("/a%20b/c+d", "/a%20b/c%2Bd"),
        ("/a//b/./c", "/a//b/./c"),
        ("/%2f", "/%2F"),
        ("/%zz", "/%25zz"),
        ("/(x)", "/%28x%29"),
    ] {
        assert_eq!(path_of_s3(sent), canonical);
    }
    assert_eq!(normal_path("/a%20b"), "/a%2520b");
    assert_eq!(normal_path("/a/./b/../c/"), "/a/c/");
}

#[test]
fn times_are_written_as_the_fields_want_them() {
    assert_eq!(basic_time(Timestamp(1_369_353_600_000_000)).as_deref(), Some("20130524T000000Z"));
    assert_eq!(basic_time(Timestamp(i64::MAX)), None);
}

proptest::proptest! {
    #[test]
    fn nothing_that_is_sent_breaks_the_signer(path in "/[ -~]{0,40}", query in "[ -~]{0,40}") {
        for s3 in [false, true] {
            let signing = Signing {
                method: "GET",
                path: &path,
                query: &query,
                fields: Vec::new(),
                payload: EMPTY,
                s3,
                time: "20130524T000000Z",
            };
            proptest::prop_assert_eq!(sign(&SUITE, signing).signature.len(), 64);
        }
    }
}
