//! What the configuration says, as the API wants to be told.
//!
//! Stands between the sections of the configuration and `causeway_api::config`. It knows what each
//! is called on both sides, and decides nothing.

use std::time::Duration;

use causeway_api::ApiConfig;
use causeway_api::config::{AutoReuse, RateConfig, SubmitConfig};

use crate::config::Config;

/// The settings of the API. `public_url` and `host` are what this service is called.
pub(crate) fn of_api(config: &Config, public_url: String, host: String) -> ApiConfig {
    ApiConfig {
        public_url,
        submit_host: host,
        body_limit_bytes: config.server.max_body_bytes,
        request_timeout: Duration::from_secs(config.server.request_timeout_seconds),
        cors_origins: config.auth.cors_origins.clone(),
        authorized_vos: config.auth.authorized_vos.clone(),
        require_delegation: config.submit.require_delegation,
        log_dir: config.engine.log_dir.clone(),
        rate: RateConfig {
            requests_per_second: config.server.requests_per_second,
            burst: config.server.request_burst,
        },
        submit: of_submission(config),
        ..ApiConfig::default()
    }
}

fn of_submission(config: &Config) -> SubmitConfig {
    let given = &config.submit;
    SubmitConfig {
        duplicate_check_vos: config.engine.duplicate_check_vos.clone(),
        metadata_limit: given.metadata_max_characters,
        transfers_limit: given.transfers_max,
        note_auth_method: given.note_auth_method,
        staging_expiry_distance_seconds: given.staging_expiry_distance_seconds.into(),
        auto_reuse: AutoReuse {
            enabled: config.engine.auto_session_reuse,
            more_than_files: given.auto_reuse_more_than_files,
            max_files: given.auto_reuse_max_files,
            small_bytes: given.auto_reuse_small_bytes,
            big_bytes: given.auto_reuse_big_bytes,
            max_big: given.auto_reuse_max_big_files,
        },
        token_life_min_seconds: config.auth.transfer_token_life_min_seconds.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> ApiConfig {
        let config = Config::parse(text, std::iter::empty()).unwrap();
        of_api(&config, "https://h/".to_owned(), "h".to_owned())
    }

    #[test]
    fn nothing_said_is_what_the_api_takes_by_itself() {
        let (told, own) = (told(""), ApiConfig::default());
        assert_eq!(
            format!("{:?}", told.submit),
            format!("{:?}", own.submit),
            "two places say what is the default"
        );
        assert_eq!(told.require_delegation, own.require_delegation);
        assert_eq!(told.body_limit_bytes, own.body_limit_bytes);
        assert_eq!(told.request_timeout, own.request_timeout);
        assert_eq!(told.rate.burst, own.rate.burst);
    }

    #[test]
    fn every_rule_of_submission_can_be_set() {
        let told = told(
            "[submit]\nrequire_delegation = false\nnote_auth_method = false\n\
             metadata_max_characters = 1\ntransfers_max = 2\nstaging_expiry_distance_seconds = 3\n\
             auto_reuse_more_than_files = 4\nauto_reuse_max_files = 5\n\
             auto_reuse_small_bytes = 6\nauto_reuse_big_bytes = 7\nauto_reuse_max_big_files = 8\n\
             [engine]\nauto_session_reuse = true\nduplicate_check_vos = [\"dteam\"]\n\
             [auth]\ntransfer_token_life_min_seconds = 9\n",
        );
        assert!(!told.require_delegation);
        let wanted = SubmitConfig {
            duplicate_check_vos: vec!["dteam".to_owned()],
            metadata_limit: 1,
            transfers_limit: 2,
            note_auth_method: false,
            staging_expiry_distance_seconds: 3,
            auto_reuse: AutoReuse {
                enabled: true,
                more_than_files: 4,
                max_files: 5,
                small_bytes: 6,
                big_bytes: 7,
                max_big: 8,
            },
            token_life_min_seconds: 9,
        };
        assert_eq!(format!("{:?}", told.submit), format!("{wanted:?}"));
    }
}
