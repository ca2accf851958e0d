//! Networks of one hidden layer: coarse sums stay within the stated error, encrypted predictions equal the
//! integers, and what cannot be served is refused with what to change.

use sordino_model::{
    model::{Affine, Estimator, Model},
    predict::{PredictError, Serving, program},
    preflight::preflight,
    quantise::{Options, QuantiseError, quantise},
    quantised::{Quantised, Shape, Term},
};
use sordino_protocol::{
    bounds::{FLOODING_BITS, prediction_flooding},
    predict::{InputEncoding, Packing},
    schema::Schema,
};

use crate::{
    fixture::{Fixture, fixtures, models},
    served::{clear, coded, serve},
    tables::{Published, schema},
};

/// Score bits.
const BITS: u32 = 15;
/// With the activations hyperbolic tangent, logistic, rectifier and that of a regressor.
const SERVED: [&str; 6] = [
    "network_breast_cancer",
    "network_three_classes",
    "network_german_credit",
    "mlp_regressor",
    "onnx_mlp",
    "onnx_mlp_regressor",
];

fn read(name: &str) -> (Fixture, Model) {
    let fixture = fixtures().remove(name).expect("the fixture");
    let (_, model) = models(&fixture).remove(0);
    (fixture, model)
}

fn integers(name: &str, published: Published) -> (Fixture, Schema, Quantised) {
    let (fixture, model) = read(name);
    let schema = schema(&fixture, published);
    // Scores that are far from 0 have fewer bits.
    let bits = if name == "mlp_regressor" { 10 } else { BITS };
    let made = quantise(&model, &schema, &Options::of_network(bits)).expect("integers").model;
    (fixture, schema, made)
}

#[test]
fn coarse_sums_stay_within_the_stated_error() {
    for name in SERVED {
        let (fixture, model) = read(name);
        for published in [Published::Values, Published::Buckets] {
            let schema = schema(&fixture, published);
            let found = preflight(&model, &schema, &fixture.rows, &Options::of_network(BITS));
            let (rows, report) = (found.rows.expect("rows"), found.report.expect("a report"));
            let (rounding, buckets) = (report.rounding.expect("stated"), report.buckets.expect("stated"));
            let stated = rounding.iter().zip(&buckets).map(|(a, b)| a + b).fold(0.0, f64::max);
            println!("{name}, {published:?}: {rows:?}, stated {stated}");
            assert!(
                rows.rows == fixture.rows.len() && rows.max_score_difference <= stated,
                "{name}: {rows:?}"
            );
            if published == Published::Values {
                assert!(rows.equal_classes.unwrap_or(1.0) >= 0.9, "{name}: {rows:?}");
            }
        }
    }
}

#[test]
fn encrypted_predictions_equal_the_integers() {
    for (name, published, encoding) in [
        ("network_breast_cancer", Published::Buckets, InputEncoding::Edges),
        ("network_three_classes", Published::Values, InputEncoding::Tests),
        ("network_german_credit", Published::Values, InputEncoding::Tests),
        ("mlp_regressor", Published::Buckets, InputEncoding::Tests),
    ] {
        let (fixture, schema, model) = integers(name, published);
        let table = coded(&fixture, &schema);
        for serving in [Serving::Batch, Serving::Single] {
            let program = program(&model, &schema, encoding, serving).expect("a program");
            let known = prediction_flooding(&program).expect("it fits");
            assert!(known.noise_bits.iter().all(|bits| bits + FLOODING_BITS <= known.flood_bits[0]));
            let expected = clear(&model, &table, 0..table.rows);
            assert_eq!(serve(&program, &table, 0..table.rows), expected, "{name}, {serving:?}");
            println!("{name}, {serving:?}: {} ciphertexts, {known:?}", program.form.ciphertexts(table.rows));
        }
    }
}

#[test]
fn edges_reveal_the_units_alone() {
    let (_, schema, mut model) = integers("network_breast_cancer", Published::Buckets);
    let form = |model: &Quantised, encoding| {
        program(model, &schema, encoding, Serving::Batch).expect("a program").form
    };
    let (edges, tests) = (form(&model, InputEncoding::Edges), form(&model, InputEncoding::Tests));
    let count = |packing: &Packing| match packing {
        Packing::Network { inputs, units: 8, .. } => inputs.len(),
        other => panic!("{other:?}"),
    };
    assert!(count(&tests.packing) <= count(&edges.packing));
    let Shape::Network { first, .. } = &mut model.shape else { panic!("a network") };
    for unit in first {
        unit.terms.truncate(1);
    }
    assert_eq!(form(&model, InputEncoding::Edges).packing, edges.packing);
    assert!(count(&form(&model, InputEncoding::Tests).packing) < count(&tests.packing));
}

