//! From the engine's spans to spans of OpenTelemetry.
//!
//! A trace begins with an attempt's `traceparent` field; spans below that one belong to it, all
//! others are none of ours. The span of a whole transfer is made when the transfer has ended, from
//! what the engine tells its observer: it may have waited for days, over restarts.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::ensure;
use causeway_model::{FileId, FileState, JobId, Timestamp};
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, IdGenerator as _, RandomIdGenerator, SpanData, SpanEvents, SpanLinks,
    SpanProcessor as _,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::{collector, ids};
use crate::client::trusted;
use crate::config::MetricsConfig;
use ids::Root;

/// A transfer that ended.
pub struct Transfer<'a> {
    /// Its job.
    pub job: JobId,
    /// The transfer.
    pub file: FileId,
    /// VO of the job.
    pub vo: &'a str,
    /// Storage of the source.
    pub source_se: &'a str,
    /// Storage of the destination.
    pub dest_se: &'a str,
    /// State it ended in.
    pub state: FileState,
    /// When its job was submitted.
    pub submitted: Timestamp,
}

/// Traces on their way to a collector.
#[derive(Debug)]
pub struct Traces {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    ratio: f64,
}

impl Traces {
    /// Traces as configured; none without a collector. Needs a runtime.
    ///
    /// # Errors
    /// A collector that cannot be used, a ratio that is none.
    pub fn of(metrics: &MetricsConfig, ca_dir: &Path) -> anyhow::Result<Option<Self>> {
        if metrics.otlp_endpoint.is_empty() {
            return Ok(None);
        }
        ensure!(
            (0.0..=1.0).contains(&metrics.trace_ratio),
            "metrics.trace_ratio {} is not between 0 and 1",
            metrics.trace_ratio
        );
        let exporter = collector::exporter(&metrics.otlp_endpoint, trusted(ca_dir))?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        let resource = Resource::builder_empty()
            .with_service_name("causeway")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("process.pid", i64::from(std::process::id())));
        processor.set_resource(&resource.build());
        Ok(Some(Self {
            processor,
            scope: InstrumentationScope::builder("causeway").build(),
            ratio: metrics.trace_ratio,
        }))
    }

    /// The trace of a transfer, for its attempts; nothing when it is not among those traced.
    pub fn traceparent(&self, job: JobId, file: FileId) -> Option<String> {
        let root = Root::of(job, file);
        root.is_sampled(self.ratio).then(|| root.traceparent())
    }

    /// Shows a whole transfer, from the submission of its job until now.
    pub fn transfer_ended(&self, transfer: &Transfer<'_>) {
        let root = Root::of(transfer.job, transfer.file);
        if !root.is_sampled(self.ratio) {
            return;
        }
        let attributes = vec![
            KeyValue::new("job.id", transfer.job.to_string()),
            KeyValue::new("file.id", number(transfer.file.0)),
            KeyValue::new("vo", transfer.vo.to_owned()),
            KeyValue::new("source", transfer.source_se.to_owned()),
            KeyValue::new("destination", transfer.dest_se.to_owned()),
            KeyValue::new("state", transfer.state.name()),
        ];
        let status = match transfer.state {
            FileState::Failed => Status::error("the transfer failed"),
            _ => Status::Unset,
        };
        let open = Open {
            root,
            parent: None,
            start: time(transfer.submitted),
            attributes,
            status,
        };
        self.end("transfer", open);
    }

    fn end(&self, name: &'static str, open: Open) {
        self.processor.on_end(SpanData {
            span_context: ids::context(open.root.trace, open.root.span),
            parent_span_id: open.parent.unwrap_or(SpanId::INVALID),
            // An attempt belongs to the span of its transfer, which may be another process's.
            parent_span_is_remote: name == ATTEMPT,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: open.start,
            end_time: SystemTime::now(),
            attributes: open.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: open.status,
            instrumentation_scope: self.scope.clone(),
        });
    }

    /// Sends what is left and ends. Waits for the collector: not for a thread of the runtime.
    pub fn stop(&self) {
        if let Err(error) = self.processor.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last traces are lost");
        }
    }
}

/// Time for the last batch.
const LAST: Duration = Duration::from_secs(5);
/// Name of the span of an attempt.
const ATTEMPT: &str = "attempt";

/// A span that has not ended.
struct Open {
    /// Its trace, and its own id in it.
    root: Root,
    parent: Option<SpanId>,
    start: SystemTime,
    attributes: Vec<KeyValue>,
    status: Status,
}

/// Watches the program's spans.
pub struct Spans {
    traces: Arc<Traces>,
    ids: RandomIdGenerator,
}

impl Spans {
    /// Sends what it sees there.
    pub fn new(traces: Arc<Traces>) -> Self {
        let ids = RandomIdGenerator::default();
        Self { traces, ids }
    }
}

impl<S> Layer<S> for Spans
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let parent = fields.parent.or_else(|| {
            let above = span.parent()?;
            above.extensions().get::<Open>().map(|it| it.root)
        });
        let Some(parent) = parent else { return };
        span.extensions_mut().insert(Open {
            root: Root {
                trace: parent.trace,
                span: self.ids.new_span_id(),
            },
            parent: Some(parent.span),
            start: SystemTime::now(),
            attributes: fields.values,
            status: fields.status,
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            let mut fields = Fields::default();
            values.record(&mut fields);
            open.attributes.append(&mut fields.values);
            if fields.status != Status::Unset {
                open.status = fields.status;
            }
        }
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        let Some(span) = cx.span(&id) else { return };
        let open = span.extensions_mut().remove::<Open>();
        if let Some(open) = open {
            self.traces.end(span.name(), open);
        }
    }
}

/// Fields of a span as attributes.
#[derive(Default)]
struct Fields {
    values: Vec<KeyValue>,
    parent: Option<Root>,
    status: Status,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.values.push(KeyValue::new(field.name(), number(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.values.push(KeyValue::new(field.name(), value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.values.push(KeyValue::new(field.name(), value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.values.push(KeyValue::new(field.name(), value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "traceparent" => self.parent = Root::parse(value),
            // The id is in the span already.
            "trace.id" => {}
            "error" => self.status = Status::error(value.to_owned()),
            name => self.values.push(KeyValue::new(name, value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// OpenTelemetry has signed numbers only.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn time(at: Timestamp) -> SystemTime {
    let millis = u64::try_from(at.0).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}
