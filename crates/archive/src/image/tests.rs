//! Images that are as they should be, and every one that is not.

use super::spool::sha256;
use super::*;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;

const HERE: &str = "amd64";

/// An entry of a layer: its name, its kind, what a link says, and its bytes.
type Entry<'a> = (&'a str, u8, &'a str, &'a [u8]);

fn header((name, kind, target, bytes): Entry<'_>) -> [u8; 512] {
    let mut block = [0u8; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0006755");
    block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
    block[156] = kind;
    block[157..157 + target.len()].copy_from_slice(target.as_bytes());
    block[257..263].copy_from_slice(b"ustar\0");
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in entries {
        all.extend(header(*entry));
        all.extend(entry.3);
        all.resize(all.len().div_ceil(512) * 512, 0);
    }
    all.resize(all.len() + 1024, 0);
    all
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("packed");
    out.finish().expect("packed")
}

/// A layout in a directory.
struct Made(tempfile::TempDir);

impl Made {
    fn new() -> Self {
        let made = Self(tempfile::tempdir().expect("a directory"));
        fs::create_dir_all(made.0.path().join("blobs/sha256")).expect("a directory");
        made
    }

    fn keep(&self, media: &str, bytes: &[u8]) -> Value {
        let digest = sha256(bytes);
        fs::write(self.0.path().join("blobs/sha256").join(digest.hex()), bytes).expect("written");
        json!({ "mediaType": media, "digest": digest.to_string(), "size": bytes.len() })
    }

    fn image(&self, layers: &[(&str, &[u8], &[u8])], architecture: &str) -> Value {
        let diffs: Vec<String> =
            layers.iter().map(|(_, _, plain)| sha256(plain).to_string()).collect();
        let config = json!({ "architecture": architecture, "os": "linux",
            "config": { "Cmd": ["/run"], "Env": ["A=b=c"], "ExposedPorts": { "80/tcp": {}, "53/udp": {} } },
            "rootfs": { "type": "layers", "diff_ids": diffs } });
        let config =
            self.keep("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
        let layers: Vec<Value> =
            layers.iter().map(|(media, packed, _)| self.keep(media, packed)).collect();
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
        self.keep("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes())
    }

    fn index(&self, manifests: &[Value]) {
        let index = json!({ "schemaVersion": 2, "manifests": manifests }).to_string();
        fs::write(self.0.path().join("index.json"), index).expect("written");
    }

    fn read(&self) -> Result<Image, Refusal> {
        Image::read(self.0.path(), HERE, tempfile::tempfile().expect("a file"))
    }
}

const PLAIN: &str = "application/vnd.oci.image.layer.v1.tar";

fn read(layers: &[&[Entry<'_>]]) -> Result<Image, Refusal> {
    let made = Made::new();
    let layers: Vec<Vec<u8>> = layers.iter().map(|layer| tar(layer)).collect();
    let layers: Vec<_> = layers.iter().map(|it| (PLAIN, it.as_slice(), it.as_slice())).collect();
    made.index(&[made.image(&layers, HERE)]);
    made.read()
}

fn names(image: &Image) -> Vec<&str> {
    let root = image.list.root.as_ref().expect("a root");
    let files = image.list.files.iter().map(|file| file.path.as_str());
    let links = root.links.iter().map(|link| link.path.as_str());
    files.chain(links).chain(root.directories.iter().map(String::as_str)).collect()
}

#[test]
fn layers_are_laid_over_each_other() {
    let lower: &[Entry<'_>] = &[
        ("./", b'5', "", b""),
        ("a/", b'5', "", b""),
        ("a/old", b'0', "", b"old"),
        ("a/kept", b'0', "", b"kept"),
        ("gone/deep/file", b'0', "", b"x"),
        ("opaque/below", b'0', "", b"x"),
        ("link", b'2', "a/kept", b""),
        ("dev/null", b'3', "", b""),
        ("tmp/x", b'0', "", b"x"),
    ];
    let upper: &[Entry<'_>] = &[
        ("a/.wh.old", b'0', "", b""),
        (".wh.gone", b'0', "", b""),
        ("opaque/above", b'0', "", b"y"),
        ("opaque/.wh..wh..opq", b'0', "", b""),
        ("a/same", b'1', "a/kept", b""),
        ("link", b'0', "", b"a file now"),
        ("vacant", b'5', "", b""),
    ];
    let image = read(&[lower, upper]).expect("an image");
    assert_eq!(names(&image), ["a/kept", "a/same", "link", "opaque/above", "vacant"]);
    let text = |at: usize| {
        let mut text = String::new();
        image.open(at).expect("there").read_to_string(&mut text).expect("text");
        text
    };
    assert_eq!([text(1), text(2), text(3)], ["kept", "a file now", "y"]);
    assert_eq!((image.config.command.len(), image.config.ports.len()), (1, 1));
    assert_eq!(image.config.environment["A"], "b=c");
}

#[test]
fn every_packing_gives_the_same() {
    let plain = tar(&[("a", b'0', "", b"text")]);
    let (one, mut two) = (gzip(&plain), Vec::new());
    // Frames behind each other, as tools write them that pack in parallel.
    for part in plain.chunks(700) {
        two.extend(gzip(part));
    }
    let zstd = ruzstd::encoding::compress_to_vec(
        plain.as_slice(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    for packed in [plain.clone(), one, two, zstd] {
        let made = Made::new();
        made.index(&[made.image(&[(PLAIN, &packed, &plain)], HERE)]);
        assert_eq!(names(&made.read().expect("an image")), ["a"]);
    }
}

#[test]
fn entries_that_lead_out_are_refused() {
    let lower: &[Entry<'_>] =
        &[("link", b'2', "/etc", b""), ("dir/x", b'0', "", b"x"), ("file", b'0', "", b"x")];
    let bad: &[Entry<'_>] = &[
        ("/etc/passwd", b'0', "", b"x"),
        ("../x", b'0', "", b"x"),
        ("a/../../x", b'0', "", b"x"),
        ("a//b", b'0', "", b"x"),
        ("link/passwd", b'0', "", b"x"),
        ("link/.wh.passwd", b'0', "", b""),
        ("file/x", b'0', "", b"x"),
        ("x", b'1', "/etc/passwd", b""),
        ("x", b'1', "../etc/passwd", b""),
        ("x", b'1', "link/passwd", b""),
        ("x", b'1', "none", b""),
        ("x", b'1', "dir", b""),
        ("x", b'3', "", b""),
        ("x", b'4', "", b""),
        ("x", b'6', "", b""),
        ("x", b'S', "", b""),
        ("x", b'9', "", b""),
        ("x", b'2', "", b""),
        ("a/.wh...", b'0', "", b""),
        ("../.wh.x", b'0', "", b""),
        (".wh.dir/x", b'0', "", b"x"),
        ("a\nb", b'0', "", b"x"),
    ];
    for entry in bad {
        let refused = read(&[lower, &[*entry]]);
        assert!(matches!(refused, Err(Refusal::Entry { .. })), "{entry:?}: {refused:?}");
    }
    let twice = read(&[&[("a", b'0', "", b"x"), ("a", b'0', "", b"y")]]);
    assert!(matches!(twice, Err(Refusal::Entry { .. })), "{twice:?}");
}

#[test]
fn what_is_damaged_or_a_bomb_is_refused() {
    let plain = tar(&[("a", b'0', "", b"text")]);
    let (other, packed) = (tar(&[("b", b'0', "", b"text")]), gzip(&plain));
    let bomb = gzip(&tar(&[("a", b'0', "", &vec![0; 32 << 20])]));
    let cut = packed.get(..packed.len() - 9).expect("longer");
    let cases: [(&str, &[u8], &[u8]); 5] = [
        (PLAIN, &plain, &other),
        ("application/x-unknown", &plain, &plain),
        (PLAIN, cut, &plain),
        (PLAIN, b"no tar at all", b"no tar at all"),
        (PLAIN, &bomb, &bomb),
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let made = Made::new();
        made.index(&[made.image(&[case], HERE)]);
        let refused = made.read().expect_err("refused");
        let large = matches!(refused, Refusal::TooLarge(_));
        assert_eq!(large, number == 4, "{number}: {refused}");
    }
    let made = Made::new();
    let image = made.image(&[(PLAIN, &plain, &plain)], HERE);
    made.index(std::slice::from_ref(&image));
    let blob = made.0.path().join("blobs/sha256").join(sha256(&plain).hex());
    fs::write(&blob, &other).expect("written");
    assert!(matches!(made.read(), Err(Refusal::Unreadable(_))), "another blob");
    fs::remove_file(&blob).expect("removed");
    assert!(made.read().expect_err("refused").to_string().contains("missing"));
}

#[test]
fn the_image_for_this_machine_is_chosen() {
    let made = Made::new();
    let plain = tar(&[("a", b'0', "", b"text")]);
    let mut manifests = Vec::new();
    for architecture in ["arm64", HERE] {
        let mut image = made.image(&[(PLAIN, &plain, &plain)], architecture);
        image["platform"] = json!({ "os": "linux", "architecture": architecture });
        manifests.push(image);
    }
    made.index(&manifests);
    assert_eq!(made.read().expect("an image").config.architecture, HERE);
    made.index(&manifests[..1]);
    let refused = made.read().expect_err("refused");
    assert!(matches!(&refused, Refusal::Platform(why) if why.contains("linux/arm64")), "{refused}");
    // A platform that a list claims does not make an image one.
    manifests[0]["platform"]["architecture"] = HERE.into();
    made.index(&manifests[..1]);
    assert!(matches!(made.read(), Err(Refusal::Platform(_))));
}

#[test]
fn what_docker_save_writes_is_read() {
    let plain = tar(&[("a", b'0', "", b"text")]);
    let config = json!({ "architecture": HERE, "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": [sha256(&plain).to_string()] } });
    let config = config.to_string();
    let name = format!("{}.json", sha256(config.as_bytes()).hex());
    let manifest =
        json!([{ "Config": name, "RepoTags": [], "Layers": ["b/layer.tar"] }]).to_string();
    let saved = tar(&[
        ("a/layer.tar", b'0', "", &plain),
        ("b/layer.tar", b'2', "../a/layer.tar", b""),
        (&name, b'0', "", config.as_bytes()),
        ("manifest.json", b'0', "", manifest.as_bytes()),
    ]);
    let home = tempfile::tempdir().expect("a directory");
    let read = |bytes: &[u8]| {
        let path = home.path().join("image.tar");
        fs::write(&path, bytes).expect("written");
        Image::read(&path, HERE, tempfile::tempfile().expect("a file"))
    };
    assert_eq!(names(&read(&saved).expect("an image")), ["a"]);
    let half = saved.get(..saved.len() / 2).expect("half");
    for bad in [half, gzip(&saved).as_slice(), b"", b"text"] {
        assert!(matches!(read(bad), Err(Refusal::Unreadable(_))));
    }
}

/// What `docker save` writes of one layer, as a directory; `names` are those of its configuration and
/// layer in its list.
fn saved(home: &Path, plain: &[u8], names: impl Fn(&str) -> [String; 2]) {
    let config = json!({ "architecture": HERE, "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": [sha256(plain).to_string()] } });
    let config = config.to_string();
    let name = sha256(config.as_bytes()).hex();
    let [said, layer] = names(&name);
    let manifest = json!([{ "Config": said, "RepoTags": [], "Layers": [layer] }]).to_string();
    fs::create_dir_all(home.join("image/a")).expect("a directory");
    for place in [home.join("image"), home.to_owned()] {
        fs::write(place.join(format!("{name}.json")), &config).expect("written");
    }
    fs::write(home.join("image/manifest.json"), manifest).expect("written");
    fs::write(home.join("image/a/layer.tar"), plain).expect("written");
    fs::write(home.join("layer.tar"), plain).expect("written");
}

#[test]
fn names_in_a_saved_directory_do_not_lead_out_of_it() {
    let plain = tar(&[("a", b'0', "", b"text")]);
    let read =
        |home: &Path| Image::read(&home.join("image"), HERE, tempfile::tempfile().expect("a file"));
    let place = || tempfile::tempdir().expect("a directory");
    let good = place();
    saved(good.path(), &plain, |name| [format!("{name}.json"), "a/layer.tar".to_owned()]);
    assert_eq!(names(&read(good.path()).expect("an image")), ["a"]);
    let outside = good.path().join("layer.tar");
    let outside = outside.to_str().expect("text");
    for layer in [outside, "../layer.tar", "a/../../layer.tar", "./a/layer.tar", "a//layer.tar", ""]
    {
        let home = place();
        saved(home.path(), &plain, |name| [format!("{name}.json"), layer.to_owned()]);
        assert!(home.path().join("image").join(layer).exists(), "{layer}: it means something");
        let refused = read(home.path()).expect_err(layer).to_string();
        assert!(refused.contains("leads out"), "{layer}: {refused}");
    }
    let home = place();
    saved(home.path(), &plain, |name| [format!("../{name}.json"), "a/layer.tar".to_owned()]);
    assert!(read(home.path()).expect_err("the configuration").to_string().contains("leads out"));
    // Neither by a link, be it to a file or on the way to one.
    for (link, target, layer) in [("b", "..", "b/layer.tar"), ("c.tar", "../layer.tar", "c.tar")] {
        let home = place();
        saved(home.path(), &plain, |name| [format!("{name}.json"), layer.to_owned()]);
        std::os::unix::fs::symlink(target, home.path().join("image").join(link)).expect("a link");
        let refused = read(home.path()).expect_err(layer).to_string();
        assert!(refused.contains("link"), "{layer}: {refused}");
    }
}

#[test]
fn what_aufs_kept_for_itself_is_no_part_of_an_image() {
    let layer: &[Entry<'_>] = &[
        (".wh..wh.aufs", b'0', "", b""),
        (".wh..wh.orph/", b'5', "", b""),
        (".wh..wh.orph/lost", b'0', "", b"lost"),
        (".wh..wh.plnk/", b'5', "", b""),
        (".wh..wh.plnk/123.456", b'0', "", b"many names"),
        ("usr/one", b'1', ".wh..wh.plnk/123.456", b""),
        ("usr/two", b'1', "./.wh..wh.plnk/123.456", b""),
    ];
    let image = read(&[layer]).expect("an image");
    assert_eq!(names(&image), ["usr/one", "usr/two"]);
    let mut text = String::new();
    image.open(1).expect("there").read_to_string(&mut text).expect("text");
    assert_eq!(text, "many names");
    // They are of one layer.
    let later = read(&[layer, &[("usr/three", b'1', ".wh..wh.plnk/123.456", b"")]]);
    assert!(later.expect_err("refused").to_string().contains("not there"));
    let dropped = read(&[&[("tmp/a", b'0', "", b"x"), ("usr/a", b'1', "tmp/a", b"")]]);
    let why = dropped.expect_err("refused").to_string();
    assert!(why.contains("`tmp/a`") && why.contains("a jail has its own `/tmp`"), "{why}");
    let other = read(&[&[("a", b'0', "", b"x"), ("tmp/b", b'1', "a", b"")]]);
    assert_eq!(names(&other.expect("an image")), ["a"]);
}

#[test]
fn directories_are_counted_before_they_fill_the_memory() {
    let deep = |number: usize| format!("{number}/{}f", "d/".repeat(40));
    let layer = |count: usize| {
        let names: Vec<String> = (0..count).map(deep).collect();
        let entries = names.iter().map(|name| (&**name, b'0', "", &b""[..]));
        read(&[&entries.collect::<Vec<Entry<'_>>>()])
    };
    assert_eq!(layer(2000).expect("2000 files in 41 directories each").list.files.len(), 2000);
    for (count, why) in [(2500, "files, links and directories"), (5500, "more than 200000")] {
        let refused = layer(count).expect_err("too much");
        let large = matches!(&refused, Refusal::TooLarge(said) if said.contains(why));
        assert!(large, "{count}: {refused}");
    }
    let long = format!("{}f", "d/".repeat(model::listing::DEPTH_MAX));
    // A header's own field has no room for such a name.
    let mut layer = header(("././@LongLink", b'L', "", long.as_bytes())).to_vec();
    layer.extend(long.as_bytes());
    layer.resize(layer.len().div_ceil(512) * 512, 0);
    layer.extend(tar(&[("short", b'0', "", b"x")]));
    let made = Made::new();
    made.index(&[made.image(&[(PLAIN, &layer, &layer)], HERE)]);
    let refused = made.read().expect_err("too deep").to_string();
    assert!(refused.contains("128 parts"), "{refused}");
}

#[test]
fn a_file_of_many_names_is_counted_under_each_before_it_is_listed() {
    // One MiB under five thousand names is more than an image may have.
    let bytes = vec![7; 1 << 20];
    let links: Vec<String> = (0..5000).map(|number| format!("l{number}")).collect();
    let mut entries: Vec<Entry<'_>> = vec![("file", b'0', "", &bytes)];
    entries.extend(links.iter().map(|name| (&**name, b'1', "file", &b""[..])));
    let refused = read(&[&entries]).expect_err("too much");
    assert!(refused.to_string().contains("under all its names"), "{refused}");
    assert!(read(&[&entries[..1000]]).is_ok());
}
