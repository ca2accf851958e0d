//! Files made to break a reader are refused quickly and with a reason.

use std::time::{Duration, Instant};

use serde_json::json;
use sordino_model::{
    import::{self, ImportError, any, detect},
    limits::Limits,
    model::Model,
};

use crate::fixture::{fixtures, models};

/// Long enough for a slow machine, short enough to notice work that grows faster than the file.
const QUICKLY: Duration = Duration::from_secs(5);

fn refused(bytes: &[u8]) -> String {
    let start = Instant::now();
    let error = any(bytes, None, &Limits::default()).expect_err("it must be refused").to_string();
    assert!(start.elapsed() < QUICKLY, "{:?}: {error}", start.elapsed());
    error
}

fn own(nodes: &str) -> Vec<u8> {
    format!(
        r#"{{"format":"sordino-model/1","inputs":[{{"name":"x"}}],"features":[{{"input":0,"encoding":"number"}}],
        "estimator":{{"trees":{{"family":"single","precision":"single","combine":"sum","base":[0],"link":"identity",
        "trees":[{{"score":0,"nodes":[{nodes}]}}]}}}}}}"#
    )
    .into_bytes()
}

fn split(left: usize, right: usize) -> String {
    format!(r#"{{"split":{{"feature":0,"test":{{"at_most":1}},"left":{left},"right":{right}}}}}"#)
}

fn exported(left: &[i64], right: &[i64]) -> Vec<u8> {
    let count = left.len();
    serde_json::to_vec(&json!({
        "format": "sordino-export/1", "library": "x", "inputs": [{"name": "x"}],
        "features": [{"input": 0, "encoding": "number"}],
        "estimator": {"trees": {
            "family": "single", "precision": "single", "combine": "sum", "base": [0.0], "link": "identity",
            "trees": [{
                "score": 0, "children_left": left, "children_right": right, "feature": vec![0; count],
                "threshold": vec![0.5; count], "value": vec![[1.0]; count],
            }],
        }},
    }))
    .expect("JSON")
}

#[test]
fn a_sound_tree_is_read() {
    let nodes = format!(r#"{},{{"leaf":[1]}},{{"leaf":[2]}}"#, split(1, 2));
    any(&own(&nodes), None, &Limits::default()).expect("a tree");
    any(&exported(&[1, -1, -1], &[2, -1, -1]), None, &Limits::default()).expect("a tree");
}

#[test]
fn cycles_and_shared_nodes_are_refused() {
    let cycle = refused(&own(&format!(r#"{},{{"leaf":[1]}}"#, split(0, 1))));
    assert!(cycle.contains("cycle"), "{cycle}");
    let shared = refused(&own(&format!(r#"{},{{"leaf":[1]}}"#, split(1, 1))));
    assert!(shared.contains("two parents"), "{shared}");
    let orphan = refused(&own(r#"{"leaf":[1]},{"leaf":[1]}"#));
    assert!(orphan.contains("child"), "{orphan}");
    let cycle = refused(&exported(&[1, 0, -1], &[2, 2, -1]));
    assert!(cycle.contains("cycle"), "{cycle}");
    let cut = refused(&exported(&[1, 7], &[1, 8]));
    assert!(cut.contains("does not exist"), "{cut}");
}

#[test]
fn deep_and_large_trees_are_refused() {
    // A vine of 100 splits.
    let count = 100i64;
    let left: Vec<i64> =
        (0..2 * count + 1).map(|n| if n % 2 == 0 && n < 2 * count { n + 1 } else { -1 }).collect();
    let right: Vec<i64> =
        (0..2 * count + 1).map(|n| if n % 2 == 0 && n < 2 * count { n + 2 } else { -1 }).collect();
    let deep = refused(&exported(&left, &right));
    assert!(deep.contains("splits on a path"), "{deep}");
    let many = vec![r#"{"leaf":[1]}"#; 1_000_000].join(",");
    let many = refused(&own(&many));
    assert!(many.contains("at most"), "{many}");
    let leaves = refused(&exported(&vec![-1; 1_000_000], &vec![-1; 1_000_000]));
    assert!(leaves.contains("at most"), "{leaves}");
    let bytes = refused(&vec![b' '; 40 << 20]);
    assert!(bytes.contains("bytes"), "{bytes}");
}

#[test]
fn deep_json_does_not_reach_the_stack() {
    let mut nested = br#"{"format":"sordino-export/1","features":"#.to_vec();
    nested.extend(vec![b'['; 2_000_000]);
    refused(&nested);
    let mut dump = br#"{"tree_info":[{"tree_structure":"#.to_vec();
    for _ in 0..200_000 {
        dump.extend(br#"{"left_child":"#);
    }
    refused(&dump);
}

#[test]
fn numbers_that_are_none_are_refused() {
    let huge = refused(&own(r#"{"leaf":[1e999]}"#));
    assert!(huge.contains("number"), "{huge}");
    let text = "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=0\nobjective=regression\n\
                feature_names=x\nfeature_infos=[0:1]\n\nTree=0\nnum_leaves=2\nleaf_value=nan 1\nleft_child=-1\n\
                right_child=-2\nsplit_feature=0\nthreshold=0.5\ndecision_type=2\n\nend of trees\n";
    let error = refused(text.as_bytes());
    assert!(error.contains("finite"), "{error}");
    let cyclic = text.replace("nan 1", "0 1").replace("left_child=-1", "left_child=0");
    assert!(refused(cyclic.as_bytes()).contains("cycle"));
    let leaves = text.replace("num_leaves=2", "num_leaves=9999999999");
    assert!(refused(leaves.as_bytes()).contains("at most"));
    let overflow = text.replace("left_child=-1", "left_child=-9223372036854775808");
    refused(overflow.as_bytes());
    any(text.replace("nan 1", "0 1").as_bytes(), None, &Limits::default()).expect("it is sound otherwise");
}

#[test]
fn sizes_that_do_not_agree_are_refused() {
    for fixture in ["xgboost", "lightgbm", "mlp", "categorical_nb", "gaussian_nb", "random_forest"] {
        let export = fixtures().remove(fixture).and_then(|found| found.export).expect("an export");
        let text = export.to_string();
        // Every list loses its first element in turn.
        for (position, _) in text.match_indices('[').take(200) {
            let end = text[position..].find([',', ']']).map_or(text.len(), |at| position + at);
            if text.as_bytes()[end] != b',' {
                continue;
            }
            let changed = format!("{}{}", &text[..=position], &text[end + 1..]);
            // It is refused, or still a sound model: it never panics.
            if let Ok(model) = any(changed.as_bytes(), None, &Limits::default()) {
                model.validate(&Limits::default()).expect("a model that was read is sound");
            }
        }
    }
}

#[test]
fn damaged_onnx_never_panics() {
    for (name, fixture) in fixtures() {
        if fixture.onnx.is_none() {
            continue;
        }
        let bytes = crate::fixture::onnx_bytes(&fixture);
        for step in 0..400 {
            let mut damaged = bytes.clone();
            let at = step * 7_919 % damaged.len();
            damaged[at] = damaged[at].wrapping_add(1 + (step % 250) as u8);
            let cut = damaged.len() - step * 31 % damaged.len();
            for bytes in [&damaged[..], &damaged[..cut]] {
                if let Ok(model) = import::onnx(bytes, Some(&fixture.columns), &Limits::default()) {
                    model.validate(&Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
                }
            }
        }
    }
}

#[test]
fn what_a_file_is_shows_in_its_content() {
    assert_eq!(detect(b"\x80\x04\x95pickle"), None);
    let pickle = any(b"\x80\x04\x95pickle", None, &Limits::default());
    assert_eq!(pickle, Err(ImportError::Unknown));
    let unsupported = json!({"learner": {
        "gradient_booster": {"name": "gblinear"}, "objective": {"name": "reg:squarederror"},
        "learner_model_param": {"base_score": "0", "num_class": "0", "num_feature": "1"},
    }});
    let error = refused(unsupported.to_string().as_bytes());
    assert!(error.contains("gblinear") && error.contains("gbtree"), "{error}");
}

#[test]
fn unknown_fields_of_our_format_are_refused() {
    let fixture = fixtures().remove("ridge").expect("the fixture");
    let (_, model) = models(&fixture).remove(0);
    let mut value = serde_json::to_value(&model).expect("JSON");
    value["surprise"] = json!(1);
    let error = Model::from_json(value.to_string().as_bytes(), &Limits::default()).expect_err("refused");
    assert!(error.to_string().contains("surprise"), "{error}");
}

#[test]
fn lists_that_would_be_compared_endlessly_are_refused() {
    let values: Vec<String> = (0..4_000).map(|value| value.to_string()).collect();
    let feature = json!({"input": 0, "encoding": {"one_of": {"values": values}}});
    let model = json!({
        "format": "sordino-model/1", "inputs": [{"name": "x"}], "features": vec![feature; 20],
        "estimator": {"linear": {"family": "regression", "link": "identity",
            "outputs": [{"intercept": 0.0, "weights": vec![1.0; 20]}]}},
    });
    let error = refused(model.to_string().as_bytes());
    assert!(error.contains("values of all features"), "{error}");
}

#[test]
fn damaged_exports_never_panic() {
    for (name, fixture) in fixtures() {
        let Some(export) = &fixture.export else { continue };
        let text = export.to_string().into_bytes();
        for step in 0..60usize {
            let mut damaged = text.clone();
            let at = step * 6_151 % damaged.len();
            // Digits, signs and brackets: the text stays JSON more often than not.
            damaged[at] = b"0123456789-.e[]{}"[step % 17];
            if let Ok(model) = any(&damaged, None, &Limits::default()) {
                model.validate(&Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }
}
