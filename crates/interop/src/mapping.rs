//! A mapping says in TOML how the rows of a file become drafts. `node-config/mappings/README.md` is its manual.
//!
//! Promises: [`Mapping::parse`] finds all faults at once, each with its line, column and mend; names of fields, values
//! and tables are checked against the schema before any row is read. Leaves out reading rows: see [`crate::rows`].

mod compile;
mod compile_field;
mod compile_record;
pub(crate) mod convert;
mod fault;
pub(crate) mod lookup;
pub(crate) mod pattern;
pub(crate) mod plan;
mod section;
mod shape;
pub(crate) mod template;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use selat_record::pb;

pub use fault::MappingFault;

use crate::rows::{ReadError, Rows};

/// Longest mapping in bytes.
pub const MAPPING_BYTES_MAX: usize = 1024 * 1024;

/// A mapping that has been checked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mapping(Arc<plan::Plan>);

impl Mapping {
    /// Checks the text of a mapping.
    pub fn parse(text: &str) -> Result<Self, Vec<MappingFault>> {
        compile::plan(text).map(|plan| Self(Arc::new(plan)))
    }

    /// Name of the mapping, for people.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Name of the source: with a row's key it says which record the row is about.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Days until the records expire, if the mapping says so.
    pub fn valid_days(&self) -> Option<u32> {
        self.0.valid_days
    }

    /// The further files that the mapping joins: their names in the mapping and where they lie beside the main file.
    pub fn joins(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.joins.iter().map(|join| (join.name.as_str(), join.file.as_str()))
    }

    /// Opens the main file, and the joined ones beside it or where `joins` says. `release_to` replaces the audience that
    /// the mapping gives; with neither, the records stay with their originator.
    pub fn open(
        &self,
        main: &Path,
        joins: &BTreeMap<String, PathBuf>,
        release_to: Option<pb::Audience>,
    ) -> Result<Rows, ReadError> {
        let folder = main.parent().unwrap_or(Path::new(""));
        let mut sources: BTreeMap<String, Box<dyn Read + Send>> = BTreeMap::new();
        for (name, file) in self.joins() {
            let path = joins.get(name).cloned().unwrap_or_else(|| folder.join(file));
            sources.insert(name.to_owned(), Box::new(open(&path)?));
        }
        self.read(open(main)?, sources, release_to)
    }

    /// Reads rows from an open file and its joins, which are read whole and first.
    pub fn read(
        &self,
        main: impl Read + Send + 'static,
        joins: BTreeMap<String, Box<dyn Read + Send>>,
        release_to: Option<pb::Audience>,
    ) -> Result<Rows, ReadError> {
        Rows::open(Arc::clone(&self.0), Box::new(main), joins, release_to)
    }
}

fn open(path: &Path) -> Result<File, ReadError> {
    File::open(path).map_err(|source| ReadError::Open { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
