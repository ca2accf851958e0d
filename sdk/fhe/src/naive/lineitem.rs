//! The encrypted part of TPC-H's queries 1, 6, 12 and 14 (filters, groups, sums) over rows of which
//! every value is an encrypted integer.

use std::time::Instant;

use tfhe::{
    ClientKey, ConfigBuilder, FheBool, FheUint8, FheUint16, FheUint32, FheUint64, generate_keys, prelude::*,
    set_server_key,
};

use crate::naive::Measured;

/// A row as numbers: days, hundredths, and positions in dictionaries.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the columns of lineitem, orders and part")]
pub struct Line {
    pub ship: u16,
    pub commit: u16,
    pub receipt: u16,
    pub quantity: u8,
    pub price: u32,
    pub discount: u8,
    pub tax: u8,
    pub flag: u8,
    pub status: u8,
    pub mode: u8,
    pub priority: u8,
    pub part_type: u8,
}

/// The constants of a query.
#[derive(Debug, Clone)]
pub enum Question {
    /// Sums of quantity, price, discounted price, charge, discount and rows by flag and status, of rows
    /// shipped before a day.
    PricingSummary {
        /// Exclusive.
        ship_before: u16,
        /// Number of flags.
        flags: u8,
        /// Number of statuses.
        statuses: u8,
    },
    /// The sum of price times discount under three ranges.
    Revenue {
        /// Half open.
        ship: (u16, u16),
        /// Closed.
        discount: (u8, u8),
        /// Exclusive.
        quantity_below: u8,
    },
    /// Rows of urgent (`priority < urgent_below`) and of other orders by mode, received in time.
    ShippingModes {
        /// The modes asked for.
        modes: Vec<u8>,
        /// Half open.
        receipt: (u16, u16),
        /// Exclusive.
        urgent_below: u8,
    },
    /// The discounted price of promoted parts, and of all.
    Promotion {
        /// Half open.
        ship: (u16, u16),
        /// Half open range of part types.
        promoted: (u8, u8),
    },
}

/// A [`Line`], encrypted value by value.
struct Encrypted {
    ship: FheUint16,
    commit: FheUint16,
    receipt: FheUint16,
    quantity: FheUint8,
    price: FheUint32,
    discount: FheUint8,
    tax: FheUint8,
    flag: FheUint8,
    status: FheUint8,
    mode: FheUint8,
    priority: FheUint8,
    part_type: FheUint8,
}

impl Encrypted {
    fn new(line: &Line, key: &ClientKey) -> Self {
        let small = |value: u8| FheUint8::encrypt(value, key);
        let day = |value: u16| FheUint16::encrypt(value, key);
        Self {
            ship: day(line.ship),
            commit: day(line.commit),
            receipt: day(line.receipt),
            quantity: small(line.quantity),
            price: FheUint32::encrypt(line.price, key),
            discount: small(line.discount),
            tax: small(line.tax),
            flag: small(line.flag),
            status: small(line.status),
            mode: small(line.mode),
            priority: small(line.priority),
            part_type: small(line.part_type),
        }
    }

    fn price(&self) -> FheUint64 {
        FheUint64::cast_from(self.price.clone())
    }

    /// `price * (1 - discount)`, in units of 10^-4.
    fn discounted(&self) -> FheUint64 {
        let share: FheUint8 = 100u8 - &self.discount;
        self.price() * FheUint64::cast_from(share)
    }