/// A row has no more slots than save ciphertexts.
#[test]
fn few_rows_take_few_ciphertexts() {
    for (name, published, batch, single) in [
        ("network_breast_cancer", Published::Buckets, (16, 2), (64, 1)),
        ("network_german_credit", Published::Values, (16, 6), (256, 1)),
    ] {
        let (_, schema, model) = integers(name, published);
        for (serving, expected) in [(Serving::Batch, batch), (Serving::Single, single)] {
            let form = program(&model, &schema, InputEncoding::Tests, serving).expect("a program").form;
            let Packing::Network { groups, .. } = form.packing else { panic!("a network") };
            assert_eq!((groups, form.ciphertexts(1)), expected, "{name}, {serving:?}");
            assert_eq!(form.rows(), 16_384 / groups as usize);
        }
    }
}

#[test]
fn what_cannot_be_served_is_told_with_what_to_change() {
    let (fixture, deep) = read("mlp");
    let values = schema(&fixture, Published::Values);
    let refused = quantise(&deep, &values, &Options::of_network(BITS)).expect_err("two hidden layers");
    assert!(refused.to_string().contains("fit another network"), "{refused}");
    let wide = quantise(&deep, &values, &Options::default()).expect("integers").model;
    let refused =
        program(&wide, &values, InputEncoding::Tests, Serving::Batch).expect_err("two hidden layers");
    assert!(matches!(refused, PredictError::Layers { found: 2 }), "{refused}");

    let (fixture, mut model) = read("network_breast_cancer");
    let measures = schema(&fixture, Published::Measures);
    let refused = quantise(&model, &measures, &Options::of_network(BITS)).expect_err("only measures");
    assert!(matches!(refused, QuantiseError::Problems(_)) && refused.to_string().contains("buckets"));
    let fine = quantise(&model, &values, &Options::default()).expect("integers").model;
    let refused = program(&fine, &values, InputEncoding::Tests, Serving::Single).expect_err("fine sums");
    assert!(matches!(refused, PredictError::Levels { limit: 256, .. }), "{refused}");
    for levels in [0, 1, 65_537] {
        let options = Options { levels: Some(levels), ..Options::of_network(BITS) };
        assert!(quantise(&model, &values, &options).is_err(), "{levels}");
    }

    let Estimator::Network { layers, .. } = &mut model.estimator else { panic!("a network") };
    let unit = layers[0][0].clone();
    layers[0] = vec![unit; 65];
    layers[1] = vec![Affine { intercept: 0.0, weights: vec![0.1; 65] }];
    let made = quantise(&model, &values, &Options::of_network(BITS)).expect("integers").model;
    let refused = program(&made, &values, InputEncoding::Tests, Serving::Batch).expect_err("65 units");
    assert!(matches!(refused, PredictError::Units { found: 65, limit: 64 }), "{refused}");
}

/// Integers from outside: whatever they hold, an error and no panic.
#[test]
fn malformed_integers_are_refused() {
    let (_, schema, good) = integers("network_breast_cancer", Published::Buckets);
    let refused = |change: &dyn Fn(&mut Quantised)| {
        let mut model = good.clone();
        change(&mut model);
        for serving in [Serving::Batch, Serving::Single] {
            let refused = program(&model, &schema, InputEncoding::Edges, serving).expect_err("refused");
            println!("{refused}");
        }
    };
    let network = |change: fn(&mut Vec<sordino_model::quantised::Score>, &mut Vec<_>)| {
        refused(&|model| {
            let Shape::Network { first, layers } = &mut model.shape else { panic!("a network") };
            change(first, layers);
        });
    };
    network(|_, layers: &mut Vec<sordino_model::quantised::IntegerLayer>| {
        let again = layers[0].clone();
        layers.push(again);
    });
    network(|first, _| first.clear());
    network(|first, layers| {
        first.clear();
        layers[0].tables.clear();
        layers[0].units[0].weights.clear();
    });
    network(|_, layers| layers[0].tables[0].outputs.clear());
    network(|_, layers| layers[0].units[0].weights.truncate(7));
    network(|_, layers| layers[0].tables.truncate(7));
    network(|_, layers| {
        let unit = layers[0].units[0].clone();
        layers[0].units = vec![unit; 17];
    });
    network(|first, _| first[0].intercept = i64::MAX);
    network(|first, _| {
        let Term::Codes { weights, .. } = &mut first[0].terms[0] else { panic!("codes") };
        weights.pop();
    });
    network(|first, _| {
        let Term::Codes { column, .. } = &mut first[0].terms[0] else { panic!("codes") };
        column.0 = 77;
    });
    network(|first, _| {
        let Term::Codes { weights, .. } = &mut first[0].terms[0] else { panic!("codes") };
        weights[0] = i64::MIN;
    });
    refused(&|model| model.bounds = vec![(0, 40_000)]);
}
