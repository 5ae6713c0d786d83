//! Who may have written what is loaded: root and the gateway's own user.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::refusal::Refusal;

/// Refuses what others than root and the gateway's own user could change.
pub(crate) fn check_owner(path: &Path) -> Result<(), Refusal> {
    let unreadable = |source| Refusal::Unreadable {
        path: path.to_owned(),
        source,
    };
    let refuse = |reason| Refusal::Permissions {
        path: path.to_owned(),
        reason,
    };
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    // The owner of /proc/self is the effective user of this process.
    let own = std::fs::metadata("/proc/self").map_err(unreadable)?.uid();
    if meta.uid() != 0 && meta.uid() != own {
        return Err(refuse("it belongs to another user"));
    }
    if meta.mode() & 0o002 != 0 {
        return Err(refuse("everybody may write to it"));
    }
    Ok(())
}
