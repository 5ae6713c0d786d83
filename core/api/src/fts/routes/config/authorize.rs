//! `/config/authorize`: rights of single users.

use causeway_model::settings::{AuthorizationRow, Change};
use http::StatusCode;
use serde_json::Value;

use super::members::Members;
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, settings};

/// The operation that nobody is given here.
const ADMINISTRATION: &str = "admin";

/// `GET /config/authorize?dn=&operation=`: of all or of a user, of all kinds or of one.
pub async fn list(call: Call) -> Outcome {
    let now = call.operations()?.now();
    let wanted = |name, is: &str| call.query.given(name).is_none_or(|it| it == is);
    let rows = now.authorizations();
    let rows = rows.filter(|it| wanted("dn", &it.dn) && wanted("operation", &it.operation));
    let rows: Vec<Value> = rows.map(|it| settings::authorization(&it)).collect();
    wire::json(&rows)
}

/// `POST /config/authorize`
pub async fn give(mut call: Call) -> Outcome {
    let mut members = Members::of(&mut call).await?;
    let (dn, operation) = (members.name("dn")?, members.name("operation")?);
    members.end()?;
    let (Some(dn), Some(operation)) = (dn, operation) else {
        return Err(ApiError::bad_request("Missing dn and/or operation"));
    };
    if operation == ADMINISTRATION {
        return Err(ApiError::forbidden("Operation admin can not be granted"));
    }
    let row = AuthorizationRow {
        dn: dn.into(),
        operation: operation.into(),
    };
    let shown = settings::authorization(&row);
    call.change(vec![Change::Authorize(row)]).await?;
    wire::json(&shown)
}

/// `DELETE /config/authorize?dn=[&operation=]`
pub async fn revoke(call: Call) -> Outcome {
    let dn = call.query.given("dn");
    let dn = dn.ok_or_else(|| ApiError::bad_request("Missing DN parameter"))?;
    let operations = call.operations()?;
    let _turn = operations.turn.take().await;
    let now = operations.now();
    let wanted = call.query.given("operation");
    let given = now.operations_given_to(dn);
    let taken = given.filter(|it| wanted.is_none_or(|wanted| wanted == *it));
    let changes: Vec<Change> = taken
        .map(|operation| {
            Change::Revoke(AuthorizationRow {
                dn: dn.into(),
                operation: operation.into(),
            })
        })
        .collect();
    if !changes.is_empty() {
        call.change(changes).await?;
    }
    Ok(wire::empty(StatusCode::NO_CONTENT))
}
