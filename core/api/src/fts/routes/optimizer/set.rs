//! `POST /optimizer/current`: an operator sets the value of a link, and the optimizer goes on from
//! there.

use causeway_model::{EvolutionRow, OptimizerRow, Timestamp};
use serde_json::{Map, Value, json};

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, optimizer};
use crate::middleware::body::{BAD_JSON, NO_OBJECT};

/// `POST /optimizer/current`
pub async fn set(mut call: Call) -> Outcome {
    let body = call.take_object().await?;
    let body = serde_json::from_slice(&body);
    let Value::Object(fields) = body.map_err(|_| ApiError::bad_request(BAD_JSON))? else {
        return Err(ApiError::bad_request(NO_OBJECT));
    };
    let (decision, value) = rows(&Fields(fields), call.state.clock.now())?;
    let settings = &call.operations()?.settings;
    // Stored by us, so that it can be read back at once; then obeyed.
    let stored = settings.put_optimizer(vec![value.clone()], vec![decision.clone()]);
    stored.await?;
    let by = &call.principal().user_dn;
    call.state.insight.set_link_value(by, value.clone()).await?;
    wire::json(&json!([
        optimizer::evolution(&decision),
        optimizer::value(&value)
    ]))
}

/// Members of the body. Numbers may come as text.
struct Fields(Map<String, Value>);

fn rows(it: &Fields, now: Timestamp) -> Result<(EvolutionRow, OptimizerRow), ApiError> {
    let (source, destination) = (it.text("source_se")?, it.text("dest_se")?);
    let (Some(source), Some(destination)) = (source, destination) else {
        let text = "Missing source and/or destination";
        return Err(ApiError::bad_request(text));
    };
    let value = OptimizerRow {
        source_se: source.into(),
        dest_se: destination.into(),
        datetime: now,
        ema: it.float("ema")?,
        active: it.count("active", 2)?,
        nostreams: it.count("nostreams", 1)?,
    };
    let decision = EvolutionRow {
        datetime: now,
        source_se: value.source_se.clone(),
        dest_se: value.dest_se.clone(),
        active: value.active,
        throughput: it.float("throughput")?,
        success: it.float("success")?,
        rationale: it.text("rationale")?.unwrap_or_default().to_owned(),
        diff: it.integer("diff", 1)?,
        actual_active: it.count("actual_active", 1)?,
        queue_size: it.count("queue_size", 1)?,
        ema: value.ema,
        filesize_avg: it.float("filesize_avg")?,
        filesize_stddev: it.float("filesize_stddev")?,
    };
    Ok((decision, value))
}

impl Fields {
    fn given(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|it| !it.is_null())
    }

    /// A text that is not empty.
    fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim()).filter(|it| !it.is_empty())),
            Some(value) => Err(must(name, "be a string", value)),
        }
    }

    fn integer(&self, name: &str, default: i64) -> Result<i64, ApiError> {
        let Some(value) = self.given(name) else {
            return Ok(default);
        };
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| must(name, "be an integer", value))
    }

    /// A whole number from 0 on.
    fn count<T: TryFrom<i64>>(&self, name: &str, default: i64) -> Result<T, ApiError> {
        let number = self.integer(name, default)?;
        if number < 0 {
            return Err(must(name, "be positive", &json!(number)));
        }
        let too_large = |_| must(name, "be smaller", &json!(number));
        T::try_from(number).map_err(too_large)
    }

    /// A number from 0 on; 0 when not given.
    fn float(&self, name: &str) -> Result<f64, ApiError> {
        let Some(value) = self.given(name) else {
            return Ok(0.0);
        };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number.filter(|it| it.is_finite()) {
            None => Err(must(name, "be a float", value)),
            Some(number) if number < 0.0 => Err(must(name, "be positive", value)),
            Some(number) => Ok(number),
        }
    }
}

/// 400 with the field as a sentence begins.
fn must(name: &str, what: &str, value: &Value) -> ApiError {
    let (first, rest) = name.split_at(1);
    let first = first.to_ascii_uppercase();
    ApiError::bad_request(format!("{first}{rest} must {what} ({value})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(value: Value) -> Result<(EvolutionRow, OptimizerRow), String> {
        let Value::Object(fields) = value else {
            panic!("no object")
        };
        rows(&Fields(fields), Timestamp(1)).map_err(|it| it.message().to_owned())
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let (decision, value) = judged(json!({"source_se": "a", "dest_se": "b"})).unwrap();
        assert_eq!((value.active, value.nostreams, value.ema), (2, 1, 0.0));
        let counts = (decision.diff, decision.actual_active, decision.queue_size);
        assert_eq!(counts, (1, 1, 1));
        let (decision, value) = judged(json!({
            "source_se": "a", "dest_se": "b", "active": "4", "diff": -3, "ema": "3.4",
            "rationale": "mine", "success": 98,
        }))
        .unwrap();
        assert_eq!((value.active, decision.active), (4, 4));
        assert_eq!((decision.diff, decision.success), (-3, 98.0));
        assert_eq!((decision.ema, decision.rationale.as_str()), (3.4, "mine"));
    }

    #[test]
    fn each_field_says_what_it_must_be() {
        let with = |name: &str, value: Value| {
            let mut it = json!({"source_se": "a", "dest_se": "b"});
            it[name] = value;
            judged(it).unwrap_err()
        };
        assert_eq!(
            with("active", json!("x")),
            "Active must be an integer (\"x\")"
        );
        assert_eq!(with("active", json!(-1)), "Active must be positive (-1)");
        assert_eq!(
            with("queue_size", json!(0.5)),
            "Queue_size must be an integer (0.5)"
        );
        assert_eq!(with("ema", json!([])), "Ema must be a float ([])");
        assert_eq!(with("ema", json!("NaN")), "Ema must be a float (\"NaN\")");
        assert_eq!(
            with("success", json!(-0.5)),
            "Success must be positive (-0.5)"
        );
        let missing = "Missing source and/or destination";
        assert_eq!(judged(json!({"source_se": "a"})).unwrap_err(), missing);
        assert_eq!(
            judged(json!({"source_se": "a", "dest_se": ""})).unwrap_err(),
            missing
        );
    }
}
