//! Where the node's own control groups are, and whether others can be made below them.

use super::{numbers, sweep};
use std::fs;
use std::path::{Path, PathBuf};

/// Controllers that are asked for in version 2.
const WANTED: [&str; 3] = ["memory", "pids", "cpu"];
/// Where the node's own processes go, since a group with processes can have none below it that
/// are limited.
const LEAF: &str = "casemate-node";

/// The launcher's group in version 2.
pub(super) struct Second {
    pub(super) directory: PathBuf,
    pub(super) controllers: Vec<String>,
}

/// A mounted tree of control groups.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tree {
    /// What of the whole tree is mounted.
    root: String,
    point: PathBuf,
    kind: String,
    options: Vec<String>,
}

/// Makes the launcher's group in the tree of one controller, if that can be done.
pub(super) fn first(controller: &str, name: &str) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own_first(&trees(&mounts), &groups, controller)?;
    made(&own, name)
}

/// The same in version 2, if the node's own group hands controllers down.
pub(super) fn second(name: &str) -> Option<Second> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mut own = own_second(&trees(&mounts), &groups)?;
    if own.file_name().is_some_and(|last| last == LEAF) {
        own = own.parent()?.to_owned();
    }
    let offered = words(&own.join("cgroup.controllers"));
    let controllers: Vec<String> =
        offered.into_iter().filter(|one| WANTED.contains(&one.as_str())).collect();
    // Without these two, the trees of version 1 may have more.
    if !["memory", "pids"].iter().all(|one| controllers.iter().any(|has| has == one)) {
        return None;
    }
    hand_down(&own, &controllers)?;
    let directory = made(&own, name)?;
    hand_down(&directory, &controllers)?;
    Some(Second { directory, controllers })
}

/// Lets groups below have these controllers.
fn hand_down(group: &Path, controllers: &[String]) -> Option<()> {
    let file = group.join("cgroup.subtree_control");
    let missing = |wanted: &[String]| {
        let on = words(&file);
        wanted.iter().any(|one| !on.contains(one))
    };
    if !missing(controllers) {
        return Some(());
    }
    let order: Vec<String> = controllers.iter().map(|one| format!("+{one}")).collect();
    let order = order.join(" ");
    if fs::write(&file, &order).is_err() {
        // There are processes in it: those of the node, and others of its container or service.
        let leaf = group.join(LEAF);
        let _ = fs::create_dir(&leaf);
        for pid in numbers(&group.join("cgroup.procs")) {
            fs::write(leaf.join("cgroup.procs"), pid.to_string()).ok()?;
        }
        fs::write(&file, &order).ok()?;
    }
    (!missing(controllers)).then_some(())
}

/// Makes a group anew, and one below it to see that this can be done.
fn made(own: &Path, name: &str) -> Option<PathBuf> {
    let directory = own.join(name);
    sweep(&directory);
    fs::create_dir(&directory).ok()?;
    let trial = directory.join("trial");
    let tried = fs::create_dir(&trial).and_then(|()| fs::remove_dir(&trial));
    if tried.is_err() {
        sweep(&directory);
        return None;
    }
    Some(directory)
}

fn words(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

/// The trees in `/proc/self/mountinfo`.
fn trees(mounts: &str) -> Vec<Tree> {
    mounts.lines().filter_map(tree).collect()
}

fn tree(line: &str) -> Option<Tree> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(3);
    let (root, point) = (before.next()?, before.next()?);
    let mut after = after.split(' ');
    let kind = after.next()?;
    let options = after.nth(1)?.split(',').map(str::to_owned).collect();
    let (root, kind) = (root.to_owned(), kind.to_owned());
    kind.starts_with("cgroup").then(|| Tree { root, point: point.into(), kind, options })
}

/// The directory of the node's own group of a controller.
fn own_first(trees: &[Tree], groups: &str, controller: &str) -> Option<PathBuf> {
    let tree = trees.iter().find(|tree| {
        tree.kind == "cgroup" && tree.options.iter().any(|option| option == controller)
    })?;
    let path = groups.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        controllers.split(',').any(|one| one == controller).then_some(path)
    })?;
    below(tree, path)
}

/// The directory of the node's own group in version 2.
fn own_second(trees: &[Tree], groups: &str) -> Option<PathBuf> {
    let tree = trees.iter().find(|tree| tree.kind == "cgroup2")?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    below(tree, path)
}

/// A path of the whole tree, as a path of the machine: a container's mount may show a part of it.
fn below(tree: &Tree, path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    if path.components().any(|part| part.as_os_str() == "..") {
        return None;
    }
    let rest = path.strip_prefix(&tree.root).ok()?;
    Some(tree.point.join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
    const DOCKER: &str =
        "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";

    #[test]
    fn the_own_group_is_found_per_controller() {
        let groups = "4:memory:/process_api/6b\n2:cpu,cpuacct:/\n0::/x\n";
        let own = |controller| own_first(&trees(HYBRID), groups, controller);
        assert_eq!(own("memory"), Some("/sys/fs/cgroup/memory/process_api/6b".into()));
        assert_eq!(own("cpuacct"), Some("/sys/fs/cgroup/cpu/".into()));
        assert_eq!(own("pids"), None);
        assert_eq!(own_second(&trees(HYBRID), groups), Some("/sys/fs/cgroup/unified/x".into()));
    }

    #[test]
    fn a_mount_may_show_a_part_of_the_tree() {
        let own = |path: &str| own_first(&trees(DOCKER), &format!("4:memory:{path}\n"), "memory");
        assert_eq!(own("/docker/abc/x"), Some("/sys/fs/cgroup/memory/x".into()));
        assert_eq!(own("/docker/other"), None);
        assert_eq!(own("/docker/abc/../other"), None);
    }

    #[test]
    fn lines_that_make_no_sense_are_passed_over() {
        for line in ["", " - ", "1 2 3", "1 2 3 / /x - cgroup", "1 2 3 - cgroup cgroup rw"] {
            assert_eq!(trees(line), [], "{line}");
        }
    }
}