    /// What the row adds to each sum of each group, and whether it does.
    fn addends(&self, question: &Question) -> Vec<(FheBool, Vec<FheUint64>)> {
        let within = |day: &FheUint16, (low, high): (u16, u16)| day.ge(low) & day.lt(high);
        let one = || FheUint64::encrypt_trivial(1u64);
        match question {
            Question::PricingSummary { ship_before, flags, statuses } => {
                let shipped = self.ship.lt(*ship_before);
                let discounted = self.discounted();
                let charge = &discounted * FheUint64::cast_from(100u8 + &self.tax);
                let values = vec![
                    FheUint64::cast_from(self.quantity.clone()),
                    self.price(),
                    discounted,
                    charge,
                    FheUint64::cast_from(self.discount.clone()),
                    one(),
                ];
                let groups = (0..*flags).flat_map(|flag| (0..*statuses).map(move |status| (flag, status)));
                groups
                    .map(|(flag, status)| {
                        let here = &shipped & &(self.flag.eq(flag) & self.status.eq(status));
                        (here, values.clone())
                    })
                    .collect()
            }
            Question::Revenue { ship, discount: (low, high), quantity_below } => {
                let cheap = self.discount.ge(*low) & self.discount.le(*high);
                let matches = within(&self.ship, *ship) & cheap & self.quantity.lt(*quantity_below);
                vec![(matches, vec![self.price() * FheUint64::cast_from(self.discount.clone())])]
            }
            Question::ShippingModes { modes, receipt, urgent_below } => {
                let in_order = self.commit.lt(&self.receipt) & self.ship.lt(&self.commit);
                let received = within(&self.receipt, *receipt) & in_order;
                let urgent = self.priority.lt(*urgent_below);
                modes
                    .iter()
                    .flat_map(|mode| {
                        let here = &received & &self.mode.eq(*mode);
                        [(&here & &urgent, vec![one()]), (&here & &!&urgent, vec![one()])]
                    })
                    .collect()
            }
            Question::Promotion { ship, promoted: (low, high) } => {
                let shipped = within(&self.ship, *ship);
                let promoted = self.part_type.ge(*low) & self.part_type.lt(*high);
                let discounted = self.discounted();
                vec![(&shipped & &promoted, vec![discounted.clone()]), (shipped, vec![discounted])]
            }
        }
    }
}

/// The sums of a question over some rows, group by group.
pub fn sums(lines: &[Line], question: &Question) -> Measured<Vec<u64>> {
    let (client, server) = generate_keys(ConfigBuilder::default().build());
    set_server_key(server);
    let rows: Vec<Encrypted> = lines.iter().map(|line| Encrypted::new(line, &client)).collect();
    let start = Instant::now();
    let zero = FheUint64::encrypt_trivial(0u64);
    let mut sums: Vec<FheUint64> = Vec::new();
    for row in &rows {
        let addends = row.addends(question);
        let addends = addends.iter().flat_map(|(here, values)| {
            let zero = &zero;
            values.iter().map(move |value| here.if_then_else(value, zero))
        });
        for (index, addend) in addends.enumerate() {
            match sums.get_mut(index) {
                Some(sum) => *sum += addend,
                None => sums.push(addend),
            }
        }
    }
    let elapsed = start.elapsed();
    let answer = sums.iter().map(|sum| sum.decrypt(&client)).collect();
    Measured { answer, rows: rows.len(), elapsed }
}

/// The same on plain numbers.
pub fn plain_sums(lines: &[Line], question: &Question) -> Vec<u64> {
    let mut sums: Vec<u64> = Vec::new();
    for line in lines {
        for (index, (here, value)) in plain_addends(line, question).into_iter().enumerate() {
            if sums.len() == index {
                sums.push(0);
            }
            sums[index] += if here { value } else { 0 };
        }
    }
    sums
}

fn plain_addends(line: &Line, question: &Question) -> Vec<(bool, u64)> {
    let price = u64::from(line.price);
    let discounted = price * (100 - u64::from(line.discount));
    match question {
        Question::PricingSummary { ship_before, flags, statuses } => {
            let charge = discounted * (100 + u64::from(line.tax));
            let values = [line.quantity.into(), price, discounted, charge, line.discount.into(), 1];
            let groups = (0..*flags).flat_map(|flag| (0..*statuses).map(move |status| (flag, status)));
            groups
                .flat_map(|group| {
                    let here = line.ship < *ship_before && group == (line.flag, line.status);
                    values.map(|value| (here, value))
                })
                .collect()
        }
        Question::Revenue { ship, discount: (low, high), quantity_below } => {
            let here = (ship.0..ship.1).contains(&line.ship)
                && (*low..=*high).contains(&line.discount)
                && line.quantity < *quantity_below;
            vec![(here, price * u64::from(line.discount))]
        }
        Question::ShippingModes { modes, receipt, urgent_below } => {
            let here = line.commit < line.receipt
                && line.ship < line.commit
                && (receipt.0..receipt.1).contains(&line.receipt);
            let urgent = line.priority < *urgent_below;
            let of_mode = |mode: &u8| {
                let here = here && line.mode == *mode;
                [(here && urgent, 1), (here && !urgent, 1)]
            };
            modes.iter().flat_map(of_mode).collect()
        }
        Question::Promotion { ship, promoted } => {
            let here = (ship.0..ship.1).contains(&line.ship);
            let promoted = (promoted.0..promoted.1).contains(&line.part_type);
            vec![(here && promoted, discounted), (here, discounted)]
        }
    }
}
