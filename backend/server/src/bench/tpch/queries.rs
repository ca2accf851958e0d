//! The four queries: their filters, groups and sums, as TPC-H states them, over the denormalised table.

/// A query of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TpchQuery {
    /// As TPC-H numbers it.
    pub(super) name: &'static str,
    /// What is asked.
    pub(super) sql: &'static str,
    /// The columns it touches.
    pub(super) columns: &'static [&'static str],
    /// Seconds at 32,768 rows on two cores that the design asks for.
    pub(super) at_most_s: f64,
}

/// In the order of their numbers.
pub(super) const QUERIES: [TpchQuery; 4] = [
    TpchQuery {
        name: "q1",
        sql: "SELECT l_returnflag, l_linestatus, SUM(l_quantity) AS sum_qty, SUM(l_extendedprice) AS sum_base_price, \
              SUM(l_extendedprice * (1 - l_discount)) AS sum_disc_price, \
              SUM(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge, AVG(l_quantity) AS avg_qty, \
              AVG(l_extendedprice) AS avg_price, AVG(l_discount) AS avg_disc, COUNT(*) AS count_order \
              FROM lineitem WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL '90' DAY \
              GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus",
        columns: &[
            "l_shipdate",
            "l_returnflag",
            "l_linestatus",
            "l_quantity",
            "l_extendedprice",
            "l_discount",
            "l_tax",
        ],
        at_most_s: 5.0,
    },
    TpchQuery {
        name: "q6",
        sql: "SELECT SUM(l_extendedprice * l_discount) AS revenue FROM lineitem \
              WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1994-01-01' + INTERVAL '1' YEAR \
              AND l_discount BETWEEN 0.06 - 0.01 AND 0.06 + 0.01 AND l_quantity < 24",
        columns: &["l_shipdate", "l_discount", "l_quantity", "l_extendedprice"],
        at_most_s: 0.6,
    },
    TpchQuery {
        name: "q12",
        sql: "SELECT l_shipmode, \
              SUM(CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) \
              AS high_line_count, \
              SUM(CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END) \
              AS low_line_count \
              FROM lineitem WHERE l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate \
              AND l_shipdate < l_commitdate AND l_receiptdate >= DATE '1994-01-01' \
              AND l_receiptdate < DATE '1994-01-01' + INTERVAL '1' YEAR \
              GROUP BY l_shipmode ORDER BY l_shipmode",
        columns: &[
            "l_shipmode",
            "o_orderpriority",
            "l_shipdate",
            "l_commitdate",
            "l_receiptdate",
            "commit_and_receipt",
            "ship_and_commit",
        ],
        at_most_s: 1.5,
    },
    TpchQuery {
        name: "q14",
        sql: "SELECT 100.00 * SUM(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (1 - l_discount) ELSE 0 END) \
              / SUM(l_extendedprice * (1 - l_discount)) AS promo_revenue FROM lineitem \
              WHERE l_shipdate >= DATE '1995-09-01' AND l_shipdate < DATE '1995-09-01' + INTERVAL '1' MONTH",
        columns: &["p_type", "l_extendedprice", "l_discount", "l_shipdate"],
        at_most_s: 1.5,
    },
];
