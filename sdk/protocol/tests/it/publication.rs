//! What is published within which upload.

use chrono::{Days, NaiveDate};
use sordino_protocol::{
    layout::LayoutKind,
    layout_plan::{self, Budget, PlanError, Publication, RollupBudget, default_upload},
    lower::{LowerError, lower},
    parameters::ParameterSet,
    predicate::Predicate,
    schema::{Column, Domain, Measure, Schema},
    testing,
};

use crate::planning::{ROWS, credit, dimension, measure, query, schema, sum, within};

const BOTH: Budget = Budget { max_upload: None, rollup: Some(ROLLUP), scan: true, score: false };
const ROLLUP: RollupBudget = RollupBudget {
    max_cells_total: 4 << 20,
    max_cells_per_cuboid: 64 << 10,
    max_dimensions: 3,
    max_cuboids: 4_096,
};

/// The columns of lineitem, orders and part that TPC-H's queries 1, 6, 12 and 14 look at.
fn lineitem() -> Schema {
    let first = NaiveDate::from_ymd_opt(1992, 1, 2).expect("a date");
    let dates = |name| Column {
        dimension: Some(Domain::Date { edges: (0..=2_550).map(|day| first + Days::new(day)).collect() }),
        ..dimension(name, 1)
    };
    let order = |left: &str, right: &str| {
        let domain = Domain::Order { left: left.to_owned(), right: right.to_owned() };
        Column { dimension: Some(domain), ..dimension(&format!("{left}_{right}"), 1) }
    };
    let words = |sets: &[&[&str]]| {
        let join = |texts: Vec<String>, set: &&[&str]| -> Vec<String> {
            texts.iter().flat_map(|text| set.iter().map(move |word| format!("{text} {word}"))).collect()
        };
        let texts = sets.iter().fold(vec![String::new()], join);
        Domain::Category { values: texts.iter().map(|text| text.trim().to_owned()).collect() }
    };
    let types = words(&[
        &["ECONOMY", "LARGE", "MEDIUM", "PROMO", "SMALL", "STANDARD"],
        &["ANODIZED", "BRUSHED", "BURNISHED", "PLATED", "POLISHED"],
        &["BRASS", "COPPER", "NICKEL", "STEEL", "TIN"],
    ]);
    schema(vec![
        dates("l_shipdate"),
        dates("l_commitdate"),
        dates("l_receiptdate"),
        dimension("l_quantity", 50),
        dimension("l_discount", 11),
        dimension("l_tax", 9),
        dimension("l_returnflag", 3),
        dimension("l_linestatus", 2),
        dimension("l_shipmode", 7),
        dimension("o_orderpriority", 5),
        Column { dimension: Some(types), ..dimension("p_type", 1) },
        order("l_shipdate", "l_commitdate"),
        order("l_commitdate", "l_receiptdate"),
        measure("l_extendedprice", 10_500_000),
    ])
}

fn show(schema: &Schema, planned: &Publication) {
    for choice in &planned.columns {
        let name = &schema.column(choice.column).name;
        eprintln!("  {name:16} {choice:?}");
    }
    eprintln!("  {:?} of {}", planned.upload, planned.max_upload);
    eprintln!("  {:?}", planned.alternatives);
}

fn bases(schema: &Schema, planned: &Publication, name: &str) -> Vec<u32> {
    let id = schema.find(name).expect("there");
    planned.columns.iter().find(|choice| choice.column == id).expect("encrypted").bases.clone()
}

