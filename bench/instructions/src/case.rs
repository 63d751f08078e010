//! A path that is counted.

/// One path.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// How often it is run before its instructions are counted, and then while they are.
    pub(crate) operations: u32,
    /// Makes what is run again and again.
    pub(crate) prepare: fn() -> Operation,
}

pub(crate) type Operation = Box<dyn FnMut()>;

impl Case {
    /// A path whose every operation costs the same, or that comes back to where it was after a few.
    pub(crate) fn new(name: impl Into<String>, prepare: fn() -> Operation) -> Self {
        Self { name: name.into(), operations: 1000, prepare }
    }

    /// A path that depends on chance, so that only many operations say what one costs.
    pub(crate) fn many(name: impl Into<String>, prepare: fn() -> Operation) -> Self {
        Self { operations: 20_000, ..Self::new(name, prepare) }
    }
}
