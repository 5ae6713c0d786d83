//! Defaults for plugins that come with the program: the one place that calls them by name.
//!
//! Nothing here decides what happens to a transfer; an operator's configuration says the same.

use std::path::Path;

use crate::config::PluginsConfig;

/// Directories whose files may be transferred.
pub fn serve_directory(plugins: &mut PluginsConfig, root: &Path) {
    plugins.set_default("file", "roots", vec![root.display().to_string()]);
}

/// Certificates of the authorities that storages are trusted by.
pub fn trust_authorities(plugins: &mut PluginsConfig, ca_dir: &Path) {
    for plugin in ["http", "s3", "cloud", "ftp", "gridftp"] {
        plugins.set_default(plugin, "ca_dir", ca_dir.display().to_string());
    }
}

/// Where plugins write down what they began at servers, so that a later life removes what a killed one left.
pub fn keep_records(plugins: &mut PluginsConfig, dir: &Path) {
    for plugin in ["s3", "ftp"] {
        plugins.set_default(plugin, "state_dir", dir.display().to_string());
    }
}

/// Keys in the environment, for a command of one user. A service does not lend its own to all of
/// its users unless its operator says so.
pub fn use_environment(plugins: &mut PluginsConfig) {
    for plugin in ["s3", "cloud"] {
        plugins.set_default(plugin, "environment_credentials", true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_command_of_one_user_lends_the_environments_keys() {
        let lends = |plugins: &PluginsConfig, name: &str| {
            plugins.options[name]
                .get("environment_credentials")
                .and_then(toml::Value::as_bool)
        };
        let mut plugins = PluginsConfig::default();
        trust_authorities(&mut plugins, Path::new("/ca"));
        assert_eq!(lends(&plugins, "s3"), None);
        // An operator's word counts.
        plugins.set_default("cloud", "environment_credentials", false);
        use_environment(&mut plugins);
        assert_eq!(lends(&plugins, "s3"), Some(true));
        assert_eq!(lends(&plugins, "cloud"), Some(false));
    }
}
