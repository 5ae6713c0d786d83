//! How links are doing: what runs and waits on each for each VO, and how the last hour went.
//!
//! Whoever counts implements [`LinkReports`] and keeps its counters as things happen; nobody looks
//! at rows for an answer. Nothing here knows how a report is shown.

use std::sync::Arc;

/// Which links are wanted. Every condition given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkChoice {
    /// VO.
    pub vo_name: Option<String>,
    /// Source storage.
    pub source_se: Option<String>,
    /// Destination storage.
    pub dest_se: Option<String>,
}

impl LinkChoice {
    /// Whether a link of a VO is among those.
    pub fn wants(&self, vo_name: &str, source_se: &str, dest_se: &str) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|it| it == is);
        fits(&self.vo_name, vo_name)
            && fits(&self.source_se, source_se)
            && fits(&self.dest_se, dest_se)
    }
}

/// One link as one VO uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkReport {
    /// VO.
    pub vo_name: Arc<str>,
    /// Source storage.
    pub source_se: Arc<str>,
    /// Destination storage.
    pub dest_se: Arc<str>,
    /// Transfers that run now.
    pub active: u64,
    /// Transfers that wait in the queue now.
    pub submitted: u64,
    /// Transfers that finished in the last hour.
    pub finished: u64,
    /// Transfers that failed for good in the last hour.
    pub failed: u64,
    /// Seconds from when a transfer could have started to when it was picked, on average.
    pub avg_queued: Option<f64>,
    /// Seconds that a copy took, on average.
    pub avg_duration: Option<f64>,
    /// Bytes per second of a copy, on average.
    pub avg_throughput: Option<f64>,
    /// With what attempts failed most often.
    pub frequent_error: Option<Arc<str>>,
}

/// Tells how links are doing. What an answer costs grows with the number of links in use, and with
/// nothing else.
pub trait LinkReports: Send + Sync {
    /// One report for each link and VO, in the order of their names.
    fn links(&self, wanted: &LinkChoice) -> Vec<LinkReport>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_must_hold() {
        let choice = LinkChoice {
            vo_name: Some("v".into()),
            source_se: None,
            dest_se: Some("b".into()),
        };
        assert!(choice.wants("v", "a", "b") && choice.wants("v", "x", "b"));
        assert!(!choice.wants("w", "a", "b") && !choice.wants("v", "a", "c"));
        assert!(LinkChoice::default().wants("", "", ""));
    }
}
