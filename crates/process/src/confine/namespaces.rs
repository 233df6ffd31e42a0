//! A world of its own: a process that sees no network, no mounts of others and no other's names.

use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags, set_capabilities};

/// Leaves the namespaces of the parent, and gives up every capability. Says whether the process has
/// a network of its own now, which holds nothing.
///
/// Call it while there is one thread.
#[expect(
    deprecated,
    reason = "its unsafe successor is for `FILES`, which is not among the flags; see the caller"
)]
pub(super) fn leave() -> bool {
    let own = UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWCGROUP;
    // Who may not make namespaces may do so in a user namespace, where the system allows those.
    let left = rustix::thread::unshare(own | UnshareFlags::NEWUSER).is_ok()
        || rustix::thread::unshare(own).is_ok();
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    // Without privileges there is nothing to give up.
    let _ = set_capabilities(None, none);
    left
}
