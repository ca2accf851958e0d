//! Rows of lineitem with their order and part, as `tpchgen` makes them: what an owner would join on his
//! own machine before he publishes.

use std::sync::LazyLock;

use tpchgen::{
    distribution::Distributions,
    generators::{LineItemGenerator, OrderGenerator, PartGenerator},
    text::TextPool,
};

/// The fields of a row that the queries touch. Prices and shares are in hundredths, dates in days
/// since 1970-01-01.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) ship: i32,
    pub(super) commit: i32,
    pub(super) receipt: i32,
    pub(super) quantity: i64,
    pub(super) price: i64,
    pub(super) discount: i64,
    pub(super) tax: i64,
    pub(super) flag: &'static str,
    pub(super) status: &'static str,
    pub(super) mode: &'static str,
    pub(super) priority: &'static str,
    pub(super) part_type: &'static str,
}

/// The scale factor; it has six million rows.
const SCALE: f64 = 1.0;
/// Bytes of text for the comments, which are not used: the default takes seconds to make.
const TEXT_BYTES: i32 = 1 << 20;

static TEXT: LazyLock<TextPool> =
    LazyLock::new(|| TextPool::new(TEXT_BYTES, Distributions::static_default()));

/// The first `count` rows, in the order of their orders.
pub(super) fn generate(count: usize) -> Vec<Row> {
    let distributions = Distributions::static_default();
    let text: &'static TextPool = &TEXT;
    let parts = PartGenerator::new_with_distributions_and_text_pool(SCALE, 1, 1, distributions, text);
    let types: Vec<&'static str> = parts.iter().map(|part| part.p_type).collect();
    let orders = OrderGenerator::new_with_distributions_and_text_pool(SCALE, 1, 1, distributions, text);
    let mut orders = orders.iter();
    let mut order = orders.next();
    let lines = LineItemGenerator::new_with_distributions_and_text_pool(SCALE, 1, 1, distributions, text);
    let mut rows = Vec::with_capacity(count);
    for line in lines.iter().take(count) {
        while order.as_ref().is_some_and(|order| order.o_orderkey < line.l_orderkey) {
            order = orders.next();
        }
        // Part keys count from 1.
        let part = usize::try_from(line.l_partkey - 1).unwrap_or(usize::MAX);
        rows.push(Row {
            ship: line.l_shipdate.to_unix_epoch(),
            commit: line.l_commitdate.to_unix_epoch(),
            receipt: line.l_receiptdate.to_unix_epoch(),
            quantity: line.l_quantity,
            price: line.l_extendedprice.0,
            discount: line.l_discount.0,
            tax: line.l_tax.0,
            flag: line.l_returnflag,
            status: line.l_linestatus,
            mode: line.l_shipmode,
            priority: order.as_ref().map_or("", |order| order.o_orderpriority),
            part_type: types.get(part).copied().unwrap_or(""),
        });
    }
    rows
}
