//! A scan program as an aggregate function of DataFusion: its arguments are the columns of slices, its
//! state is ciphertext, and its value are the outputs. State and value are large binaries, since those of
//! a thousand groups pass the 2 GiB of an ordinary one.

use std::{
    hash::{Hash, Hasher},
    mem,
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{DataType, Field, FieldRef},
    },
    error::{DataFusionError, Result},
    logical_expr::{
        Accumulator, AggregateUDFImpl, Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::format_state_name,
    },
    scalar::ScalarValue,
};
use sordino_fhe::scan::Partial;
use sordino_protocol::layout::Slice;

use super::{
    handover::Handover,
    row::{Columns, Row, binary},
    run::Run,
};

/// The aggregate function of one scan.
#[derive(Debug)]
pub(super) struct ScanAggregate {
    run: Arc<Run>,
    columns: Arc<Columns>,
    handover: Arc<Handover>,
    signature: Signature,
}

impl ScanAggregate {
    /// Its arguments are the columns of `slices`, in this order.
    pub(super) fn new(run: Arc<Run>, slices: &[Slice], handover: Arc<Handover>) -> Self {
        let columns = slices.iter().enumerate().map(|(column, slice)| (*slice, column)).collect();
        let signature = Signature::variadic_any(Volatility::Immutable);
        Self { run, columns: Arc::new(columns), handover, signature }
    }
}

impl AggregateUDFImpl for ScanAggregate {
    fn name(&self) -> &'static str {
        "scan_program"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::LargeBinary)
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let name = format_state_name(arguments.name, "partial");
        Ok(vec![Arc::new(Field::new(name, DataType::LargeBinary, true))])
    }

    fn accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(ScanAccumulator {
            run: Arc::clone(&self.run),
            columns: Arc::clone(&self.columns),
            handover: Arc::clone(&self.handover),
            state: State::Empty,
        }))
    }
}

/// Functions of two scans are never the same: each reports to its own.
impl PartialEq for ScanAggregate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.run, &other.run) && Arc::ptr_eq(&self.handover, &other.handover)
    }
}

impl Eq for ScanAggregate {}

impl Hash for ScanAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.run).hash(state);
    }
}

/// What some chunks have yielded.
#[derive(Debug)]
struct ScanAccumulator {
    run: Arc<Run>,
    columns: Arc<Columns>,
    handover: Arc<Handover>,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Empty,
    Partial(Partial),
    /// The outputs; kept because a value may be asked for again.
    Finished(Vec<u8>),
}

impl ScanAccumulator {
    fn add(&mut self, partial: Partial) -> Result<()> {
        match &mut self.state {
            State::Empty => self.state = State::Partial(partial),
            State::Partial(sum) => self.run.merge(sum, partial)?,
            State::Finished(_) => {
                return Err(DataFusionError::Internal("chunks after the end of a scan".to_owned()));
            }
        }
        Ok(())
    }
}

impl Accumulator for ScanAccumulator {
    /// Evaluates chunk by chunk: a batch is gone before the next is read.
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for row in 0..values.first().map_or(0, |column| column.len()) {
            let partial = self.run.evaluate_chunk(&Row { columns: &self.columns, values, row })?;
            self.add(partial)?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = match mem::take(&mut self.state) {
            State::Partial(partial) => {
                let set = self.run.program.parameter_set;
                Some(self.run.compute(|_| Ok(self.handover.give(partial, set)))?)
            }
            // A lane that got no chunk has nothing to say.
            State::Empty | State::Finished(_) => None,
        };
        Ok(vec![ScalarValue::LargeBinary(state)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else { return Ok(()) };
        for state in (0..states.len()).filter_map(|row| binary(states, row)) {
            let taken = self.run.compute(|_| self.handover.take(&state, &self.run.program))?;
            let lost = || DataFusionError::Internal("a state that stands for nothing".to_owned());
            self.add(taken.ok_or_else(lost)?)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if let State::Partial(_) = self.state
            && let State::Partial(partial) = mem::take(&mut self.state)
        {
            self.state = State::Finished(self.run.finish(partial)?.to_bytes());
        }
        Ok(ScalarValue::LargeBinary(match &self.state {
            State::Finished(outputs) => Some(outputs.clone()),
            State::Empty | State::Partial(_) => None,
        }))
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + match &self.state {
                State::Empty => 0,
                State::Partial(partial) => partial.memory(),
                State::Finished(outputs) => outputs.capacity(),
            }
    }
}
