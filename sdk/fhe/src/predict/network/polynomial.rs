//! Polynomials with coefficients of their own in every slot, as
//! [`Schedule`](sordino_protocol::predict::Schedule) says.

use std::collections::BTreeMap;

use rayon::prelude::*;
use sordino_protocol::predict::Schedule;

use super::{NOT_ONE, Run};
use crate::{
    error::FheError,
    predict::factor::{Factor, relinearised},
    ring::Rows,
    scan::ciphertext::{Ciphertext, Combination, product},
};

/// The powers of the levels that the polynomials of all scores are made of.
pub(super) struct Powers<'a> {
    run: &'a Run<'a>,
    schedule: Schedule,
    /// From the first to the last power of a block, in the basis of products.
    small: Vec<Ciphertext>,
    /// The size of a block, twice that, and so on.
    large: Vec<Factor>,
}

/// Blocks that are joined: the first one, and the products that are added to it.
struct Joined {
    block: Ciphertext,
    products: Option<Ciphertext>,
}

impl<'a> Powers<'a> {
    /// Powers that follow from those there are are computed together.
    pub(super) fn new(run: &'a Run<'a>, schedule: Schedule, first: Ciphertext) -> Result<Self, FheError> {
        let mut powers = BTreeMap::from([(1, Factor::new(first, run.tables)?)]);
        let mut missing = schedule.powers();
        while !missing.is_empty() {
            run.go_on()?;
            let (ready, rest): (Vec<_>, Vec<_>) = missing
                .into_iter()
                .partition(|(_, parts)| parts.iter().all(|part| powers.contains_key(part)));
            let made: Vec<(usize, Factor)> = ready
                .into_par_iter()
                .map(|(power, [a, b])| {
                    let product = product(powers[&a].operand(), powers[&b].operand(), run.tables);
                    Ok((power, Factor::new(run.relinearised(&product)?, run.tables)?))
                })
                .collect::<Result<_, FheError>>()?;
            powers.extend(made);
            missing = rest;
        }
        let large = powers.split_off(&schedule.block);
        let working = |factor: Factor| factor.itself.lowered(run.tables);
        let small = powers.into_values().map(working).collect();
        Ok(Self { run, schedule, small, large: large.into_values().collect() })
    }

    /// Of each unit a polynomial, from the constant on.
    pub(super) fn evaluate(&self, polynomials: &[Vec<u64>]) -> Result<Ciphertext, FheError> {
        let mut joined = (0..self.schedule.blocks)
            .map(|block| Ok(Joined { block: self.block(polynomials, block)?, products: None }))
            .collect::<Result<Vec<_>, FheError>>()?;
        for power in &self.large {
            if joined.len() == 1 {
                break;
            }
            self.run.go_on()?;
            joined = joined
                .into_par_iter()
                .chunks(2)
                .map(|pair| self.join(pair, power))
                .collect::<Result<_, FheError>>()?;
        }
        let whole = joined.into_iter().next().ok_or(NOT_ONE)?;
        self.settled(whole)
    }

    /// Coefficients times small powers.
    fn block(&self, polynomials: &[Vec<u64>], block: usize) -> Result<Ciphertext, FheError> {
        let run = self.run;
        let first = block * self.schedule.block;
        let values = |power: usize| {
            let at = |unit: usize| polynomials.get(unit).and_then(|p| p.get(first + power)).copied();
            run.slots.by_unit(|unit| at(unit).unwrap_or(0))
        };
        let basis = &run.tables.working;
        let factors: Vec<Rows> = (1..self.schedule.block)
            .into_par_iter()
            .map(|power| run.vector(&values(power), basis))
            .collect::<Result<_, FheError>>()?;
        let mut sum = [basis.zero(), basis.zero()];
        for (place, total) in sum.iter_mut().enumerate() {
            basis.each(total, |prime, index, row| {
                for (power, factor) in self.small.iter().zip(&factors) {
                    let polynomial = &power.polynomials()[place];
                    prime.accumulate(row, basis.row(polynomial, index), basis.row(factor, index));
                }
            });
        }
        run.plus(Ciphertext::Late(sum), &values(0))
    }

    /// The lower of two and a power times the higher.
    fn join(&self, pair: Vec<Joined>, power: &Factor) -> Result<Joined, FheError> {
        let tables = self.run.tables;
        let mut pair = pair.into_iter();
        let (Some(low), Some(high)) = (pair.next(), pair.next()) else { return Err(NOT_ONE) };
        let high = Factor::new(self.settled(high)?, tables)?;
        let mut product = product(high.operand(), power.operand(), tables);
        if let Some(lower) = low.products {
            product.add_multiple(&lower, 1, tables);
        }
        Ok(Joined { block: low.block, products: Some(product) })
    }

    fn settled(&self, joined: Joined) -> Result<Ciphertext, FheError> {
        let Some(products) = joined.products else { return Ok(joined.block) };
        let products = self.run.relinearised(&products)?;
        let mut sum = Combination::default();
        sum.add(&products, 1, self.run.tables);
        sum.add(&joined.block, 1, self.run.tables);
        sum.finish(self.run.tables).map(|(sum, _)| sum).ok_or(NOT_ONE)
    }
}

impl Run<'_> {
    fn relinearised(&self, products: &Ciphertext) -> Result<Ciphertext, FheError> {
        relinearised(products, &self.keys.relinearisation, self.tables)
    }
}
