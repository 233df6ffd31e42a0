//! The image of a native function: unpacked, listed, and its configuration merged into the manifest.
//!
//! What the manifest says itself stays: the image says the rest.

use super::assets::{Directory, Place, Source};
use super::component::{Component, Content};
use super::document::Document;
use super::resolve::{self, Refusal as Missing, inside};
use archive::image::{self, Config, Image};
use model::manifest::{Contract, FunctionSpec, ImageConfig, NativeSpec};
use model::{Code, Problem};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// How an image comes to be a file.
const MAKE: &str =
    "make it anew: `docker save IMAGE -o image.tar`, or `skopeo copy docker://IMAGE oci:image`";

/// Gives a function the digest of its image's list, and what the image's configuration says.
///
/// # Errors
/// E0104 for an image that is not there, E0160 to E0163 and E0173 for one that cannot be deployed, with
/// the place in the manifest.
pub(super) fn fill_in(
    document: &Document<'_>,
    function: &mut FunctionSpec,
    index: usize,
    (root, path): (&Path, &str),
) -> Result<Directory, Problem> {
    let place = document.pointed(&format!("/function/{index}/native/image"));
    let at = At { document, place: place.or_else(|| document.function_key(index, "native")), path };
    if function.source.is_some() {
        let problem = at.refused(Code::ManifestValue, "`source` is said, too");
        return Err(problem.hint("take one of them out: the image has the function's files"));
    }
    let image = at.read(root)?;
    let native = function.native.as_mut();
    let native =
        native.ok_or_else(|| at.refused(Code::ManifestValue, "it is of no native function"))?;
    let config = merged(native, &image.config);
    config.check().map_err(|why| at.refused(Code::ImageUnreadable, why).hint(MAKE))?;
    image.list.check_jail(config.directory.as_deref()).map_err(|why| {
        let hint =
            "build it with `WORKDIR` for the directory, and with directories where a jail has them";
        at.refused(Code::ImageUnfit, why).hint(hint)
    })?;
    native.image_config = Some(config);
    if native.command.is_empty() {
        let why = "its configuration says nothing that is started";
        let hint =
            "write `command` below `[function.native]`, such as `command = [\"/app/server\"]`";
        return Err(at.refused(Code::ImageUnreadable, why).hint(hint));
    }
    let directory = at.directory(image)?;
    resolve::check_announced(document, function, index, directory.list.digest)?;
    function.digest = Some(directory.list.digest);
    Ok(directory)
}

/// Where the image is named.
struct At<'a> {
    document: &'a Document<'a>,
    place: Option<Range<usize>>,
    path: &'a str,
}

impl At<'_> {
    fn refused(&self, code: Code, why: impl std::fmt::Display) -> Problem {
        let path = self.path.escape_debug();
        self.document.at(code, self.place.clone(), format_args!("image = \"{path}\": {why}"))
    }

    fn read(&self, root: &Path) -> Result<Image, Problem> {
        let value = |why: &str| self.refused(Code::ManifestValue, why);
        let path = match inside(root, self.path) {
            Ok(Content::File(path)) => path,
            Ok(_) => return Err(value("it is no file of yours")),
            Err(Missing::Missing) => return Err(value("there is none such").hint(MAKE)),
            Err(Missing::Outside) => {
                let problem = value("it lies outside the manifest's directory");
                return Err(problem.hint("copy it below the manifest, or move the manifest up"));
            }
            Err(Missing::File(error)) => return Err(value(&error.to_string())),
            Err(Missing::Module(why)) => return Err(value(&why)),
        };
        let spool = tempfile::tempfile().map_err(|error| {
            value(&format!("what is unpacked cannot be kept: {error}"))
                .hint("set `TMPDIR` to a directory with room for it")
        })?;
        Image::read(&path, ImageConfig::here(), spool).map_err(|refusal| {
            let (code, hint) = match refusal {
                image::Refusal::Unreadable(_) => (Code::ImageUnreadable, MAKE),
                image::Refusal::Platform(_) => (
                    Code::ImagePlatform,
                    "build it for this machine alone: `docker build --platform linux/amd64`, or `linux/arm64`",
                ),
                image::Refusal::Entry { .. } => {
                    (Code::ImageEntry, "build the image without that entry")
                }
                image::Refusal::TooLarge(_) => {
                    (Code::ImageTooLarge, "take a smaller base, such as one whose tag ends in `slim`")
                }
            };
            self.refused(code, refusal).hint(hint)
        })
    }

    /// What is uploaded of an image.
    fn directory(&self, image: Image) -> Result<Directory, Problem> {
        let refused = |error: super::component::Error| self.refused(Code::ImageTooLarge, error);
        let image = Arc::new(image);
        let list =
            Component::digested(Content::Made(image.list.bytes().into())).map_err(refused)?;
        let files = image.list.files.iter().enumerate().map(|(number, file)| Source {
            place: Place::Unpacked(Arc::clone(&image), number),
            chunks: file.chunks.clone(),
        });
        let bytes = image.list.total();
        Ok(Directory { list, files: files.collect(), bytes, left_out: 0, ignored: 0 })
    }
}

