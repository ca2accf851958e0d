//! Functions that this build of DataFusion does not bring: `width_bucket`, `abs`, `lower`, `upper`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array, StringArray},
        compute::cast,
        datatypes::{DataType, Decimal128Type, Int64Type},
    },
    common::{DataFusionError, exec_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

/// Fits every published number: 2^53 with 12 decimal places.
const NUMBER: DataType = DataType::Decimal128(38, 12);

/// Which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Which {
    WidthBucket,
    Abs,
    Lower,
    Upper,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Own {
    which: Which,
    signature: Signature,
}

/// All of them.
pub(super) fn all() -> [ScalarUDF; 4] {
    [Which::WidthBucket, Which::Abs, Which::Lower, Which::Upper].map(|which| {
        ScalarUDF::from(Own { which, signature: Signature::user_defined(Volatility::Immutable) })
    })
}

impl ScalarUDFImpl for Own {
    fn name(&self) -> &str {
        match self.which {
            Which::WidthBucket => "width_bucket",
            Which::Abs => "abs",
            Which::Lower => "lower",
            Which::Upper => "upper",
        }
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let number = |found: &DataType| found.is_numeric() || found.is_null();
        match (self.which, arguments) {
            (Which::WidthBucket, [value, low, high, count])
                if number(value)
                    && number(low)
                    && number(high)
                    && (count.is_integer() || count.is_null()) =>
            {
                Ok(vec![NUMBER, NUMBER, NUMBER, DataType::Int64])
            }
            (Which::WidthBucket, _) => {
                plan_err!("width_bucket(number, low, high, buckets) wants four numbers")
            }
            (Which::Abs, [value]) if value.is_integer() => Ok(vec![DataType::Int64]),
            (Which::Abs, [value]) if number(value) => Ok(vec![match value {
                DataType::Decimal128(..) => value.clone(),
                _ => NUMBER,
            }]),
            (Which::Lower | Which::Upper, [value]) if value.is_string() || value.is_null() => {
                Ok(vec![DataType::Utf8])
            }
            _ => plan_err!("{} does not fit its arguments", self.name()),
        }
    }
    fn return_type(&self, arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        match (self.which, arguments.first()) {
            (Which::WidthBucket, _) => Ok(DataType::Int64),
            (_, Some(argument)) => Ok(argument.clone()),
            (_, None) => plan_err!("{} has one argument", self.name()),
        }
    }
    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let arrays: Vec<ArrayRef> =
            call.args.iter().map(|value| value.to_array(call.number_rows)).collect::<Result<_, _>>()?;
        let result: ArrayRef = match (self.which, arrays.as_slice()) {
            (Which::WidthBucket, [value, low, high, count]) => width_bucket(value, low, high, count)?,
            (Which::Abs, [value]) => absolute(value)?,
            (Which::Lower, [value]) => mapped(value, str::to_lowercase)?,
            (Which::Upper, [value]) => mapped(value, str::to_uppercase)?,
            _ => return exec_err!("{}: wrong number of arguments", self.name()),
        };
        Ok(ColumnarValue::Array(result))
    }
}

fn mapped(value: &ArrayRef, of: impl Fn(&str) -> String) -> Result<ArrayRef, DataFusionError> {
    let texts = cast(value, &DataType::Utf8)?;
    Ok(Arc::new(texts.as_string::<i32>().iter().map(|text| text.map(&of)).collect::<StringArray>()))
}

fn absolute(value: &ArrayRef) -> Result<ArrayRef, DataFusionError> {
    if let DataType::Decimal128(precision, scale) = value.data_type() {
        let numbers = value.as_primitive::<Decimal128Type>().iter().map(|n| n.map(i128::abs));
        let numbers = numbers.collect::<Decimal128Array>();
        return Ok(Arc::new(numbers.with_precision_and_scale(*precision, *scale)?));
    }
    let numbers = value.as_primitive::<Int64Type>().iter().map(|n| n.map(i64::saturating_abs));
    Ok(Arc::new(numbers.collect::<Int64Array>()))
}

/// The number of the bucket, from 1, of equal buckets from `low` up to `high`; 0 below, one more than
/// there are above. As PostgreSQL has it, but exact.
fn width_bucket(
    value: &ArrayRef,
    low: &ArrayRef,
    high: &ArrayRef,
    count: &ArrayRef,
) -> Result<ArrayRef, DataFusionError> {
    let number = |array: &ArrayRef| cast(array, &NUMBER);
    let (value, low, high) = (number(value)?, number(low)?, number(high)?);
    let [value, low, high] = [&value, &low, &high].map(|array| array.as_primitive::<Decimal128Type>());
    let count = cast(count, &DataType::Int64)?;
    let count = count.as_primitive::<Int64Type>();
    let mut buckets = Vec::with_capacity(value.len());
    for row in 0..value.len() {
        if value.is_null(row) || low.is_null(row) || high.is_null(row) || count.is_null(row) {
            buckets.push(None);
            continue;
        }
        let (value, low, high) = (value.value(row), low.value(row), high.value(row));
        let count = count.value(row);
        if !(1..=4_096).contains(&count) || low == high {
            return exec_err!("width_bucket: 1 to 4096 buckets between two different bounds are possible");
        }
        // Between bounds that fall, buckets are counted downwards.
        let (along, span) = if low < high { (value - low, high - low) } else { (low - value, low - high) };
        let bucket = match along {
            below if below < 0 => 0,
            beyond if beyond >= span => count + 1,
            within => match within.checked_mul(i128::from(count)) {
                Some(scaled) => i64::try_from(scaled / span).unwrap_or(i64::MAX) + 1,
                None => return exec_err!("width_bucket: the bounds are too far apart"),
            },
        };
        buckets.push(Some(bucket));
    }
    Ok(Arc::new(Int64Array::from(buckets)))
}
