//! The contract, as the files that tools of other languages read.

use std::path::Path;

use anyhow::Context as _;

/// Package of the newest version.
pub const PACKAGE: &str = "causeway:storage";

/// The newest version.
pub const VERSION: &str = "0.1.0";

/// World of most plugins.
pub const PLUGIN: &str = "plugin";

/// World of tool chains that have no async functions.
pub const POLL: &str = "plugin-poll";

/// Name and content of every file of the newest version.
pub const FILES: [(&str, &str); 6] = [
    (
        "host.wit",
        include_str!("../../../wit/storage-0.1.0/host.wit"),
    ),
    (
        "http.wit",
        include_str!("../../../wit/storage-0.1.0/http.wit"),
    ),
    (
        "poll.wit",
        include_str!("../../../wit/storage-0.1.0/poll.wit"),
    ),
    (
        "storage.wit",
        include_str!("../../../wit/storage-0.1.0/storage.wit"),
    ),
    (
        "types.wit",
        include_str!("../../../wit/storage-0.1.0/types.wit"),
    ),
    (
        "world.wit",
        include_str!("../../../wit/storage-0.1.0/world.wit"),
    ),
];

/// Writes the files into a folder.
///
/// # Errors
/// When they cannot be written.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    let what = || format!("write the world into {}", folder.display());
    std::fs::create_dir_all(folder).with_context(what)?;
    for (name, text) in FILES {
        std::fs::write(folder.join(name), text).with_context(what)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_world_is_here() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/storage-0.1.0");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, FILES.map(|(name, _)| name));
        let package = format!("package {PACKAGE}@{VERSION};");
        assert!(FILES.iter().all(|(_, text)| text.contains(&package)));
    }
}
