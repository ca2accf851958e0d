//! Damaged models never panic: neither a vendor's integers, of which the platform makes a program, nor a
//! buyer's file, of which an audition is made. The fuzz targets `prediction_program` and `audition` call
//! the same functions.

use sordino_model::{
    audition::{self, Subject},
    import::any,
    limits::Limits,
    predict::{Serving, program},
    quantise::{Options, quantise},
    quantised::{Quantised, evaluate},
};
use sordino_protocol::{
    bounds::flooding,
    canonical::Canonical,
    coded::CodedTable,
    digest::Digest,
    predict::InputEncoding,
    schema::{Column, Domain, Schema},
};

use crate::{
    fixture::{fixtures, models},
    served::coded,
    tables::{Published, schema},
};

/// Texts that are JSON more often than not: one byte is another.
fn damaged(text: &str, count: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..count).map(|step| {
        let mut bytes = text.as_bytes().to_vec();
        let at = step * 6_151 % bytes.len();
        bytes[at] = b"0123456789-,.e[]{}"[step % 18];
        bytes
    })
}

/// Integers as they arrive: a program of them is sound, and in clear they are refused or evaluated.
fn serve(model: &Quantised, schema: &Schema, table: &CodedTable) -> usize {
    let mut made = 0;
    for encoding in [InputEncoding::Edges, InputEncoding::Tests] {
        for serving in [Serving::Batch, Serving::Single] {
            if let Ok(program) = program(model, schema, encoding, serving) {
                assert!(program.is_consistent());
                flooding(&program.scan_program()).expect("a program that was made has room");
                program.canonical_bytes().expect("it has a digest");
                made += 1;
            }
        }
    }
    drop(evaluate(model, table, 0));
    made
}

#[test]
fn damaged_integers_never_panic() {
    let (mut read, mut made) = (0, 0);
    for name in
        ["decision_tree", "random_forest", "logistic_breast_cancer", "categorical_nb", "k_means", "mlp"]
    {
        let fixture = fixtures().remove(name).expect("the fixture");
        let schema = schema(&fixture, Published::Buckets);
        let table = coded(&fixture, &schema);
        let (_, model) = models(&fixture).remove(0);
        let Ok(outcome) = quantise(&model, &schema, &Options::default()) else { panic!("{name}") };
        let text = serde_json::to_string(&outcome.model).expect("JSON");
        for bytes in damaged(&text, 150) {
            if let Ok(model) = serde_json::from_slice::<Quantised>(&bytes) {
                read += 1;
                made += serve(&model, &schema, &table);
            }
        }
    }
    println!("{read} were read, {made} programs made");
    assert!(read > 100 && made > 100, "{read} {made}");
}

#[test]
fn integers_that_do_not_fit_the_schema_never_panic() {
    let all = fixtures();
    let tables: Vec<(Schema, CodedTable)> = ["decision_tree", "scorecard", "ridge", "tree_missing"]
        .map(|name| {
            let schema = schema(&all[name], Published::Buckets);
            (schema.clone(), coded(&all[name], &schema))
        })
        .into();
    for (name, fixture) in &all {
        let own = schema(fixture, Published::Buckets);
        let (_, model) = models(fixture).remove(0);
        let Ok(outcome) = quantise(&model, &own, &Options::default()) else { continue };
        for (schema, table) in &tables {
            println!("{name}: {}", serve(&outcome.model, schema, table));
        }
    }
}

#[test]
fn auditions_of_damaged_models_never_panic() {
    let (mut read, mut made) = (0, 0);
    for name in ["decision_tree", "scorecard", "logistic_breast_cancer", "ridge", "lightgbm", "xgboost"] {
        let fixture = fixtures().remove(name).expect("the fixture");
        let mut schema = schema(&fixture, Published::Buckets);
        let (_, model) = models(&fixture).remove(0);
        let values = if model.classes.is_empty() { vec!["0".to_owned()] } else { model.classes.clone() };
        schema.columns.push(Column {
            name: "the label".to_owned(),
            description: String::new(),
            nullable: false,
            dimension: Some(Domain::Category { values }),
            measure: None,
        });
        let label = schema.find("the label").expect("a column");
        let subject =
            Subject { dataset: Digest::from_bytes([1; 32]), rows: 100, label, by: None, is_hidden: false };
        let text = fixture.export.as_ref().expect("an export").to_string();
        for bytes in damaged(&text, 60) {
            let Ok(model) = any(&bytes, None, &Limits::default()) else { continue };
            read += 1;
            if let Ok(chosen) = audition::choose(&model, &schema, subject) {
                chosen.audition.query.validate(&schema).expect("what is asked is a query");
                chosen.audition.query.canonical_bytes().expect("it has a digest");
                made += 1;
            }
        }
    }
    println!("{read} were read, {made} auditions made");
    assert!(read > 60 && made > 20, "{read} {made}");
}
