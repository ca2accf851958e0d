//! ONNX: a graph of operations is followed from its inputs, and every value is recognised as features
//! of columns, as layers on them, or as a finished model. What is not recognised is refused by name.

mod bayes;
mod columns;
mod ensemble;
mod flow;
mod layers;
mod linear;
mod operators;
mod proto;
mod wire;

use std::collections::HashMap;

use self::{
    flow::{Estimated, Flow},
    proto::{Graph, Node},
    wire::{Field, Fields},
};
use super::ImportError;
use crate::{
    limits::{Limits, at_most},
    model::{Feature, Format, Input, Model},
    scalar::Scalar,
};

/// Values by name, and which values columns may hold.
struct Run<'a> {
    values: HashMap<&'a str, Flow>,
    inputs: Vec<Input>,
    /// Labels that an operation other than the classifier states.
    labels: Option<Vec<String>>,
    limits: &'a Limits,
}

/// Whether bytes look like an ONNX model: a version and a graph.
pub(super) fn is_onnx(bytes: &[u8]) -> bool {
    let (mut version, mut graph) = (false, false);
    let mut fields = Fields(bytes);
    loop {
        match fields.next() {
            Ok(Some((1, Field::Varint(_)))) => version = true,
            Ok(Some((7, Field::Bytes(_)))) => graph = true,
            Ok(Some(_)) => {}
            Ok(None) => return version && graph,
            Err(_) => return false,
        }
    }
}

/// Reads an ONNX model. `names` are the columns in order; a graph with one input per column, named
/// after it, needs none.
///
/// # Errors
/// When it is too large, uses an operator that is not supported, or is not well formed.
pub fn onnx(bytes: &[u8], names: Option<&[String]>, limits: &Limits) -> Result<Model, ImportError> {
    let graph = proto::graph(bytes, limits)?;
    let mut run = Run { values: HashMap::new(), inputs: Vec::new(), labels: None, limits };
    run.open(&graph, names)?;
    for node in &graph.nodes {
        let out = operators::apply(&mut run, node)?;
        for (name, value) in node.outputs.iter().zip(out) {
            if run.values.insert(name, value).is_some() {
                return Err(ImportError::at(format!("value `{name}`"), "two operations give it"));
            }
        }
    }
    let outputs = graph.outputs.iter().filter_map(|name| run.values.get(name.as_str()));
    let finished = outputs.filter_map(|value| layers::finished(value).transpose()).next();
    let Estimated { features, estimator, classes } = finished.ok_or_else(|| {
        ImportError::at("outputs", "none of them is a prediction: keep the probabilities as an output")
    })??;
    let classes = if classes.is_empty() { run.labels.unwrap_or_default() } else { classes };
    let classes = layers::with_labels(&estimator, classes);
    let model = Model { format: Format::V1, inputs: run.inputs, features, classes, estimator };
    model.validate(limits)?;
    Ok(model)
}

impl<'a> Run<'a> {
    /// Takes constants and inputs.
    fn open(&mut self, graph: &'a Graph, names: Option<&[String]>) -> Result<(), ImportError> {
        for (name, tensor) in &graph.constants {
            self.values.insert(name, Flow::Constant(tensor.clone()));
        }
        // Old files list constants among the inputs, too.
        let inputs = graph.inputs.iter().filter(|input| !self.values.contains_key(input.name.as_str()));
        let inputs: Vec<_> = inputs.collect();
        for input in &inputs {
            let width = match (input.width, names) {
                (Some(width), _) => width,
                (None, Some(names)) if inputs.len() == 1 => names.len(),
                (None, _) => 1,
            };
            at_most("inputs", self.inputs.len().saturating_add(width), self.limits.inputs)?;
            let first = self.inputs.len();
            let features = (first..first + width).map(|index| Feature::number(index as u32)).collect();
            if width == 1 {
                self.inputs.push(Input { name: input.name.clone(), values: None });
            } else if names.is_none() {
                let reason = format!("it has {width} columns without names: give the column names in order");
                return Err(ImportError::at(format!("input `{}`", input.name), reason));
            } else {
                let unnamed = |index| Input { name: format!("{}[{index}]", input.name), values: None };
                self.inputs.extend((0..width).map(unnamed));
            }
            self.values.insert(&input.name, Flow::Features(features));
        }
        let Some(names) = names else { return Ok(()) };
        super::numbers::expect_length("feature names", names.len(), self.inputs.len())?;
        for (input, name) in self.inputs.iter_mut().zip(names) {
            input.name.clone_from(name);
        }
        Ok(())
    }

    /// The value of an operation's input.
    fn value(&self, node: &Node, index: usize) -> Result<&Flow, ImportError> {
        let name = node.inputs.get(index).map_or("", String::as_str);
        self.values.get(name).ok_or_else(|| {
            let reason =
                format!("its input `{name}` is not computed before it: a graph is sorted and has no cycle");
            ImportError::at(&node.operator, reason)
        })
    }

    /// Columns that may hold these values only.
    fn accept(&mut self, feature: &Feature, values: &[Scalar]) {
        self.inputs[feature.input as usize].values = Some(values.to_vec());
    }
}

/// An operation on something it does not take.
fn misplaced(node: &Node, found: &Flow, instead: &str) -> ImportError {
    ImportError::unsupported(format!("{} of {} (ONNX)", node.operator, found.describe()), instead)
}
