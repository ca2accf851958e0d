//! The few messages of ONNX that a model of ours needs, with the field numbers of its specification.

use super::wire::{Field, Fields, cut_off, doubles, floats, integers, text};
use crate::{
    import::ImportError,
    limits::{Limits, at_most},
};

/// Nodes and initialisers of a graph that are accepted: models of ours need a few dozen.
const GRAPH_PARTS: usize = 4_096;

/// A computation graph.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) constants: Vec<(String, Tensor)>,
    pub(super) inputs: Vec<GraphInput>,
    pub(super) outputs: Vec<String>,
}

/// An input and how many columns it has, where the file says so.
#[derive(Debug)]
pub(super) struct GraphInput {
    pub(super) name: String,
    pub(super) width: Option<usize>,
}

/// One operation.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) operator: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    attributes: Vec<(String, Attribute)>,
}

/// A named parameter of an operation.
#[derive(Debug, Default)]
struct Attribute {
    float: Option<f64>,
    integer: Option<i64>,
    text: Option<String>,
    tensor: Option<Tensor>,
    floats: Vec<f64>,
    integers: Vec<i64>,
    texts: Vec<String>,
}

/// A constant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tensor {
    pub(super) dims: Vec<usize>,
    pub(super) numbers: Vec<f64>,
    pub(super) texts: Vec<String>,
}

impl Node {
    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(super) fn integer(&self, name: &str, otherwise: i64) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.integer).unwrap_or(otherwise)
    }

    pub(super) fn float(&self, name: &str, otherwise: f64) -> f64 {
        self.attribute(name).and_then(|attribute| attribute.float).unwrap_or(otherwise)
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.attribute(name).and_then(|attribute| attribute.text.as_deref()).unwrap_or_default()
    }

    /// Numbers of 32 bits, or a tensor of 64 bits under the same name with `_as_tensor`.
    pub(super) fn floats(&self, name: &str) -> &[f64] {
        let tensor =
            || Some(self.attribute(&format!("{name}_as_tensor"))?.tensor.as_ref()?.numbers.as_slice());
        self.attribute(name).map(|attribute| attribute.floats.as_slice()).or_else(tensor).unwrap_or_default()
    }

    pub(super) fn integers(&self, name: &str) -> &[i64] {
        self.attribute(name).map_or(&[], |attribute| attribute.integers.as_slice())
    }

    pub(super) fn texts(&self, name: &str) -> &[String] {
        self.attribute(name).map_or(&[], |attribute| attribute.texts.as_slice())
    }

    /// The value of a node `Constant`.
    pub(super) fn tensor(&self) -> Option<&Tensor> {
        self.attribute("value").and_then(|attribute| attribute.tensor.as_ref())
    }
}

/// The message of a field.
fn message<'a>(field: Field<'a>) -> Result<Fields<'a>, ImportError> {
    if let Field::Bytes(bytes) = field { Ok(Fields(bytes)) } else { Err(cut_off()) }
}

/// Reads the graph of a model.
pub(super) fn graph(bytes: &[u8], limits: &Limits) -> Result<Graph, ImportError> {
    at_most("bytes", bytes.len(), limits.bytes)?;
    let mut found = None;
    let mut fields = Fields(bytes);
    while let Some((number, field)) = fields.next()? {
        if number == 7 {
            found = Some(message(field)?);
        }
    }
    let mut fields = found.ok_or_else(|| ImportError::at("ONNX", "the model has no graph"))?;
    let mut graph = Graph::default();
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => {
                at_most("operations", graph.nodes.len() + 1, GRAPH_PARTS)?;
                graph.nodes.push(node(message(field)?, limits)?);
            }
            5 => {
                at_most("constants", graph.constants.len() + 1, GRAPH_PARTS)?;
                graph.constants.push(tensor(message(field)?, limits)?);
            }
            11 => {
                at_most("inputs", graph.inputs.len() + 1, limits.inputs)?;
                graph.inputs.push(input(message(field)?)?);
            }
            12 => {
                at_most("outputs", graph.outputs.len() + 1, limits.classes)?;
                graph.outputs.push(input(message(field)?)?.name);
            }
            _ => {}
        }
    }
    Ok(graph)
}

fn node(mut fields: Fields, limits: &Limits) -> Result<Node, ImportError> {
    let mut node = Node::default();
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => {
                at_most("inputs of an operation", node.inputs.len() + 1, limits.inputs)?;
                node.inputs.push(text(field)?);
            }
            2 => {
                at_most("outputs of an operation", node.outputs.len() + 1, limits.inputs)?;
                node.outputs.push(text(field)?);
            }
            4 => node.operator = text(field)?,
            5 => {
                at_most("attributes of an operation", node.attributes.len() + 1, 64)?;
                node.attributes.push(attribute(message(field)?, limits)?);
            }
            _ => {}
        }
    }
    Ok(node)
}

