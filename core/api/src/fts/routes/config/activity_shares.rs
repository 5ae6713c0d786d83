//! `/config/activity_shares`: how the activities of a VO share its slots.

use causeway_model::settings::{ActivityShareRow, Change};
use http::StatusCode;
use serde_json::{Map, Value};

use super::members::{Given, Members, wrong_type};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, settings};

/// Most characters of weights, written as JSON.
const LENGTH_MAX: usize = 1024;

/// `GET /config/activity_shares`: rows by VO.
pub async fn list(call: Call) -> Outcome {
    let now = call.operations()?.now();
    let rows = now.activity_shares();
    let rows: Map<_, _> = rows
        .map(|it| (it.vo.to_string(), settings::activities(&it)))
        .collect();
    wire::json(&rows)
}

fn none(vo: &str) -> ApiError {
    ApiError::not_found(format!("No activity shares for {vo}"))
}

/// `GET /config/activity_shares/{vo_name}`
pub async fn get(call: Call) -> Outcome {
    let vo = call.param("vo_name");
    let now = call.operations()?.now();
    let row = now.activity_share(vo).ok_or_else(|| none(vo))?;
    wire::json(&settings::activities(row))
}

/// `POST /config/activity_shares`
pub async fn set(mut call: Call) -> Outcome {
    let mut members = Members::of(&mut call).await?;
    let row = row(&mut members)?;
    let shown = settings::activity_row(&row);
    if shown["activity_share"].to_string().chars().count() > LENGTH_MAX {
        return Err(too_long());
    }
    call.change(vec![Change::PutActivityShare(row)]).await?;
    wire::json(&shown)
}

fn too_long() -> ApiError {
    ApiError::bad_request(format!("The share is longer than {LENGTH_MAX} characters"))
}

fn row(members: &mut Members) -> Result<ActivityShareRow, ApiError> {
    let vo = members.name("vo")?;
    let active = match members.flag("active")? {
        Given::Not => true,
        Given::Value(active) => active,
        Given::Null => return Err(wrong_type("active", "bool")),
    };
    let share = members.any("share").value();
    members.end()?;
    let vo = vo.ok_or_else(|| ApiError::bad_request("Missing VO"))?;
    let missing = || ApiError::bad_request("Missing share");
    let shares = weights(share.ok_or_else(missing)?)?;
    if shares.is_empty() {
        return Err(missing());
    }
    Ok(ActivityShareRow {
        vo: vo.into(),
        active,
        shares,
    })
}

/// Weights out of an object, or out of a list of objects; of one name the last counts.
fn weights(share: Value) -> Result<Vec<(String, f64)>, ApiError> {
    let objects = match share {
        Value::Array(objects) => objects,
        object => vec![object],
    };
    let mut weights: Vec<(String, f64)> = Vec::new();
    for object in objects {
        let Value::Object(object) = object else {
            return Err(wrong_type("share", "dict"));
        };
        for (name, weight) in object {
            let weight = weight.as_f64().filter(|it| *it >= 0.0);
            let weight =
                weight.ok_or_else(|| ApiError::bad_request("Share weight must be a number"))?;
            if weights.len() > LENGTH_MAX {
                return Err(too_long());
            }
            match weights.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = weight,
                None => weights.push((name, weight)),
            }
        }
    }
    Ok(weights)
}

/// `DELETE /config/activity_shares/{vo_name}`
pub async fn remove(call: Call) -> Outcome {
    let vo = call.param("vo_name");
    let operations = call.operations()?;
    let _turn = operations.turn.take().await;
    if operations.now().activity_share(vo).is_none() {
        return Err(none(vo));
    }
    call.change(vec![Change::DeleteActivityShare(vo.into())])
        .await?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_or_a_list_of_them() {
        let expected = vec![("a".to_owned(), 0.5), ("b".to_owned(), 1.0)];
        assert_eq!(weights(json!({"a": 0.5, "b": 1})).unwrap(), expected);
        let list = json!([{"a": 9}, {"b": 1}, {"a": 0.5}]);
        assert_eq!(weights(list).unwrap(), expected);
        for odd in [
            json!({"a": "1"}),
            json!({"a": true}),
            json!({"a": -1}),
            json!([1]),
            json!(1),
        ] {
            assert!(weights(odd.clone()).is_err(), "{odd}");
        }
    }
}
