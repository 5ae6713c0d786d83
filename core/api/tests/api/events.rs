//! `GET /events`: who hears what, and what comes over the wire.

use std::sync::Arc;
use std::time::Duration;

use axum::body::BodyDataStream;
use causeway_messages::{Hub, Voice};
use causeway_model::ports::{JobStore, JobView};
use causeway_model::{Job, JobId, Level, Principal};
use causeway_store::{EmbeddedStore, StoreOptions};
use futures_util::StreamExt as _;
use http::Request;
use tower::ServiceExt as _;

use crate::support::{DN, OTHER_DN, Scratch, Service, caller, one_file, user};

/// A service whose events come from a store of their own.
struct World {
    service: Service,
    events: Arc<EmbeddedStore>,
    /// A job with one transfer, to make others of.
    pattern: JobView,
    _dir: Scratch,
}

impl World {
    async fn new(clients: usize) -> Self {
        let dir = Scratch(std::env::temp_dir().join(format!("events-{}", JobId::random())));
        let store = Arc::new(EmbeddedStore::open(&dir.0, StoreOptions::default()).unwrap());
        let voice = Voice::new("https://gateway.example:8446", |_| false);
        let hub = Hub::new(store.clone(), store.clone(), voice, 100, clients);
        let mut service = Service::new();
        let id = service.submit(one_file()).await;
        let pattern = service.view(&id).await;
        service.state = service.state.clone().with_events(hub);
        service.router = causeway_api::router(service.state.clone());
        Self {
            service,
            events: store,
            pattern,
            _dir: dir,
        }
    }

    /// A job of somebody is taken; gives its id.
    async fn happens(&self, dn: &str, vo: &str) -> String {
        let mut view = self.pattern.clone();
        let job = Job {
            job_id: JobId::random(),
            user_dn: dn.into(),
            vo_name: vo.into(),
            ..Job::clone(&view.job)
        };
        let numbers = self.events.reserve_file_ids(view.files.len() as u64);
        for (file, number) in view.files.iter_mut().zip(numbers) {
            let file = Arc::make_mut(file);
            file.job_id = job.job_id;
            file.file_id = causeway_model::FileId(number);
        }
        let id = job.job_id.to_string();
        view.job = Arc::new(job);
        self.events.insert(view).await.unwrap();
        id
    }

    async fn listen(&self, who: Principal, path: &str, last: Option<&str>) -> Listener {
        let mut request = Request::builder()
            .uri(path)
            .header("host", "fts.example.org:8446");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let mut request = request.body(axum::body::Body::empty()).unwrap();
        request.extensions_mut().insert(caller(who));
        let answer = self.service.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let mut listener = Listener {
            body: answer.into_body().into_data_stream(),
        };
        assert_eq!(listener.text().await, "retry: 3000\n\n");
        listener
    }
}

struct Listener {
    body: BodyDataStream,
}

impl Listener {
    async fn text(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(20), self.body.next()).await;
        let bytes = next.expect("something comes").expect("it goes on").unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// Type, id and job of the next event.
    async fn event(&mut self) -> (String, Option<String>, String) {
        let text = self.text().await;
        let line = |name: &str| {
            let mut lines = text.lines();
            lines
                .find_map(|it| it.strip_prefix(name))
                .map(str::to_owned)
        };
        let data: serde_json::Value = serde_json::from_str(&line("data: ").unwrap()).unwrap();
        let job = data["job_id"].as_str().unwrap_or_default().to_owned();
        (line("event: ").unwrap(), line("id: "), job)
    }
}

fn private(dn: &str) -> Principal {
    let mut who = user();
    who.user_dn = dn.into();
    who.level.insert("transfer".into(), Level::Private);
    who
}

#[tokio::test]
async fn everybody_hears_of_the_jobs_they_may_read() {
    let world = World::new(10).await;
    let mut mine = world.listen(private(DN), "/events", None).await;
    let mut of_vo = world.listen(user(), "/events", None).await;
    let theirs = world.happens(OTHER_DN, "testvo").await;
    let own = world.happens(DN, "testvo").await;
    world.happens(OTHER_DN, "othervo").await;
    let last = world.happens(DN, "testvo").await;
    for job in [&own, &last] {
        for kind in ["job", "state"] {
            let (found, _, about) = mine.event().await;
            assert_eq!((found.as_str(), &about), (kind, job));
        }
    }
    for job in [&theirs, &own, &last] {
        assert_eq!(of_vo.event().await.2, *job);
        assert_eq!(of_vo.event().await.2, *job);
    }
}

#[tokio::test]
async fn listeners_choose() {
    let world = World::new(10).await;
    let mut kinds = world.listen(user(), "/events?types=job", None).await;
    let mut vo = world.listen(user(), "/events?vo_name=othervo", None).await;
    let first = world.happens(DN, "testvo").await;
    let second = world.happens(DN, "testvo").await;
    assert_eq!(kinds.event().await.2, first);
    assert_eq!(kinds.event().await.2, second);
    let path = format!("/events?job_id={second}&last_event_id=0-0-0");
    let mut one = world.listen(user(), &path, None).await;
    assert_eq!(one.text().await, "event: gap\ndata: {}\n\n");
    assert_eq!(one.event().await.2, second);
    // Its own job of another VO; a right for the VO does not hide it.
    let other = world.happens(DN, "othervo").await;
    assert_eq!(vo.event().await.2, other);
}

#[tokio::test]
async fn whoever_comes_back_goes_on() {
    let world = World::new(10).await;
    let mut listener = world.listen(user(), "/events", None).await;
    let first = world.happens(DN, "testvo").await;
    let (_, id, job) = listener.event().await;
    assert_eq!(job, first);
    drop(listener);
    let second = world.happens(DN, "testvo").await;
    let mut again = world.listen(user(), "/events", id.as_deref()).await;
    assert_eq!(again.event().await.2, first);
    assert_eq!(again.event().await.2, second);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::new(1).await;
    for path in [
        "/events?types=jobs",
        "/events?job_id=x",
        "/events?last_event_id=x",
    ] {
        assert_eq!(world.service.get(path).await.status, 400, "{path}");
    }
    let listener = world.listen(user(), "/events", None).await;
    assert_eq!(world.service.get("/events").await.status, 503);
    drop(listener);
    assert_eq!(Service::new().get("/events").await.status, 503);
}

#[tokio::test]
async fn whoever_does_not_read_is_cut_off() {
    let world = World::new(1).await;
    let silent = world.listen(user(), "/events", None).await;
    for _ in 0..40 {
        world.happens(DN, "testvo").await;
    }
    tokio::time::pause();
    for _ in 0..100 {
        let mut request = Request::get("/events")
            .body(axum::body::Body::empty())
            .unwrap();
        request.extensions_mut().insert(caller(user()));
        let answer = world.service.router.clone().oneshot(request).await.unwrap();
        if answer.status() == 200 {
            // Its place is free for others; what it has not read ends somewhere.
            drop(silent);
            return;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    panic!("it holds its place for ever");
}

#[tokio::test]
async fn everybody_has_to_come_again() {
    let world = World::new(1).await;
    let mut listener = world.listen(user(), "/events", None).await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let mut signs = 0;
    while let Some(text) = listener.body.next().await {
        assert_eq!(text.unwrap(), ": alive\n\n");
        signs += 1;
    }
    let hour = Duration::from_secs(3600);
    assert!(
        began.elapsed() >= hour - Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
    assert!(signs > 200, "{signs}");
}
