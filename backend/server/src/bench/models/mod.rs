//! `bench models`: models that are auditioned on encrypted tables, that predict encrypted rows, and that
//! are trained on encrypted tables. Every case is compared with the same in clear.

mod auditions;
mod case;
mod encrypted;
mod fitted;
mod kinds;
mod made_up;
mod networks;
mod predictions;
mod tables;
mod training;

use self::{
    case::{Case, Printer},
    encrypted::Party,
};

/// How much is measured.
#[derive(Debug, Clone)]
struct Size {
    /// Rows of the tree's table, of the scorecard's, and of the linear model's.
    made_up: [usize; 3],
    /// Rows of a batch that is predicted.
    batch: usize,
    /// Only the cheapest case of a kind.
    few: bool,
    /// Only cases whose name has this in it.
    only: String,
}

impl Size {
    /// What the design asks for.
    fn full(only: &str) -> Self {
        Self { made_up: [32_768, 16_384, 100_000], batch: 500, few: false, only: only.to_owned() }
    }

    fn wants(&self, case: &str) -> bool {
        case.contains(&self.only)
    }
}

/// Measures every case and prints each when it is done.
///
/// # Errors
/// When a case fails, or an answer differs from the one in clear.
pub(super) fn run(json: bool, only: &str) -> anyhow::Result<()> {
    let mut printer = Printer::new(json);
    let mut wrong = Vec::new();
    measure(&Size::full(only), &mut |case| {
        if !case.exact {
            wrong.push(case.case.clone());
        }
        printer.print(&case)
    })?;
    printer.finish();
    anyhow::ensure!(wrong.is_empty(), "differ from the model in clear: {}", wrong.join(", "));
    Ok(())
}

fn measure(size: &Size, report: &mut dyn FnMut(Case) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut party = Party::new();
    made_up::measure(&mut party, size, report)?;
    fitted::measure(&mut party, size, report)?;
    kinds::measure(&mut party, size, report)?;
    predictions::measure(size, report)?;
    networks::measure(size, report)?;
    training::measure(&mut party, size, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_is_exact_and_its_lines_parse() {
        let size = Size { made_up: [300, 60, 200], batch: 5, few: true, only: String::new() };
        let mut lines = Vec::new();
        measure(&size, &mut |case| {
            lines.push(serde_json::to_string(&case)?);
            Ok(())
        })
        .expect("every case runs");
        assert!(lines.len() >= 8, "{lines:?}");
        for line in lines {
            let case: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(case["exact"], true, "{line}");
            assert!(case["case"].is_string() && case["layout"].is_string(), "{line}");
            assert!(case["evaluate_s"].as_f64().is_some_and(|seconds| seconds > 0.0), "{line}");
            assert!(case["samples"].as_u64().is_some_and(|samples| samples > 0), "{line}");
        }
    }
}
