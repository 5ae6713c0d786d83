//! `/healthz` and `/readyz`

use crate::support::Service;

#[tokio::test]
async fn answers_without_a_caller() {
    let mut service = Service::new();
    service.caller = None;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(service.get(path).await.status, 200, "{path}");
    }
}
