//! What the API asks about bans, answered from the engine's settings as they are now.

use std::sync::Arc;

use causeway_api::{Bans, StorageBan};
use causeway_model::Settings;
use causeway_model::ports::EngineControl;
use causeway_model::settings::BanStatus;

/// The engine's bans.
pub struct LiveBans(pub Arc<dyn EngineControl>);

impl Bans for LiveBans {
    fn is_user_banned(&self, dn: &str) -> bool {
        self.0.settings().user_ban(dn).is_some()
    }

    fn storage_ban(&self, se: &str, vo: &str) -> StorageBan {
        storage_ban(&self.0.settings(), se, vo)
    }
}

fn storage_ban(settings: &Settings, se: &str, vo: &str) -> StorageBan {
    match settings.storage_ban(se, vo).map(|it| it.status) {
        None => StorageBan::None,
        Some(BanStatus::WaitAndSubmit) => StorageBan::Hold,
        Some(BanStatus::Cancel | BanStatus::Wait) => StorageBan::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use causeway_model::Timestamp;
    use causeway_model::settings::{Change, StorageBanRow};

    use super::*;

    #[test]
    fn by_status_and_vo() {
        let mut settings = Settings::default();
        let rows = [
            (BanStatus::Cancel, StorageBan::Refuse),
            (BanStatus::Wait, StorageBan::Refuse),
            (BanStatus::WaitAndSubmit, StorageBan::Hold),
        ];
        for (status, expected) in rows {
            settings.apply(&Change::BanStorage(StorageBanRow {
                se: "mock://a".into(),
                message: String::new(),
                addition_time: Timestamp(0),
                admin_dn: "/CN=admin".into(),
                vo: Some("atlas".into()),
                status,
                wait_timeout: 0,
            }));
            assert_eq!(storage_ban(&settings, "mock://a", "atlas"), expected);
            assert_eq!(storage_ban(&settings, "mock://a", "cms"), StorageBan::None);
            assert_eq!(
                storage_ban(&settings, "mock://b", "atlas"),
                StorageBan::None
            );
        }
    }
}