#[test]
fn lineitem_takes_at_most_six_kilobytes_a_row() {
    let schema = lineitem();
    let rows = 1 << 20;
    let six = Budget { max_upload: Some(rows * 6_144), ..BOTH };
    let planned = layout_plan::publication(&schema, rows, &six).expect("fits");
    show(&schema, &planned);
    let scan = planned.scan.as_ref().expect("there");
    let row_bytes = planned.upload.scan_bytes / rows;
    eprintln!("{row_bytes} bytes a row, {} slices", scan.slices().len());
    assert_eq!(scan.parameter_set, ParameterSet::Scan16kV1);
    assert!(row_bytes <= 6_144, "{row_bytes} bytes a row");
    assert!(planned.upload.total_bytes() <= rows * 6_144);
    // The detail that no query asks for goes to the aggregates; years and first words are digits.
    let missing: Vec<_> = planned.columns.iter().filter(|c| c.codes > 0 && c.bases.is_empty()).collect();
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(schema.column(missing[0].column).name, "l_commitdate");
    for date in ["l_shipdate", "l_receiptdate"] {
        assert_eq!(bases(&schema, &planned, date)[..2], [7, 12], "{date}");
    }
    assert_eq!(bases(&schema, &planned, "p_type")[0], 6);

    let manifest = testing::manifest(schema.clone(), rows, planned.rollup, planned.scan, &[1 << 14; 64]);
    assert_eq!(manifest.validate(), Ok(()));
    let year = |column: &str| {
        let first = NaiveDate::from_ymd_opt(1992, 1, 2).expect("a date");
        let code = |year| {
            let date = NaiveDate::from_ymd_opt(year, 1, 1).expect("a date");
            u32::try_from((date - first).num_days()).expect("later")
        };
        within(&schema, schema.find(column).expect("there").0, code(1994), code(1995))
    };
    let asked = |column| query(year(column), &[], &[ROWS]);
    let products = |program| sordino_protocol::cost::OperationCounts::of(&program, 1).multiplications;
    let ship = lower(&manifest, &asked("l_shipdate"), LayoutKind::Scan).expect("lowers");
    assert_eq!(products(ship), 0, "a year is a value of the first digit");
    let refused = lower(&manifest, &asked("l_commitdate"), LayoutKind::Scan);
    assert_eq!(refused, Err(LowerError::NotStored("`l_commitdate` as a dimension".to_owned())));
    assert!(lower(&manifest, &asked("l_commitdate"), LayoutKind::Rollup).is_ok());
    // The shape of query 1: a date by the day, two groups, a sum.
    let column = |name| schema.find(name).expect("there").0;
    let day = within(&schema, 0, 0, 2_436);
    let price = [sum(&schema, column("l_extendedprice"))];
    let pricing = query(day, &[column("l_returnflag"), column("l_linestatus")], &price);
    lower(&manifest, &pricing, LayoutKind::Scan).expect("lowers");
    // The shape of query 6: a year, two ranges, a sum.
    let few = within(&schema, column("l_quantity"), 0, 23);
    let revenue = vec![year("l_shipdate"), few, within(&schema, column("l_discount"), 5, 8)];
    let revenue = query(Predicate::and(&schema, revenue), &[], &price);
    lower(&manifest, &revenue, LayoutKind::Scan).expect("lowers");
}

#[test]
fn credit_takes_at_most_64_megabytes() {
    // As it is inferred: numbers can be filtered and summed.
    let mut schema = credit();
    for (column, largest) in [(2, 32), (12, 56), (10, 3), (15, 3), (16, 3), (17, 1)] {
        schema.columns[column].measure = Some(Measure { scale: 0, min: 0, max: largest });
    }
    schema.columns[20].dimension =
        Some(Domain::Buckets { scale: 0, edges: (0..=24).map(|i| i * 800).collect() });
    let planned = layout_plan::publication(&schema, 1_000, &BOTH).expect("fits");
    show(&schema, &planned);
    assert!(planned.upload.total_bytes() <= 64_000_000);
    let scan = planned.scan.as_ref().expect("there");
    assert_eq!(scan.digits.len(), 21, "every column can be queried");
    assert_eq!(scan.parameter_set, ParameterSet::Scan8kV1);
}