/// What an image says, under what the manifest says.
fn merged(native: &mut NativeSpec, image: &Config) -> ImageConfig {
    let is_lambda = native.contract == Contract::Lambda;
    if native.command.is_empty() {
        native.command.clone_from(&image.entrypoint);
        match native.handler.clone().filter(|_| is_lambda) {
            // What AWS Lambda calls the image's command is the name of the handler.
            Some(handler) => native.command.push(handler),
            None => native.command.extend(image.command.iter().cloned()),
        }
    }
    if is_lambda && native.handler.is_none() {
        native.handler = image.command.first().cloned();
    }
    if native.port.is_none() && native.contract.has_port() {
        let mut ports = image.ports.iter().filter(|port| NativeSpec::takes_port(**port));
        native.port = match (ports.next(), ports.next()) {
            (Some(port), None) => Some(*port),
            _ => None,
        };
    }
    native.image = None;
    ImageConfig {
        architecture: image.architecture.clone(),
        environment: image.environment.clone(),
        directory: image.directory.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn image() -> Config {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Config {
            architecture: "amd64".to_owned(),
            entrypoint: words(&["python3", "-m", "awslambdaric"]),
            command: words(&["app.handler"]),
            ports: BTreeSet::from([80, 5000]),
            directory: Some("/app".to_owned()),
            ..Config::default()
        }
    }

    fn native(text: &str) -> (NativeSpec, ImageConfig) {
        let mut native: NativeSpec = serde_json::from_str(text).expect(text);
        let config = merged(&mut native, &image());
        (native, config)
    }

    #[test]
    fn the_manifest_overrides_what_the_image_says() {
        let (plain, config) = native(r#"{"contract":"cloud-run","image":"a"}"#);
        assert_eq!(plain.command, ["python3", "-m", "awslambdaric", "app.handler"]);
        assert_eq!((plain.port, plain.handler, plain.image), (Some(5000), None, None));
        assert_eq!(config.directory.as_deref(), Some("/app"));
        let (own, _) = native(r#"{"contract":"http","command":["/run"],"port":8081}"#);
        assert_eq!((own.command, own.port), (vec!["/run".to_owned()], Some(8081)));
        let (fixed, _) = native(r#"{"contract":"fn"}"#);
        assert_eq!(fixed.port, None, "the contract has none");
    }

    #[test]
    fn the_command_of_an_image_for_lambda_is_its_handler() {
        let (plain, _) = native(r#"{"contract":"lambda"}"#);
        assert_eq!(plain.handler.as_deref(), Some("app.handler"));
        let (own, _) = native(r#"{"contract":"lambda","handler":"other.main"}"#);
        assert_eq!(own.command, ["python3", "-m", "awslambdaric", "other.main"]);
        assert_eq!(own.port, None);
    }
}
