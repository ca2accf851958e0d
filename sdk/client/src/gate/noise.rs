//! Discrete Gaussian noise by OpenDP; never a sampler of our own.

use opendp::{
    domains::{AtomDomain, VectorDomain},
    measurements::make_gaussian,
    measures::ZeroConcentratedDivergence,
    metrics::L2Distance,
};

use super::GateError;

/// Adds noise of standard deviation `scale` to every value. A scale of zero, which a term without
/// any sensitivity has, adds nothing.
pub(crate) fn add(values: Vec<i64>, scale: f64) -> Result<Vec<i64>, GateError> {
    if scale == 0.0 || values.is_empty() {
        return Ok(values);
    }
    let failed = |error: opendp::error::Error| GateError::Noise(error.to_string());
    let domain = VectorDomain::new(AtomDomain::<i64>::default());
    make_gaussian::<_, _, ZeroConcentratedDivergence>(domain, L2Distance::<f64>::default(), scale, None)
        .and_then(|mechanism| mechanism.invoke(&values))
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_stated_standard_deviation() {
        let (count, scale) = (4_000, 25.0);
        let noised = add(vec![1_000; count], scale).expect("noised");
        let deviations: Vec<f64> = noised.iter().map(|value| *value as f64 - 1_000.0).collect();
        let mean = deviations.iter().sum::<f64>() / count as f64;
        let variance = deviations.iter().map(|d| d * d).sum::<f64>() / count as f64;
        // Both limits are more than eight standard errors wide.
        assert!(mean.abs() < 8.0 * scale / (count as f64).sqrt(), "mean {mean}");
        assert!((variance.sqrt() / scale - 1.0).abs() < 0.1, "deviation {}", variance.sqrt());
        assert_eq!(add(vec![5], 0.0).expect("exact"), [5]);
    }

    #[test]
    fn the_mechanism_is_as_private_as_its_scale_says() {
        let domain = VectorDomain::new(AtomDomain::<i64>::default());
        let mechanism = make_gaussian::<_, _, ZeroConcentratedDivergence>(
            domain,
            L2Distance::<f64>::default(),
            20.0,
            None,
        )
        .expect("made");
        let rho = mechanism.map(&10.0).expect("mapped");
        assert!((rho - 10.0f64.powi(2) / (2.0 * 20.0f64.powi(2))).abs() < 1e-12);
    }
}
