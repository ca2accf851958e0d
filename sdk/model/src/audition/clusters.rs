//! Auditions of clusters: how many rows of each value of the label are in each of them. Clusters have no
//! right answer, so nothing is called an error; a table says how far they go along with the label.

use serde::{Deserialize, Serialize};
use sordino_protocol::answer::Answer;

use super::{ReadError, confusion::noise};

/// How counts become a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterReading {
    /// Names of the clusters.
    pub clusters: Vec<String>,
    /// The cluster of each class of the first grouping key; no row is in another.
    pub predicted: Vec<usize>,
    /// Names of the values of the label.
    pub labels: Vec<String>,
    /// Names of the groups; none without grouping.
    pub groups: Option<Vec<String>>,
    /// Position of the count among the released values.
    pub count: usize,
}

/// Clusters against a label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clustering {
    /// Names of the clusters.
    pub clusters: Vec<String>,
    /// Names of the values of the label.
    pub labels: Vec<String>,
    /// Standard deviation of the noise of a count; 0 when counts are exact.
    pub noise: f64,
    /// A withheld count is of fewer rows than this.
    pub min_cohort: u32,
    /// All rows together.
    pub all: ClusterTable,
    /// By group, where one was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ClusterTable>,
}

/// The rows of some group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterTable {
    /// Its name; empty for all rows.
    pub group: String,
    /// Rows by cluster, then by value of the label, as far as they are shown.
    pub rows: Vec<Vec<i64>>,
    /// How many counts are withheld in each cell.
    pub withheld: Vec<Vec<usize>>,
    /// The share of rows that have the most frequent label of their cluster; none where counts are
    /// withheld.
    pub purity: Option<f64>,
}

pub(super) fn read(reading: &ClusterReading, answer: &Answer) -> Result<Clustering, ReadError> {
    let of_groups = reading.groups.as_ref().map_or(1, Vec::len);
    let (labels, clusters) = (reading.labels.len(), reading.clusters.len());
    if answer.groups.len() != reading.predicted.len() * labels * of_groups {
        return Err(ReadError::NotThis("it has another number of groups"));
    }
    let name = |group: usize| reading.groups.as_ref().and_then(|names| names.get(group)).cloned();
    let mut tables: Vec<ClusterTable> = (0..of_groups)
        .map(|group| ClusterTable::new(name(group).unwrap_or_default(), clusters, labels))
        .collect();
    for (index, group) in answer.groups.iter().enumerate() {
        let (at, label, key) = (index % of_groups, index / of_groups % labels, index / of_groups / labels);
        let shown = match &group.values {
            None => None,
            Some(values) => *values.get(reading.count).ok_or(ReadError::NotThis("a count is missing"))?,
        };
        let cluster = reading.predicted[key];
        if cluster >= clusters {
            return Err(ReadError::NotThis("a cluster does not exist"));
        }
        match shown {
            Some(rows) => tables[at].rows[cluster][label] += rows,
            // With a cohort of one, what is not shown is 0.
            None => tables[at].withheld[cluster][label] += usize::from(answer.min_cohort > 1),
        }
    }
    let cells = answer.groups.iter().filter(|group| group.values.is_some()).count();
    if cells == 0 {
        return Err(ReadError::Withheld { min_cohort: answer.min_cohort });
    }
    let mut all = ClusterTable::new(String::new(), clusters, labels);
    tables.iter().for_each(|table| all.add(table));
    all.finish();
    tables.iter_mut().for_each(ClusterTable::finish);
    Ok(Clustering {
        clusters: reading.clusters.clone(),
        labels: reading.labels.clone(),
        noise: noise(answer)?,
        min_cohort: answer.min_cohort,
        all,
        groups: if reading.groups.is_some() { tables } else { Vec::new() },
    })
}

impl ClusterTable {
    fn new(group: String, clusters: usize, labels: usize) -> Self {
        let (rows, withheld) = (vec![vec![0; labels]; clusters], vec![vec![0; labels]; clusters]);
        Self { group, rows, withheld, purity: None }
    }

    fn add(&mut self, other: &Self) {
        for (cluster, labels) in other.rows.iter().enumerate() {
            for (label, rows) in labels.iter().enumerate() {
                self.rows[cluster][label] += rows;
                self.withheld[cluster][label] += other.withheld[cluster][label];
            }
        }
    }

    fn finish(&mut self) {
        let rows: i64 = self.rows.iter().flatten().sum();
        let known = self.withheld.iter().flatten().all(|hidden| *hidden == 0);
        let most = |labels: &Vec<i64>| labels.iter().copied().max().unwrap_or(0);
        let of_most: i64 = self.rows.iter().map(most).sum();
        self.purity = (known && rows > 0).then(|| of_most as f64 / rows as f64);
    }
}
