//! What an operator may set about the REST surface; every field has a default.

use std::time::Duration;

/// Settings of the REST surface.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Base of this service's own links, ending in a slash.
    pub public_url: String,
    /// Name kept as `submit_host` in every job.
    pub submit_host: String,
    /// Largest request body, in bytes.
    pub body_limit_bytes: usize,
    /// Longest time for one request, apart from streaming its answer.
    pub request_timeout: Duration,
    /// Longest time for one call of `/dm/*`.
    pub dm_timeout: Duration,
    /// Origins, as browsers send them, that may use the API with the user's credentials.
    pub cors_origins: Vec<String>,
    /// VOs that may use the service; empty or `*` for all.
    pub authorized_vos: Vec<String>,
    /// Refuse submissions of certificate users who have not delegated.
    pub require_delegation: bool,
    /// Directory of the logs of attempts; without it none can be had.
    pub log_dir: Option<std::path::PathBuf>,
    /// How often one identity may ask.
    pub rate: RateConfig,
    /// What a submission may ask for.
    pub submit: SubmitConfig,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            public_url: "https://localhost:8446/".into(),
            submit_host: "localhost".into(),
            body_limit_bytes: 64 << 20,
            request_timeout: Duration::from_secs(60),
            dm_timeout: Duration::from_secs(30),
            cors_origins: Vec::new(),
            authorized_vos: Vec::new(),
            require_delegation: true,
            log_dir: None,
            rate: RateConfig::default(),
            submit: SubmitConfig::default(),
        }
    }
}

/// Requests of one identity: so many at once, then so many a second.
#[derive(Clone, Debug)]
pub struct RateConfig {
    /// In the long run; 0 for no limit.
    pub requests_per_second: u32,
    /// At once, after a pause.
    pub burst: u32,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self {
            requests_per_second: 0,
            burst: 1000,
        }
    }
}

/// Settings of job submission.
#[derive(Clone, Debug)]
pub struct SubmitConfig {
    /// VOs (or `*`) that may have one live transfer per destination only.
    pub duplicate_check_vos: Vec<String>,
    /// Longest metadata, in characters; 0 for no limit.
    pub metadata_limit: usize,
    /// Most transfers or deletions in one job.
    pub transfers_limit: usize,
    /// Note in a job's metadata how its submitter was authenticated.
    pub note_auth_method: bool,
    /// Least seconds between the end of bringing online and the end of the queue; 0 for no rule.
    pub staging_expiry_distance_seconds: i64,
    /// When many small files share one session without being asked to.
    pub auto_reuse: AutoReuse,
    /// Least seconds that such a token must last.
    pub token_life_min_seconds: i64,
}

impl Default for SubmitConfig {
    fn default() -> Self {
        Self {
            duplicate_check_vos: Vec::new(),
            metadata_limit: 1024,
            transfers_limit: 100_000,
            note_auth_method: true,
            staging_expiry_distance_seconds: 0,
            auto_reuse: AutoReuse::default(),
            token_life_min_seconds: 0,
        }
    }
}

impl SubmitConfig {
    /// Whether destinations of this VO must be free of other live transfers.
    pub fn refuses_duplicates_of(&self, vo: &str) -> bool {
        self.duplicate_check_vos
            .iter()
            .any(|it| it == "*" || it == vo)
    }
}

/// Rule for sharing a session without being asked to.
#[derive(Clone, Debug)]
pub struct AutoReuse {
    /// The rule applies at all.
    pub enabled: bool,
    /// Only jobs with more files than this.
    pub more_than_files: usize,
    /// Only jobs with at most so many files.
    pub max_files: usize,
    /// A file up to this is small, in bytes.
    pub small_bytes: u64,
    /// A file up to this is big, in bytes.
    pub big_bytes: u64,
    /// Most big files.
    pub max_big: usize,
}

impl Default for AutoReuse {
    fn default() -> Self {
        Self {
            enabled: false,
            more_than_files: 5,
            max_files: 1000,
            small_bytes: 100 << 20,
            big_bytes: 1 << 30,
            max_big: 2,
        }
    }
}
