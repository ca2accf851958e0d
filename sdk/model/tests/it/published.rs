//! What an owner publishes of a table, and which auditions that answers.

use sordino_model::{
    audition::{self, Chosen, Subject},
    model::Model,
};
use sordino_protocol::{
    ids::LineageId,
    layout::LayoutKind,
    layout_plan::{self, Budget, RollupBudget},
    lower::lower,
    manifest::Manifest,
    merkle,
    query::Query,
    schema::Schema,
};

/// What an owner publishes of a table.
pub(crate) fn published(schema: &Schema, rows: u64) -> Manifest {
    let schema = schema.clone();
    let budget = Budget { max_upload: None, rollup: Some(RollupBudget::default()), scan: true, score: true };
    let found = layout_plan::publication(&schema, rows, &budget).expect("planned");
    Manifest {
        lineage: LineageId::new(Default::default()),
        version: 1,
        previous: None,
        schema,
        rows,
        rollup: found.rollup,
        scan: found.scan,
        score: found.score,
        sandbox: None,
        objects: vec![],
        root: merkle::root(&[]),
    }
}

/// Which of the layouts answer a query.
pub(crate) fn answering(manifest: &Manifest, query: &Query) -> Result<String, String> {
    let kinds = [LayoutKind::Rollup, LayoutKind::Scan];
    let tried = kinds.map(|kind| lower(manifest, query, kind).map(|_| format!("{kind:?}").to_lowercase()));
    let answers: Vec<String> = tried.iter().filter_map(|tried| tried.as_ref().ok().cloned()).collect();
    match answers.as_slice() {
        [] => Err(tried.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect()),
        answers => Ok(answers.join(", ")),
    }
}

/// What a client settles on: the best that some layout answers.
pub(crate) fn fit(
    manifest: &Manifest,
    model: &Model,
    subject: Subject,
    finest: Chosen,
) -> Result<Chosen, String> {
    let Err(refused) = answering(manifest, &finest.audition.query) else { return Ok(finest) };
    let mut others = audition::alternatives(&finest, model, &manifest.schema, subject);
    others.find(|chosen| answering(manifest, &chosen.audition.query).is_ok()).ok_or(refused)
}