fn attribute(mut fields: Fields, limits: &Limits) -> Result<(String, Attribute), ImportError> {
    let (mut name, mut found) = (String::new(), Attribute::default());
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, field) => name = text(field)?,
            (2, Field::Fixed32(bits)) => found.float = Some(f64::from(f32::from_bits(bits))),
            (3, Field::Varint(value)) => found.integer = Some(value.cast_signed()),
            (4, field) => found.text = Some(text(field)?),
            (5, field) => found.tensor = Some(tensor(message(field)?, limits)?.1),
            (7, field) => floats(field, &mut found.floats)?,
            (8, field) => integers(field, &mut found.integers)?,
            (9, field) => found.texts.push(text(field)?),
            _ => {}
        }
        let entries = found.floats.len().max(found.integers.len()).max(found.texts.len());
        at_most("numbers", entries, limits.weights)?;
    }
    Ok((name, found))
}

fn tensor(mut fields: Fields, limits: &Limits) -> Result<(String, Tensor), ImportError> {
    let (mut name, mut tensor) = (String::new(), Tensor::default());
    let (mut dims, mut whole, mut kind, mut raw) = (Vec::new(), Vec::new(), 0, None);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, field) => integers(field, &mut dims)?,
            (2, Field::Varint(value)) => kind = value,
            (4, field) => floats(field, &mut tensor.numbers)?,
            (5 | 7, field) => integers(field, &mut whole)?,
            (6, field) => tensor.texts.push(text(field)?),
            (8, field) => name = text(field)?,
            (9, Field::Bytes(bytes)) => raw = Some(bytes),
            (10, field) => doubles(field, &mut tensor.numbers)?,
            (13 | 14, Field::Bytes(_) | Field::Varint(1)) => {
                return Err(ImportError::unsupported("external data of ONNX", "save the model as one file"));
            }
            _ => {}
        }
        let entries = tensor.numbers.len().max(whole.len()).max(tensor.texts.len()).max(dims.len());
        at_most("numbers", entries, limits.weights)?;
    }
    tensor.numbers.extend(whole.into_iter().map(|value| value as f64));
    if let Some(raw) = raw {
        at_most("numbers", raw.len() / 4, limits.weights)?;
        read_raw(kind, raw, &mut tensor.numbers)?;
    }
    for dim in dims {
        tensor.dims.push(usize::try_from(dim).map_err(|_| cut_off())?);
    }
    let size = tensor.dims.iter().try_fold(1usize, |size, dim| size.checked_mul(*dim));
    if size != Some(tensor.numbers.len().max(tensor.texts.len())) {
        return Err(ImportError::at(format!("constant `{name}`"), "its shape and its data differ in size"));
    }
    Ok((name, tensor))
}

/// Raw bytes, little-endian, of the element types that models use.
fn read_raw(kind: u64, raw: &[u8], into: &mut Vec<f64>) -> Result<(), ImportError> {
    match kind {
        1 => floats(Field::Bytes(raw), into),
        11 => doubles(Field::Bytes(raw), into),
        6 => {
            into.extend(raw.chunks_exact(4).map(|b| f64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))));
            Ok(())
        }
        7 => {
            let eight =
                |b: &[u8]| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f64;
            into.extend(raw.chunks_exact(8).map(eight));
            Ok(())
        }
        other => Err(ImportError::unsupported(
            format!("element type {other} of ONNX"),
            "use float, double, int32 or int64",
        )),
    }
}

/// The name of a value and the second dimension of its shape.
fn input(mut fields: Fields) -> Result<GraphInput, ImportError> {
    let mut found = GraphInput { name: String::new(), width: None };
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => found.name = text(field)?,
            // Type, tensor type, shape: the dimensions are three messages down.
            2 => {
                let shape = within(message(field)?, 1)?.map_or(Ok(None), |tensor| within(tensor, 2))?;
                found.width = shape.map_or(Ok(None), second_dimension)?;
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The last message with this number in another one.
fn within(mut fields: Fields, wanted: u32) -> Result<Option<Fields>, ImportError> {
    let mut found = None;
    while let Some((number, field)) = fields.next()? {
        if number == wanted && matches!(field, Field::Bytes(_)) {
            found = Some(message(field)?);
        }
    }
    Ok(found)
}

fn second_dimension(mut shape: Fields) -> Result<Option<usize>, ImportError> {
    let mut index = 0;
    while let Some((number, field)) = shape.next()? {
        if number == 1 {
            if index == 1 {
                let mut dimension = message(field)?;
                while let Some((number, field)) = dimension.next()? {
                    if let (1, Field::Varint(value)) = (number, field) {
                        return Ok(usize::try_from(value).ok());
                    }
                }
            }
            index += 1;
        }
    }
    Ok(None)
}
