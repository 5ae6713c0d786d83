//! `/optimizer`: how many transfers links may run, and how that came about. Anybody may look.

mod set;

use causeway_model::OptimizerRow;
use causeway_model::ports::EvolutionQuery;

use crate::error::Outcome;
use crate::extract::Call;
use crate::fts::wire::{self, optimizer};

pub use set::set;

/// Decisions that are shown.
const EVOLUTION: usize = 50;

/// `GET /optimizer`: whether anything is decided at all.
pub async fn enabled(call: Call) -> Outcome {
    wire::json(&call.operations()?.optimizer_enabled)
}

/// `GET /optimizer/evolution?source_se=&dest_se=`
pub async fn evolution(call: Call) -> Outcome {
    let given = |name| call.query.given(name).map(str::to_owned);
    let query = EvolutionQuery {
        source_se: given("source_se"),
        dest_se: given("dest_se"),
        limit: EVOLUTION,
    };
    let rows = call.operations()?.settings.evolution(&query).await?;
    let rows: Vec<_> = rows.iter().map(optimizer::evolution).collect();
    wire::json(&rows)
}

/// `GET /optimizer/current?source_se=&dest_se=`
pub async fn current(call: Call) -> Outcome {
    let wanted = |name, is: &str| call.query.given(name).is_none_or(|it| it == is);
    let fits =
        |row: &OptimizerRow| wanted("source_se", &row.source_se) && wanted("dest_se", &row.dest_se);
    let mut rows = call.operations()?.settings.optimizer().await?;
    rows.retain(fits);
    rows.sort_by(|a, b| {
        let by_link = (&a.source_se, &a.dest_se).cmp(&(&b.source_se, &b.dest_se));
        b.datetime.cmp(&a.datetime).then(by_link)
    });
    let rows: Vec<_> = rows.iter().map(optimizer::value).collect();
    wire::json(&rows)
}