#[test]
fn a_smaller_upload_means_fewer_slices_then_fewer_columns_then_an_error() {
    let schema = credit();
    let plan = |max_upload| {
        layout_plan::publication(&schema, 1_000, &Budget { max_upload: Some(max_upload), ..BOTH })
    };
    let mut before = u64::MAX;
    for megabytes in [64, 40, 30, 24, 20, 16, 12, 8, 4, 2] {
        let planned = plan(megabytes * 1_000_000).expect("fits");
        let bytes = planned.upload.total_bytes();
        let digits = planned.scan.as_ref().map_or(0, |scan| scan.digits.len());
        eprintln!("{megabytes} MB: {:?}, {digits} columns", planned.upload);
        assert!(bytes <= megabytes * 1_000_000 && bytes <= before, "{megabytes}: {:?}", planned.upload);
        before = bytes;
    }
    assert!(plan(2_000_000).expect("fits").scan.expect("there").digits.len() < 20);
    let refused = plan(1_000_000).expect_err("the keys alone are larger");
    let PlanError::Upload { needed, max_upload } = refused;
    assert_eq!(max_upload, 1_000_000);
    let alone = Budget { max_upload: Some(needed), rollup: None, scan: true, score: false };
    let fits = layout_plan::publication(&schema, 1_000, &alone).expect("what is said to be needed is enough");
    assert_eq!(fits.scan.expect("there").digits.len(), 20);
}

#[test]
fn without_a_limit_every_column_is_published_and_no_upload_that_saves_little() {
    let planned = layout_plan::publication(&lineitem(), 1 << 20, &BOTH).expect("fits");
    show(&lineitem(), &planned);
    assert!(planned.columns.iter().all(|choice| choice.codes == 0 || !choice.bases.is_empty()));
    let wide = schema((0..40).map(|i| dimension(&format!("d{i}"), 100)).collect());
    let planned = layout_plan::publication(&wide, 100_000, &BOTH).expect("fits");
    assert!(planned.columns.iter().all(|choice| !choice.bases.is_empty()), "{:?}", planned.upload);
    assert!(planned.upload.total_bytes() > default_upload(100_000));
    // A slice for each of 2,000 codes would be twenty times the upload, for one product in a condition.
    let narrow = schema(vec![dimension("d", 2_000)]);
    let generous = Budget { max_upload: Some(20_000_000_000), ..BOTH };
    let planned = layout_plan::publication(&narrow, 100_000, &generous).expect("fits");
    assert!(planned.upload.total_bytes() < 1_000_000_000, "{:?}", planned.upload);
}

#[test]
fn layouts_can_be_published_alone() {
    let schema = credit();
    let rollup = Budget { scan: false, ..BOTH };
    let planned = layout_plan::publication(&schema, 1_000, &rollup).expect("fits");
    assert!(planned.scan.is_none() && planned.upload.rollup_bytes > 0 && planned.alternatives.is_empty());
    let scan = Budget { rollup: None, ..BOTH };
    let planned = layout_plan::publication(&schema, 1_000, &scan).expect("fits");
    assert_eq!(planned.scan.as_ref(), Some(&layout_plan::scan(&schema, 1_000)));
    assert!(planned.rollup.is_none());
}

#[test]
fn a_table_may_grow_until_a_sum_outgrows_its_limbs() {
    for (width, rows) in [(18_174, 1_000), (1 << 40, 1_000), (9, 100_000)] {
        let schema = schema(vec![dimension("d", 40), measure("m", width)]);
        let planned = layout_plan::publication(&schema, rows, &BOTH).expect("fits");
        let (rollup, scan) = (planned.rollup.as_ref(), planned.scan.as_ref());
        let check = |rows| layout_plan::check_growth(&schema, rows, rollup, scan);
        assert_eq!(check(rows), Ok(()));
        assert_eq!(check(rows * layout_plan::HEADROOM), Ok(()), "{width}: there is room to append");
        let refused = check(1 << 50).expect_err("too many");
        assert!(refused.most >= rows * layout_plan::HEADROOM && check(refused.most).is_ok(), "{refused}");
        let text = refused.to_string();
        assert!(text.contains("`m`") || text.contains("rows"), "{text}");
        assert!(text.contains("new listing"), "{text}");
    }
}
